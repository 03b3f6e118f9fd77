"""Pandoc's tree as Markdown that Jupyter and Colab show."""

from __future__ import annotations

import copy
import html
import json
import re
from collections.abc import Callable, Iterator

from lmreport.render import constructs, crossref, pandoc_ast, pictures
from lmreport.render.pictures import POINTS
from lmreport.render.table_layout import natural

CELL, OUTPUT = "notebook-cell", "cell-output-markdown"  # classes of the Divs that stand for these
MARK = "notebook-output"  # of the Div behind which begins what an output holds
PART = "<!--part {}-->"
# an attribute that is not written, but has pandoc write a fence: it takes away the indent of code
# that begins an item or a quotation, and joins indented blocks that follow each other
FENCED = [["fenced", "1"]]
NOTE = "note"  # the format of raw text that no writer shows, behind the mark of a note: its number
LETTERS = {
    "LowerAlpha": "a",
    "UpperAlpha": "A",
    "LowerRoman": "i",
    "UpperRoman": "I",
}  # HTML's types
TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
DOLLAR = re.compile(r"(<span class=\"math.*?</span>)|\$", re.DOTALL)


class Plain:
    """Turns blocks of the resolved document into what Jupyter's Markdown has: no attributes, no
    Divs and Spans.

    index: what can be referred to; address: where a picture is found from here; down: by how much
    headings go down.
    """

    def __init__(self, index: crossref.Index, address: Callable[[str], str], down: int = 0) -> None:
        self.index, self.address, self.down = index, address, down
        self.notes: list[list] = []

    def blocks(self, blocks: list) -> list:
        once = pandoc_ast.change(copy.deepcopy(blocks), with_notes_once)
        return pandoc_ast.change(once, self.node)

    def caption(self, label: str, words: list) -> dict:
        """A paragraph "**Figure 3:** …" with the place that references lead to."""
        start = crossref.caption_prefix(self.index.entries[label], words)
        return pandoc_ast.node(
            "Para", [anchor(label), pandoc_ast.node("Strong", start[:1]), *start[1:], *words]
        )

    def node(self, item: dict) -> list | dict | None:
        """What stands in the place of a node; None keeps it."""
        kind, attributes = item["t"], pandoc_ast.attr_of(item)
        change = getattr(self, f"plain_{kind.lower()}", None)
        if change:
            return change(item, attributes)
        if kind == "Link":  # a link inside of one, as of a reference, would end it
            item["c"][:2] = pandoc_ast.attr(), pandoc_ast.change(item["c"][1], words_of_link)
            item["c"][2][1] = item["c"][2][1].replace('"', "'")  # which pandoc does not escape
            return named(attributes, item)
        if kind == "Code":
            item["c"][0] = pandoc_ast.attr()
            return named(attributes, item)
        if kind == "Cite":
            return item["c"][1]
        if kind in ("RawBlock", "RawInline"):
            if item["c"][0] != "html" or re.match(r"\s*<(script|style)\b", item["c"][1]):
                return []
            item["c"][1] = pictures.embedded_in(item["c"][1], self.address)
        elif kind == "Note":
            self.notes.append(item["c"])
            number = len(self.notes)
            return [note_mark(number), pandoc_ast.raw(NOTE, str(number), block=False)]
        return None

    def plain_codeblock(self, item: dict, attributes: list) -> list:
        """A block of code with its language alone; a listing under its caption."""
        label, classes, _ = attributes
        language = [c for c in classes if c not in ("cell-code", "numberLines")][:1]
        item["c"][0] = pandoc_ast.attr("", language, FENCED)
        if label not in self.index.entries:
            return [*self.under(label, []), item]
        return [
            self.caption(label, pandoc_ast.read_inlines(pandoc_ast.value(attributes, "lst-cap"))),
            item,
        ]

    def plain_orderedlist(self, item: dict, attributes: None) -> list | None:
        """A list with letters or Roman numbers in HTML: Jupyter's Markdown has digits alone."""
        (start, style, _), items = item["c"]
        if style["t"] not in LETTERS:
            return None
        opening = pandoc_ast.raw("html", f'<ol type="{LETTERS[style["t"]]}" start="{start}">')
        ends = pandoc_ast.raw("html", "<li>"), pandoc_ast.raw("html", "</li>")
        inner = [block for one in items for block in (ends[0], *one, ends[1])]
        return [opening, *inner, pandoc_ast.raw("html", "</ol>")]

    def plain_definitionlist(self, item: dict, attributes: None) -> list:
        """Each term in bold letters above a list of what it means: Jupyter's Markdown has no such
        lists.
        """
        return [
            block
            for term, meanings in item["c"]
            for block in (strong(term), pandoc_ast.node("BulletList", meanings))
        ]

    def plain_header(self, item: dict, attributes: list) -> None:
        level, _, words = item["c"]
        number = pandoc_ast.value(attributes, "number")
        start = [anchor(attributes[0])] + (
            [pandoc_ast.text(number), pandoc_ast.node("Space")] if number else []
        )
        item["c"] = [min(level + self.down, 6), pandoc_ast.attr(), start + words]

    def plain_span(self, item: dict, attributes: list) -> list:
        """The content of a Span behind the place that its label names; an equation with its
        number.
        """
        label, classes, _ = attributes
        words = item["c"][1]
        if "labelled-equation" in classes:
            tag = rf" \tag{{{pandoc_ast.value(attributes, 'number')}}}"
            return [
                anchor(label),
                pandoc_ast.node("Math", words[0]["c"][0], words[0]["c"][1].rstrip() + tag),
            ]
        if "mark" in classes:
            words = [*tagged("<mark>"), *words, *tagged("</mark>")]
        if direction := pandoc_ast.value(attributes, "dir"):
            opening = f'<span dir="{html.escape(direction)}">'
            words = [*tagged(opening), *words, *tagged("</span>")]
        if "origin" in classes:
            words = [pandoc_ast.node("Emph", words)]
        return [anchor(label), *words] if label else words

    def plain_image(self, item: dict, attributes: list) -> list | dict:
        """A picture; in HTML where it has a size, for which Markdown has no words."""
        alt = pandoc_ast.value(attributes, "alt")
        address = self.address(item["c"][2][0])
        if size := "".join(f' {side}="{length}"' for side, length in sizes(attributes)):
            words = html.escape(alt or pandoc_ast.plain(item["c"][1]))
            source = html.escape(address)
            shown = pandoc_ast.raw("html", f'<img src="{source}" alt="{words}"{size} />', False)
            return named(attributes, shown)
        item["c"][:2] = pandoc_ast.attr(), pandoc_ast.words(alt) if alt else item["c"][1]
        item["c"][2] = [address, ""]
        return named(attributes, item)

    def plain_figure(self, item: dict, attributes: list) -> list:
        words = [i for b in item["c"][1][1] for i in b.get("c", ())]
        content = [
            pandoc_ast.node("Para", b["c"]) if b["t"] == "Plain" else b for b in item["c"][2]
        ]
        return content + self.under(attributes[0], words)

    def plain_table(self, item: dict, attributes: list) -> list:
        words = [i for b in item["c"][1][1] for i in b.get("c", ())]
        table = pandoc_ast.change(natural(item), with_bars)
        table["c"][0], table["c"][1] = pandoc_ast.attr(), [None, []]
        return [table, *self.under(attributes[0], words)]

    def under(self, label: str, words: list) -> list:
        """The caption of a figure or table, if it has one, with the place that its label names."""
        if label in self.index.entries:
            return [self.caption(label, words)]
        shown = [anchor(label), *words] if label else words
        return [pandoc_ast.node("Para", shown)] if shown else []

    def plain_div(self, item: dict, attributes: list) -> list:
        """The blocks of a Div: of a callout as a quotation, of a tab under its title, of a figure
        or table above its caption.
        """
        label, classes, _ = attributes
        blocks = item["c"][1]
        if classes[:1] == ["callout"]:
            title = strong(blocks[0]["c"])
            title["c"] = [anchor(label), *title["c"]] if label else title["c"]
            return [pandoc_ast.node("BlockQuote", [title, *blocks[1:]])]
        if classes[:1] == ["tab"]:
            return [strong(blocks[0]["c"]), *blocks[1:]]
        if label in self.index.entries:
            words, rest = constructs.split_caption(blocks)
            if named := pandoc_ast.value(attributes, f"{self.index.entries[label].kind}-cap"):
                words, rest = pandoc_ast.read_inlines(named), blocks
            return [*rest, self.caption(label, words)]
        if label and blocks and blocks[0]["t"] in ("Para", "Plain"):
            blocks[0]["c"] = [anchor(label), *blocks[0]["c"]]
        if direction := pandoc_ast.value(attributes, "dir"):
            opening = pandoc_ast.raw("html", f'<div dir="{html.escape(direction)}">')
            return [opening, *blocks, pandoc_ast.raw("html", "</div>")]
        return blocks

    def with_notes(self, blocks: list) -> list:
        """`blocks` with the footnotes that they refer to under them."""
        found = [n["c"] for n in pandoc_ast.nodes(blocks) if n["t"] == "RawInline"]
        notes: list = []
        for number in sorted({int(number) for kind, number in found if kind == NOTE}):
            note = self.notes[number - 1]
            words = note[0]["c"] if note and note[0]["t"] in ("Para", "Plain") else []
            line = [note_mark(number), pandoc_ast.node("Space"), *words]
            notes += [pandoc_ast.node("Para", line), *note[bool(words) :]]
        return blocks + notes


def note_mark(number: int) -> dict:
    return pandoc_ast.node("Superscript", [pandoc_ast.text(f"[{number}]")])


def with_notes_once(item: dict) -> None:
    """Take the notes of a figure's caption out of the description of its picture, which repeats it."""
    for image in (n for n in pandoc_ast.nodes(item) if n["t"] == "Image" and item["t"] == "Figure"):
        image["c"][1] = pandoc_ast.change(
            image["c"][1], lambda inline: [] if inline["t"] == "Note" else None
        )


def is_cell(block: dict) -> bool:
    """Whether a Div stands for a code cell, by its class and the cell's number."""
    if block["t"] != "Div" or CELL not in block["c"][0][1]:
        return False
    return pandoc_ast.value(block["c"][0], "number").isdigit()


def is_mark(block: dict) -> bool:
    """Whether a Div tells that an output begins behind it, or that those of a cell end."""
    return block["t"] == "Div" and MARK in block["c"][0][1]


def titles_first(blocks: list) -> None:
    """Put a heading that begins a callout or tab set on the page before the cells and marks that
    show nothing there.
    """
    for item in pandoc_ast.nodes(blocks):
        if item["t"] != "Div" or not re.search("panel-tabset|callout-", " ".join(item["c"][0][1])):
            continue
        content = item["c"][1]
        unseen = next(
            (
                n
                for n, block in enumerate(content)
                if not is_mark(block) and not (is_cell(block) and not block["c"][1])
            ),
            0,
        )
        if unseen and "panel-tabset" in item["c"][0][1]:
            content[unseen : unseen + 1] = constructs.as_printed(content[unseen])
        if content[unseen:] and content[unseen]["t"] == "Header":
            content.insert(0, content.pop(unseen))


def is_main(caption: dict) -> bool:
    """Whether a caption is that of a whole figure and not of a part, "(a)"."""
    return not pandoc_ast.plain(caption["c"]).startswith("(")


def sizes(attributes: list) -> Iterator[tuple[str, str]]:
    """(side, length) of a picture that is given one, in pixels or as "50%"."""
    for side in ("width", "height"):
        given = pandoc_ast.value(attributes, side).strip()
        if re.fullmatch(r"[\d.]+%", given):
            yield side, given
        elif given and (length := pictures.points(given)):
            yield side, f"{length / POINTS['px']:.0f}"


def anchor(label: str) -> dict:
    return pandoc_ast.raw(
        "html", f'<a id="{html.escape(label)}"></a>' if label else "", block=False
    )


def named(attributes: list | None, item: dict) -> list | dict:
    """What is in a line, behind the place that its label names."""
    return [anchor(attributes[0]), item] if attributes and attributes[0] else item


def tagged(tag: str) -> list:
    return [pandoc_ast.raw("html", tag, block=False)]


def words_of_link(item: dict) -> list | None:
    """What stands in a link; None for anything else."""
    return item["c"][1] if item["t"] == "Link" else None


def strong(inlines: list) -> dict:
    """A paragraph in bold letters; those in it that are bold already have no marks of their own."""
    once = pandoc_ast.change(inlines, lambda one: one["c"] if one["t"] == "Strong" else None)
    return pandoc_ast.node("Para", [pandoc_ast.node("Strong", once)])


def cited(parsed: dict, options: dict) -> dict:
    """The document with citations in words and the list of references."""
    if not options.get("bibliography"):
        return parsed
    return json.loads(
        pandoc_ast.pandoc(json.dumps(parsed), "-f", "json", "-t", "json", *pandoc_ast.CITED)[0]
    )


def as_gfm(parts: list[list]) -> list[str]:
    """Lists of blocks as Markdown of GitHub's kind with $mathematics$, by one pandoc."""
    blocks = [
        block
        for n, part in enumerate(parts)
        for block in (pandoc_ast.raw("html", PART.format(n)), *part)
    ]
    blocks = pandoc_ast.change(blocks, pandoc_ast.without_entities)
    tree = {"pandoc-api-version": pandoc_ast.version(), "meta": {}, "blocks": blocks}
    text = pandoc_ast.as_markdown(
        json.dumps(tree), "-f", "json", "-t", "gfm-tex_math_gfm+tex_math_dollars", "--wrap=none"
    )
    text = TABLE.sub(lambda table: DOLLAR.sub(no_mathematics, table[0]), text)
    return [
        part.strip("\n") for part in re.split(rf"^{PART.format(r'[0-9]+')}$", text, flags=re.M)[1:]
    ]


VERT = {"|": r"\vert ", r"\|": r"\Vert "}


def with_bars(item: dict) -> dict | None:
    """Code or a formula of a table with a | in it, which would end the cell, so that every program
    shows it.
    """
    if item["t"] not in ("Code", "Math") or "|" not in item["c"][1]:
        return None
    if item["t"] == "Math":
        tex = re.sub(r"\\?\|", lambda bar: VERT[bar[0]], item["c"][1])
        return None if "\\text" in tex else pandoc_ast.node("Math", item["c"][0], tex)
    words = html.escape(item["c"][1], quote=False).replace("|", "&#124;")
    return pandoc_ast.raw("html", f"<code>{words}</code>", False)


def no_mathematics(found: re.Match[str]) -> str:
    """A $ of a table in HTML so that Jupyter does not take it, with a later one, for mathematics."""
    return found[1] or "<span>&#36;</span>"


def alone(markdown: str) -> str:
    """One output as Markdown for people; what it refers to keeps its label, as the document is not
    at hand.
    """
    plain = Plain(crossref.Index([]), address=str)
    blocks = constructs.prepare(pandoc_ast.read_markdown(markdown)["blocks"], "html", (), [], {})
    return as_gfm([plain.with_notes(plain.blocks(blocks))])[0]
