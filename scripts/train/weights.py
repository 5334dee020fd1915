"""Reads and writes safetensors files and model folders, and quantises matrices to int8.

int8 follows the compressed-tensors naming: a matrix `X.weight` is stored as I8 with the same shape, beside
`X.weight_scale` (F32), one symmetric scale per output channel: value = int8 * scale, int8 in -127..127.
Linear matrices and embeddings are [out, in], so their scale is [out, 1]; GPT-2's Conv1D matrices are
[in, out], so theirs is [1, out]. The format is written out here because it is forty lines and Debian's
Python has no safetensors package.
"""
import json
import struct
from pathlib import Path

import numpy as np

DTYPES = {"F32": np.float32, "F16": np.float16, "I8": np.int8}
NAMES = {np.dtype(v): k for k, v in DTYPES.items()}

SEDD_INT8 = ("attn_qkv.weight", "attn_out.weight", "mlp.0.weight", "mlp.2.weight", "output_layer.linear.weight",
             "vocab_embed.embedding")
GPT2_CONV = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
GPT2_INT8 = GPT2_CONV + ("wte.weight",)


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Returns every tensor of a file, as stored."""
    data = Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    out = {}
    for name, entry in header.items():
        if entry["dtype"] not in DTYPES:
            raise SystemExit(f"{path}: tensor {name} has dtype {entry['dtype']}; known: {', '.join(DTYPES)}")
        begin, end = entry["data_offsets"]
        raw = np.frombuffer(data[8 + size + begin:8 + size + end], DTYPES[entry["dtype"]])
        out[name] = raw.reshape(entry["shape"])
    return out


def write_safetensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """Writes tensors ordered by element size, so that every one starts at a multiple of its own size."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0]))
    for name, array in ordered:
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape),
                        "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, array in ordered:
            file.write(np.ascontiguousarray(array).tobytes())


def quantize(matrix: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns int8 values and scales of a matrix; `axis` is the one that is summed over. Each scale has the least squared
    error of 41 reduced values of max|w|/127, because clipping an outlier may reduce the error."""
    peak = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True), 1e-12) / 127
    best, scale = np.full(peak.shape, np.inf), peak
    for factor in np.linspace(0.6, 1.0, 41):
        trial = (peak * factor).astype(np.float32)
        error = ((np.clip(np.rint(matrix / trial), -127, 127) * trial - matrix) ** 2).sum(axis=axis, keepdims=True)
        scale = np.where(error < best, trial, scale)
        best = np.minimum(best, error)
    scale = scale.astype(np.float32)
    return np.clip(np.rint(matrix / scale), -127, 127).astype(np.int8), scale


def is_gpt2(config: dict) -> bool:
    return "n_embd" in config


def encode(tensors: dict[str, np.ndarray], config: dict, dtype: str) -> dict[str, np.ndarray]:
    """Returns the stored form of fp32 tensors. `dtype` is f32, f16 or int8. Vectors and positions stay fp32."""
    if dtype == "f32":
        return {name: array.astype(np.float32) for name, array in tensors.items()}
    if dtype == "f16":
        return {name: array.astype(np.float16 if array.ndim == 2 else np.float32) for name, array in tensors.items()}
    suffixes, out = (GPT2_INT8 if is_gpt2(config) else SEDD_INT8), {}
    for name, array in tensors.items():
        if name.endswith(suffixes) and not name.startswith("sigma_map."):
            axis = 0 if name.endswith(GPT2_CONV) else 1
            out[name], out[name + "_scale"] = quantize(array, axis)
        else:
            half = array.ndim == 2 and name != "wpe.weight"
            out[name] = array.astype(np.float16 if half else np.float32)
    return out


def decode(stored: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the fp32 tensors of stored ones."""
    out = {}
    for name, array in stored.items():
        if name.endswith("_scale"):
            continue
        value = array.astype(np.float32)
        out[name] = value * stored[name + "_scale"] if array.dtype == np.int8 else value
    return out


def read_model(folder: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Returns config.json and the fp32 tensors of a model folder."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    return config, decode(read_safetensors(folder / "model.safetensors"))


def from_causal(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the SEDD that a causal model of the same blocks becomes: the blocks and the embedding are kept, the mask row
    is the mean embedding, and the head is the embedding without a bias, so the scores of a uniform guess sum to 1."""
    table = tensors["vocab_embed.embedding"].copy()
    table[-1] = table[:-1].mean(0)
    head, bias = "output_layer.linear.weight", "output_layer.linear.bias"
    return {**tensors, "vocab_embed.embedding": table, head: table.copy(), bias: np.zeros_like(tensors[bias])}
