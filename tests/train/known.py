"""Prints, as JSON, the probabilities that PyTorch gives to the tokens of a recorded run whose network read only known
tokens and opening masks: one list for each step, in the trace's order.

Usage: python3 known.py MODEL TRACE
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/train"))
import machine  # noqa: E402, F401  first: it sets what PyTorch reads when imported

import torch  # noqa: E402

from model import load  # noqa: E402

model, trace = load(Path(sys.argv[1])), json.loads(Path(sys.argv[2]).read_text())
ids, steps = list(trace["initial"]), []
with torch.no_grad():
    for event in trace["events"]:
        opening = event["changed"]
        read = sorted(opening + [place for place, token in enumerate(ids) if token != trace["maskId"]])
        states = model.hidden(torch.tensor([[ids[place] for place in read]]), torch.tensor([event["sigma"]]),
                              torch.tensor([read]))
        odds = model.logits(states)[0].softmax(-1)
        steps.append([odds[read.index(place), token].item() for place, token in zip(opening, event["ids"])])
        for place, token in zip(opening, event["ids"]):
            ids[place] = token
print(json.dumps(steps))
