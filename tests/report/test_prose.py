"""The documents: nothing typed that is computed, every item answered, every figure and table spoken
of.
"""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from lmreport.check.numbers import lint
from lmreport.reporting import rubric

ROOT = Path(__file__).resolve().parents[2]
PARTS = sorted((ROOT / "report").glob("*.qmd"))
SUPPLEMENT = [p for p in PARTS if re.match("_s\\d|supplement", p.name)]
GRADED = [p for p in PARTS if p not in SUPPLEMENT]


def texts(paths) -> str:
    return "\n".join(p.read_text(encoding="utf-8") for p in paths)


ALL = texts(PARTS)
TOP = {
    "report",
    "code",
    "tests",
    "_quarto.yml",
    "_quarto-157b.yml",
    "_quarto-272b.yml",
    "environment.yml",
    "README.md",
    "pyproject.toml",
    "Makefile",
    ".pre-commit-config.yaml",
    "requirements.lock",
    "LICENSE",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs",
    ".ci",
    ".gitignore",
}
CELL = re.compile(r"^```\{python\}.*?^```$", re.S | re.M)


@pytest.mark.parametrize("path", PARTS, ids=lambda p: p.name)
def test_no_result_is_typed_into_prose_or_captions(path):
    assert lint.typed(path) == []


def test_what_may_be_typed_has_a_reason_and_is_typed():
    for number, reason in lint.allowed(ROOT / "report").items():
        assert reason and number in ALL.replace("\u00a0", " "), number


@pytest.mark.parametrize("path", PARTS, ids=lambda p: p.name)
def test_prose_has_named_values_only(path):
    """No call, condition or arithmetic in a sentence: a student writes `{python} few.lead` and
    reads it back.
    """
    code = re.findall(r"`\{python\}[ \t]([^`]+)`", CELL.sub("", path.read_text(encoding="utf-8")))
    assert not [one for one in code if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", one)]


def test_every_item_is_answered_in_a_box_in_order():
    """Heading, the assignment's question in one line, and the answer in a box before the next item
    begins.
    """
    text = CELL.sub("", texts(sorted(p for p in GRADED if re.match(r"_\d", p.name))))
    items = re.split(r"^## .*\{#sec-(\d\S*) .*\}$", text, flags=re.M)[1:]
    ids = [item["id"] for item in rubric.whole()["items"]]
    assert items[::2] == ids
    for name, body in zip(items[::2], items[1::2], strict=True):
        assert body.startswith(f"\n`{{python}} ask.q{name.replace('-', '_')}`\n"), name
        assert body.count("::: {.answer}") == 1, name


def test_the_assignment_s_question_of_every_item_is_one_line():
    for item in rubric.whole()["items"]:
        assert 20 < len(item["question"]) < 130 and item["question"].endswith((".", "?")), item[
            "id"
        ]


def test_the_graded_document_is_short_enough_to_be_written_by_a_student():
    assert texts(GRADED).count("\n") <= 900
    floats = {
        kind: set(re.findall(rf"^#\| label: ({kind}-\S+)|\{{#({kind}-\S+)\}}", texts(GRADED), re.M))
        for kind in ("fig", "tbl")
    }
    assert len(floats["fig"]) <= 16 and len(floats["tbl"]) <= 14


def test_links_between_the_documents_lead_somewhere():
    for paths, page, others in ((GRADED, "supplement", SUPPLEMENT), (SUPPLEMENT, "index", GRADED)):
        ids = set(re.findall(r"^#\| label: (\S+)|\{#([\w-]+)", texts(others), re.M))
        there = {name for pair in ids for name in pair}
        for name in re.findall(rf"\({page}\.html#([\w-]+)\)", texts(paths)):
            assert name in there, name


def test_points_and_the_two_differing_totals():
    assert {s["id"]: rubric.total(s["id"]) for s in rubric.rubric()["sections"]} == {
        1: 3,
        2: 7,
        3: 12,
        4: 8,
        5: 5,
        6: 6,
        7: 11,
    }
    assert [d["id"] for d in rubric.differing()] == [2, 4]


def test_figures_and_tables_are_labelled_captioned_described_and_spoken_of():
    for cell in CELL.findall(ALL):
        options = dict(re.findall(r"^#\| ([\w-]+): (.*)$", cell, re.M))
        label = options.get("label", "")
        if label.startswith("fig-"):
            assert options.get("fig-cap") or f"#{label}" in ALL, label
            assert options.get("fig-alt") and options["fig-alt"] != options.get("fig-cap"), label
        if label.startswith("tbl-"):
            assert options.get("tbl-cap"), label
        if label.startswith(("fig-", "tbl-")):
            assert f"@{label}" in ALL, f"{label} is spoken of nowhere"


def test_no_label_stands_twice():
    """Not in both documents either: a label names the file of an exported figure."""
    labels = re.findall(r"^#\| label: (\S+)", ALL, re.M) + re.findall(r"\{#(?!refs)([\w-]+)", ALL)
    assert sorted(set(labels)) == sorted(labels)


def test_every_reference_and_citation_has_its_target():
    ids = set(re.findall(r"^#\| label: (\S+)", ALL, re.M)) | set(re.findall(r"\{#([\w-]+)", ALL))
    keys = set(
        re.findall(r"^@\w+\{([^,]+),", (ROOT / "report/references.bib").read_text("utf-8"), re.M)
    )
    text = lint.prose(ALL)
    for name in re.findall(r"@((?:fig|tbl|sec|eq|lst)-[\w-]+)", text):
        assert name.rstrip("-") in ids, name
    for key in re.findall(r"(?<![\w.])@((?!fig-|tbl-|sec-|eq-|lst-)[a-z][\w]+)", text):
        assert key in keys, key


def test_one_list_of_versions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+(; .*)?", d) for d in project["dependencies"])
    assert {"pip": ["-r requirements.lock", "-e ."]} in environment
    python = next(d for d in environment if isinstance(d, str) and d.startswith("python"))
    assert project["requires-python"].removeprefix(">=").startswith(python.split("=")[1] + ".")


def test_nothing_else_is_committed_at_the_top():
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a checkout of git")
    assert set(listed.stdout.split()) == TOP


OF_ONE_OUTCOME = (  # what pictures of some other texts or encoders do not show
    "dark diagonal",
    "one broad hump",
    "paler stripes",
    "White frames",
    "rises slowly",
    "grows slowly",
    "keeps its size",
    "of both networks falls",
    "all of them few",
)


def test_captions_and_alternative_texts_hold_for_any_data():
    lines = texts(PARTS).splitlines()
    options = [line for line in lines if line.startswith(("#| fig-", "#| tbl-"))]
    assert len(options) > 90
    assert not [(said, one) for said in OF_ONE_OUTCOME for one in options if said in one]
