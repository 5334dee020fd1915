"""Shares a step between processes on one processor: each takes some of its micro-batches, and the gradients are summed.

Two processes of one thread train 1.4 times as fast as one of two threads (2 cores, d192 x 6), because PyTorch's
element-wise operations and small products hardly gain from threads. Sums are made in the order of the ranks, so a
run with the same number of workers has the same bytes.

Only the first process writes files and heeds signals. The others hold nothing that is worth saving: the first ends
them when it exits, and each ends itself when its socket to the first closes.
"""
import atexit
import mmap
import os
import signal
import socket
import sys

import torch

ROOM = 1 << 29  # bytes that a worker may share; only written pages take memory


class WorkerLost(Exception):
    """Raised when a worker ends in the middle of a step, so that its gradients are incomplete."""


class Workers:
    """Forks count - 1 copies of this process. Make it before PyTorch computes anything."""

    def __init__(self, count: int):
        self.count, self.rank = count, 0
        self.links, self.children = [], []
        if count == 1:
            return
        room = mmap.mmap(-1, count * ROOM)
        for rank in range(1, count):
            ours, theirs = socket.socketpair()
            child = os.fork()
            if child == 0:
                self._become(rank, theirs, [*self.links, ours])
                break
            theirs.close()
            self.links.append(ours)
            self.children.append(child)
        if self.first:
            atexit.register(self._end_children)
        self.slots = [torch.frombuffer(room, dtype=torch.float32, count=ROOM // 4, offset=i * ROOM) for i in range(count)]

    def _become(self, rank: int, link: socket.socket, others: list[socket.socket]) -> None:
        """Makes this process worker `rank`: the first one decides when to stop and says what is wrong with the input."""
        self.rank, self.children = rank, []
        for other in others:
            other.close()
        self.links = [link]
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.stderr, sys.stderr = sys.stderr, open(os.devnull, "w")

    def _end_children(self) -> None:
        for child in self.children:
            try:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            except (ProcessLookupError, ChildProcessError):
                pass

    @property
    def first(self) -> bool:
        """Tells whether this process writes files and the log."""
        return self.rank == 0

    def share(self, pieces) -> list:
        """Returns this worker's part of a step's micro-batches."""
        pieces = list(pieces)
        if len(pieces) < self.count:
            raise SystemExit(f"{len(pieces)} micro-batches a step cannot keep {self.count} workers busy; "
                             "lower `micro` or --workers")
        if not self.first:
            sys.stderr = self.stderr
        return pieces[self.rank::self.count]

    def meet(self) -> None:
        """Waits for all workers: what one wrote before, the others can read after. Raises WorkerLost in the first one."""
        if self.count == 1:
            return
        if self.first:
            for rank in range(1, self.count):
                self._hear(rank)
            for rank in range(1, self.count):
                self._answer(rank)
            return
        try:
            self.links[0].send(b".")
            if self.links[0].recv(1):
                return
        except OSError:
            pass
        os._exit(1)  # the first worker has ended

    def _hear(self, rank: int) -> None:
        """Waits until worker `rank` is there. A worker that was killed closes its socket, or resets it if a byte was unread."""
        try:
            if self.links[rank - 1].recv(1):
                return
        except OSError:
            pass
        raise self._lost(rank)

    def _answer(self, rank: int) -> None:
        try:
            self.links[rank - 1].send(b".")
        except OSError:
            raise self._lost(rank) from None

    def _lost(self, rank: int) -> WorkerLost:
        return WorkerLost(f"worker {rank} of {self.count} has ended")

    def add(self, tensors: list[torch.Tensor]) -> None:
        """Replaces every tensor by its sum over the workers."""
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
        self.meet()  # all workers must have read before any writes again
        for t, part in zip(tensors, total.split([t.numel() for t in tensors])):
            t.copy_(part.view_as(t))
