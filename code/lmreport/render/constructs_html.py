"""The constructs that pandoc does not know, as HTML around their content."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from lmreport.render import lost, pandoc_ast
from lmreport.render.crossref import TOP, Entry, Index
from lmreport.render.pandoc_ast import Attr, Blocks, Inlines, Node
from lmreport.render.table_layout import natural


class Html:
    """Each method gets the content of one construct and returns the blocks that show it."""

    def __init__(
        self, index: Index, options: dict[str, Any], cells: list[dict[str, Any]], folder: Path
    ) -> None:
        self.index, self.options, self.cells = index, options, cells
        self.summaries: dict[str, Inlines] = {}  # of folded code, as read

    def raw(self, string: str) -> Node:
        return pandoc_ast.raw("html", string)

    def float(self, label: str, entry: Entry, caption: Inlines, content: Blocks) -> Blocks:
        """The content with its number and caption, above it for tables and listings, else below."""
        box = [
            self.raw("<figcaption>"),
            pandoc_ast.node("Plain", caption),
            self.raw("</figcaption>"),
        ]
        inner = box + content if entry.kind in TOP else content + box
        sub = " quarto-subfloat" if entry.part else ""
        return [
            self.raw(
                f'<!-- float-start --><div id="{label}" class="quarto-float{sub}">'
                f'<figure class="quarto-float-{entry.kind} figure">'
            ),
            *inner,
            self.raw("</figure></div><!-- float-end -->"),
        ]

    def callout(self, kind: str, attributes: Attr, title: Inlines, body: Blocks) -> Blocks:
        """A note with its title; one with `collapse` can be opened and closed."""
        fold = pandoc_ast.value(attributes, "collapse")
        outer, head = ("details", "summary") if fold else ("div", "div")
        is_open = " open" if fold == "false" else ""
        name = f' id="{attributes[0]}"' if attributes[0] else ""
        role = "" if fold else ' role="note"'
        return [
            self.raw(
                f'<{outer}{name} class="callout callout-{kind}"{role}{is_open}>'
                f'<{head} class="callout-title">'
            ),
            pandoc_ast.node("Plain", title),
            self.raw(f"</{head}>"),
            self.held("callout-body", body),
            self.raw(f"</{outer}>"),
        ]

    def tabset(self, tabs: list[tuple[Inlines, Blocks]]) -> Blocks:
        out = [self.raw('<div class="panel-tabset">')]
        for title, body in tabs:
            name = [self.raw('<p class="tab-title">'), pandoc_ast.node("Plain", title)]
            out.append(pandoc_ast.div("", ["section", "tab"], [*name, self.raw("</p>"), *body]))
        return [*out, self.raw("</div>")]

    def equation(self, label: str, number: str, alt: str, content: Inlines) -> Node:
        math = content[0]
        math["c"][1] += f" \\qquad({number})"
        return pandoc_ast.node("Span", pandoc_ast.attr(label, ["equation"]), [math])

    def header(self, item: Node) -> Node:
        shown = pandoc_ast.value(item["c"][1], "number")
        if shown:
            mark = pandoc_ast.node(
                "Span", pandoc_ast.attr("", ["header-section-number"]), [pandoc_ast.text(shown)]
            )
            item["c"][2] = [mark, pandoc_ast.node("Space"), *item["c"][2]]
        return item

    def word(self, item: Node) -> Node | None:
        return None

    def paragraph(self, item: Node) -> Node | None:
        return None

    def image(self, item: Node) -> Node | None:
        return None

    def named(self, item: Node) -> Inlines | None:
        return None

    def table(self, item: Node, caption: str) -> Blocks:
        return [self.raw('<div class="table-scroll">'), natural(item), self.raw("</div>")]

    def code(self, item: Node) -> Blocks | None:
        """A block of code that can be opened and closed where its cell has `code-fold`; else None,
        as pandoc writes it.
        """
        attributes, source = item["c"]
        cell = pandoc_ast.value(attributes, "cell")
        item["c"][0] = pandoc_ast.without(attributes, "cell")
        if not cell.isdigit() or int(cell) >= len(self.cells):  # it may be the author's own
            return None
        options = self.options | self.cells[int(cell)]
        fold = options.get("code-fold", False)
        if not fold or fold == "none":
            return None
        state = " open" if fold == "show" else ""
        summary = str(options.get("code-summary", "Code"))
        if summary not in self.summaries:
            self.summaries[summary] = lost.inlines(summary, lambda *_, **__: str(options["place"]))
        return [
            self.raw(f'<details class="code-fold"{state}><summary>'),
            pandoc_ast.node("Plain", copy.deepcopy(self.summaries[summary])),
            self.raw("</summary>"),
            item,
            self.raw("</details>"),
        ]

    def grid(self, cells: list[Blocks], count: int) -> Blocks:
        opening = self.raw(f'<div class="quarto-layout-panel" style="--columns:{count}">')
        parts = (self.held("quarto-layout-cell", cell) for cell in cells)
        return [opening, *parts, self.raw("</div>")]

    def held(self, name: str, content: Blocks) -> Node:
        """A Div of the class `name`, and no raw HTML, in which sections end; nor is it one itself,
        as pandoc makes a section of a Div that begins with a heading.
        """
        return pandoc_ast.div("", [name], [self.raw(""), *content])

    def pagebreak(self) -> Node:
        return self.raw('<div class="pagebreak"></div>')
