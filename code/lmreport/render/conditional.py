"""Divs and Spans that are shown under a condition: whether it holds, and where they end by pandoc's
reading.
"""

from __future__ import annotations

import functools

from lmreport.render import pandoc_ast

CLASSES = {"content-visible", "content-hidden"}


@functools.cache
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
    given = {key: [v for k, v in pairs if k == key] for key, _ in pairs}
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
