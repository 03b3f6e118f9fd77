"""Exported figures and tables, opened with readers that are not ours, and the ways to cite them."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import nbformat
import pikepdf
import pypandoc
import pytest
import typst
from lxml import etree
from PIL import Image

from lmreport.cli import main
from lmreport.core import machine
from lmreport.core.errors import ReportError
from lmreport.publish import citation_metadata, cite
from lmreport.publish.export import export, pictures, tables
from rendering import ROOT, Page, own, project, quarto

SVG = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<svg xmlns="http://www.w3.org/2000/svg" width="144pt" height="72pt" viewBox="0 0 144 72" version="1.1">
 <metadata>
  <made>2026-11-25T03:00:37</made>
 </metadata>
 <path d="M 0 0 L 144 72" style="stroke: #000000"/>
</svg>
"""
CAPTION, ALT = (
    'Curves of "A & B" < 5 % in C#_{x}, über.',
    "A line that falls & <falls>, 100 % straight.",
)
RUN, EXPERIMENT = "lstm-a0052c14008e3730", "concepts.heads.changes-0123456789abcdef"
FIGURE = {"function": "figures.plot_curves", "runs": [RUN], "experiments": [EXPERIMENT]}
SHARE = '[85.2 %]{.computed data-value="0.85175" data-as="pct:1" data-expr="f(\\"x\\")"}'
WORD = '[yes]{.computed data-value="1.0" data-as="one:no¦yes"}'
TABLE = f"""| model | accuracy &#42; | best |
|:---|---:|:---|
| **a, "quoted"** | {SHARE} | {WORD} |
| a_b | [1,536]{{.computed data-value="1536.0" data-as="count"}} – 2 | see [there](#sec-one) and `x` |

[Run lstm · written by `tables.curves`.]{{.origin tabindex="0"}}
"""
READING = """::: {#tbl-reading}

| Part | Where |
|:--|:--|
| one | @sec-one |

Read in `{python} 1 + 1` parts.

[Written by hand.]{.origin}
:::

[CachedFigure by `figures.plot_curves`.]{.origin}
"""
CELLS = [
    ["accuracy *", "best"],
    ["85.2 %", "yes"],
    ["1,536 – 2", "see there and x"],
]  # without the first column


def code(label: str, outputs: list, **options):
    lines = [
        f"#| {name}: {json.dumps(value)}"
        for name, value in {"label": label, **options, "echo": False}.items()
    ]
    return nbformat.v4.new_code_cell(
        "\n".join([*lines, "draw()"]), outputs=outputs, execution_count=1
    )


def shown(data: dict, metadata: dict):
    return nbformat.v4.new_output("display_data", data=data, metadata=metadata)


def kept_by_quarto(folder: Path, caption: str = CAPTION, svg: str = SVG) -> Path:
    """A project with an executed notebook as genuine Quarto keeps it: front matter and inline code
    in the text.
    """
    project(folder, "# One {#sec-one}\n", f"---\ntitle: {citation_metadata.TITLE}\n---\n\n")
    shutil.copy(ROOT / "CITATION.cff", folder)
    text = nbformat.v4.new_markdown_cell(
        "---\ntitle: A test\n---\n\n# One {#sec-one}\n\n" + READING
    )
    value = {"status": "ok", "data": {"text/plain": "2"}}
    text.metadata["user_expressions"] = [{"expression": "1 + 1", "result": value}]
    cells = [
        text,
        code(
            "fig-curves",
            [shown({"image/svg+xml": svg}, {"lmreport": FIGURE})],
            **{"fig-cap": caption, "fig-alt": ALT},
        ),
        code(
            "tbl-scores",
            [
                shown(
                    {"text/markdown": TABLE},
                    {"text/markdown": {"lmreport": {"function": "tables.curves", "runs": [RUN]}}},
                )
            ],
            **{"tbl-cap": "Scores."},
        ),
        nbformat.v4.new_code_cell("1", outputs=[]),
    ]
    written = folder / "_report" / "report" / "index.ipynb"
    written.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), written)
    return folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A project with its exported files."""
    folder = kept_by_quarto(tmp_path_factory.mktemp("exported") / "project")
    export(folder)
    return folder


@pytest.fixture(scope="module")
def files(exported):
    return exported / "_report" / "figures"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def content(files: Path, label: str) -> str:
    """The sha256 that the files of a label must state: of the SVG without <metadata>, or of the
    CSV.
    """
    if label.startswith("tbl-"):
        return sha256((files / f"{label}.csv").read_bytes())
    before, _, rest = (files / f"{label}.svg").read_text(encoding="utf-8").partition(" <metadata>")
    return sha256((before + rest.partition("</metadata>\n")[2]).encode())


def test_manifest_lists_every_file_with_its_digest(files):
    manifest = json.loads((files / "manifest.json").read_text(encoding="utf-8"))
    told = {f["name"]: f for item in manifest["items"] for f in item["files"]}
    assert sorted([*told, "manifest.json"]) == sorted(p.name for p in files.iterdir())
    for name, file in told.items():
        data = (files / name).read_bytes()
        assert (file["sha256"], file["bytes"]) == (sha256(data), len(data)), name
    items = {item["label"]: item for item in manifest["items"]}
    assert list(items) == ["tbl-reading", "fig-curves", "tbl-scores"]
    assert [item["number"] for item in items.values()] == ["Table 1", "Figure 1", "Table 2"]
    figure = items["fig-curves"]
    assert (figure["alt"], figure["function"], figure["anchor"]) == (
        ALT,
        FIGURE["function"],
        "index.html#fig-curves",
    )
    assert figure["runs"][0]["name"] == RUN and figure["experiments"][0]["name"] == EXPERIMENT
    assert figure["licence"] == "MIT" and figure["caption"].startswith("Curves of “A & B”")


def test_a_run_is_told_with_the_date_and_commit_of_its_record(tmp_path):
    folder = kept_by_quarto(tmp_path / "project")
    (folder / "report" / "runs").mkdir()
    made = {"date": "2026-11-20T10:00:00Z", "commit": "abc123", "hardware": {}}
    (folder / "report" / "runs" / f"{RUN}.json").write_text(json.dumps({"made": made}))
    manifest = json.loads(export(folder)[0].read_text(encoding="utf-8"))
    assert manifest["items"][1]["runs"] == [
        {"name": RUN, "date": made["date"], "commit": made["commit"]}
    ]


def test_svg_is_the_picture_with_what_it_is(files):
    tree = etree.parse(files / "fig-curves.svg")
    names = {"dc": "http://purl.org/dc/elements/1.1/", "svg": "http://www.w3.org/2000/svg"}
    assert len(tree.findall(".//svg:metadata", names)) == 1 and tree.find(".//{*}made") is None
    assert tree.find("svg:path", names).get("d") == "M 0 0 L 144 72"
    said = {
        kind: [e.text for e in tree.findall(f".//dc:{kind}", names)]
        for kind in ("title", "description", "identifier", "source", "rights", "creator")
    }
    assert "über" in said["title"][0] and "“A & B” < 5 %" in said["title"][0]
    assert (
        said["description"] == [ALT]
        and said["rights"] == ["MIT"]
        and said["creator"] == ["The lmreport authors"]
    )
    assert said["identifier"] == ["fig-curves", f"sha256:{content(files, 'fig-curves')}"]
    assert said["source"] == [RUN, EXPERIMENT, FIGURE["function"]]


def test_pdf_is_a_tagged_vector_page_of_the_pictures_size_with_what_it_is(files):
    with pikepdf.open(files / "fig-curves.pdf") as pdf:
        assert len(pdf.pages) == 1 and [round(float(x)) for x in pdf.pages[0].MediaBox] == [
            0,
            0,
            144,
            72,
        ]
        assert not any(
            o.get("/Subtype") == "/Image" for o in pdf.objects if isinstance(o, pikepdf.Stream)
        )
        assert bool(pdf.Root.MarkInfo.Marked)
        alts = [
            str(o.Alt) for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and "/Alt" in o
        ]
        assert alts == [ALT]
        assert "über" in str(pdf.docinfo.Title) and str(pdf.docinfo.Subject) == ALT
        for text in (
            "fig-curves",
            RUN,
            EXPERIMENT,
            FIGURE["function"],
            "MIT",
            content(files, "fig-curves"),
        ):
            assert text in str(pdf.docinfo.Keywords), text


def test_png_has_300_dots_per_inch_and_says_what_it_is(files):
    with Image.open(files / "fig-curves.png") as image:
        image.load()
        assert image.size == (600, 300) and [round(d) for d in image.info["dpi"]] == [300, 300]
        said = image.info
    assert "über" in said["Title"] and said["Description"] == ALT and said["Copyright"] == "MIT"
    assert (said["label"], said["runs"], said["experiments"]) == ("fig-curves", RUN, EXPERIMENT)
    assert said["sha256"] == content(files, "fig-curves")
    data, at = (files / "fig-curves.png").read_bytes(), 8
    while at < len(data):  # every chunk as long as it says, with the right check sum
        (size,) = struct.unpack(">I", data[at : at + 4])
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            data[at + 4 : at + 8 + size]
        )
        at += 12 + size


def test_csv_holds_the_cells_as_shown_and_in_full(files):
    rows = list(csv.reader(io.StringIO((files / "tbl-scores.csv").read_text(encoding="utf-8"))))
    assert [row[1:] for row in rows] == CELLS and [row[0] for row in rows] == [
        "model",
        "a, “quoted”",
        "a_b",
    ]
    full = list(
        csv.reader(io.StringIO((files / "tbl-scores.values.csv").read_text(encoding="utf-8")))
    )
    assert [row[1:] for row in full] == [
        CELLS[0],
        ["0.85175", "yes"],
        ["1536 – 2", "see there and x"],
    ]
    assert not (files / "tbl-reading.values.csv").exists()


def test_csv_has_a_description_beside_it(files):
    said = json.loads((files / "tbl-scores.csv-metadata.json").read_text(encoding="utf-8"))
    assert said["@context"][0] == "http://www.w3.org/ns/csvw" and said["url"] == "tbl-scores.csv"
    assert [c["titles"] for c in said["tableSchema"]["columns"]] == ["model", "accuracy *", "best"]
    assert (said["dc:title"], said["dc:source"], said["dc:rights"]) == ("Scores.", RUN, "MIT")
    assert said["schema:sha256"] == content(files, "tbl-scores")


def pandoc(text: str, *options: str) -> str:
    return subprocess.run(
        [pypandoc.get_pandoc_path(), *options],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def cells_by_pandoc(text: str, fmt: str) -> list[list[str]]:
    html = etree.HTML(pandoc(text, "-f", fmt, "-t", "html", "--wrap=none"))
    return [
        [" ".join("".join(c.itertext()).split()) for c in row.xpath("th|td")]
        for row in html.xpath("//tr")
    ]


@pytest.mark.parametrize("ending, fmt", [("md", "markdown"), ("tex", "latex")])
def test_markdown_and_latex_are_the_same_table(files, ending, fmt):
    text = (files / f"tbl-scores.{ending}").read_text(encoding="utf-8")
    rows = [row[1:] for row in cells_by_pandoc(text, fmt)]
    if fmt == "latex":
        assert (
            rows.pop(0) == rows[0]
        )  # the head of a long table, for its first page and for the others
    assert rows == CELLS and "computed" not in text and "Run lstm" not in text
    html = pandoc(text, "-f", fmt, "-t", "html")
    assert "Scores." in html and "tbl-scores" in html


def test_typst_compiles_with_caption_and_label(files, tmp_path):
    text = (files / "tbl-scores.typ").read_text(encoding="utf-8")
    (tmp_path / "a.typ").write_text(text, encoding="utf-8")
    found = json.loads(typst.query(str(tmp_path / "a.typ"), "<tbl-scores>"))
    assert found[0]["kind"] == "table" and "Scores." in json.dumps(found[0]["caption"])
    assert "85.2" in json.dumps(found[0]["body"]) and "1,536" in json.dumps(found[0]["body"])


@pytest.mark.parametrize("ending, mark", [("md", ""), ("tex", "% "), ("typ", "// ")])
def test_text_formats_say_what_they_are_in_comments(files, ending, mark):
    text = (files / f"tbl-scores.{ending}").read_text(encoding="utf-8")
    for line in (
        "label: tbl-scores",
        "title: Scores.",
        f"runs: {RUN}",
        "function: tables.curves",
        "licence: MIT",
        f"sha256: {content(files, 'tbl-scores')}",
    ):
        assert f"\n{mark}{line}\n" in "\n" + text, line


def test_a_table_written_by_hand_is_exported_with_its_references_and_inline_code(files):
    rows = list(csv.reader(io.StringIO((files / "tbl-reading.csv").read_text(encoding="utf-8"))))
    assert rows == [["Part", "Where"], ["one", "Section 1"]]
    assert "\ntitle: Read in 2 parts.\n" in (files / "tbl-reading.md").read_text(encoding="utf-8")


def test_same_notebook_same_bytes(exported, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767312000")
    twice = []
    for name in "ab":
        folder = tmp_path / name
        shutil.copytree(exported, folder, ignore=shutil.ignore_patterns("figures"))
        twice.append({p.name: p.read_bytes() for p in export(folder)})
    assert twice[0] == twice[1] and json.loads(twice[0]["manifest.json"])["date"] == "2026-01-02"


def refuse(*_):
    raise AssertionError("drawn again")


def test_what_has_not_changed_is_kept(tmp_path, monkeypatch, told):
    folder = kept_by_quarto(tmp_path / "project")
    target = export(folder)[0].parent
    before = {p.name: p.stat().st_mtime_ns for p in target.iterdir()}
    monkeypatch.setattr(pictures, "files", refuse)
    export(folder)
    assert "up to date" in told[-1] and before == {
        p.name: p.stat().st_mtime_ns for p in target.iterdir()
    }
    notebook = folder / "_report" / "report" / "index.ipynb"
    notebook.write_text(
        notebook.read_text(encoding="utf-8").replace("Scores.", "Other scores."), encoding="utf-8"
    )
    export(folder)
    assert "3 figures and tables" in told[-1] and "1 of them new" in told[-1]
    assert "title: Other scores." in (target / "tbl-scores.md").read_text(encoding="utf-8")


def test_a_failed_export_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    folder = kept_by_quarto(tmp_path / "project")
    target = export(folder)[0].parent
    before = {p.name: p.read_bytes() for p in target.iterdir()}
    notebook = folder / "_report" / "report" / "index.ipynb"
    for old, new in ((ALT.split()[-1], "crooked."), ("M 0 0 L", "M 1 1 L")):
        notebook.write_text(
            notebook.read_text(encoding="utf-8").replace(old, new), encoding="utf-8"
        )
        with monkeypatch.context() as patch, pytest.raises(AssertionError, match="drawn again"):
            patch.setattr(pictures, "files", refuse)
            export(folder)
        assert before == {p.name: p.read_bytes() for p in target.iterdir()}
        assert [p.name for p in target.parent.iterdir() if p.name.startswith(".")] == []


def test_a_damaged_file_is_made_again(tmp_path):
    folder = kept_by_quarto(tmp_path / "project")
    target = export(folder)[0].parent
    before = {p.name: p.read_bytes() for p in target.iterdir()}
    (target / "fig-curves.png").write_bytes(b"half")
    (target / "tbl-scores.csv").unlink()
    export(folder)
    assert before == {p.name: p.read_bytes() for p in target.iterdir()}


def test_without_a_render_there_is_nothing_to_export_or_cite(tmp_path):
    project(tmp_path / "project", "# One\n")
    with pytest.raises(ReportError, match="lmreport render"):
        export(tmp_path / "project")
    with pytest.raises(ReportError, match="_report/figures/manifest.json"):
        cite.citation(tmp_path / "project", "fig-curves")


def test_bibtex_is_read_by_pandoc_with_the_same_words(exported):
    for label, title in (("fig-curves", "Curves of “A & B” < 5 % in C#_{x}, über"), ("", None)):
        (entry,) = json.loads(
            pandoc(cite.citation(exported, label, "bibtex"), "-f", "bibtex", "-t", "csljson")
        )
        (same,) = json.loads(cite.citation(exported, label, "json"))
        assert entry["id"] == same["id"] and entry["author"] == same["author"]
        assert (
            re.sub("<[^>]*nocase[^>]*>|</span>", "", entry["title"])
            == (title or same["title"])
            == same["title"]
        )
        assert entry["issued"]["date-parts"][0] == same["issued"]["date-parts"][0][:2]
        assert "licence MIT" in entry["note"] and (not label or RUN in entry["note"])


def test_csl_json_is_cited_by_citeproc(exported, tmp_path):
    (tmp_path / "a.json").write_text(
        cite.citation(exported, "tbl-scores", "json"), encoding="utf-8"
    )
    text = pandoc(
        "[@lmreport-tbl-scores]\n",
        "--citeproc",
        "--bibliography",
        str(tmp_path / "a.json"),
        "-t",
        "plain",
        "--wrap=none",
    )
    assert (
        "The lmreport authors" in text
        and "Scores" in text
        and "lmreport: a literate report" in text.lower()
    )


def test_the_sentence_and_the_files_are_told(exported, monkeypatch, capsys):
    monkeypatch.chdir(exported)
    assert main.main(["cite", "fig-curves"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for text in (
        "The lmreport authors (",
        "Figure 1, “Curves",
        "version 0.1.0",
        "index.html#fig-curves",
        RUN,
        "MIT",
    ):
        assert text in lines[0], text
    named = [line for line in lines if line.startswith("_report/")]
    assert [Path(p).suffix for p in named] == [".svg", ".pdf", ".png"] and all(
        Path(p).is_file() for p in named
    )


@pytest.mark.parametrize("encoding", ["", "cp1252", "ascii"])
def test_a_citation_in_a_file_is_utf8_and_its_json_valid(tmp_path, encoding):
    """Also on Windows, where files and pipes are written in another encoding than UTF-8."""
    folder = kept_by_quarto(tmp_path / "project")
    (folder / "lmreport.toml").write_text('name = "Ýrsa Łuk 😀"\n', encoding="utf-8")
    export(folder)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LMREPORT_N"))}
    environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment |= {"PYTHONIOENCODING": encoding} if encoding else {}
    with open(folder / "cited.json", "wb") as file:
        command = [sys.executable, "-m", "lmreport.cli", "cite", "fig-curves", "--json"]
        subprocess.run(command, cwd=folder, env=environment, stdout=file, check=True)
    text = (folder / "cited.json").read_bytes().decode(encoding or "utf-8")
    (entry,) = json.loads(text)
    assert entry["author"] == [{"literal": "Ýrsa Łuk 😀"}] and "über" in entry["title"]
    assert encoding or "Ýrsa Łuk 😀" in text


def test_an_unknown_label_is_told_with_those_like_it(exported, monkeypatch, capsys):
    monkeypatch.chdir(exported)
    assert main.main(["cite", "fig-curve"]) == 2
    assert "'fig-curve'; did you mean fig-curves" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line, wrong", [("license: MIT", "license"), ("version: 0.1.0", "version")]
)
def test_an_incomplete_citation_file_is_told(tmp_path, line, wrong):
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert line in text
    (tmp_path / "CITATION.cff").write_text(text.replace(line, ""), encoding="utf-8")
    with pytest.raises(ReportError, match=wrong):
        citation_metadata.work(tmp_path)


def test_a_citation_file_is_read_as_it_is_written(tmp_path):
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    path = tmp_path / "CITATION.cff"
    path.write_text(text.replace("version: 0.1.0", "version: 1.10"), encoding="utf-8")
    assert citation_metadata.work(tmp_path).version == "1.10"
    path.write_text(re.sub("(?m)^title: .*", "title: Words: a study", text), encoding="utf-8")
    with pytest.raises(ReportError, match=r"CITATION.cff:\d+: not valid YAML.* in quotes"):
        citation_metadata.work(tmp_path)


def test_persons_and_an_address_in_the_citation_file_are_used(tmp_path):
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8").partition("authors:")[0]
    text += "url: https://example.org/report\nauthors:\n  - {family-names: Doe, given-names: Ann}\n"
    (tmp_path / "CITATION.cff").write_text(text, encoding="utf-8")
    about = citation_metadata.work(tmp_path)
    item = {"label": "fig-a", "number": "Figure 1", "caption": "A.", "anchor": "index.html#fig-a"}
    assert "Ann Doe (2026)" in cite.sentence(about, item, "2026-01-02", "")
    (found,) = json.loads(
        pandoc(
            cite.bibtex(cite.csl(about, item, "2026-01-02", "")), "-f", "bibtex", "-t", "csljson"
        )
    )
    assert (
        found["author"] == [{"family": "Doe", "given": "Ann"}]
        and found["URL"] == "https://example.org/report#fig-a"
    )


BODY = f"""# One {{#sec-one}}

See @fig-curves and @tbl-scores.

```{{python}}
#| label: fig-curves
#| fig-cap: A curve.
#| fig-alt: A line that falls.
#| echo: false
from IPython.display import Markdown, display
display({{"image/svg+xml": {SVG!r}, "text/plain": ""}}, raw=True, metadata={{"lmreport": {FIGURE!r}}})
```

```{{python}}
#| label: tbl-scores
#| tbl-cap: Scores.
#| echo: false
Markdown({TABLE!r}, metadata={{"lmreport": {{"function": "tables.curves"}}}})
```
"""
RENDERERS = [
    own,
    pytest.param(quarto, marks=pytest.mark.skipif(not shutil.which("quarto"), reason="no quarto")),
]


KEPT = {own: (), quarto: ("-M", "keep-ipynb:true")}


@pytest.mark.parametrize("renderer", RENDERERS, ids=lambda r: r.__name__)
def test_a_rendered_notebook_keeps_what_the_exporter_needs(tmp_path, renderer):
    folder = project(tmp_path / "project", BODY)
    page = Page(renderer(folder, *KEPT[renderer]) / "index.html")
    manifest = json.loads(export(folder)[0].read_text(encoding="utf-8"))
    items = {item["label"]: item for item in manifest["items"]}
    assert items["fig-curves"]["function"] == FIGURE["function"] and items["fig-curves"][
        "runs"
    ] == [{"name": RUN}]
    assert items["tbl-scores"]["function"] == "tables.curves"
    captions = page.facts()["captions"]
    assert [f"{i['number']}: {i['caption']}" for i in items.values()] == captions


def test_a_minus_sign_is_a_hyphen_for_programs_and_mathematics_in_latex():
    table = next(
        block
        for block in json.loads(
            pypandoc.convert_text("| a |\n|---|\n| −0.4 |\n", "json", "markdown")
        )["blocks"]
        if block["t"] == "Table"
    )
    table["c"][0][0] = "tbl-a"
    assert r"\ensuremath{-}0.4" in tables.split([table], "latex", "latex")["tbl-a"]
    assert (
        tables.as_csv([["−0.4", "−3.0 to 0.9", "a − b"]]).decode() == "-0.4,-3.0 to 0.9,a − b\r\n"
    )


def test_a_report_of_ones_own_is_cited_under_ones_own_name_data_and_commit(exported, monkeypatch):
    manifest, item, _ = cite.exported(exported, "fig-curves")
    rendered = {"settings": {"data": "/home/ann/my texts.zip"}, "at hand": {"data": "0123456789ab"}}
    monkeypatch.setenv("LMREPORT_NAME", "Ann Doe & Co")
    about = citation_metadata.own(exported, rendered)
    said = cite.sentence(about, item, "2026-01-02", "abc123+")
    assert (
        said.startswith("Ann Doe & Co (2026): Figure 1, “Curves")
        and "(commit abc123, with changes, 2 " in said
    )
    assert (
        "Data: my texts.zip (0123456789ab)." in said
        and "authors" not in said
        and "Licence" not in said
    )
    entry = cite.csl(about, item, "2026-01-02", "abc123+")
    assert "license" not in entry and "data my texts.zip (0123456789ab)" in entry["note"]
    bibtex = cite.bibtex(entry)
    assert r"Ann Doe \& Co" in bibtex and "commit abc123, with changes" in bibtex
    monkeypatch.delenv("LMREPORT_NAME")
    assert citation_metadata.own(
        exported, {"settings": {"data": "sample"}}
    ) == citation_metadata.work(exported)
    nobody = citation_metadata.own(exported, rendered)
    said = cite.sentence(nobody, item, "2026-01-02", "")
    assert said.startswith("Author not named (write name") and "lmreport.toml" in said
    entry = cite.csl(nobody, item, "2026-01-02", "")
    assert "author" not in entry and "author" not in cite.bibtex(entry)
    alone = citation_metadata.own(exported, {"page": {"title": "Jet engines", "authors": []}})
    assert "note = {version 0.1.0}" in cite.bibtex(cite.csl(alone, {}, "2026-01-02", ""))


@pytest.mark.parametrize(
    "about, cited",
    [
        ("lmreport: a literate report", "Jet engines & 100 % fuel of kind"),
        ("Own words: of it", "Own words: of it"),
    ],
)
def test_a_report_of_ones_own_is_cited_under_its_title(tmp_path, about, cited, monkeypatch):
    """As CITATION.cff has it, where that isn't the project's own any more."""
    monkeypatch.delenv("LMREPORT_NAME", raising=False)
    folder = project(tmp_path / "project", "# One\n\nWords.\n")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    (folder / "CITATION.cff").write_text(
        re.sub("title: .*", f"title: '{about}'", citation), encoding="utf-8"
    )
    document = folder / "report" / "index.qmd"
    text = document.read_text(encoding="utf-8").partition("---\n")[2].partition("---\n")[2]
    title = 'title: "Jet *engines* & 100 % fuel of kind α"'
    document.write_text(f"---\n{title}\n---\n{text}", encoding="utf-8")
    for rendered in ({}, {"settings": {"data": "mine.csv"}}):
        mine = citation_metadata.own(folder, rendered)
        assert mine.title.removesuffix(" α") == cited
        assert bool(mine.people) == bool(mine.licence) == (cited == about)
    assert cite.csl(mine, {}, "2026-01-02", "")["id"] == citation_metadata.work(folder).key


@pytest.mark.parametrize(
    "author, said, in_bibtex",
    [
        ("Jane *Doe*", "Jane Doe", "{Jane Doe}"),
        ("[Jane Doe, {name: Kim O'Hara, affiliation: A}]", "Jane Doe, Kim O’Hara", "and {Kim"),
        ("{name: {given: Jane, family: Doe}}", "Jane Doe", "{Doe, Jane}"),
        ("{name: {literal: The Doe Group}}", "The Doe Group", "{The Doe Group}"),
    ],
)
def test_the_author_of_the_document_is_cited(tmp_path, monkeypatch, author, said, in_bibtex):
    """As its page names them, on whatever data; the name in the settings goes first."""
    monkeypatch.delenv("LMREPORT_NAME", raising=False)
    front = f"---\ntitle: {citation_metadata.TITLE}\nauthor: {author}\n---\n\n"
    folder = project(tmp_path / "project", BODY, front)
    shutil.copy(ROOT / "CITATION.cff", folder)
    page = Page(own(folder, ("html",)) / "index.html")
    assert re.findall(r'<meta name="author" content="(.*)">', page.source) == said.split(", ")
    export(folder)
    cited = cite.citation(folder, "fig-curves")
    assert cited.startswith(f"{said} (") and in_bibtex in cited
    assert f"In: {citation_metadata.TITLE}, version" in cited
    assert "lmreport authors" not in cited and "MIT" not in cited
    files = folder / "_report" / "figures"
    (creator,) = etree.parse(files / "fig-curves.svg").iterfind(
        ".//{http://purl.org/dc/elements/1.1/}creator"
    )
    described = json.loads((files / "tbl-scores.csv-metadata.json").read_text(encoding="utf-8"))
    assert creator.text == described["dc:creator"] == said.replace(", ", "; ")
    other = citation_metadata.own(folder, {"settings": {"data": "mine.csv"}})
    assert ", ".join(other.authors) == said and other.data == "mine.csv"
    monkeypatch.setenv("LMREPORT_NAME", "Ann Doe")
    assert cite.citation(folder, "fig-curves").startswith("Ann Doe (")


def test_the_author_whom_a_profile_names_is_cited(tmp_path, monkeypatch):
    monkeypatch.delenv("LMREPORT_NAME", raising=False)
    folder = kept_by_quarto(tmp_path / "project")
    (folder / "_quarto-jane.yml").write_text("author: Jane Doe\n")
    export(folder, "jane")
    assert cite.citation(folder, "fig-curves").startswith("Jane Doe (")


def test_where_nobody_is_named_no_file_names_an_author(tmp_path, monkeypatch):
    monkeypatch.delenv("LMREPORT_NAME", raising=False)
    folder = kept_by_quarto(tmp_path / "project")
    document = folder / "report" / "index.qmd"
    text = document.read_text(encoding="utf-8")
    document.write_text(text.replace(citation_metadata.TITLE, "Jet engines"), encoding="utf-8")
    paths = export(folder)
    for path in paths:
        data = path.read_bytes()
        assert b"authors" not in data.replace(b'"authors": []', b""), path.name
        assert b"not named" not in data, path.name
    with pikepdf.open(folder / "_report/figures/fig-curves.pdf") as pdf:
        assert "/Author" not in pdf.docinfo
    assert cite.citation(folder, "fig-curves").startswith("Author not named (")


def test_the_report_has_the_title_under_which_it_is_the_projects_own(monkeypatch):
    monkeypatch.delenv("LMREPORT_NAME", raising=False)
    assert citation_metadata.own(ROOT, {}) == citation_metadata.work(ROOT)


def test_a_name_that_the_render_was_given_is_cited(tmp_path, monkeypatch):
    """It stands on the page; and it stays until the next render."""
    monkeypatch.delenv("LMREPORT_NAME", raising=False)
    folder = kept_by_quarto(tmp_path / "project")
    export(folder, by="Ann Doe")
    export(folder)
    assert cite.citation(folder, "fig-curves").startswith("Ann Doe (")
    assert "Ann Doe" in (folder / "_report/figures/fig-curves.svg").read_text(encoding="utf-8")


def test_bibtex_compiles_under_pdflatex():
    """Characters that pdfLaTeX does not know are commands, but for those in an address."""
    about = dataclasses.replace(
        citation_metadata.work(ROOT), title="α ≤ √2 & 100 %…", url="https://example.org/α"
    )
    made = cite.bibtex(cite.csl(about, {}, "2026-01-02", "abc123"))
    assert r"\ensuremath{\alpha} \ensuremath{\leq} \ensuremath{\surd}2 \& 100 \%\ldots{}" in made
    assert "https://example.org/α" in made


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with code and a report, in whose folder git can be called."""

    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True)

    for name in ("code", "report"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("a\n")
    (tmp_path / "_quarto.yml").write_text("lang: en\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "A")
    monkeypatch.setattr(machine, "PACKAGE", tmp_path / "code")
    monkeypatch.delenv("LMREPORT_COMMIT", raising=False)
    forget_commit()
    yield git
    forget_commit()


def forget_commit():
    machine.commit.cache_clear()
    machine.repository.cache_clear()


def commit(*project):
    forget_commit()
    return machine.commit(*project)


def test_a_commit_is_cited_with_changes_where_the_report_was_changed(checkout, tmp_path):
    assert len(commit()) == 12 and commit(tmp_path) == commit()
    (tmp_path / "report" / "made.html").write_text("by a render\n")
    assert commit(tmp_path) == commit()
    for name in ("report/a.txt", "_quarto.yml"):
        (tmp_path / name).write_text("b: b\n")
        assert commit(tmp_path) == commit() + "+"
        checkout("checkout", "-q", "--", name)
    (tmp_path / "code" / "a.txt").write_text("b\n")
    assert commit(tmp_path) == commit() and commit().endswith("+")


@pytest.mark.parametrize("ignored", [True, False])
def test_the_commit_of_another_repository_is_not_cited(
    checkout, tmp_path, monkeypatch, told, ignored
):
    """One that the code was unpacked in, as a course's, or that a hook of git names."""
    own = commit()
    other = tmp_path / "unpacked"
    other.mkdir()
    (other / "a.txt").write_text("a\n")
    if ignored:
        (tmp_path / ".gitignore").write_text("unpacked\n")
    monkeypatch.setattr(machine, "PACKAGE", other)
    assert commit() == commit(tmp_path) == "" and told == []

    subprocess.run(["git", "-C", str(other), "init", "-q"], check=True)
    monkeypatch.setattr(machine, "PACKAGE", tmp_path / "code")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert commit() == own


def test_a_report_outside_the_repository_of_the_code_does_not_change_its_commit(
    checkout, tmp_path_factory
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "_quarto.yml").write_text("lang: de\n")
    assert commit(elsewhere) == commit() and len(commit()) == 12


def test_a_commit_that_git_does_not_tell_is_told_with_the_remedy(
    checkout, tmp_path, monkeypatch, told
):
    """As where the folder is another user's, in a container, or git is not installed."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert commit() == machine.commit(tmp_path) == ""
    (said,) = told
    assert "the code is not known" in said and "config --global --add safe.directory" in said
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit() == "" and "git cannot be run" in told[-1]
    assert "set LMREPORT_COMMIT" in told[-1]


def test_each_file_names_ones_own_data_and_their_licence(tmp_path, monkeypatch):
    data = "acme/news of the Hugging Face hub (0123456789ab), licence cc-by-4.0"
    about = dataclasses.replace(citation_metadata.work(ROOT), licence="", data=data)
    monkeypatch.setattr(citation_metadata, "own", lambda *_: about)
    paths = export(kept_by_quarto(tmp_path / "project"))
    for path in paths:
        if path.suffix == ".pdf":
            with pikepdf.open(path) as pdf:
                assert f"data: {data}" in str(pdf.docinfo["/Keywords"])
        elif path.suffix not in (".csv",) and path.name != "manifest.json":
            assert data.encode() in path.read_bytes(), path.name
    assert {".svg", ".pdf", ".png", ".tex", ".json"} <= {path.suffix for path in paths}


def test_what_stands_in_another_document_is_found_there(tmp_path):
    folder = project(tmp_path / "project", "# One\n\nWords.\n")
    shutil.copy(ROOT / "CITATION.cff", folder)
    (folder / "report" / "supplement.qmd").write_text(
        "---\ntitle: More\n---\n\n| a |\n|---|\n| 1 |\n\n: Few. {#tbl-few}\n"
    )
    own(folder, ("html",))
    export(folder)
    assert cite.exported(folder, "tbl-few")[1]["anchor"] == "supplement.html#tbl-few"
