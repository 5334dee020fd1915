"""Byte-level BPE with GPT-2's pre-tokenisation: reads, writes and learns tokenizer.json.

Text is cut into words by GPT-2's pattern, a word's UTF-8 bytes become the printable characters of GPT-2's table,
and the merges are applied in their order. Learning follows Sennrich et al. 2016 (arXiv 1508.07909) on word counts:
the commonest pair first, ties to the pair that sorts first, so the same text gives the same tokenizer.
The last id is <|endoftext|>. Debian's Python has no tokenizers package, so this is written out.
"""
import json
from collections import Counter, defaultdict
from pathlib import Path

import regex

WORD = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
END = "<|endoftext|>"


def byte_characters() -> list[str]:
    """The printable character that stands for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = [], 0
    for byte in range(256):
        table.append(chr(byte) if byte in printable else chr(256 + extra))
        extra += byte not in printable
    return table


BYTES = byte_characters()
BACK = {character: byte for byte, character in enumerate(BYTES)}


def spell(word: str) -> list[str]:
    return [BYTES[byte] for byte in word.encode()]


def join(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    """Merges every occurrence of a pair, left to right."""
    out, i = [], 0
    while i < len(symbols):
        both = i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == pair
        out.append(symbols[i] + symbols[i + 1] if both else symbols[i])
        i += 2 if both else 1
    return out


class Tokenizer:
    def __init__(self, merges: list[tuple[str, str]], vocab: dict[str, int]):
        self.merges, self.vocab = merges, vocab
        self.rank = {pair: i for i, pair in enumerate(merges)}
        self.end, self.cache = vocab[END], {}
        self.text = {i: symbol for symbol, i in vocab.items()}

    def __len__(self) -> int:
        return len(self.vocab)

    def word(self, word: str) -> list[int]:
        if word not in self.cache:
            symbols = spell(word)
            while len(symbols) > 1:
                best = min(zip(symbols, symbols[1:]), key=lambda pair: self.rank.get(pair, len(self.rank)))
                if best not in self.rank:
                    break
                symbols = join(symbols, best)
            self.cache[word] = [self.vocab[symbol] for symbol in symbols]
        return self.cache[word]

    def encode(self, text: str) -> list[int]:
        return [i for word in WORD.findall(text) for i in self.word(word)]

    def decode(self, ids) -> str:
        out = b""
        for i in ids:
            symbol = self.text.get(int(i), "")
            out += symbol.encode() if symbol == END else bytes(BACK[character] for character in symbol)
        return out.decode(errors="replace")

    def save(self, path: Path) -> None:
        end = {"id": self.end, "content": END, "single_word": False, "lstrip": False, "rstrip": False,
               "normalized": False, "special": True}
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        vocab = {symbol: i for symbol, i in self.vocab.items() if symbol != END}
        data = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [end], "normalizer": None,
                "pre_tokenizer": level, "post_processor": level, "decoder": level,
                "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                          "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "vocab": vocab,
                          "merges": [" ".join(pair) for pair in self.merges]}}
        Path(path).write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in data["model"]["merges"]]
        vocab = dict(data["model"]["vocab"])
        vocab.update({token["content"]: token["id"] for token in data["added_tokens"]})
        if END not in vocab:
            raise SystemExit(f"{path}: there is no token {END}; the trainer separates documents by it")
        return cls(merges, vocab)


def learn(texts, size: int) -> Tokenizer:
    """A tokenizer of `size` tokens: 256 bytes, merges, <|endoftext|>."""
    counts = Counter(word for text in texts for word in WORD.findall(text))
    words = [(spell(word), count) for word, count in sorted(counts.items())]
    pairs, where = Counter(), defaultdict(set)
    for i, (symbols, count) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += count
            where[pair].add(i)
    merges = []
    while len(merges) < size - 257 and pairs:
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if pairs[best] < 2:
            break
        merges.append(best)
        for i in sorted(where.pop(best)):
            symbols, count = words[i]
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] -= count
                if pairs[pair] <= 0:
                    del pairs[pair]
            symbols = join(symbols, best)
            words[i] = (symbols, count)
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += count
                where[pair].add(i)
    symbols = sorted(BYTES) + ["".join(pair) for pair in merges] + [END]
    return Tokenizer(merges, {symbol: i for i, symbol in enumerate(symbols)})
