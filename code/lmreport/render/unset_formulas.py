"""A formula that pandoc cannot set: by the line of its row, and what to do."""

from __future__ import annotations

import re

from lmreport.core.errors import ReportError
from lmreport.core.listing import quoted
from lmreport.render import constructs, crossref, project, source
from lmreport.render.lines import Cell, Line

UNSET = re.compile(  # pandoc's warning about a formula: all of it, a part of a row of it, and why
    r"not convert TeX math\s(?P<tex>.*?), rendering as TeX:\n(?P<row>(?! *\^\n)[^\n]*\n)?"
    r".*?\n?\s*(?P<said>unexpected [^\n]*)",
    re.DOTALL,
)


def refuse_unset(warnings: str, index: crossref.Index, doc: project.Document) -> None:
    """Raises ReportError for the first formula that pandoc could not set, by its `warnings`."""
    formula = UNSET.search(warnings)
    if formula is None:
        return
    rows, there = rows_of(formula["tex"], index.cells)
    row = stopped_at(formula, rows) if there else 0
    tex = rows[row]
    is_written = bool(there) or any(tex in cell.source for cell in index.cells)
    at = index.place(re.escape(tex) if is_written else r"\$[^$]*`\{python\}")
    at = there[row].place if there else at
    remedy = instead(formula["tex"], formula["said"])
    defined = is_defined(formula["said"], index.cells)
    above = source.place_above(doc, re.escape(tex))
    if "{#eq-" in formula["tex"]:
        remedy = "a formula gets its label behind it: $$ … $$ {#eq-name}"
    elif above != doc.name and (defined or not is_written):
        at = above
        remedy = "write it out here; commands of TeX that the text defines hold there alone"
    elif defined:
        remedy = constructs.MACROS
    elif formula["said"].endswith("\\\\") and re.search(r"\\\\[A-Za-z]", tex):
        remedy = "a command has one \\; put rows between \\begin{aligned} and \\end{aligned}"
    elif not is_written and at != doc.name:
        remedy = (
            r"have its inline code give a number or a string that is TeX, such as r'\alpha', or "
            r"write \$ where a dollar is meant"
        )
    raise ReportError(
        f"{at}: the formula {quoted(tex)} cannot be set ({formula['said']}); {remedy}"
    )


def rows_of(tex: str, cells: list[Cell]) -> tuple[list[str], list[Line]]:
    """The rows of a formula, and the lines of the source in which they stand; none where it is not
    written so, but made by inline code.
    """
    rows = [row.strip() for row in re.sub(r" \\qquad\(\d+\)$", "", tex).strip().split("\n")]
    written = re.compile(r"\s*\n[\s>]*".join(map(re.escape, rows)))
    for cell in cells:
        if found := written.search("\n".join(line.text for line in cell.lines)):
            first = found.string.count("\n", 0, found.start())
            return rows, cell.lines[first : first + len(rows)]
    return rows, []


def stopped_at(formula: re.Match, rows: list[str]) -> int:
    """The number of the row that pandoc does not understand. It tells a part of it, or of the row
    before where the formula begins with the end of a line.
    """
    told = (formula["row"] or "").strip()
    number = next((n for n, row in enumerate(rows) if told and told in row), -1)
    command = re.search(r"sequence (\\\w+)", formula["said"])
    is_before = formula["tex"].startswith("\n") and not (command and command[1] in rows[number])
    return min(max(number + is_before, 0), len(rows) - 1)


def instead(tex: str, said: str) -> str:
    """What to do about a formula that pandoc cannot set, by what it `said`."""
    command = re.search(r"control sequence (\\\S+)", said)
    if (command is None or SPACE.fullmatch(command[1])) and (space := SPACE.search(tex)):
        return rf"in place of {space[0]} write \hspace{{1em}}, with em, pt, in or cm and no blank"
    if unnumbered := re.findall(r"\\notag(?![A-Za-z])|\\nonumber(?![A-Za-z])", tex):
        return f"leave out {' and '.join(dict.fromkeys(unnumbered))}; a formula without a label has no number"
    if command is None:
        return "write it with commands of mathematics that pandoc knows, without comments"
    others = {
        r"\\": r"put its rows between \begin{aligned} and \end{aligned}",
        r"\tag": "for a number write {#eq-name} behind the last $$",
        r"\hbox": r"write \text{…}",
        **{
            rf"\{font}": rf"write \math{font}{{…}}"
            for font in ("rm", "bf", "it", "sf", "tt", "cal")
        },
        **{rf"\{name}": rf"write \operatorname{{{name}}}" for name in ("argmax", "argmin")},
    }
    return others.get(command[1]) or (
        f"pandoc, which sets formulas here, knows no {command[1]} there; write it in other commands"
    )


SPACE = re.compile(  # what pandoc does not read, or with one of few units alone
    r"\\(([hm]skip|m?kern|hspace\*)(?![A-Za-z])|hspace(?!\{-?[\d.]+(em|pt|in|cm)\}))(\{[^}]*\})?"
)


def is_defined(said: str, cells: list[Cell]) -> bool:
    """Whether the command that pandoc does not know, by what it `said`, defines one or is defined
    in `cells`, and so in a formula: elsewhere pandoc reads definitions.
    """
    found = re.search(r"control sequence \\(\w+)", said)
    if found is None:
        return False
    kinds = "(re)?newcommand|def|DeclareMathOperator"
    there = re.compile(rf"\\({kinds})\*?\s*\{{?\\{found[1]}\b")
    return bool(re.fullmatch(kinds, found[1])) or any(there.search(cell.source) for cell in cells)
