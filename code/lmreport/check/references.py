"""Does every link in the page, every reference and every citation lead somewhere?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from lmreport.check.documents import Documents
from lmreport.check.findings import MUST, Finding
from lmreport.check.numbers.reading import place, words
from lmreport.check.pdf_pages import PREFIX
from lmreport.check.text import blocks, visible

GROUP = "References"
LABEL = re.compile(r"(fig|tbl|sec|eq|lst)-")
RAW = re.compile(r"\?@[\w-]+|(?<![\w.])@(?:fig|tbl|sec|eq|lst)-[\w-]+")


def findings(documents: Documents) -> Iterator[Finding]:
    if documents.page is None:
        return
    yield from anchors(documents)
    yield from across(documents)
    yield from unresolved(documents)
    yield from citations(documents)


def anchors(documents: Documents) -> Iterator[Finding]:
    """Every link to a place in the page has its place."""
    there = {*documents.page.xpath("//@id"), *documents.page.xpath("//a/@name")}
    reported = {PREFIX + item["id"] for item in documents.items}  # reported as not answered
    for link in documents.page.xpath("//a[starts-with(@href, '#')]"):
        target = unquote(link.get("href")[1:])
        if not target or target in there or target in reported:
            continue
        if link.xpath("ancestor::*[contains(concat(' ', @class, ' '), ' citation ')]"):
            continue  # told as a citation
        reported.add(target)
        name = re.escape(target)
        where = documents.source(
            rf"(?<![\w-])[#@]{name}(?![\w-])(?!\s*[^)\]]*\}})", rf"@{name}(?![\w-])"
        )
        yield Finding(
            GROUP,
            MUST,
            f"the link “{words(link)[:40]}” leads to #{target}, which is nowhere in the page",
            where or place(link),
            f"give the thing that is meant the label {target}, or fix the link",
        )


def across(documents: Documents) -> Iterator[Finding]:
    """Every link to a place in another document of the report has its place there."""
    reported = set()
    for link in documents.page.xpath("//main//a[@href]"):
        name, _, target = unquote(link.get("href")).partition("#")
        page = documents.beside.get(name)
        if page is None or not target or (name, target) in reported:
            continue
        if page.xpath("//*[@id=$target] | //a[@name=$target]", target=target):
            continue
        reported.add((name, target))
        yield Finding(
            GROUP,
            MUST,
            f"the link “{words(link)[:40]}” leads to #{target}, which is nowhere in {name}",
            documents.source(rf"{re.escape(name)}#{re.escape(target)}(?![\w-])") or place(link),
            f"give the thing that is meant the label {target}, or fix the link",
        )


def unresolved(documents: Documents) -> Iterator[Finding]:
    """No reference is left as it was typed."""
    elements = {
        words(e).lstrip("?@"): e
        for e in documents.page.xpath("//*[contains(@class, 'quarto-unresolved-ref')]")
    }
    for block in blocks(documents.page):
        for match in RAW.finditer(visible(block)):
            elements.setdefault(match[0].lstrip("?@"), block)
    for name, element in elements.items():
        yield Finding(
            GROUP,
            MUST,
            f"the reference @{name} is to nothing",
            documents.source(rf"@{re.escape(name)}(?![\w-])") or place(element),
            f"give the thing that is meant the label {name}, or fix the reference",
        )


def citations(documents: Documents) -> Iterator[Finding]:
    """Every cited work is in the list of references."""
    there = set(documents.page.xpath("//@id"))
    cited = {
        key: e
        for e in documents.page.xpath("//*[@data-cites]")
        for key in (e.get("data-cites") or "").split()
    }
    for key, element in cited.items():
        if f"ref-{key}" not in there and not LABEL.match(key):
            yield Finding(
                GROUP,
                MUST,
                f"the citation @{key} is to no work in the list of references",
                documents.source(rf"@{re.escape(key)}(?![\w-])") or place(element),
                f"add {key} to report/references.bib, or fix the citation",
            )
