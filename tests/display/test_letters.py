"""Class names in any script: as they are in the page and in CSV, and in figures and the PDF as far as
a font is at hand.
"""

import csv
import html
import io
import logging

import lxml.html
import pytest

from lmreport.check.numbers.pdf_text import missing
from lmreport.core import fonts
from lmreport.display import escape, markdown, style
from lmreport.publish.export import tables
from lmreport.render import pandoc_ast
from lmreport.reporting import notices
from rendering import own, pdf_text, project

OWN = ["рейтинг", "رياضة", "ספורט", "می\u200cخواهم", "Ωμέγα"]  # matplotlib brings letters for these
OTHERS = ["体育", "體育", "スポーツ", "스포츠", "हिन्दी", "ข่าว", "বাংলা", "ქართული", "አማርኛ", "தமிழ்"]
needs_fonts = pytest.mark.skipif(
    bool(fonts.absent()), reason=f"needs the extra `fonts`: {' '.join(fonts.absent())}"
)


@pytest.fixture
def bare(monkeypatch):
    """No package with fonts is installed."""
    monkeypatch.setattr(fonts, "folders", dict)
    fonts.characters.cache_clear()
    yield
    fonts.characters.cache_clear()


def document(tmp_path, names):
    """A page and a PDF with a table of numbers by name, a sentence, and a name in each place."""
    rows = [[name, markdown.count(10 + at)] for at, name in enumerate(names)]
    table = markdown.table(rows, ["class", "texts"]).data
    said = "; ".join(f"{markdown.plain(name)} has {30 + at}" for at, name in enumerate(names))
    code = "\n\n".join(f"`{name}` and **{name}** and *{name}*" for name in names)
    return own(
        project(tmp_path, f"# Names\n\n{table}\n\n: {names[0]} {{#tbl-a}}\n\n{said}.\n\n{code}\n")
    )


def unsaid(out):
    """The numbers of the page that the PDF does not say with the words beside them."""
    found = missing(lxml.html.parse(out / "index.html"), out / "index.pdf")
    return [text for _, text in found if "January" not in text]  # the date is written otherwise


def drawn(names):
    """A figure with the names at its axis and in bold."""
    figure, axes = style.figure()
    axes.barh([escape.label(name) for name in names], range(len(names)))
    axes.set_title(escape.label(names[0]), weight="bold")
    figure.draw_without_rendering()  # a letter without a font would be a warning, which fails
    return [label.get_text() for label in axes.get_yticklabels()]


def test_letters_of_dejavu_need_no_package(tmp_path, bare, caplog):
    assert drawn(OWN) == OWN and fonts.lacking(OWN) == "" == notices.of_fonts(OWN)
    out = document(tmp_path, OWN)
    shown = [cell.text_content() for cell in lxml.html.parse(out / "index.html").xpath("//td[1]")]
    assert shown == OWN and "⟨U+" not in pdf_text(out / "index.pdf")
    warnings = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert not warnings and unsaid(out) == []


def test_letters_without_a_font_are_marked_and_the_mend_is_told(tmp_path, bare, caplog):
    assert drawn(["体育"]) == ["⟨U+4F53⟩⟨U+80B2⟩"]
    with caplog.at_level(logging.WARNING):
        out = document(tmp_path, ["体育", "b"])
    assert "体育" in (out / "index.html").read_text("utf-8")
    assert "⟨U+4F53⟩⟨U+80B2⟩" in pdf_text(out / "index.pdf")
    for told in (caplog.text, notices.of_fonts(["体育", "b"])):
        assert "U+4F53" in told and "and 1 more" in told
        assert "pip install noto-cjk-sans-jp-regular manimgx-fonts" in told


def test_csv_and_the_page_take_any_letters_without_a_font(bare):
    table = markdown.table([[name, "1"] for name in OWN + OTHERS], ["class", "n"]).data
    lines = tables.rows(pandoc_ast.read_markdown(table)["blocks"][0])
    read = list(csv.reader(io.StringIO(tables.as_csv(lines).decode("utf-8"))))
    assert read == [["class", "n"], *([name, "1"] for name in OWN + OTHERS)]


def test_a_joiner_shows_only_where_it_shapes_nothing():
    hidden = "ja\u200cva"
    assert escape.label(hidden) == "ja⟨U+200C⟩va" and "U+200C" in html.unescape(
        markdown.plain(hidden)
    )


@needs_fonts
def test_with_the_packages_names_of_all_scripts_stand_in_figures_and_in_the_pdf(tmp_path, caplog):
    names = OWN + OTHERS
    assert drawn(names) == names and notices.of_fonts(names) == ""
    out = document(tmp_path, names)
    page, text = lxml.html.parse(out / "index.html"), pdf_text(out / "index.pdf")
    assert [cell.text_content() for cell in page.xpath("//td[1]")] == names
    assert "⟨U+" not in text and not caplog.records
    assert {"体育", "體育", "スポーツ", "스포츠", "हिन्दी", "ქართული", "አማርኛ"} <= {
        name for name in names if text.count(name) >= 4
    }
    assert unsaid(out) == []
