"""Computes the training losses in nats a token: next token for GPT-2 and the causal model, score entropy for SEDD and MDLM."""
import torch
import torch.nn.functional as F

from evaluate import shifted, token_loss
from model import EPS, total_noise

FLOOR = 0.03  # smallest t in training; below it, a few tokens would have weights of hundreds


def next_token(model, ids: torch.Tensor, end: int) -> torch.Tensor:
    inputs = shifted(ids, end)
    logits = model.next_logits(inputs)
    return F.cross_entropy(logits.flatten(0, 1), ids.flatten())


def times(count: int, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    """Returns stratified noise times in (FLOOR, 1): (u + i / B) mod 1, in an order that spreads them over micro-batches."""
    u = torch.rand(1, device=device, generator=generator)
    spread = torch.randperm(count, device=device, generator=generator) / count
    return FLOOR + (1 - FLOOR) * ((u + spread) % 1)


def noised(ids: torch.Tensor, t: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draws which positions are masked at time t."""
    return torch.rand(ids.shape, device=ids.device, generator=generator) < (1 - EPS) * t[:, None]


def score_entropy(model, ids: torch.Tensor, t: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
    """Returns (1/t) (cross-entropy + Z - 1 - ln Z) over masked tokens, with Z = 1 for an MDLM. The head runs on those rows
    only."""
    states = model.hidden(ids.masked_fill(masked, model.vocab), total_noise(t))[masked]
    entropy, calibration = token_loss(model, states, ids[masked])
    weight = (1 / t)[:, None].expand(ids.shape)[masked]
    return ((entropy + calibration) * weight).sum() / ids.numel()
