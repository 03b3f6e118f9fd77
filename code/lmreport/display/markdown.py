"""What a cell prints: tables, code and numbers as Markdown in which foreign text stays text."""

from __future__ import annotations

import functools
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from tabulate import tabulate

from lmreport.core import machine
from lmreport.core.durations import in_words
from lmreport.core.rounding import towards
from lmreport.display import origin, traced
from lmreport.display.escape import plain
from lmreport.display.traced import TracedText, cell
from lmreport.runs.quantity import Quantity, expression

Rest = ParamSpec("Rest")  # the further arguments of a function that shows a number
CODE_WIDTH = 94  # columns of code that fit on a page of the PDF
if TYPE_CHECKING:
    from IPython.display import Markdown


def markdown(text: str) -> Markdown:
    """`text` as a Markdown output of the cell."""
    from IPython.display import Markdown

    return Markdown(text)


def table(
    rows: Iterable[Iterable],
    headers: Sequence[str],
    align: Sequence[str] | None = None,
    raw: bool = False,
    of: Any = None,
) -> Markdown:
    """A pipe table of `rows` (sequences of cells); strings pass `plain` unless `raw`, numbers are
    right-aligned.

    of: the records, remembered experiments or functions whose results it shows; a line under the
    table names them.
    """
    whole = [list(r) for r in rows]
    if align is None:
        align = tuple(
            "right" if whole and all(_numeric(r[i]) for r in whole) else "left"
            for i in range(len(headers))
        )
    with traced.made_from(of):
        cells = [[str(c) if raw else str(cell(c)) for c in row] for row in whole]
    pipes = tabulate(
        cells, headers=list(headers), tablefmt="pipe", colalign=align, disable_numparse=True
    )
    made: Any = markdown(pipes + "\n")
    if of is not None:
        function = machine.name_of(of) if callable(of) else ""
        made.data += f"\n{origin.line(function, of, 'computed by')}\n"
        made.metadata = origin.facts(function, of)
    return made


def flags(values: Mapping[str, object]) -> Markdown:
    """A block of YAML that tells the document, by name, what is so of it; a Div `.content-hidden
    when-meta="name"` is left out where `name` is true. Its cell has `output: asis`.
    """
    lines = [f"{name}: {str(bool(value)).lower()}" for name, value in values.items()]
    return markdown("\n".join(["---", *lines, "---", ""]))


def quote(text: str | Sequence[str], longest: int = 2000) -> Markdown:
    """Foreign text as a block quotation that shows exactly its characters; several pieces with dots
    in between, where a line break or tab is a piece's own and is shown as \\n or \\t.
    """
    if not isinstance(text, str):
        text = " · ".join(map(with_breaks, text))
    return markdown("> " + plain(text, longest) + "\n")


def with_breaks(piece: str) -> str:
    """A piece of a text with its line breaks and tabs as Python writes them, since a blank would not
    be seen."""
    return re.sub(r"[\n\r\t]", lambda match: repr(match[0])[1:-1], piece)


def callout(kind: str, title: str, text: str) -> str:
    """A Quarto callout; kind is note, tip, warning, caution or important."""
    return f"::: {{.callout-{kind}}}\n## {title}\n\n{text}\n:::\n"


def code(*functions: Callable) -> Markdown:
    """The source of `functions`, as it ran, in one block of Python; of each docstring the summary."""
    return markdown("```python\n" + "\n\n".join(map(source, functions)) + "\n```\n")


def source(function: Callable) -> str:
    """The source of a function, its docstring cut to its summary, which is as wide as a page."""
    text = inspect.getsource(getattr(function, "__wrapped__", function)).rstrip()
    return re.sub(
        r'^( +)"""(.*?)(?:\n\s*\n.*?)?\s*"""$', _short_docstring, text, count=1, flags=re.S | re.M
    )


def _short_docstring(match: re.Match) -> str:
    indent, first = match.groups()
    return textwrap.fill(
        f'"""{" ".join(first.split())}"""',
        CODE_WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def or_undefined(
    function: Callable[Concatenate[float, Rest], TracedText],
) -> Callable[Concatenate[float, Rest], TracedText]:
    """Let a function that shows a number show "–" where there is none, as for a share of nothing
    (nan).
    """

    @functools.wraps(function)
    def shown_or_not(value: float, *how: Rest.args, **named: Rest.kwargs) -> TracedText:
        if value == value:
            return function(value, *how, **named)
        return TracedText("–", value, function(0.0, *how, **named).form)

    return shown_or_not


# What is shown is printable: Quarto's inline code shows the `repr` of a string, in which a no-break
# space would be "\\xa0".
@or_undefined
def pct(share: float, digits: int = 1) -> TracedText:
    """A share in [0, 1] as a percentage: 0.8125 → "81.2%"."""
    return TracedText(_minus(f"{100 * share:.{digits}f}%"), share, f"pct:{digits}")


@or_undefined
def fixed(value: float, digits: int) -> TracedText:
    """A number with `digits` decimals: 0.8125 → "0.813" for three."""
    return TracedText(_minus(f"{value:.{digits}f}"), value, f"fixed:{digits}")


@or_undefined
def p_value(p: float) -> TracedText:
    """A p-value for a table: "0.031" or "< 0.001"."""
    return TracedText(
        f"{p:.3f}" if p >= 0.001 else "< 0.001", p, "fixed:3" if p >= 0.001 else "below"
    )


@or_undefined
def num(value: float, digits: int = 3, way: str = "") -> TracedText:
    """A number with `digits` significant digits, thousands grouped: 12345.6 → "12,300", 0.01234 →
    "0.0123"; way: "down" for a lower bound, "up" for an upper one, else to the nearest.
    """
    shown = towards(value, digits, way) if way else value
    form = f"num:{digits}:{way}" if way else f"num:{digits}"
    return TracedText(_minus(_significant(shown, digits)), value, form)


@or_undefined
def count(value: float) -> TracedText:
    """A whole number with thousands grouped: 8000 → "8,000"; another one is rounded, half to
    even.
    """
    return TracedText(f"{round(value):,}", value, "count")


@or_undefined
def duration(seconds: float, up: bool = False) -> TracedText:
    """Seconds in words: 0.0123 → "12.3 ms", 75 → "1 min 15 s", 4000 → "1 h 7 min"; up: as an upper
    bound.
    """
    return TracedText(in_words(seconds, up), seconds, "duration:up" if up else "duration")


def more_or_less(
    a: float, b: float, more: str, less: str, same: str = "the same", tolerance: float = 0.0
) -> TracedText:
    """`more` if a > b, `less` if a < b, `same` within `tolerance`: so that a comparison in prose
    stays true.
    """
    which: float = 2 if abs(a - b) <= tolerance else 0 if a > b else 1
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        which = Quantity(which, f"order({expression(a)}, {expression(b)}, {tolerance!r})")
    return word(which, more, less, same)


def word(which: float, *words: str) -> TracedText:
    """The word at the place `which`, counted from 0: a computed comparison, choice or class in
    prose. Raises ValueError for a word with a computed number of its own, whose marks would show.
    """
    if marked := [word for word in words if "data-value=" in word]:
        raise ValueError(f"{marked[0][:40]!r}… holds a computed number; choose it by an if")
    return TracedText(words[int(which)], which, "one:" + "¦".join(words))


def first_of(values: Mapping[str, float], least: bool = False) -> TracedText:
    """The name of the largest of the named values, of the smallest if `least`; the first of equal
    ones.
    """
    numbers = list(values.values())
    which: float = numbers.index((min if least else max)(numbers))
    if any(isinstance(v, Quantity) for v in numbers):
        which = Quantity(
            which, f"{'least' if least else 'most'}({', '.join(map(expression, numbers))})"
        )
    return word(which, *values)


def _significant(value: float, digits: int) -> str:
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    value = float(f"{value:.{digits - 1}e}")
    places = digits - 1 - math.floor(math.log10(abs(value)))
    if abs(value) < 1e-4 or abs(value) >= 1e9:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa} × 10{_superscript(int(exponent))}"
    return f"{value:,.{max(places, 0)}f}"


def _numeric(cell: object) -> bool:
    text = str(cell).strip()
    return bool(re.fullmatch(r"[-+−–±≈<>]?\s*\d[\d,.\s –%×⁰¹²³⁴⁵⁶⁷⁸⁹⁻±smhin]*|[–-]?", text))


def _minus(text: str) -> str:
    """With a minus sign in place of the hyphen: a renderer turns some hyphens before digits into
    one, but not all.

    What is rounded to zero has no sign.
    """
    return re.sub(r"^-(?=0[0.]*%?$)", "", text).replace("-", "−")


def _superscript(n: int) -> str:
    return str(n).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
