"""What of a source is shown under a condition: whether it holds, and where its Divs and Spans end by
pandoc's reading. What is for other profiles is neither run nor shown.
"""

from __future__ import annotations

import functools
import re

from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast
from lmreport.render.lines import DIV_CLOSE, DIV_OPEN, Cell, Line, closing, fence_of, masked

CLASSES = {"content-visible", "content-hidden"}
FENCES = re.compile(r"\s*(:{3}|`{3}|~{3})")
CONDITION = re.compile(r"\.content-(visible|hidden)\b")
CALLOUT = re.compile(r"(?:^|[\s.{])callout-(\w+)")
TITLE = re.compile(r"\stitle\s*=")
SPAN_END = re.compile(
    r"""\](\{(?=[^{}]*\b(?:when|unless)-profile=)(?:[^{}"']|"[^"]*"|'[^']*')*\})"""
)
# lines after a Div that pandoc sees when it says where the Div ends: a comment may go on there
FOLLOWING = 300


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
    """`lines` without the Divs for other profiles; the fences of all are blank lines, but for those
    of a Div that is shown and is more, such as a callout.

    Raises ReportError for a Div under a condition on a profile that is never closed, or that pandoc
    does not read as exactly these lines.
    """
    kept: list[Line] = []
    inside: list[tuple[int, bool | None]] = []  # the open Divs: their first line, whether shown
    boxes: set[int] = set()  # the first lines of the Divs that are shown and are more
    i = 0
    while i < len(lines):
        code = fence_of(lines[i])
        end, fence = (closing(lines, i, code) + 1, False) if code else (i + 1, False)
        mark = ""  # or a blank line, so that the paragraphs on both sides do not run on as one
        if not code and (opening := DIV_OPEN.match(lines[i].text)):
            attributes = opening[1]
            inside.append((i, verdict(attributes, profiles) if "-profile" in attributes else None))
            fence = inside[-1][1] is not None
            if fence:
                keep_title(kept)
            if fence and all(shown is not False for _, shown in inside):
                more = text_beside_conditions(attributes)
                mark = lines[i].text.replace(attributes, more) if more else ""
                boxes |= {i} if more else set()
        elif not code and DIV_CLOSE.match(lines[i].text) and inside:
            start, shown = inside.pop()
            fence = shown is not None
            mark = lines[i].text if start in boxes else ""
            if fence and not stands_alone(lines, start, end):
                raise ReportError(
                    f"{lines[start].place}: which lines stand under this condition is not clear; "
                    "close each Div, comment, block of code and element of HTML in it (write *** for "
                    "<hr>), with blank lines around them"
                )
        if fence:
            kept.append(lines[i]._replace(text=mark))
        elif all(shown is not False for _, shown in inside):
            kept += lines[i:end]
        i = end
    for start, shown in inside:
        if shown is not None:
            raise ReportError(f"{lines[start].place}: this Div is never closed; end it with :::")
    return kept


def keep_title(kept: list[Line]) -> None:
    """Write the title of a callout out if `kept` ends with its beginning: the next heading is its
    title only where it begins the callout in the source, and not where it comes first by a condition.
    """
    at = next((i for i in reversed(range(len(kept))) if kept[i].text.strip()), None)
    opening = DIV_OPEN.match(kept[at].text) if at is not None else None
    kind = CALLOUT.search(opening[1]) if opening else None
    if at is None or not opening or not kind or TITLE.search(opening[1]):
        return
    attributes = opening[1].removesuffix("}") if "{" in opening[1] else "{." + opening[1]
    title = f'{attributes} title="{kind[1].capitalize()}"}}'
    kept[at] = kept[at]._replace(text=kept[at].text.replace(opening[1], title, 1))


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
                hidden.append(verdict(opening[1], true, "meta") is False)
            elif not code and DIV_CLOSE.match(text) and hidden:
                hidden.pop()
            i = closing(cell.lines, i, code) + 1 if code else i + 1
    return labels


def stands_alone(lines: list[Line], start: int, end: int) -> bool:
    """Whether pandoc reads lines `start` to `end` as a Div; in an item of a list it is indented."""
    indent = len(lines[start].text) - len(lines[start].text.lstrip())
    first = start - (start > 0 and not indent and not FENCES.match(lines[start - 1].text))
    around = [re.sub(f"^ {{0,{indent}}}", "", line.text) for line in lines[first : end + FOLLOWING]]
    return is_div(around, end - first)


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
            (f for f in SPAN_END.finditer(masked(out[i].text)) if verdict(f[1], profiles) is False),
            None,
        )
        if match is None:
            i += 1
            continue
        first, column = bracket(out, i, match.start())
        before, after = out[first].text[:column], out[i].text[match.end() :]
        span = "\n".join(line.text for line in out[first : i + 1])[column:]
        if not is_span(span.removesuffix(after)):
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


@functools.cache
def text_beside_conditions(attributes: str) -> str:
    """What `attributes`, `{.callout-tip .content-visible …}`, say beside a condition, in braces; ""
    if nothing.
    """
    read = pandoc_ast.read_markdown(f"[x]{attributes}\n")["blocks"]
    span = next(n for n in pandoc_ast.nodes(read) if n["t"] == "Span")
    label, classes, pairs = beside_conditions(span["c"][0])
    more = [f"#{label}"] * bool(label) + [f".{name}" for name in classes]
    for key, value in pairs:
        quoted = re.sub(r'[\\"]', r"\\\g<0>", value)
        more.append(f'{key}="{quoted}"')
    return f"{{{' '.join(more)}}}" if more else ""


def beside_conditions(attributes: list) -> list:
    """`attributes`, as pandoc's tree has them, without conditions."""
    label, classes, pairs = attributes
    more = [[key, value] for key, value in pairs if not is_condition(key)]
    return [label, [name for name in classes if name not in CLASSES], more]


def is_condition(key: str) -> bool:
    """Whether an attribute is a condition, or could be meant to be one."""
    return re.search("when|unless|format|profile|meta", key) is not None


def verdict(attributes: str, names: tuple[str, ...], kind: str = "profile") -> bool | None:
    """Whether a Div or Span with these `attributes`, `{.content-visible …}`, is shown in every
    format where the profiles `names` hold; of the kind "meta", where cells say that `names` are
    true.

    None where that depends on more, or where the attributes are no such condition.
    """
    if not attributes.startswith("{"):
        return None
    read = [
        n
        for n in pandoc_ast.nodes(pandoc_ast.read_markdown(f"[x]{attributes}\n")["blocks"])
        if n["t"] == "Span"
    ]
    return decided(read[0]["c"][0], names, kind) if read else None


def decided(attributes: list, names: tuple[str, ...], kind: str) -> bool | None:
    """`verdict` of attributes as pandoc's tree has them."""
    _, classes, pairs = attributes
    given = {key: [v for k, v in pairs if k == key] for key, _ in pairs if is_condition(key)}
    known = [
        any(v in names for v in values) == key.startswith("when")
        for key, values in given.items()
        if key in (f"when-{kind}", f"unless-{kind}")
    ]
    visible = "content-visible" in classes
    if not CLASSES & set(classes) or not known:
        return None
    if not all(known):  # the conditions are joined by "and"
        return not visible
    return visible if len(known) == len(given) else None


def is_div(lines: list[str], end: int) -> bool:
    """Whether pandoc reads a Div under a condition that ends just before line `end`, counted from
    0, of `lines`.
    """
    before, after = "\n".join(lines[:end]), "\n".join(lines[end:])
    blocks = pandoc_ast.read_markdown(f"{before}\n{END}\n{after}\n")["blocks"]
    return any(
        one["t"] == "Div"
        and CLASSES & set(one["c"][0][1])
        and pandoc_ast.plain(two).startswith(END)
        for one, two in zip(blocks, blocks[1:], strict=False)
    )


END = "\ue000\ue001"  # a word that no text has; blank lines around it would end what may go on


def is_span(text: str) -> bool:
    """Whether pandoc reads `text` as one Span and nothing else."""
    blocks = pandoc_ast.read_markdown(text + "\n")["blocks"]
    return [b["t"] for b in blocks] == ["Para"] and [i["t"] for i in blocks[0]["c"]] == ["Span"]
