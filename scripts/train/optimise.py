"""Defines the learning rate, the optimisers and the averages of the weights."""
import math
from contextlib import contextmanager

import torch
from torch import nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # quintic coefficients of Jordan et al. 2024


def rate(step: int, c: dict) -> float:
    """Returns the rate of a step: linear warm-up, a plateau, then a cosine down to `floor` over the last `decay` steps.
    Before that cosine the rate does not depend on `steps`, so a larger number there makes a run longer. An anneal falls
    in a straight line to zero from the rate at which it left its plateau: Bergsma et al. 2025 (arXiv 2502.15938) find
    that better than a cosine to a floor, and Haegele et al. 2024 (arXiv 2405.18392) than a cosine of the same length."""
    if "anneal" in c:
        anneal = c["anneal"]
        return anneal["lr"] * max(0.0, 1 - (step - anneal["from"]) / anneal["steps"])
    warm = min(1.0, (step + 1) / max(1, c["warmup"]))
    done = max(0.0, (step - (c["steps"] - c["decay"])) / max(1, c["decay"]))
    fall = c["floor"] + (1 - c["floor"]) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return c["lr"] * warm * fall


def orthogonal(matrices: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Returns stacked matrices [n, r, c] with their singular vectors kept and their singular values near 1, by Newton-Schulz
    iteration with bfloat16 products, as published. Values of at least a fiftieth of the largest end in 0.65 to 1.25."""
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.transpose(-1, -2) if tall else matrices).contiguous()
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).bfloat16()
    for _ in range(steps):
        square = x @ x.transpose(-1, -2)
        x = a * x + (b * square + c * (square @ square)) @ x
    return (x.transpose(-1, -2) if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised, for the matrices of the blocks.

    Jordan et al. 2024 (github.com/KellerJordan/Muon): momentum 0.95 with Nesterov, five Newton-Schulz steps. Liu et al.
    2025 (arXiv 2502.16982): an update is scaled by 0.2 sqrt(max(rows, columns)), so that it is as large as AdamW's and
    takes AdamW's weight decay. A matrix that is three times as long as wide is treated as three: query, key and value.
    """

    def __init__(self, parameters, lr: float, weight_decay: float, momentum: float = 0.95):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            same = {}  # shape -> (view of the weights, their update) for every part of that shape
            for p in group["params"]:
                if p.grad is None:
                    continue
                for view, update in zip(thirds(p), thirds(self._nesterov(p, group["momentum"]))):
                    same.setdefault(tuple(view.shape), []).append((view, update))
            for shape, parts in same.items():
                size = 0.2 * math.sqrt(max(shape))
                for (view, _), update in zip(parts, orthogonal(torch.stack([update for _, update in parts]))):
                    view.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * size)

    def _nesterov(self, p: torch.Tensor, keep: float) -> torch.Tensor:
        if p not in self.state:
            self.state[p] = {"momentum_buffer": torch.zeros_like(p)}
        buffer = self.state[p]["momentum_buffer"]
        buffer.lerp_(p.grad, 1 - keep)
        return p.grad.lerp(buffer, keep)


def thirds(matrix: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Returns query, key and value of a fused matrix, [3H, H] (SEDD) or [H, 3H] (GPT-2); or any other matrix whole."""
    rows, columns = matrix.shape
    if rows == 3 * columns:
        return matrix.split(columns, 0)
    return matrix.split(rows, 1) if columns == 3 * rows else (matrix,)


class Optimizers:
    """The optimisers of a configuration: "adamw" for every weight, or "muon" for the matrices of the blocks
    and AdamW at half the rate for the rest (embedding, head, noise level, modulations, vectors)."""

    def __init__(self, model: nn.Module, c: dict, device: torch.device):
        kind = c.get("optimizer", "adamw")
        if kind not in ("adamw", "muon"):
            raise SystemExit(f'optimizer "{kind}": "adamw" or "muon"')
        blocks = [p for name, p in model.named_parameters() if kind == "muon" and in_block(name, p)]
        taken = set(map(id, blocks))
        rest = [p for p in model.parameters() if id(p) not in taken]
        groups = [{"params": [p for p in rest if p.ndim == 2], "weight_decay": c["weight_decay"]},
                  {"params": [p for p in rest if p.ndim != 2], "weight_decay": 0.0}]
        fast = {"fused": True} if device.type == "cuda" else {"foreach": True}
        self.share = [0.5 if blocks else 1.0]
        self.all = [torch.optim.AdamW(groups, lr=c["lr"], betas=(0.9, 0.98), eps=1e-8, **fast)]
        if blocks:
            self.share.append(1.0)
            self.all.append(Muon(blocks, c["lr"], c["weight_decay"]))

    def step(self, lr: float) -> None:
        for optimizer, share in zip(self.all, self.share):
            for group in optimizer.param_groups:
                group["lr"] = lr * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state(self) -> list[dict]:
        return [optimizer.state_dict() for optimizer in self.all]

    def restore(self, states: list[dict]) -> None:
        """Takes the moments of a saved run; every setting stays that of the configuration and of this machine."""
        if len(states) != len(self.all):
            raise SystemExit("state.pt was written by another optimizer: start from last/ with --start and another --out")
        for optimizer, state in zip(self.all, states):
            for group, own in zip(state["param_groups"], optimizer.param_groups):
                group.update({key: value for key, value in own.items() if key != "params"})
            optimizer.load_state_dict(state)


def in_block(name: str, p: torch.Tensor) -> bool:
    """Returns whether Muon takes it: attention and MLP matrices of a block, not its modulation."""
    return p.ndim == 2 and name.startswith(("blocks.", "h.")) and "adaLN" not in name


class Average:
    """Exponential moving average; its rate rises as (1 + n) / (10 + n) up to `decay`."""

    def __init__(self, model: nn.Module, decay: float):
        self.model, self.decay, self.count = model, decay, 0
        self.shadow = [p.detach().clone() for p in model.parameters()]

    def keep(self) -> float:
        """Returns the share of the old average in the next one."""
        return min(self.decay, (1 + self.count) / (10 + self.count))

    def update(self) -> None:
        keep = self.keep()
        self.count += 1
        torch._foreach_mul_(self.shadow, keep)
        torch._foreach_add_(self.shadow, [p.detach() for p in self.model.parameters()], alpha=1 - keep)

    @contextmanager
    def swapped(self):
        """Gives the model the averaged weights and evaluation mode inside the context."""
        weights = [p.detach().clone() for p in self.model.parameters()]
        self._copy(self.shadow)
        self.model.eval()
        try:
            yield self.model
        finally:
            self._copy(weights)
            self.model.train()

    def _copy(self, source: list[torch.Tensor]) -> None:
        with torch.no_grad():
            for p, value in zip(self.model.parameters(), source):
                p.copy_(value)

    def state(self) -> dict:
        return {"count": self.count, "shadow": self.shadow}

    def restore(self, state: dict) -> None:
        self.count, self.shadow = state["count"], [s.to(p.device) for s, p in zip(state["shadow"], self.shadow)]


class Mean(Average):
    """The mean of the weights after each update, with equal weights. The initial weights do not count."""

    def __init__(self, model: nn.Module):
        super().__init__(model, 1.0)

    def keep(self) -> float:
        return self.count / (self.count + 1)
