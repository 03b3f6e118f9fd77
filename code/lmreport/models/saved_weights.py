"""The weights saved in a folder: whether they are whole and those that it tells of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lmreport.core.blobs import is_pointer
from lmreport.models import pretrained

if TYPE_CHECKING:
    import torch


INDEX = "model.safetensors.index.json"  # which part of the weights holds which of them


def weights_in_parts(folder: Path) -> str:
    """That the weights lie in several files, and which of these is missing."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        parts = sorted(set(index["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"has a damaged {INDEX}; fetch or save the model again"
    missing = [name for name in parts if not (folder / name).is_file()]
    if missing:
        return (
            f"lacks {', '.join(missing)}, of the {len(parts)} parts of its weights that {INDEX} "
            "names; fetch or save the model again"
        )
    return (
        f"has its weights in {len(parts)} parts, and model.safetensors alone is read here; load "
        "the model and save it with save_pretrained(FOLDER, max_shard_size='100GB')"
    )


def pointer_in(folder: Path) -> str:
    """That a file of the model is what Git LFS puts in its place; "" if none is."""
    there = [name for name in pretrained.WANTED if (folder / name).is_file()]
    found = next((name for name in there if is_pointer(folder / name)), "")
    return found and f"{found} is a pointer of Git LFS; run git lfs pull in its folder"


def unlike_its_weights(path: str, kind: str = "AutoModel") -> str:
    """That Transformers would fill weights of the model saved at `path`, an encoder or of another
    `kind`, with random numbers, leave layers out or train it in half precision, or that its weights
    are no numbers; "" if all is well.
    """
    import torch
    import transformers

    if kind_of_numbers := quantized(Path(path)):
        return (
            f"its weights are quantized ({kind_of_numbers}), and config.json does not say how "
            "(quantization_config); save the model as it was before"
        )
    model, told = getattr(transformers, kind).from_pretrained(
        path, output_loading_info=True, ignore_mismatched_sizes=True
    )
    is_encoder = kind == "AutoModel"  # which gets a head of its own, without a pooler
    if getattr(model.config, "num_hidden_layers", None) == 0:
        return "it has no layers (num_hidden_layers is 0 in config.json)"
    lost = sorted(name for name in told["missing_keys"] if "pooler" not in name or not is_encoder)
    if lost:
        return f"model.safetensors has no {lost[0]} and {len(lost) - 1} other weights of its layers"
    if told["mismatched_keys"]:
        name, there, wanted = sorted(told["mismatched_keys"])[0]
        return f"{name} has the shape {list(there)} in model.safetensors and {list(wanted)} by config.json"
    if layer := left_out(model.state_dict(), told["unexpected_keys"]):
        return f"config.json counts fewer layers than model.safetensors has, such as {layer}"
    if is_encoder and model.dtype != torch.float32:
        return (
            f"its weights are {str(model.dtype).removeprefix('torch.')}, too coarse to be "
            "trained; save model.float()"
        )
    return no_numbers(model.state_dict().items())


def quantized(folder: Path) -> str:
    """Which numbers of eight bits are among the weights saved in `folder`, where its configuration
    tells nothing of them; "" if none are.
    """
    from safetensors import safe_open

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if "quantization_config" in config:
        return ""  # Transformers read them
    with safe_open(folder / "model.safetensors", "numpy") as file:
        kinds = {file.get_slice(name).get_dtype() for name in file.keys()}
    return next((kind for kind in sorted(kinds) if kind.startswith(("I8", "U8", "F8"))), "")


LAYER = re.compile(r"\.\d+\.")  # its number in the names of its weights


def left_out(there: Iterable[str], others: Iterable[str]) -> str:
    """The first layer among weights called `others` that is built like one of those called `there`;
    "" if there is none.
    """
    known = tuple(LAYER.sub(".0.", name, count=1) for name in there if LAYER.search(name))
    alike = (name for name in sorted(others) if LAYER.sub(".0.", name, count=1).endswith(known))
    return next((name[: found.end() - 1] for name in alike if (found := LAYER.search(name))), "")


def no_numbers(weights: Iterable[tuple[str, torch.Tensor]]) -> str:
    """That some of the (name, values) of a model are no numbers, with which it would give every text
    the same class; "" if all are.
    """
    wrong = [name for name, one in weights if one.is_floating_point() and not one.isfinite().all()]
    if not wrong:
        return ""
    return f"{wrong[0]} has values in model.safetensors that are no numbers (NaN) or infinite"


def opens(path: Path) -> bool:
    """Whether a file of weights is there and whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy"):
            return True
    except (OSError, SafetensorError):
        return False
