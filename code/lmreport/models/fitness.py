"""Whether a model is fit for what is asked of it: what is not is refused before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path

from lmreport.core.blobs import is_pointer
from lmreport.core.errors import ReportError
from lmreport.models import pretrained


def class_names(folder: Path) -> list[str]:
    """The classes of a saved classifier, in the order of its logits. Raises ReportError if it names
    none.
    """
    try:
        names = json.loads((folder / "config.json").read_text(encoding="utf-8"))["id2label"]
        return [names[str(i)] for i in range(len(names))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(
            f"model: {folder} is no fine-tuned classifier, since its config.json names no classes "
            f"({error!r}); name the folder of one"
        ) from error


HEADS = (
    "classifier",
    "pre_classifier",
    "score",
    "logits_proj",
    "classification_head",
)  # of Transformers' models


def no_classifier(folder: Path, tokenizer) -> str:
    """Why the model saved in `folder` cannot classify what `tokenizer` gives; "" if it can."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / "model.safetensors", "numpy") as file:
            names = list(file.keys())
    except (OSError, SafetensorError):
        return "has damaged weights"
    if not any(name.startswith(HEADS) for name in names):
        return "holds an encoder without a classifier, whose answers would be chance"
    return foreign_tokenizer(folder, tokenizer)


def foreign_tokenizer(folder: Path, tokenizer) -> str:
    """That the tokenizer has word pieces which the model saved in `folder` does not know; "" if it
    has none.
    """
    pieces = json.loads((folder / "config.json").read_text(encoding="utf-8")).get(
        "vocab_size", len(tokenizer)
    )
    return (
        f"has a tokenizer of {len(tokenizer):,} word pieces and a model of {pieces:,}"
        if pieces < len(tokenizer)
        else ""
    )


KNOWN = dict.fromkeys(("bert", "distilbert", "electra", "albert"), False) | dict.fromkeys(
    ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer", "data2vec-text"), True
)  # encoders by their model_type, and whether their positions are counted from the padding's on
FITS = "name an encoder such as BERT, DistilBERT or RoBERTa"


def refuse_unfit(source: pretrained.Source, max_length: int | None = None) -> None:
    """Raises ReportError if the model is no encoder, or has fewer positions than `max_length`."""
    config = configuration(Path(source.path))
    what = no_encoder(config)
    if what:
        raise ReportError(f"model: {source.name!r} is {what}, which cannot be used here; {FITS}")
    refuse_long(source.name, config, max_length)


def refuse_long(name: str, config: dict, max_length: int | None) -> None:
    """Raises ReportError if the model with this `config` has fewer positions than `max_length`."""
    most = positions(config)
    if max_length and 0 < most < max_length:
        raise ReportError(
            f"model: {name!r} reads at most {most} word pieces of a text, and max_length is "
            f"{max_length}; set max_length to {most} or less, or name another model"
        )


def configuration(folder: Path) -> dict:
    """What the configuration of the model saved in `folder` says; the defaults of a known encoder,
    which are left out there, are those of `positions`. Raises ReportError if Transformers do not
    know its kind.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") in KNOWN:  # importing Transformers takes seconds
        return config
    from transformers import AutoConfig

    try:
        whole = AutoConfig.from_pretrained(folder)
    except Exception as error:  # whatever a kind that is not known leads to
        raise ReportError(
            f"model: the kind of {str(folder)!r} is not known "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); {FITS}"
        ) from error
    names = (
        "is_decoder",
        "is_encoder_decoder",
        "max_position_embeddings",
        "num_attention_heads",
        "pad_token_id",
    )
    return config | {name: getattr(whole, name, None) for name in names}


def no_encoder(config: dict) -> str:
    """What a model is that is no encoder; "" for an encoder."""
    if config.get("is_encoder_decoder"):
        return "an encoder with a decoder"
    if config.get("is_decoder"):
        return "a decoder"
    if config.get("model_type") in KNOWN:
        return ""
    if config.get("num_attention_heads") is None:
        return "a model without attention heads"
    if config.get("pad_token_id") is not None:
        return ""
    from transformers.models.auto import modeling_auto

    kind, names = config.get("model_type"), config.get("architectures") or []
    causal = kind in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    masked = kind in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    told = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in names)
    return "a decoder without a padding token" if told or causal and not masked else ""


def positions(config: dict) -> int:
    """How many word pieces of a text a model can read, with those that begin and end it; 0 where
    its configuration sets no bound.
    """
    kind = config.get("model_type")
    most = config.get("max_position_embeddings", 512 if kind in KNOWN else 0)
    if config.get("position_embedding_type", "absolute") != "absolute" or not isinstance(most, int):
        return 0
    if config.get("position_biased_input") is False:  # DeBERTa's positions are relative then
        return 0
    pad = config.get("pad_token_id", 1)
    return max(most - (pad + 1 if KNOWN.get(kind) and pad is not None else 0), 0)  # type: ignore[arg-type]


def located(model: str, max_length: int | None = None) -> pretrained.Source:
    """The model that `model` names. Raises ReportError if it is no encoder, if it has fewer
    positions than `max_length`, or is a folder from which no model can be loaded.
    """
    source = pretrained.locate(model)
    if Path(model).is_dir():
        refuse_broken(source)
    refuse_unfit(source, max_length)
    return source


def refuse_broken(source: pretrained.Source) -> None:
    """Raises ReportError if no model can be loaded from the folder of `source`."""
    from transformers import AutoConfig, AutoTokenizer

    if pointer := pointer_in(Path(source.path)):
        raise ReportError(f"model: the folder {source.path} cannot be used, since {pointer}")
    try:
        AutoConfig.from_pretrained(source.path)
        tokenizer = AutoTokenizer.from_pretrained(source.path)
        what = foreign_tokenizer(Path(source.path), tokenizer)
        what = what or ("" if tokenizer.pad_token else "its tokenizer has no padding token")
        what = (
            what
            if opens(Path(source.path) / "model.safetensors")
            else "model.safetensors is damaged"
        )
        what = what or unlike_its_weights(source.path)
    except Exception as error:  # whatever a damaged file leads to
        what = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    if what:
        raise ReportError(
            f"model: no model can be loaded from the folder {source.path} ({what}); save a model "
            f"and its "
            "tokenizer there with save_pretrained, or set LMREPORT_MODEL to another one"
        )


def pointer_in(folder: Path) -> str:
    """That a file of the model is what Git LFS puts in its place; "" if none is."""
    there = [name for name in pretrained.WANTED if (folder / name).is_file()]
    found = next((name for name in there if is_pointer(folder / name)), "")
    return found and f"{found} is a pointer of Git LFS; run git lfs pull in its folder"


def unlike_its_weights(path: str) -> str:
    """That Transformers would fill layers of the encoder saved at `path` with random numbers, or
    train it in half precision; "" if it would not.
    """
    import torch
    from transformers import AutoModel

    model, told = AutoModel.from_pretrained(path, output_loading_info=True)
    lost = sorted(name for name in told["missing_keys"] if "pooler" not in name)
    if lost:
        return f"model.safetensors has no {lost[0]} and {len(lost) - 1} other weights of its layers"
    if model.dtype != torch.float32:
        return (
            f"its weights are {str(model.dtype).removeprefix('torch.')}, too coarse to be "
            "trained; save model.float()"
        )
    return ""


def opens(path: Path) -> bool:
    """Whether a file of weights is there and whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy"):
            return True
    except (OSError, SafetensorError):
        return False
