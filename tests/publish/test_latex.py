"""Exported tables under pdfLaTeX: no character that it does not know, or the engine is named."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmreport.publish.citation_metadata import Work
from lmreport.publish.export import latex_cleanup, metadata, tables
from lmreport.publish.export.contents import Item
from lmreport.render import pandoc_ast

WORK = Work("areport", "A report: of it", "1.0", "MIT", "", ({"literal": "Ann"},))


def written(*cells: str) -> dict[str, str]:
    """The LaTeX files of a table with a row of `cells`."""
    table = pandoc_ast.read_markdown("| a | b |\n|:--|--:|\n| x | y |\n\n: C {#tbl-a}\n")["blocks"][
        0
    ]
    for cell, text in zip(table["c"][4][0][3][0][1], cells, strict=False):
        cell[4] = [pandoc_ast.node("Plain", pandoc_ast.words(text))]
    made = tables.files([Item("tbl-a", "tbl-a", "Table 1", "Widths ∞", table=table)], WORK)["tbl-a"]
    return {ending: made[ending].decode() for ending in ("tex", "tabular.tex")}


def code(text: str) -> str:
    return re.sub("^%.*\n", "", text, flags=re.M)


@pytest.mark.parametrize(
    "text, said",
    [
        (
            "∞ √dₖ 10⁶ ⊙ ×",
            r"\ensuremath{\infty} \ensuremath{\surd}d\textsubscript{k} 10\textsuperscript{6}",
        ),
        ("10⁻³", r"10\textsuperscript{\ensuremath{-}}\textsuperscript{3}"),
        ("−1", r"\ensuremath{-}1"),
        (
            "α Ω Λ Α ς",
            r"\ensuremath{\alpha} \ensuremath{\Omega} \ensuremath{\Lambda} A "
            r"\ensuremath{\varsigma}",
        ),
        ("½ é ß ﬁ", "1/2 "),
        ("5 € 3 µs 4 °C", r"\texteuro{} 3 \textmu{}s 4 \textdegree{}C"),
        ("C:∖Users n∕a", r"C:\textbackslash{}Users n/a"),
    ],
)
def test_what_pdflatex_does_not_know_becomes_a_command(text, said):
    for made in written(text).values():
        assert said in made and code(made).isascii() and "% engine" not in made


def test_the_packages_and_both_forms_are_there():
    made = written("✓", "a_b & 5 %")
    assert "% packages: amssymb, array, booktabs, longtable\n" in made["tex"]
    assert "% packages: amssymb, array, booktabs\n" in made["tabular.tex"]
    narrow = code(made["tabular.tex"])
    assert narrow.startswith("\\begin{tabular}{@{}lr@{}}\n\\toprule") and narrow.endswith(
        "\\end{tabular}\n"
    )
    assert "longtable" not in narrow and r"a\_b \& 5 \%" in narrow
    assert [narrow.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]


def test_what_latex_has_no_command_for_stays_and_the_engine_is_named():
    made = written("中文")["tex"]
    assert (
        "中文" in code(made) and "% engine: XeLaTeX or LuaLaTeX with a font that has 中文\n" in made
    )


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_file_for_pdflatex_is_ascii_or_says_what_is_not(text):
    made = latex_cleanup.compiled(text)
    left = {c for c in made if not c.isascii()}
    assert ("% engine" in latex_cleanup.needs(made)) == bool(left) and all(
        latex_cleanup.command(c) == c for c in left
    )


def test_comments_stand_on_lines_of_their_own():
    assert metadata.comment({"title": "a"}, "%") == "% title: a\n"


def test_a_star_that_begins_a_row_stays():
    for made in written("*", "5").values():
        assert re.search(r"^\{\*\} & 5", made, re.M) and r"\multirow" not in made


LEVELS = """<table><thead>
<tr><th></th><th></th><th colspan="2">test</th><th>time</th></tr>
<tr><th></th><th></th><th>acc</th><th>F1</th><th>s</th></tr>
<tr><th>model</th><th>size</th><th></th><th></th><th></th></tr></thead><tbody>
<tr><th rowspan="2">LSTM</th><th>small</th><td>0.5</td><td>0.25</td><td>10</td></tr>
<tr><th>large</th><td><u>0.6</u></td><td>0.35</td><td>20</td></tr></tbody></table>"""


def test_cells_over_rows_and_columns_stand_in_each_place_that_they_cover():
    table = json.loads(pandoc_ast.pandoc(LEVELS, "-f", "html", "-t", "json")[0])["blocks"][0]
    made = tables.files([Item("tbl-l", "tbl-l", "Table 1", "C", table=table)], WORK)["tbl-l"]
    assert made["csv"].decode().splitlines() == [
        "model,size,test acc,test F1,time s",
        "LSTM,small,0.5,0.25,10",
        "LSTM,large,0.6,0.35,20",
    ]
    columns = json.loads(made["csv-metadata.json"])["tableSchema"]["columns"]
    assert [one["titles"] for one in columns][2:] == ["test acc", "test F1", "time s"]
    said = made["tex"].decode()
    assert r"\multirow{" in said and r"\ul{" in said
    assert "% packages: array, booktabs, longtable, multirow, soul\n" in said
