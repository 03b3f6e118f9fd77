"""Footnotes: which are lost in pandoc's tree of a document, and which it shows as text."""

from __future__ import annotations

import re
from typing import Any

from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast, source
from lmreport.render.lines import masked
from lmreport.render.project import Document

NOTE = re.compile(r"\[\^([^\]\s]+)\]")
ESCAPED = re.compile(  # the signs by which "[^1]" is text; other escaped ones stay as they are
    r"\\\[(?=\\?\^)|\[(?=\\\^|\^[^]\s]*\\\])|&#9[14];|(\\.)"
)


def unescaped(value: Any) -> Any:
    """`value`, a text or a tree of texts, in which "[^1]" stands only where a note is meant: one that is
    escaped, as `\\[^1]`, has other signs, as many as there were.
    """
    if isinstance(value, str):
        return ESCAPED.sub(lambda found: found[1] or "(" * len(found[0]), value)
    if isinstance(value, dict):
        return {key: unescaped(one) for key, one in value.items()}
    return [unescaped(one) for one in value] if isinstance(value, list) else value


def refuse_lost(blocks: list, warnings: list[str], document: Document) -> None:
    """Raises ReportError for a note that is defined and nowhere used, used and nowhere defined, or in
    the brackets behind a citation, where the number of a page before it swallows it.
    """
    for cite in (n for n in pandoc_ast.nodes(blocks) if n["t"] == "Cite"):
        for one in cite["c"][0]:
            if any(n["t"] == "Note" for n in pandoc_ast.nodes(one["citationSuffix"])):
                key = re.compile(rf"@\{{?{re.escape(one['citationId'])}.*\^")
                raise ReportError(
                    f"{source.place_in(document, key.search)}: a note in the brackets behind "
                    f"@{one['citationId']} would be lost; put it behind the ]"
                )
    refuse_nested(blocks, document)
    shown = as_text(blocks)  # since nothing defines them
    uses = [
        (key, line.place)
        for line in source.prose(source.lines_for_all(document))
        for key in NOTE.findall(re.sub(r"^\s*\[\^[^\]\s]+\]:", "", masked(line.text)))
    ]
    missing = next(((key, place) for key, place in uses if key in shown), None)
    for warning in warnings:
        lost = re.search(r"Note with key '(.*)' defined at .* but not used", warning)
        if lost and lost[1] not in dict(uses):  # another profile may use it
            at = source.place_in(document, re.compile(rf"\s*\[\^{re.escape(lost[1])}\]:").match)
            hint = f"write [^{lost[1]}] where it belongs, or delete it"
            hint = f"{missing[1]} has [^{missing[0]}]" if missing else hint
            raise ReportError(
                f"{at}: the note [^{lost[1]}] is nowhere used and would be lost; {hint}"
            )
    if missing:
        key, at = missing
        line = source.place_in(document, re.compile(rf"\s*\[\^{re.escape(key)}\]:").match)
        remedy = f"add a line [^{key}]: with its text, or write \\[^{key}] to show it"
        if line != document.name:
            remedy = f"put a blank line before {line}, which is read as text"
        address = source.place_in(document, re.compile(rf"\s*\[{re.escape(key)}\]:").match)
        if address != document.name:
            remedy = f"write [^{key}]: with its ^ in {address} too"
        if key in as_text([n for n in pandoc_ast.nodes(blocks) if n["t"] == "Note"]):
            within = re.compile(rf"\s*\[\^[^\]\s]+\]:.*\[\^{re.escape(key)}\]")
            inside = source.place_in(document, within.match)
            raise ReportError(
                f"{at if inside == document.name else inside}: the note [^{key}] stands in another "
                "note, where none can; write its text there"
            )
        raise ReportError(f"{at}: the note [^{key}] is nowhere defined; {remedy}")


def refuse_nested(blocks: list, document: Document) -> None:
    """Raises ReportError for a note in one line, ^[…], in another note: the page would not have it."""
    for note in (n for n in pandoc_ast.nodes(blocks) if n["t"] == "Note"):
        for inner in (n for n in pandoc_ast.nodes(note["c"]) if n["t"] == "Note"):
            first = re.escape((pandoc_ast.plain(inner["c"]).split() or [""])[0])
            at = source.place_in(document, re.compile(rf"\^\[\s*{first}").search)
            raise ReportError(
                f"{at}: a note stands in another note, where none can; write its text there"
            )


def as_text(tree: Any) -> set[str]:
    """The names of notes that stand in `tree` as text, such as "[^1]"."""
    nodes = pandoc_ast.nodes(pandoc_ast.as_read(tree))
    texts = (item["c"] for item in nodes if item["t"] == "Str")
    return {key for text in texts for key in NOTE.findall(text)}
