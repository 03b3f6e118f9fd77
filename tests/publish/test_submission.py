"""The zip file to hand in, made by the command from a small report and opened with other tools."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile

import nbformat
import pikepdf
import pytest

import rendering
from lmreport.publish import submission

RUBRIC = """
sections:
  - {id: 1, title: Data, anchor: sec-data, printed: 3, who: [157B, 272B]}
  - {id: 2, title: Next, anchor: sec-next, printed: 1, who: [157B, 272B]}
items:
  - {id: 1a, points: 1, asks: First}
  - {id: 1b, points: 2, asks: "Second, with a comma"}
  - {id: 2a, points: 0, asks: Read}
"""
BODY = """# Data {#sec-data}

## One (1a) {#sec-1a}

```{python}
#| label: tbl-versions
#| tbl-cap: Versions.
from IPython.display import Markdown
Markdown("| | this render |\\n|---|---|\\n| numpy | 2&#46;4 |\\n| seed | 157 |\\n")
```

## Two (1b) {#sec-1b}

Text.

{{< pagebreak >}}

More.

# Next {#sec-next}

## Three (2a) {#sec-2a}

Text.
"""
FRONT = "---\ntitle: A test\ndate: 2026-01-02\ndate-format: D MMMM YYYY\n---\n\n"
REPORT = ["report.pdf", "report.html", "report.ipynb"]
PARTS = [*REPORT, "pages.csv", "grade.json", "environment.json", "README.txt"]


def submit(folder):
    """(exit status, messages, files) of `lmreport submit` in `folder`."""
    done = subprocess.run(
        [sys.executable, "-m", "lmreport.cli", "submit"],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"LMREPORT_DATA": "sample"},
    )
    path, files = folder / "_report" / "submission.zip", {}
    if path.is_file():
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    return done.returncode, done.stderr, files


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = rendering.project(tmp_path_factory.mktemp("submission"), BODY, FRONT)
    (folder / "report" / "rubric.yml").write_text(RUBRIC)
    rendering.own(folder)
    return folder


@pytest.fixture
def project(rendered):
    """The rendered project; what a test does to its outputs is undone."""
    folder = rendered / "_report" / "report"
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    yield rendered
    for path, data in kept.items():
        path.write_bytes(data)


def test_all_parts_are_there_and_can_be_used(project):
    status, said, files = submit(project)
    assert (status, list(files)) == (0, PARTS), said
    with pikepdf.open(io.BytesIO(files["report.pdf"])) as pdf:
        assert len(pdf.pages) == 2
    nbformat.validate(nbformat.reads(files["report.ipynb"].decode(), 4))
    assert b"Three (2a)" in files["report.html"]
    assert list(csv.reader(io.StringIO(files["pages.csv"].decode()))) == [
        ["item", "title", "points", "first page", "last page"],
        ["1a", "First", "1", "1", "1"],
        ["1b", "Second, with a comma", "2", "1", "2"],
        ["2a", "Read", "0", "2", "2"],
    ]
    assert json.loads(files["environment.json"])["render"] == {"numpy": "2.4", "seed": "157"}
    readme = files["README.txt"].decode()
    assert all(
        hashlib.sha256(data).hexdigest() in readme
        for name, data in files.items()
        if name != "README.txt"
    )


def test_the_grades_are_a_form_with_maximum_points_and_no_score(project):
    told = json.loads(submit(project)[2]["grade.json"])
    assert [(t["number"], t["max_score"], t["tags"]) for t in told["tests"]] == [
        ("1a", 1, ["1 Data"]),
        ("1b", 2, ["1 Data"]),
        ("2a", 0, ["2 Next"]),
    ]
    assert (
        told["tests"][1]["output"] == "report.pdf, pages 1 to 2"
        and told["extra_data"]["max_score"] == 3
    )
    assert "score" not in told and not any("score" in test for test in told["tests"])


def test_the_zip_is_up_to_date_until_a_part_is_written_again_or_missing(project):
    submit(project)
    assert submission.is_current(project, None)
    page = project / "_report" / "report" / "index.html"
    page.write_bytes(page.read_bytes())
    assert not submission.is_current(project, None)
    submit(project)
    assert submission.is_current(project, None)
    page.write_bytes(page.read_bytes() + b"\n")
    os.utime(page, (1e9, 1e9))  # by a clock that was set back
    assert not submission.is_current(project, None)
    (project / "_report" / "report" / "index.pdf").unlink()
    submit(project)
    assert not submission.is_current(project, None)


def test_the_same_report_gives_the_same_bytes(project):
    submit(project)
    path = project / "_report" / "submission.zip"
    before = path.read_bytes()
    path.unlink()
    submit(project)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "name, contents, gone, said",
    [
        (
            "index.pdf",
            None,
            {"report.pdf", "pages.csv"},
            "there is no index.pdf; make it with lmreport render",
        ),
        (
            "index.ipynb",
            b"",
            {"report.ipynb", "environment.json"},
            "index.ipynb is empty; make it again with lmreport render --force",
        ),
        ("index.pdf", b"%PDF-1.7 half", {"report.pdf", "pages.csv"}, "cannot be read as PDF"),
        ("index.html", b"<html><body>half", {"report.html"}, "breaks off before its end"),
        ("index.ipynb", b'{"cells": [', {"report.ipynb", "environment.json"}, "no valid notebook"),
        (
            "index.ipynb",
            b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}',
            {"report.ipynb", "environment.json"},
            "was not executed",
        ),
    ],
    ids=["no PDF", "empty file", "half a PDF", "half a page", "corrupt notebook", "empty notebook"],
)
def test_one_failing_part_is_told_loudly_and_the_rest_is_there(project, name, contents, gone, said):
    path = project / "_report" / "report" / name
    path.unlink() if contents is None else path.write_bytes(contents)
    status, messages, files = submit(project)
    assert status == 1 and said in messages
    assert set(files) == set(PARTS) - gone | {"MISSING.txt"}
    for part in gone:
        assert f"{part} IS MISSING" in messages and f"{part}: " in files["MISSING.txt"].decode()
    assert said in files["MISSING.txt"].decode() and "NOT complete" in files["README.txt"].decode()


def test_the_notebook_that_quarto_keeps_beside_the_source_is_taken_and_carries_the_project(project):
    path = project / "_report" / "report" / "index.ipynb"
    kept = project / "report" / "index.quarto_ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells.insert(
        0, nbformat.v4.new_code_cell("#| tags: [colab]\n#| include: false\n# empty")
    )
    nbformat.write(notebook, kept)
    path.unlink()
    status, said, files = submit(project)
    kept.unlink()
    assert (
        status == 0
        and "b85decode" in nbformat.reads(files["report.ipynb"].decode(), 4).cells[0].source
    ), said


def test_with_no_report_at_all_nothing_is_written(tmp_path):
    folder = rendering.project(tmp_path, BODY)
    (folder / "report" / "rubric.yml").write_text(RUBRIC)
    status, said, files = submit(folder)
    assert status == 2 and files == {} and "lmreport render" in said and "Traceback" not in said


def test_a_part_that_was_changed_after_the_render_is_told_and_nothing_is_complete(project):
    folder = project / "_report" / "report"

    def number_in_the_notebook(path):
        path.write_text(path.read_text().replace("2.4 ", "9.9 "))

    def page_in_the_pdf(path):
        with pikepdf.open(path, allow_overwriting_input=True) as pdf:
            pdf.add_blank_page()
            pdf.save(path)

    def words_on_the_page(path):
        path.write_text(path.read_text().replace("Three", "Four"))

    for name, change in (
        ("index.ipynb", number_in_the_notebook),
        ("index.pdf", page_in_the_pdf),
        ("index.html", words_on_the_page),
    ):
        before = (folder / name).read_bytes()
        change(folder / name)
        assert (folder / name).read_bytes() != before
        status, said, files = submit(project)
        assert (
            status == 1
            and f"{name} is altered: it is not what the render wrote" in said
            and "not complete" in said
        )
        assert f"{name} is altered" in files["README.txt"].decode()
        (folder / name).write_bytes(before)
    assert submit(project)[0] == 0


def test_a_notebook_that_an_editor_only_saved_again_is_complete(project):
    path = project / "_report" / "report" / "index.ipynb"
    before = path.read_bytes()
    book = json.loads(before)
    for cell in book["cells"]:
        cell["metadata"]["editable"] = True
        del cell["id"]
    path.write_text(json.dumps(book | {"nbformat_minor": 4}, indent=4))
    status, said, files = submit(project)
    assert status == 0 and "altered" not in said and "MISSING.txt" not in files
    path.write_bytes(before)


def test_a_report_that_is_older_than_its_sources_is_not_complete(project):
    source = project / "report" / "index.qmd"
    before = source.read_text()
    source.write_text(before + "\nMore.\n")
    status, said, _ = submit(project)
    source.write_text(before)
    assert (
        status == 1
        and "index.html is stale: report/index.qmd changed" in said
        and "not complete" in said
    )
    assert submit(project)[0] == 0


@pytest.fixture
def quartos(project):
    """The same outputs as if genuine Quarto had written them: the page says so, and no digest is
    known.
    """
    folder = project / "_report" / "report"
    page = folder / "index.html"
    page.write_text(
        page.read_text().replace(
            "<head>", '<head>\n<meta name="generator" content="quarto-1.8">', 1
        )
    )
    (folder / ".render.json").unlink()
    return folder


def test_quartos_outputs_are_compared_with_its_page(quartos, project):
    status, said, _ = submit(project)
    assert status == 0, said
    notebook = (quartos / "index.ipynb").read_text()
    (quartos / "index.ipynb").write_text(notebook.replace("2.4 ", "9.9 "))
    status, said, _ = submit(project)
    assert (
        status == 1
        and "index.ipynb is altered: it lacks “2.4”, which stands in the page (tbl-versions" in said
    )
    (quartos / "index.ipynb").write_text(notebook)
    other = rendering.project(
        project.parent / "other", "Words that no reader of the page has ever seen. " * 9
    )
    with (
        pikepdf.open(quartos / "index.pdf", allow_overwriting_input=True) as pdf,
        pikepdf.open(rendering.own(other, ("typst",)) / "index.pdf") as added,
    ):
        pdf.pages.append(added.pages[0])
        pdf.save(quartos / "index.pdf")
    status, said, _ = submit(project)
    assert status == 1 and "index.pdf is altered: page 3 is not in the page index.html" in said


def test_an_older_notebook_beside_quartos_page_is_called_older_and_not_altered(project):
    page = project / "_report" / "report" / "index.html"
    quartos = '<head>\n<meta name="generator" content="quarto-1.8">'
    newer = page.read_text().replace("<head>", quartos, 1).replace("2.4", "9.9")
    page.write_text(newer)
    status, said, _ = submit(project)
    assert status == 1 and "altered" not in said
    assert "index.ipynb is stale: it is older than the page, which Quarto wrote: it lacks" in said


def test_the_other_documents_lie_beside_the_graded_one(tmp_path):
    folder = rendering.project(
        tmp_path, BODY + "\nMore stands in [the supplement](supplement.html).\n"
    )
    (folder / "report" / "rubric.yml").write_text(RUBRIC)
    (folder / "report" / "supplement.qmd").write_text(
        rendering.FRONT + "# More\n\nSee [1a](index.html#sec-1a).\n"
    )
    rendering.own(folder)
    status, said, files = submit(folder)
    assert (status, set(files)) == (0, {*PARTS, "supplement.pdf", "supplement.html"}), said
    assert (
        b'href="report.html#sec-1a"' in files["supplement.html"]
        and b"supplement.html" in files["report.html"]
    )
    page = folder / "_report" / "report" / "supplement.html"
    page.write_text(page.read_text().replace("More", "Less"))
    status, said, _ = submit(folder)
    assert status == 1 and "supplement.html is altered" in said
    page.unlink()
    status, said, _ = submit(folder)
    assert status == 1 and "supplement.html IS MISSING" in said
