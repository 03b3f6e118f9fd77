"""A number's span tells when it was made and by which command it is made again."""

import html
import itertools
import json
import re
import shlex

import pytest

from lmreport.core import machine
from lmreport.core.settings import load, resolved
from lmreport.data.corpus import Corpus
from lmreport.display import again, markdown, traced
from lmreport.experiments.bench import main
from lmreport.models import pretrained
from lmreport.reporting import metrics
from lmreport.reporting.values import named
from lmreport.runs import memo, records
from lmreport.runs.kinds import BENCHES, KINDS


@memo.remember
def measured(size: int) -> dict:
    return {"share": 0.25, "size": size}


def attributes(shown) -> dict[str, str]:
    return dict(re.findall(r'(data-[a-z]+)="([^"]*)"', html.unescape(str(shown.markdown))))


@pytest.fixture
def runs():
    return {r.name: r for r in records.all_records() if r.name in ("tfidf_svm", "lstm")}


def test_of_one_run_and_of_two(runs):
    told = attributes(markdown.pct(metrics.accuracy(runs["lstm"])))
    assert told["data-made"] == runs["lstm"].made["date"][:10]
    assert told["data-again"] == f"lmreport run lstm {again.options(runs['lstm'])}"
    both = runs["lstm"]["train_seconds"] - runs["tfidf_svm"]["train_seconds"]
    told = attributes(markdown.duration(both))
    dates = sorted(run.made["date"][:10] for run in runs.values())
    assert told["data-made"] == " to ".join(dict.fromkeys(dates))
    assert set(told["data-again"].split()) >= {"lstm", "tfidf_svm", "--force"}


def test_of_a_remembered_experiment(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    found = measured(3)
    with traced.made_from([found]):
        told = attributes(markdown.pct(found["share"]))
    assert told["data-run"] == f"{found.name}-{found.key}"
    assert told["data-made"] == machine.now()[:10]
    assert told["data-again"] == f"lmreport run {found.name} --force"


def test_of_a_number_that_the_render_computes_and_of_one_of_which_nothing_is_known():
    @named
    def values():
        return dict(share=markdown.pct(0.5), said=traced.fill("{} of all", markdown.count(3)))

    told = attributes(values().share)
    assert told["data-again"] == again.render() and told["data-made"] == machine.now()[:10]
    assert 'data-code="' in values().said and "values(…)" in values().said
    assert set(attributes(markdown.pct(0.5))) == {"data-value", "data-as"}


def test_the_command_of_a_bench_sets_what_the_record_was_measured_with():
    benches = [one for one in records.all_records() if one.name in BENCHES]
    told = {one.key: shlex.split(again.options(one)) for one in benches}
    for one in benches:
        words = told[one.key]
        wanted = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
        sizes = KINDS[one.name].sizes[one.device]
        made_with = sizes | main.chosen(wanted, sizes)
        given = {name: size for name, size in made_with.items() if size is not None}
        assert given.items() <= one.inputs["settings"].items()
    encoders = [told[one.key] for one in benches if one.name == "bench_encoder"]
    assert len({tuple(words) for words in encoders}) == len(encoders) > 1


def test_the_command_of_a_study_sets_what_the_model_that_it_is_about_was_trained_with(
    monkeypatch, tmp_path
):
    (tmp_path / "_quarto.yml").write_text("project: {}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    corpus = Corpus("nowhere", "real", "a test", "0" * 64)
    settings = resolved(load(scale="quick", max_length=64, epochs=1), "cpu")

    def made(name):
        given = records.inputs(name, settings, corpus, pretrained.from_package("any"))
        return records.write(given, {"device": "cpu"}, records.made_here())

    made("transformer")
    for study in ("ablation", "heads_removed"):  # the second cuts texts elsewhere for itself
        words = again.options(made(study)).split()
        assert {("--max-length", "64"), ("--epochs", "1")} <= set(itertools.pairwise(words))


def test_the_command_for_a_model_that_reads_less_names_its_length(tmp_path):
    for most, said in ((128, ["--max-length 128"]), (512, [])):
        config = {"model_type": "bert", "max_position_embeddings": most}
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert again.of_length(str(tmp_path), "full") == said


def test_the_command_that_renders_again_has_all_settings(monkeypatch):
    monkeypatch.setenv("LMREPORT_EPOCHS", "1")
    monkeypatch.setenv("LMREPORT_TRAIN_SIZE", "60")
    assert "--train-size 60 --epochs 1 --force" in again.render()
