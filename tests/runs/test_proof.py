"""Proofs: a record follows a change of its code only where its probe gives the same bytes."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.experiments import probes
from lmreport.runs import proof, records
from lmreport.runs.kinds import KINDS, MODELS

ROOT = Path(__file__).resolve().parents[2]
CORPUS = download.Corpus("nowhere", "real", "a test", "0" * 64)


def test_every_link_of_a_chain_begins_where_the_one_before_ended():
    chained = [record for record in records.all_records("full") if record.chain]
    assert len(chained) > 10
    for record in chained:
        ends = [link["to"] for link in record.chain]
        assert [link["from"] for link in record.chain[1:]] == ends[:-1], record.path.name
        assert ends[-1] == record.code["fingerprint"], record.path.name


def test_the_commits_that_a_chain_names_are_in_the_history():
    if git("rev-parse", "--is-shallow-repository") != "false":
        pytest.skip("no history")
    commits = {link["commit"] for record in records.all_records("full") for link in record.chain}
    assert [one for one in sorted(commits) if git("cat-file", "-t", one) != "commit"] == []


def git(*arguments):
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def old(monkeypatch, tmp_path):
    """A record whose code has changed since it was written."""
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    given = records.inputs("tfidf_svm", resolved(load(scale="quick"), "cpu"), CORPUS)
    values = {"logits": np.eye(4, dtype=np.float32), "train_seconds": 1.5}
    made = records.write(given, values, records.made_here())
    made.code["fingerprint"] = "0" * 16
    return records.save(made)


def probed(code, result):
    return {"code": code, "result": result * 64, "versions": {"numpy": "1"}}


def test_a_record_follows_by_equal_bytes_and_keeps_what_it_holds(old, told):
    now = records.code_of("tfidf_svm")
    assert proof.followed(old, "c" * 40, probed("0" * 16, "a"), probed(now["fingerprint"], "a"))
    found = records.read(old.path)
    assert found.code == now and (found.key, found.values, found.made) == (
        old.key,
        old.values,
        old.made,
    )
    (link,) = found.chain
    assert (link["from"], link["to"]) == ("0" * 16, now["fingerprint"])
    assert (link["commit"], link["probe"], link["on"]) == ("c" * 12, "a" * 64, "cpu")
    assert any("follows" in line for line in told)


@pytest.mark.parametrize(
    "then, now, said",
    [
        (probed("0" * 16, "a"), "b", ["a" * 16, "b" * 16]),  # it computes something else
        (probed("1" * 16, "a"), "a", ["0" * 16, "1" * 16]),  # it was never fresh there
    ],
)
def test_without_proof_a_record_stays_stale_and_says_why(old, told, then, now, said):
    before = old.path.read_bytes()
    assert not proof.followed(old, "c" * 40, then, probed("2" * 16, now))
    assert old.path.read_bytes() == before
    assert any("stays stale" in line and all(one in line for one in said) for line in told)


def test_every_kind_has_a_small_run():
    whole = {*MODELS, "ladder", "summit", "ablation"}  # their sizes are those of the settings
    assert whole == {name for name, kind in KINDS.items() if not kind.sizes.get("probe")}


def test_what_the_clock_decides_is_no_part_of_a_probe():
    values = {"logits": np.eye(2), "train_seconds": 1.0, "list": [{"peak_mb": 3, "rows": 4}]}
    later = {"logits": np.eye(2), "train_seconds": 2.0, "list": [{"peak_mb": 5, "rows": 4}]}
    other = later | {"list": [{"peak_mb": 5, "rows": 6}]}
    assert probes.digest(values) == probes.digest(later) != probes.digest(other)


def test_a_probe_sees_a_changed_constant_and_not_a_new_name(tmp_path):
    code = tmp_path / "code"
    package = code / "lmreport"
    shutil.copytree(
        ROOT / "code" / "lmreport", package, ignore=shutil.ignore_patterns("__pycache__")
    )
    first = proof.probed("bag_of_words", ROOT / "code")
    for old, new, same in (
        ("each_class_in_both", "whole_classes", (True, True)),
        ("VALIDATION_SHARE = 0.2", "VALIDATION_SHARE = 0.4", (False, False)),
    ):
        path = package / "data" / "splits.py"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        other = proof.probed("bag_of_words", code)
        assert (other["code"] == first["code"], other["result"] == first["result"]) == same
