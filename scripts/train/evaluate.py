"""Measures a model folder on packed validation windows with PyTorch, as the reference for the C engine.

Usage: python3 evaluate.py MODEL --windows FILE [--reps 8] [--seed 0] [--count N]
FILE is a JSON list of id lists, an object with "valid_windows": {"ids": ...}, or a .npy written by prepare.py.
Prints one JSON line: nats_per_token and stderr over windows.
With --judge GPT2 a SEDD writes --texts texts for each number in --steps and each --temperature, and the judge's nats a
token and the entropy of the tokens within a text are printed instead, beside those of the windows.
"""
import machine  # noqa: F401  first: it sets what PyTorch reads when imported

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from model import GPT2, load, total_noise


def read_windows(path: Path) -> np.ndarray:
    if str(path).endswith(".npy"):
        return np.load(path).astype(np.int64)
    data = json.loads(Path(path).read_text())
    return np.array(data["valid_windows"]["ids"] if isinstance(data, dict) else data, np.int64)


def shifted(ids: torch.Tensor, end_of_text: int) -> torch.Tensor:
    """Returns what an autoregressive model reads: end-of-text, then all ids but the last."""
    return torch.cat([torch.full_like(ids[:, :1], end_of_text), ids[:, :-1]], 1)


@torch.no_grad()
def nll(model, windows: torch.Tensor) -> np.ndarray:
    """Returns the exact nats a token of each window."""
    out = []
    for ids in windows.split(32):
        logits = model.next_logits(shifted(ids, model.vocab - 1))
        loss = F.cross_entropy(logits.flatten(0, 1), ids.flatten(), reduction="none")
        out.append(loss.view(ids.shape).mean(1))
    return torch.cat(out).double().cpu().numpy()


@torch.no_grad()
def bound(model, windows: torch.Tensor, reps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Estimates the nats a token of each window with k masks: k uniform over 1..L, stratified over windows and
    repetitions; (L/k) times the summed loss of the masked tokens, divided by L. Returns the estimate with
    softmax-normalised scores and the one with the scores as they are (score entropy)."""
    random = np.random.default_rng(seed)
    count, length = windows.shape
    plain, entropy = np.zeros(count), np.zeros(count)
    for _ in range(reps):
        k = np.floor((np.argsort(random.random(count)) + random.random(count)) / count * length).astype(int) + 1
        ranks = np.argsort(np.argsort(random.random((count, length)), 1), 1)
        for rows in np.array_split(np.arange(count), max(1, count // 32)):
            masked = torch.from_numpy(ranks[rows] < k[rows, None]).to(windows.device)
            ids = windows[torch.from_numpy(rows).to(windows.device)]
            t = torch.from_numpy(k[rows] / length).float().to(windows.device)
            states = model.hidden(ids.masked_fill(masked, model.vocab), total_noise(t))[masked]
            ce, extra = token_loss(model, states, ids[masked])
            weight = torch.zeros_like(ids, dtype=torch.float32)
            for loss, total in ((ce, plain), (ce + extra, entropy)):
                weight[masked] = loss
                total[rows] += (weight.sum(1) / t / length).double().cpu().numpy() / reps
    return plain, entropy


def token_loss(model, states: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the score entropy of masked tokens without its weight 1/t, in two parts: cross-entropy, and Z - 1 - ln Z."""
    logits = model.logits(states)
    total = logits.logsumexp(-1)
    log_z = model.log_z(total)
    return total - logits.gather(-1, target[:, None])[:, 0], log_z.exp() - 1 - log_z


def summary(values: np.ndarray) -> dict:
    return {"nats_per_token": round(float(values.mean()), 5),
            "stderr": round(float(values.std(ddof=1) / math.sqrt(len(values))), 5)}


def measure(model, windows: torch.Tensor, reps: int, seed: int) -> dict:
    if isinstance(model, GPT2):
        return {"nll": summary(nll(model, windows)), "windows": len(windows)}
    plain, entropy = bound(model, windows, reps, seed)
    return {"bound_normalised": summary(plain), "bound_score_entropy": summary(entropy), "windows": len(windows),
            "reps": reps, "seed": seed}


@torch.no_grad()
def sample(model, count: int, steps: int, seed: int, temperature: float = 1.0) -> torch.Tensor:
    """Draws ids [count, L] with the analytic sampler in double precision; for looking at text while training."""
    torch.manual_seed(seed)
    x = torch.full((count, model.length), model.vocab)
    times = torch.linspace(1, 1e-5, steps + 1, dtype=torch.float64)
    for i in range(steps + 1):
        sigma = total_noise(times[i])
        masked = x == model.vocab
        if not masked.any():
            break
        logits = model.logits(model.hidden(x, sigma.float().expand(count))[masked]).double()
        log_z = model.log_z(logits.logsumexp(-1))
        opened = (logits / temperature).softmax(-1).multinomial(1)[:, 0]
        if i < steps:
            rise = torch.expm1(sigma - total_noise(times[i + 1])) / torch.expm1(sigma)
            opened[torch.rand(len(opened), dtype=torch.float64) >= rise * log_z.exp()] = model.vocab
        x[masked] = opened
    return x


def diversity(ids: torch.Tensor) -> np.ndarray:
    """Returns the entropy, in nats, of the tokens within each text."""
    out = []
    for row in ids.cpu().numpy():
        share = np.unique(row, return_counts=True)[1] / len(row)
        out.append(-(share * np.log(share)).sum())
    return np.array(out)


def judged(judge, ids: torch.Tensor) -> dict:
    return {"judge": summary(nll(judge, ids)), "entropy": summary(diversity(ids))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--windows", type=Path, required=True)
    parser.add_argument("--reps", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int)
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--steps", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--temperature", type=float, nargs="+", default=[1.0])
    args = parser.parse_args()
    windows = torch.from_numpy(read_windows(args.windows))[:args.count]
    if args.judge:
        model, judge = load(args.model), load(args.judge)
        print(json.dumps({"windows": judged(judge, windows)}), flush=True)
        for steps in args.steps:
            for temperature in args.temperature:
                ids = sample(model, args.texts, steps, args.seed, temperature)
                print(json.dumps({"steps": steps, "temperature": temperature, **judged(judge, ids)}), flush=True)
        return
    print(json.dumps(measure(load(args.model), windows, args.reps, args.seed)))


if __name__ == "__main__":
    main()
