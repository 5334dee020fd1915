"""Trains a GPT-2, or a SEDD or MDLM (from a causal model of the same blocks), from a configuration and a pack of prepare.py.

Usage: python3 train.py CONFIG --data PACK --out RUN [--start MODEL] [--device auto|cpu|cuda] [--workers N] [--threads N]
       [--until STEP] [--minutes M] [--pause FILE] [--anneal STEPS]
RUN gets state.pt (written every two minutes and on SIGTERM or Ctrl-C: the same command goes on from it), log.jsonl,
status.txt, and model folders with averaged weights: best/ (best validation value) and last/. The weights depend on
configuration, pack, start, PyTorch build and --workers only: each step's random numbers come from the seed and the
step's number. While FILE exists, the run waits.

--anneal N with --start PLATEAU finishes a copy of a run whose rate is still high: it reads the newest state.pt of the
run folder PLATEAU, goes on from its weights, moments and average for N steps while the rate falls to zero, and writes
into RUN only, so the plateau run may go on meanwhile. CONFIG is the plateau's. At the end RUN/last holds the moving
average, RUN/average the mean of the weights over the last fifth of the steps, and RUN/best whichever is better.
"""
import machine  # first: it sets what PyTorch reads when imported

import argparse
import math
import time
from pathlib import Path

import torch

from config import read_config
from data import Pack, Text, generator
from evaluate import bound, nll, read_windows, summary
from losses import next_token, noised, score_entropy, times
from model import GPT2
from optimise import Average, Mean, Optimizers, rate
from runs import Run, Stopped
from start import begin
from workers import WorkerLost, Workers

SAVE_EVERY = 120.0  # seconds between saves
FIRST_LOG = 4.0  # seconds of training before the first line with speed and time left
TAIL = 5  # the last fifth of an anneal is averaged
REPEATS = 2  # draws of masks per window in each validation
LAST_REPEATS = 8  # draws when two averages are compared


class Diverged(Exception):
    """Raised when the loss, a gradient or a weight is no longer finite."""


class Trainer:
    picks_best = True  # true if the validation value decides which weights go into best/

    def __init__(self, c: dict, pack: Pack, run: Run, model, device: torch.device, workers: Workers,
                 pause: Path | None = None):
        self.c, self.run, self.device, self.workers, self.pause = c, run, device, workers, pause
        self.settings, self.digest = {**c, "workers": workers.count}, pack.digest()
        self.model = model.to(device).train()
        self.text = Text(pack, c["model"]["length"], device)
        if self.text.vocab != model.vocab:
            raise SystemExit(f"{pack.folder} has {self.text.vocab} tokens, the model {model.vocab}; set model.tokens to "
                             f"{self.text.vocab} in the configuration, or prepare a pack with --vocab {model.vocab}")
        self.valid = torch.from_numpy(read_windows(pack.folder / "valid.npy")).to(device)
        self.optimizers = Optimizers(self.model, c, device)
        self.average = Average(self.model, c["ema"])
        self.tail = Mean(self.model) if "anneal" in c else None
        self.step, self.tokens, self.best, self.value, self.evaluated = 0, 0, float("inf"), None, -1
        if c.get("compile") and device.type == "cuda":
            part = "forward" if isinstance(model, GPT2) else "hidden"
            setattr(model, part, torch.compile(getattr(model, part)))
        state = run.resume(device)
        if state:
            self.restore(state, pack)

    def restore(self, state: dict, pack: Pack) -> None:
        """Resumes a saved state of the same model and pack, and names the settings that have changed."""
        folder = self.run.folder
        if (folder / "last").is_dir():
            pack.check_model(folder / "last")
        if state.get("pack", self.digest) != self.digest:
            raise SystemExit(f"{folder}/state.pt was trained on another pack than {pack.folder}; to go on with other text, "
                             f"use --start {folder}/last and another --out")
        old = state.get("settings", self.settings)
        if (old["kind"], old["model"]) != (self.c["kind"], self.c["model"]):
            raise SystemExit(f"{folder}/state.pt holds a {old['kind']} of {old['model']}; the configuration asks for a "
                             f"{self.c['kind']} of {self.c['model']}: choose another --out")
        try:
            self.model.load_state_dict(state["model"])
            self.optimizers.restore(state["optimizers"])
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise SystemExit(f"{folder}/state.pt does not fit the configuration ({reason}); choose another --out") from None
        self.average.restore(state["average"])
        if self.tail and "tail" in state:
            self.tail.restore(state["tail"])
        self.step, self.tokens, self.best = state["step"], state["tokens"], state["best"]
        self.value, self.evaluated = state.get("value"), state.get("evaluated", self.step)
        changed = {key: [old.get(key), self.settings.get(key)] for key in sorted(old.keys() | self.settings.keys())
                   if old.get(key) != self.settings.get(key)}
        if changed and self.workers.first:
            self.run.log({"step": self.step, "changed settings": changed})

    def save(self) -> None:
        if not self.workers.first:
            return
        if not self.finite():
            raise Diverged(f"step {self.step}: the weights are not finite")
        state = {"model": self.model.state_dict(), "optimizers": self.optimizers.state(),
                 "average": self.average.state(), "step": self.step, "tokens": self.tokens, "best": self.best,
                 "value": self.value, "evaluated": self.evaluated, "settings": self.settings, "pack": self.digest}
        if self.tail:
            state |= {"anneal": self.c["anneal"], "tail": self.tail.state()}
        self.run.save(state)
        with self.average.swapped():
            self.run.write_model("last", self.model)

    def finite(self) -> bool:
        return all(bool(torch.isfinite(p).all()) for p in self.model.parameters())

    def loss_parts(self, random: torch.Generator):
        """Yields the losses of this worker's micro-batches, each already divided by the number of all."""
        c = self.c
        ids = self.text.windows(c["batch"], random)
        micro = c.get("micro", c["batch"])
        pieces = ids.split(micro)
        if c["kind"] in ("sedd", "mdlm"):
            t = times(len(ids), random, self.device)
            masked = noised(ids, t, random)
            parts = zip(pieces, t.split(micro), masked.split(micro))
            losses = (lambda part: score_entropy(self.model, *part))
        else:
            parts = ((piece,) for piece in pieces)
            losses = (lambda part: next_token(self.model, part[0], self.model.vocab - 1))
        for part in self.workers.share(parts):
            with machine.autocast(self.device, c["precision"]):
                yield losses(part) * (len(part[0]) / len(ids))

    def one_step(self) -> torch.Tensor:
        """Returns the loss of a step. A stop drops the step before the update, and a loss that is not finite ends the run."""
        with self.run.stoppable():
            total = self.gradients()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if not (bool(torch.isfinite(total)) and bool(torch.isfinite(norm))):
            raise Diverged(f"step {self.step}: the loss is {float(total)}, the gradient's norm {float(norm)}")
        if self.run.due():
            self.save()  # saved here because a finite loss has just shown that these weights are good
        self.optimizers.step(rate(self.step, self.c))
        self.average.update()
        self.step += 1
        if self.tail and self.step > self.c["steps"] - max(1, self.c["anneal"]["steps"] // TAIL):
            self.tail.update()
        self.tokens += self.c["batch"] * self.c["model"]["length"]
        return total

    def gradients(self) -> torch.Tensor:
        """Sums loss and gradients over this step's micro-batches and all workers."""
        random = generator(self.device, self.c["seed"], self.step)
        torch.manual_seed(random.initial_seed() + self.workers.rank)  # the seed of dropout
        total = torch.zeros((), device=self.device)
        for loss in self.loss_parts(random):
            loss.backward()
            total += loss.detach()
        for p in self.model.parameters():
            if p.grad is None:  # a causal model does not use the head
                p.grad = torch.zeros_like(p)
        self.workers.add([p.grad for p in self.model.parameters()] + [total])
        return total

    def validate(self, model, repeats: int = REPEATS) -> dict:
        """Returns validation figures; the first entry decides which weights are best."""
        if isinstance(model, GPT2) or self.c["kind"] == "causal":
            return {"nll": summary(nll(model, self.valid))}
        plain, entropy = bound(model, self.valid, repeats, 0)
        return {"bound": summary(plain), "score_entropy": summary(entropy)}

    def evaluate(self) -> None:
        """Logs the validation of the averaged weights and keeps the best in best/."""
        if not self.workers.first:
            return
        with self.average.swapped() as model:
            with self.run.stoppable():
                entry = self.validate(model)
            value = deciding(entry)
            if not math.isfinite(value):
                raise Diverged(f"step {self.step}: the validation gives {value}")
            if value < self.best and self.picks_best:
                self.best = value
                self.run.write_model("best", model)
        self.value, self.evaluated = value, self.step
        self.run.log({"step": self.step, "tokens": self.tokens, **entry})

    def finish_anneal(self) -> None:
        """Writes average/, and rewrites best/ from the better of the moving average and the mean of the last fifth."""
        if not self.workers.first:
            return
        entries = {}
        for name, weights in (("moving average", self.average), ("mean of the last fifth", self.tail)):
            with weights.swapped() as model:
                with self.run.stoppable():
                    entries[name] = self.validate(model, LAST_REPEATS)
                if weights is self.tail:
                    self.run.write_model("average", model)
        kept = min(entries, key=lambda name: deciding(entries[name]))
        with (self.tail if kept != "moving average" else self.average).swapped() as model:
            self.run.write_model("best", model)
        self.run.log({"step": self.step, "tokens": self.tokens, **entries, "best": kept})

    def train(self, until: int | None = None, minutes: float | None = None) -> None:
        """Trains to the end, or stops after step `until`, after `minutes`, or at a signal, ready to be resumed."""
        end = min(self.c["steps"], until or self.c["steps"])
        if self.workers.first:
            count = sum(p.numel() for p in self.model.parameters())
            print(f"{self.run.folder}: {self.c.get('name', self.c['kind'])}, {count / 1e6:.2f}M parameters, "
                  f"step {self.step} of {self.c['steps']}", flush=True)
        try:
            self.steps(end, time.time() + 60 * minutes if minutes else math.inf)
            self.save()
            if self.tail and self.step == self.c["steps"]:
                self.finish_anneal()
        except Stopped:
            self.save()
        except WorkerLost as lost:
            self.save()
            raise SystemExit(f"{lost}; {self.run.folder} is saved at step {self.step}: the same command goes on") from None
        except Diverged as error:
            advice = f"{error}. {self.run.folder}/state.pt keeps the last good state; lower `lr`, or raise `warmup`"
            raise SystemExit(advice if self.workers.first else 1) from None

    def steps(self, end: int, deadline: float) -> None:
        meter = Meter(self)
        while True:
            first = self.c["anneal"]["from"] if self.tail else 0
            wanted = self.step in (first, self.c["steps"]) or self.step % self.c["eval_every"] == 0
            if wanted and self.evaluated != self.step:
                self.evaluate()
            if self.step >= end or self.run.stopped or (self.workers.first and time.time() > deadline):
                return
            if self.workers.first:
                self.wait(meter)
                if not (self.run.folder / "state.pt").exists():
                    self.save()
            meter.add(self.one_step())
            if meter.due(end):
                meter.log()

    def wait(self, meter: "Meter") -> None:
        """Waits while the pause file exists; the time does not count."""
        if not (self.pause and self.pause.exists()):
            return
        self.save()
        began = time.time()
        self.run.status(f"{self.c.get('name', self.c['kind'])}: paused at step {self.step} while {self.pause} exists")
        while self.pause.exists() and not self.run.stopped:
            time.sleep(0.2)
        meter.began += time.time() - began


class Meter:
    """Measures loss and speed since the last line of the log."""

    def __init__(self, trainer: Trainer):
        self.trainer, self.lines = trainer, 0
        self.reset()

    def reset(self) -> None:
        self.began, self.busy, self.seen = time.time(), time.process_time(), 0
        self.total = torch.zeros((), device=self.trainer.device)

    def add(self, loss: torch.Tensor) -> None:
        self.total += loss
        self.seen += 1

    def due(self, end: int) -> bool:
        step = self.trainer.step
        early = self.lines == 0 and time.time() - self.began >= FIRST_LOG
        return self.trainer.workers.first and (early or step % self.trainer.c["log_every"] == 0 or step == end)

    def log(self) -> None:
        trainer, c, spent = self.trainer, self.trainer.c, time.time() - self.began
        tokens = self.seen * c["batch"] * c["model"]["length"]
        pace = spent / self.seen
        trainer.run.log({"step": trainer.step, "tokens": trainer.tokens, "loss": round(float(self.total) / self.seen, 4),
                         "lr": round(rate(trainer.step - 1, c), 7), "tokens_per_s": round(tokens / spent),
                         "tokens_per_core_s": round(tokens / max(1e-9, time.process_time() - self.busy)),
                         "left_s": round((c["steps"] - trainer.step) * pace)})
        trainer.run.status(self.line(tokens / spent, pace))
        self.lines += 1
        self.reset()

    def line(self, speed: float, pace: float) -> str:
        """Returns the line of status.txt: tokens, validation value, speed, and hours to the next anneal or the end."""
        trainer, c = self.trainer, self.trainer.c
        every = c.get("anneal_every", c["steps"])
        following = min(c["steps"], (trainer.step // every + 1) * every)
        aim = "the end" if following == c["steps"] else "the next anneal"
        value = "no validation yet"
        if trainer.value is not None:
            value = f"{trainer.value:.4f} nats a token (best {trainer.best:.4f})"
        hours = (following - trainer.step) * pace / 3600
        return (f"{c.get('name', c['kind'])}: step {trainer.step} of {c['steps']}, {trainer.tokens / 1e6:.2f}M tokens, "
                f"{value}, {speed:.0f} tokens a second, {hours:.1f} hours to {aim}")


def deciding(entry: dict) -> float:
    """Returns the figure of a validation that decides which weights are best."""
    return next(iter(entry.values()))["nats_per_token"]


def annealed(c: dict, plateau: Path, steps: int, pack: Pack, run: Run, workers: Workers) -> dict:
    """Returns configuration `c` for an anneal of `steps` steps in `run`; begins it with a copy of the plateau's state."""
    if steps < 1:
        raise SystemExit(f"--anneal {steps}: at least 1 step is expected")
    if (plateau / "last").is_dir():
        pack.check_model(plateau / "last")
    if workers.first and not (run.folder / "state.pt").exists():
        state = Run.read(plateau / "state.pt", torch.device("cpu"))
        if "anneal" in state:
            raise SystemExit(f"{plateau} is an anneal itself; --start expects the run folder of a plateau")
        anneal = {"from": state["step"], "steps": steps, "lr": rate(state["step"], c)}
        if "settings" in state:
            state["settings"] |= {"anneal": anneal, "steps": anneal["from"] + steps, "workers": workers.count}
        run.save({**state, "anneal": anneal, "best": float("inf"), "evaluated": -1})
    workers.meet()
    anneal = Run.read(run.folder / "state.pt", torch.device("cpu")).get("anneal")
    if not anneal or anneal["steps"] != steps:
        found = f"an anneal of {anneal['steps']} steps" if anneal else "a run that is not an anneal"
        raise SystemExit(f"{run.folder} holds {found}; give --anneal {steps} another --out")
    anneal["lr"] = rate(anneal["from"], c)
    return {**c, "anneal": anneal, "steps": anneal["from"] + steps}


def stage(c: dict, args, out: Path, start: Path | None, device: torch.device, workers: Workers) -> bool:
    """Trains one configuration into `out`. Returns whether it reached its end."""
    pack = Pack(args.data, c["model"]["length"])
    torch.manual_seed(c["seed"])
    with Run(out, args.data / "tokenizer.json", SAVE_EVERY, workers.first) as run:
        if args.anneal is not None:
            c, start = annealed(c, start, args.anneal, pack, run, workers), None
        if start is not None:
            pack.check_model(start)
        trainer = Trainer(c, pack, run, begin(c, start, c["kind"] == "causal"), device, workers, args.pause)
        trainer.train(args.until, args.minutes)
        return trainer.step >= c["steps"] and not run.stopped


def arguments(text: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--workers", type=int, default=1, help="processes that share a step (processor only)")
    parser.add_argument("--threads", type=int, help="threads of each")
    parser.add_argument("--until", type=int, help="stop after this step, ready to be resumed")
    parser.add_argument("--minutes", type=float, help="stop after this time, ready to be resumed")
    parser.add_argument("--pause", type=Path, help="wait while this file exists")
    return parser


def team(args: argparse.Namespace) -> tuple[Workers, torch.device]:
    """Returns the processes that share a run, and their device. Call it before anything is computed, because it forks."""
    if any(value is not None and value <= 0 for value in (args.until, args.minutes, args.threads)):
        raise SystemExit("--until, --minutes and --threads take a number above 0")
    if args.workers < 1:
        raise SystemExit(f"--workers {args.workers}: at least 1 is expected")
    if args.workers > 1 and args.device == "auto" and not torch.cuda.is_available():
        args.device = "cpu"
    if args.workers > 1 and args.device != "cpu":
        raise SystemExit(f"--workers {args.workers} shares a processor, a GPU trains with one; leave --workers out, "
                         "or add --device cpu")
    if args.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("--device cuda: PyTorch finds no GPU here; leave --device out to train on the processor")
    workers = Workers(args.workers)
    return workers, machine.setup(args.device, args.threads or (1 if args.workers > 1 else None))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--start", type=Path, help="a model folder; with --anneal a run folder")
    parser.add_argument("--anneal", type=int, help="steps over which a copy of the plateau run --start ends")
    args = parser.parse_args()
    if args.anneal is not None and (args.start is None or not (args.start / "state.pt").is_file()):
        raise SystemExit(f"--anneal: --start {args.start} has no state.pt; give the run folder of a plateau")
    c = read_config(args.config, ("sedd", "mdlm", "gpt2", "causal"))
    workers, device = team(args)
    start = args.start
    if start is None and c.get("causal"):
        first = args.out / "causal"
        if not stage({**c, **c["causal"], "kind": "causal"}, args, first, None, device, workers):
            return
        start = first / "last"
        workers.meet()
    stage(c, args, args.out, start, device, workers)


if __name__ == "__main__":
    main()
