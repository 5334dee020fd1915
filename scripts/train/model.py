"""Defines SEDD in the official architecture with the official tensor names, and GPT-2 with Hugging Face's names.

SEDD: Lou, Meng, Ermon 2023 (arXiv 2310.16834): a bidirectional transformer with rotary positions whose
norms are modulated by the noise level (adaLN). The same network with a causal mask at noise 0 is the
"causal" model that SEDD starts from: see README.md. Only the absorbing graph with scale_by_sigma is trained.

MDLM: Sahoo et al. 2024 (arXiv 2406.07524): the same network that is never told the noise level (it reads 0), and whose
scores are normalised: its logits are log p(x0). Only time_conditioning false is trained.

Letters: B batch, L length, H hidden size, D head size, V real tokens, N = V + 1 columns (the last is the mask).
"""
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from weights import is_gpt2, read_model

EPS = 1e-3  # of the loglinear schedule, fixed in the official code


def total_noise(t: torch.Tensor) -> torch.Tensor:
    """Returns sigma(t) of the loglinear schedule, by which a position is masked with probability (1 - EPS) t."""
    return -torch.log1p(-(1 - EPS) * t)


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool) -> torch.Tensor:
    """Computes softmax attention; every argument is [B, heads, L, D]."""
    if hasattr(F, "scaled_dot_product_attention"):  # PyTorch 2: fused on a GPU
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    weights = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        length = q.shape[2]
        hidden = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
        weights = weights.masked_fill(hidden, float("-inf"))
    return weights.softmax(-1) @ v


def split_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def merge_heads(x: torch.Tensor) -> torch.Tensor:
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)


class TanhGelu(torch.autograd.Function):
    """Computes GPT-2's GELU as x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3). On a processor this takes a fifth of the time of
    PyTorch's own kernel in bfloat16 (2.7 against 13.7 ns an element with its gradient)."""
    TWO, CUBE = 2 * math.sqrt(2 / math.pi), 0.044715

    @staticmethod
    def forward(ctx, x):
        gate = (x * x).mul_(TanhGelu.TWO * TanhGelu.CUBE).add_(TanhGelu.TWO).mul_(x).sigmoid_()
        ctx.save_for_backward(x, gate)
        return x * gate

    @staticmethod
    def backward(ctx, grad):
        x, gate = ctx.saved_tensors
        slope = (x * x).mul_(3 * TanhGelu.TWO * TanhGelu.CUBE).add_(TanhGelu.TWO).mul_(x)
        return slope.mul_(1 - gate).add_(1).mul_(gate).mul_(grad)


def gelu(x: torch.Tensor) -> torch.Tensor:
    if x.requires_grad and x.device.type == "cpu":
        return TanhGelu.apply(x)
    return F.gelu(x, approximate="tanh")


class Gelu(nn.Module):
    def forward(self, x):
        return gelu(x)


class Norm(nn.Module):
    """Layer norm with a weight and no bias, modulated by shift and scale [B, 1, H]."""

    def __init__(self, hidden: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden))

    def forward(self, x, shift, scale):
        return F.layer_norm(x, self.weight.shape, self.weight, None, 1e-5) * (1 + scale) + shift


class Embedding(nn.Module):
    def __init__(self, rows: int, hidden: int):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(rows, hidden) * 0.02)


class SigmaMap(nn.Module):
    """Maps a noise level [B] to 256 cosines and sines and then to c [B, cond]."""

    def __init__(self, cond: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, cond), nn.SiLU(), nn.Linear(cond, cond))

    def forward(self, sigma):
        k = torch.arange(128, dtype=torch.float32, device=sigma.device)
        angle = sigma[:, None] * torch.exp(-math.log(10000) * k / 128)
        return F.silu(self.mlp(torch.cat([angle.cos(), angle.sin()], -1)))


class Rotary(nn.Module):
    def __init__(self, head_size: int):
        super().__init__()
        self.register_buffer("inv_freq", 1.0 / (10000 ** (torch.arange(0, head_size, 2).float() / head_size)))

    def table(self, length: int):
        angle = torch.arange(length, device=self.inv_freq.device).float()[:, None] * self.inv_freq
        return torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)


def rotate(x, table):
    """Rotates the pairs (j, j + D/2)."""
    cos, sin = table
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat([-high, low], -1) * sin


class Block(nn.Module):
    def __init__(self, hidden: int, heads: int, cond: int):
        super().__init__()
        self.heads = heads
        self.norm1 = Norm(hidden)
        self.attn_qkv = nn.Linear(hidden, 3 * hidden, bias=False)
        self.attn_out = nn.Linear(hidden, hidden, bias=False)
        self.norm2 = Norm(hidden)
        self.mlp = nn.Sequential(nn.Linear(hidden, 4 * hidden), Gelu(),
                                 nn.Linear(4 * hidden, hidden))
        self.adaLN_modulation = nn.Linear(cond, 6 * hidden)

    def forward(self, x, c, table, causal):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(c)[:, None].chunk(6, -1)
        q, k, v = (split_heads(p, self.heads) for p in self.attn_qkv(self.norm1(x, shift1, scale1)).chunk(3, -1))
        mixed = attend(rotate(q, table), rotate(k, table), v, causal)
        x = x + gate1 * self.attn_out(merge_heads(mixed))
        return x + gate2 * self.mlp(self.norm2(x, shift2, scale2))


class OutputLayer(nn.Module):
    def __init__(self, hidden: int, columns: int, cond: int):
        super().__init__()
        self.norm_final = Norm(hidden)
        self.linear = nn.Linear(hidden, columns)
        self.adaLN_modulation = nn.Linear(cond, 2 * hidden)


def sizes(config: dict) -> dict:
    """Returns tokens (without the mask) and sizes from the config.json of a SEDD or of an MDLM."""
    if config.get("model_type") == "mdlm":
        if config.get("time_conditioning") is not False:
            raise SystemExit("config.json: only an MDLM with time_conditioning false can be trained")
        return {"tokens": config["vocab_size"] - 1, "hidden_size": config["hidden_dim"], "length": config["model_length"],
                **{key: config[key] for key in ("cond_dim", "n_blocks", "n_heads")}}
    if config["graph"]["type"] != "absorb" or not config["model"]["scale_by_sigma"]:
        raise SystemExit("config.json: only the absorb graph with scale_by_sigma can be trained")
    return {"tokens": config["tokens"], **config["model"]}


class SEDD(nn.Module):
    """A SEDD, or an MDLM (`time_free`)."""

    def __init__(self, config: dict, causal: bool = False):
        super().__init__()
        m = sizes(config)
        self.config, self.causal, self.vocab, self.length = config, causal, m["tokens"], m["length"]
        self.time_free = config.get("model_type") == "mdlm"
        hidden, columns = m["hidden_size"], m["tokens"] + 1
        self.vocab_embed = Embedding(columns, hidden)
        self.sigma_map = SigmaMap(m["cond_dim"])
        self.rotary_emb = Rotary(hidden // m["n_heads"])
        self.blocks = nn.ModuleList(Block(hidden, m["n_heads"], m["cond_dim"]) for _ in range(m["n_blocks"]))
        self.output_layer = OutputLayer(hidden, columns, m["cond_dim"])
        self.initialise(hidden, m["n_blocks"])

    def initialise(self, hidden: int, depth: int) -> None:
        """Starts like a plain GPT-2, with modulation off (weights 0) and gates open (bias 1)."""
        for name, p in self.named_parameters():
            if "adaLN" in name or name.endswith("bias"):
                nn.init.zeros_(p)
            elif p.ndim == 2 and "sigma_map" not in name:
                residual = name.endswith(("attn_out.weight", "mlp.2.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * depth) if residual else 0.02)
        with torch.no_grad():
            for block in self.blocks:
                gates = block.adaLN_modulation.bias.view(6, hidden)
                gates[2] = 1
                gates[5] = 1

    def hidden(self, x, sigma, positions=None):
        """Returns the normed, modulated states [B, n, H] before the head, for ids [B, n] and noise [B]. The ids are at
        `positions` [B, n], by default at 0, 1, 2, ..."""
        c = self.sigma_map(torch.zeros_like(sigma) if self.time_free else sigma)
        h = F.embedding(x, self.vocab_embed.embedding)
        table = self.rotary_emb.table(self.length if positions is not None else x.shape[1])
        if positions is not None:
            table = tuple(part[positions][:, None] for part in table)
        for block in self.blocks:
            h = block(h, c, table, self.causal)
        shift, scale = self.output_layer.adaLN_modulation(c)[:, None].chunk(2, -1)
        return self.output_layer.norm_final(h, shift, scale)

    def logits(self, states):
        """Returns the V real columns of the head, before the shift by ln(e^sigma - 1) + ln V."""
        return F.linear(states, self.output_layer.linear.weight[:self.vocab],
                        self.output_layer.linear.bias[:self.vocab]).float()

    def log_z(self, total):
        """Returns ln Z from the logsumexp of the logits: Z = sum of the scores times (e^sigma - 1), 1 for an MDLM."""
        return torch.zeros_like(total) if self.time_free else total - math.log(self.vocab)

    def next_logits(self, x):
        """Returns the causal model's next-token logits [B, L, V]; its head is the embedding."""
        states = self.hidden(x, torch.zeros(x.shape[0], device=x.device))
        return F.linear(states, self.vocab_embed.embedding[:self.vocab]).float()

    def forward(self, x, sigma):
        """Returns the official output [B, L, N]. SEDD: log-scores, 0 at each position's own token. MDLM: log p(x0), which
        gives an open position its own token and the mask nothing."""
        if self.time_free:
            y = F.pad(self.logits(self.hidden(x, sigma)).log_softmax(-1), (0, 1), value=-math.inf)
            own = torch.full_like(y, -math.inf).scatter(-1, x[..., None], 0.0)
            return torch.where((x == self.vocab)[..., None], y, own)
        y = self.output_layer.linear(self.hidden(x, sigma)).float()
        y = y - (torch.log(torch.expm1(sigma)) + math.log(self.vocab))[:, None, None]
        return y.scatter(-1, x[..., None], 0.0)


class Conv1D(nn.Module):
    """GPT-2's linear layer, whose weight is [in, out]."""

    def __init__(self, inputs: int, outputs: int, std: float = 0.02):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * std)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return x @ self.weight + self.bias


class GPT2Block(nn.Module):
    def __init__(self, width: int, heads: int, depth: int, dropout: float):
        super().__init__()
        self.heads, residual = heads, 0.02 / math.sqrt(2 * depth)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.ModuleDict({"c_attn": Conv1D(width, 3 * width), "c_proj": Conv1D(width, width, residual)})
        self.mlp = nn.ModuleDict({"c_fc": Conv1D(width, 4 * width), "c_proj": Conv1D(4 * width, width, residual)})
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        q, k, v = (split_heads(p, self.heads) for p in self.attn["c_attn"](self.ln_1(x)).chunk(3, -1))
        x = x + self.drop(self.attn["c_proj"](merge_heads(attend(q, k, v, True))))
        inner = gelu(self.mlp["c_fc"](self.ln_2(x)))
        return x + self.drop(self.mlp["c_proj"](inner))


class GPT2(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.config, self.vocab, self.length = config, config["vocab_size"], config["n_positions"]
        width, depth, dropout = config["n_embd"], config["n_layer"], config.get("resid_pdrop", 0.0)
        self.wte, self.wpe = nn.Embedding(self.vocab, width), nn.Embedding(self.length, width)
        self.drop = nn.Dropout(config.get("embd_pdrop", 0.0))
        self.h = nn.ModuleList(GPT2Block(width, config["n_head"], depth, dropout) for _ in range(depth))
        self.ln_f = nn.LayerNorm(width)
        nn.init.normal_(self.wte.weight, std=0.02)
        nn.init.normal_(self.wpe.weight, std=0.01)

    def next_logits(self, x):
        return self(x)

    def forward(self, x):
        """Returns the next-token logits [B, L, V] for ids [B, L]; the head is the tied embedding."""
        h = self.drop(self.wte(x) + self.wpe.weight[:x.shape[1]])
        for block in self.h:
            h = block(h)
        return F.linear(self.ln_f(h), self.wte.weight).float()


def build(config: dict, causal: bool = False) -> nn.Module:
    return GPT2(config) if is_gpt2(config) else SEDD(config, causal)


def tensors(model: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().float().cpu().numpy() for name, value in model.state_dict().items()}


def load(folder: Path, causal: bool = False) -> nn.Module:
    """Opens a model folder (f32, f16 or int8 weights) as an fp32 module in evaluation mode."""
    config, arrays = read_model(folder)
    model = build(config, causal)
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    return model.eval()
