"""What authors write in sources and options: read as pandoc and YAML 1.2 read it, or refused by
file and line.
"""

from __future__ import annotations

import json
import sys

import nbformat
import pikepdf
import pytest

from lmreport.core.errors import ReportError
from lmreport.render import conditional, source
from lmreport.render.lines import Line
from rendering import FRONT, OPTIONS, Page, own, pdf_text, project, squeezed, text

KEY = '::: {.content-visible when-profile="key"}\n'


def words(folder) -> str:
    """What a reader of the page sees in its text."""
    return text(next(Page(folder / "index.html").find(lambda e: e[0] == "main")))


def rendered(tmp_path, body: str, front: str = FRONT, **parts: str):
    return own(project(tmp_path, body, front, **parts), ("html",))


def refusal(tmp_path, body: str, front: str = FRONT, options: str = OPTIONS, **parts: str) -> str:
    with pytest.raises(ReportError) as refused:
        own(project(tmp_path, body, front, options, **parts), ("html",))
    return str(refused.value)


@pytest.mark.parametrize(
    "hidden",
    [
        KEY + "One.\n\n::: {.callout-note}\nTwo.\n:::\n\nSECRET\n:::\n",
        KEY + "```python\n:::\n```\n\nSECRET\n:::\n",
        KEY + "~~~~\n```\n:::\n~~~~\n\nSECRET `{python} 1 / 0`\n\n```{python}\n1 / 0\n```\n:::\n",
        "::: {#a .content-visible when-profile='key'}\nSECRET\n:::\n",
        '::::: {.content-visible when-profile="key" when-format="html"} :::::\nSECRET\n\n::: tip\nSECRET\n:::\n:::::\n',
        "::: {.content-hidden unless-profile=key}\nSECRET\n\n"
        + KEY
        + "SECRET\n:::\n\nSECRET\n:::\n",
        "::: {.content-visible when-profile=KEY}\nSECRET\n:::\n",
        "::: {.content-visible when-profile=key}\nSECRET\n:::",
        '[SECRET]{.content-visible when-profile="a } b"}\n',
        "{{< include _part.qmd >}}\n",
        "[a [b](#c) SECRET\n`{python} 1 / 0` `]`]{.content-visible when-profile=key}\n",
    ],
)
def test_nothing_of_a_part_for_another_profile_is_shown_run_or_in_the_notebook(tmp_path, hidden):
    out = rendered(tmp_path, f"Before.\n\n{hidden}\nAfter.\n", part=KEY + "SECRET\n:::\n")
    assert words(out).endswith("Before. After.")
    assert "SECRET" not in (out / "index.html").read_text()
    assert not any(
        "SECRET" in cell.source or "1 / 0" in cell.source
        for cell in nbformat.read(out / "index.ipynb", 4).cells
    )


def test_hidden_parts_of_lists_and_tables_leave_the_rest(tmp_path):
    body = (
        "- one\n\n  "
        + KEY
        + "  SECRET\n  :::\n\n- two\n\n1. three\n\n    "
        + KEY
        + "    SECRET\n    :::\n\n"
        "| a | b |\n|---|---|\n| 1 | [SECRET]{.content-visible when-profile=key} |\n"
    )
    assert words(rendered(tmp_path, body)).endswith("one two three a b 1")


def test_a_part_for_this_profile_is_shown_and_code_about_profiles_stays(tmp_path):
    body = (
        "::: {.content-hidden when-profile=key}\nShown.\n\n::: "
        "{.callout-tip}\nIn.\n:::\n\nToo.\n:::\n\n"
        "`[x]{.content-visible when-profile=key}`\n\n```\n" + KEY + ":::\n```\n"
    )
    out = words(rendered(tmp_path, body))
    assert "Shown. Tip In. Too." in out and "[x]{.content-visible when-profile=key}" in out
    assert '::: {.content-visible when-profile="key"} :::' in out


@pytest.mark.parametrize("end", [":::", "::::"])
def test_parts_for_this_profile_that_follow_each_other_are_paragraphs_of_their_own(tmp_path, end):
    shown, hidden = "::: {.content-hidden when-profile=key}\n", KEY + f"SECRET\n{end}\n"
    body = (
        f"Start.\n\n{shown}One.\n{end}\n{shown}Two.\n{end}\n{hidden}{shown}- Item\n{end}\nLast.\n"
    )
    out = rendered(tmp_path, body)
    shown = [text(p) for p in Page(out / "index.html").find(lambda e: e[0] in ("p", "li"))]
    assert shown[-5:] == ["Start.", "One.", "Two.", "Item", "Last."]
    notebook = "\n".join(cell.source for cell in nbformat.read(out / "index.ipynb", 4).cells)
    assert "Start.\n\nOne.\n\nTwo." in notebook and "Item\n\nLast." in notebook


@pytest.mark.parametrize(
    "body, line",
    [
        (KEY + "One.\n\n$$\na\n:::\n$$\n\nSECRET\n:::\n", 6),
        (KEY + "One.\n\n<pre>\n:::\n</pre>\n\nSECRET\n:::\n", 6),
        (KEY + "One.\n\n<!--\n:::\n-->\n\nSECRET\n\n:::\n", 6),
        ("Text.\n" + KEY + "SECRET\n:::\n", 7),
        ("> " + KEY + "> SECRET\n> :::\n", 6),
        ('# SECRET {.content-visible when-profile="key"}\n', 6),
        ("[SECRET]{.content-visible\nwhen-profile=key}\n", 6),
        ("::: {.content-visible\nwhen-profile=key}\nSECRET\n:::\n", 6),
        (KEY + "\n    :::\n\nSECRET\n:::\n", 6),
        (KEY + "One.\n\n<hr>\n\nSECRET\n\n:::\n", 6),
        ("```{.python .content-visible when-profile=key}\nSECRET\n```\n", 6),
        (KEY + "SECRET\n", 6),
        ("a]{.content-visible when-profile=key}\n", 6),
    ],
)
def test_a_condition_whose_end_is_not_clear_is_refused(tmp_path, body, line):
    assert refusal(tmp_path, body).startswith(f"report/index.qmd:{line}: ")


@pytest.mark.parametrize("condition", ['when-format="typst"', 'when-profile="key"'])
def test_a_heading_behind_what_a_condition_hides_is_no_title_of_its_callout(tmp_path, condition):
    """Page and PDF count the same sections."""
    hidden = f"::: {{.content-visible {condition}}}\nFor some.\n:::\n\n## Behind\n\nText.\n"
    held = '::: {.content-hidden unless-format="html"}\n## Held\n:::\n\nText.\n'
    body = "".join(
        f":::: callout-tip\n\n{inside}\n::::\n\n" for inside in (hidden, held, "## Title\n")
    )
    front = FRONT.replace("---\n", "---\nnumber-sections: true\n", 1)
    out = own(project(tmp_path, body + "## Last {number=9}\n", front), ("html", "typst"))
    page = Page(out / "index.html")
    titles = page.find(lambda e: e[1].get("class") == "callout-title")
    assert [text(title).strip() for title in titles] == ["Tip", "Tip", "Title"]
    assert page.facts()["headings"] == ["1 Behind", "2 Held", "3 Last"]
    assert "1Behind" in pdf_text(out / "index.pdf")


@pytest.mark.parametrize("profile", [None, "key"])
@pytest.mark.parametrize("condition", ['when-format="html"', 'when-profile="key"'])
def test_a_callout_with_a_condition_of_its_own_stays_one(tmp_path, condition, profile):
    body = (
        f"::: {{.callout-tip .content-visible {condition}}}\n## Answer\n\nText.\n:::\n\n"
        f'::: {{.callout-tip collapse="true" {condition} .content-visible title="A \\"b\\" c"}}\n'
        "More.\n:::\n\n"
        f"[a]{{.mark .content-visible {condition}}}\n\nLast.\n"
    )
    root = project(tmp_path, body)
    (root / "_quarto-key.yml").write_text("")
    out = own(root, ("html",), profile=profile)
    is_shown = "format" in condition or profile == "key"
    titles = Page(out / "index.html").find(lambda e: e[1].get("class") == "callout-title")
    assert [text(title).strip() for title in titles] == ["Answer", "A “b” c"] * is_shown
    assert ("</details>" in (out / "index.html").read_text()) == is_shown
    assert ("<mark>" in (out / "index.html").read_text()) == is_shown
    assert words(out).endswith("Last.")


def test_a_cell_in_a_hidden_callout_with_more_attributes_is_not_run(tmp_path):
    body = '::: {.callout-tip collapse="true" .content-hidden unless-profile="key"}\nSECRET\n\n'
    out = own(project(tmp_path, f"{body}```{{python}}\n1 / 0\n```\n:::\n\nText.\n"), ("html",))
    assert words(out).endswith("Text.") and "SECRET" not in (out / "index.ipynb").read_text()


def test_what_is_included_is_a_paragraph_of_its_own(tmp_path):
    body = "{{< include _a.qmd >}}\n{{< include _b.qmd >}}\nLast.\n\n```\n{{< include _a.qmd >}}\n```\n"
    out = own(project(tmp_path, body, a="One.\n", b="# Two\n\n- item\n"), ("html",))
    page = Page(out / "index.html")
    assert [text(one).strip() for one in page.tags("p")][-2:] == ["One.", "Last."]
    assert page.facts()["headings"] == ["1 Two"]
    assert [text(code) for code in page.tags("code")] == ["One."]
    body = "Before\n{{< include _b.qmd >}}\n"
    assert refusal(tmp_path / "b", body, b="# Two\n").startswith("report/_b.qmd:1: '# Two' is read")


def test_a_document_that_is_included_is_said_how_to_stay_one(tmp_path):
    (tmp_path / "report").mkdir(parents=True)
    (tmp_path / "report/small.qmd").write_text("---\ntitle: Small\n---\n\nText.\n")
    assert refusal(tmp_path, "{{< include small.qmd >}}\n").endswith(
        "put the text below it into _small.qmd, and include that in small.qmd and index.qmd"
    )


@pytest.mark.parametrize("before", ["\ufeff", "\n", "\ufeff\n  \n"])
def test_front_matter_is_read_after_a_byte_order_mark_and_blank_lines(tmp_path, before):
    assert words(rendered(tmp_path, "Text.\n", before + FRONT)) == "A test January 2, 2026 Text."
    part = {"part": before + "---\ntitle: B\n---\n"}
    line = 1 + before.count("\n")
    assert refusal(tmp_path / "b", "{{< include _part.qmd >}}\n", **part).startswith(
        f"report/_part.qmd:{line}: an included file has no front matter"
    )


def test_lines_are_those_of_pandoc_and_what_is_not_utf8_is_refused(tmp_path):
    body = "One\u2028two\x0cthree\x85four\r\n\r\n`{python} 1 + 1`\n\nSee @fig-none.\n"
    assert refusal(tmp_path, body).startswith("report/index.qmd:10: @fig-none")
    (tmp_path / "report/index.qmd").write_bytes(FRONT.encode() + b"a\n\xff\n")
    with pytest.raises(ReportError, match=r"report/index\.qmd:7: not UTF-8"):
        own(tmp_path, ("html",))


def test_numbers_and_words_in_the_title_block_and_in_captions_are_text(tmp_path):
    front = "---\ntitle: 1.10\nsubtitle: Yes\nauthor: 007\ndate: 2026-1-5\nabstract: 12:30\n---\n"
    out = words(rendered(tmp_path, "", front))
    assert out == "1.10 Yes 007 January 5, 2026 Abstract 12:30"
    cell = "```{python}\n#| label: 2024\n#| tbl-cap: 1.50\n#| echo: false\nprint(1)\n```\n"
    assert (
        "1.50" in words(rendered(tmp_path / "b", cell))
        and 'id="cell-2024"' in (tmp_path / "b/_report/report/index.html").read_text()
    )


@pytest.mark.parametrize(
    "front, said",
    [
        (
            "title: a\ntitle: b",
            "report/index.qmd:3: 'title' is given twice, first at report/index.qmd:2",
        ),
        (
            "title: a\nexecute:\n  echo: true\n  echo: false",
            "report/index.qmd:5: 'echo' is given twice",
        ),
        (
            "title:\u00a0a",
            "report/index.qmd:2: the blank behind 'title:' is a no-break space, which",
        ),
        ("author:\n\u00a0 - a", "report/index.qmd:3: the blank at the start is a no-break space"),
        (
            "engine: knitr",
            "report/index.qmd:2: engine 'knitr': cells are run by Jupyter here; leave",
        ),
        (
            "format:\n  pdf: {toc: true}",
            "report/index.qmd:3: unknown option 'pdf'; the PDF is made by",
        ),
        (
            "df-print: paged",
            "report/index.qmd:2: unknown option 'df-print'; leave it out, or render",
        ),
        ("toc: yes", "report/index.qmd:2: option toc: 'yes' is not true or false"),
        ("execute: {eval: off}", "report/index.qmd:2: option eval: 'off' is not true or false"),
        ("execute: false", "report/index.qmd:2: option execute"),
        ("margin: 2cm", "report/index.qmd:2: option margin"),
        ("margin:\n  x: 2cm\n  y: 5", "report/index.qmd:4: margin y: '5' is no length; write a"),
        ("margin: {up: 2cm}", "report/index.qmd:2: margin has no side 'up'; known are x, y, top"),
        ("format:\n  typst:\n    fontsize: 12", "report/index.qmd:4: fontsize '12' is no length"),
        ("fontsize: 1.1rem", "report/index.qmd:2: fontsize '1.1rem' is no length; write a number"),
        ("papersize: us-leter", "report/index.qmd:2: papersize 'us-leter' is no size of paper"),
        ("toc-depth: two", "report/index.qmd:2: option toc-depth: 'two' is not a whole number"),
        ("lang: de", "report/index.qmd:2: lang 'de'"),
        (
            "title: a\ndate: 2026-02-30",
            "report/index.qmd:3: date '2026-02-30' is no day of the calendar",
        ),
        (
            "author:\n  - nme: Ada",
            "report/index.qmd:3: author has 'nme', which this renderer does not show; did you mean",
        ),
        ("author:\n  - affiliation: X", "report/index.qmd:3: an author without a name"),
        (
            "author:\n  - name: A\n    affiliation:\n      - ref: cmu",
            "report/index.qmd:5: affiliation by ref 'cmu': this renderer looks up none; write",
        ),
        (
            "author:\n  - name: A\n    affiliations: [{name: X, city: Y}]",
            "report/index.qmd:4: affiliation has 'city', which this renderer does not show; write",
        ),
        (
            "author:\n  - name: A\n    affiliations: [{id: x}]",
            "report/index.qmd:4: an affiliation without a name",
        ),
        (
            "author:\n  - name: A\n    affiliations:\n      - X\n      -",
            "report/index.qmd:6: an affiliation without a name",
        ),
        (
            "author: A\naffiliations:\n  - {id: cmu, name: X}",
            "report/index.qmd:3: unknown option 'affiliations'; write each author's own below",
        ),
        (
            'title: "A [b]{.content-hidden when-profile=c}"',
            "report/index.qmd:2: conditions do not hold in title",
        ),
        ('title: "Of `{python} n` texts"', "report/index.qmd:2: inline code is not run in title"),
        (
            'title: "{{< meta subtitle >}}"\nsubtitle: Twitter',
            "report/index.qmd:2: shortcode {{< meta subtitle >}} is not run in options",
        ),
        (
            'title: T\nauthor:\n  - name: A\n  - name: "{{< var name >}}"',
            "report/index.qmd:5: shortcode {{< var name >}} is not run in options",
        ),
        ("? [a]\n: b", "report/index.qmd:2: a key must be one word"),
        ("title: &a [*a]", "report/index.qmd:2: "),
    ],
)
def test_options_that_cannot_be_meant_are_refused(tmp_path, front, said):
    assert refusal(tmp_path, "Text.\n", f"---\n{front}\n---\n").startswith(said)


@pytest.mark.parametrize("epoch", ["yesterday", "1e9", "-5", "9" * 30, "１"])
def test_a_source_date_that_is_none_is_refused(tmp_path, monkeypatch, epoch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert "SOURCE_DATE_EPOCH" in refusal(tmp_path, "Text.\n", "---\ntitle: x\ndate: today\n---\n")


def test_a_line_of_code_does_not_end_a_hidden_part_of_quartos_notebook():
    from lmreport.render import notebook_reading

    cells = [
        nbformat.v4.new_markdown_cell("Before.\n\n" + KEY + "One."),
        nbformat.v4.new_code_cell("x = '''\n:::\n'''"),
        nbformat.v4.new_markdown_cell("SECRET\n\n:::\n\nAfter."),
        nbformat.v4.new_code_cell("y = '''\n:::\n'''"),
    ]
    kept = notebook_reading.of_profile(nbformat.v4.new_notebook(cells=cells), ("other",))
    assert [cell.source.strip() for cell in kept.cells] == [
        "Before.",
        "After.",
        "y = '''\n:::\n'''",
    ]


@pytest.mark.parametrize(
    "front, said",
    [
        ("title: x\nauthor: [[a]]", "report/index.qmd:3: an author is a list"),
        ("title: x\npdf-standard: ua-9", "report/index.qmd:3: unknown pdf standard: ua-9"),
        (
            "title: x\ndate: 2026-01-02\ndate-format: Q",
            "report/index.qmd:4: date-format 'Q': 'Q' is unknown",
        ),
        (
            "title: x\nfilters: nope.lua",
            "report/index.qmd:3: filter 'nope.lua' is no file of this project",
        ),
        (
            "title: x\nbibliography: report/bad.bib",
            "bad.bib:2: the sources cannot be read (",
        ),
    ],
)
def test_options_that_fail_while_a_format_is_written_are_one_sentence(tmp_path, front, said):
    folder = project(tmp_path, "Text.\n", f"---\n{front}\n---\n")
    (folder / "report/bad.bib").write_text("@article{x, title={a\n")
    with pytest.raises(ReportError) as refused:
        own(folder)
    assert str(refused.value).startswith(said) and "\n" not in str(refused.value)


def test_half_a_character_that_is_printed_is_named_and_nothing_beside_it_lost(tmp_path):
    body = "```{python}\nprint('before')\nprint('a\\ud800b', 'after')\n```\n"
    out = own(project(tmp_path, body))
    for shown in (text(Page(out / "index.html").tree), pdf_text(out / "index.pdf")):
        assert "".join("before a⟨U+D800⟩b after".split()) in "".join(shown.split())
        assert "Traceback" not in shown


def test_a_document_without_a_title_is_called_by_its_file_and_half_a_character_is_marked(tmp_path):
    out = own(project(tmp_path, "`{python} 'a\\ud800b'`\n", "---\ntoc: false\n---\n"))
    page = Page(out / "index.html")
    assert [text(e) for e in page.find(lambda e: e[0] == "title")] == ["index"] and words(
        out
    ) == "a⟨U+D800⟩b"
    with pikepdf.open(out / "index.pdf") as pdf:
        assert str(pdf.docinfo["/Title"]) == "index"


ESCAPED = """
In {{{< video x.mp4 >}}} prose and `{{{< meta a >}}}` code, {{{{< meta b >}}}}, *{{{<meta c>}}}*.

{{{< pagebreak >}}}

```markdown
{{{< include _x.qmd >}}}
```

{{< pagebreak >}}

Not one: {{{ d }}} and `{{{` and {{{< e.
"""


def test_an_escaped_shortcode_is_shown_as_quarto_shows_it(tmp_path):
    out = own(project(tmp_path, ESCAPED))
    page = Page(out / "index.html")
    said = words(out)
    for wanted in (
        "In {{< video x.mp4 >}} prose and {{< meta a >}} code, {{{< meta b >}}}, {{<meta c>}}.",
        "{{< pagebreak >}}",
        "{{< include _x.qmd >}}",
        "Not one: {{{ d }}} and {{{ and {{{< e.",
    ):
        assert wanted in said and squeezed(wanted) in pdf_text(out / "index.pdf")
    assert len(list(page.find(lambda e: e[1].get("class") == "pagebreak"))) == 1
    cells = nbformat.read(out / "index.ipynb", 4).cells
    text = " ".join(cell.source for cell in cells)
    assert "{{< include" in text and "{{{< include" not in text and "\ue002" not in text
    assert "\ue002" not in page.source


@pytest.mark.parametrize("written", [r"\[^1]", r"\[\^1\]", r"[\^1]", '`{python} "[^1]"`'])
def test_brackets_of_a_note_that_are_escaped_are_shown_beside_notes(tmp_path, written):
    """In text, in tables, in notes and, without code, in the title block."""
    of_title = "" if "python" in written else f"abstract: 'A {written}.'\n"
    body = f"Text.[^1] So {written}.\n\n| a |\n|---|\n| b {written} |\n\n[^1]: With {written}.\n"
    out = rendered(tmp_path, body, f"---\ntitle: T\n{of_title}---\n\n")
    said = words(out)
    assert "Text.1 So [^1]. a b [^1] With [^1]." in said
    assert "A [^1]." in said or not of_title


@pytest.mark.parametrize("note", ["", "[^2]: See [^1].\n\n[^1]: One.\n"])
def test_a_note_that_is_none_is_refused_beside_one_that_is_escaped(tmp_path, note):
    said = refusal(tmp_path, f"A \\[^1] and \\[^2].\n\nText.[^1][^2]\n\n{note}")
    assert said.startswith(f"report/index.qmd:{10 if note else 8}: the note [^1] ")


TIGHT = ("{{<pagebreak>}}", "{{<pagebreak >}}", "{{< pagebreak>}}", "  {{<  pagebreak\t>}} ")


@pytest.mark.parametrize("written", TIGHT)
def test_a_page_break_is_one_with_or_without_blanks_in_its_brackets(tmp_path, written):
    printed = f"```{{python}}\n#| output: asis\nprint({written.strip()!r})\n```\n"
    out = own(project(tmp_path, f"One.\n\n{written}\n\nTwo.\n\n{printed}\nThree.\n"))
    page = Page(out / "index.html")
    assert len(list(page.find(lambda e: e[1].get("class") == "pagebreak"))) == 2
    assert [text(p) for p in page.tags("p")[-3:]] == ["One.", "Two.", "Three."]
    with pikepdf.open(out / "index.pdf") as pdf:
        assert len(pdf.pages) == 3
    assert "\ue003" not in page.source + (out / "index.ipynb").read_text()


def test_code_and_text_that_read_like_a_page_break_are_shown(tmp_path):
    lines = (
        "`{{< pagebreak >}}`",
        '`{python} "{{< pagebreak >}}"`',
        "\\{\\{< pagebreak >}}",
        "```\n{{<pagebreak>}}\n```",
    )
    out = rendered(tmp_path, "\n\n".join(lines) + "\n")
    assert words(out).endswith("{{< pagebreak >}} " * 3 + "{{<pagebreak>}}")
    assert 'class="pagebreak"' not in (out / "index.html").read_text()


def test_escaped_shortcodes_in_titles_and_captions_are_shown_as_in_the_text(tmp_path):
    front = '---\ntitle: "Of {{{< meta a >}}}"\nabstract: "With {{{< meta b >}}}."\n---\n\n'
    body = (
        '::: {#tbl-b tbl-cap="The {{{< meta c >}}}"}\nCells.\n:::\n\n'
        "```{python}\n#| label: tbl-a\n#| tbl-cap: 'Its {{{< meta d >}}}'\n"
        "from IPython.display import Markdown\nMarkdown('| a |\\n|---|\\n| 1 |')\n```\n"
    )
    out = own(project(tmp_path, body, front=front))
    cells = nbformat.read(out / "index.ipynb", 4).cells
    in_notebook = " ".join(cell.source.replace("\\", "") for cell in cells)
    for name in "abcd":
        wanted = f"{{{{< meta {name} >}}}}"
        assert wanted in words(out) and squeezed(wanted) in pdf_text(out / "index.pdf")
        assert wanted in in_notebook
    assert "{{{<" not in words(out) and "\ue002" not in Page(out / "index.html").source


def test_a_name_in_an_included_file_is_that_from_the_documents_folder(tmp_path):
    body = "{{< include sub/_a.qmd >}}\n"
    root = project(tmp_path, body, b="Of the document.\n")
    (root / "report/sub").mkdir()
    (root / "report/sub/_b.qmd").write_text("A neighbour.\n")
    (root / "report/sub/_a.qmd").write_text("{{< include _b.qmd >}}\n\n{{< include sub/_c.md >}}\n")
    (root / "report/sub/_c.md").write_text("The third.\n")
    shown = words(own(root, ("html",)))
    assert shown.endswith("Of the document. The third.") and "neighbour" not in shown
    (root / "report/_b.qmd").unlink()
    with pytest.raises(ReportError) as error:
        own(root, ("html",))
    assert str(error.value) == (
        "report/sub/_a.qmd:1: include '_b.qmd' is not a file of this project; from any file write "
        "/report/sub/_b.qmd"
    )


def test_a_file_of_yaml_is_included_into_a_block_of_code_as_it_is(tmp_path):
    root = project(tmp_path, "```yaml\n{{< include conf.yml >}}\n```\n")
    (root / "report/conf.yml").write_text("---\nepochs: 3\n---\nseed: 1\n")
    page = Page(own(root, ("html",)) / "index.html")
    assert [text(e) for e in page.tags("pre")] == ["--- epochs: 3 --- seed: 1"]


def test_cells_that_a_document_leaves_out_are_known_by_what_its_cells_say():
    body = (
        "::: note\n```{python}\n#| label: a\n1\n```\n:::\n"
        '\n:::: {.content-hidden when-meta="lacking"}\n\n::: note\n\n'
        "```{python}\n#| label: b\n1\n```\n:::\n\n```\n::::\n```\n"
        "```{python}\n#| label: c\n1\n```\n::::\n\n"
        '::: {.content-visible when-meta="lacking" when-format="html"}\n'
        "```{python}\n#| label: d\n1\n```\n:::\n"
    )
    lines = [Line(text, "a.qmd", n) for n, text in enumerate(body.split("\n"), 1)]
    cells = source.split(lines)
    assert conditional.left_out(cells, {"lacking": True, "other": True}) == {"b", "c"}
    assert conditional.left_out(cells, {"lacking": False, "other": True}) == {"d"}


def test_links_to_files_are_followed_inside_the_project_and_told_outside(tmp_path):
    body = "{{< include _part.qmd >}}\n"
    root = project(tmp_path / "a", body)
    (root / "shared.qmd").write_text("Shared text.\n")
    (root / "report/_part.qmd").symlink_to("../shared.qmd")
    (tmp_path / "way").symlink_to(root)
    assert words(own(tmp_path / "way", ("html",))).endswith("Shared text.")
    (root / "report/_part.qmd").unlink()
    (root / "shared.qmd").rename(tmp_path / "shared.qmd")
    (root / "report/_part.qmd").symlink_to(tmp_path / "shared.qmd")
    with pytest.raises(ReportError, match=r"index.qmd:6: include '_part.qmd' is or stands in a li"):
        own(root, ("html",))
    (root / "report/index.qmd").write_text(FRONT + "![a](a.png)\n")
    (root / "report/a.png").symlink_to(tmp_path / "a.png")
    with pytest.raises(ReportError, match=r"index.qmd:6: picture 'a.png' is a link that leads out"):
        own(root, ("html",))


def test_what_colab_and_editors_note_of_a_cell_is_passed_over(tmp_path):
    body = (
        "```{python}\n#| colab: {base_uri: https://localhost:8080/, height: 34}\n#| scrolled: true\n"
        "#| executionInfo: {status: ok}\n#| vscode: {languageId: python}\n#| collapsed: false\n"
        "#| tags: [hide-input]\n#| echo: false\nprint('shown')\n```\n"
    )
    front = "---\ntitle: A\nengine: jupyter\neditor_options: {chunk_output_type: console}\n---\n\n"
    assert words(own(project(tmp_path, body, front), ("html",))).endswith("shown")


SHELL = {"argv": ["bash", "-c", "{connection_file}"], "display_name": "Shell", "language": "bash"}
KERNELS = {
    "own": SHELL | {"argv": [sys.executable, "-m", "ipykernel_launcher"], "language": "python"},
    "other": SHELL | {"argv": ["/opt/env/bin/python", "-m", "ipykernel"], "language": "python"},
    "shell": SHELL,
}


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """This machine has kernels of this Python, of another one, and of a shell."""
    for name, of in KERNELS.items():
        folder = tmp_path / "jupyter/kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(json.dumps(of))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))


@pytest.mark.parametrize(
    "asked, said",
    [
        ("jupyter: conda-env-test-py", "no kernel 'conda-env-test-py' (known are"),
        ("jupyter: {kernelspec: {name: ir, language: R}}", "no kernel 'ir' (known are"),
        ("jupyter: other", "kernel 'other' is not of this Python"),
        ("jupyter: shell", "kernel 'shell' is not of this Python"),
    ],
)
def test_cells_are_not_run_by_another_kernel_than_the_one_asked_for(tmp_path, kernels, asked, said):
    refused = refusal(tmp_path, "Text.\n", f"---\ntitle: A\n{asked}\n---\n\n")
    assert "index.qmd:3: " in refused and said in refused
    assert "write jupyter: python3 to run the cells in the Python that lmreport" in refused


@pytest.mark.parametrize(
    "asked",
    [
        "jupyter: own",
        "jupyter: {kernelspec: {display_name: Python 3, language: python, name: python3}}",
        "jupyter: {jupytext: {formats: ipynb}}",
        "jupyter: true",
    ],
)
def test_a_kernel_of_this_python_may_have_any_name(tmp_path, kernels, asked):
    front = f"---\ntitle: A\n{asked}\n---\n\n"
    assert words(rendered(tmp_path, "Text.\n", front)).endswith("Text.")
