"""Formulas with rows and columns in the PDF, where pandoc would write a matrix without brackets, and
equations within others, as mere lines whose columns touch, and |…| as what typst does not know: marked
in TeX, set apart in typst.
"""

from __future__ import annotations

import re

from lmreport.render import letters, pandoc_ast
from lmreport.render.pandoc_ast import Node

OPEN, CLOSE, GAP, BAR, LETTER = "\ufdd5", "\ufdd6", "\ufdd7", "\ufdd8", "\ufdd9"
OVER = "\ufdda"  # before the upper part of a fraction
FROM, TO = "\ufddb", "\ufddc"  # round what something stands above or below
CASES = {"cases", "dcases", "rcases"}
PAIRS = {"align", "aligned", "flalign"}  # of equations, with room between one pair and the next
NESTED = {"aligned", "alignedat", "gathered", "split"}  # these may stand within a formula
TABLES = {"array", "matrix", "smallmatrix"}
TOKEN = re.compile(
    r"\\begin\{array\}(?:\[\w\])?\s*\{[^{}]*\}|\\(?:begin|end)\{\w+\*?\}|\\\\|\\[^a-zA-Z]"
    r"|\\[a-zA-Z]+|[{}&]|[^\\{}&]+|\\"
)
BESIDE = re.compile(  # nothing that would stand in the first or last row
    r"(\s|[.,;]|\\[,;:! ]|\\q?quad(\([^)]*\))?|\\label\{[^}]*\}|\\(begin|end)\{equation\*?\})*"
)
DOUBLE = re.compile(r"\\left\s*(\\lVert|\\\|)\s*$")  # bars, which pandoc has round a matrix
MARK = re.compile(rf"\\text\{{[{OPEN}{CLOSE}{GAP}{BAR}{OVER}{FROM}{TO}]\w*\}}")


LETTERS = re.compile(rf"\\text\{{{LETTER}([^{{}}]+)\}}")


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


def visit(item: Node) -> Node | None:
    """A formula with the marks of `marked`; None for anything else."""
    if item["t"] != "Math":
        return None
    return pandoc_ast.node(
        "Math", item["c"][0], marked(with_limits(with_fractions(with_letters(item["c"][1]))))
    )


STACK = re.compile(r"\\(?:overset|underset|stackrel)(?![A-Za-z])\s*(?=\{)")


def with_limits(tex: str) -> str:
    """`tex` with marks round the base of each \\overset and its like, beside which pandoc would have
    typst write what stands above or below it.
    """
    for found in reversed(list(STACK.finditer(tex))):
        end = end_of_group(tex, found.end())
        start = end + len(tex[end:]) - len(tex[end:].lstrip())
        if tex[start : start + 1] == "{":
            end = end_of_group(tex, start) - 1
            base = rf"\text{{{FROM}}}{tex[start + 1 : end]}\text{{{TO}}}"
            tex = tex[: start + 1] + base + tex[end:]
    return tex


def end_of_group(tex: str, start: int) -> int:
    """What follows the } of the { at `start`."""
    depth = 0
    for found in re.finditer(r"\\.|[{}]", tex[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0 and found[0] == "}":
            return start + found.end()
    return len(tex)


FRACTION = re.compile(r"(\\[dt]?frac(?![A-Za-z])\s*)(\{|\\[A-Za-z]+|\\?[^\s{}])")


def with_fractions(tex: str) -> str:
    """`tex` with a mark in each fraction, so that pandoc does not write a / b, of which typst would
    take more than is meant: a / b / c and a / b^2 for fractions in a fraction and with a power.
    """

    def written(found: re.Match) -> str:
        if found[2] == "{":
            return rf"{found[0]}\text{{{OVER}}}"
        return rf"{found[1]}{{\text{{{OVER}1}}{found[2]}}}"

    return FRACTION.sub(written, tex)


WIDE = {"!": "-0.167em", ";": "0.278em"}
WORDS = re.compile(r"(\\(?:text\w*|mbox|operatorname\*?)\s*\{[^{}]*\})")


def with_letters(tex: str) -> str:
    """`tex` with `\\&`, which typst would take for a column, spaces for which pandoc writes six times
    as much or nothing, and letters that no font of the PDF has
    as text, so that a mark can stand for these.
    """
    unseen = "".join(letters.missing(tex))
    if not unseen and not re.search(r"\\[&!;]", tex):
        return tex
    sign = r"\\[^&!;]|\\(?P<sign>[&!;])" + (f"|[{re.escape(unseen)}]+" if unseen else "")
    parts = WORDS.split(tex)
    parts[::2] = [re.sub(sign, as_text, part) for part in parts[::2]]
    return "".join(parts)


def as_text(found: re.Match) -> str:
    """A sign of `with_letters` as text; another command as it is."""
    if found[0].startswith("\\") and not found["sign"]:
        return found[0]
    return rf"\text{{{LETTER}{found['sign'] or found[0]}}}"


def marked(tex: str) -> str:
    """`tex` with marks round each table of it, and between two pairs of equations in a row."""
    if r"\begin" not in tex:
        return tex
    out: list[str] = []
    open_: list[Rows] = []
    depth = 0
    for token in TOKEN.findall(tex):
        inner = open_[-1] if open_ and open_[-1].depth == depth else None
        depth += (token == "{") - (token == "}")
        if token.startswith(r"\begin{"):
            open_.append(Rows(token, len(out), depth))
            if open_[-1].name == "vmatrix":
                out.append(rf"\text{{{BAR}}}")
        elif token == r"\\" and inner:
            inner.cells = 1
        elif token == "&" and inner:
            if inner.name in CASES or (inner.name in PAIRS and inner.cells % 2 == 0):
                out.append(rf"\text{{{GAP}}}")
            inner.cells += 1
            inner.most = max(inner.most, inner.cells)
        out.append(token)
        if token.startswith(r"\end{") and inner:
            open_.pop()
            kind = "" if DOUBLE.search("".join(out[: inner.start])) else inner.kind()
            after = tex[len(MARK.sub("", "".join(out))) :]
            beside = MARK.sub("", "".join(out[: inner.start])) + after
            if kind and not (kind == "rows" and BESIDE.fullmatch(beside)):
                out.insert(inner.start, rf"\text{{{OPEN}{kind}}}")
                out.append(rf"\text{{{CLOSE}}}")
    return "".join(out)


def unmarked(tex: str) -> str:
    """`tex`, or a warning about it, as it was before `marked`."""
    tex = LETTERS.sub(lambda found: re.sub("[&!;]", r"\\\g<0>", found[1]), tex)
    tex = re.sub(rf"\{{\\text\{{{OVER}1\}}(.*?)\}}", r"\1", tex)
    return MARK.sub("", tex)


TABLE = re.compile(
    rf'(?P<left>(?<!\\)[{{\[])?upright\("{OPEN}(?P<kind>\w+)"\) ?'
    rf'(?P<body>[^{OPEN}{CLOSE}]*?) ?upright\("{CLOSE}"\)(?P<right>[}}\]])?'
)
STACKED = re.compile(
    rf'upright\("{FROM}"\) ?((?:(?!upright\("[{FROM}{TO}]"\)).)*?) ?upright\("{TO}"\)', re.DOTALL
)
ROOM = f'upright("{GAP}")'
SPOKEN = re.compile(
    f" ?[{OPEN}{CLOSE}{GAP}{BAR}{OVER}{FROM}{TO}]\\w*"
)  # marks in what a filter says of a formula
PART = re.compile(r'"(?:\\.|[^"\\])*"|\\\n|\\.|[()&]|[^"\\()&]+', re.DOTALL)


def set_apart(source: str) -> str:
    """`source` of typst with what is marked as a matrix without brackets, innermost first."""
    source = re.sub(rf'upright\("{OVER}1?"\) ?', "", source)
    count = 1
    while count:
        source, count = STACKED.subn(r"limits(\1)", source)
    count = 1
    while count:
        source, count = TABLE.subn(matrix, source)
    source = re.sub(rf'upright\("{BAR}"\) ?mat\(delim: "\|+"', 'mat(delim: "|"', source)
    source = source.replace('mat(delim: "||"', 'mat(delim: "‖"').replace(ROOM, "quad")
    for sign, wide in WIDE.items():
        source = source.replace(f'upright("{LETTER}{sign}")', f"#h({wide})")
        source = source.replace(f"{LETTER}{sign} ", "")  # in what a filter says of the formula
    return SPOKEN.sub("", source).replace(LETTER, "")


def matrix(found: re.Match) -> str:
    """What stands between two marks, with a bracket on one side of it as high as it is."""
    left, body, right = found["left"] or "", found["body"], found["right"] or ""
    if body.startswith("{") and not left:  # of cases with more than two columns
        left, body = "{", body[1:]
    rows = "; ".join(", ".join(row) for row in cells(body, found["kind"]))
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
