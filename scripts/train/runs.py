"""Reads and writes a run folder: state.pt to resume from, log.jsonl, status.txt, and model folders with averaged weights."""
import fcntl
import json
import os
import shutil
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

import torch

from model import tensors
from weights import write_safetensors


class Stopped(Exception):
    """Raised when SIGTERM or Ctrl-C arrives while the current work may be dropped."""


class Run:
    """Opens the folder of a run for writing, as a context. Refuses a folder in which another process trains.

    `first` says whether this process is the worker that writes; the others only read. Between runs a signal ends the
    process, because everything is saved then.
    """

    def __init__(self, folder: Path, tokenizer: Path, every: float, first: bool = True):
        self.folder, self.tokenizer, self.every = Path(folder), tokenizer, every
        self.folder.mkdir(parents=True, exist_ok=True)
        self.saved, self.stopped, self.interruptible = time.time(), False, False
        self.first, self.handlers = first, {}

    def __enter__(self) -> "Run":
        if self.first:
            self._lock()
            self.handlers = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        if self.first:
            self.lock.close()

    def _lock(self) -> None:
        """Holds the file `lock`. The system releases it when this process ends, however it ends."""
        self.lock = open(self.folder / "lock", "a+")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.lock.seek(0)
            process = self.lock.read().strip()
            self.lock.close()
            raise SystemExit(f"{self.folder}: process {process} trains in this folder; wait for it, "
                             "or choose another --out") from None
        self.lock.truncate(0)
        self.lock.write(f"{os.getpid()}\n")
        self.lock.flush()

    def _stop(self, *_) -> None:
        self.stopped = True
        if self.interruptible:
            self.interruptible = False
            raise Stopped

    @contextmanager
    def stoppable(self):
        """Lets a stop raise Stopped at once inside the context. Outside, a stop only sets `stopped`."""
        if self.stopped:
            raise Stopped
        self.interruptible = True
        try:
            yield
        finally:
            self.interruptible = False

    def resume(self, device: torch.device) -> dict | None:
        """Returns the saved state, or None for a new run."""
        path = self.folder / "state.pt"
        return self.read(path, device) if path.exists() else None

    @staticmethod
    def read(path: Path, device: torch.device) -> dict:
        try:
            return torch.load(path, map_location=device)
        except (RuntimeError, EOFError, UnpicklingError) as error:
            reason = str(error).strip().splitlines()[0]
            raise SystemExit(f"{path} cannot be read as a saved run ({reason}); remove it to start again") from None

    def due(self) -> bool:
        return time.time() - self.saved > self.every

    def save(self, state: dict) -> None:
        """Writes state.pt; a half-written file never takes the place of a good one."""
        part = self.folder / "state.part"
        torch.save(state, part)
        os.replace(part, self.folder / "state.pt")
        self.saved = time.time()

    def write_model(self, name: str, model) -> None:
        """Writes a model folder, marked by an empty file `causal` while the model is still in its causal stage."""
        target = self.folder / name
        target.mkdir(exist_ok=True)
        (target / "config.json").write_text(json.dumps(model.config, indent=2) + "\n")
        write_safetensors(target / "model.part", tensors(model))
        os.replace(target / "model.part", target / "model.safetensors")
        shutil.copyfile(self.tokenizer, target / "tokenizer.json")
        if getattr(model, "causal", False):
            (target / "causal").touch()

    def log(self, entry: dict) -> None:
        """Appends a line to log.jsonl and prints it."""
        with open(self.folder / "log.jsonl", "a") as file:
            file.write(json.dumps(entry, allow_nan=False) + "\n")
        print(" ".join(f"{key} {value}" for key, value in entry.items()), flush=True)

    def status(self, line: str) -> None:
        """Replaces the one line of status.txt."""
        part = self.folder / "status.part"
        part.write_text(line + "\n")
        os.replace(part, self.folder / "status.txt")
