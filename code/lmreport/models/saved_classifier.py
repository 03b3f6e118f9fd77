"""A fine-tuned classifier in a folder: its classes, and whether it can be asked."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from lmreport.core.errors import ReportError, said_by
from lmreport.core.listing import quoted
from lmreport.models import pretrained
from lmreport.models.saved_tokenizer import foreign_tokenizer
from lmreport.models.saved_weights import no_numbers, unlike_its_weights


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


def all_class_names(folder: Path) -> list[str]:
    """As `class_names`; a classifier of classes without names, which Transformers leave out where
    they are two, has those that they give it.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("id2label"):
        return class_names(folder)
    return [f"LABEL_{number}" for number in range(config.get("num_labels") or 2)]


def misnamed_classes(folder: Path) -> str:
    """That the configuration of a saved classifier names its classes so that they cannot be read,
    and how to write them; "" if it names none or all is well.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names = config.get("id2label") or {}
    except (OSError, ValueError, AttributeError):
        return ""  # told by who reads it
    if isinstance(names, dict) and all(map(str.isdecimal, names)):
        names = list(names.values())
    given = list(names) if isinstance(names, list | dict) else []
    if pretrained.classes_by_number(config) and all(isinstance(one, str) for one in given):
        return like_no_names(given)
    written = {str(i): str(one) for i, one in enumerate(given[:2] or ["NAME", "NAME"])}
    return (
        "names its classes in config.json otherwise than they are read here; write "
        f'"id2label": {json.dumps(written, ensure_ascii=False)[:-1]}, …}}'
    )


def like_no_names(names: list[str]) -> str:
    """That of the names of classes two are alike, or one could not be told in a line; "" if all is
    well.
    """
    if twice := [name for name, number in Counter(names).items() if number > 1]:
        return (
            f"names two classes {quoted(twice[0])} in its config.json; give each a name of its own "
            "(id2label)"
        )
    wrong = [name for name in names if len(name.strip().splitlines()) != 1 or "\t" in name]
    if wrong:
        return (
            f"names a class {quoted(wrong[0])} in its config.json; give it a name in one line "
            "(id2label)"
        )
    return ""


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
        with safe_open(folder / "model.safetensors", "pt") as file:
            names = list(file.keys())
            wrong = no_numbers((name, file.get_tensor(name)) for name in names)
    except (OSError, SafetensorError):
        return "has damaged weights"
    if wrong:
        return f"cannot be used, since {wrong}"
    if not any(name.startswith(HEADS) for name in names):
        return "holds an encoder without a classifier, whose answers would be chance"
    if what := foreign_tokenizer(folder, tokenizer) or other_answers(folder):
        return what
    try:
        what = "" if tokenizer.pad_token else "its tokenizer has no padding token"
        what = what or unlike_its_weights(str(folder), "AutoModelForSequenceClassification")
    except Exception as error:  # whatever its configuration leads to
        what = said_by(error)
    return what and f"cannot be used, since {what}"


def other_answers(folder: Path) -> str:
    """That the classifier saved in `folder` answers otherwise than with one of several classes, or
    gives something else than that; "" if all is well.
    """
    from transformers import AutoConfig

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if (config.get("problem_type") or "").startswith(("multi_label", "regression")):
        return (
            f"was trained for another task ({config['problem_type']}) than to name the one class of a "
            "text"
        )
    if len(all_class_names(folder)) < 2:
        return "has one class only, so that each text would be of it"
    named, number = len(all_class_names(folder)), AutoConfig.from_pretrained(folder).num_labels
    if named != number:
        return f"names {named} classes (id2label) and has {number} (num_labels) by its config.json"
    if config.get("return_dict") is False:
        return "gives its answer as a tuple; take return_dict out of its config.json, which is usable then"
    return ""
