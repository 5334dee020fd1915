"""Writes gpt2-tokenizer/more.json: texts and their ids by a second, independent implementation.

usage: python3 tests/golden/make_tokenizer_cases.py        (needs the `regex` package)

Pieces come from GPT-2's own pattern run by the `regex` package, ids from the plain quadratic
merge loop of the paper: no code, table or idea is shared with core/text. Every text is valid UTF-8
and uses only characters assigned before Unicode 14, so that the table's age does not matter.
"""

from __future__ import annotations

import json
import pathlib
import random

import regex

FOLDER = pathlib.Path(__file__).parent / "gpt2-tokenizer"
PATTERN = regex.compile(r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")

BY_HAND = [
    "it's we're I've I'm you'll he'd don't IT'S ''s 's' '", " 's 'sx 'll'll 're.", "x'y'z",
    "a\u0085b", "a\u1680b", "a\u2028b\u2029c", "a\u202fb", "a\u205fb", "a\u3000b", "a\u180eb",
    "a\u200bb", "a\ufeffb", "a \u00a0b", "  \u3000 x", " \u2003\u2003x", "\u3000\u3000",
    "a \n\n b", "a\n\n\nb", "\t\tx", " \tx ", "\r\n x\r\n", "\v\f\x1c\x1f x", "a\x00b", " \x00 ",
    "\u01c5\u02b0\u05d0\u30fc", "\u0660\u0661 \u2167\u2168 \u00b2\u00bd", "1a2b3c 10,000.50",
    "e\u0301a\u0300 n\u0303", "\u0915\u094d\u0937\u093f", "\u0e01\u0e33", "\u1100\u1161\u11a8",
    "\U0001d400\U0001d7ce", "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "\u00aa\u00ba\u00b5\u00df", "\u203f_\u2040 __init__", "$9.99 \u20ac5 \u00a31", "\ue000\U0010ffff",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "<|endoftext|><|endoftext|> <|", "a" * 300,
    "ab" * 100, " " * 65 + "x" + " " * 64, "-" * 100, "\u00e9" * 40, "Supercalifragilisticexpialidocious",
]
ALPHABET = (
    "aetoinshr  '''sdlm.,!?\n\t09\u00e9\u00fc\u00df\u0416\u4e2d\u3042\u00a0\u3000\u2009\u0301\u00b2"
    "\U0001f600\U0001d7ce\u200b\u0085\u00ad<|>"
)


def byte_alphabet() -> dict[int, str]:
    """The printable character that stands for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


def encode(text: str, vocab: dict[str, int], ranks: dict[tuple[str, str], int]) -> list[int]:
    letters = byte_alphabet()
    ids: list[int] = []
    for piece in PATTERN.findall(text):
        parts = [letters[b] for b in piece.encode("utf-8")]
        while len(parts) > 1:
            rank, place = min(
                (ranks.get(pair, len(ranks)), i) for i, pair in enumerate(zip(parts, parts[1:]))
            )
            if rank == len(ranks):
                break
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        ids += [vocab[part] for part in parts]
    return ids


def main() -> None:
    vocab = json.loads((FOLDER / "vocab.json").read_text("utf-8"))
    lines = (FOLDER / "merges.txt").read_text("utf-8").split("\n")
    lines = lines[lines[0].startswith("#version") :]  # this line is optional
    ranks = {tuple(line.split(" ")): i for i, line in enumerate(line for line in lines if line)}
    source = random.Random(20)
    drawn = ["".join(source.choices(ALPHABET, k=source.randint(1, 60))) for _ in range(200)]
    cases = [
        {"text": text, "utf8_hex": text.encode("utf-8").hex(), "ids": encode(text, vocab, ranks)}
        for text in BY_HAND + drawn
    ]
    known = json.loads((FOLDER / "cases.json").read_text("utf-8"))["cases"]
    for case in known:  # the second implementation must itself agree with the original encoder
        assert encode(bytes.fromhex(case["utf8_hex"]).decode("utf-8"), vocab, ranks) == case["ids"]
    (FOLDER / "more.json").write_text(json.dumps({"cases": cases}, indent=0) + "\n", "ascii")


if __name__ == "__main__":
    main()
