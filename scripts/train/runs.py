"""A run folder: state.pt to resume from, log.jsonl, and two model folders with averaged weights, best/ and last/."""
import json
import os
import shutil
import signal
import time
from pathlib import Path

import torch

from model import tensors
from weights import write_safetensors


class Run:
    def __init__(self, folder: Path, tokenizer: Path, every: float):
        self.folder, self.tokenizer, self.every = Path(folder), tokenizer, every
        self.folder.mkdir(parents=True, exist_ok=True)
        self.saved, self.stopped = time.time(), False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_) -> None:
        self.stopped = True

    def resume(self, device: torch.device) -> dict | None:
        path = self.folder / "state.pt"
        return self.read(path, device) if path.exists() else None

    @staticmethod
    def read(path: Path, device: torch.device) -> dict:
        return torch.load(path, map_location=device)

    def due(self) -> bool:
        return self.stopped or time.time() - self.saved > self.every

    def save(self, state: dict) -> None:
        """A half-written file never takes the place of a good one."""
        part = self.folder / "state.part"
        torch.save(state, part)
        os.replace(part, self.folder / "state.pt")
        self.saved = time.time()

    def write_model(self, name: str, model) -> None:
        target = self.folder / name
        target.mkdir(exist_ok=True)
        (target / "config.json").write_text(json.dumps(model.config, indent=2) + "\n")
        write_safetensors(target / "model.part", tensors(model))
        os.replace(target / "model.part", target / "model.safetensors")
        shutil.copyfile(self.tokenizer, target / "tokenizer.json")

    def log(self, entry: dict) -> None:
        with open(self.folder / "log.jsonl", "a") as file:
            file.write(json.dumps(entry) + "\n")
        print(" ".join(f"{key} {value}" for key, value in entry.items()), flush=True)
