"""The whole report on the sample, both documents rendered once as a user would, and opened."""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pikepdf
import pytest

from browser import PHONE, WIDE, opened, violations
from lmreport.data import download
from lmreport.display import markdown
from lmreport.reporting import rubric
from lmreport.runs import records
from rendering import Page, pdf_text, squeezed, text

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the documents in a folder of its own, with the report rendered on the sample."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(
        ROOT / "report",
        folder / "report",
        ignore=shutil.ignore_patterns("index_files", ".jupyter*"),
    )
    [shutil.copy(p, folder) for p in ROOT.glob("_quarto*.yml")]
    done = rendered(folder)
    assert done.returncode == 0, done.stderr[-3000:]
    (folder / "log.txt").write_text(done.stderr)
    return folder


@pytest.fixture(scope="module")
def html(project):
    return Page(project / "_report" / "report" / "index.html")


@pytest.fixture(scope="module")
def supplement(project):
    return Page(project / "_report" / "report" / "supplement.html")


@pytest.fixture(scope="module")
def undergraduate(project, tmp_path_factory):
    """The folder of the same report for 157B."""
    folder = tmp_path_factory.mktemp("undergraduate")
    shutil.copytree(project / "report", folder / "report")
    [shutil.copy(p, folder) for p in ROOT.glob("_quarto*.yml")]
    done = rendered(folder, "--profile", "157b", "--name", "Ada Lovelace")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "_report" / "report"


def rendered(folder, *options):
    return subprocess.run(
        [sys.executable, "-m", "lmreport.cli", "render", "--renderer", "own", *options],
        cwd=folder,
        text=True,
        env=os.environ | {"LMREPORT_DATA": "sample", "LMREPORT_SCALE": "quick"},
        capture_output=True,
    )


@pytest.fixture(scope="module")
def recorded(project):
    before = os.getcwd()
    os.chdir(project)
    yield records.full_scale(download.obtain("sample"))
    os.chdir(before)


def table_cells(html, label):
    holder = next(html.find(lambda e: e[1].get("id") == label))
    return [
        [text(c) for c in html.find(lambda e: e[0] in ("td", "th"), row)]
        for row in html.find(lambda e: e[0] == "tr", holder)
    ]


def test_it_says_what_it_does_and_where_the_report_is(project):
    log = (project / "log.txt").read_text()
    for line in (
        "rendering with the project's own renderer",
        "index.html",
        "index.pdf",
        "index.ipynb",
        "done in",
    ):
        assert line in log


def test_html_is_one_file_that_asks_for_nothing(html):
    asking = html.find(lambda e: e[0] in ("script", "link", "img", "iframe"))
    wanted = [e[1].get("src") or e[1].get("href") for e in asking]
    assert not [w for w in wanted if w and not w.startswith(("data:", "#"))]
    assert "supplement.html" in {e[1].get("href") for e in html.find(lambda e: e[0] == "a")}
    assert "@import" not in html.source and not re.search(r"url\(\s*['\"]?https?:", html.source)


def test_every_item_has_its_answer_with_points_and_a_link_to_it(html):
    targets = {e[1]["id"] for e in html.find(lambda e: "id" in e[1])}
    links = {e[1].get("href") for e in html.find(lambda e: e[0] == "a")}
    words = text(html.tree)
    for item in rubric.rubric()["items"]:
        assert f"sec-{item['id']}" in targets and f"#sec-{item['id']}" in links, item["id"]
        assert f"Item {item['id']} · {rubric.points(item['id'])}" in words
    assert not [
        link
        for link in links
        if link and link.startswith("#") and link[1:] and link[1:] not in targets
    ]
    assert "??" not in words and "?@" not in words


def test_the_first_page_answers_every_item_in_short(html):
    rows = {row[0]: row for row in table_cells(html, "tbl-points")[1:]}
    for item in rubric.rubric()["items"]:
        assert 0 < len(rows[item["id"]][2]) < 60, item["id"]


def test_it_says_that_it_was_made_on_the_sample(html):
    assert "Made on the sample, not on the real data" in text(html.tree)


def test_summary_and_accuracies_are_those_of_the_records(html, recorded):
    assert {"lstm", "transformer", "bag_of_words", "tfidf_svm"} <= set(recorded)
    rows = {row[0]: row for row in table_cells(html, "tbl-accuracy")[1:]}
    words = text(html.tree)
    for name, record in recorded.items():
        logits, labels = (np.load(record.path.with_suffix(".npz"))[k] for k in ("logits", "labels"))
        share = f"{100 * np.mean(np.argmax(logits, 1) == labels):.1f}%"
        assert rows[record.label][2] == share, name
        assert share in words.split("Summary")[-1]


def test_figures_have_captions_numbers_and_alt_texts(html):
    facts = html.facts()
    images = [a for a in facts["alternatives"] if a]
    assert 12 <= len(images) <= 16 and len(set(images)) == len(images) == len(facts["alternatives"])
    numbers = [int(m[1]) for c in facts["captions"] if (m := re.match(r"Figure (\d+)", c))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_pdf_is_tagged_titled_and_has_pages_bookmarks_and_the_same_numbers(project, html):
    path = project / "_report" / "report" / "index.pdf"
    with pikepdf.open(path) as pdf:
        assert (
            pdf.Root.Lang == "en"
            and bool(pdf.Root.MarkInfo.Marked)
            and "/StructTreeRoot" in pdf.Root
        )
        assert "Pre-trained language models" in str(pdf.docinfo.get("/Title"))
        assert len(pdf.open_outline().root) >= 8
    words = pdf_text(path)
    for row in table_cells(html, "tbl-accuracy"):
        for cell in row:
            assert squeezed(cell) in words, cell


def test_notebook_is_executed_without_error(project):
    notebook = nbformat.read(project / "_report" / "report" / "index.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    assert len(code) > 45
    assert not [o for c in code for o in c.outputs if o.output_type == "error"]


def test_code_fits_on_the_page_of_the_pdf(project):
    from lmreport.render import notebook_reading as readable

    path = project / "_report" / "report" / "index.ipynb"
    notebook = readable.as_executed(readable.read(path.read_bytes()), "report/index.qmd")
    code = [c for c in notebook.cells if c.cell_type == "code"]
    shown = [c.source for c in code if re.search(r"#\| echo: true", c.source)]
    for cell in code:
        for output in cell.outputs:
            shown += re.findall(
                r"```python\n(.*?)```", output.get("data", {}).get("text/markdown", ""), re.S
            )
    lines = [line for block in shown for line in block.splitlines() if not line.startswith("#|")]
    assert len(lines) > 100
    assert not [line for line in lines if len(line) > markdown.CODE_WIDTH]


def test_no_text_of_the_real_data_is_in_the_report(project):
    archive = ROOT.parent / "shared" / "data" / "stack_overflow_16k.tar.gz"
    if not archive.is_file():
        pytest.skip("the real archive is not here")
    import tarfile

    notebooks = [
        path.read_text("utf-8").lower() for path in (project / "_report" / "report").glob("*.ipynb")
    ]
    words = re.findall(r"[a-z]+", " ".join(notebooks))
    ours = {tuple(words[i : i + 12]) for i in range(len(words) - 11)}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.endswith(".txt"):
                w = re.findall(r"[a-z]+", tar.extractfile(member).read().decode().lower())
                hits = [run for i in range(len(w) - 11) if (run := tuple(w[i : i + 12])) in ours]
                assert not [run for run in hits if len(set(run)) > 6], member.name


@pytest.mark.parametrize("name", ["html", "supplement"])
def test_under_each_figure_and_table_stands_where_it_comes_from(name, request):
    """Run or experiment, date, hardware, commit, function, command; what only sets side by side is
    no result.
    """
    blocks = [
        e
        for e in request.getfixturevalue(name).find(
            lambda e: (
                re.match("(fig|tbl)-", e[1].get("id") or "")
                or "origin" in (e[1].get("class") or "").split()
            )
        )
    ]
    labels = [e[1].get("id") for e in blocks]
    missing = [a for a, b in zip(labels, [*labels[1:], "end"], strict=True) if a and b]
    assert set(missing) <= {"tbl-points", "tbl-where", "tbl-origins"}
    for line in (text(e) for e in blocks if not e[1].get("id")):
        assert re.match(r"(Runs?|Experiments?|This render) .*\(2\d{3}-\d\d-\d\d", line), line
        assert re.search(r"\d cores|NVIDIA ", line) and re.search(
            "again: lmreport (run|render) ", line
        ), line


def test_the_supplement_tells_the_origin_of_every_figure_and_table_of_the_report(html, supplement):
    rows = {row[0]: row for row in table_cells(supplement, "tbl-origins")[1:]}
    captions = [m[0] for c in html.facts()["captions"] if (m := re.match(r"(Figure|Table) \d+", c))]
    assert list(rows) == captions
    assert any("lstm-" in row[2] for row in rows.values()) and any(
        "recurrence" in row[2] for row in rows.values()
    )


LIMITS = {"272b": 20, "157b": 14}  # pages of A4


@pytest.mark.parametrize("profile", LIMITS)
def test_the_graded_document_is_short(profile, project, undergraduate):
    """Pages, words of running text, tables, figures; each question begins a page."""
    folder = project / "_report" / "report" if profile == "272b" else undergraduate
    html = Page(folder / "index.html")
    with pikepdf.open(folder / "index.pdf") as pdf:
        assert len(pdf.pages) <= LIMITS[profile]
        assert [round(float(x)) for x in pdf.pages[0].MediaBox[2:]] == [595, 842]
    found = [text(e) for e in html.find(lambda e: e[0] == "main")]
    captions = [c for c in html.facts()["captions"] if re.match(r"(Figure|Table) \d", c)]
    assert (
        sum(c.startswith("Figure") for c in captions) <= 16
        and sum(c.startswith("Table") for c in captions) <= 14
    )
    assert len(running(html).split()) <= 7000 and len(found) == 1


def running(html) -> str:
    """The running text of a page: no code, tables, captions, origins, references."""

    def walk(item):
        tag, given, inside = item
        classes = (given.get("class") or "").split()
        if (
            tag
            in ("pre", "table", "figcaption", "nav", "script", "style", "math", "details", "title")
            or "origin" in classes
            or given.get("id") == "refs"
        ):
            return " "
        return "".join(part if isinstance(part, str) else walk(part) for part in inside)

    return walk(next(html.find(lambda e: e[0] == "main")))


@pytest.mark.parametrize("profile", LIMITS)
def test_every_answer_stands_in_a_box_of_sixty_words_at_most(profile, html, undergraduate):
    page = html if profile == "272b" else Page(undergraduate / "index.html")
    sections = {
        e[1]["id"]: e for e in page.find(lambda e: (e[1].get("id") or "").startswith("sec-"))
    }
    ids = [item["id"] for item in rubric.rubric(profile.upper())["items"]]
    assert [name.removeprefix("sec-") for name in sections if re.match(r"sec-\d", name)] == ids
    for name in ids:
        boxes = list(
            page.find(
                lambda e: "answer" in (e[1].get("class") or "").split(), sections[f"sec-{name}"]
            )
        )
        assert len(boxes) == 1 and 10 <= len(text(boxes[0]).split()) <= 60, (
            name,
            len(text(boxes[0]).split()),
        )


def test_name_and_items_stand_at_the_head_of_the_pages(undergraduate):
    import pypdfium2

    document = pypdfium2.PdfDocument(undergraduate / "index.pdf")
    heads = [page.get_textpage().get_text_bounded(top=842, bottom=842 - 65) for page in document]
    assert all("Ada Lovelace" in head for head in heads)
    assert "item 1a" in " ".join(heads) and "item 3c-2" in " ".join(heads).replace(
        "3c-1, 3c-2", "item 3c-2"
    )


def test_every_figure_and_table_is_exported_with_the_number_and_caption_of_the_page(
    project, html, supplement
):
    folder = project / "_report" / "figures"
    items = {
        i["label"]: i for i in json.loads((folder / "manifest.json").read_text("utf-8"))["items"]
    }
    shown = {
        e[1]["id"]: e
        for page in (html, supplement)
        for e in page.find(lambda e: re.match("(fig|tbl)-[a-z0-9-]+$", e[1].get("id") or ""))
    }
    assert set(items) == set(shown) and len(items) > 50
    for label, item in items.items():
        caption = text(next(html.find(lambda e: e[0] == "figcaption", shown[label])))
        assert caption == f"{item['number']}: {item['caption']}", label
        kinds = {Path(f["name"]).suffix for f in item["files"]}
        assert kinds >= (
            {".svg", ".pdf", ".png"} if label.startswith("fig") else {".csv", ".md", ".tex", ".typ"}
        )
        for file in item["files"]:
            assert (
                hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest() == file["sha256"]
            )


def test_the_file_to_hand_in_is_complete_and_knows_the_pages_of_every_item(project):
    with zipfile.ZipFile(project / "_report" / "submission.zip") as archive:
        names = archive.namelist()
        assert len(names) == 9 and "supplement.pdf" in names and "MISSING.txt" not in names
        assert (
            archive.read("report.pdf")
            == (project / "_report" / "report" / "index.pdf").read_bytes()
        )
        table = list(csv.DictReader(archive.read("pages.csv").decode().splitlines()))
    assert [row["item"] for row in table] == [item["id"] for item in rubric.rubric()["items"]]
    spans = [(int(row["first page"]), int(row["last page"])) for row in table]
    assert all(first <= last for first, last in spans) and spans == sorted(spans)
    assert all(
        after[0] - before[1] in (0, 1) for before, after in zip(spans, spans[1:], strict=False)
    )


def verify(project, page=None):
    return subprocess.run(
        [sys.executable, "-m", "lmreport.cli", "verify", *([str(page)] if page else [])],
        cwd=project,
        text=True,
        capture_output=True,
        env=os.environ | {"LMREPORT_DATA": "sample"},
    )


def test_every_number_is_computed_again_from_records_experiments_sources_and_pdf(project):
    done = verify(project)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    counts = [[int(n) for n in re.findall(r"\d+", line)] for line in done.stdout.splitlines()[-2:]]
    assert all(f"{name}.html: " in done.stdout for name in ("index", "supplement"))
    assert done.stdout.count("with the PDF") == 2
    assert (
        sum(c[0] for c in counts) > 400 and counts[0][0] > 60 and sum(c[1] for c in counts) > 30
    ), done.stdout
    assert sum(c[3] for c in counts) > 60, done.stdout


EDITS = {  # what is edited: (where the digit stands, what verify must say)
    "a number in prose": (r'(<span[^>]*data-expr="accuracy[^>]*>\s*\d)(\d)', "its full value is"),
    "a cell of a table": (r'(id="tbl-accuracy".*?data-as="count"[^>]*>)(\d)', "tbl-accuracy, row"),
    "the full value itself": (
        r'(data-value="0\.8)(\d)(?=\d+"\s+data-as="pct:1"\s+data-expr="accuracy)',
        "full value",
    ),
    "a caption": (r'(id="fig-accuracy".*?<figcaption.*?)(9)(?=5)', "the source says"),
    "typed prose": (r"(heads are worse than )(1)(?=6)|(each of )(1)(?=2 layers)", "not in the PDF"),
}


@pytest.mark.parametrize("what", EDITS)
def test_one_digit_edited_is_found(project, tmp_path, what):
    pattern, said = EDITS[what]
    source = (project / "_report" / "report" / "index.html").read_text(encoding="utf-8")
    edited, number = re.subn(
        pattern,
        lambda m: (m[1] or m[3]) + str((int(m[2] or m[4]) + 1) % 10),
        source,
        count=1,
        flags=re.S,
    )
    assert number == 1 and edited != source
    (tmp_path / "index.html").write_text(edited, encoding="utf-8")
    shutil.copy(project / "_report" / "report" / "index.pdf", tmp_path)
    done = verify(project, tmp_path / "index.html")
    assert done.returncode == 1 and re.search(said, done.stdout), done.stdout[-2000:]


@pytest.mark.parametrize(
    "what, pattern, said",
    [
        (
            "the page, a number typed into a table",
            r"(<td[^>]*>)(2)(?=</td>)",
            "index.html was altered",
        ),
        ("a record", r'("train_seconds": \d*)(\d)', "lstm-[0-9a-f]{16}"),
    ],
)
def test_one_digit_edited_in_place_is_found(project, recorded, what, pattern, said):
    path = (
        recorded["lstm"].path
        if what == "a record"
        else project / "_report" / "report" / "index.html"
    )
    kept = path.read_text(encoding="utf-8")
    edited = re.sub(pattern, lambda m: m[1] + str((int(m[2]) + 1) % 10), kept, count=1)
    assert edited != kept
    try:
        path.write_text(edited, encoding="utf-8")
        done = verify(project)
    finally:
        path.write_text(kept, encoding="utf-8")
    assert done.returncode and re.search(said, done.stdout + done.stderr)


@pytest.mark.parametrize("name", ["index", "supplement"])
@pytest.mark.parametrize(
    "width, scheme",
    [
        (WIDE, "dark"),
        (PHONE, "light"),
        pytest.param(WIDE, "light", marks=pytest.mark.slow),
        pytest.param(PHONE, "dark", marks=pytest.mark.slow),
    ],
)
def test_the_page_bars_nobody(project, browser, width, scheme, name):
    with opened(
        browser, project / "_report" / "report" / f"{name}.html", width, scheme=scheme
    ) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


def test_an_unchanged_report_is_not_rendered_again(project):
    done = rendered(project)
    assert (
        done.returncode == 0
        and done.stderr.count("nothing changed") == 2
        and "training" not in done.stderr
    )
