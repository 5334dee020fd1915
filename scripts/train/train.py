"""Trains a GPT-2 or a SEDD (from a causal model of the same blocks) from a configuration and a pack of prepare.py.

Usage: python3 train.py CONFIG --data PACK --out RUN [--start MODEL] [--device auto|cpu|cuda] [--workers N] [--threads N]
       [--until STEP] [--anneal STEPS]
RUN gets state.pt (written every two minutes and on SIGTERM: the same command goes on from it), log.jsonl, and model
folders with averaged weights: best/ (best validation value) and last/. The weights depend on configuration, pack,
start, PyTorch build and --workers only: each step's random numbers come from the seed and the step's number.

--anneal N with --start PLATEAU finishes a copy of a run whose rate is still high: it reads the newest state.pt of the
run folder PLATEAU, goes on from its weights, moments and average for N steps while the rate falls to zero, and writes
into RUN only, so the plateau run may go on meanwhile. CONFIG is the plateau's. At the end RUN/last holds the moving
average, RUN/average the mean of the weights over the last fifth of the steps, and RUN/best whichever is better.
"""
import machine  # first: it sets what PyTorch reads when imported

import argparse
import json
import time
from pathlib import Path

import torch

from data import Text, generator
from evaluate import bound, nll, read_windows, summary
from losses import next_token, noised, score_entropy, times
from model import GPT2
from optimise import Average, Mean, Optimizers, rate
from runs import Run
from start import begin
from workers import Workers

SAVE_EVERY = 120.0  # seconds
TAIL = 5  # an anneal's last fifth is averaged
REPEATS = 2  # mask draws a window in each validation
LAST_REPEATS = 8  # and where two averages are compared


class Trainer:
    def __init__(self, c: dict, pack: Path, run: Run, model, device: torch.device, workers: Workers):
        self.c, self.run, self.device, self.workers = c, run, device, workers
        self.model = model.to(device).train()
        self.text = Text(pack, c["model"]["length"], device)
        if self.text.vocab != model.vocab:
            raise SystemExit(f"{pack} has {self.text.vocab} tokens, the model {model.vocab}: use a pack with its tokenizer")
        self.valid = torch.from_numpy(read_windows(pack / "valid.npy")).to(device)
        self.optimizers = Optimizers(self.model, c, device)
        self.average = Average(self.model, c["ema"])
        self.tail = Mean(self.model) if "anneal" in c else None
        self.step, self.tokens, self.best = 0, 0, float("inf")
        if c.get("compile") and device.type == "cuda":
            part = "forward" if isinstance(model, GPT2) else "hidden"
            setattr(model, part, torch.compile(getattr(model, part)))
        state = run.resume(device)
        if state:
            self.model.load_state_dict(state["model"])
            self.optimizers.restore(state["optimizers"])
            self.average.restore(state["average"])
            if self.tail and "tail" in state:
                self.tail.restore(state["tail"])
            self.step, self.tokens, self.best = state["step"], state["tokens"], state["best"]

    def save(self) -> None:
        if not self.workers.first:
            return
        state = {"model": self.model.state_dict(), "optimizers": self.optimizers.state(),
                 "average": self.average.state(), "step": self.step, "tokens": self.tokens, "best": self.best}
        if self.tail:
            state |= {"anneal": self.c["anneal"], "tail": self.tail.state()}
        self.run.save(state)
        with self.average.swapped():
            self.run.write_model("last", self.model)

    def loss_parts(self, random: torch.Generator):
        """The losses of this worker's micro-batches, each already divided by the number of all."""
        c = self.c
        ids = self.text.windows(c["batch"], random)
        micro = c.get("micro", c["batch"])
        pieces = ids.split(micro)
        if c["kind"] == "sedd":
            t = times(len(ids), random, self.device)
            masked = noised(ids, t, random)
            parts = zip(pieces, t.split(micro), masked.split(micro))
            losses = (lambda part: score_entropy(self.model, *part))
        else:
            parts, losses = ((piece,) for piece in pieces), (lambda part: next_token(self.model, part[0], self.model.vocab - 1))
        for part in self.workers.share(parts):
            with machine.autocast(self.device, c["precision"]):
                yield losses(part) * (len(part[0]) / len(ids))

    def one_step(self) -> torch.Tensor:
        random = generator(self.device, self.c["seed"], self.step)
        torch.manual_seed(random.initial_seed() + self.workers.rank)  # dropout's
        total = torch.zeros((), device=self.device)
        for loss in self.loss_parts(random):
            loss.backward()
            total += loss.detach()
        for p in self.model.parameters():
            if p.grad is None:  # the head while the model is causal
                p.grad = torch.zeros_like(p)
        stop = torch.tensor(float(self.run.stopped and self.workers.first))
        self.workers.add([p.grad for p in self.model.parameters()] + [total, stop])
        self.run.stopped |= bool(stop)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizers.step(rate(self.step, self.c))
        self.average.update()
        self.step += 1
        if self.tail and self.step > self.c["steps"] - max(1, self.c["anneal"]["steps"] // TAIL):
            self.tail.update()
        self.tokens += self.c["batch"] * self.c["model"]["length"]
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
            entry = self.validate(model)
            value = deciding(entry)
            if value < self.best:
                self.best = value
                self.run.write_model("best", model)
        self.run.log({"step": self.step, "tokens": self.tokens, **entry})

    def finish_anneal(self) -> None:
        """Writes average/, and best/ anew from the better of the moving average and the mean of the last fifth."""
        if not self.workers.first:
            return
        entries = {}
        for name, weights in (("moving average", self.average), ("mean of the last fifth", self.tail)):
            with weights.swapped() as model:
                entries[name] = self.validate(model, LAST_REPEATS)
                if weights is self.tail:
                    self.run.write_model("average", model)
        kept = min(entries, key=lambda name: deciding(entries[name]))
        with (self.tail if kept != "moving average" else self.average).swapped() as model:
            self.run.write_model("best", model)
        self.run.log({"step": self.step, "tokens": self.tokens, **entries, "best": kept})

    def train(self, until: int | None = None) -> None:
        """Goes on to the end, or stops after step `until` or at SIGTERM, ready to be resumed."""
        end = min(self.c["steps"], until or self.c["steps"])
        c, began, busy, seen = self.c, time.time(), time.process_time(), 0
        total = torch.zeros((), device=self.device)
        if self.step == (c["anneal"]["from"] if self.tail else 0):
            self.evaluate()
        while self.step < end and not self.run.stopped:
            total += self.one_step()
            seen += 1
            if self.workers.first and (self.step % c["log_every"] == 0 or self.step == end):
                spent = time.time() - began
                tokens = seen * c["batch"] * c["model"]["length"]
                left = (c["steps"] - self.step) * spent / seen
                self.run.log({"step": self.step, "tokens": self.tokens, "loss": round(float(total) / seen, 4),
                              "lr": round(rate(self.step - 1, c), 7), "tokens_per_s": round(tokens / spent),
                              "tokens_per_core_s": round(tokens / (time.process_time() - busy)), "left_s": round(left)})
                began, busy, seen, total = time.time(), time.process_time(), 0, torch.zeros((), device=self.device)
            if self.step % c["eval_every"] == 0 or self.step == c["steps"]:
                self.evaluate()
            if self.run.due():
                self.save()
        self.save()
        if self.tail and self.step == c["steps"]:
            self.finish_anneal()


def deciding(entry: dict) -> float:
    """Returns the figure of a validation that decides which weights are best."""
    return next(iter(entry.values()))["nats_per_token"]


def annealed(c: dict, plateau: Path, steps: int, run: Run, workers: Workers) -> dict:
    """Returns configuration `c` for an anneal of `steps` steps in `run`; begins it with a copy of the plateau's state."""
    if steps < 1:
        raise SystemExit(f"--anneal {steps}: at least 1 step is expected")
    if workers.first and not (run.folder / "state.pt").exists():
        state = Run.read(plateau / "state.pt", torch.device("cpu"))
        if "anneal" in state:
            raise SystemExit(f"{plateau} is an anneal itself; --start expects the run folder of a plateau")
        run.save({**state, "anneal": {"from": state["step"], "steps": steps}, "best": float("inf")})
    workers.meet()
    anneal = Run.read(run.folder / "state.pt", torch.device("cpu")).get("anneal")
    if not anneal or anneal["steps"] != steps:
        found = f"an anneal of {anneal['steps']} steps" if anneal else "a run that is not an anneal"
        raise SystemExit(f"{run.folder} holds {found}; give --anneal {steps} another --out")
    return {**c, "anneal": anneal, "steps": anneal["from"] + steps}


def stage(c: dict, args, out: Path, start: Path | None, device: torch.device, workers: Workers) -> bool:
    """Trains one configuration into `out`; says whether it reached its end."""
    torch.manual_seed(c["seed"])
    run = Run(out, args.data / "tokenizer.json", SAVE_EVERY)
    if args.anneal is not None:
        c, start = annealed(c, start, args.anneal, run, workers), None
    trainer = Trainer(c, args.data, run, begin(c, start, c["kind"] == "causal"), device, workers)
    trainer.train(args.until)
    return trainer.step >= c["steps"]


def arguments(text: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--workers", type=int, default=1, help="processes that share a step (processor only)")
    parser.add_argument("--threads", type=int, help="threads of each")
    parser.add_argument("--until", type=int, help="stop after this step, ready to be resumed")
    return parser


def team(args: argparse.Namespace) -> tuple[Workers, torch.device]:
    """The processes that share a run, and their device; before anything is computed, because it forks."""
    workers = Workers(args.workers)
    return workers, machine.setup(args.device, args.threads or (1 if args.workers > 1 else None))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--start", type=Path, help="a model folder; with --anneal a run folder")
    parser.add_argument("--anneal", type=int, help="steps over which a copy of the plateau run --start ends")
    args = parser.parse_args()
    if args.anneal is not None and (args.start is None or not (args.start / "state.pt").is_file()):
        raise SystemExit(f"--anneal: --start {args.start} has no state.pt; give the run folder of a plateau")
    workers, device = team(args)
    c = json.loads(args.config.read_text())
    start = args.start
    if start is None and c.get("causal"):
        first = args.out / "causal"
        if not stage({**c, **c["causal"], "kind": "causal"}, args, first, None, device, workers):
            return
        start = first / "last"
        workers.meet()
        (start / "causal").touch()
    stage(c, args, args.out, start, device, workers)


if __name__ == "__main__":
    main()
