"""Writes a trained model as a Hugging Face folder: config.json, model.safetensors, tokenizer.json.

Usage: python3 export.py SOURCE TARGET [--dtype f32|f16|int8] [--tokenizer FILE]
SOURCE is a model folder, or a run folder of train.py, planned.py or distill.py: its averaged weights in best/, or in
last/ where there is no best/. A run that was stopped in its causal stage is exported as the SEDD that the next stage
would begin with.
"""
import argparse
import hashlib
import json
import shutil
from pathlib import Path

from weights import encode, from_causal, read_model, write_safetensors

QUANTIZATION = {"quant_method": "compressed-tensors", "format": "int-quantized",
                "weights": {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}}


def weights_folder(source: Path) -> Path:
    """Returns the model folder of a run, or `source` itself."""
    places = [source / part for part in ("best", "last", ".", "causal/best", "causal/last")]
    found = next((place for place in places if (place / "model.safetensors").is_file()), None)
    if found is None:
        raise SystemExit(f"{source} holds no model.safetensors, nor do its best/ and last/; a run writes them when it saves")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--dtype", choices=("f32", "f16", "int8"), default="int8")
    parser.add_argument("--tokenizer", type=Path)
    args = parser.parse_args()
    source = weights_folder(args.source)
    config, tensors = read_model(source)
    if (source / "causal").exists():
        print(f"{source} is from the causal stage: this SEDD has not learned to fill in masks yet")
        tensors = from_causal(tensors)
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
