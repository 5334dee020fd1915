"""Reads a training configuration. A field that is unknown, missing or out of range is refused, so none is ignored."""
import json
import math
from pathlib import Path

SIZES = ("tokens", "hidden", "blocks", "heads", "length")
COUNTS = ("batch", "micro", "steps", "log_every", "eval_every", "anneal_every")
FROM_ZERO = ("warmup", "decay", "seed")
NUMBERS = ("lr", "floor", "weight_decay", "ema", "dropout", "held", "spread")
ALWAYS = {"kind", "model", "batch", "steps", "warmup", "decay", "lr", "floor", "weight_decay", "ema", "precision", "seed",
          "log_every", "eval_every"}
OPTIONAL = {"name", "micro", "optimizer", "compile", "anneal_every"}
OWN = {"sedd": {"causal"}, "mdlm": {"causal"}, "causal": set(), "gpt2": {"dropout"}, "planned": {"walks", "held"},
       "sdtt": {"spread", "rounds"}}  # fields of one kind; planned and sdtt require theirs


def read_config(path: Path, kinds: tuple[str, ...]) -> dict:
    """Returns the configuration in `path`, of one of these kinds."""
    try:
        c = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path}: {error}") from None
    if not isinstance(c, dict) or c.get("kind") not in kinds:
        kind = c.get("kind") if isinstance(c, dict) else None
        raise SystemExit(f"{path}: kind is {json.dumps(kind)}; this command trains {' or '.join(kinds)}")
    check(path, c)
    for part in [c.get("causal"), *c.get("rounds", [])]:
        if part is not None:
            check(path, {**{key: value for key, value in c.items() if key not in ("causal", "rounds")}, **part}, whole=False)
    return c


def check(path: Path, c: dict, whole: bool = True) -> None:
    """Refuses the first field that is wrong. `whole` also asks for fields that only the whole configuration must have."""
    kind, own = c["kind"], OWN[c["kind"]]
    rounds = {"student_steps", "substeps"} if not whole else set()
    for name in c.keys() - ALWAYS - OPTIONAL - own - rounds:
        raise SystemExit(f'{path}: unknown field "{name}" for kind {kind}')
    required = ALWAYS | (own if kind in ("planned", "sdtt") and whole else set())
    if kind == "sdtt" and whole:
        required -= {"steps", "lr"}  # each round sets its own
    for name in required - c.keys():
        raise SystemExit(f'{path}: the field "{name}" is missing')
    sizes = SIZES if kind in ("gpt2", "sedd", "mdlm", "causal") else ("length",)
    sizes += ("cond",) if kind in ("sedd", "mdlm", "causal") else ()
    for name in c["model"].keys() - {*SIZES, "cond"}:
        raise SystemExit(f'{path}: unknown field "model.{name}"')
    for name in sizes:
        number(path, f"model.{name}", c["model"].get(name), 1, True)
    for names, least, integer in ((COUNTS, 1, True), (FROM_ZERO, 0, True), (NUMBERS, 0, False)):
        for name in names:
            if name in c:
                number(path, name, c[name], least, integer)
    if c["precision"] not in ("auto", "bf16", "fp32"):
        raise SystemExit(f'{path}: precision is {json.dumps(c["precision"])}; "auto", "bf16" or "fp32" is expected')
    if "hidden" in sizes and c["model"]["hidden"] % (2 * c["model"]["heads"]):
        raise SystemExit(f"{path}: model.hidden {c['model']['hidden']} is not a multiple of 2 x model.heads "
                         f"{c['model']['heads']}")


def number(path: Path, name: str, value, least: int, integer: bool) -> None:
    ok = isinstance(value, int if integer else (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not ok or value < least:
        wanted = "an integer" if integer else "a number"
        raise SystemExit(f"{path}: {name} is {json.dumps(value)}; {wanted} of at least {least} is expected")
