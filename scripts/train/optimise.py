"""Learning rate, weight decay groups and the moving average of the weights."""
import math
from contextlib import contextmanager

import torch
from torch import nn


def rate(step: int, c: dict) -> float:
    """Linear warm-up, a plateau, then a cosine down to `floor` over the last `decay` steps. Before that cosine the
    rate does not depend on `steps`: a run can be made longer by a larger number there."""
    warm = min(1.0, (step + 1) / max(1, c["warmup"]))
    done = max(0.0, (step - (c["steps"] - c["decay"])) / max(1, c["decay"]))
    fall = c["floor"] + (1 - c["floor"]) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return c["lr"] * warm * fall


def optimizer(model: nn.Module, c: dict, device: torch.device) -> torch.optim.Optimizer:
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if p.ndim != 2]
    groups = [{"params": matrices, "weight_decay": c["weight_decay"]}, {"params": vectors, "weight_decay": 0.0}]
    fast = {"fused": True} if device.type == "cuda" else {"foreach": True}
    return torch.optim.AdamW(groups, lr=c["lr"], betas=(0.9, 0.98), eps=1e-8, **fast)


class Average:
    """Exponential moving average; its rate rises as (1 + n) / (10 + n) up to `decay`."""

    def __init__(self, model: nn.Module, decay: float):
        self.model, self.decay, self.count = model, decay, 0
        self.shadow = [p.detach().clone() for p in model.parameters()]

    def update(self) -> None:
        keep = min(self.decay, (1 + self.count) / (10 + self.count))
        self.count += 1
        torch._foreach_mul_(self.shadow, keep)
        torch._foreach_add_(self.shadow, [p.detach() for p in self.model.parameters()], alpha=1 - keep)

    @contextmanager
    def swapped(self):
        """Inside, the model has the averaged weights and is in evaluation mode."""
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
