"""Does a finished report tell one story of one model? One checker for pages of any render."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from lxml import html

from lmreport.reporting.values.on_data import OF_BERT

FAMILIES = {"DistilBERT": r"distil-?bert", "MiniLM": r"minilm"}  # name: how it begins in prose
GENERAL = (  # sentences about published models, true whatever model is fine-tuned
    "BERT and DistilBERT learn one vector for each of 512 positions.",
    f"The tokenizer's vocabulary file has the same SHA-256 ({OF_BERT[:8]}…) as that of bert-base-uncased, which "
    "DistilBERT uses too.",
    "stands in for DistilBERT, since these runs were made without access to the Hugging Face hub; with "
    "access the same code loads DistilBERT.",
)


@dataclass(frozen=True)
class Story:
    """What a page says: the model and scale of the run that its answers speak of, and the
    contradictions.
    """

    model: str
    scale: str
    run: str
    contradictions: tuple[str, ...]


def families(text: str) -> set[str]:
    """The families of checkpoints that a text names."""
    return {name for name, begins in FAMILIES.items() if re.search(begins, text, re.I)}


def inputs(folders) -> dict[str, dict]:
    """{name-key: inputs} of all records in the folders."""
    found = [path for folder in folders for path in Path(folder).glob("*.json")]
    return {path.stem: json.loads(path.read_text("utf-8"))["inputs"] for path in found}


def cited(element, known: dict[str, dict]) -> dict[str, dict]:
    """{run: inputs} of the runs that the numbers in an element cite."""
    told = " ".join(element.xpath(".//@data-run"))
    runs = dict.fromkeys(re.findall(r"(?<![\w.])([a-z]\w*-[0-9a-f]{16})\b", told))
    return {run: known[run] for run in runs}


def boxes(tree) -> dict[str, list]:
    """{item: elements} of the answers, and of the card that stands before them."""
    found = {
        box.getparent().get("id"): [box]
        for box in tree.xpath("//*[contains(concat(' ', @class, ' '), ' answer ')]")
    }
    table = tree.xpath("//*[@id='tbl-accuracy']")[0]
    while table.getparent().tag != "section":
        table = table.getparent()
    return {"card": table.xpath("preceding-sibling::p")} | found


def read(page: Path, *folders: Path) -> Story:
    """The story of the page, whose records lie in the folders."""
    tree, known = html.parse(str(page)), inputs(folders)
    (answering,) = {
        run: given
        for run, given in cited(tree.xpath("//*[@id='tbl-accuracy']")[0], known).items()
        if run.startswith("transformer-")
    }.items()
    model, told = answering[1]["model"]["name"], []
    for item, elements in boxes(tree).items():
        words = " ".join(" ".join(e.text_content().split()) for e in elements)
        for sentence in GENERAL:
            words = words.replace(sentence, "")
        runs = {r: given for e in elements for r, given in cited(e, known).items()}
        models = {given["model"]["name"] for given in runs.values() if given["model"]}
        told += [
            f"{item}: says {name}, its numbers are of {', '.join(sorted(models)) or model}"
            for name in sorted(families(words) - families(" ".join(models or {model})))
        ]
        told += [
            f"{item}: a number is of {run}, the answers are about {answering[0]}"
            for run in runs
            if run.startswith("transformer-") and run != answering[0] and item != "card"
        ]
    return Story(model, answering[1]["settings"]["scale"], answering[0], tuple(told))
