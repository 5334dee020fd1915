"""Writes eval.json: likelihoods and choices of the golden models absorb (SEDD) and gpt2, and measures of small sets of texts.

usage: python3 tests/golden/make_eval.py        (needs numpy)

Float64, sharing nothing with core/. Bounds are exact expectations: every set of masked places is evaluated once, so that
what the engine estimates from random masks can be held to a number. Texts are measured by the definitions, with dictionaries.
"""

from __future__ import annotations

import collections
import itertools
import json
import math
import pathlib
import struct
import types

import numpy as np

from make_golden import Model, gelu

HERE = pathlib.Path(__file__).parent


def read_tensors(path: pathlib.Path) -> dict[str, np.ndarray]:
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(raw[8 + size:][slice(*t["data_offsets"])], np.float32).reshape(t["shape"]).astype(np.float64)
            for name, t in header.items()}


def surprise(logits: np.ndarray, target: int) -> float:
    top = logits.max()
    return float(top + np.log(np.exp(logits - top).sum()) - logits[target])


# ---- SEDD ----------------------------------------------------------------------------------


class Sedd(Model):
    def __init__(self, folder: pathlib.Path):
        c = json.loads((folder / "config.json").read_text())
        m = c["model"]
        self.config = types.SimpleNamespace(V=c["tokens"], N=c["tokens"] + 1, H=m["hidden_size"], h=m["n_heads"], blocks=m["n_blocks"],
                                            K=m["cond_dim"], noise="loglinear", absorb=True, scale_by_sigma=m["scale_by_sigma"])
        self.weights = read_tensors(folder / "model.safetensors")

    def masked_sum(self, ids, masked, counted, share):
        """Sum of cross-entropies at `counted` when `masked` are masked and the network is told the noise of `share`."""
        x = np.array(ids)
        x[list(masked)] = self.config.V
        score = self.log_score(x, -math.log1p(-min(share, 1 - 1e-3)))
        return sum(surprise(score[place, :self.config.V], ids[place]) for place in counted)

    def bound(self, ids, given):
        """Mean over k = 1..n and over sets of k targets of n/k times the sum over the set."""
        n, total = len(ids) - given, 0.0
        for k in range(1, n + 1):
            sets = list(itertools.combinations(range(given, len(ids)), k))
            total += sum(self.masked_sum(ids, s, s, k / n) for s in sets) / len(sets) * n / k / n
        return total

    def chain(self, ids, given):
        n = len(ids) - given
        return sum(self.masked_sum(ids, range(given + j, len(ids)), [given + j], (n - j) / n) for j in range(n))


# ---- GPT-2 ---------------------------------------------------------------------------------


class Gpt2:
    def __init__(self, folder: pathlib.Path):
        c = json.loads((folder / "config.json").read_text())
        self.heads, self.layers, self.weights = c["n_head"], c["n_layer"], read_tensors(folder / "model.safetensors")

    def norm(self, x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def hidden(self, ids):
        x = self.weights["wte.weight"][ids] + self.weights["wpe.weight"][:len(ids)]
        mask = np.where(np.tri(len(ids)) > 0, 0.0, -np.inf)
        for i in range(self.layers):
            q, k, v = (part.reshape(len(ids), self.heads, -1)
                       for part in np.split(self.linear(self.norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn"), 3, -1))
            score = np.einsum("qhd,khd->hqk", q, k) / math.sqrt(q.shape[-1]) + mask
            score = np.exp(score - score.max(-1, keepdims=True))
            score /= score.sum(-1, keepdims=True)
            x = x + self.linear(np.einsum("hqk,khd->qhd", score, v).reshape(x.shape), f"h.{i}.attn.c_proj")
            x = x + self.linear(gelu(self.linear(self.norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc")), f"h.{i}.mlp.c_proj")
        return self.norm(x, "ln_f")

    def nll(self, inputs, targets):
        """-ln p of each of the last targets, aligned with the end of the inputs."""
        logits = self.hidden(inputs) @ self.weights["wte.weight"].T
        return [surprise(row, target) for row, target in zip(logits[-len(targets):], targets)]

    def blocks(self, ids, rows, bos):
        return [v for i in range(0, len(ids), rows) for v in self.nll([bos] + ids[i:i + rows][:-1], ids[i:i + rows])]

    def sliding(self, ids, rows, bos, stride):
        parts = self.nll([bos] + ids[:rows - 1], ids[:rows])
        while len(parts) < len(ids):
            end = min(len(parts) + stride, len(ids))
            parts += self.nll(ids[end - 1 - rows:end - 1], ids[len(parts):end])
        return parts


# ---- Texts ---------------------------------------------------------------------------------


def grams(text, n):
    return [tuple(text[i:i + n]) for i in range(len(text) - n + 1)]


def entropy(text):
    return -sum(c / len(text) * math.log(c / len(text)) for c in collections.Counter(text).values())


def bleu(text, others):
    total = 0.0
    for n in range(1, 5):
        own = collections.Counter(grams(text, n))
        most = collections.Counter()
        for other in others:
            most |= collections.Counter(grams(other, n))
        matches = sum(min(count, most[gram]) for gram, count in own.items())
        total += math.log(max(matches, 0.1) / max(1, len(text) - n + 1)) / 4
    closest = min((abs(len(o) - len(text)), len(o)) for o in others)[1]
    return math.exp(total + min(0.0, 1 - closest / len(text)))


def divergence(a, b, n):
    p, q = (collections.Counter(g for text in texts for g in grams(text, n)) for texts in (a, b))
    all_p, all_q, total = sum(p.values()), sum(q.values()), 0.0
    for gram in p | q:
        x, y = p[gram] / all_p, q[gram] / all_q
        total += sum(0.5 * v * math.log(v / (0.5 * (x + y))) for v in (x, y) if v)
    return total


def measures(texts):
    return {
        "entropy": float(np.mean([entropy(t) for t in texts])),
        "entropy_error": float(np.std([entropy(t) for t in texts], ddof=1) / math.sqrt(len(texts))),
        "distinct": [len({g for t in texts for g in grams(t, n)}) / sum(len(grams(t, n)) for t in texts) for n in range(1, 5)],
        "repetition": [float(np.mean([1 - len(set(grams(t, n))) / len(grams(t, n)) for t in texts])) for n in range(1, 5)],
        "self_bleu": float(np.mean([bleu(t, texts[:i] + texts[i + 1:]) for i, t in enumerate(texts)])),
    }


def main() -> None:
    rng = np.random.default_rng(11)
    sedd, gpt2 = Sedd(HERE / "absorb"), Gpt2(HERE / "gpt2")
    options = []
    for length, given in [(9, 5), (9, 5), (7, 4), (5, 0), (6, 5)]:
        ids = rng.integers(0, 97, length).tolist()
        options.append({"ids": ids, "given": given, "chain": sedd.chain(ids, given), "bound": sedd.bound(ids, given)})
    context = rng.integers(0, 101, 6).tolist()
    choices = []
    for ids, given in [(context + rng.integers(0, 101, n).tolist(), 6) for n in (3, 1, 5)] + [([100] + rng.integers(0, 101, 4).tolist(), 1)]:
        choices.append({"ids": ids, "given": given, "nats": sum(gpt2.nll(ids[:-1], ids[given:]))})
    text = rng.integers(0, 101, 29).tolist()
    a = [rng.integers(0, 4, n).tolist() for n in (12, 9, 12, 15)]
    b = [rng.integers(0, 5, n).tolist() for n in (11, 14, 8)]
    out = {
        "about": "written by make_eval.py from the models in absorb and gpt2",
        "sedd": {"options": options},
        "gpt2": {
            "ids": text, "bos": 100, "rows": 12, "stride": 5, "blocks": gpt2.blocks(text, 12, 100), "sliding": gpt2.sliding(text, 12, 100, 5),
            "options": choices, "hidden": {"ids": text[:12], "last": gpt2.hidden(text[:12])[-1].tolist()},
        },
        "texts": {"a": a, "b": b, "measures": measures(a), "divergence": [divergence(a, b, n) for n in range(1, 5)]},
    }
    (HERE / "eval.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
