"""Turns folders of plain text into what train.py reads: a tokenizer, packed ids and validation windows.

Usage: python3 prepare.py OUT FOLDER[=WEIGHT]... [--vocab 2048 | --tokenizer FILE] [--length 128] [--seed 0]
A FOLDER holds train.txt and valid.txt, or any *.txt files, of which every twentieth document is then held out;
documents are separated by a line <|endoftext|>. WEIGHT (default 1) multiplies how often a folder's text is seen,
beside its size. Validation windows come from the first folder: half from a document's start, half from anywhere.
OUT gets tokenizer.json, NAME.bin (uint16 ids) and NAME.starts.npy a folder, valid.npy, data.json.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np

from tokenizer import END, Tokenizer, learn

HOLD_OUT = 20  # every twentieth document, where there is no valid.txt
WINDOWS = 128


def documents(path: Path) -> list[str]:
    parts, current = [], []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.strip() == END:
            parts.append("\n".join(current))
            current = []
        else:
            current.append(line)
    parts.append("\n".join(current))
    return [part.strip() for part in parts if part.strip()]


def read_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Training and held-out documents of a folder."""
    if (folder / "train.txt").is_file() and (folder / "valid.txt").is_file():
        return documents(folder / "train.txt"), documents(folder / "valid.txt")
    found = [text for path in sorted(folder.rglob("*.txt")) for text in documents(path)]
    if len(found) < 2:
        raise SystemExit(f"{folder}: found {len(found)} documents in *.txt files, at least 2 are needed")
    step = min(HOLD_OUT, len(found))
    return [text for i, text in enumerate(found) if i % step], found[::step]


def pack(tokenizer: Tokenizer, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Ids of all documents, each followed by the end token, and where each begins."""
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if not 258 <= args.vocab <= 65535:
        raise SystemExit(f"--vocab {args.vocab}: 258 to 65535 tokens can be packed")
    began, random = time.time(), np.random.default_rng(args.seed)
    named = [(Path(text.split("=")[0]), float((text.split("=") + ["1"])[1])) for text in args.folders]
    texts = [(folder, weight, *read_folder(folder)) for folder, weight in named]
    tokenizer = Tokenizer.load(args.tokenizer) if args.tokenizer else learn((t for x in texts for t in x[2]), args.vocab)
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(args.out / "tokenizer.json")
    about = {"vocab": len(tokenizer), "length": args.length, "seed": args.seed, "corpora": []}
    for i, (folder, weight, train, valid) in enumerate(texts):
        order = random.permutation(len(train))
        ids, starts = pack(tokenizer, [train[j] for j in order])
        name = f"{i}-{folder.name}"
        ids.tofile(args.out / f"{name}.bin")
        np.save(args.out / f"{name}.starts.npy", starts)
        about["corpora"].append({"name": name, "weight": weight, "documents": len(train), "tokens": len(ids)})
        if i == 0:
            np.save(args.out / "valid.npy", windows(*pack(tokenizer, valid), args.length, random))
        print(f"{name}: {len(train)} documents, {len(ids)} tokens, {time.time() - began:.0f} s", flush=True)
    (args.out / "data.json").write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
