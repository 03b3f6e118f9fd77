"""What is in the data: classes, lengths, blanked words, classes that a text names, copies, and what
of it a reader must know.
"""

from __future__ import annotations

import collections
import hashlib
import re
from pathlib import Path

import numpy as np

from lmreport.core import listing
from lmreport.data.corpus import RARE, Corpus, classes_in, texts_in
from lmreport.data.words import words
from lmreport.experiments import near_copies
from lmreport.runs.memo import remember

SPLITS = ("train", "test")
NAMES = {
    "csharp": r"\bc#|\bc sharp\b|\bcsharp\b",
    "java": r"\bjava\b",
    "javascript": r"\bjavascript\b|\bjs\b",
    "python": r"\bpython\b",
}


@remember
def audit(folder: str, digest: str) -> dict:
    """Counts over all texts of a corpus; `digest` only makes the record belong to this content.

    tags: names (classes,); per tag arrays of shares of texts: `blank` (the word BLANK in it),
    `named` (its own language, or the class of other data, named); `words` of train and test
    together; duplicates: exact copies, counted beyond the first; near copies of training texts
    among the test texts.
    """
    texts = {
        tag: [p.read_text(encoding="utf-8") for p in paths_of(folder, SPLITS, [tag])]
        for tag in classes_in(Path(folder))
    }
    lengths = {tag: np.array([len(words(t)) for t in ts]) for tag, ts in texts.items()}
    return {
        "tags": list(texts),
        "texts": {tag: len(ts) for tag, ts in texts.items()},
        "blank": {tag: share(ts, r"blank") for tag, ts in texts.items()},
        "named": {
            tag: share(ts, NAMES.get(tag, rf"(?<!\w){re.escape(tag)}(?!\w)"))
            for tag, ts in texts.items()
        },
        "median_words": {tag: float(np.median(n)) for tag, n in lengths.items()},
        "longest_words": {tag: int(n.max()) for tag, n in lengths.items()},
        **duplicates(folder),
        **near(folder),
    }


def near(folder: str) -> dict[str, int]:
    """Test texts that are near copies of a training text, and those of them under another tag."""
    paths = [paths_of(folder, [split], classes_in(Path(folder))) for split in SPLITS]
    texts = [[path.read_text(encoding="utf-8") for path in part] for part in paths]
    return near_copies.counted(*texts, *([path.parent.name for path in part] for part in paths))


def findings(corpus: Corpus) -> list[str]:
    """What the reader of a result on these data must know, a sentence without its end each; [] if
    nothing was found.
    """
    found, told = audit(corpus.folder, corpus.digest), []
    if found["near"]:
        other = found["near_other_tag"]
        same_tag = ", so the test is easier than new texts would be" * (other < found["near"])
        told.append(of_copies(found["near"], other) + same_tag)
    if found["across_tags"]:
        told.append(
            f"{of_texts(found['across_tags'])} found in more than one class, so that no model can "
            "be right on all copies"
        )
    counts = corpus.counts()
    rare = sorted({tag for split in RARE for tag, n in counts[split].items() if n < RARE[split]})
    if rare:
        what = "1 class has" if len(rare) == 1 else f"{len(rare)} classes have"
        told.append(
            f"{what} under {RARE['train']} training or {RARE['test']} test texts "
            f"({listing.some(rare, 5)}), so that accuracies of one class are rough there"
        )
    return told


def of_copies(number: int, other: int) -> str:
    """Test texts that are copies of training texts, `other` of them of texts in another class."""
    if number == 1:
        another = " of another class" * other
        return f"1 test text is a copy of a training text{another}, or nearly one"
    told = f"{number:,} test texts are copies of training texts, or nearly so"
    return told + (f", {other:,} of them of texts in another class" if other else "")


def of_texts(number: int, what: str = "text") -> str:
    """A number of texts with its verb."""
    return f"1 {what} is" if number == 1 else f"{number:,} {what}s are"


def paths_of(folder: str, splits, tags) -> list[Path]:
    """The texts of these splits and tags, in the order of their paths."""
    return [
        path for split in splits for tag in tags for path in texts_in(Path(folder) / split / tag)
    ]


def share(texts: list[str], pattern: str) -> float:
    """Share of texts in which `pattern` occurs."""
    return float(np.mean([bool(re.search(pattern, t, re.IGNORECASE)) for t in texts]))


def duplicates(folder: str) -> dict[str, int]:
    """Texts that occur more than once: copies in all, across train and test, and under different
    tags.
    """
    seen = collections.defaultdict(list)
    for path in paths_of(folder, SPLITS, classes_in(Path(folder))):
        split, tag = path.parts[-3:-1]
        seen[hashlib.sha256(path.read_bytes().strip()).digest()].append((split, tag))
    groups = [found for found in seen.values() if len(found) > 1]
    return {
        "copies": sum(len(g) - 1 for g in groups),
        "across_splits": sum(len({s for s, _ in g}) > 1 for g in groups),
        "across_tags": sum(len({t for _, t in g}) > 1 for g in groups),
    }


SAMPLED = 1000  # training texts that `strange` reads


@remember
def strange(folder: str, digest: str, tokenizer_path: str) -> dict:
    """What a tokenizer cannot read of some of the training texts: `unknown`, the share of word
    pieces that stand for something unknown, and `characters`, the share that these stand for.
    """
    from lmreport.models import pieces
    from lmreport.models.tokenizer import load_tokenizer

    paths = paths_of(folder, ["train"], classes_in(Path(folder)))
    step = max(1, -(-len(paths) // SAMPLED))
    texts = [path.read_text(encoding="utf-8") for path in paths[::step]]
    unknown, characters = pieces.unknown(load_tokenizer(tokenizer_path), texts)
    return {"unknown": unknown, "characters": characters}


@remember
def lengths(folder: str, digest: str, tokenizer_path: str) -> dict[str, np.ndarray]:
    """Length of every text in word pieces, special tokens included: arrays (texts,) `train` and
    `test`.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_path, model_max_length=10**9)
    return {
        split: np.array(
            [
                len(ids)
                for ids in tokenizer(
                    [
                        p.read_text(encoding="utf-8")
                        for p in paths_of(folder, [split], classes_in(Path(folder)))
                    ]
                )["input_ids"]
            ]
        )
        for split in SPLITS
    }


def both_splits(folder: str, digest: str, tokenizer_path: str) -> np.ndarray:
    """Length of every text of both splits in word pieces."""
    found = lengths(folder, digest, tokenizer_path)
    return np.concatenate([found[split] for split in SPLITS])
