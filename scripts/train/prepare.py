"""Turns folders of plain text into what train.py reads: a tokenizer, packed ids and validation windows.

Usage: python3 prepare.py OUT SOURCE[=WEIGHT]... [--vocab 2048 | --tokenizer FILE] [--length 128] [--seed 0]
       [--valid FILE] [--mend FILE]
A SOURCE is a text file, or a folder with train.txt and valid.txt, or with any *.txt files, of which every twentieth
document is then held out. <|endoftext|> separates documents. WEIGHT (default 1) multiplies how often a source is
seen, beside its size. Validation windows come from the first source: half from a document's start, half from
anywhere. With --valid they are those of FILE (.npy, or ids separated by commas), so that figures stay comparable
when sources change; a source without valid.txt is then trained on whole. The documents of --mend FILE stand in for
those with the same letters in other cases: stories whose capitals were lost.
OUT gets tokenizer.json, NAME.bin (uint16 ids) and NAME.starts.npy for each source, valid.npy, and data.json, which
records the tokenizer's hash: a model with another tokenizer is refused when it meets this pack.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np

from tokenizer import END, Tokenizer, fingerprint, learn

HOLD_OUT = 20  # if there is no valid.txt, every twentieth document is held out
WINDOWS = 128
MOST = 65536  # the most tokens that 16 bits can distinguish


def documents(path: Path) -> list[str]:
    """Returns the documents of a UTF-8 file; <|endoftext|> ends one wherever it stands."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = f"0x{raw[error.start]:02x}"
        raise SystemExit(f"{path}, line {line}: byte {byte} is not UTF-8; save the file as UTF-8") from None
    parts = text.replace("\r\n", "\n").split(END)
    return [part.strip() for part in parts if part.strip()]


def read_source(source: Path, whole: bool) -> tuple[list[str], list[str]]:
    """Returns training and held-out documents. With `whole`, nothing is held out but a valid.txt."""
    if (source / "train.txt").is_file() and (source / "valid.txt").is_file():
        return documents(source / "train.txt"), documents(source / "valid.txt")
    if not source.exists():
        raise SystemExit(f"{source}: no such file or folder")
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*.txt") if path.is_file())
    found = [text for path in files for text in documents(path)]
    if len(found) < 2:
        raise SystemExit(f"{source}: {len(found)} documents found in *.txt files, at least 2 are needed")
    if whole:
        return found, []
    step = min(HOLD_OUT, len(found))
    return [text for i, text in enumerate(found) if i % step], found[::step]


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).lower()


def mend(texts: list[str], better: dict[str, str]) -> tuple[list[str], int]:
    """Replaces the texts that have the letters of a better one. Returns all texts, and how many were replaced."""
    out = [better.get(letters(text), text) for text in texts]
    return out, sum(a is not b for a, b in zip(out, texts))


def weighted(argument: str) -> tuple[Path, float]:
    """Splits SOURCE or SOURCE=WEIGHT; a path that exists may hold "="."""
    path, equals, weight = argument.rpartition("=")
    if not equals or Path(argument).exists():
        return Path(argument), 1.0
    try:
        value = float(weight)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise SystemExit(f'{argument}: the weight is "{weight}", a number above 0 is expected')
    return Path(path), value


def given_windows(path: Path, length: int, vocab: int) -> np.ndarray:
    """Reads validation windows [count, length] from a .npy file or from ids separated by commas."""
    try:
        ids = np.load(path) if path.suffix == ".npy" else np.array(path.read_text().replace(",", " ").split(), np.int64)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path}: {error}; a .npy file, or ids separated by commas, are expected") from None
    if ids.size == 0 or ids.size % length or (ids.ndim == 2 and ids.shape[1] != length):
        raise SystemExit(f"{path}: {ids.size} ids (shape {list(ids.shape)}), windows of {length} are expected")
    if ids.min() < 0 or ids.max() >= vocab:
        raise SystemExit(f"{path}: ids from {ids.min()} to {ids.max()}, the tokenizer has {vocab}")
    return ids.reshape(-1, length).astype(np.int64)


def pack(tokenizer: Tokenizer, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ids of all documents, each followed by the end token, and where each begins."""
    ids, starts = [], []
    for text in texts:
        starts.append(len(ids))
        ids += tokenizer.encode(text) + [tokenizer.end]
    return np.array(ids, np.uint16), np.array(starts, np.int64)


def windows(ids: np.ndarray, starts: np.ndarray, length: int, random: np.random.Generator) -> np.ndarray:
    last = len(ids) - length
    if last < 1:
        raise SystemExit(f"the held-out text has {len(ids)} tokens, more than {length} are needed")
    fit = starts[starts <= last]
    half = min(WINDOWS // 2, len(fit))
    begin = np.concatenate([random.choice(fit, half, replace=False), random.integers(0, last, WINDOWS - half)])
    return ids[begin[:, None] + np.arange(length)].astype(np.int64)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--valid", type=Path)
    parser.add_argument("--mend", type=Path)
    return parser.parse_args()


def chosen_tokenizer(args: argparse.Namespace, texts: list[str]) -> Tokenizer:
    """Returns the tokenizer of --tokenizer, or learns one from the training texts."""
    if not 258 <= args.vocab <= MOST:
        raise SystemExit(f"--vocab {args.vocab}: 258 to {MOST} tokens can be packed")
    tokenizer = Tokenizer.load(args.tokenizer) if args.tokenizer else learn(texts, args.vocab)
    if len(tokenizer) > MOST:
        raise SystemExit(f"{args.tokenizer}: {len(tokenizer)} tokens, {MOST} at most fit into 16 bits")
    return tokenizer


def main() -> None:
    args = arguments()
    began, random = time.time(), np.random.default_rng(args.seed)
    better = {letters(text): text for text in documents(args.mend) if letters(text)} if args.mend else {}
    texts = [(source, weight, *read_source(source, bool(args.valid))) for source, weight in map(weighted, args.sources)]
    tokenizer = chosen_tokenizer(args, [text for _, _, train, _ in texts for text in train])
    valid = given_windows(args.valid, args.length, len(tokenizer)) if args.valid else None
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(args.out / "tokenizer.json")
    corpora = []
    for i, (source, weight, train, held_out) in enumerate(texts):
        train, mended = mend(train, better)
        ids, starts = pack(tokenizer, [train[j] for j in random.permutation(len(train))])
        name = f"{i}-{source.stem}"
        ids.tofile(args.out / f"{name}.bin")
        np.save(args.out / f"{name}.starts.npy", starts)
        corpora.append({"name": name, "weight": weight, "documents": len(train), "mended": mended, "tokens": len(ids)})
        if valid is None:
            valid = windows(*pack(tokenizer, held_out), args.length, random)
        seconds = time.time() - began
        print(f"{name}: {len(train)} documents ({mended} mended), {len(ids)} tokens, {seconds:.0f} s", flush=True)
    np.save(args.out / "valid.npy", valid)
    about = {"vocab": len(tokenizer), "tokenizer": fingerprint(args.out / "tokenizer.json"), "length": args.length,
             "seed": args.seed, "corpora": corpora}
    (args.out / "data.json").write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
