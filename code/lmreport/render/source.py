"""From .qmd files to cells: includes pulled in, code cells with their options, every line with its
origin.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.render.cell_options import code_cell, refuse_annotations
from lmreport.render.conditional import of_profiles
from lmreport.render.document_options import SHORTCODE
from lmreport.render.lines import CODE, FENCE, Cell, Line, closing, fence_of, masked
from lmreport.render.project import (
    Document,
    front_matter,
    hint_at,
    text_of,
)

IN_TEXT = re.compile(r"\s*([>*+-]|\d+[.)])[\s>]*(`{3,}|~{3,})\{(python|r|julia)\b")
DIV = re.compile(r"\s*:{3,}")
BREAK = re.compile(r"^([ \t]*\{\{<)(?=[ \t]*pagebreak[ \t]*>\}\}[ \t]*$)", re.MULTILINE)
ESCAPED = re.compile(r"(`{3,} *)\{(\{+(?!<)[^{}]+\}+)\}")
HEADING = re.compile(r"#{1,6}[ \t]+([^\s{].*?)[ \t]*#*[ \t]*(?:\{[^{}]*\}[ \t]*)?$")
DOCUMENTS = (".qmd", ".md", ".Rmd")  # other files, such as .yml, are shown as code
ODD_SHORTCODE = re.compile(r"(?<!\{)(?:\{\{(?!<)%?|\{%)\s*<?\s*(include|pagebreak)\b([^{}]*)\}\}?")
FORMULA = re.compile(  # without a blank line in it
    r"\$\$(?:(?!\n\s*\n)[^$])+\$\$|(?<!\\)\$(?=\S)(?:(?!\n\s*\n)(?:\\\$|[^$]))*?(?<=\S)\$(?!\d)"
)
INCLUDE = re.compile(r"^\s*\{\{<\s*include\s+((?:(?!>\}\}).)+?)\s*>\}\}\s*$")


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
    """file:line of the first line of `document` with its includes that passes `test`, one of text
    before one of code, which may show the same; its file alone where none does.
    """
    lines = lines_of(document)
    text = list(prose(lines))
    words = (line._replace(text=without_code(line.text)) for line in text)
    found = (line.place for line in itertools.chain(words, text, lines) if test(line.text))
    return next(found, document.name)


def place_above(document: Document, pattern: str) -> str:
    """file:line of the first line of the front matter with `pattern`; the file alone where none is."""
    lines = text_of(document.path, document.name)[: document.body_line - 1]
    found = (n for n, text in enumerate(lines, 1) if re.search(pattern, text))
    return next((f"{document.name}:{n}" for n in found), document.name)


def front(document: Document) -> Cell:
    """The front matter, for the places of what stands in it."""
    lines = text_of(document.path, document.name)[: document.body_line - 1]
    numbered = [Line(text, document.name, n) for n, text in enumerate(lines, 1)]
    return Cell("options", numbered, document.name, skipped=len(numbered))


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


def place(cells: list[Cell], *patterns: str, among: str = "") -> str:
    """file:line of the last source line with one of the patterns; of the first line where none is
    found. Lines of text and of options come before those of code, which may show the same.

    among: "formulas" or "words", the part of the text in which it is looked for first.
    """
    seen = [line for cell in cells for line in seen_lines(cell)]
    words = [line._replace(text=without_code(line.text)) for line in seen]
    parts = [part(words, among == "formulas")] if among else []
    for lines in (*parts, words, seen, [line for cell in cells for line in cell.lines]):
        places = [line.place for line in lines if any(re.search(p, line.text) for p in patterns)]
        if places:
            return places[-1]
    return cells[0].place if cells else "?"


def seen_lines(cell: Cell) -> list[Line]:
    """The lines of `cell` that are no code."""
    return list(prose(cell.lines)) if cell.kind == "markdown" else cell.lines[: cell.skipped]


def without_code(text: str) -> str:
    """`text` of the same length, without what stands in code."""
    return re.sub(r"\\[\\`]|" + CODE.pattern, lambda m: " " * len(m[0]) if m[1] else m[0], text)


def part(lines: list[Line], of_formulas: bool) -> list[Line]:
    """`lines` with their formulas alone, or without them."""
    text = "\n".join(line.text for line in lines)
    ends = [0, *(end for found in FORMULA.finditer(text) for end in found.span()), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(ends)]
    for i in range(0 if of_formulas else 1, len(pieces), 2):
        pieces[i] = re.sub(".", " ", pieces[i])
    kept = "".join(pieces).split("\n")
    return [line._replace(text=one) for line, one in zip(lines, kept, strict=True)]


def included(lines: list[Line], root: Path, inside: tuple[Path, ...]) -> Iterator[Line]:
    """`lines` with the files that they include, each as a paragraph of its own but for those in code;
    inside: the document and the files around `lines`.

    Names are those from the document's folder or, after a /, from the project's, in a file that is
    included too, as in Quarto. Raises ReportError for a file that is not in the project, includes
    itself or has front matter.
    """
    mark = ""  # of the block of code that is open
    is_literal = False
    for line in lines:
        match = INCLUDE.match(line.text)
        if not match or mark and is_literal:
            fence = None if mark else fence_of(line)
            if fence:
                mark, is_literal = fence[2], "shortcodes=false" in fence[3]
            elif mark and line.text.strip().startswith(mark) and not line.text.strip(f" {mark[0]}"):
                mark = ""
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
                else hint_at(name, base) or "; put it there"
            )
            raise ReportError(f"{line.place}: include {name!r} is not a file of this project{hint}")
        if target in inside:
            raise ReportError(f"{line.place}: include {name!r} includes itself; delete this line")
        shown = target.relative_to(root).as_posix()
        text = text_of(target, shown)
        start, first = front_matter(text, shown) if target.suffix in DOCUMENTS else (0, 0)
        if first:
            raise ReportError(
                f"{shown}:{start + 1}: an included file has no front matter; "
                + without_front_matter(target, inside[0].name)
            )
        yield from included(
            [Line(t, shown, n) for n, t in enumerate(text, 1)], root, (*inside, target)
        )
        if not mark:
            yield line._replace(text="")


def without_front_matter(part: Path, document: str) -> str:
    """How to include `part`, which has front matter, in `document`."""
    if part.name.startswith("_"):
        return f"put into {document} what it lacks of it, and leave it out here"
    text = f"_{part.stem}{part.suffix}"
    return f"put the text below it into {text}, and include that in {part.name} and {document}"


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
        language = re.fullmatch(r"\{(=?[A-Za-z]\w*)\b(?!=)(.*)\}", what)
        if language and not language[1].startswith("="):
            checked(lines[i])
            if language[1] != "python" or language[2].strip() or fence[1] or fence[2][0] == "~":
                reason = "an indented cell" if fence[1] else f"a cell that begins {fence[2]}{what}"
                remedy = "start it with ```{python} at the beginning of a line"
                if language[2].strip():
                    remedy += ", and write its options below that, as #| echo: false"
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
    if not re.search(r"(?<!\{)\{\{<\s*pagebreak\b", CODE.sub("", lines[i].text)):
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
    uncoded = CODE.sub("", line.text)  # code is shown, not run
    if odd := ODD_SHORTCODE.search(uncoded):
        raise ReportError(
            f"{line.place}: {odd[0]} is read as text; write {{{{< {odd[1]}{odd[2].rstrip(' >%')} >}}}}"
        )
    for escape, name, rest in SHORTCODE.findall(re.sub("<!--.*?-->", "", uncoded)):
        if not escape and name != "pagebreak":
            hint = (
                "stands in a line of text; put it on a line of its own"
                if name == "include"
                else "is not supported; write there what it stands for (known: include, pagebreak)"
            )
            raise ReportError(f"{line.place}: shortcode {{{{< {name} {rest} >}}}} {hint}")
    return line
