"""Several pre-trained models at once give one comparison; classes of unequal size are measured
alike.
"""

import dataclasses
import re

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

import families
from lmreport.check import status
from lmreport.core.errors import ReportError
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.display import again
from lmreport.models import architecture, pretrained
from lmreport.reporting import metrics, sentences, tables
from lmreport.reporting.values import on_card
from lmreport.runs import records, train

SMALL = dict(data="sample", scale="quick", train_size=100, test_size=40, max_length=16, epochs=1)


def plain(marked) -> str:
    return re.sub(r"\[([^\]]*)\]\{[^}]*\}", r"\1", str(marked)).replace("\xa0", " ")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of two tiny encoders of different families."""
    made = tmp_path_factory.mktemp("models")
    return [families.save(name, made / name) for name in ("bert", "roberta")]


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))


def test_each_model_is_trained_and_stands_in_one_table(models, monkeypatch, capsys):
    given = ",".join(map(str, models))
    settings, corpus = resolved(load(model=given, **SMALL), "cpu"), download.obtain("sample")
    architecture.all_usable(settings)
    first, beside = train.run("transformer", settings, corpus), train.others(settings, corpus)
    assert [r.label for r in (first, *beside.values())] == ["bert", "roberta"]
    assert first.inputs["model"]["digest"] != next(iter(beside.values())).inputs["model"]["digest"]
    table = tables.encoders({"transformer": first} | beside).data
    assert re.search(r"\| bert ", table) and re.search(r"\| roberta ", table)
    told = plain(sentences.encoders([first, *beside.values()]))
    best = max((first, *beside.values()), key=lambda r: float(metrics.validation_accuracy(r)))
    assert told.startswith(f"Of the 2 encoders, the validation texts choose {best.label}. With ")
    assert plain(sentences.encoders([first])) == ""
    assert plain(on_card.further(beside)).startswith("The [supplement](supplement.html#sec-live)")
    assert "with roberta, fine-tuned alike" in plain(on_card.further(beside))
    assert plain(on_card.further({})) == ""
    monkeypatch.setenv("LMREPORT_MODEL", given)  # what is typed names every model
    assert again.of_settings(load())[-1] == f"--model {given}"
    assert again.of_model(next(iter(beside.values())).inputs["model"]) == [f"--model {models[1]}"]
    status.report(SMALL | {"model": given})
    assert re.search(r"  roberta +fresh ", capsys.readouterr().out)


def test_models_that_a_reader_could_not_tell_apart_are_refused_before_anything_is_trained(
    models, tmp_path
):
    def refused(*names):
        settings = resolved(load(model=",".join(map(str, names)), **SMALL), "cpu")
        with pytest.raises(ReportError) as error:
            architecture.all_usable(settings)
        return str(error.value)

    copy = tmp_path / "a copy"
    copy.mkdir()
    for path in models[0].iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert "are the same weights here; name one once" in refused(models[0], copy)
    other = families.save("electra", tmp_path / "bert")
    assert "are both called 'bert'" in refused(models[0], other)
    absent = refused(models[0], "prajjwal1/bert-tiny")
    assert absent.startswith("model: prajjwal1/bert-tiny cannot be compared")


def made(shares: list[float], sizes: list[int], name="transformer"):
    """A record whose classes have these sizes and shares of right texts; wrong ones take the
    next class.
    """
    labels = np.repeat(np.arange(len(sizes), dtype=np.int8), sizes)
    place = np.concatenate([np.arange(n) for n in sizes])
    right = place < np.repeat(np.array(shares) * sizes, sizes)
    logits = np.eye(len(sizes), dtype=np.float32)[
        np.where(right, labels, (labels + 1) % len(sizes))
    ]
    values = dict(logits=logits, labels=labels, validation_logits=logits, validation_labels=labels)
    values |= dict(train_seconds=1.0, parameters=10)
    corpus = download.Corpus("nowhere", "other", "a test", "0" * 64, title="made")
    given = records.inputs(
        name, resolved(load(scale="quick"), "cpu"), corpus, pretrained.from_package("any")
    )
    return records.write(given, values, records.made_here())


def test_unequal_classes_are_measured_alike_on_the_card():
    record = made([0.9, 0.5, 0.3], [100, 20, 10])
    assert metrics.balanced_accuracy(record) == pytest.approx(
        balanced_accuracy_score(record["labels"], record["logits"].argmax(-1))
    )
    head, _, row = tables.card({"transformer": record}).data.strip().splitlines()[:3]
    assert "balanced" in head and "macro F1" in head and "parameters" not in head
    assert "56.7%" in plain(row)
    told = plain(sentences.of_guessing(record))
    assert told == (
        "The classes have from 10 to 100 test texts, and always naming the largest gets 76.9%; "
        "balanced accuracy and macro F1 count each class alike. The Transformer cannot be told "
        "from always naming one class (76.9%)."
    )


def test_a_time_on_shared_cores_is_an_upper_bound_on_the_card():
    record = made([0.9, 0.8], [100, 100])
    for before, said in ((9, "≤ 1 s"), (1, "| 1 s")):
        busy = record.made | {
            "load_before": before,
            "hardware": record.made["hardware"] | {"cores": 2},
        }
        table = tables.card({"transformer": dataclasses.replace(record, made=busy)}).data
        assert plain(table.strip().splitlines()[2]).endswith(f" {said} |"), table


def test_of_equal_classes_only_a_weak_model_is_told_as_such():
    good = made([0.9, 0.8], [100, 100])
    head = tables.card({"transformer": good}).data.strip().splitlines()[0]
    assert "parameters" in head and "balanced" not in head
    assert plain(sentences.of_guessing(good)) == ""
    weak = made([0.5, 0.5], [100, 100])
    assert plain(sentences.of_guessing(weak)) == (
        "The Transformer cannot be told from always naming one class (50.0%)."
    )
