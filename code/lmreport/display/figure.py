"""Figures drawn once: kept until what they show, or the code that draws them, changes."""

from __future__ import annotations

import functools
import hashlib
import inspect
import io
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lmreport.core import files, fonts, machine
from lmreport.core.settings import cache_root
from lmreport.display import origin
from lmreport.runs import records
from lmreport.runs.fingerprint import Code

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def is_ground(module: str) -> bool:
    """As for results, but the style and the words of a figure are part of it."""
    return records.is_ground(module) and not (
        module.startswith("display.") or module == "core.durations"
    )


CODE = Code(records.CODE.root, is_ground)
SHOWN: list[CachedFigure] = []  # the figure that was shown last


class CachedFigure:
    """A figure to be shown, as an SVG picture.

    figure: the matplotlib Figure, drawn when it is asked for; svg: its bytes, from the cache where
    it was drawn before.
    """

    def __init__(self, function: Callable, arguments: tuple, named: dict):
        self.function, self.arguments, self.named = function, arguments, named
        self.name = machine.name_of(function)

    @cached_property
    def figure(self) -> Figure:
        from matplotlib import pyplot as plt

        from lmreport.display.style import RC

        with plt.rc_context(RC):  # whatever the session's style: the key does not tell it
            return self.function(*self.arguments, **self.named)

    @property
    def path(self) -> Path | None:
        """Where the picture is kept; None where the contents of what it shows, or its code, cannot
        be told.
        """
        try:
            shown = digest([self.arguments, self.named])
            code = code_of(self.function)
        except (TypeError, OSError):
            return None
        key = machine.digest(
            [shown, code, machine.versions("matplotlib", "numpy", *fonts.folders())]
        )
        return cache_root() / "figures" / f"{self.name}-{key}.svg"

    @property
    def svg(self) -> bytes:
        path = self.path
        if path is None or not path.is_file():
            data = picture(self.figure)
            if path is None:
                return data
            files.write_atomically(path, data)
        return path.read_bytes()

    @property
    def given(self) -> list:
        return [*self.arguments, *self.named.values()]

    def _ipython_display_(self) -> None:
        from IPython.display import display

        SHOWN[:] = [self]
        for code in (CODE, records.CODE):
            code.keep()
        display(
            {"image/svg+xml": self.svg.decode(), "text/plain": f"<figure by {self.name}>"},
            raw=True,
            metadata=origin.facts(self.name, self.given),
        )


def code_of(function: Callable) -> str:
    """The fingerprint of a drawing function, style included; of one that is not of the package its
    source's digest.
    """
    package, _, module = function.__module__.partition(".")
    if package != "lmreport":
        return machine.digest(
            [inspect.getsource(function), CODE.fingerprint(("display.style", "RC"))]
        )
    return CODE.fingerprint((module, function.__name__), ("display.style", "RC"))


class LastOrigin:
    """The line of origin of the figure that was shown last: `{python} figure.origin_line` in the
    paragraph under it.
    """

    def _repr_markdown_(self) -> str:
        return str(origin.line(SHOWN[-1].name, SHOWN[-1].given))


origin_line = LastOrigin()


def cached_figure(function: Callable[..., Figure]) -> Callable[..., CachedFigure]:
    """Let a function that returns a matplotlib Figure return it as `CachedFigure`."""

    @functools.wraps(function)
    def draw(*arguments: object, **named: object) -> CachedFigure:
        return CachedFigure(function, arguments, named)

    return draw


def picture(figure: Figure) -> bytes:
    """A figure as SVG for the light page and the dark one, the same bytes for the same figure."""
    from matplotlib import pyplot as plt

    from lmreport.display.style import RC, with_dark

    buffer = io.BytesIO()
    with plt.rc_context(RC):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return with_dark(buffer.getvalue().decode()).encode()


def digest(thing: object) -> str:
    """Digest of what a figure shows. Raises TypeError for what is neither a record, an array nor
    like JSON.
    """
    return hashlib.sha256(contents(thing)).hexdigest()


def contents(thing: Any) -> bytes:
    """The bytes that `digest` is of. Raises TypeError as that does."""
    if isinstance(thing, records.Record):
        return b"record" + thing.path.read_bytes() + thing.path.with_suffix(".npz").read_bytes()
    if hasattr(thing, "detach"):  # a tensor
        thing = thing.detach().cpu().numpy()
    if isinstance(thing, np.ndarray):
        return (
            f"array {thing.dtype} {thing.shape} ".encode() + np.ascontiguousarray(thing).tobytes()
        )
    if isinstance(thing, dict):
        return b"dict" + b"".join(digest(part).encode() for pair in thing.items() for part in pair)
    if isinstance(thing, list | tuple):
        return b"list" + b"".join(digest(part).encode() for part in thing)
    if thing is None or isinstance(thing, str | int | float | np.generic):
        return f"{type(thing).__name__} {thing!r}".encode()
    raise TypeError(f"{type(thing).__name__} has no digest")
