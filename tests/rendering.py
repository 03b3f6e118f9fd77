"""What the tests of the renderer share: throw-away projects, and what a reader finds in their
pages.
"""

from __future__ import annotations

import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pikepdf
import yaml

from lmreport.render import render

ROOT = Path(__file__).resolve().parents[1]
BIB = "@article{vaswani2017, title={Attention}, author={Vaswani, Ashish}, journal={NeurIPS}, year={2017}}\n"
OPTIONS = """
project: {type: default, output-dir: _report, render: [report/*.qmd]}
lang: en
number-sections: true
citeproc: true
link-citations: true
bibliography: report/references.bib
filters: [quarto, report/filters/spoken-math.lua, report/filters/small-print.lua]
execute: {echo: true, warning: false}
format:
  html: {embed-resources: true, html-math-method: mathml, toc: true, code-fold: true, theme: default}
  typst: {output-ext: pdf, papersize: a4, toc: true, section-numbering: "1.1.1", pdf-standard: ua-1}
"""
FRONT = "---\ntitle: A test\ndate: 2026-01-02\n---\n\n"


def project(
    folder: Path, body: str, front: str = FRONT, options: str = OPTIONS, **parts: str
) -> Path:
    """A project with one document; `parts` are included files by name (without underscore and
    ending).
    """
    report = folder / "report"
    (report / "filters").mkdir(parents=True)
    for path in (ROOT / "report/filters").glob("*.lua"):
        shutil.copy(path, report / "filters")
    (folder / "_quarto.yml").write_text(options)
    (report / "index.qmd").write_text(front + body)
    (report / "references.bib").write_text(BIB)
    for name, text in parts.items():
        (report / f"_{name}.qmd").write_text(text)
    return folder


def own(folder: Path, formats=("html", "typst"), **options) -> Path:
    """Render with the project's own renderer; the folder of the results."""
    render(folder, formats, **options)
    return folder / "_report" / "report"


def interrupted(folder: Path, started: Path, number: int = signal.SIGINT) -> str:
    """What a render of `folder` says that Ctrl-C, or the signal `number`, stops once its cells have
    made the file `started`.
    """
    code = f"from pathlib import Path; from lmreport.render import render; render(Path({str(folder)!r}))"
    done = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    while not started.is_file():
        assert done.poll() is None
        time.sleep(0.1)
    done.send_signal(number)
    return done.communicate(timeout=60)[1]


def quarto(folder: Path, *options: str) -> Path:
    """Render with genuine Quarto, whose Jupyter is that of this Python; the folder of the
    results.
    """
    done = subprocess.run(
        ["quarto", "render", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "QUARTO_PYTHON": sys.executable},
    )
    assert done.returncode == 0, done.stderr
    return folder / "_report" / "report"


VOID = {"meta", "link", "img", "br", "hr", "col", "input", "wbr"}


class Page(HTMLParser):
    """A page as nested [tag, attributes, children] lists, with the questions that tests ask of
    it.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tree = ["", {}, []]
        self.open = [self.tree]
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        item = [tag, dict(attributes), []]
        self.open[-1][2].append(item)
        if tag not in VOID:
            self.open.append(item)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        while len(self.open) > 1 and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        self.open[-1][2].append(data)

    def find(self, test, item=None):
        item = item or self.tree
        for child in item[2]:
            if isinstance(child, list):
                if test(child):
                    yield child
                yield from self.find(test, child)

    def tags(self, *names, css=None):
        main = next(self.find(lambda e: e[0] == "main"))
        return [
            e
            for e in self.find(lambda e: e[0] in names, main)
            if css is None or css in (e[1].get("class") or "").split()
        ]

    def facts(self) -> dict[str, list[str]]:
        """What both renderers must agree on."""
        return {
            "headings": [
                text(e)
                for e in self.tags("h1", "h2", "h3", "h4")
                if "title" not in (e[1].get("class") or "") and text(e) != "Footnotes"
            ],
            "captions": [text(e) for e in self.tags("figcaption")],
            "references": [f"{text(e)} {e[1]['href']}" for e in self.tags("a", css="quarto-xref")],
            "cells": [text(e) for e in self.tags("td", "th")],
            "entries": [text(e) for e in self.tags("div", css="csl-entry")],
            "alternatives": [e[1].get("alt", "") for e in self.tags("img")],
            "outputs": [text(e) for e in self.tags("div", css="cell-output-stdout")],
        }


def text(item) -> str:
    """The words of an element as a reader sees them."""

    def walk(e):
        if isinstance(e, str):
            return e
        if (
            e[0] in ("script", "style", "annotation", "button")
            or "anchor" in (e[1].get("class") or "").split()
        ):
            return ""
        return "".join(walk(c) for c in e[2])

    return " ".join(walk(item).replace("\u00a0", " ").split())


def pdf_text(path: Path) -> str:
    """The characters of a PDF in reading order without blanks, decoded with the fonts' own
    tables.
    """
    out = []
    with pikepdf.open(path) as pdf:
        for page in pdf.pages:
            fonts = {
                name: characters(font) for name, font in page.Resources.get("/Font", {}).items()
            }
            out.append(page_text(page, fonts))
    return squeezed("".join(out))


def without_questions(words: str) -> str:
    """The text of a page without the questions of the assignment, as report/rubric.yml has them."""
    items = yaml.safe_load((ROOT / "report" / "rubric.yml").read_text("utf-8"))["items"]
    for item in items:
        words = words.replace(item["question"].strip(), "")
    return words


def squeezed(words: str) -> str:
    """`words` without blanks, for comparison with `pdf_text` (typst places words, it does not write
    blanks).
    """
    return re.sub(r"[\s\u00a0\u200b]+", "", words)


def bold_text(path: Path) -> str:
    """The words of a PDF in bold letters, without blanks."""
    with pikepdf.open(path) as pdf:
        found = ""
        for page in pdf.pages:
            fonts = {
                name: characters(font)
                for name, font in page.Resources.Font.items()
                if "Bold" in str(font.BaseFont)
            }
            found += page_text(page, collections.defaultdict(dict, fonts))
        return squeezed(found)


def page_text(page, fonts: dict) -> str:
    out, font = [], {}
    for operands, operator in pikepdf.parse_content_stream(page):
        name = str(operator)
        if name == "Tf":
            font = fonts[str(operands[0])]
        elif name in ("Tj", "TJ"):
            for part in operands[0] if name == "TJ" else operands:
                if isinstance(part, pikepdf.String):
                    data = bytes(part)
                    out += [font.get(data[i : i + 2], "") for i in range(0, len(data), 2)]
    return "".join(out)


def characters(font) -> dict[bytes, str]:
    """Glyph code → characters, from a font's ToUnicode table."""
    table = bytes(font.ToUnicode.read_bytes()).decode("ascii")
    found = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for code, value in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            found[bytes.fromhex(code)] = bytes.fromhex(value).decode("utf-16-be")
    for block in re.findall(r"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, value in re.findall(
            r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block
        ):
            start = int(value, 16)
            for n, code in enumerate(range(int(first, 16), int(last, 16) + 1)):
                found[code.to_bytes(2, "big")] = chr(start + n)
    return found
