"""Another data set than the assignment's: any classes, the same in train/ and test/."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lmreport.check.numbers import verify
from lmreport.core.errors import ReportError
from lmreport.core.settings import load, resolved
from lmreport.data import corpus, download
from lmreport.data.splits import load_splits, splits_for
from lmreport.experiments import data_audit
from lmreport.models import pretrained, scores
from lmreport.reporting import encoder, notices, recipes, sentences, speed, tables
from lmreport.reporting.values import on_speed
from lmreport.runs import records
from rendering import ROOT, Page, text, without_questions

LEAST = {"train": 5, "test": 2}
CLASSES = ("comp.sys_ibm", "rec*autos*", "sci++")


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    for split, least in LEAST.items():
        monkeypatch.setitem(corpus.LEAST, split, least)
        monkeypatch.setitem(corpus.TOTAL, split, least)


def make(folder: Path, classes=CLASSES, least=LEAST) -> Path:
    """A data set whose classes have growing numbers of texts."""
    for split, number in least.items():
        for more, name in enumerate(classes):
            (folder / split / name).mkdir(parents=True)
            for i in range(number + more):
                (folder / split / name / f"{i}.txt").write_text(
                    f"{split} text {i} about {name}", encoding="utf-8"
                )
    return folder


def packed(folder: Path, archive: Path, top: str) -> Path:
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, top)
    return archive


def test_folder_and_archive_are_the_same_data_with_and_without_a_folder_around_them(tmp_path):
    folder = make(tmp_path / "groups")
    (folder / "README.txt").write_text("what this is")
    found = download.obtain(str(folder))
    assert (found.kind, found.name) == ("other", "groups")
    for name, top in (("groups.tar.gz", "."), ("groups.tgz", "inner")):
        again = download.obtain(str(packed(folder, tmp_path / name, top)))
        assert (again.digest, again.name) == (found.digest, "groups")
        assert download.at_hand(str(tmp_path / name)) == again
        splits = load_splits(again, 1)
        assert tuple(splits["test"].features["labels"].names) == CLASSES
        assert np.bincount(splits["test"]["labels"]).tolist() == [2, 3, 4]


def test_a_damaged_copy_of_an_archive_with_a_folder_around_is_deleted(tmp_path):
    found = download.obtain(str(packed(make(tmp_path / "d"), tmp_path / "d.tar.gz", "inner")))
    next(Path(found.folder).rglob("sci++/*.txt")).unlink()
    with pytest.raises(ReportError, match="has been deleted"):
        load_splits(found, 1)
    assert not list((tmp_path / "cache" / "data").iterdir())


def write(name, content="x"):
    def change(folder):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(
            content.encode("utf-16" if content == "not UTF-8 ☃" else "utf-8")
        )

    return change


def test_hidden_texts_are_told_with_the_fix(tmp_path):
    folder = make(tmp_path / "d")
    write("train/sci++/._0.txt", "not UTF-8 ☃")(folder)
    with pytest.raises(ReportError, match=r"1 hidden \.txt file, such as train/sci\+\+/\._0\.txt"):
        download.obtain(str(folder))


@pytest.mark.parametrize(
    "change, said",
    [
        (
            lambda folder: shutil.rmtree(folder / "test" / "sci++"),
            r"the class 'sci\+\+' has texts in train/ only",
        ),
        (
            lambda folder: (folder / "test" / "comp.sys_ibm" / "0.txt").unlink(),
            "1 text in test/comp.sys_ibm, not 2 or more",
        ),
        (
            write("train/sci++/deeper/1.txt"),
            r"train/sci\+\+/deeper/1.txt lies in no class’s folder",
        ),
        (
            lambda folder: os.rename(
                folder / "train" / "sci++", os.fsencode(folder / "train" / "caf") + b"\xe9"
            ),
            r"the folder b'caf.xe9' has no name in UTF-8",
        ),
        (write("train/1.txt"), "train/1.txt lies in no class’s folder"),
        (write("test/sci++/0.txt", " \n"), r"test/sci\+\+/0.txt is empty"),
        (write("train/sci++/0.txt", "not UTF-8 ☃"), r"train/sci\+\+/0.txt is not UTF-8"),
        (write("train/sci++/7.TXT"), r"train/sci\+\+/7.TXT ends in .TXT, not .txt"),
        (
            lambda folder: (folder / "train" / "sci++" / "9.txt").symlink_to("nowhere"),
            r"train/sci\+\+/9.txt cannot be read \(No such file",
        ),
        (
            lambda folder: [
                folder.joinpath("train/sci++").rename(folder / "kept"),
                folder.joinpath("train/sci++").symlink_to(folder / "kept"),
            ],
            r"train/sci\+\+ is a link, not a f",
        ),
        (
            lambda folder: [
                shutil.rmtree(folder / split / name) for split in LEAST for name in CLASSES[:2]
            ],
            "1 class, not 2 to 200",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_the_fix(tmp_path, change, said):
    folder = make(tmp_path / "d")
    change(folder)
    with pytest.raises(ReportError, match=said) as caught:
        download.obtain(str(folder))
    assert "same classes in train/ and test/" in str(caught.value)


@pytest.mark.parametrize(
    "names, said",
    [
        ((), "has no train/<class>/[*].txt but nothing"),
        (
            ("seen/a/1.txt", "unseen/a/1.txt"),
            "but seen, unseen; put the folders train and test at its top",
        ),
    ],
)
def test_an_archive_of_another_layout_is_told_what_is_wanted(tmp_path, names, said):
    with tarfile.open(tmp_path / "d.tar", "w") as tar:
        for name in names:
            tar.add(__file__, name)
    with pytest.raises(ReportError, match=said):
        download.obtain(str(tmp_path / "d.tar"))
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("train/a/1.txt", "a")
    with pytest.raises(ReportError, match="is a zip archive; unpack it"):
        download.obtain(str(tmp_path / "d.zip"))


def test_too_few_texts_in_all_are_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(corpus.TOTAL, "test", 40)
    with pytest.raises(ReportError, match="9 texts in test/ in all, not 40 or more"):
        download.obtain(str(make(tmp_path / "d")))


def test_a_part_keeps_a_text_of_a_rare_class(tmp_path):
    make(tmp_path / "d", least={"train": 5, "test": 90})
    for i in range(2, 90):
        (tmp_path / "d" / "test" / CLASSES[0] / f"{i}.txt").unlink()
    found = download.obtain(str(tmp_path / "d"))
    splits = splits_for(resolved(load(scale="quick", test_size=10, train_size=0)), found)
    assert np.bincount(splits["test"]["labels"]).tolist() == [1, 4, 5]
    with pytest.raises(ReportError, match="test_size: 2 gives 2 of 185 texts for test, where each"):
        splits_for(resolved(load(scale="quick", test_size=2, train_size=0)), found)


def test_some_of_the_four_tags_are_an_incomplete_download_and_no_other_data(tmp_path):
    with pytest.raises(ReportError, match="is not the Stack Overflow data"):
        download.obtain(str(make(tmp_path / "d", ("java", "python"))))


def test_no_recorded_result_of_stack_overflow_stands_for_other_data(tmp_path):
    found = download.obtain(str(make(tmp_path / "d")))
    assert records.full_scale(found) == {}
    said = notices.notices(found, pretrained.from_package("any"), list(CLASSES), False).data
    assert "other data than the assignment" in said and "comp.sys&#95;ibm" in said
    record = next(r for r in records.all_records() if r.name == "bench_recipes")
    assert notices.of_other_data(found, record, record) == ["bench_recipes"]
    assert notices.of_other_data(download.obtain("sample"), record) == []
    assert (
        recipes.apart(record, dataclasses.replace(record, inputs={"data": {"digest": "another"}}))
        == ""
    )


def test_what_rests_on_records_of_other_data_is_left_out_with_the_command_that_makes_it(tmp_path):
    found, sample = download.obtain(str(make(tmp_path / "d"))), download.obtain("sample")
    bench, gpu = speed.recorded(found), speed.recorded(found, "cuda")
    lacking = on_speed.of_what_is_left_out(bench, gpu, found, 3)
    assert lacking.everything and lacking.what.endswith("fast on a processor, on a GPU and in bf16")
    assert lacking.of_gpu == lacking.of_models == ""
    source = pretrained.from_package("any")
    said = notices.left_out(found, source, lacking.what, lacking.names, " here").data
    assert re.fullmatch(
        r"What makes .* was not measured on these data; `lmreport run bench_train bench_predict "
        r"bench_accuracy bench_bf16 --scale full --data .*` does so here and records it\.",
        said,
    )
    runs = encoder.recorded(found)
    assert encoder.left_out(runs, found)[-3:] == ["ladder", "summit", "bench_encoder"]

    there = on_speed.of_what_is_left_out(bench, gpu, sample, 4)
    assert (
        not (there.everything or there.names) and "@tbl-speed and @tbl-speed-gpu" in there.of_models
    )
    assert notices.left_out(sample, source, "It", there.names) is None
    assert encoder.left_out(runs, sample) == []
    partly = on_speed.of_what_is_left_out(bench, {}, found, 5)  # as if those on a GPU were of these
    assert not partly.everything and partly.of_models.startswith(
        "The models of @tbl-speed-gpu have"
    )
    of_many = notices.left_out(found, source, "It", partly.names, " here", partly.cannot).data
    assert of_many == (
        "It was not measured on these data; the models that are timed know fewer classes than "
        "these data have."
    )


def test_the_prose_fits_the_data(tmp_path):
    found, sample = (
        download.obtain(str(make(tmp_path / "d"))),
        download.obtain("sample"),
    )
    assert sentences.of_data(found, "asked", "other") == "other"
    assert sentences.of_data(sample, "asked", "other") == "asked"
    said = re.sub(r"\[([^]]*)\]\{[^}]*\}", r"\1", sentences.balance(load_splits(found, 1))).replace(
        "\xa0", " "
    )
    assert "from 2 to 4 test texts" in said and said.endswith("gets 44.4%.")
    assert "are balanced" in sentences.balance(load_splits(sample, 1))
    assert scores.guessing(np.array([0, 2, 2])) == 2 / 3
    assert "no class" in sentences.agreement("sci++", "java", list(CLASSES), "yes", "no")
    assert sentences.agreement("Java", "java", ["Java", "sci"], "yes", "no") == "yes"
    assert sentences.leak({"a": 0.0, "b": 0.0}, found) == "Here none does."
    leak = re.sub(r"\[([^]]*)\]\{[^}]*\}", r"\1", sentences.leak({"a": 0.5}, found))
    assert leak.startswith("Those of a do most often (50.0%). What these names do")


def test_the_audit_and_the_tables_take_any_classes(tmp_path):
    folder = make(tmp_path / "d")
    shutil.copytree(folder / "train", folder / "spare")  # no part of the data
    found = download.obtain(str(folder))
    counted = data_audit.audit(found.folder, found.digest)
    assert counted["texts"] == {
        name: sum(LEAST.values()) + 2 * more for more, name in enumerate(CLASSES)
    }
    assert counted["tags"] == list(CLASSES) and set(counted["named"].values()) == {1}
    table = tables.splits(load_splits(found, 1), list(CLASSES)).data
    assert "comp.sys&#95;ibm" in table and "rec&#42;autos&#42;" in table


@pytest.mark.slow
def test_the_whole_report_on_three_classes_of_other_texts(tmp_path):
    for split in LEAST:
        for tag, name in zip(("csharp", "java", "python"), CLASSES, strict=True):
            shutil.copytree(corpus.SAMPLE / split / tag, tmp_path / "groups" / split / name)
    next((tmp_path / "groups" / "test" / "sci++").iterdir()).unlink()
    shutil.copytree(
        ROOT / "report",
        tmp_path / "report",
        ignore=shutil.ignore_patterns("index_files", ".jupyter*"),
    )
    [shutil.copy(p, tmp_path) for p in ROOT.glob("_quarto*.yml")]
    done = subprocess.run(
        [sys.executable, "-m", "lmreport", "render", "--renderer", "own", "--data", "groups"],
        cwd=tmp_path,
        env=os.environ | {"LMREPORT_SCALE": "quick"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    pages = [tmp_path / "_report" / "report" / f"{name}.html" for name in ("index", "supplement")]
    graded, supplement = (text(Page(page).tree) for page in pages)
    assert "Stack Overflow" not in without_questions(graded) and "Stack Overflow" not in supplement
    words = graded + " " + supplement
    assert "These are “groups”, texts of 3 classes: comp.sys_ibm, rec*autos*, sci++." in words
    assert "they have from 39 to 40 test texts" in words
    assert "no class for it: the question is about Python" in words
    assert (
        words.count("was not measured on these data; lmreport run bench_") == 2
        and "{python}" not in words
        and "The aim was" not in words
        and "With a larger encoder" not in words
        and "A larger encoder, " not in words
    )
    assert not sum((verify.verify(page, tmp_path).differences for page in pages), [])
