"""Is every figure and table captioned, referred to, and described for who cannot see it?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lmreport.check.documents import Documents
from lmreport.check.findings import LOOK, MUST, Finding
from lmreport.check.numbers.reading import place, words

GROUP = "Figures and tables"
FLOAT = re.compile(r"(fig|tbl)-\S")
NAMES = {"fig": "figure", "tbl": "table"}
NUMBER = re.compile(r"^\s*(Figure|Table|\([a-z]\))\s*[\d.]*:?\s*")


def findings(documents: Documents) -> Iterator[Finding]:
    """What figures and tables lack: captions, references, alternative texts, labels."""
    if documents.page is None:
        return
    floats = [e for e in documents.page.xpath("//main//*[@id]") if is_float(e)]
    links = set(documents.page.xpath("//main//a/@href"))
    alternatives: dict[str, str] = {}
    for one in floats:
        yield from captioned(documents, one)
        yield from referred(documents, one, links)
        if one.get("id").startswith("fig-"):
            yield from described(documents, one, alternatives)
    yield from of_source(documents, {one.get("id") for one in floats})
    yield from loose(documents)


def is_float(element) -> bool:
    return (
        bool(FLOAT.match(element.get("id") or ""))
        and "quarto-float" in (element.get("class") or "").split()
    )


def around(element):
    """The innermost float around an element; None if there is none."""
    return next((e for e in element.iterancestors() if is_float(e)), None)


def caption(one) -> str:
    """The caption of a float without its number; that of its parts does not count."""
    own = [e for e in one.xpath(".//figcaption | .//caption") if around(e) is one]
    return NUMBER.sub("", words(own[0])) if own else ""


def captioned(documents: Documents, one) -> Iterator[Finding]:
    name = one.get("id")
    if not caption(one) and around(one) is None:
        yield Finding(
            GROUP,
            MUST,
            f"{NAMES[name[:3]]} {name} has no caption",
            documents.place(name),
            f"give it {name[:3]}-cap, then lmreport render",
        )


def referred(documents: Documents, one, links: set[str]) -> Iterator[Finding]:
    """A figure of parts is referred to if one of them is, and a part if the whole is."""
    name = one.get("id")
    names = {name, *(e.get("id") for e in one.xpath(".//*[@id]"))}
    if around(one) is None and not links & {f"#{n}" for n in names}:
        yield Finding(
            GROUP,
            MUST,
            f"{NAMES[name[:3]]} {name} is never referred to",
            documents.place(name),
            f"say in the text what @{name} shows, or leave it out",
        )


def described(documents: Documents, one, alternatives: dict[str, str]) -> Iterator[Finding]:
    """Each picture has an alternative text that is not its caption and not that of another."""
    name, said = one.get("id"), caption(one)
    where = documents.place(name)
    for picture in one.xpath(".//img | .//svg"):
        if around(picture) is not one:
            continue
        alt = " ".join((picture.get("alt") or picture.get("aria-label") or "").split())
        if not alt:
            yield Finding(
                GROUP,
                MUST,
                f"figure {name} has no alternative text",
                where,
                "give it fig-alt: what a reader would see in it",
            )
        elif plain(alt) == plain(said):
            yield Finding(
                GROUP,
                MUST,
                f"the alternative text of figure {name} is its caption again",
                where,
                "let fig-alt say what the caption does not: what a reader would see",
            )
        elif alt in alternatives:
            yield Finding(
                GROUP,
                LOOK,
                f"figures {alternatives[alt]} and {name} have the same alternative text",
                where,
                "let each fig-alt say what is in that figure",
            )
        alternatives.setdefault(alt, name)


def plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


def of_source(documents: Documents, shown: set[str]) -> Iterator[Finding]:
    """Every labelled figure and table of the sources is in the page, unless the document itself
    says that its section is left out.
    """
    from lmreport.render import conditional, notebook_reading

    flags = notebook_reading.flags(documents.notebook) if documents.notebook else {}
    left_out = conditional.left_out(documents.cells, flags)
    for cell in documents.cells:
        name = cell.label
        if (
            cell.kind == "code"
            and FLOAT.match(name)
            and name not in shown | left_out
            and not documents.page.xpath("//*[@id=$name]", name=name)
            and cell.options.get("include") is not False
            and cell.options.get("eval") is not False
        ):
            yield Finding(
                GROUP,
                MUST,
                f"{NAMES[name[:3]]} {name} of the source is not in the page",
                documents.place(name),
                "let its cell end with the figure or table, then lmreport render",
            )


def loose(documents: Documents) -> Iterator[Finding]:
    """Pictures and tables without a label cannot be referred to, and have no number."""
    for element in documents.page.xpath("//main//img | //main//table"):
        if around(element) is not None or element.xpath(
            "ancestor::nav | ancestor::header | ancestor::dialog"
        ):
            continue
        cell = next((e.get("id") for e in element.iterancestors() if e.get("id")), "")
        where = documents.place(cell.removeprefix("cell-")) if cell else place(element)
        if element.tag == "img" and not (element.get("alt") or "").strip():
            yield Finding(
                GROUP,
                MUST,
                "a picture has no alternative text",
                where,
                "give it fig-alt and a label",
            )
        else:
            kind, label = ("picture", "fig") if element.tag == "img" else ("table", "tbl")
            yield Finding(
                GROUP,
                LOOK,
                f"a {kind} has no label, so no caption with a number",
                where,
                f"give it label: {label}-… and {label}-cap",
            )
