"""What may stand in rubric.yml, and the one sentence for what may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lmreport.core.errors import ReportError
from lmreport.reporting import rubric

ROOT = Path(__file__).resolve().parents[2]

WHOLE = """sections:
  - {id: 1, title: Data, anchor: sec-data, printed: 3.5, who: [A]}
  - {id: 10, title: More, anchor: sec-more, printed: 2, who: [A]}
items:
  - {id: 1a, points: 1.5, asks: First}
  - {id: 1b, points: 2.0, asks: Second}
  - {id: 10a, points: 0.1, asks: Third}
  - {id: 1e5, points: 0.2, asks: Fourth}
  - {id: 10b, points: 1, asks: Fifth}
"""


def written(tmp_path, monkeypatch, text=WHOLE):
    (tmp_path / "_quarto.yml").write_text("project: {type: default}\n")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "rubric.yml").write_text(text)
    monkeypatch.chdir(tmp_path)
    rubric.read.cache_clear()


def test_a_section_of_two_digits_and_half_points_are_counted_where_they_belong(
    tmp_path, monkeypatch
):
    written(tmp_path, monkeypatch)
    assert [rubric.total(1), rubric.total(10), rubric.total()] == [3.7, 1.1, 4.8]
    assert [rubric.points(name) for name in ("1a", "1b", "10b", "10a")] == [
        "1.5 points",
        "2 points",
        "1 point",
        "0.1 points",
    ]
    assert [i["id"] for i in rubric.rubric()["items"]] == ["1a", "1b", "10a", "1e5", "10b"]
    assert [(d["id"], d["sum"]) for d in rubric.differing()] == [(1, 3.7), (10, 1.1)]
    rows = [line for line in rubric.table().data.splitlines() if line.startswith("|")]
    cells = [row.strip("|") for row in rows[2:]]
    one, ten = (
        next(i for i, cell in enumerate(cells) if f"**{n}**" in cell.split("|")[0]) for n in (1, 10)
    )
    assert (
        "**3.7**" in cells[one] and "[First](#sec-1a)" in cells[one + 1] and "1.5" in cells[one + 1]
    )
    assert any("(#sec-10a)" in cell for cell in cells[ten + 1 :]) and any(
        "(#sec-10b)" in cell for cell in cells[ten + 1 :]
    )


@pytest.mark.parametrize(
    "old, new, said",
    [
        (", asks: Second}", "}", r"rubric.yml:6: item 1b has no `asks`; add it, text"),
        (
            "asks: Second",
            "ask: Second",
            r"rubric.yml:6: item 1b has no `asks`; write it in place of `ask`",
        ),
        (
            "points: 2.0",
            "points: two",
            r"rubric.yml:6: `points` of item 1b is 'two'; it must be a number",
        ),
        ("points: 2.0", "points: true", r"rubric.yml:6: `points` of item 1b is True"),
        ("points: 2.0", "points: -1", r"rubric.yml:6: `points` of item 1b is -1"),
        ("points: 2.0", "points: .nan", r"rubric.yml:6: `points` of item 1b is nan"),
        ("asks: Second", "asks:", r"rubric.yml:6: `asks` of item 1b is None; it must be text"),
        (
            "id: 1b",
            "id: 1a",
            r"rubric.yml:6: item 1a stands there twice, first at report/rubric.yml:5",
        ),
        ("id: 1b", "id: 3b", r"rubric.yml:6: item 3b belongs to no section; .*\(1, 10\)"),
        ("id: 1b", "id: b", r"rubric.yml:6: item b belongs to no section"),
        (
            "id: 1b",
            "id: 1 b",
            r"rubric.yml:6: the id '1 b' must have letters, digits and hyphens alone",
        ),
        ("id: 1b", "id: 1b, id: 1c", r"rubric.yml:6: 'id' is given twice"),
        (
            "  - {id: 1b, points: 2.0, asks: Second}",
            "  - 1b",
            r"rubric.yml:6: an entry of items must be \{id: …",
        ),
        (
            "id: 10,",
            "id: ten,",
            r"rubric.yml:3: `id` of section ten is 'ten'; it must be a whole number",
        ),
        (
            "who: [A]}\n  - {id: 10",
            "who: A}\n  - {id: 10",
            r"rubric.yml:2: `who` of section 1 is 'A'; it must be a list",
        ),
        ("items:", "item:", r"rubric.yml:1: the rubric needs a list `items:`"),
        (
            "asks: Second}",
            "asks: Second",
            r"rubric.yml:7: not valid YAML.*; .* in quotes, or close the bracket",
        ),
        ("asks: Second", "asks: Why: because", r"rubric.yml:6: not valid YAML.* in quotes"),
        ("asks: Second", r'asks: "\gamma"', r"rubric.yml:6: not valid YAML.* in single quotes"),
        (
            "points: 2.0",
            "points: 1,5",
            r"rubric.yml:6: item 1b has an unknown key '5'; .* and 1\.5 a point",
        ),
        (
            "asks: Second",
            "asks: Encoder, decoder",
            r"rubric.yml:6: item 1b has an unknown key 'decoder'; a text with a comma needs quotes",
        ),
        (
            "asks: Second",
            "asks: Second, short: [a]",
            r"rubric.yml:6: `short` of item 1b is \['a'\]; it must be text",
        ),
        (
            "asks: Second",
            "asks: Second, questoin: Why?",
            r"rubric.yml:6: item 1b has an unknown key 'questoin'; did you mean 'question'",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence_with_its_line(tmp_path, monkeypatch, old, new, said):
    assert old in WHOLE
    written(tmp_path, monkeypatch, WHOLE.replace(old, new, 1))
    with pytest.raises(ReportError, match=said) as told:
        rubric.whole()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("said", ["1.50", "007", "1e3", "No", "true", "On", "2026-12-01", "0x10"])
def test_texts_are_shown_as_they_are_written(said, tmp_path, monkeypatch):
    one = f"asks: {said}, question: {said}, short: {said}"
    written(tmp_path, monkeypatch, WHOLE.replace("asks: Second", one))
    assert str(rubric.questions().q1b).endswith(f" {said}")
    assert [f"[{said}](#sec-1b)", said] == rubric.row(rubric.whole()["items"][1], None)[1:3]


@pytest.mark.parametrize("nothing", ["", " ~", " null"])
def test_a_short_answer_or_a_question_that_is_left_empty_is_left_out(
    nothing, tmp_path, monkeypatch
):
    one = f"asks: Second, question:{nothing}, short:{nothing}"
    written(tmp_path, monkeypatch, WHOLE.replace("asks: Second", one))
    assert str(rubric.questions().q1b).endswith(" Second")
    assert rubric.row(rubric.whole()["items"][1], None)[2] == ""


def test_the_line_that_the_page_for_teachers_shows_is_read(tmp_path, monkeypatch):
    shown = (ROOT / "docs" / "teacher.md").read_text(encoding="utf-8")
    item = re.search(r"^ *- (\{id: 3d, .*\})$", shown, re.MULTILINE)[1]
    written(
        tmp_path,
        monkeypatch,
        WHOLE.replace("id: 10,", "id: 3,").split("  - {id: 1a")[0] + f"  - {item}\n",
    )
    (found,) = rubric.whole()["items"]
    assert found["id"] == "3d" and found["points"] == 1.5
    assert found["question"].startswith("Why ") and found["question"].endswith("not?")
