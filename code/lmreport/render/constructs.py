"""What each construct becomes: content for one format only, floats, callouts, tab sets, columns,
folded code.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from lmreport.core.errors import ReportError
from lmreport.core.strict_yaml import BLANKS
from lmreport.render import constructs_html, constructs_typst, html_tables, lost, pandoc_ast
from lmreport.render.conditional import CLASSES as CONDITIONS
from lmreport.render.conditional import beside_conditions, is_condition
from lmreport.render.crossref import FLOAT, Index, caption_prefix
from lmreport.render.lines import Cell
from lmreport.render.source import place

# classes with a meaning in Quarto
UNSUPPORTED = (
    "column-|aside$|panel-(?!tabset)|hidden$|landscape$|list-table$|theorem|proof|remark$|solution$"
    "|appendix$"
)
UNKNOWN = set(
    "layout layout-nrow layout-valign fig-pos appearance icon filename code-fold code-line-numbers "
    "cap-location fig-cap-location tbl-cap-location lst-cap-location".split()
)
OF_CELLS = {f"{of}-{side}" for of in ("fig", "out") for side in ("width", "height")}  # sizes
ALIGN = "fig-align"  # with another value than the one that figures have
CAPTIONS = ("fig-cap", "tbl-cap", "lst-cap")
MACROS = r"define commands of TeX outside of formulas, each on a line: \newcommand{\R}{\mathbb{R}}"
ATTRIBUTES = r"(\{[^}]*|:{3,} *)"  # what stands in the source before a class or key
OWN = {"tabset", "tab", "labelled-equation", "caption-here"}  # what is made of these has such names
# what changes the text of the page and would be missing in the PDF
ON_PAGE = re.compile(
    r"<(img|svg|video|audio|iframe|embed|object|sup|sub|del|strike|s|ul|ol|dl|h[1-6]|pre|blockquote"
    r"|textarea|a\s+href)\b",
    re.IGNORECASE,
)
WRITTEN = (  # what Quarto can write, of which a document may speak
    "html html:js typst pdf latex beamer docx odt pptx revealjs epub ipynb dashboard email markdown "
    "gfm commonmark jats asciidoc rst rtf llms-txt"
).split()
LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
Writer = constructs_html.Html | constructs_typst.Typst
IS_TITLE = "title-of-callout"  # a class of headings, for `callout`
CALLOUTS = ("note", "tip", "warning", "caution", "important")


def prepare(
    blocks: list,
    fmt: str,
    profiles: tuple[str, ...],
    cells: list[Cell],
    flags: dict[str, bool],
) -> list:
    """Drop what is not meant for `fmt`; take titles out of callouts and tab sets, so that they are
    not sections.

    flags: what the cells say of the document, `assemble.Pages.flags`.
    """

    at = functools.partial(place, cells)
    blocks = html_tables.read(blocks, fmt)
    lost.refuse(blocks, at)
    mark_titles(blocks)

    def visit(item: dict) -> list | dict | None:
        if item["t"] == "RawInline" and LINE_BREAK.fullmatch(item["c"][1]):
            return pandoc_ast.node("LineBreak")
        attributes = pandoc_ast.attr_of(item)
        if attributes is None:
            return None
        refuse_unknown(item, attributes, cells)
        classes = attributes[1]
        content = [item] if item["t"] == "CodeBlock" else item["c"][1]
        if CONDITIONS & set(classes):
            holds = condition(attributes, fmt, profiles, cells, flags)
            if holds != ("content-visible" in classes):
                return []
            attributes = beside_conditions(attributes)
            classes = attributes[1]
            if item["t"] == "CodeBlock" or attributes == pandoc_ast.attr():
                return content
            item = pandoc_ast.node(item["t"], attributes, content)
        kind = next((c.removeprefix("callout-") for c in classes if c.startswith("callout-")), "")
        if kind in CALLOUTS and item["t"] == "Div":
            return callout(kind, attributes, content, at)
        if "panel-tabset" in classes and item["t"] == "Div":
            return tab_panel(attributes, content, cells)
        if FLOAT.match(attributes[0]) and item["t"] == "Div":
            take_caption_of_table(attributes, content)
        return item

    blocks = pandoc_ast.change(blocks, visit)
    if fmt == "typst":
        refuse_on_page_only(blocks, cells)
        part_paragraphs(blocks)
        html_tables.colour_letters(blocks)
    return blocks


def mark_titles(blocks: list) -> None:
    """Mark the headings that begin a callout in the source: they alone are its title. One that only
    begins it where a condition hides what is before stays a heading in it, as in Quarto.
    """
    for item in pandoc_ast.nodes(blocks):
        if item["t"] != "Div" or not {f"callout-{kind}" for kind in CALLOUTS} & set(
            item["c"][0][1]
        ):
            continue
        attributes, content = item["c"]
        if not pandoc_ast.value(attributes, "title") and content and content[0]["t"] == "Header":
            content[0]["c"][1][1].append(IS_TITLE)


def refuse_on_page_only(blocks: list, cells: list[Cell]) -> None:
    """Raises ReportError for pictures, raised digits and their like in raw HTML."""
    for item in pandoc_ast.nodes(blocks):
        if item["t"] in ("RawBlock", "RawInline") and (found := ON_PAGE.search(item["c"][1])):
            raise ReportError(
                f"{place(cells, re.escape(found[0]))}: {found[0]}…> would be missing in the PDF; "
                "write Markdown: ![…](…), […](…), x^2^, x~2~, ~~gone~~, ## heading, - item, > quotation, "
                "or put it under "
                '{.content-visible when-format="html"}'
            )


def part_paragraphs(tree: object) -> None:
    """Make paragraphs of what stands in <p> and its like, whose marks the PDF has not."""
    if isinstance(tree, dict):
        part_paragraphs(list(tree.values()))
    if not isinstance(tree, list):
        return
    nodes = [one for one in tree if isinstance(one, dict) and "t" in one]
    if any(one["t"] == "RawBlock" and one["c"][0] == "html" for one in nodes):
        for one in nodes:
            one["t"] = "Para" if one["t"] == "Plain" else one["t"]
    for one in tree:
        part_paragraphs(one)


def where(cells: list[Cell], name: str) -> str:
    """file:line of the class or key `name`."""
    return place(cells, ATTRIBUTES + "[.]?" + re.escape(name) + r"(?![\w-])")


def refuse_unknown(item: dict, attributes: list, cells: list[Cell]) -> None:
    """Raises ReportError for a class, an attribute or a condition that is not supported there."""
    classes = attributes[1]
    unknown = [c for c in classes if re.match(UNSUPPORTED, c)]
    keys = [k for k, v in attributes[2] if k in UNKNOWN or (k == ALIGN and v != "center")]
    if unknown or keys:
        name = [*unknown, *keys][0]
        hint = f"; leave the text out, and {MACROS}" if name == "hidden" else ""
        hint = hint or "; write layout-ncol=2" * (name in ("layout", "layout-nrow"))
        hint = hint or "; leave it out" + ", or render with Quarto" * (name not in keys)
        raise ReportError(f"{where(cells, name)}: {name!r} is not supported{hint}")
    if sizes := [k for k, _ in attributes[2] if k in OF_CELLS and item["t"] == "Image"]:
        raise ReportError(
            f"{where(cells, sizes[0])}: {sizes[0]!r} says nothing of this picture; write "
            f"{sizes[0][4:]}="
        )
    for key in (k for k, _ in attributes[2] if k in CAPTIONS and item["t"] in ("CodeBlock", "Div")):
        kind = key.removesuffix("-cap")
        if not attributes[0].startswith(f"{kind}-"):
            raise ReportError(
                f"{where(cells, key)}: {key!r} is shown with a label only; add "
                f"#{kind}-NAME before it"
            )
    braced = next((c for c in classes if "{" in c or c.startswith(".")), "")
    if braced and item["t"] in ("Div", "Span"):
        is_odd = re.search(f"[{BLANKS}]", braced)
        remedy = f"write {{.{braced.strip('{}.#')}}}"
        raise ReportError(
            f"{place(cells, re.escape(braced))}: {braced.strip()} is read as the name of a class; "
            + ("type ordinary blanks in this line and no no-break space" if is_odd else remedy)
        )
    box = next((c for c in classes if re.match("callout($|[-_])", c, re.I)), "callout-note")
    if box.removeprefix("callout-") not in CALLOUTS:
        raise ReportError(
            f"{where(cells, box)}: {box!r} is no kind of callout; "
            f"known: {', '.join(f'callout-{kind}' for kind in CALLOUTS)}"
        )
    if own := next((c for c in classes if c in OWN and item["t"] in ("Div", "Span")), ""):
        hint = "; tabs are made by .panel-tabset" * (own in ("tab", "tabset"))
        raise ReportError(
            f"{where(cells, own)}: {own!r} is a class of this "
            f"renderer's own; choose another name{hint}"
        )
    if pandoc_ast.value(attributes, "caption"):
        remedy = "between the [ ] of a picture, as the last paragraph of a Div, or as : text below a table"
        if item["t"] == "CodeBlock":
            remedy = 'as {#lst-NAME .python lst-cap="…"}'
        raise ReportError(f"{where(cells, 'caption')}: 'caption' is not shown; write it {remedy}")
    if CONDITIONS & set(classes) and item["t"] not in ("Div", "Span", "CodeBlock"):
        raise ReportError(
            f"{place(cells, r'[.]content-(visible|hidden)')}: this condition belongs to what "
            "can have none; put it into a Div, ::: {.content-visible …}"
        )


def tab_panel(attributes: list, content: list, cells: list[Cell]) -> dict:
    """A tab set. Raises ReportError for one that begins with no heading."""
    content = [inner for block in content for inner in as_printed(block)]
    if content and content[0]["t"] == "Header":
        return tabset(attributes, content)
    raise ReportError(
        f"{place(cells, ':::.*panel-tabset')}: a tab set begins with a heading, which "
        "names its first tab; a cell that shows the headings has #| output: asis and #| echo: false"
    )


def condition(
    attributes: list,
    fmt: str,
    profiles: tuple[str, ...],
    cells: list[Cell],
    flags: dict[str, bool],
) -> bool:
    """Whether the `when-…` and `unless-…` attributes of a Div, Span or block of code hold.

    Of one that is given several times each value is enough, as in Quarto. Raises ReportError for a
    condition that is not known, and for a name that no cell sets.
    """

    def is_flagged(name: str) -> bool:
        if name not in flags:
            raise ReportError(
                f"{place(cells, '-meta *= *.?' + re.escape(name))}: no cell sets {name!r}; one "
                f'does with Markdown("---\\n{name}: true\\n---") of IPython.display as its output'
            )
        return flags[name]

    known = {
        "when-format": lambda vs: any(is_format(v, fmt) for v in vs),
        "unless-format": lambda vs: not any(is_format(v, fmt) for v in vs),
        "when-profile": lambda vs: any(v in profiles for v in vs),
        "unless-profile": lambda vs: not any(v in profiles for v in vs),
        "when-meta": lambda vs: any([is_flagged(v) for v in vs]),
        "unless-meta": lambda vs: not any([is_flagged(v) for v in vs]),
    }
    formats = {v for k, v in attributes[2] if k in ("when-format", "unless-format")}
    if fmt == "typst" and "pdf" in formats and "typst" not in formats:
        raise ReportError(
            f"{place(cells, '-format *= *.?pdf')}: the PDF is made by typst, for which 'pdf' does "
            "not hold; write typst"
        )
    if "ipynb" in formats and "html" not in formats:
        raise ReportError(
            f"{place(cells, '-format *= *.?ipynb')}: the notebook shows what the page does, so that "
            "this condition holds nowhere; write html"
        )
    for name in sorted(formats - set(WRITTEN)):
        raise ReportError(
            f"{place(cells, '-format *= *.?' + re.escape(name))}: unknown format {name!r}; the page is "
            "html, the PDF typst"
        )
    given = dict.fromkeys(key for key, _ in attributes[2])
    if known.keys() & given.keys():
        given = dict.fromkeys(filter(is_condition, given))  # the others are kept
    for key in given:
        if key not in known:
            raise ReportError(
                f"{place(cells, re.escape(key))}: unknown condition {key!r}; known: "
                f"{', '.join(known)}"
            )
        if not known[key]([v for k, v in attributes[2] if k == key]):
            return False
    return True


def is_format(name: str, fmt: str) -> bool:
    return name == fmt or name.startswith("html:") and fmt == "html"


def callout(kind: str, attributes: list, content: list, at: lost.Place) -> dict:
    """A Div whose first part is the callout's title: as given, its heading of `mark_titles`, its kind."""
    title = pandoc_ast.value(attributes, "title")
    heading = lost.inlines(title, at) if title else None
    is_title = content and content[0]["t"] == "Header" and IS_TITLE in content[0]["c"][1][1]
    if heading is None and is_title:
        heading, content = content[0]["c"][2], content[1:]
    return pandoc_ast.node(
        "Div",
        [attributes[0], ["callout", kind], attributes[2]],
        [pandoc_ast.node("Plain", heading or [pandoc_ast.text(kind.capitalize())]), *content],
    )


def take_caption_of_table(attributes: list, content: list) -> None:
    """Make the caption of the one table in a float without a caption that of the float."""
    kind = attributes[0].partition("-")[0]
    tables = [one for one in pandoc_ast.nodes(content) if one["t"] == "Table" and one["c"][1][1]]
    is_captioned = pandoc_ast.value(attributes, f"{kind}-cap") or split_caption(content)[0]
    if len(tables) == 1 and not is_captioned and not tables[0]["c"][0][0]:
        words = [inline for block in tables[0]["c"][1][1] for inline in block["c"]]
        tables[0]["c"][1] = [None, []]
        content.append(pandoc_ast.node("Para", words))


def as_printed(block: dict) -> list:
    """What a cell with `output: asis` shows, whose headings may be those of a tab set."""
    return block["c"][1] if "asis" in (pandoc_ast.attr_of(block) or ["", []])[1] else [block]


def tabset(attributes: list, content: list) -> dict:
    """A Div of tabs: each heading of the first one's level begins one and is its title."""
    level = next((b["c"][0] for b in content if b["t"] == "Header"), 0)
    tabs: list[dict] = []
    for block in content:
        if block["t"] == "Header" and block["c"][0] == level:
            tabs.append(
                pandoc_ast.node(
                    "Div", pandoc_ast.attr("", ["tab"]), [pandoc_ast.node("Plain", block["c"][2])]
                )
            )
        elif tabs:
            tabs[-1]["c"][1].append(block)
    return pandoc_ast.node("Div", [attributes[0], ["tabset"], attributes[2]], tabs)


def lay_out(
    blocks: list, index: Index, fmt: str, options: dict, cells: list[dict], folder: Path
) -> list:
    """Write what pandoc has no node for as raw HTML or typst around the content, bottom-up."""
    write: Any = {"html": constructs_html.Html, "typst": constructs_typst.Typst}[fmt](
        index, options, cells, folder
    )

    def visit(item: dict) -> list | dict | None:
        attributes = pandoc_ast.attr_of(item) or pandoc_ast.attr()
        label, classes = attributes[0], attributes[1]
        kind = item["t"]
        if kind == "Div" and classes[:1] == ["callout"]:
            return write.callout(classes[1], attributes, item["c"][1][0]["c"], item["c"][1][1:])
        if kind == "Div" and classes[:1] == ["tabset"]:
            tabs = write.tabset([(t["c"][1][0]["c"], t["c"][1][1:]) for t in item["c"][1]])
            return [pandoc_ast.div(label, [], tabs)] if label else tabs
        if kind == "Span" and "labelled-equation" in classes:
            return write.equation(
                label,
                pandoc_ast.value(attributes, "number"),
                pandoc_ast.value(attributes, "alt"),
                item["c"][1],
            )
        if kind == "Str":
            return write.word(item)
        if kind in ("Code", "Link"):
            return write.named(item)
        if kind in ("Para", "Plain"):
            return write.paragraph(item)
        if kind == "Header":
            return write.header(item)
        if kind == "Image" and FLOAT.match(label):
            raise ReportError(
                f"{index.place('#' + re.escape(label) + '(?![^ }])')}: the picture #{label} has no "
                "caption, or stands in a line of text or a link; give it a caption and a paragraph"
            )
        if kind == "Image":
            return write.image(item)
        if kind == "Table" and not label:
            return write.table(item, "")
        if FLOAT.match(label) and label in index.entries and kind != "Image":
            return floated(item, label, write)
        if kind == "CodeBlock":
            return write.code(item)
        if kind == "Div" and pandoc_ast.value(attributes, "layout-ncol"):
            cells_, rest = columns(item["c"][1])
            return [
                pandoc_ast.node(
                    "Div",
                    pandoc_ast.without(attributes, "layout-ncol"),
                    write.grid(cells_, column_count(attributes, index)) + rest,
                )
            ]
        if kind == "RawBlock" and item["c"][0] == "pagebreak":
            return write.pagebreak()
        return None

    return pandoc_ast.change(blocks, visit)


def floated(item: dict, label: str, write: Writer) -> list:
    """A labelled Div, Figure, Table or code block as a numbered float. Raises ReportError for code
    without a caption.
    """
    entry, kind = write.index.entries[label], item["t"]
    attributes = pandoc_ast.attr_of(item) or pandoc_ast.attr()
    if kind == "Div":
        caption, content = split_caption(item["c"][1])
        if named := pandoc_ast.value(attributes, f"{entry.kind}-cap"):
            caption, content = lost.inlines(named, write.index.place), item["c"][1]
    elif kind == "Figure":
        caption, content = [b["c"] for b in item["c"][1][1]], item["c"][2]
        caption = caption[0] if caption else []
    elif kind == "Table":
        caption = [i for b in item["c"][1][1] for i in b["c"]]
        item["c"][0], item["c"][1] = (
            pandoc_ast.attr("", item["c"][0][1], item["c"][0][2]),
            [None, []],
        )
        content = write.table(item, pandoc_ast.plain(caption))
    else:
        words = pandoc_ast.value(attributes, "lst-cap")
        if not words:
            at = write.index.place(f"#{re.escape(label)}(?![^ }}])", f"label: {re.escape(label)}")
            raise ReportError(f"{at}: listing {label!r} needs lst-cap")
        caption = lost.inlines(words, write.index.place)
        item["c"][0] = ["", item["c"][0][1], pandoc_ast.without(attributes, "lst-cap")[2]]
        content = as_list(write.code(item) or item)
    if pandoc_ast.value(attributes, "layout-ncol"):
        cells, rest = columns(content)
        content = write.grid(cells, column_count(attributes, write.index)) + rest
    hoisted = [b for b in content if is_code(b)] if kind == "Div" and entry.kind != "lst" else []
    content = [b for b in content if b not in hoisted]
    return hoisted + write.float(
        label,
        entry,
        caption_prefix(entry, caption) + caption,
        content,
    )


def column_count(attributes: list, index: Index) -> int:
    """The number of columns in `layout-ncol`. Raises ReportError if it is none from 1 to 99."""
    given = pandoc_ast.value(attributes, "layout-ncol")
    if not re.fullmatch(r"[1-9]\d?", given):
        raise ReportError(
            f"{index.place('layout-ncol')}: layout-ncol {given!r} is no number of columns; write 2"
        )
    return int(given)


def is_code(block: dict) -> bool:
    return block["t"] == "CodeBlock" and "cell-code" in block["c"][0][1]


def as_list(item: list | dict) -> list:
    return item if isinstance(item, list) else [item]


def split_caption(blocks: list) -> tuple[list, list]:
    """The inlines of the last paragraph, if it is one of text behind others, and the blocks before
    it.
    """
    if (
        len(blocks) > 1
        and blocks[-1]["t"] == "Para"
        and not (len(blocks[-1]["c"]) == 1 and is_picture(blocks[-1]["c"][0]))
    ):
        return blocks[-1]["c"], blocks[:-1]
    return [], blocks


def is_picture(inline: dict) -> bool:
    return inline["t"] == "Image" or inline["t"] == "RawInline" and "picture(" in inline["c"][1]


def columns(blocks: list) -> tuple[list[list], list]:
    """Content as grid cells: raw blocks that open and close one float stay together, the rest is
    one cell each.
    """
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
