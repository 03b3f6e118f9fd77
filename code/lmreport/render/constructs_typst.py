"""The constructs that pandoc does not know, as typst around their content; page.typ defines what is
called here.
"""

from __future__ import annotations

import builtins
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast, pictures
from lmreport.render.crossref import TOP, Entry, Index
from lmreport.render.pandoc_ast import Attr, Blocks, Inlines, Node
from lmreport.render.table_layout import typst_table

MIDDLE = ", middle: true"  # an argument of `picture`
LANGUAGES = {"c++": "cpp", "c#": "cs", "f#": "fs"}  # names with signs that typst would show


class Typst:
    """Each method gets the content of one construct and returns the blocks that show it."""

    def __init__(
        self, index: Index, options: dict[str, Any], cells: list[dict[str, Any]], folder: Path
    ) -> None:
        self.index, self.options, self.cells, self.folder = index, options, cells, folder

    def raw(self, string: str) -> Node:
        return pandoc_ast.raw("typst", string)

    def float(self, label: str, entry: Entry, caption: Inlines, content: Blocks) -> Blocks:
        """The content with its number and caption, above it for tables and listings, else below."""
        place = "top" if entry.kind in TOP else "bottom"
        kind = f"quarto-{'sub' if entry.part else ''}float-{entry.kind}"
        several = kind == "quarto-float-fig" and sum(map(is_picture, pandoc_ast.nodes(content))) > 1
        before, after = ("#pictures[", "]") if several else ("", "")
        return [
            self.raw(
                f"/*float-start*/{before}#figure(kind: {json.dumps(kind)}, supplement: none, "
                "numbering: none, ["
            ),
            *content,
            self.raw(f"], caption: figure.caption(position: {place}, ["),
            pandoc_ast.node("Plain", caption),
            self.raw(f"]))<{label}>{after}/*float-end*/"),
        ]

    def callout(self, kind: str, attributes: Attr, title: Inlines, body: Blocks) -> Blocks:
        return [
            self.raw(f"#callout({json.dumps(kind)}, ["),
            pandoc_ast.node("Plain", title),
            self.raw("], ["),
            *body,
            self.raw("])" + (f"<{attributes[0]}>" if attributes[0] else "")),
        ]

    def tabset(self, tabs: list[tuple[Inlines, Blocks]]) -> Blocks:
        out = []
        for title, body in tabs:
            out += [self.raw("#tab-title["), pandoc_ast.node("Plain", title), self.raw("]"), *body]
        return out

    def equation(self, label: str, number: str, alt: str, content: Inlines) -> Inlines:
        """A numbered equation that references lead to, with its alternative text."""
        quoted = f", alt: {typst_string(alt)}" if alt else ""
        return [
            pandoc_ast.raw(
                "typst",
                f'#math.equation(block: true, numbering: (..) => "({number})"{quoted}, [ ',
                False,
            ),
            *content,
            pandoc_ast.raw("typst", f" ])<{label}>", False),
        ]

    def header(self, item: Node) -> Blocks:
        """A heading with its number, in the contents too unless it is unlisted; those of a document
        without one of the highest level stand one level higher, as in Quarto.
        """
        level, attributes, inlines = item["c"]
        level -= self.index.first > 1
        shown = pandoc_ast.value(attributes, "number")
        number = f"(..) => {json.dumps(shown)}" if shown else "none"
        label = f"<{attributes[0]}>" if attributes[0] else ""
        unlisted = ", outlined: false" * ({"unnumbered", "unlisted"} <= set(attributes[1]))
        return [
            self.raw(
                f"#heading(level: {level}, numbering: {number}{unlisted}, "
                "[#let footnote = heading-note;"
            ),
            pandoc_ast.node("Plain", inlines),
            self.raw(f"]){label}"),
        ]

    def word(self, item: Node) -> Node | None:
        return pandoc_ast.text(breakable(item["c"], 40)) if len(item["c"]) > 40 else None

    def paragraph(self, item: Node) -> Node | None:
        """A paragraph with other things beside a picture has it in the line; an item of a list has
        its picture beside its mark.
        """
        is_alone = sum(one["t"] not in ("Space", "SoftBreak") for one in item["c"]) < 2
        if is_alone and item["t"] == "Para":
            return None
        change = at_mark if is_alone else in_line
        return pandoc_ast.node(item["t"], pandoc_ast.change(item["c"], change))

    def image(self, item: Node) -> Node | None:
        """The picture in its size with its alternative text. Raises ReportError if it has none and
        a PDF standard is asked for.
        """
        attributes, _, (path, _) = item["c"]
        name = pandoc_ast.value(attributes, "source") or re.sub(r"^figures/|-\d+\.\w+$", "", path)
        alt = pandoc_ast.value(attributes, "alt") or pandoc_ast.plain(item["c"][1]).strip()
        if not alt and self.options.get("pdf-standard"):
            at = self.index.place(re.escape(name))
            raise ReportError(f"{at}: picture {name!r} needs fig-alt; PDF/UA asks for it")
        options = self.size(attributes, pictures.natural_size(self.folder / path))
        options += MIDDLE * (pandoc_ast.value(attributes, "fig-align") == "center")
        label = f"<{attributes[0]}>" if attributes[0] else ""
        called = f"#picture({typst_string(path)}, alt: {typst_string(alt)}{options}){label}"
        return pandoc_ast.raw("typst", called, False)

    def named(self, item: Node) -> Inlines | None:
        """Code or a link in a line behind the place that its label names."""
        label, item["c"][0][0] = item["c"][0][0], ""
        return [pandoc_ast.node("Span", pandoc_ast.attr(label), []), item] if label else None

    def size(self, attributes: Attr, natural: tuple[builtins.float, builtins.float] | None) -> str:
        """Arguments of `picture` for the width and height that the text gives, else for those of
        the picture.
        """
        width, height = (self.length(attributes, side) for side in ("width", "height"))
        if isinstance(width, str):
            return f", width: {width}"
        if width is None and height is not None and not isinstance(height, str) and natural:
            width, height = height * natural[0] / natural[1], None
        if width is None:
            return f", natural: {natural[0]:.1f}pt" if natural else ""
        return f", width: {width:.1f}pt" + (
            f", height: {height:.1f}pt" if isinstance(height, float) else ""
        )

    def length(self, attributes: Attr, side: str) -> builtins.float | str | None:
        """A width or height in points, or as "50%"; None where it is not given. Raises ReportError
        if it is no length.
        """
        given = pandoc_ast.value(attributes, side)
        if not given:
            return None
        if re.fullmatch(r"[\d.]+%", given):
            return given
        length = pictures.points(given)
        if not length:
            at = self.index.place(re.escape(given))
            raise ReportError(
                f"{at}: {side} {given!r} of a picture is no length; write 300, 3in, 5cm or 50%"
            )
        return length

    def table(self, item: Node, caption: str) -> Blocks:
        """The table; under its caption where that stands at itself, as that of a table without a
        label does.
        """
        words, item["c"][1] = item["c"][1][1], [None, []]
        if not words:
            return [typst_table(item)]
        parts = [
            self.raw("#figure(kind: table, supplement: none, numbering: none, ["),
            typst_table(item),
            self.raw("], caption: figure.caption(position: top, ["),
            *words,
            self.raw("]))"),
        ]
        return [pandoc_ast.div("", [], parts)]  # one thing of a grid

    def code(self, item: Node) -> Blocks | None:
        """None, as pandoc writes the block, or one that its label names; its long lines can be broken
        from now on.
        """
        attributes, source = item["c"]
        label = attributes[0]
        named = (LANGUAGES.get(c.lower(), c) for c in attributes[1] if c != "cell-code")
        item["c"] = [
            [
                "",
                [c for c in named if re.fullmatch(r"[^\W\d][\w-]*", c)],
                pandoc_ast.without(attributes, "cell")[2],
            ],
            breakable(source),
        ]
        return [pandoc_ast.div(label, [], [item])] if label else None

    def grid(self, cells: list[Blocks], count: int) -> Blocks:
        out = [self.raw(f"#grid(columns: (1fr,) * {count}, gutter: 1em,")]
        for cell in cells:
            out += [self.raw("["), *cell, self.raw("],")]
        return [*out, self.raw(")")]

    def pagebreak(self) -> Node:
        return self.raw("#pagebreak(weak: true)")


def is_picture(item: Node) -> bool:
    """Whether it is a picture, before or after `Typst.image` wrote it."""
    written = item["t"] == "RawInline" and item["c"][1].startswith("#picture(")
    return item["t"] == "Image" or written


def in_line(item: Node) -> Node | None:
    """A picture, as `Typst.image` writes it, so that it does not end the line; None for the rest."""
    if item["t"] != "RawInline" or not item["c"][1].startswith("#picture("):
        return None
    return pandoc_ast.raw("typst", f"#box[{item['c'][1].replace(MIDDLE, '')}]", False)


def at_mark(item: Node) -> Node | None:
    """A picture, as `Typst.image` writes it, that does not stand in the middle."""
    if item["t"] != "RawInline" or not item["c"][1].startswith("#picture("):
        return None
    return pandoc_ast.raw("typst", item["c"][1].replace(MIDDLE, ""), False)


def with_plain_labels(blocks: object, index: Index) -> None:
    """Give identifiers that typst cannot have as labels, such as those of Chinese headings, other
    ones.
    """
    for item in pandoc_ast.nodes(blocks):
        attributes = pandoc_ast.attr_of(item)
        if attributes:
            attributes[0] = plain_label(attributes[0])
        if item["t"] == "Link" and item["c"][2][0].startswith("#"):
            item["c"][2][0] = "#" + plain_label(item["c"][2][0][1:])
    index.entries = {plain_label(label): entry for label, entry in index.entries.items()}


def plain_label(label: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*", label) or not label:
        return label
    digest = hashlib.sha256(label.encode("utf-8", "replace")).hexdigest()
    return re.sub(r"[^A-Za-z0-9_-]", "", label) + "x" + digest[:12]


def breakable(source: str, longest: int = 80) -> str:
    """Code in which no run of characters is too long for a line of the page."""
    return "\n".join(
        " ".join(
            "\u200b".join(word[i : i + longest] for i in range(0, len(word), longest)) or word
            for word in line.split(" ")
        )
        for line in source.split("\n")
    )


def typst_string(text: str) -> str:
    """`text` as a string of typst; letters beyond the Latin ones as escapes, so that no font need
    have them.
    """
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return '"' + re.sub("[\x00-\x1f\x7f\u0300-\U0010ffff]", escaped, text) + '"'


def escaped(match: re.Match) -> str:
    return "\ufffd" if "\ud800" <= match[0] <= "\udfff" else f"\\u{{{ord(match[0]):x}}}"
