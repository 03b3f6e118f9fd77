"""Long lists in little room."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

MOST = 20  # names of a list that is read


def some(names: Sequence[str], most: int = MOST) -> str:
    """The names, parted by commas; of many the first ones, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def joined(names: Sequence[str]) -> str:
    """The names as a sentence has them: a, b and c."""
    *first, last = names or [""]
    return f"{', '.join(first)} and {last}" if first else last


def quoted(name: object) -> str:
    """A name as a file has it, in quotation marks; what cannot be shown as Python writes it."""
    return repr(name).replace("\\\\", "\\")


def nearest(word: str, known: Iterable[str]) -> str:
    """What to write for `word`, which is none of `known`: the nearest of them, or which there are."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f"did you mean {quoted(near[0])}?" if near else f"known are {', '.join(names)}"


def by_number(numbers: dict[str, int], most: int = MOST) -> str:
    """Each name with its number; of many the least and the largest number only."""
    if len(numbers) <= most:
        return ", ".join(f"{name} {number:,}" for name, number in numbers.items())
    least, largest = min(numbers, key=numbers.__getitem__), max(numbers, key=numbers.__getitem__)
    return (
        f"{len(numbers):,} classes, from {numbers[least]:,} ({least}) to {numbers[largest]:,} "
        f"({largest})"
    )
