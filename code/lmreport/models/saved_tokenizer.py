"""The tokenizer saved beside a model: whether it can be read and suits the model."""

from __future__ import annotations

import json
from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.models import tokenizer


def load_tokenizer(folder: Path):
    """As `tokenizer.load_tokenizer`. Raises ReportError also for a tokenizer that cannot be read."""
    try:
        return tokenizer.load_tokenizer(str(folder))
    except ReportError:
        raise
    except Exception as error:  # whatever a damaged file, or one of another version, leads to
        if not (folder / "tokenizer.json").is_file():
            raise ReportError(
                f"model: the folder {folder} holds no tokenizer.json; save the model’s tokenizer "
                "there with save_pretrained"
            ) from error
        raise ReportError(
            f"model: the tokenizer in {folder} cannot be read "
            f"({(str(error).splitlines() or [''])[0] or type(error).__name__}); it may be damaged, "
            "or saved by a newer version of tokenizers: save tokenizer.json again with this one"
        ) from error


def wrong_padding(folder: Path) -> str:
    """That the tokenizer saved in `folder` puts padding before a text, where encoders look for what
    stands for the whole text, or does not tell it from the text, and what to do; "" if all is well.
    """
    try:
        options = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(options, dict):
        return ""
    if options.get("padding_side") == "left":
        return (
            "has a tokenizer that puts the padding before the text, where the first piece is looked "
            'for; set "padding_side": "right" in its tokenizer_config.json'
        )
    if "attention_mask" not in (options.get("model_input_names") or ["attention_mask"]):
        return (
            "has a tokenizer that gives no attention_mask, so that padding would be read as text; add "
            '"attention_mask" to "model_input_names" in its tokenizer_config.json'
        )
    return ""


def foreign_tokenizer(folder: Path, tokenizer) -> str:
    """That the tokenizer has word pieces which the model saved in `folder` does not know, or another
    padding than that from whose number the model counts positions; "" if all is well.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    pieces = config.get("vocab_size", len(tokenizer))
    if pieces < len(tokenizer):
        return (
            f"has a tokenizer of {len(tokenizer):,} word pieces and a model of {pieces:,}; if pieces "
            "were added on purpose, call model.resize_token_embeddings(len(tokenizer)) before both "
            "are saved"
        )
    padding = config.get("pad_token_id", 1)
    if KNOWN.get(config.get("model_type")) and padding != tokenizer.pad_token_id is not None:
        return (
            f"has pad_token_id {json.dumps(padding)} in config.json, by which its positions are "
            f"counted, and a tokenizer whose padding is {tokenizer.pad_token_id}; save with it the "
            "tokenizer and the pad_token_id that it was trained with"
        )
    return ""


KNOWN = dict.fromkeys(("bert", "distilbert", "electra", "albert"), False) | dict.fromkeys(
    ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer", "data2vec-text"), True
)  # encoders by their model_type, and whether their positions are counted from the padding's on


def without_pieces(tokenizer) -> str:
    """Which pieces that trainings here put into texts `tokenizer` lacks; "" if none."""
    if not tokenizer.pad_token:
        return "its tokenizer has no padding token"
    names = ("cls_token", "sep_token", "mask_token")
    if missing := [name for name in names if getattr(tokenizer, name) is None]:
        return (
            f"its tokenizer names no {', '.join(missing)}; name them where it is made: "
            f"PreTrainedTokenizerFast(…, {missing[0]}=…)"
        )
    if tokenizer.cls_token_id not in tokenizer("a b")["input_ids"]:
        return (
            f"its tokenizer puts no {tokenizer.cls_token} into a text, which stands for the whole of "
            "it; give it a post_processor"
        )
    return ""
