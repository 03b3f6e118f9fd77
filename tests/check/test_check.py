"""`lmreport check`: a small finished report has nothing to fix; damaged in one way, it is told so,
where and how.
"""

import dataclasses
import json
import re
import shutil
import zipfile

import nbformat
import pikepdf
import pytest

import rendering
from checking import BODY, BREAK, SUPPLEMENT, Report, made
from lmreport.check.findings import LOOK, MUST
from lmreport.cli import main
from lmreport.core.errors import ReportError
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.publish import submission
from lmreport.render import notebook_reading
from lmreport.runs import records


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMREPORT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("QUARTO_PROFILE", raising=False)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return made(tmp_path_factory.mktemp("check"))


@pytest.fixture(scope="module")
def undergraduate(tmp_path_factory):
    return made(tmp_path_factory.mktemp("check157"), profile="157b")


@pytest.fixture(scope="module")
def careless(tmp_path_factory):
    """One in which the author forgot the page before a question, a reference, and a note to
    himself.
    """
    body = BODY.replace(BREAK + "# Grad", "# Grad").replace("\nand @fig-line shows", "")
    heading = "## Two (1b) {#sec-1b}\n\n"
    return made(
        tmp_path_factory.mktemp("careless"), body.replace(heading, heading + "TODO say why.\n\n")
    )


@pytest.fixture(scope="module")
def with_supplement(tmp_path_factory):
    body = BODY.replace("[the second](#sec-1b)", "[the second](supplement.html#sec-more)")
    return made(tmp_path_factory.mktemp("two"), body, supplement=SUPPLEMENT)


@pytest.fixture
def two(with_supplement, tmp_path, monkeypatch):
    """A report with a supplement."""
    return copied(with_supplement, tmp_path, monkeypatch)


@pytest.fixture
def report(finished, tmp_path, monkeypatch):
    return copied(finished, tmp_path, monkeypatch)


def copied(report, tmp_path, monkeypatch):
    shutil.copytree(report.folder, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return Report(tmp_path / "project")


def told(found):
    return [(one.weight, one.what, one.where, one.fix) for one in found]


def test_a_finished_report_can_be_handed_in(report, capsys):
    assert told(report.found(quick=False)) == []
    assert main.main(["check"]) == 0
    first, *_, last = capsys.readouterr().out.strip().splitlines()
    assert (
        first
        == "The report of 272B: 3 items, 5 points (printed totals that differ: section 1: 4, its items 3)"
    )
    assert (
        last == "The report can be handed in: nothing must be fixed, nothing else is worth a look."
    )


@pytest.mark.skipif(not shutil.which("quarto"), reason="no Quarto")
def test_a_report_by_genuine_quarto_can_be_handed_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = made(
        tmp_path / "quarto", render=lambda folder: rendering.quarto(folder, "-M", "keep-ipynb:true")
    )
    monkeypatch.chdir(report.folder)
    assert told(report.found(quick=False)) == []
    report.page(r'(<img [^>]*)aria-label="One line[^"]*"([^>]*)alt="One line[^"]*"', r'\1\2alt=""')
    report.page('<a href="#fig-line"[^>]*>(.*?)</a>', r"\1")
    assert [one.what for one in report.found()] == [
        "figure fig-line is never referred to",
        "figure fig-line has no alternative text",
    ]


def test_the_profile_is_that_of_the_finished_page(undergraduate, tmp_path, monkeypatch, capsys):
    report = copied(undergraduate, tmp_path, monkeypatch)
    assert told(report.found(quick=False)) == []
    assert (
        main.main(["check", "--quick"]) == 0
        and "The report of 157B: 2 items, 3 points" in capsys.readouterr().out
    )
    assert main.main(["check", "--quick", "--json", "--profile", "272b"]) == 1
    whats = [one["what"] for one in json.loads(capsys.readouterr().out)["findings"]]
    assert "index.html is for 157B, but 272B is asked for" in whats
    assert "item 2a (Third) is not answered: no heading has the anchor sec-2a" in whats


def test_what_is_handed_in_is_of_the_pages_profile(undergraduate, tmp_path, monkeypatch, capsys):
    report = copied(undergraduate, tmp_path, monkeypatch)
    with pytest.raises(ReportError, match="is for 157b, not for 272b"):
        submission.submit(report.folder, "272b")
    submission.submit(report.folder, None)
    with zipfile.ZipFile(report.folder / "_report" / "submission.zip") as archive:
        graded = json.loads(archive.read("grade.json"))
    assert "1a" in [test["number"] for test in graded["tests"]] and "2a" not in str(graded)


def test_a_pdf_of_another_profile_is_told(report, undergraduate):
    shutil.copy(undergraduate.path("pdf"), report.path("pdf"))
    report.sealed()
    (first, *rest) = report.found()
    assert told([first]) == [
        (
            MUST,
            "index.pdf is for 157B, but index.html is for 272B",
            "_report/report/index.pdf",
            "lmreport render --profile 272b",
        )
    ]
    assert [one.what for one in rest] == [
        "it has no place for item 2a (Third)",
        "it has no place for question 2 (Grad)",
    ]


# name: what is done to the page, and the finding: what, the line of the source or the place, the
# fix
DAMAGED = {
    "no heading": (
        (' id="sec-1b"', ""),
        "item 1b (Second) is not answered: no heading has the anchor sec-1b",
        "## Two (1b)",
        "render again",
    ),
    "no text": (
        (r"(?s)(<em>Item 1b · 2 points</em></p>).*?(</section>)", r"\1\2"),
        "item 1b (Second) has no text under its heading",
        "## Two (1b)",
        "write the answer there",
    ),
    "order": (
        (r'(?s)(<section id="sec-1a".*?</section>)\s*(<section id="sec-1b".*?</section>)', r"\2\1"),
        "item 1b stands before item 1a",
        "## Two (1b)",
        "move it behind 1a",
    ),
    "same id": (
        ("<p>These", '<p id="sec-1a">These'),
        "2 things have the same anchor sec-1a",
        "## One (1a)",
        "own label",
    ),
    "points": (
        ("Item 1b · 2 points", "Item 1b · 3 points"),
        "item 1b says 3 points, the rubric 2",
        "## Two (1b)",
        "ask.q1b",
    ),
    "table": (
        (r"(?s)(<tr[^>]*>\s*<td[^>]*>1b</td>.*?)>2</td>", r"\1>4</td>"),
        "the table of points gives item 1b 4 points, the rubric 2",
        "```{python}",
        "rubric.table()",
    ),
    "two styles": (
        ("</head>", '<style id="a"></style><style id="a"></style></head>'),
        None,
        None,
        None,
    ),  # as Quarto
    "printed": (("we give the items", "we like the items"), None, None, None),
    "printed total": (
        (r"whose items add up to 3", "whose items add up"),
        "the printed total of section 1 is 4, its items add to 3, and the report does not say so",
        "differing_sentence",
        "differing_sentence",
    ),
    "no alt": (
        (r'alt="One line[^"]*"', 'alt=""'),
        "figure fig-line has no alternative text",
        "![A line",
        "fig-alt",
    ),
    "alt is caption": (
        (r'alt="One line[^"]*"', 'alt="a line that rises"'),
        "the alternative text of figure fig-line is its caption again",
        "![A line",
        "fig-alt",
    ),
    "no caption": (
        ("A line that rises[.]", ""),
        "figure fig-line has no caption",
        "![A line",
        "fig-cap",
    ),
    "unreferenced": (
        (r'<a href="#fig-line"[^>]*>(.*?)</a>', r"\1"),
        "figure fig-line is never referred to",
        "![A line",
        "@fig-line",
    ),
    "loose table": (
        ("<p>These", "<table><tr><td>1</td></tr></table><p>These"),
        "a table has no label, so no caption with a number",
        "## One (1a)",
        "label: tbl-",
    ),
    "broken link": (
        ('<a href="#sec-1b">the second', '<a href="#sec-9z">the second'),
        "the link “the second” leads to #sec-9z, which is nowhere in the page",
        "sec-1a",
        "label sec-9z",
    ),
    "no such figure": (
        (r'<a href="#fig-line"[^>]*>Figure[^<]*1</a>', r"\g<0> and ?@fig-lime"),
        "the reference @fig-lime is to nothing",
        "sec-1a",
        "label fig-lime",
    ),
    "citation": (
        ('id="ref-vaswani2017"', 'id="ref-other"'),
        "the citation @vaswani2017 is to no work in the list of references",
        "after @vaswani2017",
        "report/references.bib",
    ),
    "to do": (
        ("<p>These", "<p>TBD These"),
        "“TBD” is left in the text (“TBD These are more than ten plain”)",
        "sec-1a",
        "write what belongs there",
    ),
    "nobody": (
        ("Name:", "Called:"),
        "the report does not give name",
        "index.html, under the title",
        "--name",
    ),
    "no honor": (
        ("Honor statement:", "Glory:"),
        "there is no honor statement",
        "index.html, under the title",
        "--honor",
    ),
    "error": (
        ('class="cell-output cell-output-stdout"', 'class="cell-output cell-output-error"'),
        "the page shows an error (“2”)",
        "print(1 + 1)",
        "fix the cell",
    ),
    "unknown run": (
        ('data-code="x"', 'data-code="x" data-run="lstm-0123456789abcdef"'),
        "the page shows the run lstm-0123456789abcdef, of which there is no record",
        "report/runs",
        "lmreport run lstm",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_page_is_told_with_its_place_and_fix(report, name):
    damage, what, where, fix = DAMAGED[name]
    report.page(*damage)
    found = report.found()
    if what is None:  # no damage
        assert told(found) == []
        return
    assert [one.what for one in found] == [what]
    light = ("loose table", "nobody", "no honor")
    assert found[0].weight == (LOOK if name in light else MUST) and fix in found[0].fix
    source = (report.folder / "report" / "index.qmd").read_text()
    if name in ("error", "table"):
        assert found[0].where.startswith("report/index.qmd:")
    else:
        assert (
            report.line(where)
            if where in source and " " in where or where == "differing_sentence"
            else where
        ) in found[0].where


def test_every_line_that_a_careless_author_left_is_named(careless, tmp_path, monkeypatch, capsys):
    report = copied(careless, tmp_path, monkeypatch)
    found = {one.what.split(" (")[0]: one for one in report.found()}
    assert list(found) == [
        "figure fig-line is never referred to",
        "“TODO” is left in the text",
        "question 2",
    ]
    assert [one.where.split(" (")[0] for one in found.values()] == [
        report.line("![A line"),
        report.line("TODO say why"),
        "index.pdf, page 2",
    ]
    assert report.line("# Grad") in found["question 2"].where
    assert "does not begin on a page of its own" in found["question 2"].what
    assert main.main(["check", "--quick"]) == 1
    said = capsys.readouterr().out
    assert (
        said.strip().splitlines()[-1]
        == "The report cannot be handed in yet: 3 things must be fixed, nothing "
        "else is worth a look; its numbers were not computed again (--quick)."
    )
    assert f"where: {report.line('TODO say why')}" in said and "fix:" in said


def test_an_error_and_a_cell_that_was_not_run_are_named_by_their_source(report):
    where = f"{report.line_of_cell('sums')} (index.ipynb, code cell 3)"
    report.cell(
        "sums",
        outputs=[nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])],
    )
    assert told(report.found()) == [
        (
            MUST,
            "the cell sums ended in an error (ValueError: no)",
            where,
            "fix the cell, then lmreport render",
        )
    ]
    report.cell("sums", outputs=[], execution_count=None)
    assert told(report.found()) == [
        (MUST, "the cell sums was not executed", where, "render again with lmreport render --force")
    ]


def test_a_cell_that_is_only_in_the_source_is_named(report):
    report.cell("sums", source="print(2)")
    assert [one.what for one in report.found()] == [
        "the cell sums of the source is not in the executed notebook"
    ]


def test_outputs_that_are_older_than_their_sources_are_told(report):
    with (report.folder / "report" / "references.bib").open("a") as file:
        file.write("% more\n")
    assert told(report.found()) == [
        (
            MUST,
            "index.html, index.pdf, index.ipynb are older than what made it: "
            "report/references.bib changed",
            "_report/report/index.html",
            "lmreport render",
        )
    ]


def test_a_run_that_the_code_would_give_no_more_is_told(report):
    given = records.inputs(
        "bag_of_words",
        resolved(load(data="sample", scale="quick"), "cpu"),
        download.at_hand("sample"),
    )
    record = records.write(given, {"train_seconds": 1.0}, {"date": "2026-01-02"})
    older = {"fingerprint": "0" * 16, "parts": dict.fromkeys(record.code["parts"], "older")}
    record = records.save(dataclasses.replace(record, code=older))
    name = record.path.stem
    report.page('data-code="x"', f'data-code="x" data-run="{name}"')
    found = next(
        one for one in report.found() if "is stale" in one.what
    )  # and the page is older than that run
    assert found.weight == MUST and found.what.startswith(f"the run {name} is stale: ")
    assert "models/linear.py changed in" in found.what
    assert "lmreport run bag_of_words --scale quick" in found.fix


def test_a_number_that_was_changed_is_told_unless_quick(report):
    report.page(">90.1 %<", ">91.1 %<")
    assert report.found() == []
    found = report.found(quick=False)
    assert {one.group for one in found} == {"Numbers"}
    assert found[0].what == "the page shows “91.1 %”: its full value is 0.901"
    assert found[0].where == f"{report.line('## One (1a)')} (index.html#sec-1a)"


def test_a_font_that_is_not_embedded_is_told(report):
    with pikepdf.open(report.path("pdf"), allow_overwriting_input=True) as pdf:
        font = next(
            o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and "/FontFile3" in o
        )
        del font["/FontFile3"]
        pdf.save()
    report.sealed()
    (found,) = report.found()
    assert (found.group, found.weight) == ("PDF", MUST) and re.fullmatch(
        r"font \S+: it is not embedded", found.what
    )
    assert found.where == "index.pdf" and "only its own fonts" in found.fix


def test_a_pdf_too_large_to_be_uploaded_is_told(report):
    with pikepdf.open(report.path("pdf"), allow_overwriting_input=True) as pdf:
        pdf.Root.Filler = pdf.make_stream(bytes(101_000_000))
        pdf.save(compress_streams=False)
    found = [f for f in report.found() if "too many to be uploaded" in f.what]
    assert [(f.weight, f.where) for f in found] == [(MUST, "index.pdf")] and "101 MB" in found[
        0
    ].what


def test_a_pdf_without_language_title_and_tags_is_told(report):
    with pikepdf.open(report.path("pdf"), allow_overwriting_input=True) as pdf:
        del pdf.Root["/Lang"], pdf.Root["/StructTreeRoot"], pdf.Root["/ViewerPreferences"]
        pdf.save()
    report.sealed()
    assert [(one.weight, one.what) for one in report.found()] == [
        (MUST, "document: it names no language"),
        (MUST, "document: a viewer shows the file name, not the title"),
        (MUST, "document: it has no structure tree"),
    ]


BROKEN = {
    "no PDF": ("pdf", None, "there is no index.pdf"),
    "no page": ("html", None, "there is no index.html"),
    "no notebook": ("ipynb", None, "there is no index.ipynb"),
    "empty PDF": ("pdf", b"", "index.pdf cannot be read ("),
    "half a PDF": ("pdf", b"%PDF-1.7 half", "index.pdf cannot be read ("),
    "half a page": (
        "html",
        b"<html><body><main><p>half",
        "index.html cannot be read (it breaks off before its end)",
    ),
    "empty page": ("html", b"", "index.html cannot be read (it breaks off before its end)"),
    "not UTF-8": ("html", b"<html>\xff\xfe</html>", "index.html cannot be read ("),
    "not JSON": ("ipynb", b'{"cells": [', "index.ipynb cannot be read ("),
    "another JSON": ("ipynb", b"[1, 2]", "index.ipynb cannot be read ("),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_part_that_cannot_be_read_is_one_finding(report, name, capsys):
    ending, contents, what = BROKEN[name]
    report.path(ending).unlink() if contents is None else report.path(ending).write_bytes(contents)
    (found,) = report.found(quick=False)
    assert found.what.startswith(what) and (found.group, found.weight) == ("Files", MUST)
    assert found.where == f"_report/report/index.{ending}" and "lmreport render" in found.fix
    assert main.main(["check"]) == 1 and "1 thing must be fixed" in capsys.readouterr().out


def test_foreign_documents_do_not_stop_it(report, capsys):
    report.path("html").write_text("<html><body><p>hello</p></body></html>")
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(report.path("pdf"))
    nbformat.write(nbformat.v4.new_notebook(), report.path("ipynb"))
    assert main.main(["check"]) == 1
    said = capsys.readouterr()
    assert (
        "item 1a (First) is not answered" in said.out
        and "could not be checked" not in said.out
        and not said.err
    )


def test_without_a_report_one_sentence_says_how_to_make_it(report, capsys):
    shutil.rmtree(report.folder / "_report")
    assert main.main(["check", "--json"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        "lmreport: check: there is no report yet; make it with lmreport render\n",
    )


@pytest.mark.parametrize(
    "text", [None, "items: [", "items: [{id: 1a}]\nsections: []", "", "[1, 2]"]
)
def test_a_rubric_that_cannot_be_read_is_bad_input(report, capsys, text):
    path = report.folder / "report" / "rubric.yml"
    path.unlink() if text is None else path.write_text(text)
    assert main.main(["check"]) == 2
    said = capsys.readouterr().err
    assert ("there is no report/rubric.yml" if text is None else "report/rubric.yml:") in said
    assert len(said.splitlines()) == 1


def test_a_file_that_was_changed_after_the_render_is_told(report, capsys):
    for ending, old, new in (
        ("html", b"more than ten", b"less than ten"),
        ("ipynb", b"90.1 %", b"99.1 %"),
    ):
        path, before = report.path(ending), report.path(ending).read_bytes()
        path.write_bytes(before.replace(old, new))
        (finding,) = report.found()
        assert finding.weight == MUST and finding.what.startswith(
            f"index.{ending} was altered: it is not what the render wrote (sha256 "
        )
        assert (
            main.main(["verify"]) == 1
            and f"index.{ending} was altered: it is not" in capsys.readouterr().out
        )
        assert main.main(["status"]) == 1 and f"index.{ending}" in (
            line := next(x for x in capsys.readouterr().out.splitlines() if "altered" in x)
        ), line
        path.write_bytes(before)
    with pikepdf.open(report.path("pdf"), allow_overwriting_input=True) as pdf:
        pdf.add_blank_page()
        pdf.save(report.path("pdf"))
    assert "index.pdf was altered" in " ".join(one.what for one in report.found())


def saved_again(book: dict) -> str:
    """A notebook as an editor saves it: another version, indentation, order of keys, ids and
    metadata, texts as lists of lines, no newline at the end.
    """
    book["nbformat_minor"] = 4
    book["metadata"] |= {"colab": {"provenance": []}, "vscode": {"x": 1}}
    for number, cell in enumerate(book["cells"], 1):
        del cell["id"]
        cell["metadata"]["editable"] = True
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
        if "outputs" in cell:
            cell["execution_count"] = number
        for out in cell.get("outputs", []):
            if out["output_type"] == "stream":
                out["text"] = "".join(out["text"]).splitlines(keepends=True)
            else:
                out["metadata"]["outputId"] = "a"
    return json.dumps({key: book[key] for key in reversed(book)}, indent=4)


def test_a_notebook_that_an_editor_only_saved_again_is_as_rendered(report, capsys):
    path = report.path("ipynb")
    before = notebook_reading.as_executed(notebook_reading.read(path.read_bytes()), "index")
    path.write_text(saved_again(json.loads(path.read_text())))
    after = notebook_reading.as_executed(notebook_reading.read(path.read_bytes()), "index")
    assert [cell.source for cell in after.cells] == [cell.source for cell in before.cells]
    assert told(report.found()) == []
    assert main.main(["verify"]) == 0 and "altered" not in capsys.readouterr().out
    main.main(["status"])
    assert "altered" not in capsys.readouterr().out


def a_source(book):
    next(c for c in book["cells"] if c["cell_type"] == "markdown")["source"] += " More."


def a_printed_output(book):
    outputs = [out for cell in book["cells"] for out in cell.get("outputs", [])]
    next(out for out in outputs if out["output_type"] == "stream")["text"] = "3\n"


def a_table(book):
    outputs = [out for cell in book["cells"] for out in cell.get("outputs", [])]
    data = next(o["data"] for o in outputs if "text/markdown" in o.get("data", {}))
    data["text/markdown"] = "".join(data["text/markdown"]).replace("First", "Best")


def what_the_checks_read(book):
    book["metadata"]["lmreport"]["text"].pop()


def an_output_less(book):
    next(cell for cell in book["cells"] if cell.get("outputs"))["outputs"].pop()


def cells_in_another_order(book):
    book["cells"].reverse()


@pytest.mark.parametrize(
    "change",
    [
        a_source,
        a_printed_output,
        a_table,
        what_the_checks_read,
        an_output_less,
        cells_in_another_order,
    ],
)
def test_a_notebook_of_which_a_source_or_output_was_changed_is_told(report, change):
    path = report.path("ipynb")
    book = json.loads(path.read_text())
    change(book)
    path.write_text(saved_again(book))
    assert any("index.ipynb was altered" in one.what for one in report.found())


@pytest.mark.parametrize(
    "ending, contents, said",
    [
        ("ipynb", b"", "index.ipynb is empty"),
        ("ipynb", None, "index.ipynb is missing, though the render wrote it"),
        ("ipynb", b'{"cells": [', "index.ipynb cannot be read (index.ipynb is no valid notebook"),
        ("pdf", b"", "index.pdf is empty"),
        ("pdf", None, "index.pdf is missing, though the render wrote it"),
    ],
)
def test_verify_tells_a_file_that_cannot_be_used(report, capsys, ending, contents, said):
    path = report.path(ending)
    path.unlink() if contents is None else path.write_bytes(contents)
    assert main.main(["verify"]) == 1
    told = capsys.readouterr().out
    assert told.startswith(said) and told.endswith(": 1 file not as rendered\n"), told
    assert "no difference" not in told


def test_the_last_line_of_verify_tells_all_that_was_found(report, capsys):
    assert main.main(["verify"]) == 0 and capsys.readouterr().out.endswith(": no differences\n")
    page = report.path("html")
    page.write_text(page.read_text().replace("more than ten", "less than ten"))
    assert main.main(["verify"]) == 1
    assert re.search(r": (\d+ differences? and )?1 file not as rendered$", capsys.readouterr().out)


def test_a_result_that_is_typed_into_the_text_is_told_with_its_line(report):
    (report.folder / "report" / "allowed-numbers.yml").unlink()
    found = [one for one in report.found() if "typed" in one.what]
    assert (
        MUST,
        "“90.1 %” is typed into the text and looks like a result",
        report.line("It is [90.1 %]"),
        found[0].fix,
    ) in told(found)
    assert "inline code" in found[0].fix and "allowed-numbers.yml" in found[0].fix


def test_json_says_the_same(report, capsys):
    report.page("Honor statement:", "Glory:")
    report.page("Item 1b · 2 points", "Item 1b · 3 points")
    assert main.main(["check", "--quick", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (
        said["can_be_handed_in"],
        said["must_be_mended"],
        said["worth_a_look"],
        said["profile"],
    ) == (False, 1, 1, "272b")
    assert [one["weight"] for one in said["findings"]] == [MUST, LOOK]
    assert set(said["findings"][0]) == {"group", "weight", "what", "where", "fix"}


def test_a_report_with_a_supplement_can_be_handed_in(two):
    assert told(two.found(quick=False)) == []


# name: what is done to the page of the supplement, the finding, and a line of the supplement's
# source or the place
FURTHER = {
    "answer": (
        (' id="sec-more"', ' id="sec-1b"'),
        "item 1b (Second) is answered in supplement.html, which is not graded",
        "supplement.html#sec-1b",
    ),
    "same id": (
        ("<p>As", '<p id="fig-more">As'),
        "2 things have the same anchor fig-more",
        "![A line",
    ),
    "no alt": (
        (r'alt="One line[^"]*"', 'alt=""'),
        "figure fig-more has no alternative text",
        "![A line",
    ),
    "unreferenced": (
        (r'<a href="#fig-more"[^>]*>(.*?)</a>', r"\1"),
        "figure fig-more is never referred to",
        "![A line",
    ),
    "link to the report": (
        ("index.html#sec-1a", "index.html#sec-9z"),
        "the link “the report” leads to #sec-9z, which is nowhere in index.html",
        "sec-more",
    ),
    "no such figure": (
        ("<p>As", "<p>?@fig-lime As"),
        "the reference @fig-lime is to nothing",
        "sec-more",
    ),
    "citation": (
        ('id="ref-vaswani2017"', 'id="ref-other"'),
        "the citation @vaswani2017 is to no work in the list of references",
        "after @vaswani2017",
    ),
    "to do": (
        ("<p>As", "<p>TBD As"),
        "“TBD” is left in the text (“TBD As Figure 1 and the report sa”)",
        "sec-more",
    ),
    "error": (
        ('class="cell-output cell-output-stdout"', 'class="cell-output cell-output-error"'),
        "the page shows an error (“1”)",
        "print(2 - 1)",
    ),
    "number": (
        (">90.1 %<", ">91.1 %<"),
        "the page shows “91.1 %”: its full value is 0.901",
        "# More",
    ),
}


@pytest.mark.parametrize("name", FURTHER)
def test_a_damaged_supplement_is_told_with_its_place(two, name):
    damage, what, where = FURTHER[name]
    two.page(*damage, name="supplement")
    found = two.found(quick=name != "number")
    first = found[0]
    assert first.what == what and first.weight == MUST
    source = (two.folder / "report" / "supplement.qmd").read_text()
    if name == "error":
        assert first.where.startswith("report/supplement.qmd:")
    else:
        assert (two.line(where, "supplement") if where in source and " " in where else where) in (
            first.where
        )


def test_a_link_from_the_report_into_the_supplement_must_lead_somewhere(two):
    two.page(' id="sec-more"', "", name="supplement")
    assert [(one.what, one.where) for one in two.found()][0] == (
        "the link “the second” leads to #sec-more, which is nowhere in supplement.html",
        two.line("supplement.html#sec-more"),
    )


def test_parts_of_the_supplement_that_are_missing_changed_or_stale_are_told(two):
    two.path("pdf", "supplement").unlink()
    (found,) = two.found()
    assert found.what == "there is no supplement.pdf"
    assert found.where == "_report/report/supplement.pdf"
    page = two.path("html", "supplement")
    page.write_text(page.read_text().replace("rises further", "falls further"))
    assert "supplement.html was altered" in " ".join(one.what for one in two.found())
    with (two.folder / "report" / "supplement.qmd").open("a") as file:
        file.write("\nMore words.\n")
    stale = [one.what for one in two.found() if "older than" in one.what]
    assert any(
        what.startswith("supplement.") and "report/supplement.qmd changed" in what for what in stale
    )
