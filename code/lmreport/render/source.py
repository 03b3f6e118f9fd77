"""From .qmd files to cells: includes pulled in, code cells with their options, every line with its origin."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import yaml

from lmreport.errors import ReportError
from lmreport.render.project import Document, near


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
        return "\n".join(line.text for line in self.lines[self.skipped:])

    @property
    def label(self) -> str:
        return str(self.options.get("label", ""))


CELL = {
    "label": str, "echo": (bool, str), "eval": bool, "output": (bool, str), "warning": bool, "error": bool,
    "include": bool, "code-fold": (bool, str), "code-summary": str, "code-overflow": str,
    "fig-cap": (str, list), "fig-alt": (str, list), "fig-subcap": list, "tbl-cap": (str, list), "tbl-subcap": list,
    "lst-label": str, "lst-cap": str, "layout-ncol": int, "tags": list, "classes": (str, list), "id": str,
}
FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})(.*)$")
SHORTCODE = re.compile(r"(\{?)\{\{<\s*(/?[\w-]*)\s*(.*?)\s*>\}\}")
FOR_PROFILE = re.compile(r'(:{3,}) *\{\.content-(visible|hidden) (when|unless)-profile="([^"]+)"\}\s*$')
INCLUDE = re.compile(r"^\s*\{\{<\s*include\s+(.+?)\s*>\}\}\s*$")


def read(document: Document) -> list[Cell]:
    """The cells of `document` with its includes. Raises ReportError for unknown options and shortcodes."""
    lines = [Line(text, document.name, n) for n, text in enumerate(document.body, document.body_line)]
    lines = list(included(lines, document.root, document.path, (document.path,)))
    cells = split(of_profiles(lines, document.profiles))
    labels: dict[str, str] = {}
    for cell in cells:
        if cell.label and cell.label in labels:
            raise ReportError(f"{cell.place}: label {cell.label!r} was given before, at {labels[cell.label]}")
        labels[cell.label] = cell.place
    return cells


def of_profiles(lines: list[Line], profiles: tuple[str, ...]) -> list[Line]:
    """`lines` without what stands in Divs for other profiles, so that cells in there are not run; and without the
    fences of the Divs for these. Such a Div ends at the next fence of as many colons; one without is left as it is."""
    kept, i = [], 0
    while i < len(lines):
        fence = FOR_PROFILE.match(lines[i].text)
        end = next((n for n in range(i + 1, len(lines)) if lines[n].text.strip() == fence[1]), None) if fence else None
        if end is None:
            kept.append(lines[i])
        elif (fence[2] == "visible") == ((fence[4] in profiles) == (fence[3] == "when")):
            kept += of_profiles(lines[i + 1:end], profiles)
        i = i + 1 if end is None else end + 1
    return kept


def place(cells: list[Cell], *patterns: str) -> str:
    """file:line of the last source line with one of the patterns; of the first line where none is found."""
    found = [line.place for cell in cells for line in cell.lines if any(re.search(p, line.text) for p in patterns)]
    return found[-1] if found else cells[0].place if cells else "?"


def included(lines: list[Line], root: Path, path: Path, inside: tuple[Path, ...]):
    for line in lines:
        match = INCLUDE.match(line.text)
        if not match:
            yield line
            continue
        name = match[1].strip("\"'")
        target = (root / name[1:] if name.startswith("/") else path.parent / name).resolve()
        if not target.is_relative_to(root) or not target.is_file():
            raise ReportError(f"{line.place}: include {name!r} is not a file of this project")
        if target in inside:
            raise ReportError(f"{line.place}: include {name!r} includes itself")
        shown = target.relative_to(root).as_posix()
        text = target.read_text(encoding="utf-8").splitlines()
        if text and text[0].rstrip() == "---":
            raise ReportError(f"{shown}:1: an included file has no front matter; put it into {inside[0].name}")
        yield from included([Line(t, shown, n) for n, t in enumerate(text, 1)], root, target, (*inside, target))


def split(lines: list[Line]) -> list[Cell]:
    cells, prose, i = [], [], 0

    def flush():
        if any(line.text.strip() for line in prose):
            cells.append(Cell("markdown", list(prose), prose[0].place))
        prose.clear()

    while i < len(lines):
        fence = FENCE.match(lines[i].text)
        if not fence:
            prose.append(checked(lines[i]))
            i += 1
            continue
        end = closing(lines, i, fence)
        what = fence[3].strip()
        language = re.fullmatch(r"\{(=?[A-Za-z]\w*)\b(.*)\}", what)
        if language and not language[1].startswith("="):
            if language[1] != "python" or language[2].strip() or fence[1]:
                reason = "an indented cell" if fence[1] else f"a cell that begins {what}"
                raise ReportError(f"{lines[i].place}: {reason} is not supported; start it with ```{{python}}")
            flush()
            cells.append(code_cell(lines[i], lines[i + 1:end]))
        else:
            prose += lines[i:end + 1]
        i = end + 1
    flush()
    return cells


def closing(lines, start, fence) -> int:
    mark = fence[2]
    for i in range(start + 1, len(lines)):
        text = lines[i].text.strip()
        if text.startswith(mark) and not text.strip(mark[0]):
            return i
    raise ReportError(f"{lines[start].place}: this code block ({mark}{fence[3].strip()}) is never closed")


def checked(line: Line) -> Line:
    for escape, name, rest in SHORTCODE.findall(line.text):
        if not escape and name != "pagebreak":
            hint = "stands alone on its line" if name == "include" else "is not supported; known: include, pagebreak"
            raise ReportError(f"{line.place}: shortcode {{{{< {name} {rest} >}}}} {hint}")
    return line


def code_cell(fence: Line, lines: list[Line]) -> Cell:
    count = next((i for i, line in enumerate(lines) if not re.match(r"#\s*\| ?", line.text)), len(lines))
    source = "\n".join(re.sub(r"^#\s*\| ?", "", line.text) for line in lines[:count])
    name, first = (lines[0].file, lines[0].number) if lines else (fence.file, fence.number)
    try:
        options, tree = yaml.safe_load(source) or {}, yaml.compose(source, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = first + (mark.line if mark else 0)
        raise ReportError(f"{name}:{at}: not valid YAML in a cell's options: {error.problem}") from None
    if not isinstance(options, dict):
        raise ReportError(f"{name}:{first}: expected `#| option: value`")
    for key in tree.value if tree else ():
        check(key[0].value, options[key[0].value], f"{name}:{first + key[0].start_mark.line}")
    for line in lines[count:]:
        if re.search(r"#\s*<\d+>\s*$", line.text):
            raise ReportError(f"{line.place}: code annotations are not supported; write a plain comment")
    return Cell("code", lines, fence.place, options, count)


def check(key: str, value, place: str) -> None:
    if key not in CELL:
        raise ReportError(f"{place}: unknown cell option {key!r}{near(key, CELL)}")
    wanted = CELL[key] if isinstance(CELL[key], tuple) else (CELL[key],)
    if not isinstance(value, wanted) or isinstance(value, bool) and bool not in wanted:
        raise ReportError(f"{place}: cell option {key}: {value!r} is not of the right kind")
    allowed = {"echo": ("fenced",), "output": ("asis",), "code-fold": ("show", "hide"),
               "code-overflow": ("wrap", "scroll"), "label": None}.get(key)
    if allowed and isinstance(value, str) and value not in allowed:
        raise ReportError(f"{place}: cell option {key}: {value!r} is unknown; use true, false or {allowed[0]}")
