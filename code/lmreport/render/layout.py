"""What a construct looks like in a format: floats, callouts, tab sets, columns, folded code, pictures."""

from __future__ import annotations

import json

from lmreport.errors import ReportError
from lmreport.render import tree
from lmreport.render.crossref import FLOAT, Index, caption_prefix
from lmreport.render.tables import typst_table

CALLOUTS = ("note", "tip", "warning", "caution", "important")
TOP = ("tbl", "lst")  # captions of these stand above


def prepare(blocks: list, fmt: str, profiles: tuple[str, ...]) -> list:
    """Drop what is not meant for `fmt`; take titles out of callouts and tab sets, so that they are not sections."""
    def visit(item: dict):
        if item["t"] not in ("Div", "Span"):
            return None
        attributes, content = item["c"]
        classes = attributes[1]
        if {"content-visible", "content-hidden"} & set(classes):
            shown = condition(attributes, fmt, profiles) == ("content-visible" in classes)
            return content if shown else []
        kind = next((c.removeprefix("callout-") for c in classes if c.startswith("callout-")), "")
        if kind in CALLOUTS and item["t"] == "Div":
            return callout(kind, attributes, content)
        if "panel-tabset" in classes and item["t"] == "Div":
            return tabset(attributes, content)
        return None

    blocks = tree.change(blocks, visit)
    levels = [b["c"][0] for b in tree.nodes(blocks) if b["t"] == "Header"]
    if fmt == "typst" and levels and min(levels) > 1:
        for item in tree.nodes(blocks):
            if item["t"] == "Header":
                item["c"][0] -= 1
    return blocks


def condition(attributes: list, fmt: str, profiles: tuple[str, ...]) -> bool:
    """Whether the `when-…` and `unless-…` attributes of a Div or Span hold."""
    known = {"when-format": lambda v: is_format(v, fmt), "unless-format": lambda v: not is_format(v, fmt),
             "when-profile": lambda v: v in profiles, "unless-profile": lambda v: v not in profiles}
    for key, value in attributes[2]:
        if key not in known:
            raise ReportError(f"conditional content: unknown condition {key!r}; known are {', '.join(known)}")
        if not known[key](value):
            return False
    return True


def is_format(name: str, fmt: str) -> bool:
    return name == fmt or name.startswith("html:") and fmt == "html"


def callout(kind: str, attributes: list, content: list) -> dict:
    title = tree.value(attributes, "title")
    heading = tree.words(title) if title else None
    if heading is None and content and content[0]["t"] == "Header":
        heading, content = content[0]["c"][2], content[1:]
    return tree.node("Div", [attributes[0], ["callout", kind], attributes[2]],
                     [tree.node("Plain", heading or [tree.text(kind.capitalize())]), *content])


def tabset(attributes: list, content: list) -> dict:
    level = next((b["c"][0] for b in content if b["t"] == "Header"), 0)
    tabs: list[dict] = []
    for block in content:
        if block["t"] == "Header" and block["c"][0] == level:
            tabs.append(tree.node("Div", tree.attr("", ["tab"]), [tree.node("Plain", block["c"][2])]))
        elif tabs:
            tabs[-1]["c"][1].append(block)
    return tree.node("Div", [attributes[0], ["tabset"], attributes[2]], tabs)


def lay_out(blocks: list, index: Index, fmt: str, options: dict, cells: list[dict], folder) -> list:
    """Write what pandoc has no node for as raw HTML or typst around the content, bottom-up."""
    write = {"html": Html, "typst": Typst}[fmt](index, options, cells, folder)

    def visit(item: dict):
        attributes = tree.attr_of(item)
        label, classes = (attributes[0], attributes[1]) if attributes else ("", [])
        kind = item["t"]
        if kind == "Div" and classes[:1] == ["callout"]:
            return write.callout(classes[1], attributes, item["c"][1][0]["c"], item["c"][1][1:])
        if kind == "Div" and classes[:1] == ["tabset"]:
            return write.tabset([(t["c"][1][0]["c"], t["c"][1][1:]) for t in item["c"][1]])
        if kind == "Span" and "labelled-equation" in classes:
            return write.equation(label, tree.value(attributes, "number"), tree.value(attributes, "alt"), item["c"][1])
        if kind == "Str":
            return write.word(item)
        if kind == "Header":
            return write.header(item)
        if kind == "Image":
            return write.image(item)
        if kind == "Table" and not label:
            return write.table(item, "")
        if FLOAT.match(label) and label in index.entries and kind != "Image":
            return floated(item, label, write)
        if kind == "CodeBlock":
            return write.code(item)
        if kind == "Div" and tree.value(attributes, "layout-ncol"):
            cells_, rest = columns(item["c"][1])
            return [tree.node("Div", tree.without(attributes, "layout-ncol"),
                              write.grid(cells_, int(tree.value(attributes, "layout-ncol"))) + rest)]
        if kind in ("Para", "Plain") and any(s.get("t") == "Str" and "{{<" in s["c"] for s in item["c"]):
            if tree.plain(item["c"]).strip() == "{{< pagebreak >}}":
                return write.pagebreak()
        return None

    return tree.change(blocks, visit)


def floated(item: dict, label: str, write) -> list:
    """A labelled Div, Figure, Table or code block as a numbered float."""
    entry, kind = write.index.entries[label], item["t"]
    attributes = tree.attr_of(item)
    if kind == "Div":
        caption, content = split_caption(item["c"][1])
    elif kind == "Figure":
        caption, content = [b["c"] for b in item["c"][1][1]], item["c"][2]
        caption = caption[0] if caption else []
    elif kind == "Table":
        caption = [i for b in item["c"][1][1] for i in b["c"]]
        item["c"][0], item["c"][1] = tree.attr("", item["c"][0][1], item["c"][0][2]), [None, []]
        content = write.table(item, tree.plain(caption))
    else:
        caption = tree.read_markdown(tree.value(attributes, "lst-cap"))["blocks"]
        caption = caption[0]["c"] if caption else []
        item["c"][0] = ["", item["c"][0][1], tree.without(attributes, "lst-cap")[2]]
        content = as_list(write.code(item) or item)
    ncol = tree.value(attributes, "layout-ncol")
    if ncol:
        cells, rest = columns(content)
        content = write.grid(cells, int(ncol)) + rest
    hoisted = [b for b in content if is_code(b)] if kind == "Div" and entry.kind != "lst" else []
    content = [b for b in content if b not in hoisted]
    return hoisted + write.float(label, entry, caption_prefix(entry) + caption if caption or not entry.part
                                 else caption_prefix(entry)[:1], content)


def is_code(block: dict) -> bool:
    return block["t"] == "CodeBlock" and "cell-code" in block["c"][0][1]


def as_list(item) -> list:
    return item if isinstance(item, list) else [item]


def split_caption(blocks: list) -> tuple[list, list]:
    """The inlines of the last paragraph, if it is one of text, and the blocks before it."""
    if blocks and blocks[-1]["t"] == "Para" and not (len(blocks[-1]["c"]) == 1 and is_picture(blocks[-1]["c"][0])):
        return blocks[-1]["c"], blocks[:-1]
    return [], blocks


def is_picture(inline: dict) -> bool:
    return inline["t"] == "Image" or inline["t"] == "RawInline" and "picture(" in inline["c"][1]


def columns(blocks: list) -> tuple[list[list], list]:
    """Content as grid cells: raw blocks that open and close one float stay together, the rest is one cell each."""
    cells: list[list] = []
    open_float = False
    for block in blocks:
        if block.get("t") == "RawBlock" and "float-start" in block["c"][1]:
            cells.append([block])
            open_float = True
        elif open_float:
            cells[-1].append(block)
            open_float = not (block.get("t") == "RawBlock" and "float-end" in block["c"][1])
        else:
            cells.append([block])
    return cells, []


class Html:
    """HTML around the content."""

    def __init__(self, index, options, cells, folder):
        self.index, self.options, self.cells = index, options, cells

    def raw(self, string):
        return tree.raw("html", string)

    def float(self, label, entry, caption, content):
        box = [self.raw("<figcaption>"), tree.node("Plain", caption), self.raw("</figcaption>")]
        inner = box + content if entry.kind in TOP else content + box
        sub = " quarto-subfloat" if entry.part else ""
        return [self.raw(f'<!-- float-start --><div id="{label}" class="quarto-float{sub}">'
                         f'<figure class="quarto-float-{entry.kind} figure">'),
                *inner, self.raw("</figure></div><!-- float-end -->")]

    def callout(self, kind, attributes, title, body):
        fold = tree.value(attributes, "collapse")
        outer, head = ("details", "summary") if fold else ("div", "div")
        is_open = " open" if fold == "false" else ""
        name = f' id="{attributes[0]}"' if attributes[0] else ""
        role = "" if fold else ' role="note"'
        return [self.raw(f'<{outer}{name} class="callout callout-{kind}"{role}{is_open}>'
                         f'<{head} class="callout-title">'),
                tree.node("Plain", title), self.raw(f'</{head}><div class="callout-body">'), *body,
                self.raw(f"</div></{outer}>")]

    def tabset(self, tabs):
        out = [self.raw('<div class="panel-tabset">')]
        for title, body in tabs:
            out += [self.raw('<section class="tab"><p class="tab-title">'), tree.node("Plain", title),
                    self.raw("</p>"), *body, self.raw("</section>")]
        return [*out, self.raw("</div>")]

    def equation(self, label, number, alt, content):
        math = content[0]
        math["c"][1] += f" \\qquad({number})"
        return tree.node("Span", tree.attr(label, ["equation"]), [math])

    def header(self, item):
        shown = tree.value(item["c"][1], "number")
        if shown:
            mark = tree.node("Span", tree.attr("", ["header-section-number"]), [tree.text(shown)])
            item["c"][2] = [mark, tree.node("Space"), *item["c"][2]]
        return item

    def word(self, item):
        return None

    def image(self, item):
        return None

    def table(self, item, caption):
        return [self.raw('<div class="table-scroll" tabindex="0">'), untyped(item), self.raw("</div>")]

    def code(self, item):
        attributes, source = item["c"]
        cell = tree.value(attributes, "cell")
        item["c"][0] = tree.without(attributes, "cell")
        if not cell:
            return None
        options = self.options | self.cells[int(cell)]
        fold = options.get("code-fold", False)
        if not fold or fold == "none":
            return None
        state = " open" if fold == "show" else ""
        return [self.raw(f'<details class="code-fold"{state}><summary>'),
                tree.node("Plain", tree.words(str(options.get("code-summary", "Code")))), self.raw("</summary>"),
                item, self.raw("</details>")]

    def grid(self, cells, count):
        out = [self.raw(f'<div class="quarto-layout-panel" style="--columns:{count}">')]
        for cell in cells:
            out += [self.raw('<div class="quarto-layout-cell">'), *cell, self.raw("</div>")]
        return [*out, self.raw("</div>")]

    def pagebreak(self):
        return self.raw('<div class="pagebreak"></div>')


class Typst:
    """Typst around the content; the functions it calls are defined in page.typ."""

    def __init__(self, index, options, cells, folder):
        self.index, self.options, self.cells, self.folder = index, options, cells, folder

    def raw(self, string):
        return tree.raw("typst", string)

    def float(self, label, entry, caption, content):
        place = "top" if entry.kind in TOP else "bottom"
        kind = f"quarto-{'sub' if entry.part else ''}float-{entry.kind}"
        return [self.raw(f"/*float-start*/#figure(kind: {json.dumps(kind)}, supplement: none, numbering: none, ["),
                *content, self.raw(f"], caption: figure.caption(position: {place}, ["), tree.node("Plain", caption),
                self.raw(f"]))<{label}>/*float-end*/")]

    def callout(self, kind, attributes, title, body):
        return [self.raw(f"#callout({json.dumps(kind)}, ["), tree.node("Plain", title), self.raw("], ["), *body,
                self.raw("])" + (f"<{attributes[0]}>" if attributes[0] else ""))]

    def tabset(self, tabs):
        out = []
        for title, body in tabs:
            out += [self.raw("#tab-title["), tree.node("Plain", title), self.raw("]"), *body]
        return out

    def equation(self, label, number, alt, content):
        quoted = f', alt: {typst_string(alt)}' if alt else ""
        return [tree.raw("typst", f'#math.equation(block: true, numbering: (..) => "({number})"{quoted}, [ ', False),
                *content, tree.raw("typst", f" ])<{label}>", False)]

    def header(self, item):
        level, attributes, inlines = item["c"]
        shown = tree.value(attributes, "number")
        number = f"(..) => {json.dumps(shown)}" if shown else "none"
        label = f"<{attributes[0]}>" if attributes[0] else ""
        return [self.raw(f"#heading(level: {level}, numbering: {number}, ["), tree.node("Plain", inlines),
                self.raw(f"]){label}")]

    def word(self, item):
        return tree.text(breakable(item["c"], 40)) if len(item["c"]) > 40 else None

    def image(self, item):
        attributes, _, (path, _) = item["c"]
        width = tree.value(attributes, "width")
        natural = picture_width(self.folder / path)
        options = f", width: {width}" if width.endswith("%") else f", natural: {natural:.1f}pt" if natural else ""
        alt = tree.value(attributes, "alt")
        return tree.raw("typst", f"#picture({typst_string(path)}, alt: {typst_string(alt)}{options})", False)

    def table(self, item, caption):
        return [typst_table(item)]

    def code(self, item):
        attributes, source = item["c"]
        item["c"] = [[attributes[0], [c for c in attributes[1] if c != "cell-code"],
                      tree.without(attributes, "cell")[2]], breakable(source)]
        return None

    def grid(self, cells, count):
        out = [self.raw(f"#grid(columns: (1fr,) * {count}, gutter: 1em,")]
        for cell in cells:
            out += [self.raw("["), *cell, self.raw("],")]
        return [*out, self.raw(")")]

    def pagebreak(self):
        return self.raw("#pagebreak(weak: true)")


def untyped(table: dict) -> dict:
    """`table` without the column widths that pandoc takes from the dashes of the source."""
    for specification in table["c"][2]:
        specification[1] = {"t": "ColWidthDefault"}
    return table


def breakable(source: str, longest: int = 80) -> str:
    """Code in which no run of characters is too long for a line of the page."""
    return "\n".join(" ".join("\u200b".join(word[i:i + longest] for i in range(0, len(word), longest)) or word
                              for word in line.split(" ")) for line in source.split("\n"))


def typst_string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def picture_width(path) -> float | None:
    """The width in points that an SVG states, None for other pictures."""
    import re

    if path.suffix != ".svg" or not path.is_file():
        return None
    found = re.search(r'<svg[^>]*\swidth="([\d.]+)(pt|px)?"', path.read_text(encoding="utf-8")[:4000])
    return float(found[1]) * (1 if found[2] == "pt" else 0.75) if found else None
