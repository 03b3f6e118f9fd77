"""Records: written whole, found again by what determines them, and marked when their code has
changed.
"""

import dataclasses
import json

import numpy as np
import pytest

from lmreport.core import files, machine
from lmreport.core.errors import ReportError
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.display import again
from lmreport.experiments import data_audit
from lmreport.models import pretrained
from lmreport.runs import freshness, memo, records, train

CORPUS = download.Corpus("nowhere", "real", "a test", "0" * 64)


@pytest.fixture
def given(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    return records.inputs("tfidf_svm", resolved(load(scale="quick"), "cpu"), CORPUS)


def write(given):
    values = {
        "logits": np.eye(4, dtype=np.float32),
        "labels": np.array([0, 1, 2, 0]),
        "train_seconds": 1.5,
        "train_texts": 30,
        "epochs": 1,
    }
    return records.write(given, values, records.made_here())


def test_a_record_is_found_by_its_inputs_and_only_by_them(given):
    assert records.find(given) is None
    record = write(given)
    found = records.find(given)
    assert (
        found.key == record.key
        and found.rate == 20
        and found.correct.tolist() == [True, True, True, False]
    )
    other = json.loads(json.dumps(given))
    other["settings"]["seed"] += 1
    assert records.find(other) is None


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda p: p.write_text(p.read_text()[:-40]), "cannot be read"),
        (lambda p: p.with_suffix(".npz").unlink(), "lacks its arrays"),
        (
            lambda p: p.write_text(p.read_text().replace('"seed": 157', '"seed": 158')),
            "was altered",
        ),
        (
            lambda p: p.write_text(
                p.read_text().replace('"train_seconds": 1.5', '"train_seconds": 0.5')
            ),
            "was altered",
        ),
        (
            lambda p: p.with_suffix(".npz").write_bytes(p.with_suffix(".npz").read_bytes()[:-40]),
            "arrays cannot be read",
        ),
        (
            lambda p: p.with_suffix(".npz").write_bytes(
                files.pack(
                    {"logits": np.eye(4, dtype=np.float32), "labels": np.array([0, 1, 2, 3])}
                )
            ),
            "was altered",
        ),
    ],
)
def test_damaged_records_are_refused_by_name(given, damage, said):
    record = write(given)
    damage(record.path)
    with pytest.raises(ReportError, match=f"{record.path.name}.*{said}|{said}"):
        records.find(given) or records.read(record.path)


def test_a_change_of_code_is_named(given):
    record = write(given)
    assert freshness.reasons(record) == []
    then = record.code["parts"]
    other = dataclasses.replace(
        record, code={"fingerprint": "f" * 16, "parts": then | {"models.linear.fit": "another"}}
    )
    assert freshness.reasons(other) == ["models/linear.py changed in `fit`"]


@pytest.mark.parametrize(
    "given, said",
    [
        ({}, "--scale quick --data … --force"),
        ({"scale": "full"}, "--scale full --data … --force"),
        ({"seed": 3, "lstm_epochs": 2}, "--scale quick --data … --seed 3 --lstm-epochs 2 --force"),
    ],
)
def test_the_command_that_makes_a_run_again_names_what_is_not_the_scales_standard(
    given, said, tmp_path, monkeypatch
):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "_quarto.yml").write_text("project: {}\n")
    monkeypatch.chdir(tmp_path)
    settings = resolved(load(**{"scale": "quick"} | given), "cpu")
    made = records.write(
        records.inputs("lstm", settings, CORPUS), {"labels": np.zeros(4)}, records.made_here()
    )
    assert again.options(made) == said


def test_a_copy_without_its_history_can_be_told_its_commit(monkeypatch):
    machine.commit.cache_clear()
    monkeypatch.setenv("LMREPORT_COMMIT", "0123456789ab")
    try:
        assert machine.commit() == "0123456789ab" and load().seed == 157
    finally:
        machine.commit.cache_clear()


def test_full_scale_records_are_of_one_edition_and_whole():
    for name, record in records.full_scale(download.obtain("sample")).items():
        assert record.inputs["data"]["digest"] in download.KNOWN
        assert record["logits"].shape == (8000, 4) and record["labels"].shape == (8000,), name
        assert (
            record["train_texts"] == 6400 and np.bincount(record["labels"]).tolist() == [2000] * 4
        )
        assert np.isfinite(record["logits"]).all()


def test_a_drawing_is_no_part_of_the_experiment_that_it_draws():
    reached = records.CODE.reach(("experiments.concepts.cost", "measured"))
    assert ("experiments.concepts.cost", "measured") in reached and len(reached) > 2
    assert not any(name.startswith("plot") for _, name in reached)


def test_a_damaged_result_of_an_experiment_is_made_again(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    first = data_audit.lengths(str(download.SAMPLE), "x", pretrained.from_package("any").path)
    (path,) = (tmp_path / "experiments").glob("*.npz")
    path.write_bytes(path.read_bytes()[:-40])
    assert files.kept(path) is None
    again = data_audit.lengths(str(download.SAMPLE), "x", pretrained.from_package("any").path)
    assert again.key == first.key and files.kept(path) is not None


def test_a_damaged_record_is_fixed_by_force(given):
    write(given).path.write_text("{")
    with pytest.raises(ReportError, match="delete it"):
        train.once(given, dict, False)
    assert train.once(given, lambda: {"labels": np.zeros(4)}, True)["labels"].shape == (4,)


def test_remembered_results_come_back_and_are_kept_apart_by_arguments(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    calls = []

    @memo.remember
    def square(x, shift=0):
        calls.append(x)
        return {"values": np.arange(3) * x + shift, "name": "é", "list": [1, 2.5]}

    first, again = square(2), square(x=2, shift=0)
    assert (
        calls == [2]
        and again["values"].tolist() == first["values"].tolist() == [0, 2, 4]
        and again["name"] == "é"
    )
    assert square(2, 1)["values"].tolist() == [1, 3, 5] and calls == [2, 2]
