"""What an author wrote as a mark and pandoc reads as text: refused by its line."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator

from lmreport.core.errors import ReportError
from lmreport.core.listing import quoted
from lmreport.core.strict_yaml import BLANKS
from lmreport.render import grid_tables, pandoc_ast
from lmreport.render.lines import CODE, DIV_CLOSE, DIV_OPEN, Cell, Line, closing, fence_of, masked
from lmreport.render.pipe_tables import DASHES
from lmreport.render.source import prose

DIV = re.compile(r"\s*:{3,}\s*[^\s:].*")
GITHUBS = re.compile(  # callouts as GitHub has them
    r"\s*>\s*(\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]).*", re.IGNORECASE
)
UNSEEN = "\u200b\u2060\ufeff"
HEADING = re.compile(r"#{1,6}\s+\S.*")
ITEM = re.compile(r"\s*([-+*]|\d{1,2}[.)]|[A-Za-z]\)|\([a-z]\))\s+\S.*")
BULLET = re.compile(r"\s*[•◦▪‣–—]\s+\S.*")  # of Word, and none here
QUOTATION, ADDRESS = re.compile(r"\s{0,3}>\s.*"), re.compile(r"\s{0,3}\[[^]^[]+\]:\s+\S+.*")
ATTRIBUTES = re.compile(
    r"\{[.#][A-Za-z][^{}]*\}"
    r"|(?<=[\])`])\s?\{(?:[\w-]+=|\s*(?:width|height|fig-\w+|target|class|id)\s*[:=])[^{}]*\}"
)
ODD_LABEL = re.compile(r"(?<=\s)\{((sec|fig|tbl|eq|lst)-[\w-]+\}|[.#][A-Za-z][\w-]*$)")
OF_EQUATION = (
    'in the line of the last $$ stands behind it {#eq-name}, or {#eq-name alt="…"}, and a blank before what follows; a '
    "full stop stands in the formula"
)
OF_OTHERS = (
    'attributes stand as {#label .class key="value"} directly behind a picture, or at the end of a '
    "heading, a caption or the line of the last $$"
)
PICTURE = re.compile(r"!\[[^\[\]]*\]\s+\([^()]*\)|!\([^()\s]+\.\w+\)|!\[\[[^\[\]]+\]\]")
NOTE_IN_LINE = re.compile(r"\^\[\w+")
CAPTION = re.compile(r"\s*!\[\w+")  # that of a picture, whose file stands in another line
NO_BLANK = re.compile(r"#{2,6}[^\s#{.].*|#[^\W\d_].*")
COMMENT = re.compile(r"<!---*\s*[^\s-]\S*|<!--$")
MARK = r"[-+*]|\d{1,2}[.)]"  # of an item
ODD_BLANK = re.compile(
    rf"[ \t]*(#{{1,6}}|{MARK})[ \t]*[{BLANKS}].*|[ \t]*[{BLANKS}]\s*(#{{1,6}}|{MARK})\s.*"
)
NOT_SEEN = re.compile(rf"[ \t]*[{UNSEEN}]+\s*(#|[-+*>]\s|\d+[.)]\s|:::|```).*")
EMPHASIS = re.compile(r"(?<![^\s(])[*_]+(?=\S)|(?<=\S)[*_]+(?![^\s).,:;!?])")
SIGN = r"(?:[=^]|_\{|(?:(?<![A-Za-z\d_])[A-Za-z]|[)}\]])_)"  # of mathematics, not of a name
OTHER_FORMULA = re.compile(  # in brackets of TeX, or with blanks behind or before its $
    rf"\\\((?:(?!\\\)).)*{SIGN}(?:(?!\\\)).)*\\\)|\\\[(?!\^)(?:(?!\\\]).)*{SIGN}(?:(?!\\\]).)*\\\]"
    r"|(?<![\\$\w])\$(?=\s|[^$]*\s\$)[^$]*[=^_][^$]*\$(?![$\d])"
)
BROKEN_FORMULA = re.compile(  # with the end of a line behind or before its $
    r"(?<![\\$\w])\$(?=[ \t]*\n|[^$]*\n[ \t]*\$)[^$]*[=^_][^$]*\$(?![$\w])"
)
REMEDY = "write $…$ without blanks inside of the ${}, or $$…$$ without a blank line"
FORMULA, BROKEN = REMEDY.format(""), REMEDY.format(", nor the end of a line there")
BLANK = "put a blank line before it"


def refuse(blocks: list, cells: list[Cell], printed: list[Line]) -> None:
    """Raises ReportError for the beginning of a Div, a heading, a list, a table or attributes that
    stand as text in `blocks`, be it in the sources or in what cells have `printed`.
    """
    blocks = pandoc_ast.as_read(blocks)
    shown = "\n".join(map(squeezed, texts(blocks)))
    lines = [ln for cell in cells if cell.kind == "markdown" for ln in prose(cell.lines)]
    with contextlib.suppress(ReportError):  # a block of code that is never closed
        printed = list(prose(printed))
    checks = (grid_tables.marks, marks, fences_of_no_div, broken_formulas)
    found = (check(part) for part in (lines, printed) for check in checks)
    for line, mark, remedy in itertools.chain(*found, in_quotations(lines)):
        if squeezed(EMPHASIS.sub("", mark)) in shown:
            first = " ".join(mark.strip().split("\n")[0].split())
            place = line.file if line in printed else line.place
            raise ReportError(
                f"{place}: {quoted(first)} is read as text; {remedy}{odd(line, remedy)}"
            )
    refuse_odd_blank_lines(lines)
    refuse_tight_terms(lines)
    refuse_comments_in_comments(lines)
    grid_tables.refuse_too_wide(lines)
    in_line, in_block = code_in(blocks, "Code"), code_in(blocks, "CodeBlock", "RawBlock")
    for line, fence, words, is_ragged in blocks_of_code(cells):
        opening = fence[2] + fence[3]
        start = opening.replace("~~", "") + words.lstrip("*_")[:1]  # ~~ strikes out
        is_text = squeezed(fence[3]) + words in in_line or squeezed(start) in shown
        if is_text and not any(words in block for block in in_block):
            remedy = "behind its marks stands one word, or attributes in {…}"
            if fence[1]:
                remedy = f"{BLANK}, or indent it just as far as the text of its item"
            if is_ragged:
                remedy = "indent each of its lines just as far as the text of its item"
            raise ReportError(
                f"{line.place}: {quoted(opening.strip())} begins no block of code here and is read as "
                f"text; {remedy}{odd(line, remedy)}"
            )


def odd(line: Line, remedy: str) -> str:
    """What a message adds for a line whose blanks are not all ordinary ones."""
    is_told = "ordinary" in remedy or not re.search(f"[{BLANKS}]", line.text)
    return "" if is_told else "; a no-break space stands in the line, which is no blank here"


def refuse_comments_in_comments(lines: list[Line]) -> None:
    """Raises ReportError for a comment that holds another one, at whose end it ends: what follows,
    and was to be hidden, is shown.
    """
    is_open, holds = False, False
    for line in lines:
        for end in re.findall("<!--|-->", masked(line.text)):
            if end == "-->" and not is_open and holds:
                raise ReportError(
                    f"{line.place}: this --> ends no comment, as a comment stands in another one "
                    "above and ends both; delete the inner marks"
                )
            holds = end == "<!--" and is_open or end == "-->" and is_open and holds
            is_open = end == "<!--"


def refuse_odd_blank_lines(lines: list[Line]) -> None:
    """Raises ReportError for a line that looks empty and does not end a paragraph."""
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        is_odd = not line.text.strip() and re.search(f"[{BLANKS}]", line.text)
        if is_odd and before.text.strip() and after.text.strip():
            raise ReportError(
                f"{line.place}: this line looks empty, but holds a no-break space, so that no "
                "paragraph ends here; delete what is in it"
            )


def refuse_tight_terms(lines: list[Line]) -> None:
    """Raises ReportError for a term directly below the definition of another one, which goes on there."""
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        is_term = not DEFINITION.match(line.text) and re.match(r"\S", line.text)
        if is_term and DEFINITION.match(before.text) and DEFINITION.match(after.text):
            raise ReportError(
                f"{line.place}: {line.text.strip()!r} is read as part of the definition above it; "
                f"{BLANK}, or indent it if it is that"
            )


DEFINITION = re.compile(r" {0,3}[:~]\s+\S")


def code_in(blocks: list, *kinds: str) -> set[str]:
    """The texts of all nodes of these kinds, squeezed."""
    return {squeezed(node["c"][1]) for node in pandoc_ast.nodes(blocks) if node["t"] in kinds}


def blocks_of_code(cells: list[Cell]) -> Iterator[tuple[Line, re.Match, str, bool]]:
    """(first line, its fence, the code squeezed, whether a line of it is indented less than its
    fence) of each block of code.
    """
    for lines in (cell.lines for cell in cells if cell.kind == "markdown"):
        i = 0
        while i < len(lines):
            if fence := fence_of(lines[i]):
                end = closing(lines, i, fence)
                words = squeezed("".join(line.text for line in lines[i + 1 : end]))
                if words:
                    indent = re.sub(r"\S", " ", fence[1])
                    around = [line.text for line in lines[i + 1 : end + 1] if line.text.strip()]
                    is_ragged = not all(text.startswith(indent) for text in around)
                    yield lines[i], fence, words, is_ragged
                i = end
            i += 1


def texts(blocks: list) -> Iterator[str]:
    """The words of each paragraph, heading and cell of a table, without code."""
    words: list[str] = []
    for node in pandoc_ast.nodes(blocks):
        if node["t"] == "Str":
            words.append(node["c"])
        elif node["t"] in ("Para", "Plain", "Header", "LineBlock"):
            yield "".join(words)
            words = []
    yield "".join(words)


def squeezed(text: str) -> str:
    """`text` without blanks and what pandoc's typography changes."""
    text = re.sub(r"[\s\"'“”‘’]", "", text)
    return re.sub(r"-{2,}|[–—]", "-", text).replace("…", "...")


def broken_formulas(lines: list[Line]) -> Iterator[tuple[Line, str, str]]:
    """As `marks`, of formulas whose first or last $ stands alone in its line or at the end of it."""
    for is_blank, group in itertools.groupby(lines, lambda line: not line.text.strip()):
        paragraph = [] if is_blank else list(group)
        text = "\n".join(CODE.sub(" ", line.text) for line in paragraph)
        for found in BROKEN_FORMULA.finditer(text):
            yield paragraph[text.count("\n", 0, found.start())], found[0], BROKEN


def fences_of_no_div(lines: list[Line]) -> Iterator[tuple[Line, str, str]]:
    """As `marks`, of lines of ::: alone that end no Div: one too many, or meant to begin one."""
    opened = 0
    for line in lines:
        if DIV_OPEN.match(line.text):
            opened += 1
        elif DIV_CLOSE.match(line.text) and opened:
            opened -= 1
        elif DIV_CLOSE.match(line.text):
            yield line, line.text, "delete it, or write ::: {.class} where a Div begins"


def in_quotations(lines: list[Line]) -> Iterator[tuple[Line, str, str]]:
    """`marks` of what stands in quotations."""
    for is_quoted, group in itertools.groupby(lines, lambda line: depth(line.text) > 0):
        if is_quoted:
            inner = [one._replace(text=re.sub(r"^\s*> ?", "", one.text)) for one in group]
            for line, mark, remedy in itertools.chain(marks(inner), in_quotations(inner)):
                yield line, mark, remedy.replace(BLANK, "put a line with > alone before it")


def depth(text: str) -> int:
    """In how many quotations a line stands."""
    return (re.match(r"[>\s]*", text) or [""])[0].count(">")


def marks(lines: list[Line]) -> Iterator[tuple[Line, str, str]]:
    """(line, mark, what to do if it is read as text) of all that may be read so."""
    around = [Line("", "", 0), *lines, Line("", "", 0)]
    for before, line, after in zip(around, around[1:], around[2:], strict=False):
        text = masked(line.text)
        is_near = before.number == line.number - 1 or before.file != line.file
        follows = bool(before.text.strip()) and is_near
        if found := GITHUBS.fullmatch(text):
            kind = found[2].lower()
            yield line, found[1], f"write ::: {{.callout-{kind}}} above the text and ::: below it"
        if DIV.fullmatch(text):
            indent = ", indent it just as far as the text of its item" * text.startswith(" ")
            yield line, text, f'{BLANK}{indent} and write its attributes as {{.class key="value"}}'
        for found in ATTRIBUTES.findall(text):
            is_of_equation = re.match(r"\{#eq-\S+[\s}]", found) or f"$$ {found}" in text
            yield line, found, OF_EQUATION if is_of_equation else OF_OTHERS
        if HEADING.fullmatch(text) and (found := ODD_LABEL.search(text)):
            yield line, found[0], OF_OTHERS
        for found in PICTURE.findall(text):
            yield line, found, "a picture is ![caption](file), without a blank before the ("
        if (found := CAPTION.match(text)) and "](" not in text:
            yield line, found[0], "no blank line stands in the caption of a picture"
        for found in NOTE_IN_LINE.findall(text):
            yield line, found, "no blank line stands in ^[…]; write [^name], and [^name]: below"
        for found in COMMENT.findall(text):
            below = "" if found[4:] else "\n".join(["", *after.text.split()[:1]])
            yield line, found + below, "end the comment with -->"
        is_item = any(ODD_BLANK.fullmatch(masked(one.text)) for one in (before, after))
        if (found := ODD_BLANK.fullmatch(text)) and (is_item or not (found[1] or "-")[0].isdigit()):
            place = f"behind {found[1]!r}" if found[1] else f"before {found[2]!r}"
            yield line, text, f"type an ordinary blank {place} and no no-break space"
        if found := NOT_SEEN.fullmatch(text):
            yield line, text, f"delete U+{ord(text.strip()[0]):04X}, which is not seen, before it"
        if NO_BLANK.fullmatch(text) and not (before.text.strip() or after.text.strip()):
            yield line, text, "put a blank behind the # of a heading, or write \\# to show the sign"
        uncoded = CODE.sub(" ", line.text)
        for found in OTHER_FORMULA.findall(uncoded):
            shown = re.sub(r"\\([()\[\]])", r"\1", found)
            brackets = f", or {shown[0]} {shown[-1]} without \\ where brackets are meant"
            yield line, shown, FORMULA + brackets * found.startswith("\\")
        if (opening := uncoded.strip()) in (r"\[", "$$") and after.text.strip():
            yield line, f"{opening.lstrip(chr(92))}\n{after.text}", FORMULA
        if opening == "$$" and not (before.text.strip() or after.text.strip()):
            yield line, opening, FORMULA
        if follows and HEADING.fullmatch(text):
            yield line, text, BLANK
        if follows and ITEM.fullmatch(text) and not ITEM.match(before.text):
            if ITEM.fullmatch(after.text) and after.number == line.number + 1:
                yield line, f"{text}\n{masked(after.text)}", BLANK
        if BULLET.fullmatch(text) and BULLET.fullmatch(after.text):
            yield line, f"{text}\n{masked(after.text)}", f"begin each item with -, and {BLANK}"
        if follows and QUOTATION.fullmatch(text) and not QUOTATION.fullmatch(before.text):
            yield line, text, f"{BLANK}, or write \\> to show the sign"
        if follows and depth(text) > depth(before.text) > 0:
            yield line, text.strip()[1:], "put a line with the > of the outer quotation before it"
        if follows and ADDRESS.fullmatch(text) and not ADDRESS.fullmatch(before.text):
            yield line, text, BLANK
        if "|" in text and DASHES.fullmatch(after.text.strip()) and "|" in after.text:
            yield line, text, BLANK
        if re.fullmatch(r"\s*\|.*\w.*\|\s*", text):
            yield (
                line,
                text.strip()[1:],
                "a table has a line of dashes, |---|, below its first row, and no blank line in it",
            )
