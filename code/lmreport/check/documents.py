"""The finished report and its sources, read once for all checks; what cannot be read becomes a
finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lmreport.check.findings import AGAIN, MUST, Finding
from lmreport.check.pdf_pages import PREFIX
from lmreport.core import profiles as profile_names
from lmreport.core.errors import ReportError
from lmreport.reporting import rubric

GROUP = "Files"
ENDINGS = ("html", "pdf", "ipynb")


@dataclass
class Documents:
    """One document that there is to check; None stands for a part that is missing or cannot be read.

    graded: whether it is the one that answers the rubric, and not a supplement; beside: {name: page
    or None} of the other documents' pages; answering: for whom the report is, as the rubric says it
    ("157B", "" for all); profile: the same for Quarto; shown: the profile that the files themselves
    are of, "" for all or where they do not tell; page: the HTML page as a tree; notebook: the
    executed notebook; pdf: the file; places: {name: (page from 0, points from its upper edge)} of
    the PDF's named destinations; cells: those of the sources, for this profile.
    """

    root: Path
    page_path: Path
    pdf_path: Path
    notebook_path: Path
    graded: bool = True
    beside: dict[str, Any] = field(default_factory=dict)
    answering: str = ""
    profile: str = ""
    shown: str = ""
    page: Any = None
    notebook: Any = None
    pdf: Path | None = None
    places: dict[str, tuple[int, float]] = field(default_factory=dict)
    cells: list = field(default_factory=list)

    @property
    def notebook_name(self) -> str:
        return f"{self.page_path.stem}.ipynb"

    @property
    def items(self) -> list[dict]:
        return rubric.rubric(self.answering)["items"]

    @property
    def sections(self) -> list[dict]:
        return rubric.rubric(self.answering)["sections"]

    def source(self, *patterns: str) -> str:
        """file:line of the first source line with the first of the patterns that is found; "" where
        none is.
        """
        for pattern in patterns:
            for cell in self.cells:
                for line in cell.lines:
                    if re.search(pattern, line.text):
                        return line.place
        return ""

    def heading(self, label: str) -> str:
        """file:line of the heading, figure or equation that the text gives a label; "" where none
        has it.
        """
        return self.source(rf"\{{[^}}]*#{re.escape(label)}(?![\w-])")

    def place(self, label: str) -> str:
        """Where a reader finds the thing with an anchor: file:line of its source, and its place in
        the page.
        """
        in_source = self.source(
            rf"^#\| *label: *[\"']?{re.escape(label)}[\"']?\s*$"
        ) or self.heading(label)
        return (
            f"{in_source} ({self.page_path.name}#{label})"
            if in_source
            else f"{self.page_path.name}#{label}"
        )


def of_project(root: Path, profile: str | None) -> list:
    """The documents of the project, the graded one first: it is called index, or is listed
    first.
    """
    from lmreport.render import project

    return sorted(project.read(root, ("html",), profile), key=lambda one: one.path.stem != "index")


def read(root: Path, profile: str | None) -> tuple[Documents, list[Finding]]:
    """The graded document of the project at `root`, and what kept parts of it from being read.

    The profile is `profile`, else the one that the page shows, else the PDF's, else the active one.
    Raises ReportError if there is no report at all, and if the rubric or the project cannot be
    read.
    """
    documents = at(root, of_project(root, profile)[0])
    if not any(path.is_file() for path in paths(documents).values()):
        raise ReportError("check: there is no report yet; make it with lmreport render")
    rubric.whole()  # raises where there is none that can be read
    findings = list(parts(documents))
    findings += choose_profile(documents, profile)
    findings += sources(documents, 0)
    return documents, findings


def read_all(root: Path, profile: str | None) -> tuple[list[Documents], list[Finding]]:
    """The same of all documents, the graded one first; the others are of its profile."""
    graded, findings = read(root, profile)
    documents = [graded]
    for number, one in enumerate(of_project(root, graded.profile or None)[1:], 1):
        other = at(root, one)
        other.graded, other.profile, other.answering = False, graded.profile, graded.answering
        findings += parts(other)
        findings += sources(other, number)
        documents.append(other)
    for one in documents:
        one.beside = {o.page_path.name: o.page for o in documents if o is not one}
    return documents, findings


def shown_in(root: Path, profile: str | None) -> str:
    """For whom the finished report of the project at `root` is, by the first of its files that says
    it; "" for all.
    """
    documents = at(root, of_project(root, profile)[0])
    for ending, path in paths(documents).items():
        if not documents.shown and not list(part(documents, ending, path)):
            list(choose_profile(documents, profile))
    return documents.shown


def at(root: Path, document) -> Documents:
    """A document of which nothing is read yet."""
    page = document.output.with_suffix(".html")
    return Documents(root, page, page.with_suffix(".pdf"), document.notebook)


def paths(documents: Documents) -> dict[str, Path]:
    """{ending: file} of the three parts."""
    files = (documents.page_path, documents.pdf_path, documents.notebook_path)
    return dict(zip(ENDINGS, files, strict=True))


def parts(documents: Documents) -> Iterator[Finding]:
    """Read the three files."""
    for ending, path in paths(documents).items():
        yield from part(documents, ending, path)


def sources(documents: Documents, number: int) -> Iterator[Finding]:
    """Read the cells of the sources of document `number`, for the profile of the page."""
    from lmreport.render import source

    try:
        one = of_project(documents.root, documents.profile or None)[number]
        documents.cells = source.read(one)
    except ReportError as error:
        yield Finding(
            GROUP,
            MUST,
            "the sources cannot be read",
            str(error).split(": ")[0],
            f"{error}; lmreport render stops there too",
        )


def part(documents: Documents, ending: str, path: Path) -> Iterator[Finding]:
    """Read one of the three files into `documents`."""
    if not path.is_file():
        fix = "lmreport render" + " (quarto render keeps it with -M keep-ipynb:true)" * (
            ending == "ipynb"
        )
        name = documents.page_path.with_suffix(f".{ending}").name
        yield Finding(GROUP, MUST, f"there is no {name}", where(documents, path), fix)
        return
    try:
        {"html": read_page, "pdf": read_pdf, "ipynb": read_notebook}[ending](documents, path)
    except Exception as error:  # whatever a foreign file does to a reader
        message = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        yield Finding(
            GROUP, MUST, f"{path.name} cannot be read ({message})", where(documents, path), AGAIN
        )


def where(documents: Documents, path: Path) -> str:
    return (
        path.relative_to(documents.root).as_posix()
        if path.is_relative_to(documents.root)
        else path.name
    )


def read_page(documents: Documents, path: Path) -> None:
    """Put the HTML page at `path` into `documents`. Raises ReportError if it breaks off."""
    from lmreport.check.numbers import reading

    if not path.read_bytes().rstrip().endswith(b"</html>"):
        raise ReportError("it breaks off before its end")
    documents.page = reading.page(path)


def read_pdf(documents: Documents, path: Path) -> None:
    """Put the PDF at `path` into `documents`, with the places of its questions and items. Raises
    ReportError if it has no page.
    """
    import pypdfium2

    from lmreport.check import pdf_pages

    with closing(pypdfium2.PdfDocument(path)) as document:
        if not len(document):
            raise ReportError("it has no page")
        names = [s["anchor"] for s in rubric.whole()["sections"]] + [
            PREFIX + i["id"] for i in rubric.whole()["items"]
        ]
        destinations = {name: pdf_pages.destination(document, name) for name in names}
        documents.places = {
            name: place for name, place in destinations.items() if place is not None
        }
        documents.pdf = path


def read_notebook(documents: Documents, path: Path) -> None:
    from lmreport.render import notebook_reading

    documents.notebook = notebook_reading.read(path.read_bytes(), path.name)


def choose_profile(documents: Documents, wanted: str | None) -> Iterator[Finding]:
    """Set the profile; a finding where page, PDF and notebook, or these and what is wanted, are of
    different ones.
    """
    anchors = {
        documents.page_path.name: set(documents.page.xpath("//@id"))
        if documents.page is not None
        else set(),
        documents.pdf_path.name: set(documents.places),
        documents.notebook_name: in_notebook(documents.notebook),
    }
    shown = {
        name: who for name, there in anchors.items() if (who := of_anchors(documents.root, there))
    }
    documents.shown = next(iter(shown.values()), "").lower()
    if wanted:
        documents.answering = wanted.upper() if wanted.upper() in profiles(documents.root) else ""
    else:
        documents.answering = next(iter(shown.values()), rubric.who())
    documents.profile = wanted or documents.answering.lower()
    for name, who in shown.items():
        if who != documents.answering:
            other = (
                f"{wanted.upper()} is asked for"
                if wanted
                else f"{next(iter(shown))} is for {documents.answering}"
            )
            yield Finding(
                GROUP,
                MUST,
                f"{name} is for {who}, but {other}",
                f"_report/report/{name}",
                f"lmreport render --profile {documents.profile}",
            )


def in_notebook(nb) -> set[str]:
    """The anchors of the headings in a notebook's text."""
    from lmreport.render import notebook_reading

    return set(notebook_reading.anchors(nb)) if nb is not None else set()


def profiles(root: Path) -> list[str]:
    """For whom the project can be rendered, as the rubric says it, the default first; [] if it has
    no profiles.
    """
    known = {name for section in rubric.whole()["sections"] for name in section["who"]}
    names = profile_names.known(profile_names.of_project(root))
    return [name for name in dict.fromkeys(map(str.upper, names)) if name in known]


def of_anchors(root: Path, anchors: set[str]) -> str | None:
    """For whom a document with these anchors is: the profile whose items differ least; None if it
    has none of them.
    """

    def names(who):
        one = rubric.rubric(who)
        return {s["anchor"] for s in one["sections"]} | {PREFIX + i["id"] for i in one["items"]}

    present = anchors & names("")
    order = sorted(profiles(root), key=lambda who: who != rubric.who())
    return min(order, key=lambda who: len(names(who) ^ present), default=None) if present else None
