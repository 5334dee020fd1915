"""Makes the model that a run starts from: with random weights, the weights of a model folder, those of a causal model
turned into a SEDD, or those of a GPT-2 made deeper without changing what it computes."""
from pathlib import Path

import torch

from model import GPT2, build, load, tensors
from weights import from_causal


def sedd_config(c: dict) -> dict:
    """Returns the official config.json. Fields that these scripts do not read record how the model was trained."""
    m = c["model"]
    return {"tokens": m["tokens"], "training": {"batch_size": c["batch"], "n_iters": c["steps"], "ema": c["ema"]},
            "graph": {"type": "absorb"}, "noise": {"type": "loglinear", "sigma_min": 1e-4, "sigma_max": 20},
            "optim": {"optimizer": "AdamW", "lr": c["lr"], "weight_decay": c["weight_decay"], "warmup": c["warmup"]},
            "model": {"name": c["name"], "type": "ddit", "hidden_size": m["hidden"], "cond_dim": m["cond"],
                      "length": m["length"], "n_blocks": m["blocks"], "n_heads": m["heads"],
                      "scale_by_sigma": True, "dropout": 0.0}}


def mdlm_config(c: dict) -> dict:
    """Returns the flat config.json of published MDLM checkpoints, whose vocab_size counts the mask."""
    m = c["model"]
    return {"architectures": ["MDLM"], "model_type": "mdlm", "vocab_size": m["tokens"] + 1, "model_length": m["length"],
            "hidden_dim": m["hidden"], "cond_dim": m["cond"], "n_blocks": m["blocks"], "n_heads": m["heads"], "dropout": 0.0,
            "time_conditioning": False, "torch_dtype": "float32"}


def gpt2_config(c: dict) -> dict:
    m, drop = c["model"], c.get("dropout", 0.0)
    return {"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2",
            "attn_pdrop": 0.0, "embd_pdrop": drop, "resid_pdrop": drop, "initializer_range": 0.02,
            "bos_token_id": m["tokens"] - 1, "eos_token_id": m["tokens"] - 1, "layer_norm_epsilon": 1e-5,
            "n_ctx": m["length"], "n_positions": m["length"], "n_embd": m["hidden"], "n_head": m["heads"],
            "n_inner": None, "n_layer": m["blocks"], "tie_word_embeddings": True, "vocab_size": m["tokens"]}


def deepened(model: GPT2, source: GPT2) -> None:
    """Copies a shallower GPT-2 and spreads new blocks among the old; each is a copy of the one before it whose two
    outputs are zero, so the function is the source's until training starts."""
    old, new = len(source.h), len(model.h)
    if old > new:
        raise SystemExit(f"the starting model has {old} blocks, more than the {new} of the configuration")
    own = {name: value for name, value in source.state_dict().items() if not name.startswith("h.")}
    model.load_state_dict(own, strict=False)
    places = [round((i + 1) * new / old) - 1 for i in range(old)]  # new indices of the old blocks
    previous = 0
    with torch.no_grad():
        for i, block in enumerate(model.h):
            if i in places:
                previous = places.index(i)
            block.load_state_dict(source.h[previous].state_dict())
            if i not in places:
                for part in (block.attn["c_proj"], block.mlp["c_proj"]):
                    part.weight.zero_()
                    part.bias.zero_()


def begin(c: dict, folder: Path | None, causal: bool):
    """Returns a model for configuration `c`, with weights from `folder` when there is one. An MDLM may start from a SEDD."""
    config = {"gpt2": gpt2_config, "mdlm": mdlm_config}.get(c["kind"], sedd_config)(c)
    model = build(config, causal)
    if folder is None:
        return model
    source = load(folder)
    if type(source) is not type(model) or source.vocab != model.vocab:
        raise SystemExit(f"{folder}: a {type(source).__name__} of {source.vocab} tokens cannot start "
                         f"a {type(model).__name__} of {model.vocab}")
    if isinstance(model, GPT2):
        deepened(model, source)
    elif (folder / "causal").exists() and not causal:
        model.load_state_dict({name: torch.from_numpy(array) for name, array in from_causal(tensors(source)).items()})
    else:
        model.load_state_dict(source.state_dict())
    return model
