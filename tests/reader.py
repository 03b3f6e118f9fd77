"""What a reader sees on a page, in the same words for both renderers' pages."""

from __future__ import annotations

import re
from pathlib import Path

from rendering import Page, text

BLOCKS = set(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p section summary ul iframe video".split()
)
SKIPPED = {"script", "style", "annotation", "button", "template", "nav"}
UNSEEN = {"screen-reader-only", "hidden", "d-none", "visually-hidden", "quarto-appendix-heading"}
HEADING = re.compile("h([1-6])$")


def seen(path: Path) -> dict[str, list[str]]:
    """Title, lines of text, notes, sources, alternative texts, links inside the page and headings
    with their identifiers. The title block's other parts and formulas' signs are left out: the
    renderers set them differently on purpose.
    """
    page = Page(path)
    main = next(page.find(lambda e: e[0] == "main"))
    reading = Reading()
    reading.inside(main)
    reading.flush()
    head = next(page.find(lambda e: e[1].get("id") == "title-block-header"), ["", {}, []])
    inside = [e for e in page.find(is_inside_link, main) if text(e)]
    return {
        "title": [text(e) for e in page.find(lambda e: classes(e) & {"title", "subtitle"}, head)],
        "lines": reading.lines,
        "notes": reading.notes,
        "sources": reading.sources,
        "alternatives": reading.alternatives,
        "links": [f"{text(e)} {e[1]['href']}" for e in inside],
        "headings": list(headings(page.tree, "")),
    }


def classes(element: list) -> set[str]:
    return set((element[1].get("class") or "").split())


def is_inside_link(element: list) -> bool:
    target = element[1].get("href") or ""
    is_text = element[1].get("role") != "tab" and "footnote-back" not in classes(element)
    return element[0] == "a" and re.match("#.", target) is not None and is_text


def headings(element: list, section: str):
    """Each heading's identifier, which may be its section's, and words."""
    for child in element[2]:
        if not isinstance(child, list):
            continue
        if HEADING.match(child[0]) and not classes(child) & {"title", *UNSEEN}:
            yield f"{child[1].get('id') or section} {text(child)}"
        elif child[0] != "nav":
            yield from headings(child, child[1].get("id") if child[0] == "section" else section)


class Reading:
    """The lines of a page: one for each block of text, row of a table, line of code."""

    def __init__(self):
        self.lines: list[str] = []
        self.notes: list[str] = []
        self.sources: list[str] = []
        self.alternatives: list[str] = []
        self.words, self.mark = "", ""

    def flush(self) -> None:
        words = " ".join(self.words.replace("\u00a0", " ").split())
        if words:
            self.lines.append(self.mark + words)
            self.mark = ""
        self.words = ""

    def line(self, words: str) -> None:
        self.flush()
        self.lines.append(words)

    def inside(self, element: list) -> None:
        for child in element[2]:
            if isinstance(child, str):
                self.words += child
            else:
                self.element(child)

    def element(self, e: list) -> None:
        tag, css = e[0], classes(e)
        hidden = "display: none" in (e[1].get("style") or "")
        if tag in SKIPPED or css & UNSEEN or hidden or e[1].get("id") == "title-block-header":
            return
        if e[1].get("role") == "doc-endnotes":
            self.notes += [text(note).removesuffix("↩︎").strip() for note in within(e, "li")]
        elif "csl-entry" in css:
            self.sources.append(text(e))
        elif tag == "img":
            self.words += " [picture] "
            self.alternatives.append(e[1].get("alt") or "")
        elif tag in ("svg", "math") or "math" in css:
            self.words += " [svg] " if tag == "svg" else " [math] "
        elif tag == "br":
            self.words += " "
        elif tag == "pre":
            self.flush()
            self.lines += [f"` {line.rstrip()}" for line in code(e).strip("\n").split("\n")]
        elif tag == "table":
            self.table(e)
        elif "panel-tabset" in css:
            self.tabs(e)
        elif "nav-item" in css:  # a tab of Quarto's
            self.line(f"tab {text(e)}")
        else:
            self.block(e) if tag in BLOCKS else self.inside(e)

    def block(self, e: list) -> None:
        self.flush()
        tag, css = e[0], classes(e)
        if tag == "hr":
            self.line("----")
        elif tag == "li":
            self.mark += "- "
        elif tag == "ol":
            self.line(f"from {e[1].get('start') or 1} as {e[1].get('type') or 1}")
        elif heading := HEADING.match(tag):
            self.mark = "#" * int(heading[1]) + " "
        elif tag == "details":
            e = self.unfolded(e)
        elif "callout-collapse" in css:
            self.line("open" if "show" in css else "folded")
        self.inside(e)
        self.flush()

    def unfolded(self, e: list) -> list:
        """A fold without its summary, which is read first, and then whether it is open."""
        summary = [child for child in e[2] if isinstance(child, list) and child[0] == "summary"]
        for child in summary:
            self.block(child)
        self.line("open" if "open" in e[1] else "folded")
        return [e[0], e[1], [child for child in e[2] if child not in summary]]

    def table(self, e: list) -> None:
        self.flush()
        self.lines += [text(caption) for caption in within(e, "caption")]
        for row in within(e, "tr"):
            cells = [text(cell) for cell in row[2] if isinstance(cell, list)]
            self.lines.append("| " + " | ".join(cells))

    def tabs(self, e: list) -> None:
        """A tab set: all names, then all contents, as Quarto's page has them."""
        tabs = [tab for tab in e[2] if isinstance(tab, list) and "tab" in classes(tab)]
        if not tabs:
            return self.block(e)
        self.flush()
        titles = [child for tab in tabs for child in tab[2] if is_title(child)]
        self.lines += [f"tab {text(title)}" for title in titles]
        for tab in tabs:
            self.block([tab[0], tab[1], [child for child in tab[2] if not is_title(child)]])


def is_title(child: list | str) -> bool:
    return isinstance(child, list) and "tab-title" in classes(child)


def within(element: list, tag: str) -> list[list]:
    """All elements of a kind inside `element`."""
    found = []
    for child in element[2]:
        if isinstance(child, list):
            found += [child] if child[0] == tag else []
            found += within(child, tag)
    return found


def code(element: list | str) -> str:
    """The text of a block of code as it stands."""
    if isinstance(element, str):
        return element.replace("\u00a0", " ")
    return "" if element[0] in SKIPPED else "".join(code(child) for child in element[2])
