"""Trains a SEDD and its twin within the minutes that a GPU is lent: each on a plateau, then an anneal to its end.

Usage: python3 gpu.py --data PACK --out OUT [--minutes 10] [--config FILE] [--twin FILE] [--run PLATEAU] [--device cuda]
       python3 gpu.py --data PACK --bundle FILE.tar.gz [the same options]
The second form runs where the data is. It packs the scripts, the pack and the run, at most 60 MB, into FILE, with a script
go.sh that holds the first form for the machine with the GPU. --config and --twin default to configs/mini.json and
mini-twin.json. With --run, the SEDD resumes a copy of that plateau run, and --config must be its configuration.
Stages are measured in minutes, because the speed of a lent machine is unknown: an anneal's steps follow from the
plateau's. Every stage is a run folder of train.py in OUT, saved every two minutes. After an interruption the same
command resumes the stage that was interrupted. It ends with OUT/models, the SEDD and the twin as int8.
"""
import argparse
import io
import json
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MOST = 60_000_000  # largest bundle, in bytes
# Share of the minutes that each stage takes. Starting the stages takes the rest.
SHARES = {"causal": 0.12, "sedd": 0.40, "sedd-annealed": 0.14, "twin": 0.22, "twin-annealed": 0.08}
MARGIN = 0.8  # share of an anneal's minutes that its steps should take


def plateau(path: Path, kind: str | None = None) -> dict:
    """Returns a configuration that keeps its rate and trains with Muon: at twice AdamW's rate, as for the smaller models."""
    c = json.loads(path.read_text())
    c.pop("causal", None)
    if c.get("optimizer") != "muon":
        c.update(optimizer="muon", lr=2 * c["lr"], weight_decay=0.1, ema=0.9995)
    c["compile"] = False  # compiling takes most of a minute in each of five stages
    return {**c, "steps": 10**8, "decay": 0, "kind": kind or c["kind"]}


class Session:
    def __init__(self, args: argparse.Namespace):
        self.args, self.out = args, args.out
        self.out.mkdir(parents=True, exist_ok=True)
        path = self.out / "progress.json"
        self.progress = json.loads(path.read_text()) if path.exists() else {"finished": [], "anneal steps": {}}

    def keep(self) -> None:
        (self.out / "progress.json").write_text(json.dumps(self.progress) + "\n")

    def say(self, text: str) -> None:
        print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)

    def stage(self, name: str, c: dict, *more, minutes: float | None = None) -> None:
        """Runs train.py for one stage, unless an earlier call has finished it."""
        if name in self.progress["finished"]:
            self.say(f"{name}: done before")
            return
        config = self.out / f"{name}.json"
        config.write_text(json.dumps(c, indent=2) + "\n")
        command = [sys.executable, HERE / "train.py", config, "--data", self.args.data, "--out", self.out / name,
                   "--device", self.args.device, *more]
        if minutes:
            command += ["--minutes", f"{minutes:.3f}"]
        limit = f", {minutes:.1f} minutes" if minutes else ""
        self.say(f"{name} begins{limit}; its figures are in {self.out / name}/log.jsonl")
        code = subprocess.run([str(part) for part in command]).returncode
        if code:
            raise SystemExit(f"{name} ended with exit code {code}; run the same command again to go on from what it saved")
        self.progress["finished"].append(name)
        self.keep()

    def entries(self, name: str) -> list[dict]:
        return [json.loads(line) for line in (self.out / name / "log.jsonl").read_text().splitlines()]

    def anneal(self, name: str, c: dict) -> None:
        """Finishes a copy of stage `name` in about its share of the minutes."""
        if name not in self.progress["anneal steps"]:
            speeds = [entry["tokens_per_s"] for entry in self.entries(name) if "tokens_per_s" in entry] or [0]
            seconds = 60 * self.args.minutes * SHARES[f"{name}-annealed"] * MARGIN
            tokens = c["batch"] * c["model"]["length"]
            self.progress["anneal steps"][name] = max(1, round(speeds[-1] * seconds / tokens))
            self.keep()
        steps = self.progress["anneal steps"][name]
        self.stage(f"{name}-annealed", c, "--start", self.out / name, "--anneal", steps)
        self.export(f"{name}-annealed", name)

    def export(self, run: str, model: str) -> None:
        target = self.out / "models" / model
        subprocess.run([sys.executable, HERE / "export.py", self.out / run, target], check=True)
        self.say(f"{target} can be taken away: {self.out / run}/best as int8")

    def sedd(self) -> None:
        minutes, c = self.args.minutes, plateau(self.args.config)
        if self.args.run:
            if not (self.out / "sedd").exists():
                left = shutil.ignore_patterns("best", "causal", "lock", "*.part")
                shutil.copytree(self.args.run, self.out / "sedd", ignore=left)
            start, minutes_here = [], minutes * (SHARES["causal"] + SHARES["sedd"])
        else:
            self.stage("causal", plateau(self.args.config, "causal"), minutes=minutes * SHARES["causal"])
            start, minutes_here = ["--start", self.out / "causal/last"], minutes * SHARES["sedd"]
        self.stage("sedd", c, *start, minutes=minutes_here)
        self.anneal("sedd", c)

    def twin(self) -> None:
        c = plateau(self.args.twin)
        self.stage("twin", c, minutes=self.args.minutes * SHARES["twin"])
        self.anneal("twin", c)


def bundle(args: argparse.Namespace) -> None:
    """Writes the bundle, and refuses to write more than MOST bytes."""
    with tarfile.open(args.bundle, "w:gz") as tar:
        for path in sorted([*HERE.glob("*.py"), *HERE.glob("configs/*.json")]):
            tar.add(path, f"scripts/train/{path.relative_to(HERE)}")
        about = json.loads((args.data / "data.json").read_text())
        parts = [f"{c['name']}{ending}" for c in about["corpora"] for ending in (".bin", ".starts.npy")]
        for name in ("data.json", "tokenizer.json", "valid.npy", *parts):
            tar.add(args.data / name, f"pack/{name}")
        for name in ("state.pt", "last/tokenizer.json") if args.run else ():
            tar.add(args.run / name, f"plateau/{name}")
        for path, name in ((args.config, "config.json"), (args.twin, "twin.json")):
            tar.add(path, name)
        command = ("${PYTHON:-python3} scripts/train/gpu.py --data pack --out out --config config.json --twin twin.json "
                   f"--minutes {args.minutes:g} --device {args.device}{' --run plateau' if args.run else ''}\n")
        entry = tarfile.TarInfo("go.sh")
        entry.size, entry.mode = len(command), 0o755
        tar.addfile(entry, io.BytesIO(command.encode()))
    size = args.bundle.stat().st_size
    if size > MOST:
        args.bundle.unlink()
        raise SystemExit(f"{args.bundle} would have {size / 1e6:.0f} MB, at most {MOST / 1e6:.0f} MB travel; "
                         "leave --run out, or pack less text")
    print(f"{args.bundle}: {size / 1e6:.1f} MB. Next: copy it to the machine with the GPU and run there\n"
          f"    mkdir sedd && tar xzf {args.bundle.name} -C sedd && cd sedd && sh go.sh\nthen take out/models with you.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--config", type=Path, default=HERE / "configs/mini.json")
    parser.add_argument("--twin", type=Path, default=HERE / "configs/mini-twin.json")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--device", default="cuda", choices=("auto", "cpu", "cuda"))
    args = parser.parse_args()
    if (args.out is None) == (args.bundle is None):
        parser.error("give --out to train, or --bundle to pack what travels")
    if args.run and not (args.run / "state.pt").is_file():
        raise SystemExit(f"--run {args.run} has no state.pt; give the run folder of a plateau")
    if args.bundle:
        bundle(args)
        return
    session = Session(args)
    session.sedd()
    session.twin()
    for name in ("sedd", "twin"):
        end = session.entries(f"{name}-annealed")[-1]
        session.say(f"{name}: {json.dumps(end)}")
    session.say(f"done. Next: take {args.out}/models with you; measure with `sedd bound {args.out}/models/sedd` and "
                f"`sedd nll {args.out}/models/twin`; more minutes go on from {args.out}/sedd by --run")


if __name__ == "__main__":
    main()
