"""Cells of code and their options, which are read strictly."""

from __future__ import annotations

import re
from typing import Any

from lmreport.core import strict_yaml
from lmreport.core.errors import ReportError
from lmreport.render.conditional import CONDITION
from lmreport.render.document_options import near, refuse_shortcode
from lmreport.render.lines import Cell, Line

CELL: dict[str, Any] = {
    "label": str,
    "echo": (bool, str),
    "eval": bool,
    "output": (bool, str),
    "warning": bool,
    "error": bool,
    "include": bool,
    "code-fold": (bool, str),
    "code-summary": str,
    "code-overflow": str,
    "fig-cap": str,
    "fig-alt": (str, list),
    "fig-subcap": (list, str),
    "tbl-cap": str,
    "tbl-subcap": (list, str),
    "lst-label": str,
    "lst-cap": str,
    "layout-ncol": int,
    "tags": list,
    "classes": (str, list),
    "id": str,
}
EDITORS = set(  # what Colab, Jupyter and editors note of a cell, which `quarto convert` makes options
    "cellView colab collapsed deletable editable executionInfo ExecuteTime jupyter outputId pycharm "
    "scrolled slideshow trusted vscode".split()
)
SIZES = {"fig-width", "fig-height", "fig-dpi", "fig-asp", "fig-format", "out-width", "out-height"}
KINDS = {bool: "true or false", int: "a number without quotes", list: "a list, [a, b]", str: "text"}
AS_WRITTEN = {
    key for key, kinds in CELL.items() if kinds not in (bool, int) and kinds != (bool, str)
}
# a comment in any of the languages that Quarto annotates, and nothing but the mark in it
ANNOTATION = re.compile(r"(#|//|--|%|;|!|'|\"|/\*|<!--|\(\*)\s*<\d+>\s*(\*/|-->|\*\))?\s*$")


def code_cell(fence: Line, lines: list[Line]) -> Cell:
    """The cell of code that begins with the line `fence` and holds `lines`, the first of which may
    be its options. Raises ReportError for an option that it cannot have.
    """
    start = next((i for i, line in enumerate(lines) if line.text.strip()), len(lines))
    count = next(
        (i for i in range(start, len(lines)) if not re.match(r"#\s*\| ?", lines[i].text)),
        len(lines),
    )
    source = "\n".join(re.sub(r"^#\s*\| ?", "", line.text) for line in lines[start:count])
    head = lines[start] if start < len(lines) else fence
    name, first = head.file, head.number
    options, keys = strict_yaml.read(
        source, lambda line: f"{name}:{first + line}", "a cell's options", AS_WRITTEN
    )
    unknown = [
        f"{at}: {unknown_option(key)}" for key, _, at in keys if key not in EDITORS | CELL.keys()
    ]
    if unknown:
        raise ReportError("\n".join(unknown))
    for key, _, at in keys:
        if key in ("fig-cap", "tbl-cap"):
            options[key] = only(options[key])
        check(key, options[key], at)
        if key == "lst-cap" and not options.get("lst-label"):
            label = str(options.get("label", ""))
            remedy = f"write lst-label: {label} in place of label: {label}"
            if not label.startswith("lst-"):
                remedy = "add lst-label: lst-NAME"
            raise ReportError(f"{at}: 'lst-cap' is shown with a label only; {remedy}")
    refuse_annotations(lines[count:])
    refuse_late_options(lines[count:])
    return Cell("code", lines, fence.place, options, count)


def only(value: object) -> object:
    """The one item of a list of one; any other value as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def refuse_late_options(code: list[Line]) -> None:
    """Raises ReportError for an option below code, a comment, a magic or a blank line."""
    for line in code:
        match = re.match(r"#\s?\|\s*([a-z-]+):(\s|$)", line.text)
        if match and (match[1] in CELL or match[1] in SIZES):
            raise ReportError(
                f"{line.place}: the cell option {match[1]!r} does not stand at the top of its cell, "
                "where alone it is read; begin the cell with its #| lines"
            )


def refuse_annotations(code: list[Line]) -> None:
    """Raises ReportError for a comment like `# <1>`, which Quarto links with a list below the code."""
    for line in code:
        if ANNOTATION.search(line.text):
            raise ReportError(
                f"{line.place}: code annotations are not supported; write a plain comment"
            )


def unknown_option(key: str) -> str:
    """What a message says of an option that no cell has."""
    hint = "; a figure's size is set where it is drawn" * (key in SIZES)
    hint = hint or near(key, CELL) * (key != "fig-scap")  # which LaTeX's list of figures has
    if key in ("fig-format", "fig-dpi"):
        hint = "; write it in the front matter, where it holds for all figures"
    if key == "results":
        hint = "; write output: asis, or output: false"
    return f"unknown cell option {key!r}{hint or '; leave it out, or render with Quarto'}"


def check(key: str, value: object, place: str) -> None:
    """Raises ReportError for an option of a cell that has a value that it cannot have; place:
    file:line of the option.
    """
    if key in EDITORS:
        return
    wanted = CELL[key] if isinstance(CELL[key], tuple) else (CELL[key],)
    if key.endswith("-subcap") and isinstance(value, str) and value != "true":
        raise ReportError(
            f"{place}: {key} takes a list of texts, one for each part, or true for parts without"
        )
    if not isinstance(value, wanted) or isinstance(value, bool) and bool not in wanted:
        hint = (
            f"; give the list to {key[:3]}-subcap, with label: {key[:3]}-NAME"
            if key.endswith("-cap") and isinstance(value, list)
            else f"; write {' or '.join(KINDS[kind] for kind in wanted)}"
        )
        raise ReportError(f"{place}: cell option {key}: {value!r} is not of the right kind{hint}")
    if key == "tags" and {"remove-cell", "remove_cell"} & set(map(str, value)):
        raise ReportError(
            f"{place}: tags that take cells away are not read here; write #| include: false"
        )
    if key == "id" and re.match(r"#?(fig|tbl|lst|eq|sec)-", str(value)):
        raise ReportError(
            f"{place}: id {value!r} gives no number; write label: {str(value).lstrip('#')}"
        )
    if key == "lst-label" and not re.match("#?lst-", str(value)):
        raise ReportError(f"{place}: lst-label: {value!r} needs a name that begins with lst-")
    for text in value if isinstance(value, list) else [value]:
        refuse_shortcode(str(text), place)
        if isinstance(text, str) and re.search(r"`\{\w+\}[ \t]", text):
            raise ReportError(
                f"{place}: inline code is not run in {key}; put the output into a Div, "
                "::: {#fig-…}, whose last paragraph is the caption"
            )
        if isinstance(text, str) and CONDITION.search(text):
            raise ReportError(
                f"{place}: conditions do not hold in {key}; put two cells into Divs with conditions"
            )
        first = r"\w" if key == "label" else r"[#.]?[^\W\d]"
        if key in ("label", "id", "lst-label", "classes") and not re.fullmatch(
            first + r"[\w:.-]*", str(text)
        ):
            raise ReportError(
                f"{place}: {key} {text!r} is no name; begin it with a letter and go on with "
                f"letters, "
                "digits and - _ . :"
            )
    allowed = {
        "echo": ("fenced",),
        "output": ("asis",),
        "code-fold": ("show", "hide"),
        "code-overflow": ("wrap", "scroll"),
        "label": None,
    }.get(key)
    if allowed and isinstance(value, str) and value not in allowed:
        raise ReportError(
            f"{place}: cell option {key}: {value!r} is unknown; use true, false or {allowed[0]}"
        )
