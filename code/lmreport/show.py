"""What a cell prints: tables, code and numbers as Markdown in which foreign text stays text."""

from __future__ import annotations

import inspect
import math
import re
import unicodedata

from tabulate import tabulate

LONGEST = 300  # characters of one table cell; longer ones are cut with a note


def markdown(text: str):
    """`text` as a Markdown output of the cell."""
    from IPython.display import Markdown

    return Markdown(text)


def plain(value, longest: int = LONGEST) -> str:
    """`value` as Markdown that shows exactly its characters: nothing in it is interpreted, included or executed.

    Control and direction-changing characters become visible; a text over `longest` characters is cut with a note.
    """
    text = str(value)
    if len(text) > longest:
        text = f"{text[:longest]}… ({len(text) - longest:,} more characters)"
    text = "".join(_visible(c) for c in text)
    # Entities survive every later step: no shortcode, citation, math, raw block or HTML can begin.
    return re.sub(r"_|--|[^\w\s.,;()\-–…−·×√²%]", lambda m: "".join(f"&#{ord(c)};" for c in m[0]), text)


def table(rows, headers, align: tuple[str, ...] | None = None, raw: bool = False):
    """A pipe table of `rows` (sequences of cells); strings pass `plain` unless `raw`, numbers are right-aligned."""
    rows = [list(r) for r in rows]
    if align is None:
        align = tuple("right" if rows and all(_numeric(r[i]) for r in rows) else "left" for i in range(len(headers)))
    cells = [[c if raw or not isinstance(c, str) else plain(c) for c in row] for row in rows]
    return markdown(tabulate([[str(c) for c in r] for r in cells], headers=list(headers), tablefmt="pipe",
                             colalign=align, disable_numparse=True) + "\n")


def quote(text: str, longest: int = 2000):
    """Foreign text as a block quotation that shows exactly its characters."""
    return markdown("> " + plain(text, longest) + "\n")


def callout(kind: str, title: str, text: str) -> str:
    """A Quarto callout; kind is note, tip, warning, caution or important."""
    return f"::: {{.callout-{kind}}}\n## {title}\n\n{text}\n:::\n"


def code(*functions):
    """The source of `functions`, as it ran, in one block of Python; of each docstring only the first line."""
    return markdown("```python\n" + "\n\n".join(map(source, functions)) + "\n```\n")


def source(function) -> str:
    """The source of a function, its docstring cut to the first line."""
    text = inspect.getsource(getattr(function, "__wrapped__", function)).rstrip()
    return re.sub(r'^( +""".*?)\n.*?"""', r'\1"""', text, count=1, flags=re.S | re.M) if _long_docstring(text) else text


# Numbers are printable ASCII and superscripts: Quarto's inline code shows the `repr` of a string, in which a no-break
# space would be "\\xa0".
def pct(share: float, digits: int = 1) -> str:
    """A share in [0, 1] as a percentage: 0.8125 → "81.2 %"."""
    return f"{100 * share:.{digits}f} %"


def num(value: float, digits: int = 3) -> str:
    """A number with `digits` significant digits, thousands grouped: 12345.6 → "12,300", 0.01234 → "0.0123"."""
    if value == 0 or not math.isfinite(value):
        return str(value)
    value = float(f"{value:.{digits - 1}e}")
    places = digits - 1 - math.floor(math.log10(abs(value)))
    if abs(value) < 1e-4 or abs(value) >= 1e9:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa} × 10{_superscript(int(exponent))}"
    return f"{value:,.{max(places, 0)}f}"


def count(value: int) -> str:
    """A whole number with thousands grouped: 8000 → "8,000"."""
    return f"{int(value):,}"


def duration(seconds: float) -> str:
    """Seconds in words: 0.0123 → "12 ms", 75 → "1 min 15 s", 4000 → "1 h 7 min"."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def more_or_less(a: float, b: float, more: str, less: str, same: str = "the same", tolerance: float = 0.0) -> str:
    """`more` if a > b, `less` if a < b, `same` within `tolerance`: so that a comparison in prose stays true."""
    return same if abs(a - b) <= tolerance else more if a > b else less


def _long_docstring(text: str) -> bool:
    found = re.search(r'^ +"""(.*?)"""', text, re.S | re.M)
    return bool(found and "\n" in found[1])


def _numeric(cell) -> bool:
    text = str(cell).strip()
    return bool(re.fullmatch(r"[-+−–±≈<>]?\s*\d[\d,.\s –%×⁰¹²³⁴⁵⁶⁷⁸⁹⁻±smhin]*|[–-]?", text))


def _visible(c: str) -> str:
    if c in "\n\t\r":
        return " "
    if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"⟨U+{ord(c):04X}⟩"
    return c


def _superscript(n: int) -> str:
    return str(n).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
