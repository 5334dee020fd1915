"""Packed text on the training device, and windows drawn from it.

Every draw depends only on a generator that the caller seeds, so a step can be repeated from its number alone.
"""
import json
from pathlib import Path

import numpy as np
import torch


class Text:
    """All folders of a pack, one after the other, with what is needed to draw windows in proportion to weight x size."""

    def __init__(self, pack: Path, length: int, device: torch.device):
        about = json.loads((pack / "data.json").read_text())
        ids, starts, base, places, first, counts, share = [], [], [], [], [], [], []
        for corpus in about["corpora"]:
            part = np.fromfile(pack / f"{corpus['name']}.bin", np.uint16)
            begin = np.load(pack / f"{corpus['name']}.starts.npy")
            begin = begin[begin <= len(part) - length]
            if not len(begin):
                raise SystemExit(f"{pack}: {corpus['name']} has {len(part)} tokens, fewer than a window of {length}")
            base.append(sum(map(len, ids)))
            first.append(sum(map(len, starts)))
            starts.append(begin + base[-1])
            places.append(len(part) - length + 1)
            counts.append(len(begin))
            share.append(corpus["weight"] * len(part))
            ids.append(part.astype(np.int32))
        at = lambda values: torch.tensor(np.array(values), device=device)  # noqa: E731
        self.vocab, self.length, self.device = about["vocab"], length, device
        self.ids, self.starts = at(np.concatenate(ids)), at(np.concatenate(starts))
        self.base, self.places, self.first, self.counts = at(base), at(places), at(first), at(counts)
        self.edges = at(np.cumsum(share)[:-1] / np.sum(share))

    def windows(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """ids [count, length]; half the windows begin where a document does."""
        u = torch.rand(3, count, dtype=torch.float64, device=self.device, generator=generator)
        corpus = torch.bucketize(u[0], self.edges)
        anywhere = self.base[corpus] + (u[1] * self.places[corpus]).long()
        start = self.starts[self.first[corpus] + (u[1] * self.counts[corpus]).long()]
        begin = torch.where(u[2] < 0.5, start, anywhere)
        return self.ids[begin[:, None] + torch.arange(self.length, device=self.device)].long()


def generator(device: torch.device, seed: int, step: int) -> torch.Generator:
    """The random numbers of one step."""
    mixed = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1)
    return torch.Generator(device).manual_seed(int(mixed))
