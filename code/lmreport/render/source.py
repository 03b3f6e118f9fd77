"""From .qmd files to cells: includes pulled in, code cells with their options, every line with its
origin.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from lmreport.core import strict_yaml
from lmreport.core.errors import ReportError
from lmreport.render import conditional
from lmreport.render.project import (
    SHORTCODE,
    Document,
    front_matter,
    hint_at,
    near,
    refuse_shortcode,
    text_of,
)


class Line(NamedTuple):
    text: str
    file: str
    number: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.number}"


@dataclass
class Cell:
    """Markdown or code as it stands in the source; `options` are those of its `#|` lines."""

    kind: str
    lines: list[Line]
    place: str = ""
    options: dict = field(default_factory=dict)
    skipped: int = 0  # leading lines of a code cell that hold options

    @property
    def source(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def code(self) -> str:
        return "\n".join(line.text for line in self.lines[self.skipped :])

    @property
    def label(self) -> str:
        return str(self.options.get("label", ""))


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
AS_WRITTEN = {
    key for key, kinds in CELL.items() if kinds not in (bool, int) and kinds != (bool, str)
}
ATTRIBUTES = re.compile(r"^\s*\{.*\}\s*$")
FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})(.*)$")
COMMENT = re.compile(r"<!--(?:(?!-->).)*?(`{3,}|~{3,})(?!.*-->)")  # open at the end of its line
IN_TEXT = re.compile(r"\s*([>*+-]|\d+[.)])[\s>]*(`{3,}|~{3,})\{(python|r|julia)\b")
DIV = re.compile(r"\s*:{3,}")
BREAK = re.compile(r"\s*\{+<\s*pagebreak\s*>\}+\s*$")
DIV_OPEN = re.compile(r"\s*:{3,}\s*(\{.*\}|[^\s:{}]+)\s*:*\s*$")
DIV_CLOSE = re.compile(r"\s*:{3,}\s*$")
FENCES = re.compile(r"\s*(:{3}|`{3}|~{3})")
CONDITION = re.compile(r"\.content-(visible|hidden)\b")
SPAN_END = re.compile(
    r"""\](\{(?=[^{}]*\b(?:when|unless)-profile=)(?:[^{}"']|"[^"]*"|'[^']*')*\})"""
)
# lines after a Div that pandoc sees when it says where the Div ends: a comment may go on there
FOLLOWING = 300
ESCAPED = re.compile(r"(`{3,} *)\{(\{+(?!<)[^{}]+\}+)\}")
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
# a comment in any of the languages that Quarto annotates, and nothing but the mark in it
ANNOTATION = re.compile(r"(#|//|--|%|;|!|'|\"|/\*|<!--|\(\*)\s*<\d+>\s*(\*/|-->|\*\))?\s*$")
HEADING = re.compile(r"#{1,6}[ \t]+([^\s{].*?)[ \t]*#*[ \t]*(?:\{[^{}]*\}[ \t]*)?$")
DOCUMENTS = (".qmd", ".md", ".Rmd")  # other files, such as .yml, are shown as code
INCLUDE = re.compile(r"^\s*\{\{<\s*include\s+(.+?)\s*>\}\}\s*$")


def read(document: Document) -> list[Cell]:
    """The cells of `document` with its includes. Raises ReportError for unknown options and
    shortcodes, and for a label that two cells have.
    """
    cells = split(lines_of(document))
    labels: dict[str, str] = {}
    for cell in cells:
        if cell.label and cell.label in labels:
            raise ReportError(
                f"{cell.place}: label {cell.label!r} was given before, at {labels[cell.label]}; "
                "give another one here"
            )
        labels[cell.label] = cell.place
    return cells


def lines_of(document: Document) -> list[Line]:
    """The lines of `document` with those of its includes, without what is for other profiles."""
    return of_profiles(lines_for_all(document), document.profiles)


def lines_for_all(document: Document) -> list[Line]:
    """The lines of `document` with those of its includes, for each profile."""
    lines = [
        Line(text, document.name, n) for n, text in enumerate(document.body, document.body_line)
    ]
    return list(included(lines, document.root, (document.path,)))


def prose(lines: list[Line]) -> Iterator[Line]:
    """`lines` without those of blocks of code."""
    i = 0
    while i < len(lines):
        code = fence_of(lines[i])
        if not code:
            yield lines[i]
        i = closing(lines, i, code) + 1 if code else i + 1


def place_in(document: Document, test: Callable[[str], object]) -> str:
    """file:line of the first line of `document` with its includes that passes `test`; its file alone
    where none does.
    """
    return next((line.place for line in lines_of(document) if test(line.text)), document.name)


def place_above(document: Document, pattern: str) -> str:
    """file:line of the first line of the front matter with `pattern`; the file alone where none is."""
    lines = text_of(document.path, document.name)[: document.body_line - 1]
    found = (n for n, text in enumerate(lines, 1) if re.search(pattern, text))
    return next((f"{document.name}:{n}" for n in found), document.name)


def front(document: Document) -> Cell:
    """The front matter, for the places of what stands in it."""
    lines = text_of(document.path, document.name)[: document.body_line - 1]
    numbered = [Line(text, document.name, n) for n, text in enumerate(lines, 1)]
    return Cell("markdown", numbered, document.name)


def whole(document: Document) -> str:
    """The same as one .qmd, with its front matter and without includes."""
    first = text_of(document.path, document.name)[: document.body_line - 1]
    return "\n".join([*first, *(line.text for line in lines_of(document))]) + "\n"


def with_title(cells: list[Cell], options: dict) -> str:
    """The heading that is the title of a document with cells and without a `title`, as Quarto takes
    it: that at the start of the first text. It is taken out of `cells`; "" where there is none.
    """
    if options.get("title") or all(cell.kind != "code" for cell in cells):
        return ""
    first = next((cell for cell in cells if cell.kind == "markdown"), None)
    lines = first.lines if first else []
    at = next((i for i, line in enumerate(lines) if line.text.strip()), None)
    match = None if at is None else HEADING.match(lines[at].text)
    if at is None or match is None:
        return ""
    del lines[at]
    return match[1]


def of_profiles(lines: list[Line], profiles: tuple[str, ...]) -> list[Line]:
    """`lines` without the Divs and Spans that are for other profiles, so that cells in there are
    not run, nor are they in the notebook; the fences of the Divs are blank lines.

    Raises ReportError where pandoc does not read the lines of such a Div or Span as exactly that.
    """
    if not any("-profile" in line.text for line in lines):
        return lines
    refuse_elsewhere(lines)
    return without_spans(without_divs(lines, profiles), profiles)


def refuse_elsewhere(lines: list[Line]) -> None:
    """Raises ReportError for a condition on a profile that is not that of a Div or Span, or is not
    found as one.
    """
    i = 0
    while i < len(lines):
        code, text = fence_of(lines[i]), masked(lines[i].text)
        spans = SPAN_END.sub("", text)
        if (
            CONDITION.search(text)
            and (code or not DIV_OPEN.match(text) and CONDITION.search(spans))
            or "-profile=" in spans
            and "{" in spans
            and not DIV_OPEN.match(text)
        ):
            raise ReportError(
                f"{lines[i].place}: this condition does not belong to a Div or Span; begin a line "
                f"with "
                '::: {.content-visible when-profile="…"}, or write [text]{…}, each in one line'
            )
        i = closing(lines, i, code) + 1 if code else i + 1


def without_divs(lines: list[Line], profiles: tuple[str, ...]) -> list[Line]:
    """`lines` without the Divs for other profiles; the fences of all are blank lines.

    Raises ReportError for a Div under a condition on a profile that is never closed, or that pandoc
    does not read as exactly these lines.
    """
    kept, inside, i = (
        [],
        [],
        0,
    )  # inside: the open Divs, as (number of their first line, whether they are shown)
    while i < len(lines):
        code = fence_of(lines[i])
        end, fence = (closing(lines, i, code) + 1, False) if code else (i + 1, False)
        if not code and (opening := DIV_OPEN.match(lines[i].text)):
            attributes = opening[1]
            inside.append(
                (i, conditional.verdict(attributes, profiles) if "-profile" in attributes else None)
            )
            fence = inside[-1][1] is not None
        elif not code and DIV_CLOSE.match(lines[i].text) and inside:
            start, verdict = inside.pop()
            fence = verdict is not None
            if fence and not stands_alone(lines, start, end):
                raise ReportError(
                    f"{lines[start].place}: which lines stand under this condition is not clear; "
                    f"close "
                    "each Div, comment and block of code in it, with blank lines around them"
                )
        if fence:  # a blank line, so that the paragraphs on both sides do not run on as one
            kept.append(lines[i]._replace(text=""))
        elif all(verdict is not False for _, verdict in inside):
            kept += lines[i:end]
        i = end
    for start, verdict in inside:
        if verdict is not None:
            raise ReportError(f"{lines[start].place}: this Div is never closed; end it with :::")
    return kept


def left_out(cells: list[Cell], flags: dict[str, bool]) -> set[str]:
    """The labels of the cells of code that are run but not shown, since they stand in a Div under a
    condition `when-meta` or `unless-meta`; flags: what the cells say, `assemble.Pages.flags`.
    """
    true = tuple(sorted(name for name, value in flags.items() if value))
    labels: set[str] = set()
    hidden: list[bool] = []  # of each open Div
    for cell in cells:
        if cell.kind == "code":
            labels |= {cell.label} if any(hidden) else set()
            continue
        i = 0
        while i < len(cell.lines):
            code, text = fence_of(cell.lines[i]), cell.lines[i].text
            if not code and (opening := DIV_OPEN.match(text)):
                hidden.append(conditional.verdict(opening[1], true, "meta") is False)
            elif not code and DIV_CLOSE.match(text) and hidden:
                hidden.pop()
            i = closing(cell.lines, i, code) + 1 if code else i + 1
    return labels


def stands_alone(lines: list[Line], start: int, end: int) -> bool:
    """Whether pandoc reads lines `start` to `end` as a Div; in an item of a list it is indented."""
    indent = len(lines[start].text) - len(lines[start].text.lstrip())
    first = start - (start > 0 and not indent and not FENCES.match(lines[start - 1].text))
    around = [re.sub(f"^ {{0,{indent}}}", "", line.text) for line in lines[first : end + FOLLOWING]]
    return conditional.is_div(around, end - first)


def without_spans(lines: list[Line], profiles: tuple[str, ...]) -> list[Line]:
    """`lines` without the bracketed Spans for other profiles; one may go on over several lines.

    Raises ReportError where pandoc does not read the text of such a Span as exactly that.
    """
    out, i = list(lines), 0
    while i < len(out):
        code = fence_of(out[i])
        if code:
            i = closing(out, i, code) + 1
            continue
        match = next(
            (
                f
                for f in SPAN_END.finditer(masked(out[i].text))
                if conditional.verdict(f[1], profiles) is False
            ),
            None,
        )
        if match is None:
            i += 1
            continue
        first, column = bracket(out, i, match.start())
        before, after = out[first].text[:column], out[i].text[match.end() :]
        span = "\n".join(line.text for line in out[first : i + 1])[column:]
        if not conditional.is_span(span.removesuffix(after)):
            raise ReportError(
                f"{out[i].place}: which text stands under this condition is not clear; put it into "
                f"a "
                "Div of its own"
            )
        parts = (
            [(out[first], before + after)]
            if first == i
            else [(out[first], before), (out[i], after)]
        )
        out[first : i + 1] = [line._replace(text=text) for line, text in parts if text.strip()]
        i = first
    return out


def masked(text: str) -> str:
    """`text` of the same length, without what stands in code or is escaped."""
    return re.sub(r"\\.|" + CODE.pattern, lambda match: " " * len(match[0]), text)


def bracket(lines: list[Line], n: int, column: int) -> tuple[int, int]:
    """Line and column of the [ that the ] at `column` of line `n` closes, within one paragraph.
    Raises ReportError if the paragraph has none.
    """
    depth, at = 0, n
    while at >= 0 and (at == n or lines[at].text.strip()):
        text = masked(lines[at].text)
        for i in reversed(range(column + 1 if at == n else len(text))):
            depth += (text[i] == "]") - (text[i] == "[")
            if depth == 0 and text[i] == "[":
                return at, i
        at -= 1
    raise ReportError(f"{lines[n].place}: the [ of this conditional text is missing")


def place(cells: list[Cell], *patterns: str) -> str:
    """file:line of the last source line with one of the patterns; of the first line where none is
    found.
    """
    places = [
        line.place
        for cell in cells
        for line in cell.lines
        if any(re.search(p, line.text) for p in patterns)
    ]
    return places[-1] if places else cells[0].place if cells else "?"


def included(lines: list[Line], root: Path, inside: tuple[Path, ...]) -> Iterator[Line]:
    """`lines` with the files that they include; inside: the document and the files around `lines`.

    Names are those from the document's folder or, after a /, from the project's, in a file that is
    included too, as in Quarto. Raises ReportError for a file that is not in the project, includes
    itself or has front matter.
    """
    for line in lines:
        match = INCLUDE.match(line.text)
        if not match:
            yield line
            continue
        name = match[1].strip("\"'")
        base = root if name.startswith("/") else inside[0].parent
        target = (base / name.lstrip("/")).resolve()
        if target.is_file() and not target.is_relative_to(root) and is_link(base, name):
            raise ReportError(
                f"{line.place}: include {name!r} is or stands in a link that leads out of this "
                "project; put the file itself there"
            )
        if not target.is_relative_to(root) or not target.is_file():
            beside = (inside[-1].parent / name).resolve()
            hint = (
                f"; from any file write /{beside.relative_to(root).as_posix()}"
                if beside.is_relative_to(root) and beside.is_file()
                else hint_at(name, base)
            )
            raise ReportError(f"{line.place}: include {name!r} is not a file of this project{hint}")
        if target in inside:
            raise ReportError(f"{line.place}: include {name!r} includes itself")
        shown = target.relative_to(root).as_posix()
        text = text_of(target, shown)
        start, first = front_matter(text, shown) if target.suffix in DOCUMENTS else (0, 0)
        if first:
            raise ReportError(
                f"{shown}:{start + 1}: an included file has no front matter; put it into "
                f"{inside[0].name}"
            )
        yield from included(
            [Line(t, shown, n) for n, t in enumerate(text, 1)], root, (*inside, target)
        )


def is_link(base: Path, name: str) -> bool:
    """Whether a part of `name`, or the folder `base`, is a link."""
    path = base / name.lstrip("/")
    return any(one.is_symlink() for one in (path, *path.parents)) and ".." not in Path(name).parts


def split(lines: list[Line]) -> list[Cell]:
    """The cells of `lines` in their order, text between two cells of code as one of Markdown.

    Raises ReportError for a cell of code that does not start with ```{python}, alone on its line
    and not indented.
    """
    cells: list[Cell] = []
    prose: list[Line] = []
    i = 0

    def flush() -> None:
        if any(line.text.strip() for line in prose):
            cells.append(Cell("markdown", list(prose), prose[0].place))
        prose.clear()

    while i < len(lines):
        fence = fence_of(lines[i])
        if not fence:
            refuse_break_in_text(lines, i)
            refuse_long_shortcode(lines, i)
            refuse_yaml(lines, i)
            prose.append(checked(lines[i]))
            i += 1
            continue
        end = closing(lines, i, fence)
        what = fence[3].strip()
        language = re.fullmatch(r"\{(=?[A-Za-z]\w*)\b(.*)\}", what)
        if language and not language[1].startswith("="):
            if language[1] != "python" or language[2].strip() or fence[1] or fence[2][0] == "~":
                reason = "an indented cell" if fence[1] else f"a cell that begins {fence[2]}{what}"
                remedy = "start it with ```{python} at the beginning of a line"
                if language[1].lower() != "python":
                    remedy = (
                        f"show it as code with ```{language[1]}, or put a picture of what it gives "
                        "there"
                    )
                raise ReportError(f"{lines[i].place}: {reason} is not supported; {remedy}")
            flush()
            cells.append(code_cell(lines[i], lines[i + 1 : end]))
        else:
            if what:
                refuse_annotations(lines[i + 1 : end])
            prose += unescaped(lines[i : end + 1])
        i = end + 1
    flush()
    return cells


def unescaped(block: list[Line]) -> list[Line]:
    """A block of code in which `{{python}}` after a fence stands for `{python}`, as Quarto's
    authors write about cells.
    """
    first, last = block[0], block[-1]
    out = [line._replace(text=ESCAPED.sub(r"\1\2", line.text)) for line in block]
    fence = FENCE.match(first.text)
    if not fence or not ESCAPED.match(first.text):
        return [first, *out[1:-1], last]
    marks = "`" * (fence[2].count("`") + 1)
    return [first._replace(text=f"{marks}markdown"), *out, last._replace(text=marks)]


def refuse_break_in_text(lines: list[Line], i: int) -> None:
    """Raises ReportError for a page break that shares its line or paragraph with text."""
    if not re.search(r"(?<!\{)\{\{<\s*pagebreak\b", lines[i].text):
        return
    around = [line.text.strip(" >") for line in (*lines[max(i - 1, 0) : i], *lines[i + 1 : i + 2])]
    if not BREAK.match(lines[i].text) or any(text and not DIV.match(text) for text in around):
        raise ReportError(
            f"{lines[i].place}: {{{{< pagebreak >}}}} stands in a paragraph; put blank lines before "
            "and after it"
        )


def refuse_long_shortcode(lines: list[Line], i: int) -> None:
    """Raises ReportError for a shortcode that begins on line `i` and goes on in the next ones."""
    begun = re.search(r"(?<!\{)(\{\{<\s*[\w-]+)(?!.*>\}\})", masked(lines[i].text))
    rest = itertools.takewhile(lambda line: line.text.strip(), lines[i + 1 :])
    if begun and any(">}}" in line.text for line in rest):
        raise ReportError(
            f"{lines[i].place}: the shortcode {begun[1]} … goes on in the next line; write it in one"
        )


def refuse_yaml(lines: list[Line], i: int) -> None:
    """Raises ReportError for a line of --- that is meant as a rule and begins a block of YAML, which
    goes on to the next one.
    """
    around = [line.text for line in (Line("", "", 0), *lines, Line("", "", 0))[i : i + 3]]
    if around[1].rstrip() != "---" or around[0].strip() or not around[2].strip():
        return
    end = next((ln for ln in lines[i + 1 :] if ln.text.rstrip() in ("---", "...")), None)
    if end:
        raise ReportError(
            f"{lines[i].place}: what stands between this line of --- and {end.place} is read as a "
            "block of YAML, whose options stand at the top of the document alone; put a blank line "
            "after a line of ---"
        )


def fence_of(line: Line) -> re.Match | None:
    """The fence of a code block that `line` is; code in three backticks within one line is none.

    Raises ReportError where a comment begins or ends on the line of a fence: programs disagree on
    where the block is then.
    """
    if COMMENT.search(masked(line.text)):
        raise ReportError(
            f"{line.place}: a comment begins on the line of a fence; put <!-- on a line of its own"
        )
    match = FENCE.match(line.text)
    if match and match[3].lstrip().startswith("-->"):
        refuse_end_of_comment(line)
    is_code = match and match[2][0] == "`" and "`" in ATTRIBUTES.sub("", match[3])
    return None if is_code else match


def closing(lines: list[Line], start: int, fence: re.Match[str]) -> int:
    """The number of the line that ends the block of code whose `fence` is line `start`. Raises
    ReportError if none does, or if a comment ends on that line.
    """
    mark = fence[2]
    for i in range(start + 1, len(lines)):
        text = lines[i].text.strip()
        if text.startswith(mark) and not text.strip(mark[0]):
            return i
        if re.fullmatch(rf"{mark[0]}{{{len(mark)},}}\s*-->.*", text):
            refuse_end_of_comment(lines[i])
    hint = "" if fence[3].strip() else f"; {TICKS}"
    raise ReportError(
        f"{lines[start].place}: this code block ({mark}{fence[3].strip()}) is never closed{hint}"
    )


TICKS = (
    "where a line of ``` stands in the code of a cell, begin and end the cell with four backticks"
)


def refuse_end_of_comment(line: Line) -> NoReturn:
    """Raises ReportError: a comment ends on the line of a fence."""
    raise ReportError(
        f"{line.place}: a comment ends on the line of a fence; put --> on a line of its own"
    )


def checked(line: Line) -> Line:
    """`line` as it is. Raises ReportError for a cell in a quotation or a list, and for a shortcode
    that is unknown or, as an include, shares its line with text.
    """
    if IN_TEXT.match(line.text):
        raise ReportError(
            f"{line.place}: a cell in a quotation or behind a list's mark is not run; start it with "
            "```{python} at the beginning of a line"
        )
    if reference := re.search(r"\\@ref\([\w:.-]+\)", CODE.sub("", line.text)):
        raise ReportError(
            f"{line.place}: {reference[0]} is a reference of bookdown; write @fig-…, @tbl-…, @eq-… "
            "or @sec-…, and the same after label: or #"
        )
    for escape, name, rest in SHORTCODE.findall(re.sub("<!--.*?-->", "", line.text)):
        if not escape and name != "pagebreak":
            hint = (
                "stands alone on its line"
                if name == "include"
                else "is not supported; known: include, pagebreak"
            )
            raise ReportError(f"{line.place}: shortcode {{{{< {name} {rest} >}}}} {hint}")
    return line


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
    for key, _, at in keys:
        if key in ("fig-cap", "tbl-cap"):
            options[key] = only(options[key])
        check(key, options[key], at)
        if key == "lst-cap" and not options.get("lst-label"):
            raise ReportError(
                f"{at}: 'lst-cap' is shown with a label only; add lst-label: lst-NAME"
            )
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


def check(key: str, value: object, place: str) -> None:
    """Raises ReportError for an option of a cell that is unknown or has a value that it cannot
    have; place: file:line of the option.
    """
    if key in EDITORS:
        return
    if key not in CELL:
        hint = near(key, CELL) or "; a figure's size is set where it is drawn" * (key in SIZES)
        if key in ("fig-format", "fig-dpi"):
            hint = "; write it in the front matter, where it holds for all figures"
        hint = hint or "; leave it out, or render with Quarto"
        raise ReportError(f"{place}: unknown cell option {key!r}{hint}")
    wanted = CELL[key] if isinstance(CELL[key], tuple) else (CELL[key],)
    if key.endswith("-subcap") and isinstance(value, str) and value != "true":
        raise ReportError(
            f"{place}: {key} takes a list of texts, one for each part, or true for parts without"
        )
    if not isinstance(value, wanted) or isinstance(value, bool) and bool not in wanted:
        hint = (
            f"; give the list to {key[:3]}-subcap, with label: {key[:3]}-NAME"
            if key.endswith("-cap") and isinstance(value, list)
            else "; write true or false" * (bool in wanted)
        )
        raise ReportError(f"{place}: cell option {key}: {value!r} is not of the right kind{hint}")
    if key == "tags" and {"remove-cell", "remove_cell"} & set(map(str, value)):
        raise ReportError(
            f"{place}: tags that take cells away are not read here; write #| include: false"
        )
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
