"""The fonts at hand for letters of any script.

matplotlib brings DejaVu (Latin, Greek, Cyrillic, Arabic and Hebrew letters among others), which typst
knows in part. All others come from two packages of the registry, where they are installed.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable
from pathlib import Path

# Noto, under the SIL Open Font License 1.1: Chinese, Japanese and Korean; then some twenty scripts.
PACKAGES = ("noto-cjk-sans-jp-regular", "manimgx-fonts")
JOINERS = {0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0x061C}  # they show nothing themselves
IN_FIGURES = ("DejaVuSans.ttf",)


def mark(c: str) -> str:
    """What stands for a character that no font has, or that cannot be seen."""
    return f"⟨U+{ord(c):04X}⟩"


def dejavu(name: str) -> Path:
    """A file of matplotlib's own fonts."""
    from matplotlib import get_data_path

    return Path(get_data_path()) / "fonts/ttf" / name


@functools.cache
def folders() -> dict[str, Path]:
    """Where each of PACKAGES that is installed keeps its fonts; none of them is imported."""
    specs = {name: importlib.util.find_spec(name.replace("-", "_")) for name in PACKAGES}
    return {name: Path(spec.origin).parent for name, spec in specs.items() if spec and spec.origin}


def absent() -> list[str]:
    """Those of PACKAGES that are not installed."""
    return [name for name in PACKAGES if name not in folders()]


def files() -> list[Path]:
    """The fonts of the packages that are installed."""
    return sorted(
        path
        for folder in folders().values()
        for path in folder.iterdir()
        if path.suffix in (".ttf", ".otf")
    )


@functools.cache
def characters(*own: str) -> frozenset[int]:
    """Code points that the fonts `own` of matplotlib have, or those of the packages."""
    from fontTools.ttLib import TTFont

    code_points = set(JOINERS)
    for path in [*map(dejavu, own), *files()]:
        with TTFont(path, lazy=True) as font:
            code_points |= set(font.getBestCmap())
    return frozenset(code_points)


def lacking(words: Iterable[str]) -> str:
    """The letters of `words` that no font of the figures has, each once."""
    beyond = {c for word in words for c in word if c > "\u02ff" and c.isprintable()}
    return "".join(sorted(c for c in beyond if ord(c) not in characters(*IN_FIGURES)))


def remedy() -> str:
    """How to have more letters, as the end of a sentence; "" where all of PACKAGES are there."""
    missing = absent()
    return f"; pip install {' '.join(missing)} brings most scripts" if missing else ""


def named(letters: str) -> str:
    """Letters that lack a font, for a sentence."""
    return f"{letters[0]} (U+{ord(letters[0]):04X}){and_more(letters)}"


def numbered(letters: str) -> str:
    """The same where they cannot be shown."""
    return f"U+{ord(letters[0]):04X}{and_more(letters)}"


def and_more(letters: str) -> str:
    """How many there are beside the first one."""
    return f" and {len(letters) - 1:,} more" if len(letters) > 1 else ""
