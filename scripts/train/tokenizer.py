"""Byte-level BPE with GPT-2's pre-tokenisation: reads, writes and learns tokenizer.json.

Text is cut into words by GPT-2's pattern, a word's UTF-8 bytes become the printable characters of GPT-2's table,
and the merges are applied in their order. Learning follows Sennrich et al. 2016 (arXiv 1508.07909) on word counts:
the commonest pair first, ties to the pair that sorts first, so the same text gives the same tokenizer.
The last id is <|endoftext|>. Debian's Python has no tokenizers package, so this is written out.
"""
import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path

import regex

WORD = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
END = "<|endoftext|>"


def byte_characters() -> list[str]:
    """Returns the printable character that stands for each byte."""
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
        """Reads a tokenizer.json. Refuses every option that would give other ids than this class does."""
        data = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        refuse_options(path, data)
        merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in data["model"]["merges"]]
        vocab = dict(data["model"]["vocab"])
        vocab.update({token["content"]: token["id"] for token in data.get("added_tokens") or []})
        if vocab.get(END) != len(vocab) - 1 or sorted(vocab.values()) != list(range(len(vocab))):
            raise SystemExit(f"{path}: its {len(vocab)} tokens must have the ids 0 to {len(vocab) - 1}, the last one {END}, "
                             "which separates documents")
        return cls(merges, vocab)


def refuse_options(path: Path, data: dict) -> None:
    """Ends with a sentence that names the first option of a tokenizer.json that this trainer does not apply."""
    model, level = data["model"], data.get("pre_tokenizer") or {}
    found = {"model.type": model.get("type", "BPE"), "normalizer": data.get("normalizer"),
             "pre_tokenizer.type": level.get("type"), "pre_tokenizer.add_prefix_space": level.get("add_prefix_space"),
             "pre_tokenizer.use_regex": level.get("use_regex", True), "model.dropout": model.get("dropout") or None,
             "model.ignore_merges": model.get("ignore_merges", False),
             "model.byte_fallback": model.get("byte_fallback", False),
             "model.continuing_subword_prefix": model.get("continuing_subword_prefix") or None,
             "model.end_of_word_suffix": model.get("end_of_word_suffix") or None,
             "added_tokens": sorted({t["content"] for t in data.get("added_tokens") or []} - {END})}
    wanted = {"model.type": "BPE", "pre_tokenizer.type": "ByteLevel", "pre_tokenizer.add_prefix_space": False,
              "pre_tokenizer.use_regex": True, "model.ignore_merges": False, "model.byte_fallback": False,
              "added_tokens": []}
    for name, value in found.items():
        if value != wanted.get(name):
            raise SystemExit(f"{path}: {name} is {json.dumps(value)}; the trainer reads byte-level BPE with "
                             f"{json.dumps(wanted.get(name))} there")


def fingerprint(path: Path) -> str:
    """Returns the SHA-256 of what decides a tokenizer's ids, however its file is written: tokens with ids, and merges."""
    tokenizer = Tokenizer.load(path)
    return hashlib.sha256(json.dumps([sorted(tokenizer.vocab.items()), tokenizer.merges]).encode()).hexdigest()


def learn(texts, size: int) -> Tokenizer:
    """Learns a tokenizer of `size` tokens: 256 bytes, merges, <|endoftext|>. Short texts give fewer."""
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
