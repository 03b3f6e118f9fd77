"""The executed notebook as people see it in Jupyter and Colab, and the text that it keeps for our
own readers.
"""

from __future__ import annotations

import json
import re
import shutil

import lxml.html
import nbformat
import pytest
from PIL import Image

import rendering
from lmreport.core.errors import ReportError
from lmreport.publish.export import contents
from lmreport.render import (
    colab,
    notebook,
    notebook_content,
    notebook_reading,
    plain_markdown,
    project,
)

LINE = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><path d="M2 18L38 2" stroke="#0072b2"/></svg>'
NUMBER = '[{}]{{.computed data-value="{}" data-as="count"}}'
TABLE = f"| a | b |\n|:--|--:|\n| x_y | {NUMBER.format('8,000', '8000')} |\n\n[Run x.]{{.origin}}\n"
FRONT = "---\ntitle: Of *two* models\nauthor: Ann Doe\ndate: 2026-01-02\nabstract: It is short.\n---\n\n"
BODY = f"""# Data {{#sec-data}}

::: {{.callout-note title="The *answer*"}}
There are {NUMBER.format("1,600", "1600")} texts, see @fig-line and @sec-two.

```{{python}}
#| label: inside
print("in the callout", end="")
print(" once")
```

After the cell.
:::

## Two {{#sec-two}}

As @vaswani2017 says in @tbl-a and @eq-x,[^1] with `{{python}} 1 + 1` and $\\sqrt{{d_k}}$ for $5.

[^1]: A note.

$$
y = x
$$ {{#eq-x}}

![A line.](line.svg){{#fig-line fig-alt="One line."}}

```{{python}}
#| label: tbl-a
#| tbl-cap: Scores of **a**.
#| echo: false
from IPython.display import Markdown
Markdown({TABLE!r})
```

::: {{.content-visible when-format="typst"}}
```{{python}}
#| label: for-the-pdf
print("only in the PDF")
```
:::

# References {{.unnumbered}}

::: {{#refs}}
:::
"""
PANDOCS = re.compile(
    r"\]\{|^:::|\{#|(?<![\w.])@[a-z]", re.MULTILINE
)  # what Jupyter would show letter for letter


def texts(nb) -> list[str]:
    """All Markdown that a reader of the notebook sees, in its order."""
    return [
        text
        for cell in nb.cells
        for text in (
            [cell.source]
            if cell.cell_type == "markdown"
            else [
                out.data["text/markdown"]
                for out in cell.outputs
                if "text/markdown" in out.get("data", {})
            ]
        )
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = rendering.project(tmp_path_factory.mktemp("notebook"), BODY, FRONT)
    (folder / "report" / "line.svg").write_text(LINE)
    rendering.own(folder, ("html",))
    return folder


@pytest.fixture(scope="module")
def nb(folder):
    return nbformat.read(folder / "_report" / "report" / "index.ipynb", 4)


def test_a_reader_sees_plain_words_numbers_references_and_citations(nb):
    whole = "\n\n".join(texts(nb)).replace("\u00a0", " ")
    assert not PANDOCS.search(whole), PANDOCS.search(whole)
    for text in (
        "# Of *two* models",
        "Ann Doe",
        "January 2, 2026",
        "It is short.",
        "There are 1,600 texts",
        '## <a id="sec-data"></a>1 Data',
        '### <a id="sec-two"></a>1.1 Two',
        "> **The *answer*",
        "[Figure 1](#fig-line)",
        "[Section 1.1](#sec-two)",
        "[Table 1](#tbl-a)",
        "[Equation 1](#eq-x)",
        "Vaswani ([2017](#ref-vaswani2017))",
        "“Attention.”",
        r"y = x \tag{1}",
        r"$\sqrt{d_k}$",
        r"\$5",
        "**Figure 1:** A line.",
        "**Table 1:** Scores of **a**.",
        "![One line.](data:image/svg+xml;base64,",
        "A note.",
        "*Run x.*",
    ):
        assert text in whole, text
    assert re.search(r"\| x\\?_y *\| 8,000 \|", whole)
    places = set(re.findall(r'<a id="([^"]+)"', whole))
    assert set(re.findall(r"\]\(#([^)]+)\)", whole)) <= places


def test_the_title_comes_first_and_each_cell_of_the_source_is_there_once_in_its_order(nb):
    assert nb.cells[0].source.startswith("# Of *two* models")
    labels = [re.search(r"label: (\S+)", c.source)[1] for c in nb.cells if c.cell_type == "code"]
    assert labels == ["inside", "tbl-a", "for-the-pdf"]
    inside, table, for_pdf = (c for c in nb.cells if c.cell_type == "code")
    assert [out.text for out in inside.outputs] == ["in the callout once\n"]
    assert table.metadata.jupyter.source_hidden and not for_pdf.outputs
    where = nb.cells.index(inside)
    assert nb.cells[where + 1].source.startswith("> After the cell.")


def test_jupyter_renders_it_without_a_mark_of_pandoc(nb):
    page = pytest.importorskip("nbconvert").HTMLExporter().from_notebook_node(nb)[0]
    body = re.sub(r"<pre.*?</pre>|<style.*?</style>|<script.*?</script>", "", page, flags=re.S)
    assert not PANDOCS.search(re.sub("<[^>]+>", "", body))
    for element in (
        "<h1 ",
        "<blockquote>",
        "<table>",
        '<a href="#fig-line">Figure\u00a01</a>',
        'id="fig-line"',
    ):
        assert element in body, element


def test_the_text_that_pandoc_reads_is_kept_for_the_export_and_the_checks(folder, nb):
    document = project.read(folder, ("html",), None)[0]
    again = notebook_reading.as_executed(nb, document.name)
    raw = "\n".join(texts(again))
    assert (
        NUMBER.format("1,600", "1600") in raw
        and NUMBER.format("8,000", "8000") in raw
        and "@fig-line" in raw
    )
    assert set(notebook_reading.anchors(nb)) == {"sec-data", "sec-two"}
    item = next(
        i for i in contents.read(document, folder / "_report" / "report" / "index.ipynb") if i.table
    )
    assert (item.number, item.caption) == ("Table 1", "Scores of a.")


def test_quartos_notebook_becomes_the_same_and_a_readable_one_stays(folder, nb):
    document = project.read(folder, ("html",), None)[0]
    executed = notebook_reading.as_executed(nb, document.name)
    for cell in executed.cells:
        del cell.metadata["report"]
    front = nbformat.v4.new_markdown_cell(FRONT.strip())  # Quarto's, where a cell of code follows
    value = {"status": "ok", "data": {"text/plain": "2"}}
    executed.cells[0].source = executed.cells[0].source.replace(
        "# Data", "`{python} 1 + 1` sets.\n\n# Data"
    )
    executed.cells[0].metadata["user_expressions"] = [{"expression": "1 + 1", "result": value}]
    executed.cells.insert(0, front)
    made = notebook.of_quarto(nbformat.writes(executed), document)
    found = nbformat.reads(made, 4)
    assert (
        texts(found)[0] == texts(nb)[0]
        and texts(found)[2:] == texts(nb)[2:]
        and "2 sets." in texts(found)[1]
    )
    assert notebook.of_quarto(made, document) == made


def test_what_cells_say_of_the_document_is_kept_unseen_and_what_they_leave_out_is_not_there(
    tmp_path,
):
    body = """```{python}
#| label: flags
#| output: asis
from lmreport.display import markdown
markdown.flags({"lacking": True})
```

::: {.content-hidden when-meta="lacking"}
Gone.

```{python}
#| label: tbl-gone
#| tbl-cap: Gone too.
markdown.table([["1"]], ["a"])
```
:::

The end.
"""
    folder = rendering.project(tmp_path, body, FRONT)
    rendering.own(folder, ("html",))
    document = project.read(folder, ("html",), None)[0]
    nb = nbformat.read(folder / "_report" / "report" / "index.ipynb", 4)
    assert [text for text in texts(nb) if text][1:] == ["The end."]
    assert [out for cell in nb.cells[2:] for out in cell.get("outputs", ())] == []
    assert contents.read(document, folder / "_report" / "report" / "index.ipynb") == []


def test_an_output_that_is_made_again_in_jupyter_is_plain_too():
    shown = plain_markdown.alone(TABLE + "\n::: {.callout-tip}\n## Why\n\nSee @fig-x.\n:::\n")
    assert (
        "8,000 |" in shown
        and "> **Why**" in shown
        and ".computed" not in shown
        and ":::" not in shown
    )


def test_figures_of_the_project_stand_in_the_notebook_itself(folder, nb, tmp_path):
    alone = shutil.copy(folder / "_report" / "report" / "index.ipynb", tmp_path)
    assert "line.svg" not in re.sub(r"#\|.*", "", "\n".join(texts(nbformat.read(alone, 4))))


def test_the_set_up_cell_has_jupyter_show_new_outputs_plainly():
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import Markdown

    shell = InteractiveShell.instance()
    formatted = shell.display_formatter.format
    try:
        notebook.show_plainly()
        notebook.show_plainly()  # the cell is run again
        assert "| 8,000 |" in re.sub(
            " +", " ", shell.display_formatter.format(Markdown(TABLE))[0]["text/markdown"]
        )
        assert shell.display_formatter.format(Markdown("a *b*"))[0]["text/markdown"] == "a *b*"
    finally:
        shell.display_formatter.format = formatted
        InteractiveShell.clear_instance()
    assert "show_plainly()" in colab.CELL


def test_each_note_stands_under_its_mark_whatever_it_begins_with_and_wherever_it_is(tmp_path):
    body = (
        "One[^t], two[^c], none[^e], Jones^\\[2\\]^.\n\n[^t]: | a |\n    |---|\n    | in a table |\n\n"
        "[^c]:\n    ```\n    in code\n    ```\n\n[^e]:\n\n"
        "```{python}\nfrom IPython.display import Markdown\n"
        "Markdown('Shown[^o].\\n\\n[^o]: Of an output.\\n')\n```\n"
    )
    text, shown = texts(made_of(tmp_path, body))[-2:]
    marks = [
        (n, text.count(f"<sup>[{n}]</sup>") + text.count(f"<sup>\\[{n}\\]</sup>")) for n in "123"
    ]
    assert marks == [("1", 2), ("2", 3), ("3", 2)], text  # one in the text, one at the note
    assert text.count("in a table") == 1 and text.count("in code") == 1
    assert "Of an output." in shown


def test_notes_of_tables_links_and_captions_stand_in_the_notebook_once(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    where = (
        "| a |\n|---|\n| b[^1] |\n\n: Cap[^2]",
        "[link[^1]](#b)[^2] [b]{#b}",
        "![Cap[^1][^2]](/a.png)",
    )
    for n, text in enumerate(where):
        body = f"{text}\n\nEnd.[^3]\n\n[^1]: One.\n[^2]: Two.\n[^3]: Three.\n"
        made = rendering.project(tmp_path / str(n), body)
        shutil.copy(tmp_path / "a.png", made)
        out = rendering.own(made, ("html",))
        shown = texts(nbformat.read(out / "index.ipynb", 4))[-1]
        assert [shown.count(word) for word in ("One.", "Two.", "Three.")] == [1, 1, 1], shown
        last = [line for line in shown.splitlines() if line][-3:]
        assert all(f"[{i}" in line for i, line in enumerate(last, 1)), shown


def test_notes_of_the_title_block_stand_in_the_notebook_and_are_its_first(tmp_path):
    front = (
        "---\ntitle: Title^[Of title.]\nsubtitle: Sub^[Of sub.]\n"
        "author: ['A *B*^[Of author.]', C_D]\n---\n\n"
    )
    made = rendering.project(tmp_path, "# Part^[Of part.]\n\nEnd.\n", front)
    out = rendering.own(made, ("html",))
    shown = "\n".join(texts(nbformat.read(out / "index.ipynb", 4))).replace("\\", "")
    assert "A *B*<sup>[3]</sup>, C_D" in shown
    for number, name in enumerate(("title", "sub", "author", "part"), 1):
        assert shown.count(f"<sup>[{number}]</sup>") == 2, shown
        assert f"<sup>[{number}]</sup> Of {name}." in shown


def made_of(folder, body: str):
    """The notebook that a render of `body` writes."""
    out = rendering.own(rendering.project(folder, body), ("html",))
    return nbformat.read(out / "index.ipynb", 4)


def in_jupyter(nb):
    """The notebook as JupyterLab and nbconvert show it."""
    shown = pytest.importorskip("nbconvert").HTMLExporter().from_notebook_node(nb)[0]
    return lxml.html.fromstring(shown).find(".//main")


def test_letters_of_a_list_and_dollars_of_a_table_in_html_are_as_on_the_page(tmp_path):
    body = (
        "a. One $x$\n\n    ii. Two\n    iii. *Three*\n\nB)  Four\n\n1. Five\n\n"
        "+---------+---------+\n| $1 - $2 | - a $3  |\n|         | - b     |\n+---------+---------+\n"
        "| $4 `$5` | $y_1z$  |\n+---------+---------+\n"
    )
    nb = made_of(tmp_path, body)
    page = in_jupyter(nb)
    lists = [(one.get("type"), one.get("start")) for one in page.iter("ol")]
    assert lists == [("a", "1"), ("i", "2"), ("A", "2"), (None, None)]
    items = [" ".join(one.text_content().split()) for one in page.xpath("//ol/li")]
    assert items == ["One $x$ Two Three", "Two", "Three", "Four", "Five"]
    table = page.find(".//table")
    assert " ".join(table.text_content().split()) == "$1 - $2 a $3 b $4 $5 y1z"
    assert texts(nb)[-1].count("$") == 2  # of the formula; others are no marks of one
    assert all(one.text == "$" for one in table.iter("span") if "$" in one.text_content())


def test_code_that_begins_a_text_stays_code(tmp_path):
    body = (
        "```\nfirst `line`\n  second\n```\n\n```{python}\n1 + 1\n```\n\n    third\n\n"
        "```\nfourth\n```\n\n- ```\n  fifth\n  ```\n\n> ```\n> sixth\n> ```\n\n"
        "Term\n\n:   ```\n    seventh\n    ```\n"
    )
    nb = made_of(tmp_path, body)
    page = in_jupyter(nb)
    blocks = [one.text_content().strip("\n") for one in page.iter("pre")]
    wanted = ["first `line`\n  second", "third", "fourth", "fifth", "sixth", "seventh"]
    assert [one for one in blocks if one in wanted] == wanted


def test_text_from_right_to_left_stays_so(tmp_path):
    body = 'In [مرحبا]{dir="rtl"} x.\n\n::: {dir="rtl" lang="he"}\nשלום *עולם*, 123.\n:::\n'
    nb = made_of(tmp_path, body)
    page = in_jupyter(nb)
    assert [one.text_content() for one in page.xpath("//span[@dir='rtl']")] == ["مرحبا"]
    (paragraph,) = page.xpath("//div[@dir='rtl']/p")
    assert paragraph.text_content() == "שלום עולם, 123." and paragraph.find("em") is not None


def test_the_terms_of_a_list_of_definitions_are_told_from_what_they_mean(tmp_path):
    body = "Epoch\n:   One pass.\n\n    ```python\n    x\n    ```\n\n*Batch* `b`\n:   Some.\n:   Texts.\n"
    shown = "\n".join(texts(made_of(tmp_path, body)))
    assert "**Epoch**\n\n- One pass.\n  ``` python\n  x\n  ```\n" in shown
    assert "***Batch* `b`**\n\n- Some.\n" in shown and "- Texts." in shown


def test_a_reference_in_a_link_does_not_end_it(tmp_path):
    body = "# A {#sec-a}\n\n[as **@sec-a** says](https://example.org) and @sec-a.\n"
    shown = "\n".join(texts(made_of(tmp_path, body)))
    assert (
        "[as **Section\u00a01** says](https://example.org) and [Section\u00a01](#sec-a)." in shown
    )


def test_a_bar_in_code_does_not_end_its_cell_of_a_table(tmp_path):
    body = "| a | b |\n|---|---|\n| `x | y` | z |\n\n| a<br>c | b |\n|---|---|\n| `x | y` | z |\n"
    nb = made_of(tmp_path, body)
    cells = in_jupyter(nb).xpath(".//td")
    assert [cell.text_content() for cell in cells] == ["x | y", "z"] * 2


def test_what_a_cell_prints_as_it_is_is_shown_as_on_the_page_and_kept_as_printed(tmp_path):
    printed = "::: {.callout-note}\n## Title\nSee @fig-a.\n:::\n\n![Red](a.png){#fig-a}\n"
    body = (
        f"```{{python}}\n#| output: asis\nprint({printed!r})\n```\n\n"
        "```{python}\n#| output: asis\nprint(':::: {.callout-tip}')\n```\n\nInside.\n\n::::\n"
    )
    folder = rendering.project(tmp_path, body)
    Image.new("RGB", (20, 10), "red").save(folder / "report/a.png")
    nb = nbformat.read(rendering.own(folder, ("html",)) / "index.ipynb", 4)
    (first,), (second,) = (cell.outputs for cell in nb.cells if cell.cell_type == "code")
    shown = first.data["text/markdown"]
    assert "> See [Figure\u00a01](#fig-a)." in shown and "![Red](data:image/png" in shown
    assert second.data["text/markdown"] == "> **Tip**"  # a beginning alone
    assert "> Inside." in texts(nb)
    again = [
        out
        for cell in notebook_reading.as_executed(nb, "").cells
        for out in cell.get("outputs", ())
    ]
    assert [(out.name, out.text) for out in again][0] == ("stdout", printed + "\n")


def test_tabs_that_cells_print_have_their_titles_between_what_is_in_them(tmp_path):
    plots = "plt.plot([1, 2])\n    plt.show()"
    body = (
        "# One\n\n```{python}\n#| output: asis\n#| echo: false\nimport matplotlib.pyplot as plt\n"
        "print('::: {.panel-tabset}')\nfor name in 'AB':\n    print(f'\\n## {name}\\n')\n"
        f"    {plots}\nprint(':::')\n```\n\n"
        "::: {.panel-tabset}\n```{python}\n#| output: asis\n#| echo: false\n"
        f"for name in 'CD':\n    print(f'\\n## {{name}}\\n')\n    {plots}\n```\n:::\n\n"
        "```{python}\n#| output: asis\nprint('::: {.panel-tabset}\\n## E')\n```\n\n"
        "```{python}\nprint('in E')\n```\n\n"
        "```{python}\n#| output: asis\nprint('## F')\n```\n\nin F\n\n"
        "```{python}\n#| output: asis\nprint(':::')\n```\n\n## Two\n\nEnd.\n"
    )
    nb = made_of(tmp_path, body)
    shown = []
    for cell in nb.cells:
        shown += [cell.source] if cell.cell_type == "markdown" else []
        for out in cell.get("outputs", ()):
            data = out.get("data", {"text/markdown": out.get("text", "").strip()})
            shown += ["picture"] if "image/svg+xml" in data else [data["text/markdown"]]
    told = re.sub("<.*?>", "", "|".join(filter(None, shown))).replace("\n\n", "|")
    ab, cd = "**A**|picture|**B**|picture|", "**C**|picture|**D**|picture|"
    assert f"1 One|{ab}{cd}**E**|in E|**F**|in F|### 1.1 Two|End." in told


def test_captions_without_a_number_stand_under_what_a_cell_shows(tmp_path):
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n"
    body = (
        f"```{{python}}\n#| echo: false\n#| fig-cap: One `line`\n{plot}```\n\n"
        f"```{{python}}\n#| fig-cap: Two plots\n{plot}{plot}```\n\n"
        "```{python}\n#| tbl-cap: A table\nfrom IPython.display import Markdown\n"
        "Markdown('| a |\\n|---|\\n| 1 |')\n```\n\nEnd.\n"
    )
    _, *said, table, below = texts(made_of(tmp_path, body))
    assert [*said, below] == ["One `line`", "Two plots", "A table\n\nEnd."] and "| 1" in table


def test_what_is_printed_beside_a_table_with_a_number_stays_in_its_place(tmp_path):
    body = (
        "```{python}\n#| output: asis\n#| label: tbl-a\n#| tbl-cap: A table\n"
        "from IPython.display import Markdown, display\nprint('before *it*')\n"
        "display(Markdown('| a |\\n|---|\\n| 1 |'))\nprint('after')\n```\n\nSee @tbl-a.\n"
    )
    nb = made_of(tmp_path, body)
    (cell,) = (cell for cell in nb.cells if cell.cell_type == "code")
    first, table, last = (out.data["text/markdown"] for out in cell.outputs)
    assert (first, last) == ("before *it*", "after") and "| 1" in table


def test_what_is_printed_beside_figures_is_none_of_their_parts(tmp_path):
    plot = "plt.plot([1, 2])\nplt.show()\n"
    body = (
        "```{python}\n#| output: asis\n#| label: fig-a\n#| fig-cap: Both\n#| fig-subcap: [One, Two]\n"
        f"import matplotlib.pyplot as plt\n{plot}print('between')\n{plot}```\n\nSee @fig-a-2.\n"
    )
    nb = made_of(tmp_path, body)
    (cell,) = (cell for cell in nb.cells if cell.cell_type == "code")
    assert cell.outputs[1].data["text/markdown"] == "between"
    assert "**(b)** Two" in texts(nb)[-1] and "(c)" not in texts(nb)[-1]


def test_text_that_a_cell_begins_to_hide_is_hidden_in_the_notebook_too(tmp_path):
    opening = "::: {.content-visible when-format=typst}\n\nsecret A"
    body = (
        f"```{{python}}\n#| output: asis\n#| echo: false\nprint({opening!r})\n```\n\nsecret B\n\n"
        "```{python}\n#| output: asis\nprint('secret C\\n\\n:::\\n\\nOpen.')\n```\n\nEnd.\n"
    )
    nb = made_of(tmp_path, body)
    told = [out.data["text/markdown"] for c in nb.cells for out in c.get("outputs", ())]
    assert not any("secret" in text for text in [*told, *texts(nb)])
    assert "Open.\n" in "\n".join([*texts(nb), *told]) + "\n" and "End." in texts(nb)[-1]


def test_the_title_block_has_its_lists_and_places_of_work_in_each_format(tmp_path):
    front = (
        "---\ntitle: T\nauthor:\n- name: A\n  affiliation: Univ\nabstract: |\n"
        "  - first\n  - second\n---\n\n"
    )
    folder = rendering.project(tmp_path, "Text.\n", front)
    out = rendering.own(folder)
    title = nbformat.read(out / "index.ipynb", 4).cells[0].source
    assert "A · Univ" in title and "- first\n- second" in title
    items = rendering.Page(out / "index.html").tags("li")
    assert ["first", "second"] == [rendering.text(item) for item in items][:2]
    assert "•first•second" in rendering.pdf_text(out / "index.pdf")


def test_a_title_with_bold_words_is_bold_as_a_whole(tmp_path):
    body = '::: {.callout-note title="Mind **this**"}\nx\n:::\n'
    nb = nbformat.read(
        rendering.own(rendering.project(tmp_path, body), ("html",)) / "index.ipynb", 4
    )
    assert "> **Mind this**\n" in nb.cells[1].source


def test_the_abstract_cites_and_refers_as_on_the_page(tmp_path):
    front = "---\ntitle: T\nabstract: See @fig-a and @vaswani2017.\n---\n\n"
    folder = rendering.project(tmp_path, "![Red](a.png){#fig-a}\n", front)
    Image.new("RGB", (20, 10), "red").save(folder / "report/a.png")
    out = rendering.own(folder)
    nb = nbformat.read(out / "index.ipynb", 4)
    assert "See [Figure\u00a01](#fig-a) and Vaswani ([2017]" in nb.cells[0].source
    page = rendering.text(next(rendering.Page(out / "index.html").find(lambda e: e[0] == "main")))
    assert "See Figure 1 and Vaswani (2017)." in page
    assert "SeeFigure1andVaswani(2017)." in rendering.pdf_text(out / "index.pdf")


def test_what_a_figure_keeps_of_its_origin_is_not_taken_for_something_printed(tmp_path):
    body = (
        "```{python}\n#| output: asis\nprint('**bold**')\n```\n\n"
        "```{python}\nfrom IPython.display import Markdown, display\n"
        "display(Markdown('*drawn*'), metadata={'lmreport': {'function': 'concepts.drawn'}})\n```\n"
    )
    nb = made_of(tmp_path, body)
    again = [
        out
        for cell in notebook_reading.as_executed(nb, "").cells
        for out in cell.get("outputs", ())
    ]
    assert [out.output_type for out in again] == ["stream", "display_data"]
    assert again[1].metadata.lmreport == {"function": "concepts.drawn"}
    before = notebook_content.digest(nb)
    for cell in nb.cells:
        for output in cell.get("outputs", ()):
            output.metadata.pop("printed", None)
    assert notebook_content.digest(nb) != before


def test_a_div_around_a_cell_has_its_number_and_place(tmp_path):
    body = "::: {#fig-a}\n```{python}\nprint(1)\n```\n\nWhat *it* says\n:::\n\nSee @fig-a.\n"
    shown = texts(made_of(tmp_path, body))[-1]
    assert '<a id="fig-a"></a>**Figure\u00a01:** What *it* says' in shown
    assert "See [Figure\u00a01](#fig-a)." in shown


def test_a_text_that_looks_like_an_entity_of_html_stays_that_text(tmp_path):
    body = (
        "# A \\&copy;\n\nB \\&amp; `{python} '&lt;b&gt;'`\n\n| C \\&#38; |\n|---|\n| d |\n\n"
        "```{python}\n#| echo: false\nimport pandas\npandas.Series(['&lt;b&gt;', 'R&D;']).to_frame()\n```\n"
    )
    out = rendering.own(rendering.project(tmp_path, body), ("html",))
    nb = nbformat.read(out / "index.ipynb", 4)
    page = lxml.html.fromstring((out / "index.html").read_text("utf-8")).find(".//main")
    for shown in (page, in_jupyter(nb)):
        words = " ".join(shown.text_content().split())
        for text in ("A &copy;", "B &amp; &lt;b&gt;", "C &#38;", "R&D;"):
            assert text in words
        assert "&lt;b&gt;" in [td.text_content() for td in shown.xpath(".//td")]


@pytest.mark.parametrize("identifiers", [lambda n: None, lambda n: "same"], ids=["none", "same"])
def test_cells_without_names_of_their_own_are_named_in_silence(nb, identifiers, recwarn):
    told = json.loads(nbformat.writes(nb))
    for n, cell in enumerate(told["cells"]):
        cell["id"] = identifiers(n)
        if cell["id"] is None:
            del cell["id"]
    found = notebook_reading.read(json.dumps(told).encode())
    assert [c.source for c in found.cells] == [c.source for c in nb.cells] and not recwarn.list
    assert len({c.id for c in found.cells}) == len(nb.cells)


@pytest.mark.parametrize(
    "data", [b"", b"[1]", b'{"cells": "x"}', b"<<<<<<< HEAD\n{}", b"\xff\xfe{\0"]
)
def test_a_file_that_is_no_notebook_is_told_in_one_sentence_by_the_export_too(
    folder, tmp_path, data
):
    path = tmp_path / "other.ipynb"
    path.write_bytes(data)
    document = project.read(folder, ("html",), None)[0]
    with pytest.raises(ReportError, match="^other.ipynb is no valid notebook .*; make it again"):
        contents.read(document, path)


def test_a_bar_in_a_formula_of_a_table_ends_no_cell(tmp_path):
    body = "| a | b |\n|---|---|\n| $|x|$ | $\\|y\\|_2$ |\n\n$|z|$\n"
    out = rendering.own(rendering.project(tmp_path, body), ("html",))
    shown = "".join(cell.source for cell in nbformat.read(out / "index.ipynb", 4).cells)
    assert "| $\\vert x\\vert$ | $\\Vert y\\Vert _2$ |" in re.sub(" +", " ", shown)
    assert "$|z|$" in shown


def test_a_link_with_quotation_marks_in_its_title_stays_one(tmp_path):
    body = "[words](https://example.org 'a \"b\"')\n"
    out = rendering.own(rendering.project(tmp_path, body), ("html",))
    shown = "".join(cell.source for cell in nbformat.read(out / "index.ipynb", 4).cells)
    assert """[words](https://example.org "a 'b'")""" in shown
