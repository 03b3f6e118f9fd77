"""One model, one story: whatever model a render finds, no answer is about another one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hub
import stories
from lmreport.core.settings import cache_root
from lmreport.data import download
from rendering import ROOT, Page, text

SMALL = {"n_layers": 2, "dim": 96, "hidden_dim": 128}  # of the stand-in's DistilBERT


def rendered(folder: Path, environment: dict, *options: str) -> Path:
    """A copy of the project in `folder` with its graded page rendered; returns the folder."""
    shutil.copytree(
        ROOT / "report",
        folder / "report",
        ignore=shutil.ignore_patterns("index_files", ".jupyter*"),
    )
    [shutil.copy(path, folder) for path in ROOT.glob("_quarto*.yml")]
    done = subprocess.run(
        [sys.executable, "-m", "lmreport", "render", "--renderer", "own", "--to", "html", *options],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def story(folder: Path, cache: Path) -> stories.Story:
    page = folder / "_report" / "report" / "index.html"
    return stories.read(page, folder / "report" / "runs", cache / "runs")


def words(folder: Path) -> str:
    return text(Page(folder / "_report" / "report" / "index.html").tree)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """An environment in which the hub's stand-in gives a small DistilBERT under its real name."""
    home = tmp_path_factory.mktemp("hub")
    with hub.running(hub.distilbert(home / "model", **SMALL)) as (_, environment):
        yield environment | {"HF_HOME": str(home / "hf"), "LMREPORT_CACHE": str(home / "cache")}


@pytest.fixture(scope="module")
def without_gpu(served, tmp_path_factory):
    """The usual student: the hub answers, there is no GPU, MiniLM's runs are the recorded ones."""
    return rendered(tmp_path_factory.mktemp("quick"), served, "--data", "sample")


@pytest.fixture(scope="module")
def other_data(tmp_path_factory):
    """The texts of the sample under other class names, as a data set of one's own."""
    folder = tmp_path_factory.mktemp("data") / "colours"
    names = {"csharp": "blue", "java": "green", "javascript": "red", "python": "yellow"}
    for path in Path(download.obtain("sample").folder).glob("t*/*/*.txt"):
        kept = folder / path.parts[-3] / names[path.parts[-2]]
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, kept)
    return folder


@pytest.mark.slow
def test_without_a_gpu_the_answers_are_about_the_hubs_model_at_quick_scale(without_gpu, served):
    found = story(without_gpu, Path(served["LMREPORT_CACHE"]))
    assert found.contradictions == ()
    assert (found.model, found.scale) == (hub.NAME, "quick")
    said = words(without_gpu)
    assert "The Transformer is DistilBERT, as the assignment asks." in said
    assert (
        said.count("fine-tuned all-MiniLM-L6-v2, and this render loads distilbert-base-uncased")
        == 1
    )
    assert "lmreport run transformer --scale full" in said and "out of reach" not in said
    assert "The recorded studies that stand beside them began with all-MiniLM-L6-v2." in said


@pytest.mark.slow
def test_at_full_scale_the_answers_are_about_the_run_that_the_render_records(
    served, other_data, tmp_path
):
    """As with a GPU, where the scale is full: simulated by asking for it, on a few hundred texts.

    What a GPU changes beside the scale (longer inputs, bf16, its name in the records) is not seen.
    """
    tiny = {"SCALE": "full", "EPOCHS": "1", "LSTM_EPOCHS": "1", "MAX_LENGTH": "32"}
    own = served | {f"LMREPORT_{name}": value for name, value in tiny.items()}
    rendered(tmp_path, own, "--data", str(other_data))
    found = story(tmp_path, Path(served["LMREPORT_CACHE"]))
    assert found.contradictions == ()
    assert (found.model, found.scale) == (hub.NAME, "full")
    assert (tmp_path / "report" / "runs" / f"{found.run}.json").is_file()
    assert "A quick render" not in words(tmp_path)


@pytest.mark.slow
def test_offline_the_answers_are_about_the_committed_runs(tmp_path):
    environment = {n: v for n, v in os.environ.items() if n not in hub.OWN}
    rendered(tmp_path, environment | {"HF_HUB_OFFLINE": "1"}, "--data", "sample")
    found = story(tmp_path, cache_root())  # where the demonstration lies of which the card tells
    assert found.contradictions == ()
    assert (found.model, found.scale) == ("all-MiniLM-L6-v2", "full")


PAGE = """<main><section id="summary"><p>{card}</p><div><div id="tbl-accuracy">
<span data-run="transformer-00000000000000aa lstm-00000000000000cc">89.8%</span></div></div></section>
<section id="sec-6a"><div class="answer"><p>{answer}</p></div></section>
<section id="sec-2a"><div class="answer"><p>The tokenizer of {tokenizer}. {general}</p></div></section></main>"""
HONEST = {
    "card": "The Transformer is DistilBERT, as the assignment asks.",
    "answer": "distilbert-base-uncased gets <span data-run='transformer-00000000000000aa'>90%</span>.",
    "tokenizer": "distilbert-base-uncased",
    "general": "BERT and DistilBERT learn one vector for each of 512 positions.",
}
OTHER = "<span data-run='transformer-00000000000000bb'>90%</span>"


@pytest.mark.parametrize(
    "lie, told",
    [
        ({}, []),
        (
            {"card": "The Transformer is all-MiniLM-L6-v2."},
            ["card: says MiniLM, its numbers are of distilbert-base-uncased"],
        ),
        (
            {"answer": HONEST["answer"].replace("distilbert-base-uncased", "all-MiniLM-L6-v2")},
            ["sec-6a: says MiniLM, its numbers are of distilbert-base-uncased"],
        ),
        (
            {"tokenizer": "MiniLM"},
            ["sec-2a: says MiniLM, its numbers are of distilbert-base-uncased"],
        ),
        (
            {"answer": f"all-MiniLM-L6-v2 gets {OTHER}."},
            ["sec-6a: a number is of transformer-00000000000000bb, the answers are about"],
        ),
        (
            {"answer": f"DistilBERT gets {OTHER}."},
            ["sec-6a: says DistilBERT, its numbers are of all-MiniLM-L6-v2", "sec-6a: a number"],
        ),
    ],
)
def test_the_checker_finds_a_name_or_a_run_that_was_swapped(lie, told, tmp_path):
    (tmp_path / "index.html").write_text(PAGE.format(**HONEST | lie))
    for key, model in {"aa": hub.NAME, "bb": "all-MiniLM-L6-v2", "cc": ""}.items():
        kind = "transformer" if model else "lstm"
        given = f'"model": {{"name": "{model}"}}' if model else '"model": null'
        (tmp_path / f"{kind}-00000000000000{key}.json").write_text(
            f'{{"inputs": {{{given}, "settings": {{"scale": "quick"}}}}}}'
        )
    found = stories.read(tmp_path / "index.html", tmp_path)
    assert found.model == hub.NAME and len(found.contradictions) == len(told)
    for line, begin in zip(found.contradictions, told, strict=True):
        assert line.startswith(begin)
