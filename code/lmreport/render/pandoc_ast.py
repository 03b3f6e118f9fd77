"""Pandoc's document tree (its JSON form): make, find, change and read nodes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from lmreport.core.errors import ReportError

Node = dict[str, Any]  # {"t": its kind, "c": its content}
Blocks = list[Node]
Inlines = list[Node]
Attr = list[Any]  # [identifier, classes, [[key, value], …]]
Visit = Callable[[Node], list[Node] | Node | None]


def attr(
    identifier: str = "", classes: Iterable[str] = (), pairs: Iterable[Iterable[str]] = ()
) -> Attr:
    return [identifier, list(classes), [list(p) for p in pairs]]


def node(kind: str, *content: Any) -> Node:
    return (
        {"t": kind, "c": content[0] if len(content) == 1 else list(content)}
        if content
        else {"t": kind}
    )


def text(string: str) -> Node:
    return node("Str", string)


def words(string: str) -> Inlines:
    """Inlines of `string`: Str nodes with Space between them."""
    parts = [part for word in string.split(" ") for part in (text(word), node("Space"))]
    return [p for p in parts[:-1] if p.get("c") != ""]


def raw(fmt: str, string: str, block: bool = True) -> Node:
    return node("RawBlock" if block else "RawInline", fmt, string)


def div(
    identifier: str,
    classes: Iterable[str],
    content: Blocks,
    pairs: Iterable[Iterable[str]] = (),
) -> Node:
    return node("Div", attr(identifier, classes, pairs), content)


def change(tree: object, visit: Visit) -> Any:
    """Rebuild `tree` bottom-up: `visit` gets each node and returns None (keep), a node or a list to
    put in its place.

    Lists are only spliced where the node stands in a list, which is everywhere in blocks and
    inlines.
    """
    if isinstance(tree, list):
        out = []
        for item in tree:
            new = change(item, visit)
            if isinstance(new, list) and isinstance(item, dict):
                out.extend(new)
            else:
                out.append(new)
        return out
    if isinstance(tree, dict):
        if "t" in tree:
            new = {"t": tree["t"], "c": change(tree["c"], visit)} if "c" in tree else tree
            got = visit(new)
            return new if got is None else got
        return {key: change(value, visit) for key, value in tree.items()}
    return tree


def nodes(tree: object) -> Iterator[Node]:
    """All nodes of `tree`, parents before children, in the order of the document."""
    todo = [tree]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo.extend(reversed(item))
        elif isinstance(item, dict) and "t" in item:
            yield item
            todo.append(item.get("c"))
        elif isinstance(item, dict):
            todo.extend(reversed(item.values()))


def as_read(tree: object) -> Any:
    """`tree` in which a citation has its parts alone, and not its source as text beside them."""

    def visit(item: Node) -> Node | None:
        return node("Cite", item["c"][0], []) if item["t"] == "Cite" else None

    return change(tree, visit)


ATTR_AT = {
    "Div": 0,
    "Header": 1,
    "CodeBlock": 0,
    "Code": 0,
    "Span": 0,
    "Link": 0,
    "Image": 0,
    "Table": 0,
    "Figure": 0,
}


def attr_of(item: Node) -> Attr | None:
    """The [identifier, classes, pairs] of a node, None for nodes without attributes."""
    at = ATTR_AT.get(item.get("t", ""))
    return None if at is None else item["c"][at]


def value(attributes: Attr, key: str, default: str = "") -> str:
    return next((v for k, v in attributes[2] if k == key), default)


def without(attributes: Attr, *keys: str) -> Attr:
    return [attributes[0], attributes[1], [[k, v] for k, v in attributes[2] if k not in keys]]


def plain(tree: object) -> str:
    """The text of inlines or blocks, as pandoc's `stringify` gives it."""
    if isinstance(tree, list):
        return "".join(plain(item) for item in tree)
    if not isinstance(tree, dict):
        return ""
    kind, content = tree.get("t"), cast(Any, tree.get("c"))
    if kind == "Str":
        return content
    if kind in ("Space", "SoftBreak", "LineBreak"):
        return " "
    if kind in ("Code", "Math", "CodeBlock"):
        return content[1]
    if kind == "Quoted":
        marks = "“”" if content[0]["t"] == "DoubleQuote" else "‘’"
        return marks[0] + plain(content[1]) + marks[1]
    if kind in ("RawInline", "RawBlock", "Note"):
        return ""
    if kind in ("Link", "Image", "Span", "Div", "Figure"):
        return plain(content[1:])
    if kind == "Cite":
        return plain(content[1])
    return plain(content) + ("\n" if kind in ("Para", "Plain", "Header") else "")


def meta_text(value: Node) -> str:
    """The words of one value of the metadata."""
    return value["c"] if value["t"] == "MetaString" else plain(value["c"])


def meta_words(value: Node) -> Inlines:
    """One value of the metadata as it stands in a line, with its marks and notes."""
    return value["c"] if value["t"] == "MetaInlines" else words(meta_text(value).strip())


AMPERSAND = "\ufdd0"  # in a text, for an & that pandoc would not escape in Markdown
ENTITY = re.compile(r"&(?=#?\w+;)")


def without_entities(item: Node) -> Node | None:
    """A visitor of `change`: has a text such as "&lt;" stay that text in Markdown."""
    is_text = item["t"] == "Str" and ENTITY.search(item["c"])
    return text(ENTITY.sub(AMPERSAND, item["c"])) if is_text else None


def as_markdown(data: str, *options: str) -> str:
    """What pandoc writes, with each AMPERSAND of `data` as a sign of a text."""
    return pandoc(data, *options)[0].replace(AMPERSAND, "&amp;")


def pandoc(data: str, *options: str, cwd: Path | None = None) -> tuple[str, list[str]]:
    """Run pandoc on `data`; its output and the lines of its warnings. Raises ReportError where
    pandoc fails.
    """
    import pypandoc

    done = subprocess.run(
        [pypandoc.get_pandoc_path(), *options],
        input=data.encode("utf-8", "replace"),
        capture_output=True,
        cwd=cwd,
    )
    errors = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        said = re.sub(
            r"\S*/lmreport-[^/\s]+/(?:[0-9a-f]{8}-)?", "", " ".join(errors.split())
        )  # names of copies
        if source := BROKEN_SOURCES.search(said):
            raise ReportError(
                f"{source[1]}:{source[2]}: the sources cannot be read ({source[3]}); an entry has a "
                "comma behind its key and each field, and a } for each {"
            )
        raise ReportError(f"pandoc: {said or f'status {done.returncode}'}")
    return done.stdout.decode("utf-8"), [line for line in errors.splitlines() if line.strip()]


BROKEN_SOURCES = re.compile(
    r"Error reading bibliography file (.+?): \(line (\d+), column \d+\): (.*)"
)
# in front of a text it keeps pandoc from reading the text as a list, a heading or a quotation
INLINE = "\u2060 "


def read_inlines(markdown: str) -> Inlines:
    """One line of Markdown as inlines, whatever it begins with."""
    block = yaml.safe_dump({"text": INLINE + " ".join(markdown.split())}, allow_unicode=True)
    return read_markdown(f"---\n{block}---\n")["meta"]["text"]["c"][2:]


# arguments that have citations and the list of sources written out
CITED = ("--citeproc", f"--lua-filter={Path(__file__).parent / 'sources.lua'}")
READER = (
    "markdown-example_lists"  # in which `(@tbl-t) …` at the start of a paragraph is an item "(1)"
)


def read_markdown(markdown: str, *options: str, reader: str = READER) -> dict:
    return read_with_warnings(markdown, *options, reader=reader)[0]


def read_with_warnings(
    markdown: str, *options: str, reader: str = READER
) -> tuple[dict, list[str]]:
    """The tree, and what pandoc says about the text: Divs that are not closed, notes that are given
    twice.
    """
    text, warnings = pandoc(markdown, "-f", reader, "-t", "json", *options)
    return json.loads(text), warnings


def version() -> list[int]:
    """The version of the document tree, as this pandoc states it."""
    return read_markdown("")["pandoc-api-version"]
