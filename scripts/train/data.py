"""Opens a pack of prepare.py, computes the hashes that identify it, and draws windows from its text.

Every draw depends only on a generator that the caller seeds, so a step can be repeated from its number alone.
"""
import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from tokenizer import fingerprint


class Pack:
    """Opens a pack for windows of `length` tokens. Refuses one that was prepared for another length."""

    def __init__(self, folder: Path, length: int):
        if not (folder / "data.json").is_file():
            raise SystemExit(f"{folder} has no data.json; make a pack with prepare.py")
        self.folder, self.about = folder, json.loads((folder / "data.json").read_text())
        if self.about["length"] != length:
            raise SystemExit(f"{folder} was prepared with --length {self.about['length']}, the configuration has windows "
                             f"of {length}; prepare a pack with --length {length}")
        self.tokenizer = fingerprint(folder / "tokenizer.json")
        if self.about.get("tokenizer", self.tokenizer) != self.tokenizer:
            raise SystemExit(f"{folder}/tokenizer.json is not the one that the text was packed with; run prepare.py again")

    def digest(self) -> str:
        """Returns the SHA-256 of everything a run reads: tokenizer, ids, starts, weights and validation windows."""
        total = hashlib.sha256(self.tokenizer.encode())
        for corpus in self.about["corpora"]:
            total.update(json.dumps([corpus["name"], corpus["weight"]]).encode())
            for ending in (".bin", ".starts.npy"):
                total.update((self.folder / (corpus["name"] + ending)).read_bytes())
        total.update((self.folder / "valid.npy").read_bytes())
        return total.hexdigest()

    def check_model(self, model: Path) -> None:
        """Refuses a model folder whose tokenizer gives other ids than the pack's."""
        path = model / "tokenizer.json"
        if not path.is_file():
            raise SystemExit(f"{model} has no tokenizer.json, so nothing shows that it reads the ids of {self.folder}")
        if fingerprint(path) != self.tokenizer:
            raise SystemExit(f"{path} is not the tokenizer of {self.folder}; prepare the pack with --tokenizer {path}")


class Text:
    """All corpora of a pack in one array. Draws windows from each corpus in proportion to weight x size."""

    def __init__(self, pack: Pack, length: int, device: torch.device):
        ids, starts, base, places, first, counts, share = [], [], [], [], [], [], []
        for corpus in pack.about["corpora"]:
            part = np.fromfile(pack.folder / f"{corpus['name']}.bin", np.uint16)
            begin = np.load(pack.folder / f"{corpus['name']}.starts.npy")
            begin = begin[begin <= len(part) - length]
            if not len(begin):
                raise SystemExit(f"{pack.folder}: {corpus['name']} has {len(part)} tokens and no document that starts "
                                 f"a window of {length}")
            base.append(sum(map(len, ids)))
            first.append(sum(map(len, starts)))
            starts.append(begin + base[-1])
            places.append(len(part) - length + 1)
            counts.append(len(begin))
            share.append(corpus["weight"] * len(part))
            ids.append(part.astype(np.int32))
        at = lambda values: torch.tensor(np.array(values), device=device)  # noqa: E731
        self.vocab, self.length, self.device = pack.about["vocab"], length, device
        self.ids, self.starts = at(np.concatenate(ids)), at(np.concatenate(starts))
        self.base, self.places, self.first, self.counts = at(base), at(places), at(first), at(counts)
        self.edges = at(np.cumsum(share)[:-1] / np.sum(share))

    def windows(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Returns ids [count, length]; half the windows begin where a document does."""
        u = torch.rand(3, count, dtype=torch.float64, device=self.device, generator=generator)
        corpus = torch.bucketize(u[0], self.edges)
        anywhere = self.base[corpus] + (u[1] * self.places[corpus]).long()
        start = self.starts[self.first[corpus] + (u[1] * self.counts[corpus]).long()]
        begin = torch.where(u[2] < 0.5, start, anywhere)
        return self.ids[begin[:, None] + torch.arange(self.length, device=self.device)].long()


def generator(device: torch.device, seed: int, step: int) -> torch.Generator:
    """Returns the random numbers of one step."""
    mixed = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1)
    return torch.Generator(device).manual_seed(int(mixed))
