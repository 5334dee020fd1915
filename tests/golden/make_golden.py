"""Writes small golden sets with sizes and combinations the others lack.

usage: python3 tests/golden/make_golden.py [FOLDER]        (needs numpy)

A second implementation of SEDD in float64, written from the paper's and the reference code's
formulas and sharing nothing with core/: random weights, log-scores, step weights, losses and
trajectories with their uniforms. Where the reference code's float32 shows (1 - e^-s for a small s,
the probability to stay masked, the race), it is rounded the same way. The format is that of the sets absorb and uniform, which come from the
official classes; the engine is held to both kinds with the same tolerances.

Letters: V tokens, N states, H hidden, h heads, D head size, K condition, L length.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import struct
import sys

import numpy as np

F = np.float32
MARGIN = 0.004  # draws are repeated until winner and runner-up differ by this share


@dataclasses.dataclass
class Config:
    name: str
    V: int
    H: int
    h: int
    blocks: int
    K: int
    L: int
    graph: str
    noise: str
    scale_by_sigma: bool
    seed: int
    sigma_min: float = 1e-4
    sigma_max: float = 20.0

    @property
    def absorb(self) -> bool:
        return self.graph == "absorb"

    @property
    def N(self) -> int:
        return self.V + 1 if self.absorb else self.V


CONFIGS = [
    Config("absorb-geometric", 53, 30, 3, 2, 7, 13, "absorb", "geometric", True, 1),
    Config("absorb-unscaled", 11, 42, 7, 1, 5, 9, "absorb", "loglinear", False, 2),
    Config("uniform-loglinear", 101, 18, 1, 3, 33, 8, "uniform", "loglinear", False, 3),
    Config("one-token", 1, 4, 2, 1, 1, 3, "absorb", "loglinear", True, 4),
    Config("two-tokens", 2, 4, 2, 1, 1, 3, "uniform", "geometric", False, 5),
    Config("length-one", 257, 10, 5, 2, 16, 1, "absorb", "loglinear", True, 7),
]


def silu(x):
    return x / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def norm(x, weight):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * weight


class Model:
    def __init__(self, config: Config, rng: np.random.Generator):
        self.config = config
        self.stored = self.random_weights(rng)
        self.weights = {name: value.astype(np.float64) for name, value in self.stored.items()}

    def random_weights(self, rng) -> dict[str, np.ndarray]:
        c = self.config

        def draw(*shape, std=0.1):
            return (rng.normal(size=shape) * std).astype(F)

        head = c.H // c.h
        stored = {
            "vocab_embed.embedding": draw(c.N, c.H, std=0.5),
            "sigma_map.mlp.0.weight": draw(c.K, 256),
            "sigma_map.mlp.0.bias": draw(c.K),
            "sigma_map.mlp.2.weight": draw(c.K, c.K, std=0.4),
            "sigma_map.mlp.2.bias": draw(c.K),
            "rotary_emb.inv_freq": (10000.0 ** (-2 * np.arange(head // 2) / head)).astype(F),
        }
        for i in range(c.blocks):
            stored |= {
                f"blocks.{i}.norm1.weight": 1 + draw(c.H),
                f"blocks.{i}.attn_qkv.weight": draw(3 * c.H, c.H, std=0.3),
                f"blocks.{i}.attn_out.weight": draw(c.H, c.H, std=0.2),
                f"blocks.{i}.norm2.weight": 1 + draw(c.H),
                f"blocks.{i}.mlp.0.weight": draw(4 * c.H, c.H, std=0.2),
                f"blocks.{i}.mlp.0.bias": draw(4 * c.H),
                f"blocks.{i}.mlp.2.weight": draw(c.H, 4 * c.H),
                f"blocks.{i}.mlp.2.bias": draw(c.H),
                f"blocks.{i}.adaLN_modulation.weight": draw(6 * c.H, c.K, std=0.2),
                f"blocks.{i}.adaLN_modulation.bias": draw(6 * c.H, std=0.3),
            }
        return stored | {
            "output_layer.norm_final.weight": 1 + draw(c.H),
            "output_layer.linear.weight": draw(c.N, c.H, std=0.15),
            "output_layer.linear.bias": draw(c.N),
            "output_layer.adaLN_modulation.weight": draw(2 * c.H, c.K),
            "output_layer.adaLN_modulation.bias": draw(2 * c.H),
        }

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights.get(name + ".bias", 0)

    def condition(self, sigma):
        angle = float(F(sigma)) * np.exp(-np.log(10000) * np.arange(128) / 128)
        features = np.concatenate([np.cos(angle), np.sin(angle)])
        return features, silu(self.linear(silu(self.linear(features, "sigma_map.mlp.0")), "sigma_map.mlp.2"))

    def block(self, i, stream, c, cosine, sine):
        length, half = len(stream), self.config.H // self.config.h // 2
        m = np.split(self.linear(c, f"blocks.{i}.adaLN_modulation"), 6)

        def rotate(x):
            a, b = x[..., :half], x[..., half:]
            return np.concatenate([a * cosine - b * sine, b * cosine + a * sine], -1)

        x = norm(stream, self.weights[f"blocks.{i}.norm1.weight"]) * (1 + m[1]) + m[0]
        qkv = np.split(self.linear(x, f"blocks.{i}.attn_qkv"), 3, -1)
        q, k, v = (part.reshape(length, self.config.h, 2 * half) for part in qkv)
        score = np.einsum("qhd,khd->hqk", rotate(q), rotate(k)) / np.sqrt(2 * half)
        score = np.exp(score - score.max(-1, keepdims=True))
        score /= score.sum(-1, keepdims=True)
        mixed = np.einsum("hqk,khd->qhd", score, v).reshape(length, self.config.H)
        stream = stream + m[2] * self.linear(mixed, f"blocks.{i}.attn_out")
        x = norm(stream, self.weights[f"blocks.{i}.norm2.weight"]) * (1 + m[4]) + m[3]
        inner = gelu(self.linear(x, f"blocks.{i}.mlp.0"))
        return stream + m[5] * self.linear(inner, f"blocks.{i}.mlp.2")

    def log_score(self, ids, sigma):
        c, place = self.condition(sigma)[1], np.arange(len(ids))
        angle = place[:, None] * self.weights["rotary_emb.inv_freq"]
        stream = self.weights["vocab_embed.embedding"][ids]
        for i in range(self.config.blocks):
            stream = self.block(i, stream, c, np.cos(angle)[:, None], np.sin(angle)[:, None])
        shift, scale = np.split(self.linear(c, "output_layer.adaLN_modulation"), 2)
        x = norm(stream, self.weights["output_layer.norm_final.weight"]) * (1 + scale) + shift
        score = self.linear(x, "output_layer.linear")
        if self.config.scale_by_sigma:
            score = score - np.log(np.expm1(sigma)) - np.log(self.config.N - 1)
        score[place, ids] = 0
        return score

    # ---- Diffusion ------------------------------------------------------------------------

    def noise(self, t):
        c = self.config
        if c.noise == "loglinear":
            return -np.log1p(-(1 - 1e-3) * t), (1 - 1e-3) / (1 - (1 - 1e-3) * t)
        sigma = c.sigma_min ** (1 - t) * c.sigma_max**t
        return sigma, sigma * (np.log(c.sigma_max) - np.log(c.sigma_min))

    def euler(self, ids, score, rate):
        place = np.arange(len(ids))
        w = np.where((ids == self.config.V)[:, None], score, 0.0) if self.config.absorb else score / self.config.N
        w[place, ids] = 0
        w[place, ids] = -w.sum(-1)
        w = w * rate
        w[place, ids] += 1
        return w

    def leap(self, ids, score, s):
        """Staggered score times transition; 1 - e^-s in float32 as the reference has it."""
        n, place = self.config.N, np.arange(len(ids))
        stay, total = F(np.exp(-F(s))), score.sum(-1, keepdims=True)
        move = F(1) - stay
        if self.config.absorb:
            score, grow = score.astype(F), F(np.exp(F(s)))
            extra = (F(1) - grow) * score.sum(-1, keepdims=True)
            score = score * grow
            score[:, -1:] += extra
            kernel = np.zeros_like(score)
            kernel[place, ids] = stay
            kernel[ids == self.config.V] += move
            return score * kernel
        score = score * np.exp(s) + (np.exp(-s) - 1) / (n * np.exp(-s)) * total
        kernel = np.full_like(score, move / F(n))
        kernel[place, ids] = 0
        kernel[place, ids] = 1 - kernel.sum(-1)
        return score * kernel

    def step_weights(self, kind, ids, t, delta):
        sigma, slope = self.noise(t)
        score = np.exp(self.log_score(ids, sigma))
        if kind == "euler":
            return self.euler(ids, score, delta * slope)
        if kind == "analytic":
            return self.leap(ids, score, sigma - self.noise(float(F(t) - F(delta)))[0])
        w = self.leap(ids, score, sigma)
        return w[:, : self.config.V]

    def entropy(self, x0, xt, t):
        (sigma, slope), n, place = self.noise(t), self.config.N, np.arange(len(x0))
        score, e = self.log_score(xt, sigma), np.expm1(sigma)
        if self.config.absorb:
            value = np.exp(score[:, :-1]).sum(-1) - score[place, x0] / e + (np.log(1 / e) - 1) / e
            value = np.where(xt == self.config.V, value, 0)
        else:
            r = e / (e + n)
            positive = np.exp(score).mean(-1) - 1 / n
            mean = score.mean(-1)
            kept = positive - r * mean + (n - 1) / n * r * (np.log(r) - 1)
            moved = positive - (score[place, x0] / e + mean) + ((-np.log(r) - 1) / r - (n - 2)) / n
            value = np.where(xt == x0, kept, moved)
        return value, slope * value.sum()


def race(weights, uniforms):
    """Winners, and by what share each beats its runner-up at least."""
    ratio = weights / (F(1e-10) - np.log(uniforms.astype(F) + F(1e-10)))
    ordered = np.sort(ratio, -1)
    if ratio.shape[-1] == 1:
        return ratio.argmax(-1), 1.0
    margin = (ordered[..., -1] - ordered[..., -2]) / np.maximum(np.abs(ordered[..., -1]), 1e-30)
    return ratio.argmax(-1), margin.min()


class Set:
    def __init__(self, config: Config):
        self.config, self.rng = config, np.random.default_rng(config.seed)
        self.model = Model(config, self.rng)
        self.tensors: dict[str, np.ndarray] = {}
        self.json: dict[str, object] = {}

    def uniforms(self, shape):
        return self.rng.integers(0, 1 << 24, shape) / 2.0**24

    def ids(self, batch, length):
        x = self.rng.integers(0, self.config.V, (batch, length))
        return np.where(self.rng.random(x.shape) < 0.5, self.config.V, x) if self.config.absorb else x

    def schedules(self):
        rows = [(t, *self.model.noise(t)) for t in (0.0, 1e-5, 0.3, 0.77, 1.0)]
        self.json["noise"] = [{"t": t, "sigma_f64": s, "dsigma_f64": d} for t, s, d in rows]
        self.json["grid"] = [
            {"steps": n, "eps": 1e-5, "t": np.linspace(1, 1e-5, n + 1).astype(F).tolist()} for n in (1, 6, 64)
        ]
        sigmas = [1e-4, 0.3, 0.7, 5.0]
        self.json["timestep_embedding"] = [{"sigma": sigma} for sigma in sigmas]
        self.tensors["temb.freq"], self.tensors["temb.cond"] = (
            np.array(part) for part in zip(*(self.model.condition(sigma) for sigma in sigmas))
        )

    def forward(self):
        self.json["forward"], length = [], self.config.L
        for i, (b, l) in enumerate([(1, 1), (2, length), (3, length // 2 + 1), (1, 2 * length + 3)]):
            x, sigma = self.ids(b, l), self.rng.uniform(0.05, 6, b).astype(F).tolist()
            name = f"fwd{i}.logscore"
            self.tensors[name] = np.array([self.model.log_score(row, s) for row, s in zip(x, sigma)])
            self.json["forward"].append({"x": x.tolist(), "sigma": sigma, "logscore": name})

    def steps(self):
        self.json["steps"] = []
        kinds = [("euler", 0.95, 1 / 64), ("euler", 0.4, 0.1), ("analytic", 0.9, 0.05), ("analytic", 0.25, 0.2)]
        kinds += [("analytic", 1.0, 1 / 32), ("denoiser", 1e-5, None), ("denoiser", 0.2, None)]
        for i, (kind, t, delta) in enumerate(kinds):
            x, name = self.ids(2, self.config.L), f"step{i}.probs"
            self.tensors[name] = np.array([self.model.step_weights(kind, row, t, delta) for row in x])
            self.json["steps"].append({"kind": kind, "t": t, "dt": delta, "x": x.tolist(), "probs": name})

    def losses(self):
        self.json["score_entropy"], c = [], self.config
        for times in ([0.9, 0.35], [0.05, 0.6]):
            x0 = self.rng.integers(0, c.V, (2, c.L))
            moved = [[1 - np.exp(-self.model.noise(t)[0])] for t in times]
            target = c.V if c.absorb else self.rng.integers(0, c.V, x0.shape)
            xt = np.where(self.rng.random(x0.shape) < moved, target, x0)
            values = [self.model.entropy(a, b, t) for a, b, t in zip(x0, xt, times)]
            self.json["score_entropy"].append({
                "t": times, "x0": x0.tolist(), "xt": xt.tolist(), "loss_f64": [loss for _, loss in values],
                "entropy_f64_of_same_logscore": [value.tolist() for value, _ in values],
            })

    def draw(self, weights, name):
        """Draws again until no decision is so close that rounding could turn it."""
        for _ in range(1000):
            uniforms = self.uniforms(weights.shape)
            chosen, margin = race(weights, uniforms)
            if margin > MARGIN:
                self.tensors[name] = uniforms
                return chosen
        raise SystemExit(f"{self.config.name}: no draw of {name} has a clear winner")

    def trajectory(self, name, predictor, steps, denoise, batch, held):
        c, grid = self.config, np.linspace(1, 1e-5, steps + 1).astype(F)
        places = sorted(held)
        ids = self.rng.integers(0, c.V, len(places)).tolist()
        x = np.full((batch, c.L), c.V) if c.absorb else self.rng.integers(0, c.V, (batch, c.L))
        record = {"name": name, "predictor": predictor, "steps": steps, "denoise": denoise, "x_init": x.tolist()}
        states = []
        for i in range(steps + denoise):
            x[:, places] = ids
            kind = predictor if i < steps else "denoiser"
            delta = (1 - 1e-5) / steps
            weights = np.array([self.model.step_weights(kind, row, float(grid[i]), delta) for row in x])
            x = self.draw(weights, f"{name}.u{i}")
            states.append(x.tolist())
        x[:, places] = ids
        record |= {"states_after_each_draw_before_projection": states, "result": x.tolist()}
        self.json["trajectories"].append(record | {"condition": {"locs": places, "ids": ids} if places else None})

    def draws(self):
        weights, uniforms = self.rng.random((9, 5)).astype(F), self.uniforms((9, 5))
        weights[3], weights[4] = 0, -weights[4]
        result = race(weights, uniforms)[0]
        self.json["sample_categorical"] = {
            "probs": weights.tolist(), "uniforms": uniforms.tolist(), "result": result.tolist()
        }
        self.json["trajectories"] = []
        self.trajectory("euler", "euler", 6, True, 1, set())
        self.trajectory("analytic", "analytic", 7, True, 2, set())
        self.trajectory("held", "analytic", 5, True, 2, {0, self.config.L - 1})
        self.trajectory("open", "euler", 3, False, 1, set())

    def write(self, folder: pathlib.Path):
        c = self.config
        folder.mkdir(parents=True, exist_ok=True)
        for part in (self.schedules, self.forward, self.steps, self.losses, self.draws):
            part()
        write_tensors(folder / "model.safetensors", self.model.stored)
        write_tensors(folder / "golden.safetensors", self.tensors)
        (folder / "golden.json").write_text(json.dumps(self.json) + "\n")
        (folder / "config.json").write_text(json.dumps({
            "tokens": c.V,
            "graph": {"type": c.graph},
            "noise": {"type": c.noise, "sigma_min": str(c.sigma_min), "sigma_max": c.sigma_max},
            "model": {"hidden_size": c.H, "cond_dim": c.K, "length": c.L, "n_blocks": c.blocks,
                      "n_heads": c.h, "scale_by_sigma": c.scale_by_sigma, "dropout": 0.1},
        }, indent=2) + "\n")


def write_tensors(path: pathlib.Path, tensors: dict[str, np.ndarray]):
    header, data = {}, b""
    for name, value in tensors.items():
        part = np.ascontiguousarray(value, dtype="<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(np.shape(value)),
                        "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main() -> None:
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    for config in CONFIGS:
        Set(config).write(folder / config.name)


if __name__ == "__main__":
    main()
