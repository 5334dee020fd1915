"""Several processes that share a step on one processor: each takes some of its micro-batches, the gradients are summed.

Two processes of one thread train 1.4 times as fast as one of two threads (2 cores, d192 x 6), because PyTorch's
element-wise operations and small products hardly gain from threads. Sums are made in the order of the ranks, so a
run with the same number of workers has the same bytes.
"""
import mmap
import multiprocessing
import os

import torch

ROOM = 1 << 29  # bytes a worker may share; only what is written takes memory
PATIENCE = 900.0  # seconds after which a worker that does not come is taken for dead


class Workers:
    """Forks count - 1 copies of this process: make it before PyTorch has computed anything."""

    def __init__(self, count: int):
        self.count, self.rank = count, 0
        if count == 1:
            return
        self.barrier = multiprocessing.get_context("fork").Barrier(count, timeout=PATIENCE)
        room = mmap.mmap(-1, count * ROOM)
        for rank in range(1, count):
            if os.fork() == 0:
                self.rank = rank
                break
        self.slots = [torch.frombuffer(room, dtype=torch.float32, count=ROOM // 4, offset=i * ROOM) for i in range(count)]

    @property
    def first(self) -> bool:
        """Whether this process writes files and the log."""
        return self.rank == 0

    def share(self, pieces) -> list:
        """This worker's part of a step's micro-batches."""
        pieces = list(pieces)
        if len(pieces) < self.count:
            raise SystemExit(f"{len(pieces)} micro-batches a step cannot keep {self.count} workers busy: lower `micro` or --workers")
        return pieces[self.rank::self.count]

    def meet(self) -> None:
        """Waits for all: what one wrote before, the others can read after."""
        if self.count > 1:
            self.barrier.wait()

    def add(self, tensors: list[torch.Tensor]) -> None:
        """Every tensor becomes its sum over the workers."""
        if self.count == 1:
            return
        length = sum(t.numel() for t in tensors)
        if length * 4 > ROOM:
            raise SystemExit(f"{length * 4 >> 20} MiB to share, {ROOM >> 20} at most: train this size with one worker")
        torch.cat([t.reshape(-1) for t in tensors], out=self.slots[self.rank][:length])
        self.meet()
        total = self.slots[0][:length].clone()
        for slot in self.slots[1:]:
            total += slot[:length]
        self.meet()  # nobody writes before everybody has read
        for t, part in zip(tensors, total.split([t.numel() for t in tensors])):
            t.copy_(part.view_as(t))
