"""Captions, names, pictures, paths and foreign letters: the page and the PDF show what was
written.
"""

from __future__ import annotations

import re
import shutil
import string

import nbformat
import pikepdf
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from browser import chromium, opened
from lmreport.check import pdf_pages
from lmreport.core import fonts
from lmreport.core.errors import ReportError
from lmreport.render import cell_options, pandoc_ast, pictures
from rendering import (
    BIB,
    FRONT,
    OPTIONS,
    ROOT,
    Page,
    bold_text,
    own,
    pdf_text,
    project,
    squeezed,
    text,
)

PLOT = (
    "import matplotlib.pyplot as plt\nplt.figure(figsize=({}, 1))\nplt.plot([1, 2])\nplt.show()\n"
)


def plot(*options: str, width: int = 2, count: int = 1) -> str:
    lines = "".join(f"#| {option}\n" for option in ("echo: false", *options))
    return f"```{{python}}\n{lines}{PLOT.format(width) * count}```\n\n"


def refused(tmp_path, body: str, front: str = FRONT) -> str:
    with pytest.raises(ReportError) as error:
        own(project(tmp_path, body, front))
    return str(error.value)


def words(page: Page) -> str:
    return text(next(page.find(lambda e: e[0] == "main")))


CAPTIONS = [
    "a) Loss, b) accuracy",
    "1. one",
    "# of texts",
    "> 5 % of",
    "- x",
    "[x] ] and <b>b</b> <!-- y",
    "(@) z",
    "::: w",
]


def test_a_caption_is_one_line_of_text_whatever_it_begins_with(tmp_path):
    body = "".join(
        plot(f"label: fig-{n}", f"fig-cap: {caption!r}", "fig-alt: alt")
        for n, caption in enumerate(CAPTIONS)
    )
    body += plot("fig-cap: 'unlabelled ] see @fig-1[^n]'", "fig-alt: alt") + "[^n]: Note.\n\n"
    body += '```{#lst-a .python lst-cap="# 1. lines"}\nx\n```\n'
    out = own(project(tmp_path, body))
    page = Page(out / "index.html")
    assert page.facts()["captions"] == [
        *(f"Figure {n}: {caption}" for n, caption in enumerate(map(smart, CAPTIONS), 1)),
        "unlabelled ] see Figure 21",
        "Listing 1: # 1. lines",
    ]
    assert len(page.tags("img")) == len(CAPTIONS) + 1
    assert all(
        squeezed(f"Figure {n}: {c.split('<')[0]}") in pdf_text(out / "index.pdf")
        for n, c in enumerate(CAPTIONS, 1)
    )


def test_a_list_of_one_caption_is_that_caption(tmp_path):
    body = plot("fig-cap: [Of a plot]", "fig-alt: a") + (
        "```{python}\n#| tbl-cap:\n#|  - Of a table\n"
        "from IPython.display import Markdown\nMarkdown('| a |\\n|---|\\n| 1 |')\n```\n"
    )
    out = own(project(tmp_path, body))
    page = Page(out / "index.html")
    for caption in ("Of a plot", "Of a table"):
        assert words(page).count(caption) == 1
        assert squeezed(caption) in pdf_text(out / "index.pdf")


def smart(caption: str) -> str:
    """What pandoc's typography makes of the captions above."""
    return " ".join(re.sub("</?b>", "", caption).replace("--", "–").split())


def test_labels_that_look_alike_keep_their_pictures(tmp_path):
    body = "".join(
        plot(f"label: {label}", "fig-cap: c", "fig-alt: a", width=width)
        for width, label in enumerate(("fig-v1.0", "fig-v1-0", "fig-v1:0", "fig-V1-0"), 1)
    )
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    assert len({e[1]["src"] for e in page.tags("img")}) == 4


@pytest.mark.parametrize(
    "body, said",
    [
        (
            plot("label: fig-a", "fig-cap: x", "fig-subcap: [a, b, c]", "fig-alt: a", count=2),
            "index.qmd:6: the cell has 2 outputs but 3 texts in fig-subcap",
        ),
        (
            plot("label: fig-a", "fig-cap: x", "fig-subcap: [a]", "fig-alt: a", count=2),
            "2 outputs but 1 texts",
        ),
        (
            plot("label: fig-a", "fig-cap: x", "fig-subcap: [a, b]", "fig-alt: a"),
            "1 outputs but 2 texts in fig-subcap; give one for each, and end each picture with plt.show()",
        ),
        (
            "```{python}\n#| label: tbl-a\n#| tbl-cap: x\n#| tbl-subcap: [a, b]\nfrom "
            "IPython.display import Markdown\nMarkdown('a')\nMarkdown('b')\n```\n",
            "1 outputs but 2 texts in tbl-subcap; give one for each, and each table to display(…)",
        ),
        (
            plot("label: fig-a", "fig-cap: x", "fig-subcap: one", count=2),
            "index.qmd:10: fig-subcap takes a list of texts, one for each part, or true for parts",
        ),
        (plot("fig-subcap: [a]", "fig-alt: a"), "fig-subcap needs a label that begins with fig-"),
        (plot("tbl-subcap: [a]", "fig-alt: a"), "tbl-subcap needs a label that begins with tbl-"),
        (
            plot("label: fig-a", "fig-cap: x", "tbl-subcap: [a]", "fig-alt: a"),
            "tbl-subcap needs a label that begins with tbl-",
        ),
        (
            plot("fig-cap: x", "tbl-cap: y", "fig-alt: a"),
            "index.qmd:6: the cell has fig-cap and tbl-cap, of which one would be lost",
        ),
        (
            plot("label: fig-a", "fig-cap: 'x {{< meta title >}} y'"),
            "index.qmd:9: shortcode {{< meta title >}} is not run in options",
        ),
        (
            plot("label: fig-a", "fig-cap: x", "fig-alt: [a, b]"),
            "1 pictures but 2 texts in fig-alt",
        ),
        (
            plot("label: fig-a", "fig-cap: [x, y]", count=2),
            "index.qmd:9: cell option fig-cap: ['x', 'y'] is not of the "
            "right kind; give the list to fig-subcap, with label: fig-NAME",
        ),
        (plot("label: fig a", "fig-cap: x"), "index.qmd:8: label 'fig a' is no name"),
        (
            plot("label: fig-a", "fig-cap: 'x `{python} 1` y'"),
            "index.qmd:9: inline code is not run in fig-cap",
        ),
        (
            plot("label: fig-a", "fig-alt: 'x `{python} 1` y'"),
            "index.qmd:9: inline code is not run in fig-alt",
        ),
        (
            plot("label: fig-a", "fig-cap: 'x [SECRET]{.content-visible when-profile=key}'"),
            "index.qmd:9: conditions do not hold in fig-cap",
        ),
        (
            '::: {layout-ncol="two"}\n\na\n\nb\n:::\n',
            "index.qmd:6: layout-ncol 'two' is no number of columns",
        ),
        (
            plot("label: fig-a", "fig-cap: x", "fig-alt: y", "layout-ncol: 0"),
            "layout-ncol '0' is no number of columns",
        ),
        (
            "$$x$$ {#eq-a}\n\nSee [Eq. (-@eq-a)] and @eq-a.\n",
            "index.qmd:8: ')' stands in the brackets",
        ),
        ("$$x$$ {#eq-a}\n\nSee @eq-a [left].\n\nSee @eq-a.\n", "index.qmd:8: 'left' stands in the"),
        ("Text.\n\n(@) One.\n", "index.qmd:8: numbered examples, (@), are not supported"),
        ("Text.[^1]\n\n[^1]: @fig-none.\n", "index.qmd:8: @fig-none refers to nothing"),
        ("(@tbl-none) shows.\n", "index.qmd:6: @tbl-none refers to nothing"),
        *(
            (
                f"Text.\n\n---\n{what}\n---\n",
                "index.qmd:8: what stands between this line of --- and report/index.qmd:10 is read as",
            )
            for what in ("title: B", "title: [B", "- a", "*So.*")
        ),
        (
            "```{python}\n#| output: asis\nprint('---\\ntitle: B\\n---')\n```\n",
            "a block of YAML in the text sets 'title'",
        ),
        ("Text.\n\n::: {.callout-tip}\nA.\n", "index.qmd:8: '::: {.callout-tip}' is never closed"),
        ("Text.\n\n<div>\n\nA.\n", "index.qmd:8: '<div>' is never closed; end it with </div>"),
        *(
            (
                f"{before}\n\n::: {{.callout-tip}}\n\n{tag}\n\nA.\n\n:::\n\n"
                f'------\n\n<div class="b">\n\n{tag}\n\nB.\n\n</div>\n',
                f"index.qmd:10: behind {tag} the Div around it would never end; {remedy}",
            )
            for tag, remedy, before in [
                ("<hr>", "write *** between blank lines", "Text."),
                ("<hr>", "write *** between blank lines", "`<hr>`"),
                ('<hr class="a">', "write *** between blank lines", "A <br> b."),
                ("<p>", "end it with </p>", "Text."),
                ("<details>", "end it with </details>", "<u>A</u>"),
            ]
        ),
        ("<hr>\n\n::: {.callout-tip}\nA.\n", "index.qmd:8: '::: {.callout-tip}' is never closed"),
        (
            plot("label: fig-a", "fig-cap: a <div> b"),
            "a caption or a text of the title block has a <div>",
        ),
        ("Text.[^1]\n\n[^1]: A.\n\n[^1]: B.\n", "index.qmd:10: the note 1 is given twice"),
        ("Text [a].\n\n[a]: b.html\n[a]: c.html\n", "index.qmd:9: the link [a] is given twice"),
    ],
)
def test_what_would_be_shown_wrongly_is_refused(tmp_path, body, said):
    assert said in refused(tmp_path, body)


def test_names_in_brackets_with_a_backslash_are_no_formulas(tmp_path):
    body = "The relation \\[RO_0001025\\] of \\(a data_frame\\) and \\[\\_\\_init\\_\\_\\].\n"
    out = own(project(tmp_path, body), ("html",))
    assert "[RO_0001025] of (a data_frame) and [__init__]" in words(Page(out / "index.html"))


def test_marks_within_a_citation_are_read_and_not_refused(tmp_path):
    body = "A [@vaswani2017, [i.]{.smallcaps} 12*a*], B[see [there]{.smallcaps}^[Note.] @vaswani2017].\n"
    out = own(project(tmp_path, body))
    assert "A (Vaswani 2017, i. 12a), B(see there1 Vaswani 2017)." in words(
        Page(out / "index.html")
    )
    assert "A(Vaswani2017,i.12a)" in pdf_text(out / "index.pdf")


@pytest.mark.parametrize("first, title", [("% Testing", "Testing"), ("%", "…")])
def test_a_title_as_pandoc_has_it_is_refused_with_that_of_quarto(tmp_path, first, title):
    said = refused(tmp_path, "\nText.\n", first)
    assert said == (
        f"report/index.qmd:1: {first!r} is a title as pandoc has it; write title: {title} between "
        "two lines of ---, or \\% to show the sign"
    )


def test_references_at_the_start_of_a_paragraph_and_of_a_note(tmp_path):
    body = "(@tbl-t) shows it.[^1]\n\n[^1]: @tbl-t. So.\n\n@tbl-t. Too.\n\n"
    body += "::: {#tbl-t}\n\n| a |\n|---|\n| 1 |\n\nCap\n:::\n"
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    assert page.facts()["references"] == ["Table 1 #tbl-t"] * 3
    assert "(Table 1) shows it." in words(page)


def test_titles_of_callouts_and_code_about_cells_are_shown_as_quarto_does(tmp_path):
    body = (
        '::: {.callout-note title="**b** $x$ 1. c"}\nBody.\n:::\n\n```{{python}}\n1 + 1\n```\n\n'
        "````markdown\n```{{python}}\n2\n```\n````\n\n`{{python}} n`\n"
    )
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    title = page.tags("div", css="callout-title")[0]
    assert text(title) == "b x 1. c" and [
        text(e) for e in page.find(lambda e: e[0] == "strong", title)
    ] == ["b"]
    assert [text(e) for e in page.tags("pre")] == ["```{python} 1 + 1 ```", "```{python} 2 ```"]
    assert words(page).endswith("{python} n")


VALUES = {
    "np.float64(0.5)": "0.5",
    "[np.float64(0.5), np.int64(3)]": "[0.5, 3]",
    "{'a_b': np.True_}": "{'a_b': True}",
    "np.str_('x*y*z')": "x*y*z",
    "['*a*', 'b_c_d']": "['*a*', 'b_c_d']",
    "(1, -2.5)": "(1, -2.5)",
    "None": "None",
    "'np.float64(2)'": "np.float64(2)",
    "np.array([1.0, 2.0])": "array([1., 2.])",
    "-1.5e-07": "-1.5e-07",
}


def test_inline_values_are_shown_as_values_and_never_as_markdown(tmp_path):
    body = "```{python}\n#| include: false\nimport numpy as np\n```\n\n" + "\n\n".join(
        f"`{{python}} {value}`" for value in VALUES
    )
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    assert [text(e) for e in page.tags("p")[1:]] == list(VALUES.values())


def test_a_formatted_number_in_a_formula_keeps_its_decimal_point(tmp_path):
    body = "So $p = `{python} f'{0.5:.2f}'`$ and $(a, b) = `{python} (1, -2.5)`$.\n"
    out = own(project(tmp_path, body))
    formulas = [text(e) for e in Page(out / "index.html").tags("mrow")]
    assert formulas == ["p=0.50", "(a,b)=(1,−2.5)"]
    assert "𝑝=0.50" in pdf_text(out / "index.pdf")


STRINGS = {  # in a formula: what a reader sees of it
    '"< 0.001"': "p<0.001",
    '"> 0.05"': "p>0.05",
    '"50%"': "p50%",
    '"a, b!"': "pa,b!",
    '"a_b # $1"': "pa_b#$1",
    "str([1, 2])": "p[1,2]",
    r'r"\alpha + 1"': "pα+1",
    'f"{0.5:.2f} \\\\pm {1}%"': "p0.50±1%",
}


def test_a_string_in_a_formula_loses_no_letter_and_may_be_tex(tmp_path):
    body = "It costs \\$5, `{python} 'a > b, c'` or `$x`.\n\n" + "\n\n".join(
        f"$p `{{python}} {value}`$ and\n\n$$\n`{{python}} {value}`\n$$" for value in STRINGS
    )
    out = own(project(tmp_path, body))
    page = Page(out / "index.html")
    assert "It costs $5, a > b, c or $x." in [text(e) for e in page.tags("p")]
    shown = ["".join(text(e).split()) for e in page.tags("mrow")]
    assert [s for s in shown if s.startswith("p")] == list(STRINGS.values())
    assert [s for s in shown if not s.startswith("p")] == [s[1:] for s in STRINGS.values()]
    printed = "".join(pdf_text(out / "index.pdf").split())
    assert all(word in printed for word in ("<0.001", ">0.05", "50%", "[1,2]", "0.50±1%"))


def test_inline_code_that_makes_no_formula_is_told_what_to_give(tmp_path):
    said = refused(tmp_path, "So $v = `{python} [1, 2]`$.\n")
    assert "index.qmd:6: the formula" in said and "a string that is TeX" in said


def test_a_formula_that_a_cell_gives_is_one_on_page_pdf_and_notebook(tmp_path):
    cells = (
        "from sympy import Eq, symbols\nx, y = symbols('x y')\nEq(y, x**2 / 2)",
        "from IPython.display import Math\nMath(r'\\frac{a}{b}')",
    )
    folder = own(project(tmp_path, "".join(f"```{{python}}\n{c}\n```\n\n" for c in cells)))
    formulas = [text(formula) for formula in Page(folder / "index.html").tags("math")]
    assert formulas == ["y=x22", "ab"]
    assert "𝑥2" in pdf_text(folder / "index.pdf")
    shown = [
        o.data["text/markdown"]
        for c in nbformat.read(folder / "index.ipynb", 4).cells
        for o in c.get("outputs", [])
    ]
    assert shown == [r"$\displaystyle y = \frac{x^{2}}{2}$", r"$\displaystyle \frac{a}{b}$"]
    words = "```{python}\nfrom IPython.display import Latex\nLatex('$a$ is it')\n```\n"
    said = refused(tmp_path / "words", words)
    assert "index.qmd:6: an output of this cell is text/latex, text/plain; print" in said
    assert "HTML" not in said


FRAME = """```{python}
#| label: tbl-frame
#| tbl-cap: Shown by pandas.
import pandas as pd
pd.DataFrame({"a|b": ["$5", "@me"], "x*y": ["<b>", "`c`"], "n": [0.5, 2]})
```

See @tbl-frame.
"""


def test_a_data_frame_is_a_table_on_page_pdf_and_notebook(tmp_path):
    out = own(project(tmp_path, FRAME))
    page = Page(out / "index.html")
    rows = [["", "a|b", "x*y", "n"], ["0", "$5", "<b>", "0.5"], ["1", "@me", "`c`", "2.0"]]
    found = [
        [text(cell) for cell in page.find(lambda e: e[0] in ("th", "td"), row)]
        for row in page.tags("tr")
    ]
    assert found == rows
    words = text(page.tree)
    assert "Table 1: Shown by pandas." in words and "See Table 1." in words
    assert all(cell in pdf_text(out / "index.pdf") for row in rows for cell in row)
    notebook = nbformat.read(out / "index.ipynb", 4)
    shown = next(o for c in notebook.cells for o in c.get("outputs", ()))
    assert shown.data["text/html"] and "$5" in shown.data["text/markdown"]


def test_an_estimator_that_ends_a_cell_is_shown_as_its_text(tmp_path):
    cell = "```{python}\nfrom sklearn.svm import LinearSVC\nLinearSVC(C=0.5).fit([[0], [1]], [0, 1])\n```\n"
    out = own(project(tmp_path, cell))
    assert "LinearSVC(C=0.5)" in words(Page(out / "index.html"))
    assert "LinearSVC(C=0.5)" in pdf_text(out / "index.pdf")


GROUPS = """
```{python}
import pandas as pd
counts = pd.DataFrame({"kind": list("aabb"), "part": [1, 2, 1, 2], "n": [1, 2, 3, 4]})
counts.groupby(["kind", "part"]).agg({"n": ["mean", "max"]})
```
"""


AS_TEXT = """
```{python}
#| label: tbl-t
#| tbl-cap: "Told in a text."
import pandas as pd
pd.DataFrame({"it's": ['a "b"', "c"]}).to_html(index=False)
```

```{python}
"<i>a text</i> and no </table>"
```
"""


def test_a_text_that_is_a_table_in_html_is_shown_as_that_table(tmp_path):
    out = own(project(tmp_path, AS_TEXT))
    page = Page(out / "index.html")
    assert [text(cell) for cell in page.tags("td", "th")] == ["it's", 'a "b"', "c"]
    assert "'<i>a text</i> and no </table>'" in words(page)
    assert "Table1:Toldinatext.it" in pdf_text(out / "index.pdf")
    shown = nbformat.read(out / "index.ipynb", 4).cells
    assert [list(c.outputs[0].data) for c in shown if c.cell_type == "code"][-2:] == [
        ["text/html", "text/markdown", "text/plain"],
        ["text/plain"],
    ]


def test_a_data_frame_of_groups_keeps_its_cells_across_rows_and_columns(tmp_path):
    out = own(project(tmp_path, GROUPS))
    cells = [
        (text(cell), cell[1].get("rowspan", "1"), cell[1].get("colspan", "1"))
        for cell in Page(out / "index.html").tags("td", "th")
        if text(cell)
    ]
    assert cells[:5] == [
        ("n", "1", "2"),
        ("mean", "1", "1"),
        ("max", "1", "1"),
        ("kind", "1", "1"),
        ("part", "1", "1"),
    ]
    assert ("a", "2", "1") in cells and ("b", "2", "1") in cells
    assert "nmeanmaxkindpart11.01a22.0213.03b24.04" in pdf_text(out / "index.pdf")


STYLED = """
```{python}
import pandas as pd
scores = pd.DataFrame({"name": ["x", "$5 | *y*"], "score": [0.5, 0.25]})
looks = scores.style.format({"score": "{:.0%}"}).hide(axis="index").set_caption("Told by pandas")
looks.highlight_max(subset=["score"], color="yellow").map(
    lambda value: "font-weight: bold; color: black", subset=["name"]
)
```
"""


def test_colours_of_a_styled_data_frame_are_on_page_and_pdf_with_its_caption(tmp_path):
    out = own(project(tmp_path, STYLED))
    looks = {text(cell): cell[1].get("style") for cell in Page(out / "index.html").tags("td")}
    assert looks == {
        "x": "font-weight: bold",
        "50%": "background-color: #ffff00; color: #000000",
        "$5 | *y*": "font-weight: bold",
        "25%": None,
    }
    assert "Told by pandas" in words(Page(out / "index.html"))
    with pikepdf.open(out / "index.pdf") as pdf:
        assert b"1 1 0 scn" in pdf.pages[0].Contents.read_bytes()  # yellow
    assert "Toldbypandas" in pdf_text(out / "index.pdf")


def test_words_in_angle_brackets_of_a_styled_data_frame_are_shown(tmp_path):
    cell = (
        "import pandas as pd\n"
        "tokens = pd.DataFrame({'token': ['<pad>', '<s>', '</s>', 'a<br>b', '<b>c</b>']})\n"
        "tokens.style.hide(axis='index')\n"
    )
    out = own(project(tmp_path, f"```{{python}}\n#| echo: false\n{cell}```\n"))
    cells = [text(cell) for cell in Page(out / "index.html").tags("td")]
    assert cells == ["<pad>", "<s>", "</s>", "a b", "c"]
    assert "<pad><s></s>" in pdf_text(out / "index.pdf")


@pytest.mark.parametrize(
    "table, head",
    [
        ("---- ----\nfirst two\nlast  four\n---- ----\n", ""),
        ("|  |  |\n|--|--|\n| first | two |\n| last | four |\n", ""),
        ("| head[^n] | two |\n|--|--|\n| last | four |\n\n[^n]: Note.\n", "head1two"),
        (
            "```{python}\n#| echo: false\nimport pandas as pd\n"
            "pd.DataFrame([[1, 2]], columns=[list('ab'), list('cd')])\n```\n",
            "abcd",
        ),
    ],
)
def test_the_head_of_a_table_is_bold_in_the_pdf_and_its_first_row_is_not(tmp_path, table, head):
    front = "---\ntitle: A test\nformat: {typst: {toc: false}}\n---\n\n"
    out = own(project(tmp_path, table, front), ("typst",))
    assert bold_text(out / "index.pdf") == "Atest" + head


def test_the_name_of_an_index_stands_in_the_head_of_a_data_frame_and_is_no_row(tmp_path):
    cell = "import pandas as pd\npd.DataFrame({'label': ['a', 'b'], 'n': [1, 2]}).groupby('label').sum()"
    out = own(project(tmp_path, f"```{{python}}\n#| echo: false\n{cell}\n```\n"))
    page = Page(out / "index.html")
    assert [text(cell) for cell in page.tags("th")] == ["", "n", "label", ""]
    assert [text(cell) for cell in page.tags("td")] == ["a", "1", "b", "2"]
    assert bold_text(out / "index.pdf").endswith("nlabel")


@pytest.mark.parametrize(
    "tag",
    [
        '<img src="a.png" width=30>',
        "<img width=30 src='a.png'/>",
        "<IMG SRC=a.png>",
        '<img alt="a > b" src = "a.png">',
        '<img\n  alt="not src=b.png"\n  src="a.png">',
        '<!-- <img src="old.png"> --><img src="a.png">',
    ],
)
def test_a_picture_in_html_is_in_page_and_notebook_however_it_is_written(tmp_path, tag):
    folder = project(tmp_path, f"<div>\n{tag}\n</div>\n\nIn a {tag} line.\n")
    Image.new("RGB", (4, 4), "red").save(folder / "report" / "a.png")
    out = own(folder, ("html",))
    (told,) = (c.source for c in nbformat.read(out / "index.ipynb", 4).cells if "line" in c.source)
    for shown in ((out / "index.html").read_text(), told):
        assert len(re.findall('src="data:image/png;base64,', shown)) == 2
        assert '"a.png"' not in shown


@pytest.mark.parametrize(
    "tag, told",
    [
        ('<img src="a.png" srcset="b.png 2x">', 'srcset="b.png 2x" in <img>'),
        ("<video poster='b.png'></video>", 'poster="b.png" in <video>'),
        ("<picture><source srcset=b.png></picture>", "srcset=b.png in <source>"),
        ('<embed src="b.pdf">', 'src="b.pdf" in <embed>'),
        ('<link rel="stylesheet" href="b.css">', 'href="b.css" in <link>'),
        ('<div style="background: url(b.png)">a</div>', "url(b.png)"),
        ("<style>p { background: url('b.png') }</style>", "url(b.png)"),
        ("[a]{style=\"background: url('b.png')\"}", "url(b.png)"),
    ],
)
def test_a_file_that_html_names_and_the_page_would_lack_is_refused(tmp_path, tag, told):
    folder = project(tmp_path, f"One.\n\n{tag}\n")
    Image.new("RGB", (4, 4), "red").save(folder / "report" / "a.png")
    with pytest.raises(ReportError) as refusal:
        own(folder, ("html",))
    assert f"index.qmd:8: the file of {told} would be missing" in str(refusal.value)


def test_an_address_elsewhere_in_html_is_kept(tmp_path):
    body = '<iframe src="https://example.org/a" title="a"></iframe>\n'
    assert (
        'src="https://example.org/a"'
        in (own(project(tmp_path, body), ("html",)) / "index.html").read_text()
    )


TRAINED = "<div><progress value='4' max='4'></progress>\n[4/4 00:01 < 00:00, Epoch 1/1]</div>"


def test_what_libraries_show_in_jupyter_as_html_that_is_text_is_that_text(tmp_path):
    table = "<table><tr><th>Epoch</th></tr><tr><td>1</td></tr></table><p>"
    shown = ["<pre style='x'><b>red</b> &lt;world&gt;</pre>\n", TRAINED, TRAINED + table]
    cells = "".join(
        "```{python}\n#| echo: false\n"
        f"display({{'text/html': {html!r}, 'text/plain': 'HTML object'}}, raw=True)\n```\n\n"
        for html in shown
    )
    out = own(project(tmp_path, cells))
    page = words(Page(out / "index.html"))
    assert "red <world>" in page and page.count("[4/4 00:01 < 00:00, Epoch 1/1]") == 2
    assert "HTML object" not in page
    assert [text(cell) for cell in Page(out / "index.html").tags("td")] == ["1"]
    assert pdf_text(out / "index.pdf").count("[4/400:01<00:00,Epoch1/1]") == 2


def test_links_and_other_codes_of_a_terminal_are_not_shown(tmp_path):
    printed = "\x1b]8;;https://e.org\x1b\\link\x1b]8;;\x1b\\ \x1b(B\x1b[1;31mred\x1b[m \x1b[?25hend"
    body = f"```{{python}}\n#| echo: false\nprint({printed!r})\n```\n"
    page = words(Page(own(project(tmp_path, body), ("html",)) / "index.html"))
    assert "link red end" in page


def test_an_array_of_what_pandas_drew_is_not_shown(tmp_path):
    cell = "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': [1, 2]}).hist()\n"
    out = own(project(tmp_path, f"```{{python}}\n{cell}```\n"), ("html",))
    assert "Axes" not in words(Page(out / "index.html"))


def test_names_of_languages_with_signs_do_not_stand_in_the_code_of_the_pdf(tmp_path):
    body = "```c++\nint x;\n```\n\n```c#\nint y;\n```\n\n```asp.net\nint z;\n```\n"
    found = pdf_text(own(project(tmp_path, body), ("typst",)) / "index.pdf")
    assert "intx;inty;intz;" in found


def test_a_list_of_sources_may_be_empty(tmp_path):
    folder = project(tmp_path, "Text.\n")
    (folder / "report/references.bib").write_text("% nothing yet\n")
    assert "Text." in words(Page(own(folder, ("html",)) / "index.html"))


def test_a_source_with_an_empty_address_is_no_link(tmp_path):
    folder = project(tmp_path, "By @k.\n")
    source = "@book{k, author={Knuth, D}, title={The Book}, year={1984}, url={}}\n"
    (folder / "report/references.bib").write_text(source)
    out = own(folder)
    assert "Knuth, D. 1984. The Book." in words(Page(out / "index.html"))
    assert 'href=""' not in (out / "index.html").read_text()
    assert "Knuth,D.1984.TheBook." in pdf_text(out / "index.pdf")
    cells = nbformat.read(out / "index.ipynb", 4).cells
    assert "1984. *The Book*" in cells[-1].source


def test_letters_have_their_colour_and_definitions_their_indent_in_the_pdf(tmp_path):
    body = (
        'A [red]{style="color: red"} <span style="color: #00f">blue</span>.\n\nTerm\n: Words\n\n'
        '::: {style="color: lime"}\nLime.\n:::\n\n[x]{style="color: white; background: navy"}\n'
    )
    made = own(project(tmp_path, body), ("typst",)) / "index.pdf"
    with pikepdf.open(made) as pdf:
        parts = list(pikepdf.parse_content_stream(pdf.pages[0]))
    told = [[float(n) for n in of] for of, by in parts if str(by) in ("rg", "scn") and len(of) == 3]
    assert [1, 1, 1] not in told and all(
        any(max(abs(a - b) for a, b in zip(ink, one, strict=True)) < 0.02 for one in told)
        for ink in ([1, 0, 0], [0, 0, 1], [0, 1, 0])
    )
    with pdf_pages.opened(made) as pdf:
        page = pdf[0].get_textpage()
        found = {word: page.search(word).get_next()[0] for word in ("Term", "Words")}
        lefts = {word: page.get_charbox(at)[0] for word, at in found.items()}
    assert 10 < lefts["Words"] - lefts["Term"] < 25  # points; 1.5em in Quarto too


def test_paragraphs_in_html_stay_paragraphs_in_the_pdf(tmp_path):
    body = '<p align="center">One</p>\n\n<p>Two</p><p>Three</p>\n'
    with pikepdf.open(own(project(tmp_path, body), ("typst",)) / "index.pdf") as pdf:
        kinds = [
            str(item.get("/S")) for item in pdf.objects if isinstance(item, pikepdf.Dictionary)
        ]
    assert kinds.count("/P") >= 3


def test_keys_without_a_value_are_as_if_they_were_not_there(tmp_path):
    front = "---\ntitle: T\nabstract:\nsubtitle:\nkeywords:\nnocite:\nlink-citations:\n---\n\n"
    out = own(project(tmp_path, "Text.\n", front))
    assert "Abstract" not in words(Page(out / "index.html"))


def test_a_table_without_a_label_keeps_its_caption_in_the_pdf(tmp_path):
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n\n: Two *digits*[^n]\n"
    body = f"{table}\n::: {{layout-ncol=2}}\n{table}\n{table.replace('Two', 'More')}\n:::\n\n[^n]: Note.\n"
    out = own(project(tmp_path, body))
    found = pdf_text(out / "index.pdf")
    assert len(re.findall(r"Twodigits\dab12", found)) == 2 and "Moredigits3ab12" in found


def test_a_cell_may_give_code_with_a_bar_and_nothing_else(tmp_path):
    cell = 'from IPython.display import Markdown\nMarkdown("~~~\\na | b\\n~~~")\n'
    out = own(project(tmp_path, f"```{{python}}\n#| echo: false\n{cell}```\n"))
    assert "a | b" in words(Page(out / "index.html"))


def test_commands_of_tex_without_words_and_what_is_meant_for_latex_are_passed_over(tmp_path):
    body = (
        "\\newcommand{\\R}{\\mathbb{R}}\n\n\\noindent \\large In $\\R$. \\newpage\n\n\\vspace{1cm}\n\n"
        "`\\ref{a}`{=latex}\n\n```{=latex}\n\\begin{table}\n```\n"
    )
    assert words(Page(own(project(tmp_path, body), ("html",)) / "index.html")).endswith("In ℝ.")


def test_what_a_cell_prints_beside_its_table_stands_outside_of_it(tmp_path):
    cell = """```{python}
#| label: tbl-a
#| tbl-cap: Numbers
from IPython.display import Markdown, display
print("loading")
display(Markdown("|a|\\n|-|\\n|1|"))
print("done")
```
"""
    page = Page(own(project(tmp_path, cell), ("html",)) / "index.html")
    (table,) = page.tags("figure")
    assert text(table) == "Table 1: Numbers a 1"
    assert words(page).endswith("loading Table 1: Numbers a 1 done")


@pytest.mark.parametrize(
    "parts, shown",
    [
        ("", ["Table 1: Both"]),
        ("#| tbl-subcap: [one, two]\n", ["Table 1: Both", "(a) one", "(b) two"]),
        ("#| tbl-subcap: true\n", ["Table 1: Both", "(a)", "(b)"]),
    ],
)
def test_tables_of_a_cell_are_parts_where_they_have_captions_of_their_own(tmp_path, parts, shown):
    cell = (
        f"```{{python}}\n#| label: tbl-a\n#| tbl-cap: Both\n{parts}from IPython.display import "
        'Markdown, display\nfor x in "ab":\n    display(Markdown(f"|{x}|\\n|-|\\n|1|"))\n```\n\n@tbl-a\n'
    )
    page = Page(own(project(tmp_path, cell), ("html",)) / "index.html")
    assert page.facts()["captions"] == shown
    assert page.facts()["references"] == ["Table 1 #tbl-a"] and len(page.tags("table")) == 2


def test_what_a_cell_prints_as_it_is_stands_under_its_caption(tmp_path):
    cell = """```{python}
#| label: tbl-a
#| tbl-cap: Numbers
#| output: asis
print("| a |\\n|---|\\n| 1 |")
```

@tbl-a

```{python}
#| tbl-cap: More
#| output: asis
print("| b |\\n|---|\\n| 2 |")
```
"""
    page = Page(own(project(tmp_path, cell), ("html",)) / "index.html")
    assert page.facts()["captions"] == ["Table 1: Numbers"]
    assert page.facts()["references"] == ["Table 1 #tbl-a"] and words(page).endswith("b 2 More")


def test_backspaces_of_a_progress_bar_take_away_what_they_cover(tmp_path):
    bar = "print('1/2 [=> ]' + 9 * '\\b', end=''); print('2/2 [==]'); print('\\bab\\b\\b\\bc')"
    page = Page(own(project(tmp_path, f"```{{python}}\n{bar}\n```\n"), ("html",)) / "index.html")
    assert page.facts()["outputs"] == ["2/2 [==] c"]


def test_the_end_of_a_line_that_a_progress_bar_prints_is_no_output(tmp_path):
    bar = "import sys\nprint('\\r100 %', end='', file=sys.stderr)\nprint('done')\nprint(file=sys.stderr)"
    cell = f"```{{python}}\n#| warning: true\n{bar}\n```\n"
    page = Page(own(project(tmp_path, cell), ("html",)) / "index.html")
    assert sorted(text(one) for one in page.tags("div", css="cell-output")) == ["100 %", "done"]


# Pictures


def test_pictures_of_every_kind_are_shown_in_their_size(tmp_path):
    (tmp_path / "pics").mkdir()
    Image.new("RGB", (24, 24), "red").save(tmp_path / "pics/a b.png")
    sizes = {
        "": (18, 18),
        "{width=1in}": (72, 72),
        "{height=1cm}": (28.3, 28.3),
        "{width=50%}": (235.3, 235.3),
        '{width="2in" height=0.5in}': (144, 36),
        "{width=20in height=2in}": (470.6, 47.1),
        "{width=40}": (30, 30),
    }
    body = (
        "".join(f"![a](../pics/a%20b.png){size}\n\n" for size in sizes)
        + """```{python}
#| fig-alt: [a, b, c, d]
import base64, io
import PIL.Image
from IPython.display import Image, display
for kind in ("PNG", "GIF", "WEBP", "JPEG"):
    PIL.Image.new("RGB", (100, 50), "blue").save(stream := io.BytesIO(), kind)
    print(kind)
    data = base64.b64encode(stream.getvalue()).decode()
    display({f"image/{kind.lower()}": data, "text/plain": "<Figure size>"}, raw=True)
display(Image(stream.getvalue(), width=60, alt="d"))
```
""".replace("[a, b, c, d]", "[a, b, c, d, e]")
    )
    out = own(project(tmp_path, body))
    page = Page(out / "index.html")
    kinds = [re.match(r"data:image/(\w+)", e[1]["src"])[1] for e in page.tags("img")]
    assert kinds == ["png"] * len(sizes) + [
        "png",
        "gif",
        "webp",
        "jpeg",
        "jpeg",
    ] and "Figure size" not in words(page).replace('"<Figure size>"', "")
    assert [e[1]["alt"] for e in page.tags("img")][-5:] == ["a", "b", "c", "d", "e"]
    assert drawn(out / "index.pdf") == [*sizes.values(), *[(75, 37.5)] * 4, (45, 22.5)]


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_picture_has_in_the_pdf_the_size_of_its_resolution(tmp_path, kind):
    (tmp_path / "pics").mkdir()
    for dpi in (300, 30, 1):
        Image.new("RGB", (400, 120)).save(tmp_path / f"pics/{dpi}.{kind}", dpi=(dpi, dpi))
    body = "".join(f"![a](../pics/{dpi}.{kind})\n\n" for dpi in (300, 30, 1))
    out = own(project(tmp_path, body + f"![a](../pics/300.{kind}){{width=2in}}\n"))
    wide = (470.6, 141.2)  # as the text, which 400 pixels at 30 for an inch would pass
    assert drawn(out / "index.pdf") == [(96, 28.8), wide, (300, 90), (144, 43.2)]


@pytest.mark.parametrize(
    ("written", "page", "letters", "width"),
    [
        ("papersize: A4\n    fontsize: 12 pt", (595, 842), 12, 470.6),
        ("papersize: letter\n    fontsize: 16px", (612, 792), 12, 487.3),
        ("papersize: a5paper\n    margin: {x: 1 cm, left: 100pt}", (420, 595), 10.5, 291.2),
    ],
)
def test_paper_letters_and_margins_have_the_sizes_that_the_options_give(
    tmp_path, written, page, letters, width
):
    front = f"---\nformat:\n  typst:\n    {written}\n---\n"
    folder = project(tmp_path, "Text.\n\n![](a.png){width=100% fig-alt='A square'}\n", front)
    Image.new("RGB", (24, 24)).save(folder / "report/a.png")
    out = own(folder)
    with pikepdf.open(out / "index.pdf") as pdf:
        first = pdf.pages[0]
        sizes = {
            float(operands[1])
            for operands, operator in pikepdf.parse_content_stream(first)
            if str(operator) == "Tf"
        }
        assert tuple(round(float(side)) for side in first.mediabox[2:]) == page
    assert letters in sizes and drawn(out / "index.pdf")[0][0] == pytest.approx(width, abs=0.2)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            "format:\n  typst:\n    include-in-header:\n      text: |\n        \\usepackage{changepage}",
            "report/index.qmd:6: \\usepackage{changepage} in include-in-header is TeX, which would be",
        ),
        (
            'include-in-header: {text: "<style>b {color: red}</style>"}',
            "report/index.qmd:2: <style>b {color: red}</style> in include-in-header is HTML, but the",
        ),
        (
            "format:\n  html:\n    include-in-header: report/head.tex",
            "report/head.tex:2: \\usepackage{a} in include-in-header is TeX, which would be shown",
        ),
    ],
)
def test_a_header_in_the_language_of_another_format_is_refused(tmp_path, header, said):
    folder = project(tmp_path, "Text.\n", f"---\n{header}\n---\n")
    (folder / "report/head.tex").write_text("% packages\n\\usepackage{a}\n")
    with pytest.raises(ReportError) as refused:
        own(folder)
    assert str(refused.value).startswith(said)


def test_headers_in_the_language_of_their_format_hold(tmp_path):
    front = (
        '---\nformat:\n  html:\n    include-in-header: {text: "<style>b {color: red}</style>"}\n'
        '  typst:\n    include-in-header: {text: "#set text(size: 20pt)"}\n---\n'
    )
    out = own(project(tmp_path, "Text.\n", front))
    assert "b {color: red}" in (out / "index.html").read_text()
    assert "color" not in pdf_text(out / "index.pdf")


def drawn(path) -> list[tuple[float, float]]:
    """Width and height of each picture in a PDF, in points."""
    found, last = [], None
    with pikepdf.open(path) as pdf:
        for page in pdf.pages:
            for operands, operator in pikepdf.parse_content_stream(page):
                last = operands if str(operator) == "cm" else last
                if str(operator) == "Do":
                    found.append((round(float(last[0]), 1), round(float(last[3]), 1)))
    return found


def sides(path) -> list[tuple[float, float]]:
    """What is left and right of each picture on the first page of a PDF, in points."""
    found, at, around = [], pikepdf.Matrix(), []
    with pikepdf.open(path) as pdf:
        page = pdf.pages[0]
        for operands, operator in pikepdf.parse_content_stream(page):
            if str(operator) == "q":
                around.append(at)
            elif str(operator) == "Q":
                at = around.pop()
            elif str(operator) == "cm":
                at = pikepdf.Matrix(*map(float, operands)) @ at
            elif str(operator) == "Do":
                found.append((round(at.e), round(float(page.MediaBox[2]) - at.e - at.a)))
    return found


def test_a_picture_that_fig_align_puts_in_the_middle_stands_there_in_the_pdf(tmp_path):
    given = '![](a.png){width=30% fig-alt="A" fig-align="center"}'
    body = f"![](a.png){{width=30% fig-alt=A}}\n\n{given}\n\n> {given}\n\n- {given}\n\n{given} {given}\n"
    folder = project(tmp_path, body)
    Image.new("RGB", (40, 30), "navy").save(folder / "report/a.png")
    margin, *rest = sides(own(folder, ("typst",)) / "index.pdf")
    assert [abs(left - right) <= 1 for left, right in rest[:2]] == [True, True]
    assert rest[2][0] < rest[2][1] and rest[3][0] == margin[0]  # in a list, in a line of text


def test_a_picture_without_a_caption_stands_on_the_page_where_it_does_in_the_pdf(tmp_path):
    given = '![](a.png){fig-align="center"}'
    folder = project(tmp_path, f"Text ![](a.png) goes on.\n\n![](a.png)\n\n{given}\n")
    Image.new("RGB", (40, 30), "navy").save(folder / "report/a.png")
    beside = """[...document.querySelectorAll("p > img")].map(one => {
      const it = one.getBoundingClientRect(), all = one.parentElement.getBoundingClientRect()
      return [Math.round(it.left - all.left), Math.round(all.right - it.right)] })"""
    made = own(folder, ("html",)) / "index.html"
    with chromium() as browser, opened(browser, made) as page:
        in_line, alone, middle = page.evaluate(beside)
    assert 0 < in_line[0] < in_line[1] and alone[0] == 0 and abs(middle[0] - middle[1]) <= 1


@pytest.mark.parametrize(
    "svg, size",
    [
        ('<svg width="144pt" height="72pt">', (144, 72)),
        ('<svg width="96" height="48px">', (72, 36)),
        ("<svg width='1in' viewBox='0 0 20 10'>", (72, 36)),
        ('<svg viewBox="0 0 96 48">', (72, 36)),
        ('<svg width="100%" height="100%">', None),
        ("<svg>", None),
    ],
)
def test_the_size_that_an_svg_tells(svg, size, tmp_path):
    (tmp_path / "a.svg").write_text(svg + "</svg>")
    assert pictures.natural_size(tmp_path / "a.svg") == (pytest.approx(size) if size else None)


@pytest.mark.parametrize(
    "body, said",
    [
        ("![a](data.pdf)\n", "'data.pdf' cannot be shown as a picture; use .svg"),
        (
            "![a](a.png){width=3furlong}\n",
            "index.qmd:6: width '3furlong' of a picture is no length",
        ),
        ("![a](bad.png)\n", "cannot be read"),
        (
            "```{python}\nfrom IPython.display import display\ndisplay({'application/pdf': 'x', "
            "'text/plain': 'y'}, raw=True)"
            "\n```\n",
            "index.qmd:6: an output of this cell is application/pdf",
        ),
    ],
)
def test_pictures_that_cannot_be_shown_are_refused(tmp_path, body, said):
    project(tmp_path, body)
    Image.new("RGB", (4, 4)).save(tmp_path / "report/a.png")
    for name in ("data.pdf", "bad.png"):
        (tmp_path / "report" / name).write_text("x")
    with pytest.raises(ReportError) as error:
        own(tmp_path)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "name, kind", [("a.png", "JPEG"), ("a.jpg", "PNG"), ("A.JPG", "JPEG"), ("a.jfif", "JPEG")]
)
def test_a_picture_is_read_by_what_it_holds_and_not_by_its_name(tmp_path, name, kind):
    project(tmp_path, f"![a]({name})\n")
    Image.new("RGB", (24, 12)).save(tmp_path / "report" / name, kind)
    out = own(tmp_path)
    (shown,) = Page(out / "index.html").tags("img")
    assert shown[1]["src"].startswith(f"data:image/{kind.lower()};")
    assert drawn(out / "index.pdf") == [(18, 9)]


def test_a_photo_that_was_taken_upright_is_as_large_as_it_is_shown(tmp_path):
    project(tmp_path, "Text.\n")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (24, 12)).save(tmp_path / "report" / "a.jpg", exif=turned)
    assert pictures.natural_size(tmp_path / "report" / "a.jpg") == (9, 18)
    turned[0x011A], turned[0x0128] = 144.0, 2  # pixels for an inch, as cameras tell them
    Image.new("RGB", (24, 12)).save(tmp_path / "report" / "a.jpg", exif=turned)
    assert pictures.natural_size(tmp_path / "report" / "a.jpg") == (6, 12)


# Paths, names and letters


@pytest.mark.parametrize(
    "name",
    [
        "hw--final",
        "it's",
        "a [v2]",
        "x...y",
        "a%20b#c?d",
        "b *c* `d`",
        "$x$ @k",
        "-x",
        "ünï 漢",
        "a&b <c>",
        'a"b',
        "back\\slash",
    ],
)
def test_a_project_renders_in_a_folder_of_any_name(tmp_path, name):
    folder = tmp_path / name
    project(
        folder,
        "By @vaswani2017.\n\n![c](my%20pic.png)\n",
        options=OPTIONS.replace("report/references.bib", "'report/r [1]--x.bib'"),
    )
    (folder / "report/r [1]--x.bib").write_text(BIB)
    Image.new("RGB", (24, 24)).save(folder / "report/my pic.png")
    out = own(folder)
    assert "Vaswani (2017)" in words(Page(out / "index.html")) and drawn(out / "index.pdf") == [
        (18, 18)
    ]


def test_authors_are_parted_by_commas_and_from_the_rest_by_a_dot(tmp_path):
    front = "---\ntitle: T\nauthor: [{name: A B, affiliation: X}, C D]\ndate: 2026-01-02\n---\n"
    made = own(project(tmp_path, "Text.\n", front), ("html",)) / "index.html"
    before = """[...document.querySelectorAll(".byline > span")].map(
      one => getComputedStyle(one, "::before").content)"""
    with chromium() as browser, opened(browser, made) as page:
        assert page.evaluate(before) == ["none", "none", '"· "', '"· "']


def test_who_and_what_are_told_by_both_files_as_written(tmp_path):
    keywords = ["C#", "a_b", 'say "x"', "\\end $x$ *y*", "<b>&", "漢"]
    front = (
        "---\ntitle: '> 5 %'\nauthor: [Plain Name, {name: {given: Ada, family: L}, affiliations: "
        "[X, {name: Y}]}]"
        f"\nkeywords: {keywords!r}\ndescription: 'one # _two_'\n---\n".replace("\\\\", "\\")
    )
    out = own(project(tmp_path, "Text.\n", front))
    page = Page(out / "index.html")
    named = [
        (e[1]["name"], e[1]["content"])
        for e in page.find(lambda e: e[0] == "meta" and "name" in e[1])
    ]
    assert {
        ("author", "Plain Name"),
        ("author", "Ada L"),
        ("keywords", ", ".join(keywords)),
        ("description", "one # two"),
    } <= set(named)
    with pikepdf.open(out / "index.pdf") as pdf:
        told = {key: str(value) for key, value in pdf.docinfo.items()}
    assert (
        told["/Title"] == "> 5 %"
        and told["/Author"] == "Plain Name, Ada L"
        and told["/Subject"] == "one # two"
    )
    assert told["/Keywords"] == ", ".join(keywords) and "X, Y" in words(page)
    assert words(page).startswith("> 5 % one # two Plain Name")  # the description, as in Quarto
    assert f"Keywords {', '.join(keywords)} Text." in words(page)
    title = nbformat.read(out / "index.ipynb", 4).cells[0].source
    assert "one # *two*" in title.replace("\\", "") and "**Keywords**" in title


def test_letters_of_other_languages_stay_and_the_pdf_has_them_or_a_mark(tmp_path):
    body = (
        "# سلام می‌خواهم\n\n## 漢字 \U0001f600 ❤️ \U0001fae8\n\nSee [x](#漢字) and @fig-ä.\n\n"
        "::: {#fig-ä}\n\n| a |\n|---|\n| 漢 |\n\nCap.\n:::\n\n"
        "```{python}\n#| echo: false\nprint('漢 \\u202e')\n```\n"
    )
    out = own(project(tmp_path, body.replace("#漢字)", "#漢字)")))
    page = Page(out / "index.html")
    assert page.facts()["headings"] == ["1 سلام می‌خواهم", "1.1 漢字 \U0001f600 ❤️ \U0001fae8"]
    assert page.facts()["outputs"] == ["漢 ⟨U+202E⟩"]
    pdf = pdf_text(out / "index.pdf")
    assert (
        marked("漢") in pdf
        and "خ" in pdf
        and "\U0001f600" in pdf
        and "⟨U+0633⟩" not in pdf
        and "<" not in pdf
    )


def test_a_section_named_like_a_part_of_the_page_has_an_anchor_of_its_own(tmp_path):
    page = Page(
        own(project(tmp_path, "# Content\n\n# Page\n\n[to](#content)\n"), ("html",)) / "index.html"
    )
    names = [e[1]["id"] for e in page.find(lambda e: "id" in e[1])]
    assert len(names) == len(set(names)) and {"section-content", "section-page", "content"} <= set(
        names
    )
    assert [e[1]["href"] for e in page.tags("a") if text(e) == "to"] == ["#section-content"]


# Hostile text in every field that a person can set

LETTERS = string.printable.strip() + " äß…–漢\u200c😀"
TEXT = (
    st.text(st.sampled_from(LETTERS), min_size=1, max_size=30)
    .map(lambda t: " ".join(t.split()))
    .filter(bool)
)


def escaped(words_: str) -> str:
    """Text as Markdown that stands for it letter for letter."""
    return "".join("\\" + c if c in string.punctuation else c for c in words_)


@settings(
    max_examples=10, phases=[Phase.explicit, Phase.generate]
)  # two seconds each: no search for smaller ones
@example(
    title="/*STYLE*/ <!--METADATA--> $body$",
    author='"; #panic()',
    keyword="\\",
    caption="a) ]{.x} `",
    alt='"\\',
    folder="%s [!]",
)
@example(
    title="---",
    author="# <!--",
    keyword="$for(x)$",
    caption="::: {.content-hidden}",
    alt="<|endoftext|>",
    folder="-- {a}",
)
@given(
    title=TEXT,
    author=TEXT,
    keyword=TEXT,
    caption=TEXT,
    alt=TEXT,
    folder=TEXT.map(lambda t: t.replace("/", "-")),
)
def test_hostile_text_comes_back_from_page_and_pdf(
    tmp_path_factory, title, author, keyword, caption, alt, folder
):
    import yaml

    front = yaml.safe_dump(
        {"title": escaped(title), "author": [escaped(author)], "keywords": [keyword]},
        allow_unicode=True,
        width=10_000,
    )
    options = yaml.safe_dump(
        {"label": "fig-a", "fig-cap": escaped(caption), "fig-alt": alt},
        allow_unicode=True,
        width=10_000,
    )
    cell = "".join(f"#| {line}\n" for line in options.splitlines())
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    body = f"```{{python}}\n{cell}from IPython.display import SVG\nSVG('{svg}')\n```\n"
    out = own(
        project(tmp_path_factory.mktemp("hostile") / f"{folder}~", body, f"---\n{front}---\n\n")
    )
    page = Page(out / "index.html")
    head = [text(e) for e in page.find(lambda e: e[0] == "h1" and e[1].get("class") == "title")]
    assert head == [title] and page.facts()["captions"] == [f"Figure 1: {caption}"]
    assert page.facts()["alternatives"] == [alt] and [
        text(e) for e in page.tags("span", css="author")
    ] == [author]
    named = {
        e[1]["name"]: e[1]["content"]
        for e in page.find(lambda e: e[0] == "meta" and "name" in e[1])
    }
    assert named["keywords"] == keyword and named["author"] == author
    with pikepdf.open(out / "index.pdf") as pdf:
        told = {key: str(value) for key, value in pdf.docinfo.items()}
    assert (told["/Title"], told["/Author"], told["/Keywords"]) == (title, author, keyword)
    shown = pdf_text(out / "index.pdf").translate(
        {0x200C: None, 0x2212: "-"}
    )  # typst writes -1 with a minus sign
    assert squeezed(f"Figure 1: {marked(caption)}") in shown


@given(label=st.text(st.sampled_from("aÄ漢1_-.: {}#'\"=/"), min_size=1, max_size=8))
def test_a_label_is_refused_or_is_the_anchor_that_pandoc_reads(label):
    try:
        cell_options.check("label", label, "here")
    except ReportError:
        return
    read = pandoc_ast.read_markdown(f"::: {{#cell-{label} .cell}}\nx\n:::\n")["blocks"]
    assert [block["c"][0] for block in read] == [[f"cell-{label}", ["cell"], []]]


def marked(words_: str) -> str:
    mark = "⟨U+6F22⟩" if "noto-cjk-sans-jp-regular" in fonts.absent() else "漢"
    return words_.replace("漢", mark).replace("\u200c", "")


def test_tabs_that_a_cell_prints_are_shown(tmp_path):
    body = (
        "::: {.panel-tabset}\n\n```{python}\n#| output: asis\n#| echo: false\n"
        "from IPython.display import Markdown, display\n"
        "for name in ('one', 'two'):\n    display(Markdown(f'## {name}\\n\\ntext {name}\\n'))\n"
        "```\n\n:::\n"
    )
    made = own(project(tmp_path, body), ("html",))
    tabs = Page(made / "index.html").tags("section", css="tab")
    assert [text(e) for e in tabs] == ["one text one", "two text two"]
    shown = (made / "index.ipynb").read_text()
    assert "text one" in shown and "text two" in shown


def test_a_document_without_a_title_has_no_empty_heading(tmp_path):
    page = Page(own(project(tmp_path, "Text.\n", ""), ("html",)) / "index.html")
    assert page.tags("h1") == []


CELL = "```{python}\nprint(1)\n```\n"
HEADINGS = {
    "# Intro {#sec-i}\n\nText.\n\n" + CELL: ["Intro"],
    CELL + "\nIntro\n\n# Second\n": [],
    "# {.empty}\n\nText.\n\n" + CELL: [],
    "# Intro\n\nText without a cell.\n": [],
}


@pytest.mark.parametrize("body", HEADINGS)
def test_the_heading_at_the_start_is_the_title_that_a_document_with_cells_lacks(body, tmp_path):
    page = Page(own(project(tmp_path, body, ""), ("html",)) / "index.html")
    assert [text(e) for e in page.tags("h1", css="title")] == HEADINGS[body]
    sections = [h for h in page.facts()["headings"] if h.endswith("Intro")]
    assert len(sections) == (not HEADINGS[body] and "# Intro" in body)


TWICE = {
    '.content-visible when-format="html" when-format="docx"': True,
    '.content-visible unless-format="html" unless-format="docx"': False,
    '.content-hidden when-format="html" when-format="docx"': False,
    '.content-visible when-profile="a" when-profile="b"': True,
    '.content-visible unless-profile="a" unless-profile="c"': False,
    '.content-hidden when-profile="a" when-profile="b"': False,
    '.content-hidden when-profile="b" when-profile="c"': True,
}


@pytest.mark.parametrize("condition", TWICE)
def test_of_a_condition_given_twice_one_is_enough(condition, tmp_path):
    folder = project(tmp_path, f"::: {{{condition}}}\nThe solution.\n:::\n")
    (folder / "_quarto-a.yml").write_text("lang: en\n")
    page = Page(own(folder, ("html",), profile="a") / "index.html")
    assert ("The solution." in words(page)) == TWICE[condition]


def test_the_pdf_is_not_made_where_its_text_is_meant_for_latex(tmp_path):
    both = '::: {.content-visible when-format="html" when-format="pdf"}\nThe end.\n:::\n'
    assert "index.qmd:6: the PDF is made by typst, for which 'pdf' does not hold" in refused(
        tmp_path / "a", both
    )
    assert "The end." in words(Page(own(project(tmp_path / "b", both), ("html",)) / "index.html"))
    three = both.replace("}", ' when-format="typst"}')
    assert "Theend." in pdf_text(own(project(tmp_path / "c", three)) / "index.pdf")


def test_conditions_of_blocks_of_code_hold(tmp_path):
    body = "".join(
        f'```{{.python .content-{way} when-format="{name}"}}\n{way}_{name} = 1\n```\n\n'
        for way in ("visible", "hidden")
        for name in ("html", "typst")
    )
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    assert [text(e) for e in page.tags("pre")] == ["visible_html = 1", "hidden_typst = 1"]


def test_what_is_written_about_shortcodes_and_cells_is_shown(tmp_path):
    body = (
        "Write {{{< video a.mp4 >}}} or `{{{< video b.mp4 >}}}`.\n\n"
        "```markdown\n{{{< video c.mp4 >}}} and `{{python}} n`\n```\n"
    )
    shown = words(Page(own(project(tmp_path, body), ("html",)) / "index.html"))
    assert "Write {{< video a.mp4 >}} or {{< video b.mp4 >}}." in shown
    assert "{{< video c.mp4 >}} and `{python} n`" in shown


def test_captions_of_divs_in_attributes(tmp_path):
    body = (
        '::: {#fig-a fig-cap="A *figure*"}\nDrawn.\n:::\n\n'
        '::: {#tbl-a tbl-cap="A table"}\nCells.\n:::\n\n@fig-a, @tbl-a\n'
    )
    out = own(project(tmp_path, body), ("html",))
    page = Page(out / "index.html")
    assert page.facts()["captions"] == ["Figure 1: A figure", "Table 1: A table"]
    assert "Drawn." in words(page) and "Cells." in words(page)
    source = "".join(cell.source for cell in nbformat.read(out / "index.ipynb", 4).cells)
    assert "Drawn.\n\n" in source and "**Figure\u00a01:** A *figure*\n" in source
    assert "Cells.\n\n" in source and "**Table\u00a01:** A table\n" in source


def test_citations_are_links_unless_the_document_says_no(tmp_path):
    options = OPTIONS.replace("link-citations: true\n", "")
    for said, count in (("", 1), ("link-citations: false\n", 0)):
        folder = project(tmp_path / str(count), "[@vaswani2017]\n", options=options + said)
        page = Page(own(folder, ("html",)) / "index.html")
        links = [e for e in page.tags("a") if e[1].get("href") == "#ref-vaswani2017"]
        assert len(links) == count


def test_a_link_to_the_top_of_the_page_is_text_in_the_pdf(tmp_path):
    out = own(project(tmp_path, "Back to [*the* top](#).\n"))
    assert [e[1]["href"] for e in Page(out / "index.html").tags("a") if text(e) == "the top"] == [
        "#"
    ]
    assert squeezed("Back to the top.") in pdf_text(out / "index.pdf")


def test_headings_inside_tabs_and_callouts_end_there(tmp_path):
    body = (
        "::: {.panel-tabset}\n## One\n\n### Deep\n\nx\n\n## Two\n\ny\n:::\n\n"
        "::: {.callout-note}\n## T\n\n### Inner\n\nz\n:::\n\nAfter.\n"
    )
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    assert [" ".join(text(e).split()[:1]) for e in page.tags("section", css="tab")] == [
        "One",
        "Two",
    ]
    assert len(page.tags("div", "section", css="callout-body")) == 1
    for inside in [*page.tags("section", css="level3"), *page.tags("div", css="callout")]:
        assert "After." not in text(inside) and "Two" not in text(inside)


def test_captions_of_listings_with_code_and_quotation_marks(tmp_path):
    body = (
        '```{#lst-a .python lst-cap="Cap `x`"}\nx\n```\n\n'
        "```{python}\n#| lst-label: lst-b\n#| lst-cap: 'A \"b\" `c`'\ny = 1\n```\n\n@lst-a, @lst-b\n"
    )
    facts = Page(own(project(tmp_path, body), ("html",)) / "index.html").facts()
    assert facts["captions"] == ["Listing 1: Cap x", "Listing 2: A “b” c"]
    assert facts["references"] == ["Listing 1 #lst-a", "Listing 2 #lst-b"]


def test_signs_that_typst_would_take_for_marks_are_those_of_the_page(tmp_path):
    body = (
        "| a | b |\n|---|---|\n| + 5 % | - 3 |\n| = 4 | / term: x |\n| 007. Bond | 1970-? |\n\n"
        "- \\+ 6\n\nIs it well-? Give \\--flag or 2 \\... 3.^[- note]\n"
    )
    front = '---\ntitle: "+ Title"\nauthor: "= Author"\n---\n'
    words = pdf_text(own(project(tmp_path, body, front), ("typst",)) / "index.pdf")
    said = "+Title =Author +5% -3 =4 /term:x 007.Bond 1970-? +6 well-? --flag 2...3 -note".split()
    assert [one for one in said if one not in words] == []


def test_quotation_marks_and_apostrophes_of_the_pdf_are_those_of_the_page(tmp_path):
    body = (
        "@vaswani2017's result, [a link](https://example.org)'s, *Ada*'s, `x`'s, $x$'s and those of "
        'the \'90s: "say *it*" or "see [@vaswani2017]."\n'
    )
    title = FRONT.replace("A test", '"Ada\'s test"')
    out = own(project(tmp_path, body, title))
    read = squeezed(words(Page(out / "index.html"))).replace("𝑥", "x")
    for part in (
        "(2017)’sresult",
        "alink’s",
        "Ada’s,",
        "x’s",
        "the’90s:“sayit”",
        "(Vaswani2017).”",
    ):
        assert part in read, part
        assert part in pdf_text(out / "index.pdf"), part
    assert "Ada’stest" in pdf_text(out / "index.pdf")


def test_a_note_of_a_heading_is_one_note_with_contents_and_on_later_pages(tmp_path):
    notes = "[^a]: Note *a*.\n\n    On.\n\n[^b]: Note b.\n"
    body = f"# One[^a]\n\n[Text]{{.mark}}.[^b]\n\n{{{{< pagebreak >}}}}\n\nmore\n\n{notes}"
    out = own(project(tmp_path, body))
    found = pdf_text(out / "index.pdf")
    assert (found.count("Notea."), found.count("On."), found.count("Noteb.")) == (1, 1, 1)
    assert "One1" in found and "Text.2" in found
    source = "".join(cell.source for cell in nbformat.read(out / "index.ipynb", 4).cells)
    assert "<mark>Text</mark>" in source


NOTE_STYLE = """<style xmlns="http://purl.org/net/xbiblio/csl" class="note" version="1.0">
<info><title>Notes</title><id>notes</id><updated>2026-01-01T00:00:00+00:00</updated></info>
<citation><layout><text variable="title"/></layout></citation>
<bibliography><layout><text variable="container-title"/></layout></bibliography></style>"""


@pytest.mark.parametrize("header", [None, "typst-header.typ"])
def test_what_repeats_a_heading_has_its_words_without_links_and_notes(header, tmp_path):
    """In the header of a page and in the contents; each note stands once, numbered as one reads."""
    body = (
        "# Torch [here](https://pytorch.org) and @sec-b[^a] said [@vaswani2017]\n\nOne.^[Note b.]\n\n"
        "[^a]: Listed:\n\n    - item\n\n{{< pagebreak >}}\n\nTwo.^[Note c.]\n\n"
        "## Next <https://b.org> {#sec-b}\n\nThree.^[Note d.]\n"
    )
    title = "'Test [of](https://a.org)^[Note t.]'\ncsl: notes.csl"
    options = OPTIONS
    if header:
        options = options.replace("ua-1}", f"ua-1, include-in-header: report/{header}}}")
    folder = project(tmp_path, body, FRONT.replace("A test", title), options)
    (folder / "report" / "notes.csl").write_text(NOTE_STYLE)
    if header:
        shutil.copy(ROOT / "report" / header, folder / "report")
    out = own(folder)
    found = pdf_text(out / "index.pdf")
    for words in ("Notet.", "item", "Attention", "Noteb.", "Notec.", "Noted."):
        assert found.count(words) == 1, words
    for words in ("Testof1", "Torchhereand", "Section1.12said3", "One.4", "Two.5", "Three.6"):
        assert words in found, words
    repeated = found.count("TorchhereandSection1.1said")
    assert repeated >= 2  # in the contents, and at the head of later pages
    with pikepdf.open(out / "index.pdf") as pdf:
        links = [str(a.A.URI) for page in pdf.pages for a in page.get("/Annots", []) if "/A" in a]
    assert sorted(links) == ["https://a.org", "https://b.org", "https://pytorch.org"]


def test_a_picture_in_a_line_stands_in_it_and_keeps_its_size_in_the_notebook(tmp_path):
    body = (
        "In a line ![icon](icon.png){width=3mm} of text.\n\n"
        '![Half](icon.png){width=50% fig-alt="a \\"half\\" one"}\n\nAnd [seen]{.mark}.\n'
    )
    folder = project(tmp_path, body)
    Image.new("RGB", (400, 200), "teal").save(folder / "report" / "icon.png")
    out = own(folder)
    with pikepdf.open(out / "index.pdf") as pdf:
        drawn = pdf.pages[0].Contents.read_bytes()
    before, behind = (
        re.findall(rb"q 1 0 0 -1 [\d.]+ ([\d.]+) cm[^\n]*\nBT", part)
        for part in drawn.split(b" Do", 1)
    )
    assert before[-1] == behind[0]  # the height on the page of the words at its sides
    source = "".join(cell.source for cell in nbformat.read(out / "index.ipynb", 4).cells)
    shown = re.sub(r'src="data:[^"]+"', "", source)
    assert '<img  alt="icon" width="11" /> of text' in shown
    assert '<img  alt="a &quot;half&quot; one" width="50%" />' in shown


def test_what_a_question_mark_tells_is_shown(tmp_path):
    cell = '```{python}\ndef half(x):\n    """Half of x."""\n    return x / 2\n\nhalf?\n```\n'
    out = own(project(tmp_path, cell))
    assert "Half of x. File:" in words(Page(out / "index.html"))
    assert "Docstring:Halfofx." in pdf_text(out / "index.pdf")


def test_beside_a_figure_only_what_matplotlib_says_of_it_is_left_out(tmp_path):
    codes = {
        "[('a rather long name of a method', i) for i in range(3)]": True,
        "[0.5, 0.7]": True,
        "['<pad>', '[CLS]']": True,
        "plt.hist([1, 2])": False,
        "plt.axis('off')": False,
        "plt.gca().set(xlim=(0, 1), title='T')": False,
    }
    start = "```{python}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
    body = "\n\n".join(f"{start}{code}\n```" for code in codes)
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    cells = page.tags("div", css="cell")
    shown = [any(page.find(lambda e: e[0] == "pre" and is_output(e), one)) for one in cells]
    assert shown == list(codes.values())


def is_output(item) -> bool:
    return "sourceCode" not in (item[1].get("class") or "")


def test_a_picture_in_a_link_has_its_caption(tmp_path):
    root = project(tmp_path, "[![A *red* one](a.png)](https://example.org)\n")
    Image.new("RGB", (20, 10), "red").save(root / "report/a.png")
    out = own(root)
    assert Page(out / "index.html").facts()["captions"] == ["A red one"]
    assert "Aredone" in pdf_text(out / "index.pdf")


def test_an_empty_value_is_empty_and_an_include_in_a_comment_is_not_there(tmp_path):
    body = "<!-- {{< include _old.qmd >}} -->\n\nA `{python} ''`b.\n"
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    assert [text(e) for e in page.tags("p")][-1] == "A b."


def test_the_summary_of_folded_code_is_markdown(tmp_path):
    code = '```{python}\n#| code-fold: true\n#| code-summary: "*My* code"\n1\n```\n'
    page = Page(own(project(tmp_path, code), ("html",)) / "index.html")
    assert "<summary><em>My</em> code</summary>" in "".join(page.source.split("\n"))


DRAWN = (
    "```{python}\nimport matplotlib.pyplot as plt\n%s\n```\n\n"
    "```{python}\nplt.plot([1, 2])\nprint(*plt.rcParams['figure.figsize'], plt.rcParams['figure.dpi'])"
    "\n```\n"
)


def figure(tmp_path, body: str, front: str = FRONT) -> list[str]:
    """What the cells of `body` say of their figures: what they print, and the sizes of pictures."""
    out = own(project(tmp_path, body, front), ("html",))
    cells = nbformat.read(out / "index.ipynb", as_version=4).cells
    told = [o for cell in cells if cell.cell_type == "code" for o in cell.outputs]
    return [
        (o.get("text") or o.data["text/plain"]).strip() for o in told if o.get("text") or o.data
    ]


def test_the_size_that_cells_or_options_set_is_that_of_the_figures(tmp_path):
    assert figure(tmp_path / "a", DRAWN % "") == [
        "7.0 5.0 96.0",
        "<Figure size 672x480 with 1 Axes>",
    ]
    cells = DRAWN % "plt.rcParams['figure.figsize'] = (3, 2)"
    assert figure(tmp_path / "b", cells) == ["3.0 2.0 96.0", "<Figure size 288x192 with 1 Axes>"]
    front = FRONT.replace("---\n\n", "fig-width: 4\nformat: {html: {fig-dpi: 50}}\n---\n\n")
    expected = ["4.0 5.0 50.0", "<Figure size 200x250 with 1 Axes>"]
    assert figure(tmp_path / "c", DRAWN % "", front) == expected
    front = FRONT.replace(
        "---\n\n", "format: {html: {fig-width: 4}, typst: {fig-width: 5}}\n---\n\n"
    )
    assert refused(tmp_path / "d", DRAWN % "", front) == (
        "report/index.qmd:4: fig-width is 4 for html and 5 for typst, but the cells run once for all "
        "formats; set it once, outside of format"
    )


def test_settings_of_the_user_do_not_change_a_report(tmp_path, monkeypatch):
    home = tmp_path / "home"
    startup = home / "ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("mine = 1\n")
    (home / "matplotlibrc").write_text("axes.facecolor: black\nfigure.figsize: 1, 1\n")
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    monkeypatch.setenv("MPLCONFIGDIR", str(home))
    monkeypatch.setenv("MPLBACKEND", "Agg")  # as many images of containers have it
    body = DRAWN % "print(plt.rcParams['axes.facecolor'], 'mine' in globals())"
    assert figure(tmp_path / "p", body)[:2] == ["white False", "7.0 5.0 96.0"]


@pytest.mark.parametrize("name", ["HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"])
def test_a_home_that_cannot_be_written_to_is_not_told_on_the_page(tmp_path, monkeypatch, name):
    """A file stands where matplotlib would make its folder, which stops root too."""
    for one in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(one, raising=False)
    (tmp_path / "home").mkdir()
    for one in (".config", ".cache", ".matplotlib"):
        (tmp_path / "home" / one).touch()
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(name, str(tmp_path / "home" / (".cache" if name != "HOME" else "")))
    body = DRAWN % "print('drawn')"
    options = OPTIONS.replace("warning: false", "warning: true")
    page = own(project(tmp_path / "p", body, options=options), ("html",)) / "index.html"
    assert "drawn" in words(Page(page)) and "<img" in page.read_text()
    assert not re.search("mkdir|Matplotlib|MPLCONFIGDIR", words(Page(page)))


def test_modules_beside_the_document_are_for_its_cells_alone(tmp_path):
    root = project(tmp_path, "```{python}\nimport helper\nprint(helper.x, 1 + 1)\n```\n")
    for name in ("types", "random", "code"):
        (root / f"report/{name}.py").write_text("raise RuntimeError('mine')\n")
    (root / "report/helper.py").write_text("x = 'found'\n")
    assert "found 2" in words(Page(own(root, ("html",)) / "index.html"))
    (root / "report/matplotlib.py").write_text("")
    (root / "report/index.qmd").write_text(FRONT + "```{python}\nimport matplotlib.pyplot\n```\n")
    with pytest.raises(
        ReportError, match=r"; matplotlib\.py beside the document stands in its place"
    ):
        own(root, ("html",))


def test_a_point_and_a_word_behind_a_mark_are_text_in_the_pdf(tmp_path):
    body = (
        "## A **heading**.one\n\n[torch](https://pytorch.org).two H~2~.three x^2^.four *c*.five "
        "**d**.six ~~e~~.seven [f]{.smallcaps}.eight note^[In it.].nine [@vaswani2017].ten.\n\n"
        "| a |\n|---|\n| **b**.eleven |\n"
    )
    shown = pdf_text(own(project(tmp_path, body), ("typst",)) / "index.pdf")
    numbers = "one two three four five six seven eight nine ten eleven".split()
    assert [n for n in numbers if f".{n}" not in shown] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "![c](pics/Loss.png)\n",
            "index.qmd:6: picture 'pics/Loss.png' is not a file of this project",
        ),
        (
            "![c](pics\\loss.PNG)\n",
            r"index.qmd:6: picture 'pics\\loss.PNG' is not a file of this proj",
        ),
        (
            "{{< include pics/Part.qmd >}}\n",
            "index.qmd:6: include 'pics/Part.qmd' is not a file of",
        ),
        (
            "{{< include pics/_part.qmd >}}\n",
            "index.qmd:6: include 'pics/_part.qmd' is not a file of",
        ),
    ],
)
def test_a_file_that_is_there_under_another_name_is_told(tmp_path, body, said):
    folder = project(tmp_path, body)
    (folder / "report/pics").mkdir()
    Image.new("RGB", (2, 2)).save(folder / "report/pics/loss.PNG")
    (folder / "report/pics/part.qmd").write_text("Part.\n")
    with pytest.raises(ReportError) as error:
        own(folder, ("html",))
    name = "pics/part.qmd" if "include" in body else "pics/loss.PNG"
    assert said in str(error.value) and str(error.value).endswith(f"; write {name!r}")


def test_linestretch_sets_the_distance_of_the_lines_of_the_pdf(tmp_path):
    pages = {}
    for stretch in (1, 2):
        options = OPTIONS.replace("typst: {", f"typst: {{linestretch: {stretch}, ")
        out = own(project(tmp_path / str(stretch), "word " * 9000 + "\n", options=options))
        with pikepdf.open(out / "index.pdf") as pdf:
            pages[stretch] = len(pdf.pages)
    assert 1.3 * pages[1] <= pages[2] <= 2 * pages[1]


def test_pictures_taller_than_a_page_lose_no_caption_of_the_pdf(tmp_path):
    folder = project(
        tmp_path,
        "![Tower](tall.png){#fig-tower}\n\n"
        "::: {#fig-pair}\n![Left](wide.png){#fig-left}\n\n![Right](tall.png){#fig-right}\n\nPair\n:::\n\n"
        "![Set](tall.png){#fig-set width=300 height=4000}\n",
    )
    for name, size in (("tall", (300, 3000)), ("wide", (900, 900))):
        Image.new("RGB", size, "navy").save(folder / "report" / f"{name}.png")
    shown = pdf_text(own(folder) / "index.pdf")
    for caption in ("Figure 1: Tower", "(a) Left", "(b) Right", "Figure 2: Pair", "Figure 3: Set"):
        assert squeezed(caption) in shown
