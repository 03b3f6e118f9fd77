"""Near copies: what MinHash finds is what comparing all pairs finds; what is told of the data."""

import re

import numpy as np
import pytest

from lmreport.core.errors import ReportError
from lmreport.data import corpus, download
from lmreport.experiments import data_audit, near_copies
from lmreport.models import pretrained
from lmreport.reporting import notices, sentences

WORDS = [f"word{i}" for i in range(500)]


def text(rng, length=60) -> list[str]:
    return list(rng.choice(WORDS, length))


def changed(rng, words: list[str], number: int) -> list[str]:
    """The words with `number` of them replaced."""
    found = list(words)
    for at in rng.choice(len(words), number, replace=False):
        found[at] = "other" + str(rng.integers(10**6))
    return found


def test_the_same_texts_are_found_as_by_comparing_all_pairs():
    rng = np.random.default_rng(1)
    train = [text(rng) for _ in range(150)]
    test = [changed(rng, train[i], i % 8) for i in range(100)] + [text(rng) for _ in range(30)]
    train, test = ([" ".join(words) for words in part] for part in (train, test))
    sets = [near_copies.shingles(one) for one in train]
    truth = np.array(
        [[near_copies.similarity(near_copies.shingles(t), s) for s in sets] for t in test]
    )
    place, value = near_copies.nearest(train, test)
    near = truth.max(1) >= near_copies.NEAR
    assert 10 < near.sum() < 100
    assert np.array_equal(value >= near_copies.NEAR, near)
    assert np.array_equal(place[near], truth.argmax(1)[near])
    again = near_copies.nearest(train, test)
    assert np.array_equal(again[0], place) and np.array_equal(again[1], value)


@pytest.mark.parametrize(
    "one, other, alike",
    [
        ("Same words, other marks!", "same  words: other marks", True),
        ("a b", "a b", True),
        ("...", "???", False),
        ("one two three four", "four three two one", False),
    ],
)
def test_case_and_marks_do_not_count_and_order_does(one, other, alike):
    assert (near_copies.nearest([one], [other])[1][0] >= near_copies.NEAR) == alike


def test_texts_of_no_split_are_none():
    assert near_copies.counted([], ["a"], [], ["x"]) == {"near": 0, "near_other_tag": 0}
    assert near_copies.counted(["a"], [], ["x"], []) == {"near": 0, "near_other_tag": 0}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three classes: "a" and "b" with a near copy each across the splits, one under another class;
    "c" is rare; one text stands in two classes.
    """
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(2)
    sizes = {"train": {"a": 60, "b": 60, "c": 5}, "test": {"a": 25, "b": 25, "c": 3}}
    for split, classes in sizes.items():
        for name, number in classes.items():
            (tmp_path / "d" / split / name).mkdir(parents=True)
            for i in range(number):
                path = tmp_path / "d" / split / name / f"{i:02}.txt"
                path.write_text(" ".join(text(rng)), encoding="utf-8")
    words = (tmp_path / "d/train/a/00.txt").read_text().split()
    for target in ("test/a/00.txt", "test/b/00.txt"):
        (tmp_path / "d" / target).write_text(" ".join(changed(rng, words, 2)))
    (tmp_path / "d/train/b/07.txt").write_bytes((tmp_path / "d/train/a/07.txt").read_bytes())
    return tmp_path / "d"


def test_copies_and_rare_classes_are_told_in_the_report(folder):
    found = download.obtain(str(folder))
    near, doubled, rare = data_audit.findings(found)
    assert near.startswith(
        "2 test texts are copies of training texts, or nearly so, 1 of them of texts in another class"
    )
    assert doubled.startswith("1 text is found in more than one class")
    assert rare.startswith("1 class has under 50 training or 20 test texts (c)")
    said = notices.notices(found, pretrained.from_package("any"), ["a", "b", "c"], False).data
    assert all(one in said for one in (near, doubled))
    counted = data_audit.audit(found.folder, found.digest)
    told = re.sub(r"\[([^]]*)\]\{[^}]*\}", r"\1", str(sentences.nearly_copied(counted)))
    assert told.startswith("Of the test texts, 2 are copies") and "and 1 of one with" in told
    assert "No test text is" in str(sentences.nearly_copied(counted | {"near": 0}))


def test_a_copy_under_another_class_makes_no_test_easier(folder):
    assert "easier than new texts" in data_audit.findings(download.obtain(str(folder)))[0]
    (folder / "test/a/00.txt").write_text(" ".join(text(np.random.default_rng(9))))
    near = data_audit.findings(download.obtain(str(folder)))[0]
    assert near == "1 test text is a copy of a training text of another class, or nearly one"


def test_the_command_tells_them_too(folder, capsys, monkeypatch):
    from lmreport.cli import main

    assert main.main(["data", "--data", str(folder)]) == 0
    assert "found   2 test texts are copies" in capsys.readouterr().out
    for name in ("train/c", "test/c"):
        for path in (folder / name).iterdir():
            path.unlink()
        (folder / name).rmdir()
    (folder / "train/b/07.txt").unlink()
    for target in ("test/a/00.txt", "test/b/00.txt"):
        (folder / target).write_text(f"something else of {target}")
    assert main.main(["data", "--data", str(folder)]) == 0
    assert "found   no copies across the splits, no rare classes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content, said",
    [
        (b"fine\nand \xff\n", r"a/00.txt is not UTF-8 \(line 2, byte ff\)"),
        (b" \n", "a/00.txt is empty"),
        (b"a\0b", "a/00.txt has a zero byte"),
    ],
)
def test_a_file_that_is_no_text_is_told_by_its_line(folder, content, said):
    (folder / "train/a/00.txt").write_bytes(content)
    with pytest.raises(ReportError, match=said):
        download.obtain(str(folder / "train"))
    if b"\0" not in content:
        with pytest.raises(ReportError, match=said.replace("a/00", "train/a/00")):
            download.obtain(str(folder))


def test_the_bounds_of_a_rare_class_are_above_those_of_a_class_at_all():
    assert all(corpus.RARE[split] > corpus.LEAST[split] for split in corpus.LEAST)
