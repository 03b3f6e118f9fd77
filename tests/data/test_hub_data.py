"""Data sets from a stand-in of the hub on loopback: fetched once with their commit, found again
without it, or refused in one sentence; real processes.
"""

import re
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest

import hub as stand_in
from lmreport.cli import doctor
from lmreport.core.errors import ReportError
from lmreport.core.settings import load
from lmreport.data import download, hub
from lmreport.models import pretrained
from lmreport.publish import citation_metadata
from lmreport.reporting import notices

ROOT = Path(__file__).parents[2]
CLASSES = ["World", "Sports", "Sci/Tech"]
COMMIT = "b" * 40
CARD = """---
configs:
- config_name: {0}
  data_files:
  - {{split: train, path: data/train.parquet}}
  - {{split: validation, path: data/validation.parquet}}
  - {{split: test, path: data/test.parquet}}
  - {{split: unsupervised, path: data/unsupervised.parquet}}
{1}---
A small data set.
"""
SECOND = "- {config_name: second, data_files: [{split: train, path: data/train.parquet}]}\n"


def table(folder: Path, number: int, word: str, hidden: bool = False) -> bytes:
    """A parquet file of `number` texts of each class, with a column that is none of the two."""
    from datasets import ClassLabel, Dataset

    rows = [
        {"text": f"{word} {i} about {name}", "label": -1 if hidden else at, "id": i}
        for i in range(number)
        for at, name in enumerate(CLASSES)
    ]
    found = Dataset.from_list(rows).cast_column("label", ClassLabel(names=CLASSES))
    found.to_parquet(folder / "one.parquet")
    return (folder / "one.parquet").read_bytes()


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    return {
        "data/train.parquet": table(folder, 60, "train"),
        "data/validation.parquet": table(folder, 25, "validation"),
        "data/test.parquet": table(folder, 30, "test"),
        "data/unsupervised.parquet": table(folder, 5, "more", hidden=True),
    }


@pytest.fixture
def served(tables, tmp_path):
    """(Hub, environment) with data sets `acme/news` (one configuration), `acme/two` (two, and no
    labels of the test texts), `acme/code` (read by its own code) and `acme/none`.
    """
    with stand_in.running() as (hub, environment):
        hub.datasets = {
            "acme/news": (
                COMMIT,
                tables | {"README.md": CARD.format("default", "license: cc-by-4.0\n").encode()},
            ),
            "acme/two": (
                "c" * 40,
                tables
                | {"README.md": CARD.format("first", SECOND).encode()}
                | {"data/test.parquet": tables["data/unsupervised.parquet"]},
            ),
            "acme/code": ("d" * 40, {"README.md": b"text", "code.py": b"raise SystemExit(3)"}),
            "acme/none": ("e" * 40, {"README.md": b"text"}),
        }
        yield (
            hub,
            environment
            | {"HF_HOME": str(tmp_path / "hf"), "LMREPORT_CACHE": str(tmp_path / "cache")},
        )


def data(environment, source, **more):
    """What `lmreport data` says of `source`: its output, or the sentence that refuses."""
    done = subprocess.run(
        [sys.executable, "-m", "lmreport", "data", "--data", source],
        env=environment | more,
        text=True,
        capture_output=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr.strip().splitlines()[-1] if done.returncode else done.stdout


@pytest.mark.parametrize(
    "environment, said",
    [
        ({"ALL_PROXY": "socks://127.0.0.1:9"}, "write ALL_PROXY and HTTPS_PROXY as http://"),
        ({"SSL_CERT_FILE": "/nowhere.pem"}, "unset SSL_CERT_FILE, which names no file"),
    ],
)
def test_the_refusal_itself_says_what_keeps_this_machine_from_asking(served, environment, said):
    """And not only a line before it, while the refusal speaks of a network that is there."""
    refused = data(served[1], "hf:acme/news", **environment)
    assert said in refused and "no copy of it" in refused and "try again where" not in refused


def test_it_is_fetched_once_with_its_commit_and_found_again_without_the_hub(
    served, tmp_path, monkeypatch
):
    hub, environment = served
    said = data(environment, "hf:acme/news")
    assert f"acme/news of the Hugging Face hub, configuration default, commit {COMMIT}" in said
    assert "Sci∕Tech 85, Sports 85, World 85" in said and "test    90 texts" in said, said
    assert "joined" in said and "the split 'unsupervised' was left out" in said
    monkeypatch.setenv("LMREPORT_CACHE", environment["LMREPORT_CACHE"])
    found = download.at_hand("hf:acme/news")
    told = notices.notices(found, pretrained.from_package("any"), CLASSES, False).data
    assert f"commit {COMMIT}" in told and "was left out" in told
    assert f"commit {COMMIT}, licence cc-by-4.0" in said and "licence cc-by-4.0" in told
    render = {"settings": {"data": "hf:acme/news"}, "at hand": {"data": found.digest[:12]}}
    cited = citation_metadata.own(ROOT, render).data
    assert cited == f"acme/news of the Hugging Face hub ({found.digest[:12]}), licence cc-by-4.0"
    render["at hand"]["data"] = "0" * 12  # another edition than the one fetched here
    assert "licence" not in citation_metadata.own(ROOT, render).data
    hub.asked.clear()
    assert data(environment, "hf:acme/news") == said and hub.asked == []
    again = data(environment, "hf:acme/news", LMREPORT_CACHE=str(tmp_path / "new"),
                 HF_HUB_OFFLINE="1")  # fmt: skip
    assert hub.asked == []
    assert re.findall("digest.*", again) == re.findall("digest.*", said) and COMMIT in again
    other = data(environment, "hf:acme/news?revision=" + "f" * 40, HF_HUB_OFFLINE="1")
    assert "is of commit " + COMMIT in other, other


def test_without_the_hub_and_without_a_copy_it_is_one_sentence(served):
    hub, environment = served
    for more in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        said = data(environment, "hf:acme/news", **more)
        assert said.startswith("lmreport: data: the hub cannot be asked for 'acme/news'"), said
        assert "no copy of it is on this machine" in said
        assert ("unset HF_HUB_OFFLINE" in said) == ("HF_HUB_OFFLINE" in more), said
    assert hub.asked == []


def test_why_a_hub_that_answers_gives_nothing_is_told(served):
    hub, environment = served
    hub.tokens = False
    said = data(environment, "hf:acme/news", HF_TOKEN="hf_old")
    start = (
        "lmreport: data: the hub cannot be asked for 'acme/news' (no copy of it is on this machi"
    )
    assert said.startswith(start) and "correct it, or unset HF_TOKEN, or give the texts as" in said
    hub.status = 429
    said = data(environment, "hf:acme/news")
    assert (
        said.startswith(start) and "it answers 429" in said and "wait some minutes, or give" in said
    )

    hub.status, hub.without = 0, "X-Repo-Commit"  # as a mirror may
    said = data(environment, "hf:acme/news")
    assert said.startswith(start) and "does not send X-Repo-Commit with each file as the" in said
    assert "set HF_ENDPOINT to a mirror that does, or give the texts as a file" in said


@pytest.mark.parametrize(
    "answer", [{"portal": b"<html>Log in to this network</html>"}, {"without": "ETag"}]
)
def test_whatever_answers_for_the_hub_the_copy_is_taken(served, tmp_path, answer):
    hub, environment = served
    said = data(environment, "hf:acme/news")
    vars(hub).update(answer)
    again = data(environment, "hf:acme/news", LMREPORT_CACHE=str(tmp_path / "new"))
    assert re.findall("digest.*", again) == re.findall("digest.*", said), again


def test_configuration_splits_and_columns_are_taken_as_named(served):
    _, environment = served
    said = data(environment, "hf:acme/two")
    assert "has the configurations first, second; write hf:acme/two?config=NAME" in said, said
    said = data(environment, "hf:acme/two?config=third")
    assert "no configuration 'third', only first, second" in said, said
    said = data(environment, "hf:acme/two?config=first&test=validation&text=text&label=label")
    assert "configuration first" in said and "test    75 texts" in said, said
    said = data(environment, "hf:acme/two?config=first&test=dev")
    assert "no split 'dev' of its own for test, only train, validation, test" in said, said
    said = data(environment, "hf:acme/two?config=first&text=body")
    assert "acme/two, train has no column 'body', only text, label, id" in said, said


@pytest.mark.parametrize(
    "name, said",
    [
        ("acme/code", "is read by code of its own, which is not run here"),
        ("acme/none", "holds no table that Datasets reads"),
        ("acme/nowhere", "the hub knows no data set 'acme/nowhere'"),
        ("members/only", "only to members who accepted its terms"),
        ("acme/news?revision=old", "has no revision 'old'"),
        ("acme/news?split=a", "'split' in 'hf:acme/news?split=a' is not understood; write hf:"),
        ("a b", "names no data set of the hub; write hf:OWNER/NAME"),
        ("acme/news@main", "write hf:OWNER/NAME?revision=COMMIT"),
    ],
)
def test_what_the_hub_does_not_give_is_one_sentence(served, name, said):
    assert said in data(served[1], f"hf:{name}")


@pytest.mark.parametrize(
    "head, named",
    [
        ("license: mit", "mit"),
        ("license: [cc-by-4.0, mit]", "cc-by-4.0, mit"),
        ("license: other\nlicense_name: acme-terms", "acme-terms"),
        ("license: unknown", ""),
        ("license: {a: '<b>'}", ""),
        ("license: [", ""),
        ("tags: [a]", ""),
    ],
)
def test_the_licence_is_what_the_card_names(tmp_path, monkeypatch, head, named):
    (tmp_path / "README.md").write_text(f"---\n{head}\n---\ntext\n")
    kept = str(tmp_path / "README.md")
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **more: kept)
    assert hub.licence("acme/news", COMMIT) == named


def test_wrong_bytes_are_refused_and_fetched_anew(served, tables):
    hub, environment = served
    inside_a_text = len(tables["data/train.parquet"]) - tables["data/train.parquet"].index(b"about")
    for hub.forge in (1, inside_a_text):
        said = data(environment, "hf:acme/news")
        assert ".parquet of 'acme/news' came damaged from the hub" in said, said
    hub.forge = 0
    assert "train   255 texts" in data(environment, "hf:acme/news")


def test_the_doctor_knows_what_is_fetched_and_what_is_miswritten(tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    monkeypatch.setenv("LMREPORT_DATA", "hf:acme/news")
    assert doctor.data()[:2] == (None, "data: hf:acme/news is not fetched yet")
    monkeypatch.setenv("LMREPORT_DATA", "hf:acme/news?split=a")
    assert doctor.data()[0] is False and "'split'" in doctor.data()[1]


def test_parts_are_told_apart_by_name_and_by_what_was_asked():
    from datasets import Dataset

    one, bare = (Dataset.from_dict({"text": ["a"], "label": [label]}) for label in (0, -1))
    found = {"train": one, "test": bare, "validation": one, "unsupervised": one}
    taken, done = hub.parts_of(found, "x", {})
    assert taken == {"train": "train", "validation": "validation"}
    assert done == [
        "the split 'unsupervised' was left out",
        "the split 'test' was left out, for it has no labels",
    ]
    taken, _ = hub.parts_of(found, "x", {"test": "validation"})
    assert taken == {"validation": "test", "train": "train"}
    with pytest.raises(ReportError, match=r"\(all\) is called train; say which"):
        hub.parts_of({"all": one}, "x", {})
    assert hub.parts_of({"all": one}, "x", {"train": "all"})[0] == {"all": "train"}


def test_a_bare_name_of_the_hub_gets_a_hint_and_a_path_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source in ("fancyzhx/ag_news", "https://huggingface.co/datasets/fancyzhx/ag_news"):
        with pytest.raises(ReportError, match="is written hf:fancyzhx/ag_news"):
            download.obtain(source)
    for source in ("texts/reviews.csv", "./texts/reviews", "reviews"):
        with pytest.raises(ReportError) as caught:
            download.obtain(source)
        assert "hf:" not in str(caught.value)
    (tmp_path / "hf:acme").mkdir()
    assert load(tmp_path, {}, data="hf:acme").data == "hf:acme"  # never a path
