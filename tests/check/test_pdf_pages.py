"""The pages of the items, in PDFs of both renderers."""

import shutil
from pathlib import Path

import lxml.html
import pytest

import rendering
from lmreport.check import outputs, pdf_pages
from lmreport.core.errors import ReportError

BREAK = "\n{{< pagebreak >}}\n\n"
BODY = f"""# Data {{#sec-data}}

## One (1a) {{#sec-1a}}

Text.

## Two (1b) {{#sec-1b}}

Text.
{BREAK}More.
{BREAK}# Next {{#sec-next}}

## Three (2a) {{#sec-2a}}

Text.

### A part of it

Text.
{BREAK}Text.

# After the questions

Text.
"""
RENDERERS = [
    "own",
    pytest.param(
        "quarto", marks=pytest.mark.skipif(not shutil.which("quarto"), reason="no Quarto")
    ),
]


@pytest.fixture(scope="module", params=RENDERERS)
def pdf(request, tmp_path_factory):
    folder = rendering.project(tmp_path_factory.mktemp("pages"), BODY)
    return getattr(rendering, request.param)(folder) / "index.pdf"


def test_an_item_ends_where_the_next_item_or_question_begins(pdf):
    """1a: 1b follows on its page; 1b: the next question begins at the top of page 3; 2a: what
    follows is on page 4.
    """
    assert pdf_pages.of_items(pdf, ["1a", "1b", "2a"]) == {"1a": (1, 1), "1b": (1, 2), "2a": (3, 4)}


def test_what_is_missing_is_named(pdf, tmp_path):
    with pytest.raises(ReportError, match="sec-9z"):
        pdf_pages.of_items(pdf, ["1a", "9z"])
    half = tmp_path / "half.pdf"
    half.write_bytes(pdf.read_bytes()[:2000])
    with pytest.raises(ReportError, match="half.pdf: cannot be read as PDF"):
        pdf_pages.of_items(half, ["1a"])


def test_a_pdf_without_questions_has_no_items(tmp_path):
    folder = rendering.own(rendering.project(tmp_path, "Text alone.\n"), ("typst",))
    assert pdf_pages.of_items(folder / "index.pdf", []) == {}


def test_a_page_of_contents_belongs_to_the_page(monkeypatch):
    """Genuine Quarto's PDF has dots and the page's number behind each heading."""
    headings = ("1.1 What each step brought to it", "2.3 How sure the models can ever be")
    tree = lxml.html.fromstring("".join(f"<h2>{heading}</h2>" for heading in headings))
    contents = "\n".join(f"{h} {'. ' * 40}\u2060{n}" for n, h in enumerate(headings, 2))
    foreign = "These words stand nowhere in the page .  .  .  .  .  . 4"
    monkeypatch.setattr(outputs.pdf_text, "pages", lambda path: [contents, foreign])
    assert outputs.added(tree, Path("index.pdf")) == [2]


def test_rows_of_the_cards_contents_alone_on_a_page_belong_to_the_page(monkeypatch):
    """Only the PDF has page numbers there."""
    row = ("3b-2", "How self-attention fixes both", "2", "6c", "What annoys, is it worth it?", "2")
    tree = lxml.html.fromstring(f"<table><tr>{''.join(f'<td>{c}</td>' for c in row)}</tr></table>")
    printed = f"{row[0]} {row[1]} p. 7 {row[2]} {row[3]} {row[4]} p. 15 {row[5]}"
    monkeypatch.setattr(outputs.pdf_text, "pages", lambda path: [printed])
    assert outputs.added(tree, Path("index.pdf")) == []
