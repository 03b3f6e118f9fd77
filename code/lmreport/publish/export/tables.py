"""Tables as CSV, Markdown, LaTeX and typst."""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
import re

from lmreport.publish.export import latex_cleanup, metadata
from lmreport.render import pandoc_ast
from lmreport.render.table_layout import natural

PIPES = "markdown-simple_tables-multiline_tables-grid_tables"
FORMATS = {
    "md": (PIPES, "markdown", "<!--"),
    "tex": ("latex", "latex", "%"),
    "typ": ("typst", "typst", "//"),
}


def files(items: list, work) -> dict[str, dict[str, bytes]]:
    """{label: {ending: bytes}} of the tables; one call of pandoc for each format, whatever their
    number.

    The sha256 that each file states is that of the CSV. Where numbers were rounded for the reader,
    `values.csv` has them in full.
    """
    clean = [plain_table(item) for item in items]
    written = {ending: split(clean, *FORMATS[ending][:2]) for ending in FORMATS} if items else {}
    by_label = {}
    for item, table in zip(items, clean, strict=True):
        lines, full = rows(table), rows(pandoc_ast.change(copy.deepcopy(item.table), full_value))
        data = as_csv(lines)
        said = metadata.about(item, work, hashlib.sha256(data).hexdigest())
        by_label[item.label] = {
            "csv": data,
            "csv-metadata.json": metadata.csvw(
                said, lines[0], f"{item.label}.csv", work.licence_url
            ).encode(),
        }
        if full != rows(item.table):
            by_label[item.label]["values.csv"] = as_csv(full)
        for ending, texts in written.items():
            by_label[item.label][ending] = commented(texts[item.label], ending, said)
        narrow = latex_cleanup.tabular(written["tex"][item.label])
        if narrow:
            by_label[item.label]["tabular.tex"] = commented(narrow, "tex", said)
    return by_label


def commented(text: str, ending: str, said: dict) -> bytes:
    """A table with what is said of it on top, in LaTeX with the packages that it needs."""
    above = latex_cleanup.needs(text) if ending == "tex" else ""
    return (metadata.comment(said, FORMATS[ending][2]) + above + text).encode()


def plain_table(item) -> dict:
    """The Table node with its label and caption, without what has a meaning only inside the
    report.
    """
    table = natural(pandoc_ast.change(copy.deepcopy(item.table), outside))
    table["c"][0] = pandoc_ast.attr(item.label)
    table["c"][1] = [None, [pandoc_ast.node("Plain", pandoc_ast.words(item.caption))]]
    return table


def outside(node: dict):
    """Spans of computed numbers, links into the report and citations become their text."""
    if node["t"] == "Span":
        return node["c"][1]
    if node["t"] == "Link" and node["c"][2][0].startswith("#"):
        return node["c"][1]
    return node["c"][1] if node["t"] == "Cite" else None


def full_value(node: dict):
    """A computed number becomes its value in full; a computed word stays."""
    if node["t"] != "Span" or pandoc_ast.value(node["c"][0], "data-as").startswith("one:"):
        return None
    value = pandoc_ast.value(node["c"][0], "data-value")
    return pandoc_ast.text(value.removesuffix(".0")) if value else None


def rows(table: dict) -> list[list[str]]:
    """The text of all cells, each as often as it covers columns and rows; the head first, as one
    line in which the names that stand above each other are joined, as in "test F1".
    """
    heads = spread(table["c"][3][1])
    bodies = [[*spread(body[2]), *spread(body[3])] for body in table["c"][4]]
    names = [" ".join(dict.fromkeys(filter(None, above))) for above in zip(*heads, strict=True)]
    return [*([names] if heads else []), *sum(bodies, []), *spread(table["c"][5][1])]


def spread(part: list) -> list[list[str]]:
    """The texts of some rows of a table, with a cell's in each place that it covers."""
    texts: list[dict[int, str]] = [{} for _ in part]
    for at, row in enumerate(part):
        column = 0
        for _, _, height, width, blocks in row[1]:
            while column in texts[at]:
                column += 1
            text = " ".join(pandoc_ast.plain(blocks).split())
            for below in texts[at : at + height]:
                below.update(dict.fromkeys(range(column, column + width), text))
    return [[line[column] for column in sorted(line)] for line in texts]


def as_csv(lines: list[list[str]]) -> bytes:
    """CSV as RFC 4180 has it, in UTF-8; a minus sign before a digit becomes the hyphen that
    programs read.
    """
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [re.sub(r"−(?=\d)", "-", cell) for cell in line] for line in lines
    )
    return out.getvalue().encode()


def split(tables: list[dict], to: str, raw: str) -> dict[str, str]:
    """{label: text} of the tables in the format `to`, written by one pandoc and parted at raw
    blocks.
    """
    blocks = [
        block
        for table in tables
        for block in (pandoc_ast.raw(raw, f"=====table {table['c'][0][0]}====="), table)
    ]
    text, _ = pandoc_ast.pandoc(
        json.dumps({"pandoc-api-version": pandoc_ast.version(), "meta": {}, "blocks": blocks}),
        "-f",
        "json",
        "-t",
        to,
        "--wrap=none",
        "--columns=500",
        *(["--ascii"] if to == "latex" else []),
    )
    if to == "latex":
        text = latex_cleanup.compiled(text)
    parts = re.split(r"^=====table (\S+)=====$", text, flags=re.M)
    return {
        label: body.strip() + "\n" for label, body in zip(parts[1::2], parts[2::2], strict=True)
    }
