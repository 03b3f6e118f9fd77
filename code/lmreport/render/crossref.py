"""Numbers and links: sections, figures, tables, listings and equations as genuine Quarto words and
counts them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast
from lmreport.render.document_options import near
from lmreport.render.lines import Cell
from lmreport.render.source import place

NAMES = {"fig": "Figure", "tbl": "Table", "lst": "Listing", "eq": "Equation", "sec": "Section"}
UNSUPPORTED = (
    "thm lem cor prp cnj def exm exr sol rem alg nte tip wrn imp cau vid dia supplfig".split()
)
BEHIND = {  # where a label that is missing stands
    "fig": "; write {{#{0}}} behind the picture, or #| label: {0} in its cell",
    "tbl": "; write {{#{0}}} at the end of the caption, or #| label: {0} in its cell",
    "lst": '; write ```{{#{0} .python lst-cap="…"}} above the code, or #| lst-label: {0} in its cell',
    "eq": "; write {{#{0}}} behind the last $$",
    "sec": "; write {{#{0}}} behind the heading",
}
FLOAT = re.compile(r"(fig|tbl|lst)-\S")
MADE = {"html": "page", "typst": "PDF"}
TOP = ("tbl", "lst")  # captions of these stand above
NBSP = "\u00a0"


@dataclass
class Entry:
    kind: str
    number: str  # "3", "3.2" or, for a part of a float, "3 (a)"
    part: str = ""  # "(a)" for a part of a float


@dataclass
class Index:
    """What can be referred to, by label, and every identifier of the document."""

    cells: list[Cell]
    entries: dict[str, Entry] = field(default_factory=dict)
    identifiers: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    sections: list[int] = field(default_factory=lambda: [0] * 7)
    numbered: bool = True
    depth: int = 6
    first: int = 1  # the level of the highest heading

    def place(self, *patterns: str, among: str = "") -> str:
        return place(self.cells, *patterns, among=among)

    def next(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return str(self.counts[kind])


def number(blocks: list, cells: list[Cell], options: dict) -> Index:
    """Give every section, float and equation of `blocks` its number, in the order of the
    document.
    """
    index = Index(
        cells, numbered=bool(options.get("number-sections")), depth=options.get("number-depth", 6)
    )
    levels = [item["c"][0] for item in pandoc_ast.nodes(blocks) if item["t"] == "Header"]
    index.first = min(levels, default=1)
    _number(blocks, index, None)
    if options.get("bibliography"):
        index.identifiers.add("refs")  # of the list of sources
    return index


def _number(item: object, index: Index, inside: str | None) -> None:
    if isinstance(item, list):
        for one in item:
            _number(one, index, inside)
        return
    if not isinstance(item, dict):
        return
    if "t" not in item:
        return _number(list(item.values()), index, inside)
    label = (pandoc_ast.attr_of(item) or [""])[0]
    if label:
        register(label, index)
        if item["t"] == "Div" and label.split("-")[0] in UNSUPPORTED and "-" in label:
            raise ReportError(
                f"{index.place('#' + re.escape(label))}: blocks of the kind #{label} are not "
                "supported; leave the label and what refers to it out, or render with Quarto"
            )
    if item["t"] == "Div" and label.startswith("eq-") or is_labelled(item):
        raise ReportError(
            f"{index.place('#' + re.escape(label) if label else LABEL)}: a formula gets its label "
            "behind it: $$ … $$ {#eq-name}, in the line of the last $$"
        )
    if item["t"] == "Header":
        number_section(item, index)
    elif item["t"] in ("Para", "Plain"):
        label_equations(item, index)
    elif FLOAT.match(label) and item["t"] in ("Div", "Figure", "Table", "CodeBlock", "Image"):
        kind = label.split("-")[0]
        if inside:
            count = index.counts[inside] = index.counts.get(inside, 0) + 1
            letter = f"({chr(96 + count)})"
            index.entries[label] = Entry(kind, f"{index.entries[inside].number} {letter}", letter)
        else:
            index.entries[label] = Entry(kind, index.next(kind))
            inside = label
    _number(item.get("c"), index, inside)


EMPTY = r"\]\(\s*(<\s*>)?\s*\)|^\s*\[[^]]+\]:\s*$"  # a link without an address
LABEL = r"\\label *\{"  # of LaTeX


def is_labelled(item: dict) -> bool:
    """Whether `item` is a formula with a label of LaTeX in it."""
    return item["t"] == "Math" and re.search(LABEL, item["c"][1]) is not None


def register(label: str, index: Index) -> None:
    """Note `label` among the identifiers. Raises ReportError if it is there already."""
    if label in index.identifiers:
        name = re.escape(label)
        hint = "" if FLOAT.match(label) else " (a heading without one is named after its words)"
        raise ReportError(
            f"{index.place('#' + name + '(?![^ }])', 'label: ' + name)}: label {label!r} is given "
            f"twice; give another one here{hint}"
        )
    index.identifiers.add(label)


def number_section(header: dict, index: Index) -> None:
    """Give a heading its number, shown as deep as the options say; none if it is unnumbered."""
    level, (label, classes, pairs), _ = header["c"]
    pairs[:] = [pair for pair in pairs if pair[0] != "number"]  # the author's own says nothing
    if "unnumbered" in classes:
        return
    index.sections[level:] = [0] * (7 - level)
    index.sections[level - 1] += 1
    start = 0 if index.first == 1 else 1
    shown = ".".join(str(n) for n in index.sections[start:level])
    if index.numbered and level <= index.depth:
        pairs.append(["number", shown])
    if label.startswith("sec-"):
        index.entries[label] = Entry("sec", shown)


def label_equations(para: dict, index: Index) -> None:
    """Put each labelled display equation into a Span with its label and number: `$$…$$ {#eq-x
    alt="…"}`.
    """
    out, inlines, i = [], para["c"], 0
    while i < len(inlines):
        math = inlines[i]
        i += 1
        if math["t"] != "Math" or math["c"][0]["t"] != "DisplayMath":
            out.append(math)
            continue
        start = i + 1 if i < len(inlines) and inlines[i]["t"] in ("Space", "SoftBreak") else i
        text, end = "", start
        while end < len(inlines) and (
            end > start or pandoc_ast.plain(inlines[end]).startswith("{#eq-")
        ):
            text += as_source(inlines[end])
            end += 1
            if text.endswith("}"):
                break
        match = re.fullmatch(
            r"\{#(eq-[^\s}]+)\s*(?:alt\s*=\s*(?:\"(.*)\"|'(.*)'))?\s*\}", text, re.DOTALL
        )
        if not match:
            out.append(math)
            continue
        label = match[1]
        index.entries[label] = Entry("eq", index.next("eq"))
        alt = (match[2] or match[3] or "").replace('\\"', '"')
        pairs = [["number", index.entries[label].number]] + ([["alt", alt]] if alt else [])
        out.append(
            pandoc_ast.node("Span", pandoc_ast.attr(label, ["labelled-equation"], pairs), [math])
        )
        i = end
    para["c"] = out


def as_source(inline: dict) -> str:
    if inline["t"] == "Quoted":
        mark = '"' if inline["c"][0]["t"] == "DoubleQuote" else "'"
        return mark + pandoc_ast.plain(inline["c"][1]) + mark
    return pandoc_ast.plain(inline)


def link(blocks: Any, index: Index, fmt: str) -> Any:
    """Turn `@fig-x` and its like into links with the right words; check every link inside the
    document.
    """

    def visit(item: dict) -> list | None:
        if item["t"] == "Cite":
            return references(item["c"][0], index, fmt)
        if item["t"] == "Link" and not item["c"][2][0].strip():
            raise ReportError(
                f"{index.place(EMPTY)}: the link {pandoc_ast.plain(item['c'][1])!r} leads nowhere; "
                "write its address between the ( ), or \\[ and \\] for brackets"
            )
        if item["t"] == "Link" and item["c"][2][0] == "#" and fmt == "typst":
            return item["c"][1]  # the top of the page
        if item["t"] == "Link" and item["c"][2][0].startswith("#"):
            target = item["c"][2][0][1:]
            if target and target not in {*index.identifiers, "title-block-header"}:
                hint = near(target, index.identifiers)
                raise ReportError(
                    f"{index.place('[(]#' + re.escape(target))}: link to #{target}, which does not "
                    f"exist{hint or f'; write {{#{target}}} behind what it leads to'}"
                )
        return None

    return pandoc_ast.change(blocks, visit)


def link_title_block(meta: dict, index: Index, fmt: str, front: Cell) -> dict:
    """`meta` with the cross-references of its texts as links; front: where these stand."""
    there = replace(index, cells=[front])
    return {
        key: value if key == "nocite" else link(value, there, fmt) for key, value in meta.items()
    }


def references(citations: list[dict], index: Index, fmt: str) -> list | None:
    """The links that cross-references such as `@fig-x; @tbl-y` become; None for citations of
    sources.

    Raises ReportError for a label that nothing has, a kind that is not supported, a section without
    numbers, words behind a cross-reference in its bracket, and for cross-references and citations
    in one.
    """
    starts = [re.match(r"([A-Za-z]+)-", c["citationId"]) for c in citations]
    kinds = [m[1][0].lower() + m[1][1:] if m else "" for m in starts]
    for citation, kind in zip(citations, kinds, strict=True):
        if kind in UNSUPPORTED:
            at = index.place("@" + re.escape(citation["citationId"]))
            raise ReportError(
                f"{at}: references of the kind @{kind}- are not supported; "
                "name in words what is meant, or render with Quarto"
            )
    ours = [k in NAMES for k in kinds]
    if not any(ours):
        return None
    if not all(ours):
        at = index.place(".*".join("@" + re.escape(c["citationId"]) for c in citations))
        key = next(
            c["citationId"] for c, is_ours in zip(citations, ours, strict=True) if not is_ours
        )
        label = citations[ours.index(True)]["citationId"]
        raise ReportError(
            f"{at}: a cross-reference and a citation stand in one bracket or directly after each "
            f"other; write @{label} and [@{key}], with a word between them"
        )
    out: list[dict] = []
    for citation in citations:
        label = citation["citationId"][0].lower() + citation["citationId"][1:]
        entry = index.entries.get(label)
        if entry is None:
            at = index.place("@" + re.escape(citation["citationId"]) + r"(?![\w-])")
            kind = NAMES[label.split("-")[0]].lower()
            why = f"no {kind} has this label" + (
                near(label, index.entries) or BEHIND[label.split("-")[0]].format(label)
            )
            if any(cell.label == label for cell in index.cells):
                why = f"the cell with this label shows no {kind}"
            elif is_hidden(label, index):
                why = (
                    f"the {kind} with this label is not in the {MADE[fmt]}; refer to it there alone"
                )
            elif label in index.identifiers and kind == "section":
                why = (
                    f"the section has no number; leave .unnumbered out, or write [words](#{label})"
                )
            raise ReportError(f"{at}: @{citation['citationId']} refers to nothing; {why}")
        if entry.kind == "sec" and not index.numbered:
            raise ReportError(
                f"{index.place('@' + re.escape(label))}: @{label} needs number-sections: true"
            )
        if citation["citationSuffix"]:
            words = " ".join(pandoc_ast.plain(citation["citationSuffix"]).split())
            is_in_text = citation["citationMode"]["t"] == "AuthorInText"
            key, first = (
                re.escape("@" + citation["citationId"]),
                re.escape((words.split() or [""])[0]),
            )
            at = index.place(f"{key}.*{first}", rf"\[[^]]*{key}[^]]*$", rf"{key} \[[^]]*$")
            raise ReportError(
                f"{at}: {words!r} stands in the brackets behind @{citation['citationId']} and would "
                f"be lost; {'write ( )' if is_in_text else 'put it behind the ]'}"
            )
        if out:
            out += [pandoc_ast.text(","), pandoc_ast.node("Space")]
        out.append(
            pandoc_ast.node(
                "Link",
                pandoc_ast.attr("", ["quarto-xref"]),
                wording(citation, entry, fmt),
                ["#" + label, ""],
            )
        )
    return out


def is_hidden(label: str, index: Index) -> bool:
    """Whether `label` stands in the sources and, by a condition, not in what is written."""
    given = re.compile(rf"\{{#{re.escape(label)}(?![\w-])")
    written = any(given.search(line.text) for cell in index.cells for line in cell.lines)
    return written and label not in index.identifiers


def wording(citation: dict, entry: Entry, fmt: str) -> list[dict]:
    """The words of a link: "Figure 3", for [Fig. @fig-x] "Fig. 3", for [-@fig-x] "3"."""
    number = entry.number.replace(" ", NBSP)
    if (
        fmt == "typst" and entry.part
    ):  # "Figure 1a" in the PDF, "Figure 1 (a)" on the page, as Quarto has it
        number = number.replace(NBSP, "").translate({40: None, 41: None})
    if citation["citationPrefix"]:
        return [*citation["citationPrefix"], pandoc_ast.text(NBSP + number)]
    if citation["citationMode"]["t"] == "SuppressAuthor":
        return [pandoc_ast.text(number)]
    return [pandoc_ast.text(f"{NAMES[entry.kind]}{NBSP}{number}")]


def caption_prefix(entry: Entry, caption: list) -> list[dict]:
    """What stands before a caption: "Figure 1: " or, for a part, "(a) "; alone, "Figure 1" and "(a)"."""
    name = entry.part or f"{NAMES[entry.kind]}{NBSP}{entry.number}" + ":" * bool(caption)
    return [pandoc_ast.text(name), *([pandoc_ast.node("Space")] if caption else [])]
