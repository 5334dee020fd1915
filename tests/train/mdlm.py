"""Writes a small MDLM of random weights in the way that a training run does, and prints, as JSON, the ids of a text with
masks and PyTorch's log-probabilities of every token at its masks.

Usage: python3 mdlm.py FOLDER
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/train"))
import machine  # noqa: E402, F401  first: it sets what PyTorch reads when imported

import torch  # noqa: E402

from model import build, tensors  # noqa: E402
from start import mdlm_config  # noqa: E402
from weights import encode, write_safetensors  # noqa: E402

config = mdlm_config({"model": {"tokens": 61, "length": 12, "hidden": 24, "blocks": 2, "heads": 2, "cond": 8}})
torch.manual_seed(4)
model = build(config).eval()
with torch.no_grad():
    for value in model.parameters():
        value.copy_(torch.randn_like(value) * 0.3 + (value.dim() == 1))
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    write_safetensors(folder / "model.safetensors", encode(tensors(model), config, "f32"))
    ids = [61 if i % 3 else 7 * i % 61 for i in range(12)]
    output = model(torch.tensor([ids]), torch.tensor([0.7]))[0]
print(json.dumps({"ids": ids, "logprob": [output[i, :61].tolist() for i, token in enumerate(ids) if token == 61]}))
