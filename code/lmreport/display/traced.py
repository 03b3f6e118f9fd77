"""Texts that a cell shows: a computed number carries its value and where it comes from into the
document.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lmreport.display import again
from lmreport.display.escape import MarkdownText, plain, quoted
from lmreport.runs import memo
from lmreport.runs.quantity import Quantity
from lmreport.runs.records import Record

INLINE: dict[
    str, str
] = {}  # what the inline code being evaluated is: its text, the experiments that it names


class TracedText(str):
    """A computed number or word as the reader sees it, a str like any other.

    In a document it becomes a span with the attributes data-value (the number in full), data-as
    (how it is shown: pct:1, num:3, count, duration, fixed:3, below or one:word¦word), and, as far
    as they are known, data-expr (how it is computed from records), data-run (which), data-code (the
    inline code), data-made (when) and data-again (the command that makes it again).
    """

    value: float
    form: str
    origin: dict[str, str]  # what is known of its origin beside its value: data-code, data-run

    def __new__(cls, text: str, value: float, form: str) -> TracedText:
        made = super().__new__(cls, text)
        made.value, made.form, made.origin = value, form, {}
        return made

    @property
    def markdown(self) -> MarkdownText:
        """The span, as Markdown."""
        attributes = {"data-value": repr(float(self.value)), "data-as": self.form}
        if isinstance(self.value, Quantity):
            attributes |= {
                "data-expr": self.value.expression,
                "data-run": " ".join(self.value.runs),
            }
        attributes |= {
            name: value for name, value in (INLINE | self.origin).items() if name not in attributes
        }
        if "data-run" in attributes:
            attributes |= again.of_runs(attributes["data-run"])
        elif "data-code" in attributes:
            attributes |= again.of_render()
        pairs = " ".join(f"{name}={quoted(value)}" for name, value in attributes.items())
        return MarkdownText(f"[{plain(self)}]{{.computed {pairs}}}")

    def _repr_markdown_(self) -> str:
        return str(self.markdown)


def strong(shown: TracedText) -> MarkdownText:
    """The same in bold."""
    return MarkdownText(f"**{shown.markdown}**")


def cell(value: Any) -> str:
    """`value` as Markdown: a computed number as the span that tells its origin, Markdown as it is,
    text as `plain`.
    """
    if isinstance(value, TracedText):
        return value.markdown
    return value if isinstance(value, MarkdownText) or not isinstance(value, str) else plain(value)


def fill(template: str, *parts: object) -> MarkdownText:
    """`template` with its {} filled: computed parts as spans, Markdown as it is, anything else as
    plain text.
    """
    return MarkdownText(template.format(*map(cell, parts)))


def sources(things: object) -> tuple[list, list]:
    """The records and the remembered experiments anywhere in `things` (nested lists and dicts),
    each once.
    """
    records, remembered = {}, {}
    todo = [things]
    while todo:
        thing = todo.pop(0)
        if isinstance(thing, Record):
            records[thing.key] = thing
        elif isinstance(thing, memo.Found):
            remembered[thing.key] = thing
        elif isinstance(thing, dict):
            todo += thing.values()
        elif isinstance(thing, list | tuple):
            todo += thing
    return list(records.values()), list(remembered.values())


@contextmanager
def made_from(things: object, code: str = "") -> Iterator[None]:
    """Inside, computed numbers carry the keys of the remembered experiments among `things`, and
    `code` if they have none of their own.
    """
    remembered, before = sources(things)[1], dict(INLINE)
    if remembered:
        INLINE["data-run"] = "; ".join(f"{f.name}-{f.key}" for f in remembered)
    if code:
        INLINE["data-code"] = code
    try:
        yield
    finally:
        INLINE.clear()
        INLINE.update(before)


def name_inline_code(shell: Any = None) -> None:
    """From now on each number of inline code carries that code, and the experiments that it names
    with their keys.

    Quarto and this project's renderer both have inline code evaluated by the kernel's
    `user_expressions`.
    """
    if shell is None:
        from IPython import get_ipython

        shell = get_ipython()
    evaluate = shell.user_expressions

    def with_code(expressions: dict) -> dict:
        replies: dict = {}
        for key, code in expressions.items():
            INLINE.update({"data-code": code} | experiments(code, shell.user_ns))
            try:
                replies |= evaluate({key: code})
            finally:
                INLINE.clear()
        return replies

    shell.user_expressions = with_code


def experiments(code: str, names: dict) -> dict[str, str]:
    """The attribute data-run for inline `code`: which remembered experiments its variables hold.

    `found=concepts.heads.changes-0123…`; where a list or dict holds several, `found[0]=…;
    found[1]=…`.
    """
    try:
        used = {
            node.id for node in ast.walk(ast.parse(code, mode="eval")) if isinstance(node, ast.Name)
        }
    except SyntaxError:
        return {}
    entries = []
    for name in sorted(used & set(names)):
        value = names[name]
        inside = (
            {"": value}
            if hasattr(value, "key")
            else value
            if isinstance(value, dict)
            else dict(enumerate(value))
            if isinstance(value, list | tuple)
            else {}
        )
        entries += [
            f"{name}{f'[{index!r}]' if index != '' else ''}={one.name}-{one.key}"
            for index, one in inside.items()
            if isinstance(one, memo.Found)
        ]
    return {"data-run": "; ".join(entries)} if entries else {}
