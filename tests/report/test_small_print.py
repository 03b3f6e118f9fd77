"""What the Lua filter of the small print does to the text of the PDF, and the widths of tables on
its page.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pypandoc
import pypdfium2
import pytest
import typst

from lmreport.render import letters, table_layout
from rendering import FRONT, OPTIONS, own, project

FILTER = Path(__file__).resolve().parents[2] / "report" / "filters" / "small-print.lua"


def written(markdown: str, *options) -> str:
    options = options or ("-L", FILTER)
    return subprocess.run(
        [pypandoc.get_pandoc_path(), "-f", "markdown", "-t", "typst", "--wrap=none", *options],
        input=markdown,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_computed_number_stays_with_its_unit_and_a_computed_sentence_may_break():
    assert "81.2~% of" in written('[81.2 %]{.computed data-as="pct:1"} of them\n')
    assert "mostly on which words" in written(
        '[mostly on which words occur]{.computed data-as="one:a¦b"}\n'
    )
    assert "81.2 %" in written("81.2 % typed\n")


def test_a_line_of_origin_is_small_and_in_one_piece():
    said = written("[Run one-0123]{.origin}\n")
    assert "breakable: false" in said and "7.5pt" in said and "Run one-0123" in said


def test_a_line_that_another_document_tells_is_left_out_and_an_answer_has_a_box():
    line = "[Run one-0123]{.origin .unprinted}"
    assert written(f"One.\n\n{line}\n\nTwo {line}\n").split() == ["One.", "Two"]
    assert "#answer[" in written("::: {.answer}\nYes.\n:::\n")
    assert "sticky: true" in written("*Item 1a · 2 points.* Why?\n")


FIGURE = """
```{python}
#| label: fig-p
#| fig-cap: A line
#| fig-alt: up
#| echo: false
import matplotlib.pyplot as plt
plt.plot([1, 2]);
```

`{python} __import__("lmreport.display.traced").display.traced.MarkdownText('[Run one-0123.]{.origin}')`
"""


@pytest.mark.parametrize("before", (15, 16, 17))
def test_the_own_renderers_figure_stays_with_its_line_of_origin(before, tmp_path):
    options = re.sub(r"filters: .*", "filters: [filters/small-print.lua]", OPTIONS)
    folder = project(
        tmp_path, "See @fig-p.\n\n" + "Another line.\n\n" * before + FIGURE, FRONT, options
    )
    (folder / "filters").mkdir()
    shutil.copy(FILTER, folder / "filters")
    pages = pypdfium2.PdfDocument(own(folder, ("typst",)) / "index.pdf")
    texts = [page.get_textpage().get_text_range() for page in pages]
    (caption,), (line,) = (
        [n for n, text in enumerate(texts) if said in text] for said in ("A line", "one-0123")
    )
    assert caption == line


def test_a_figure_at_the_foot_of_a_page_goes_on_with_its_line_of_origin(tmp_path):
    (tmp_path / "line.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"/>'
    )
    markdown = "::: {.cell}\n![A line.](line.svg)\n:::\n\n[Run one-0123]{.origin}\n"

    def pages(*options):
        said = "#set page(width: 200pt, height: 200pt, margin: 0pt)\n#v(115pt)\n" + written(
            markdown, *options
        )
        (tmp_path / "page.typ").write_text(said)
        made = pypdfium2.PdfDocument(typst.compile(tmp_path / "page.typ"))
        return [made[i].get_textpage().get_text_range().split() for i in range(len(made))]

    assert pages("--columns=72") == [
        ["Figure", "1:", "A", "line."],
        ["Run", "one-0123"],
    ]  # without the filter
    assert pages() == [[], ["Figure", "1:", "A", "line.", "Run", "one-0123"]]


@pytest.mark.parametrize("cells", [["90.6 %", "−0.2 ± 0.7", "12 min 13 s"], ["a", "b", "c"]])
def test_short_cells_are_not_parted_for_the_sake_of_a_long_one(cells):
    head, body = (
        ["step", "accuracy", "points", "time"],
        ["a step with a name of many words " * 3, *cells],
    )
    lines = [max(map(len, pair)) for pair in zip(head, body, strict=True)]
    widths = [share * table_layout.PAGE for share in table_layout.shares([head, body], lines, 1)]
    assert all(width >= len(text) for width, text in zip(widths[1:], cells, strict=True))
    assert sum(widths) <= table_layout.PAGE + 1e-9 and widths[0] > 40


def test_columns_have_room_for_marks_of_letters_without_a_font(monkeypatch):
    monkeypatch.setattr(letters, "missing", lambda text: set(text) & set("差评"))
    monkeypatch.setattr(table_layout, "missing", letters.missing)
    assert letters.width("差评") == 2 * len("⟨U+5DEE⟩") and letters.width("好a") == 3
    assert table_layout.words_of("差评 a b\u00a0c") == ["差", "评", "a", "b\u00a0c"]
    long = "a question of many words, more than there is room for " * 2
    texts = [["question", "tag", "a", "b"], [long, "差评", "one", "two"]]
    lines = [max(map(letters.width, pair)) for pair in zip(*texts, strict=True)]
    widths = [share * table_layout.PAGE for share in table_layout.shares(texts, lines, 1)]
    assert widths[1] >= len("⟨U+5DEE⟩")


def test_where_short_cells_leave_no_room_words_alone_decide():
    row = ["two words here"] * 12
    widths = table_layout.shares([row, row], [len(cell) for cell in row], 1)
    assert sum(widths) <= 1 + 1e-9 and max(widths) == pytest.approx(min(widths))


@pytest.mark.parametrize(
    "picture", ['#picture("x.svg", alt: "")', '#box(image("x.svg"))'], ids=["own", "Quarto"]
)
def test_the_figures_of_both_renderers_are_known_and_code_is_none(picture):
    raw = f"`#figure([`{{=typst}} `{picture}`{{=typst}} `])`{{=typst}}"
    assert (
        written(f"::: {{.cell}}\n{raw}\n:::\n\n[Run one]{{.origin}}\n").count("breakable: false)[")
        == 2
    )
    code = "```python\n1\n```\n\n"
    assert (
        written(f"::: {{.cell}}\n{code}{raw}\n:::\n\n[Run one]{{.origin}}\n").count(
            "breakable: false)["
        )
        == 1
    )
    assert (
        written("::: {.cell}\nwords\n:::\n\n[Run one]{.origin}\n").count("breakable: false)[") == 1
    )


def test_the_first_row_of_a_table_stands_clear_of_the_rule_on_each_page(tmp_path):
    header = (FILTER.parents[1] / "typst-header.typ").read_text(encoding="utf-8")
    table = "#table(columns: 1, table.header[Head], table.hline(), ..range(30).map(i => [Xx]))"
    size = "#set page(width: 200pt, height: 200pt, margin: 20pt)\n"
    (tmp_path / "page.typ").write_text(header + size + table, encoding="utf-8")
    pages = list(pypdfium2.PdfDocument(typst.compile(tmp_path / "page.typ")))
    assert len(pages) > 1
    for page in pages:
        paths = [one for one in page.get_objects() if one.type == pypdfium2.raw.FPDF_PAGEOBJ_PATH]
        bounds = [path.get_bounds() for path in paths]  # left, bottom, right, top
        rules = [bottom for left, bottom, right, top in bounds if top - bottom < 2 < right - left]
        text = page.get_textpage()
        top = text.get_charbox(text.get_text_range().index("X"))[3]
        assert len(rules) == 1 and rules[0] - top > 2.5
