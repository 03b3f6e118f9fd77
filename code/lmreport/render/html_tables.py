"""Tables that a cell gives as HTML, such as pandas' data frames and its Styler's, as pandoc's tables:
also those with cells across rows or columns, and with cells in colours.
"""

from __future__ import annotations

import re

import lxml.etree
import lxml.html

from lmreport.render import lost, pandoc_ast
from lmreport.render.pandoc_ast import Blocks, Node

FORMAT = "table-of-a-cell"  # of the raw blocks of Markdown that hold such a table
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
ELEMENT = re.compile(r"#([\w-]+)\s+(td|th)")  # a selector for all cells of a kind in a table
BOLD = ("bold", "bolder", "600", "700", "800", "900")
CELL = re.compile(r"(<t[dh]\b[^>]*>)(.*?)(?=</t[dh]>)", re.DOTALL)
SPANS = ("rowspan", "colspan")
Style = dict[str, str]  # {property of CSS: its value}


def with_words(html: str) -> str:
    """The table with words in angle brackets in its cells, such as <pad>, as the texts that they are."""
    return CELL.sub(lambda cell: cell[1] + lost.with_words(cell[2]), html)


def cleaned(html: str) -> tuple[str, bool]:
    """The table with its colours at its cells and nothing else of its looks, and whether it has such
    cells, cells across others, or a head of several rows, which a table of pipes has not.
    """
    whole = lxml.html.fragment_fromstring(html, create_parent="div")
    rules = [
        (selector.strip(), style(text))
        for sheet in whole.iter("style")
        for selectors, text in RULE.findall(sheet.text or "")
        for selector in selectors.split(",")
    ]
    of_cell = {
        selector[1:]: found for selector, found in rules if re.fullmatch(r"#[\w-]+", selector)
    }
    of_kind = {kind.groups(): found for one, found in rules if (kind := ELEMENT.fullmatch(one))}
    is_rich = False
    for table in whole.iter("table"):
        name = table.get("id", "")
        is_rich = is_rich or len(table.findall("thead/tr")) > 1
        for cell in table.iter("td", "th"):
            looks = style(cell.get("style", "")) | of_cell.get(cell.get("id", ""), {})
            looks |= of_kind.get((name, cell.tag), {})
            kept = {span: cell.get(span) for span in SPANS if cell.get(span, "1") != "1"}
            kept |= {"style": css} if (css := written(looks)) else {}
            is_rich = is_rich or bool(kept)
            cell.attrib.clear()
            cell.attrib.update(kept)
        for part in (table, *table.iter("tr")):
            part.attrib.clear()
    for sheet in list(whole.iter("style")):
        sheet.drop_tree()
    return "".join(
        lxml.etree.tostring(one, encoding="unicode", method="html") for one in whole
    ), is_rich


def style(text: str) -> Style:
    """The properties that are told in `text`, in small letters."""
    pairs = (one.partition(":") for one in text.lower().replace("!important", "").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def written(looks: Style) -> str:
    """What all formats can show of the looks of a cell, as CSS: colours, bold and italic letters.

    Letters on a colour have one too, and black letters none without it: a page may be dark.
    """
    back, ink = colour(looks.get("background-color", "")), colour(looks.get("color", ""))
    if back and not ink:
        ink = "#000000" if brightness(back) > 110 else "#ffffff"
    elif ink and not back and brightness(ink) < 20:
        ink = ""
    shown = {
        "background-color": back,
        "color": ink,
        "font-weight": "bold" * (looks.get("font-weight") in BOLD),
        "font-style": "italic" * (looks.get("font-style") in ("italic", "oblique")),
    }
    return "; ".join(f"{name}: {value}" for name, value in shown.items() if value)


def colour(value: str) -> str:
    """A colour of CSS as #rrggbb; "" where it is none that is seen."""
    from PIL import ImageColor

    try:
        red, green, blue, *opacity = ImageColor.getrgb(value)
    except ValueError:
        return ""
    return "" if opacity == [0] else f"#{red:02x}{green:02x}{blue:02x}"


def colour_letters(blocks: Blocks) -> None:
    """Have typst show the colour of letters that the style of a Span or Div gives, unless they stand
    on another colour, without which they may not be seen.
    """
    for item in pandoc_ast.nodes(blocks):
        if item["t"] in ("Span", "Div"):
            looks = style(pandoc_ast.value(item["c"][0], "style"))
            ink = colour(looks.get("color", ""))
            if ink and not {"background", "background-color"} & looks.keys():
                item["c"][0][2].append(["typst:text:fill", f'rgb("{ink}")'])


def brightness(colour: str) -> float:
    """From 0 to 255, as eyes see a colour."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def as_raw(html: str) -> str:
    """Markdown that holds the table until `read`."""
    text = html.strip()
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks}{{={FORMAT}}}\n{text}\n{ticks}"


def read(blocks: Blocks, fmt: str) -> Blocks:
    """`blocks` with each table that `as_raw` wrote as one of pandoc's."""
    held = [one for one in pandoc_ast.nodes(blocks) if is_held(one)]
    if not held:
        return blocks
    html = "".join(f"<div>{one['c'][1]}</div>" for one in held)
    tables = iter(pandoc_ast.read_markdown(html, reader="html")["blocks"])

    def visit(item: Node) -> Blocks | None:
        return pandoc_ast.change(next(tables)["c"][1], as_shown) if is_held(item) else None

    def as_shown(item: Node) -> None:
        if item["t"] != "Table":
            return
        head, bodies = item["c"][3], item["c"][4]
        for body in bodies:
            body[1] = 0  # columns of heads: letters as in other tables
        rows = [row for part in (head[1], *(body[3] for body in bodies)) for row in part]
        for attributes in (cell[0] for row in rows for cell in row[1]):
            if fmt == "typst":
                looks = style(pandoc_ast.value(attributes, "style"))
                attributes[2] = [[name, value] for name, value in of_typst(looks).items()]

    return pandoc_ast.change(blocks, visit)


def is_held(item: Node) -> bool:
    return item["t"] == "RawBlock" and item["c"][0] == FORMAT


def of_typst(looks: Style) -> Style:
    """The looks of a cell as attributes that pandoc's typst takes."""
    found = {
        "typst:fill": looks.get("background-color", ""),
        "typst:text:fill": looks.get("color", ""),
    }
    told = {name: f'rgb("{value}")' for name, value in found.items() if value}
    if "font-weight" in looks:
        told["typst:text:weight"] = '"bold"'
    if "font-style" in looks:
        told["typst:text:style"] = '"italic"'
    return told
