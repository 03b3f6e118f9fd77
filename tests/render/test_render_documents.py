"""One small document per construct and what must come out of it, from our renderer and from Quarto
where it is.
"""

from __future__ import annotations

import re
import shutil
from typing import NamedTuple

import lxml.html
import nbformat
import pikepdf
import pytest
from PIL import Image

from lmreport.display import escape
from rendering import FRONT, OPTIONS, Page, own, pdf_text, project, quarto, squeezed, text


def seen(t: str) -> str:
    """Foreign text as the report must show it."""
    return "".join(map(escape.visible, t[:300])) + (
        f"… ({len(t) - 300:,} more characters)" if len(t) > 300 else ""
    )


class Case(NamedTuple):
    """A document, what its page must hold (by kind, see Page.facts) and texts that its PDF must
    hold, in order.
    """

    body: str
    facts: dict
    pdf: tuple = ()
    parts: dict = {}


def cell(code: str, **options) -> str:
    lines = [f"#| {k.replace('_', '-')}: {v}" for k, v in options.items()]
    return "```{python}\n" + "\n".join([*lines, code]) + "\n```\n"


WITHOUT_STANDARD = "project: {output-dir: _report, render: [report/*.qmd]}\n"
PLOT = "import matplotlib.pyplot as plt\nplt.figure(figsize=(2, 1)); plt.plot([1, 2]); plt.show()"
HOSTILE = "<script>alert(1)</script> ```{=html} {{< x >}} @fig-x $x$ #eval(1) *a* &amp; \\\\ [^1] ::: {.tip}"
TABLE = 'from IPython.display import Markdown\nMarkdown("| a | b |\\n|:--|--:|\\n| 1 | `x` |\\n")'

CASES = {
    "sections": Case(
        "# A {#sec-a}\n\n## B {#sec-b}\n\n# C {.unnumbered}\n\n# D\n\n## E {#sec-e}\n\n"
        "See @sec-b, @sec-e.\n",
        {
            "headings": ["1 A", "1.1 B", "C", "2 D", "2.1 E"],
            "references": ["Section 1.1 #sec-b", "Section 2.1 #sec-e"],
        },
        ("1A", "1.1B", "C", "2D", "See Section 1.1, Section 2.1."),
    ),
    "levels from two": Case(
        "## A {#sec-a}\n\n### B\n\nSee @sec-a.\n",
        {"headings": ["1 A", "1.1 B"], "references": ["Section 1 #sec-a"]},
        ("1A", "1.1B"),
    ),
    "figure": Case(
        "@Fig-p shows it, as does [-@fig-p].\n\n"
        + cell(PLOT, label="fig-p", fig_cap='"A *line*."', fig_alt="'Goes \"up\"'", echo="false"),
        {
            "captions": ["Figure 1: A line."],
            "references": ["Figure 1 #fig-p", "1 #fig-p"],
            "alternatives": ['Goes "up"'],
        },
        ("Figure 1 shows it, as does 1.", "Figure 1: A line."),
    ),
    "parts of a figure": Case(
        "See @fig-p and @fig-p-2.\n\n"
        + cell(
            PLOT + "\n" + PLOT,
            label="fig-p",
            fig_cap="Both",
            fig_subcap="[left, right]",
            fig_alt="[one, two]",
            layout_ncol="2",
            echo="false",
        ),
        {
            "captions": ["(a) left", "(b) right", "Figure 1: Both"],
            "references": ["Figure 1 #fig-p", "Figure 1 (b) #fig-p-2"],
            "alternatives": ["one", "two"],
        },
        ("See Figure 1 and Figure 1b.", "(a) left", "Figure 1: Both"),
    ),
    "table": Case(
        "@tbl-t counts.\n\n" + cell(TABLE, label="tbl-t", tbl_cap="Some **counts**", echo="false"),
        {
            "captions": ["Table 1: Some counts"],
            "references": ["Table 1 #tbl-t"],
            "cells": ["a", "b", "1", "x"],
        },
        ("Table 1 counts.", "Table 1: Some counts"),
    ),
    "div caption": Case(
        cell("n = 40", include="false")
        + "\nSee @tbl-t.\n\n::: {#tbl-t}\n\n| c |\n|---|\n| 3 |\n\nHolds `{python} n + 2` "
        "things.\n:::\n",
        {
            "captions": ["Table 1: Holds 42 things."],
            "references": ["Table 1 #tbl-t"],
            "cells": ["c", "3"],
        },
        ("Table 1: Holds 42 things.",),
    ),
    "div caption of its table": Case(
        "See @tbl-t.\n\n::: {#tbl-t}\n\n| c |\n|---|\n| 3 |\n\n: Holds *one*.\n:::\n",
        {"captions": ["Table 1: Holds one."], "references": ["Table 1 #tbl-t"]},
        ("Table 1: Holds one.",),
    ),
    "divs of one part have no caption": Case(
        "::: {#fig-p}\n\nA paragraph.\n:::\n\n::: {#tbl-t}\n\n| c |\n|---|\n| 3 |\n:::\n",
        {"captions": ["Figure 1", "Table 1"]},
        ("A paragraph.", "Figure 1", "Table 1"),
    ),
    "equation": Case(
        'By @eq-e:\n\n$$\na = b\n$$ {#eq-e alt="a is b"}\n\nand $x_1 \\odot A \\cap B$.\n',
        {"references": ["Equation 1 #eq-e"]},
        ("By Equation 1:", "(1)"),
    ),
    "listing": Case(
        'See @lst-l.\n\n```{#lst-l .python lst-cap="The code"}\nx = 1\n```\n',
        {"captions": ["Listing 1: The code"], "references": ["Listing 1 #lst-l"]},
        ("Listing 1: The code", "x = 1"),
    ),
    "citation": Case(
        "By @vaswani2017, and so [@vaswani2017, p. 3].\n\n"
        "# References {.unnumbered}\n\n::: {#refs}\n:::\n",
        {"entries": ["Vaswani, Ashish. 2017. “Attention.” NeurIPS."], "headings": ["References"]},
        ("By Vaswani (2017), and so (Vaswani 2017, 3).", "Vaswani, Ashish. 2017."),
    ),
    "inline code": Case(
        'Values `{python} 1 + 2`, `{python} "a*b_c #1"`, `{python} [1]`.\n\n'
        + cell("x = 5", include="false")
        + "\nThen `{python} x`.\n",
        {},
        ("Values 3, a*b_c #1, [1].", "Then 5."),
    ),
    "include": Case(
        "# A\n\n{{< include _part.qmd >}}\n",
        {"headings": ["1 A", "1.1 From part"]},
        ("1.1From part",),
        {"part": "## From part\n\nText.\n"},
    ),
    "conditional": Case(
        '::: {.content-visible when-format="html"}\non the page\n:::\n\n'
        '::: {.content-visible unless-format="html"}\nin print\n:::\n',
        {},
        ("in print",),
    ),
    "conditional by what cells say": Case(
        "# First\n\n"
        + cell(
            "from lmreport.display import markdown\n"
            "markdown.flags({'lacking': ['a run'], 'there': []})",
            output="asis",
            echo="false",
        )
        + '\n::: {.content-hidden when-meta="lacking"}\n## Gone {#sec-gone}\n\nSee @fig-gone.\n\n'
        + cell(PLOT, label="fig-gone", fig_cap="Gone.", fig_alt="A line.", echo="false")
        + ':::\n\n::: {.content-hidden when-meta="there"}\n## Kept {#sec-kept}\n\n'
        + cell(PLOT, label="fig-kept", fig_cap="Kept.", fig_alt="A line.", echo="false")
        + '\n@fig-kept is in @sec-kept.\n:::\n\n[shown]{.content-visible when-meta="lacking"} and '
        + '[not shown]{.content-hidden unless-meta="there"} end.\n',
        {
            "headings": ["1 First", "1.1 Kept"],
            "captions": ["Figure 1: Kept."],
            "references": ["Figure 1 #fig-kept", "Section 1.1 #sec-kept"],
        },
        ("1First", "1.1Kept", "Figure 1: Kept.", "Figure 1 is in Section 1.1.", "shown and end."),
    ),
    "options": Case(
        cell("print('shown')", echo="false")
        + cell("print('hidden')", output="false")
        + cell("print('neither')", include="false")
        + cell("raise SystemExit", eval="false")
        + cell("print('**bold**')", output="asis", echo="false"),
        {"outputs": ["shown"]},
        ("shown", "print('hidden')", "raise SystemExit", "bold"),
    ),
    "warnings and errors": Case(
        cell("import sys; print('w', file=sys.stderr)") + cell("1 / 0", error="true"),
        {},
        ("ZeroDivisionError: division by zero",),
    ),
    "footnote": Case("Text.[^1]\n\n[^1]: The note.\n", {}, ("Text.", "The note.")),
    "callouts": Case(
        "".join(
            f"::: {{.callout-{k}}}\n## Title {k}\n\nBody {k}.\n:::\n\n"
            for k in ("note", "tip", "warning", "caution", "important")
        )
        + "::: {.callout-tip}\nNo title.\n:::\n",
        {"headings": []},
        ("Title note", "Body note.", "Title important", "Tip", "No title."),
    ),
    "hostile output": Case(
        cell(f"print({HOSTILE!r})", echo="false"), {"outputs": [HOSTILE]}, (HOSTILE,)
    ),
}

WILD = [
    "<script>alert(1)</script>",
    "{{< include /etc/passwd >}}",
    "`x`{=html}",
    '```{=typst} #eval("1") ```',
    "@fig-x and [@nobody]",
    "$x^2$ and \\(y\\)",
    "a | b \\| c",
    "--- *not* _this_ --",
    "![x](http://example.com/y)",
    "[31m \x1b \x00 \u202e desrever",
    "::: {.callout-note} :::",
    "^up^ ~down~ ~~out~~ [^1]",
    "&lt; &#60; \\newpage",
    "漢字 😀 עברית",
    "`{python} 1 + 1`",
    "#set text(red); #panic()",
    "W" * 100_000,
]
CASES["hostile data"] = Case(  # through the functions with which the report prints data
    cell(
        f"from lmreport.display import markdown, traced\nwild = {WILD!r}\nmarkdown.table([[t] for "
        f"t in wild], "
        "['text'])",
        label="tbl-w",
        tbl_cap="Wild.",
        echo="false",
    )
    + "\nSee @tbl-w for it.\n\n"
    + cell("markdown.quote(' '.join(wild[:-1]))", echo="false")
    + "".join(
        f"\n\nInline `{{python}} traced.fill('{{}}', wild[{i}])`.\n" for i in range(len(WILD))
    ),
    {
        "cells": ["text"] + [" ".join(seen(t).split()) for t in WILD],
        "references": ["Table 1 #tbl-w"],
    },
    tuple(f"Inline {seen(t)}." for t in WILD[:9]),
)

CASES["computed numbers"] = Case(
    cell(
        "from lmreport.display import figure, markdown, style, traced\ntraced.name_inline_code()\n"
        "@figure.cached_figure\ndef "
        "line(values):\n"
        "    figure, axes = style.figure(height=1)\n    axes.plot(values)\n    return figure",
        include="false",
    )
    + "See @fig-l and @tbl-n.\n\n"
    + cell("line([1, 2])", label="fig-l", fig_cap="Up.", fig_alt="A line.", echo="false")
    + "\n`{python} figure.origin_line`\n\n"
    + cell(
        "markdown.table([[markdown.pct(0.8125), markdown.num(12345.6)]], ['a', 'b'], "
        "of=markdown.pct)",
        label="tbl-n",
        tbl_cap="Numbers.",
        echo="false",
    )
    + "\nIt is `{python} markdown.pct(0.8125)`, `{python} markdown.more_or_less(2, 1, 'more', 'less')`.\n",
    {
        "captions": ["Figure 1: Up.", "Table 1: Numbers."],
        "alternatives": ["A line."],
        "cells": ["a", "b", "81.2%", "12,300"],
        "references": ["Figure 1 #fig-l", "Table 1 #tbl-n"],
    },
    (
        "Figure 1: Up.",
        "drawn by __main__.line",
        "81.2%",
        "12,300",
        "computed by markdown.pct",
        "It is 81.2%, more.",
    ),
)

OURS_ALONE = {"warnings and errors"}
RENDERERS = [
    "own",
    pytest.param(
        "quarto", marks=pytest.mark.skipif(not shutil.which("quarto"), reason="no quarto")
    ),
]


@pytest.fixture(scope="module")
def quarto_results(tmp_path_factory):
    """All documents of the table in one project, rendered in one run (Quarto takes long to
    start).
    """
    folder = project(
        tmp_path_factory.mktemp("quarto"), "Nothing.\n", part=CASES["include"].parts["part"]
    )
    for name, case in CASES.items():
        if name in OURS_ALONE:
            continue
        (folder / "report" / f"{name.replace(' ', '-')}.qmd").write_text(FRONT + case.body)
    return quarto(folder)


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("name", CASES)
def test_document(name, renderer, tmp_path, request):
    case = CASES[name]
    if renderer == "own":
        made = own(project(tmp_path, case.body, **case.parts)) / "index"
    elif name in OURS_ALONE:
        pytest.skip("Quarto cannot do it, see render/differences.md")
    else:
        made = request.getfixturevalue("quarto_results") / name.replace(" ", "-")
    facts = Page(made.with_suffix(".html")).facts()
    assert {key: facts[key] for key in case.facts} == case.facts
    words, at = pdf_text(made.with_suffix(".pdf")), 0
    for wanted in map(squeezed, case.pdf):
        assert wanted in words[at:], f"{wanted!r} not in {words[at:]!r}"
        at = words.index(wanted, at)


def test_text_of_strings(tmp_path):
    """A string in prose is shown as it is, whatever it holds."""
    strings = ["5\u00a0% <b> & $x$ @fig-a", "one\ntwo", "~c~ ^d^ | \\ #1"]
    body = "\n\n".join(f"`{{python}} {s!r}`" for s in strings) + "\n"
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    assert [text(e) for e in page.tags("p")[1:]] == [
        "5 % <b> & $x$ @fig-a",
        "one two",
        "~c~ ^d^ | \\ #1",
    ]


def test_page_alone(tmp_path):
    """Conditional content, inline values, callouts and folding on the page, where the PDF has no
    counterpart.
    """
    body = (
        CASES["conditional"].body
        + CASES["callouts"].body
        + CASES["inline code"].body
        + '\n::: {.callout-note collapse="true" title="Folded"}\nInside.\n:::\n\n'
        + "::: {.panel-tabset}\n## One\n\nfirst\n\n## Two\n\nsecond\n:::\n\n# Last\n\n"
        + cell("1 + 1")
    )
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    words = text(page.tags("main")[0] if page.tags("main") else page.tree)
    assert (
        "on the page" in words and "in print" not in words and "Values 3, a*b_c #1, [1]." in words
    )
    assert page.facts()["headings"] == ["1 Last"]  # neither callouts nor tabs are sections
    assert [text(e) for e in page.tags("summary")] == ["Folded", "Code"]
    assert [text(e) for e in page.tags("p", css="tab-title")] == ["One", "Two"]


def test_code_behind_the_mark_of_an_item_is_code_there(tmp_path):
    block = "```python\n    x = 1\n\n    y = 2\n    ```\n"
    body = "".join(f"{mark:<4}{block}\n" for mark in ("-", "1.")) + f"Term\n:   {block}"
    out = own(project(tmp_path, body), ("html", "typst"))
    blocks = [text(one) for one in Page(out / "index.html").tags("pre")]
    assert [squeezed(one) for one in blocks] == ["x=1y=2"] * 3
    assert pdf_text(out / "index.pdf").count("y=2") == 3


def test_sections_end_in_the_callout_or_column_that_holds_them(tmp_path):
    held = '::: {.callout-note title="T"}\n# Two\n\nIn it.\n:::\n'
    cells = "::: {layout-ncol=2}\n## Left\n\n## Right\n:::\n"
    out = own(project(tmp_path, f"# One\n\n{held}\n{cells}\n# Three\n\nEnd.\n"), ("html",))
    page = lxml.html.fromstring((out / "index.html").read_text())
    inside = page.xpath("//*[@class='callout-body']")[0]
    assert " ".join(inside.text_content().split()).endswith("Two In it.")
    assert len(page.xpath("//main/section")) == 2  # One and Three
    assert [len(cell) for cell in page.xpath("//*[@class='quarto-layout-cell']")] == [1, 1]


@pytest.mark.parametrize(
    "levels, depth, shown",
    [
        ("334", 6, "0.1A 0.2B 0.2.1C"),
        ("44", 6, "0.0.1A 0.0.2B"),
        ("323", 6, "0.1A 1B 1.1C"),
        ("234", 2, "1A B C"),
        ("334", 3, "0.1A 0.2B C"),
        ("123", 2, "1A 1.1B C"),
    ],
)
def test_sections_have_the_same_numbers_on_page_and_pdf(levels, depth, shown, tmp_path):
    """The numbers are those of genuine Quarto; only there, number-depth counts otherwise in the PDF."""
    body = "".join(f"{'#' * int(n)} {chr(65 + i)}\n\n" for i, n in enumerate(levels))
    front = FRONT.replace("title: A test", f"title: A test\nnumber-depth: {depth}\ntoc: false")
    options = OPTIONS.replace(", pdf-standard: ua-1", "")  # which refuses levels without one above
    out = own(project(tmp_path, body, front, options), ("html", "typst"))
    headings = Page(out / "index.html").facts()["headings"]
    assert [squeezed(one) for one in headings] == shown.split()
    assert squeezed(shown) in pdf_text(out / "index.pdf")


def test_a_link_to_the_list_of_sources_leads_there_below_a_heading_of_its_name(tmp_path):
    body = "See [the list](#refs) and @vaswani2017.\n\n# Refs\n"
    out = own(project(tmp_path, body), ("html", "typst"))
    page = Page(out / "index.html")
    (there,) = page.find(lambda e: e[1].get("id") == "refs")
    assert "NeurIPS" in text(there) and "NeurIPS" in pdf_text(out / "index.pdf")


NAMED = {
    "picture": "![](a.png){#here}",
    "picture in a line": "Text ![](a.png){#here} more.",
    "figure": "![Caption](a.png){#here}",
    "code in a line": "Some `code`{#here}.",
    "code": "```{#here .python}\nx = 1\n```",
    "link": "[there](https://example.org){#here}",
    "table": "| a |\n|---|\n| b |\n\n: Words {#here}",
    "callout": "::: {.callout-note #here}\nText.\n:::",
    "tabs": "::: {.panel-tabset #here}\n## A\n\nText.\n:::",
}


@pytest.mark.parametrize("name", NAMED)
def test_a_link_leads_to_what_a_label_names(name, tmp_path):
    folder = project(tmp_path, f"{NAMED[name]}\n\n[link](#here)\n", options=WITHOUT_STANDARD)
    Image.new("RGB", (4, 4), "red").save(folder / "report" / "a.png")
    out = own(folder, ("html", "typst"))
    assert len(list(Page(out / "index.html").find(lambda e: e[1].get("id") == "here"))) == 1
    cells = nbformat.read(out / "index.ipynb", 4).cells
    assert sum(cell.source.count('<a id="here"></a>') for cell in cells) == 1


LINKS = {
    "/data/a.csv": "../data/a.csv",
    "/report/b.qmd#y": "../report/b.qmd#y",
    "b.html": "b.html",
    "//example.org/c": "//example.org/c",
}


def test_a_link_that_begins_with_a_slash_leads_from_the_folder_of_the_project(tmp_path):
    front = '---\ntitle: T\nabstract: "See [x](/d.html)."\n---\n\n'
    body = "".join(f"[x]({address})\n" for address in LINKS)
    body += '\n::: {.callout-tip title="[x](/d.html)"}\n[x][y]\n:::\n\n[y]: /d.html\n'
    out = own(project(tmp_path, body, front))
    wanted = ["../d.html", *LINKS.values(), "../d.html", "../d.html"]
    assert [e[1]["href"] for e in Page(out / "index.html").tags("a") if text(e) == "x"] == wanted
    with pikepdf.open(out / "index.pdf") as pdf:
        links = [one.A.URI for one in pdf.pages[0].Annots]
    assert list(map(str, links)) == wanted
    written = "".join(cell.source for cell in nbformat.read(out / "index.ipynb", 4).cells)
    assert re.findall(r"\[x\]\((.*?)\)", written) == wanted


def test_an_unlisted_heading_is_in_no_contents(tmp_path):
    body = "# Kept\n\nOne.\n\n# Apart {.unnumbered .unlisted}\n\nTwo.\n"
    out = own(project(tmp_path, body), ("html", "typst"))
    page = (out / "index.html").read_text()
    assert page.count('href="#kept"') and not page.count('href="#apart"')
    words = pdf_text(out / "index.pdf")
    assert words.count("Kept") == 2 and words.count("Apart") == 1


def test_shortcodes_in_code_of_a_line_are_shown(tmp_path):
    body = "Write `{{< meta title >}}`, `{{< pagebreak >}}` or `{{< include a.qmd >}}`.\n"
    out = own(project(tmp_path, body), ("html",))
    shown = [text(one) for one in Page(out / "index.html").tags("code")]
    assert shown == ["{{< meta title >}}", "{{< pagebreak >}}", "{{< include a.qmd >}}"]
