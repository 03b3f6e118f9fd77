"""Which split a file, a folder or a row is of, by a name such as train-00000-of-00002 or dev."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lmreport.core.errors import ReportError
from lmreport.core.listing import quoted

PARTS = {  # in the name of a file: the split that it is
    "test": ("test", "testing", "eval", "evaluation"),  # as Datasets has it
    "validation": ("validation", "valid", "dev", "val"),
    "train": ("train", "training"),
}
TEST = {"test", "testing"}


def split_of(name: str, beside: Iterable[str], whole: str = "") -> str:
    """Which split a file is, by its name; "train" if it does not say.

    whole: the data set whose split it is called; there a name must say. Raises ReportError if it
    does not.
    """
    part = part_of(name, beside)
    if whole and not part:
        raise ReportError(
            f"data: the split {quoted(name)} of {whole} is none of train, validation and test; save the "
            "data set without it"
        )
    return part or "train"


def part_of(name: str, beside: Iterable[str] = ()) -> str:
    """The one of PARTS that a name says, "" if it says none; eval is validation where one of the
    names `beside` it is test.
    """
    words = words_of(name)
    part = next((split for split, known in PARTS.items() if words & set(known)), "")
    is_by_eval = part == "test" and not words & TEST
    return "validation" if is_by_eval and any(words_of(one) & TEST for one in beside) else part


def words_of(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", name.lower()))
