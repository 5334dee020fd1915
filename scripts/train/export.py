"""Writes a trained model as a Hugging Face folder: config.json, model.safetensors, tokenizer.json.

Usage: python3 export.py SOURCE TARGET [--dtype f32|f16|int8] [--tokenizer FILE]
SOURCE is a model folder or a run folder of train.py or distill.py (its EMA weights, in `best/` or `last/`).
"""
import argparse
import hashlib
import json
import shutil
from pathlib import Path

from weights import encode, read_model, write_safetensors

QUANTIZATION = {"quant_method": "compressed-tensors", "format": "int-quantized",
                "weights": {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--dtype", choices=("f32", "f16", "int8"), default="int8")
    parser.add_argument("--tokenizer", type=Path)
    args = parser.parse_args()
    source = next((args.source / d for d in ("best", "last") if (args.source / d).is_dir()), args.source)
    config, tensors = read_model(source)
    config.pop("quantization_config", None)
    if args.dtype == "int8":
        config["quantization_config"] = QUANTIZATION
    args.target.mkdir(parents=True, exist_ok=True)
    (args.target / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    weights = args.target / "model.safetensors"
    write_safetensors(weights, encode(tensors, config, args.dtype))
    shutil.copyfile(args.tokenizer or source / "tokenizer.json", args.target / "tokenizer.json")
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    print(f"{weights}: {weights.stat().st_size} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
