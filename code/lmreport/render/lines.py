"""Lines of a source with their places, cells made of them, and where code and Divs begin and end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from lmreport.core.errors import ReportError


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


ATTRIBUTES = re.compile(r"^\s*\{.*\}\s*$")
FENCE = re.compile(  # at the beginning of a line, or behind the mark of an item or a note
    r"^((?:\s*(?:[-+*:~]|\(?\w{1,3}[.)]|#\.|\[\^[^]\s]+\]:)[ \t]+)*\s*)(`{3,}|~{3,})(.*)$"
)
COMMENT = re.compile(r"<!--(?:(?!-->).)*?(`{3,}|~{3,})(?!.*-->)")  # open at the end of its line
DIV_OPEN = re.compile(r"\s*:{3,}\s*(\{.*\}|[^\s:{}]+)\s*:*\s*$")
DIV_CLOSE = re.compile(r"\s*:{3,}\s*$")
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")


def masked(text: str) -> str:
    """`text` of the same length, without what stands in code or is escaped."""
    return re.sub(r"\\.|" + CODE.pattern, lambda match: " " * len(match[0]), text)


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
