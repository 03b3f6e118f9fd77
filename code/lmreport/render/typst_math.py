"""Formulas of the PDF where pandoc would have typst show something else than the page: marked in TeX,
set apart in typst. A matrix without brackets and equations within others become mere lines whose columns
touch, fractions a / b, what stands above a sign stands beside it, a space is rounded to whole ems.
"""

from __future__ import annotations

import re

from lmreport.render import letters, pandoc_ast
from lmreport.render.pandoc_ast import Node

OPEN, CLOSE, GAP, BAR, LETTER = "\ufdd5", "\ufdd6", "\ufdd7", "\ufdd8", "\ufdd9"
OVER = "\ufdda"  # before the upper part of a fraction
FROM, TO = "\ufddb", "\ufddc"  # round what other things stand above, below or raised beside
NOTHING = "\ufddd"  # between the braces of an argument that is empty
END = "\ufdde"  # of a row, where typst would take the ; behind #h(…) as the end of this code
MARK = re.compile(rf"\\text\{{[{OPEN}{CLOSE}{GAP}{BAR}{OVER}{FROM}{TO}{NOTHING}{END}]\w*\}}")
LETTERS = re.compile(rf"\\text\{{{LETTER}([^{{}}]+)\}}")

# of TeX
CASES = {"cases", "dcases", "rcases"}
PAIRS = {"align", "aligned", "flalign"}  # of equations, with room between one pair and the next
NESTED = {"aligned", "alignedat", "gathered", "split"}  # these may stand within a formula
TABLES = {"array", "matrix", "smallmatrix"}
TOKEN = re.compile(
    r"\\begin\{array\}(?:\[\w\])?\s*\{[^{}]*\}|\\(?:begin|end)\{\w+\*?\}|\\\\|\\[^a-zA-Z]"
    r"|\\[a-zA-Z]+|[{}&]|[^\\{}&]+|\\"
)
BESIDE = re.compile(  # nothing that would stand in the first or last row
    r"(\s|[.,;]|\\[,;:! ]|\\q?quad(\([^)]*\))?|\\(hspace|label)\{[^}]*\}|\\(begin|end)\{equation\*?\})*"
)
DOUBLE = re.compile(r"\\left\s*(\\lVert|\\\|)\s*$")  # bars, which pandoc has round a matrix
RAISED = re.compile(r"\s*[\^_]")
SCRIPTS = re.compile(rf"(?!\\text\{{{FROM}).*(?:[\^_]|\\overset|\\underset|\\stackrel)", re.DOTALL)
STACK = re.compile(r"\\(?:overset|underset|stackrel)(?![A-Za-z])\s*(?=\{)")
FRACTION = re.compile(r"(\\[dt]?frac(?![A-Za-z])\s*)(\{|\\[A-Za-z]+|\\?[^\s{}])")
WORDS = re.compile(r"(\\(?:text\w*|mbox|operatorname\*?)\s*\{[^{}]*\})")
TEXT = re.compile(r"\\(text\w*|mbox|operatorname\*?|begin|end)\s*$")  # before text and names
EMPTY = re.compile(r"(\\[A-Za-z]+\s*|[}\]]\s*)\{\s*\}")
SPACE = r"\\hspace\{(?P<space>-?[\d.]+(?:em|pt|in|cm))\}"

# of typst
WIDE = {"!": "-0.167em", ";": "0.278em"}
SET_SPACE = re.compile(rf'upright\("{LETTER}([!;]|-?[\d.]+[a-z]+)"\)')
TABLE = re.compile(
    rf'(?P<left>(?<!\\)[{{\[])?upright\("{OPEN}(?P<kind>\w+)"\) ?'
    rf'(?P<body>[^{OPEN}{CLOSE}]*?) ?upright\("{CLOSE}"\)(?P<right>[}}\]])?'
)
BASE = re.compile(
    rf'upright\("{FROM}(limits|scripts)"\) ?((?:(?!upright\("[{FROM}{TO}]).)*?) ?upright\("{TO}"\)',
    re.DOTALL,
)
ROOM = f'upright("{GAP}")'
SPOKEN = re.compile(  # marks in what a filter says of a formula
    f" ?[{OPEN}{CLOSE}{GAP}{BAR}{OVER}{FROM}{TO}{NOTHING}{END}]\\w*|{LETTER}([!;]|-?[\\d.]+[a-z]+) "
)
PART = re.compile(r'"(?:\\.|[^"\\])*"|\\\n|\\.|[()&]|[^"\\()&]+', re.DOTALL)


def visit(item: Node) -> Node | None:
    """A formula with its marks; None for anything else."""
    if item["t"] != "Math":
        return None
    tex = item["c"][1]
    for mark in (with_letters, with_nothing, with_fractions, with_limits, with_scripts, marked):
        tex = mark(tex)
    return pandoc_ast.node("Math", item["c"][0], tex)


def with_letters(tex: str) -> str:
    """`tex` with `\\&`, which typst would take for a column, spaces that pandoc would make wider or
    leave out, and letters that no font of the PDF has as text, so that a mark can stand for these.
    """
    unseen = "".join(letters.missing(tex))
    sign = rf"{SPACE}|\\[^&!;]|\\(?P<sign>[&!;])" + (f"|[{re.escape(unseen)}]+" if unseen else "")
    parts = WORDS.split(tex)
    parts[::2] = [re.sub(sign, as_text, part) for part in parts[::2]]
    return "".join(parts)


def as_text(found: re.Match) -> str:
    """A sign of `with_letters` as text; another command as it is."""
    meant = found["sign"] or found["space"]
    if found[0].startswith("\\") and not meant:
        return found[0]
    return rf"\text{{{LETTER}{meant or found[0]}}}"


def with_nothing(tex: str) -> str:
    """`tex` with a mark in each argument that is empty, without which typst would stop."""

    def written(found: re.Match) -> str:
        return found[0] if TEXT.match(found[1]) else rf"{found[1]}{{\text{{{NOTHING}}}}}"

    return EMPTY.sub(written, tex)


def with_fractions(tex: str) -> str:
    """`tex` with a mark in each fraction, so that pandoc does not write a / b, of which typst would
    take more than is meant: a / b / c and a / b^2 for fractions in a fraction and with a power.
    """

    def written(found: re.Match) -> str:
        if found[2] == "{":
            return rf"{found[0]}\text{{{OVER}}}"
        return rf"{found[1]}{{\text{{{OVER}1}}{found[2]}}}"

    return FRACTION.sub(written, tex)


def with_limits(tex: str) -> str:
    """`tex` with marks round the base of each \\overset and its like, beside which pandoc would have
    typst write what stands above or below it.
    """
    for found in reversed(list(STACK.finditer(tex))):
        end = end_of_group(tex, found.end())
        start = end + len(tex[end:]) - len(tex[end:].lstrip())
        if tex[start : start + 1] == "{":
            tex = with_base(tex, start, "limits")
            end = end_of_group(tex, start)
            if RAISED.match(tex, end):  # for `with_scripts`
                tex = f"{tex[: found.start()]}{{{tex[found.start() : end]}}}{tex[end:]}"
    return tex


def with_scripts(tex: str) -> str:
    """`tex` with marks round {x^2} in {x^2}^3, which pandoc would write x^2^3, and so typst as x to
    the power of 2 to the power of 3.
    """
    for found in reversed(list(re.finditer(r"\\.|\{", tex, re.DOTALL))):
        start, end = found.start(), end_of_group(tex, found.start())
        is_base = found[0] == "{" and RAISED.match(tex, end)
        if is_base and SCRIPTS.match(tex, start + 1, end) and not TEXT.search(tex[:start]):
            tex = with_base(tex, start, "scripts")
    return tex


def with_base(tex: str, start: int, kind: str) -> str:
    """`tex` with marks in the group that begins at `start`, for typst's function `kind`."""
    end = end_of_group(tex, start) - 1
    base = rf"\text{{{FROM}{kind}}}{tex[start + 1 : end]}\text{{{TO}}}"
    return tex[: start + 1] + base + tex[end:]


def end_of_group(tex: str, start: int) -> int:
    """What follows the } of the { at `start`."""
    depth = 0
    for found in re.finditer(r"\\.|[{}]", tex[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0 and found[0] == "}":
            return start + found.end()
    return len(tex)


class Rows:
    """An environment whose rows are being read; `cells` of the row, and the `most` so far."""

    def __init__(self, opening: str, start: int, depth: int) -> None:
        found = re.match(r"\\begin\{(\w+)", opening)
        self.name = found[1] if found else ""
        self.start, self.depth, self.cells, self.most = start, depth, 1, 1
        spec = opening.removeprefix(r"\begin{array}") if self.name == "array" else ""
        self.columns = "".join(re.findall("[lcr]", re.sub(r"^\[\w\]", "", spec)))

    def kind(self) -> str:
        """What typst is told: the sides on which the columns stand, or that & aligns rows."""
        if self.name in CASES:
            return "l" * self.most if self.most > 2 else ""
        if self.name in TABLES:
            return self.columns or "c"
        return "rows" if self.name in NESTED else ""


def marked(tex: str) -> str:
    """`tex` with marks round each table of it, and between two pairs of equations in a row."""
    if r"\begin" not in tex:
        return tex
    tokens = TOKEN.findall(tex)
    out = list(tokens)
    open_: list[Rows] = []
    depth = 0
    for i, token in enumerate(tokens):
        inner = open_[-1] if open_ and open_[-1].depth == depth else None
        depth += (token == "{") - (token == "}")
        if token.startswith(r"\begin{"):
            open_.append(Rows(token, i, depth))
            if open_[-1].name == "vmatrix":
                out[i] = rf"\text{{{BAR}}}{token}"
        elif token == r"\\" and inner:
            out[i] = rf"\text{{{END}}}{token}"
            inner.cells = 1
        elif token == "&" and inner:
            if inner.name in CASES or (inner.name in PAIRS and inner.cells % 2 == 0):
                out[i] = rf"\text{{{GAP}}}{token}"
            inner.cells += 1
            inner.most = max(inner.most, inner.cells)
        elif token.startswith(r"\end{") and inner:
            open_.pop()
            before, after = "".join(tokens[: inner.start]), "".join(tokens[i + 1 :])
            kind = "" if DOUBLE.search(before) else inner.kind()
            if kind and not (kind == "rows" and BESIDE.fullmatch(unmarked(before + after))):
                out[inner.start] = rf"\text{{{OPEN}{kind}}}{out[inner.start]}"
                out[i] = rf"{token}\text{{{CLOSE}}}"
    return "".join(out)


def unmarked(tex: str) -> str:
    """`tex`, or a warning about it, as it was before `marked`."""
    tex = LETTERS.sub(as_tex, tex)
    tex = re.sub(rf"\{{\\text\{{{OVER}1\}}(.*?)\}}", r"\1", tex)
    return MARK.sub("", tex)


def as_tex(found: re.Match) -> str:
    """What `as_text` wrote, as it was."""
    if re.fullmatch(r"-?[\d.]+[a-z]+", found[1]):
        return rf"\hspace{{{found[1]}}}"
    return re.sub("[&!;]", r"\\\g<0>", found[1])


def set_apart(source: str) -> str:
    """`source` of typst in which each mark has become what it stands for, innermost first."""
    source = re.sub(rf'upright\("{OVER}1?"\) ?', "", source)
    source = source.replace(f'upright("{NOTHING}")', '""').replace(f'upright("{END}")', "")
    for pattern, written in ((BASE, r"\1(\2)"), (TABLE, matrix)):
        count = 1
        while count:
            source, count = pattern.subn(written, source)
    source = re.sub(rf'upright\("{BAR}"\) ?mat\(delim: "\|+"', 'mat(delim: "|"', source)
    source = source.replace('mat(delim: "||"', 'mat(delim: "‖"').replace(ROOM, "quad")
    source = SET_SPACE.sub(lambda found: f"#h({WIDE.get(found[1], found[1])})", source)
    return SPOKEN.sub("", source).replace(LETTER, "")


def matrix(found: re.Match) -> str:
    """What stands between two marks, with a bracket on one side of it as high as it is."""
    left, body, right = found["left"] or "", found["body"], found["right"] or ""
    if body.startswith("{") and not left:  # of cases with more than two columns
        left, body = "{", body[1:]
    rows = " ; ".join(", ".join(row) for row in cells(body, found["kind"]))
    table = f"mat(delim: #none, row-gap: #0.5em, {rows})"
    if bool(left) == bool(right):
        return left + table + right
    return f"lr({left and chr(92) + left}{table}{right and chr(92) + right})"


def cells(body: str, kind: str) -> list[list[str]]:
    """The cells of each row, each at its side of its column; whole rows if & aligns them."""
    rows, depth = [[""]], 0
    for part in PART.findall(body):
        depth += (part == "(") - (part == ")")
        if part == "\\\n" and not depth:
            rows.append([""])
        elif part == "&" and not depth and kind != "rows":
            rows[-1].append("")
        else:
            rows[-1][-1] += part
    if kind == "rows":
        return rows
    sides = {"l": "& {}", "c": "{}", "r": "{} &"}
    return [
        [
            sides[kind[min(i, len(kind) - 1)]].format(cell.replace(ROOM, "").strip())
            for i, cell in enumerate(row)
        ]
        for row in rows
    ]
