"""Prints, as JSON, what PyTorch computes for a model folder: the log-scores (SEDD) or logits (GPT-2) of some ids, and the
validation figures of scripts/train/evaluate.py.

Usage: python3 reference.py MODEL PACK IDS SIGMA     (IDS: 1,2,3)
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/train"))
import machine  # noqa: E402, F401  first: it sets what PyTorch reads when imported

import torch  # noqa: E402

from evaluate import measure, read_windows  # noqa: E402
from model import GPT2, load  # noqa: E402

model = load(Path(sys.argv[1]))
ids = torch.tensor([[int(i) for i in sys.argv[3].split(",")]])
windows = torch.from_numpy(read_windows(Path(sys.argv[2]) / "valid.npy"))
with torch.no_grad():
    rows = model(ids) if isinstance(model, GPT2) else model(ids, torch.tensor([float(sys.argv[4])]))
print(json.dumps({"rows": rows[0].tolist(), "valid": windows.flatten().tolist(),
                  **measure(model, windows, 16, 1)}))
