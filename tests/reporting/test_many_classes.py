"""What 2 and 200 classes look like: tables of few rows, errors that can be read, short lists."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lmreport.core import listing
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.display import style
from lmreport.models import pretrained
from lmreport.reporting import figures, notices, sentences, tables
from lmreport.reporting.values import on_evaluation
from lmreport.runs import records


@pytest.fixture
def made(monkeypatch, tmp_path):
    """A function that gives a record of `classes` classes and their names."""
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    corpus = download.Corpus("nowhere", "other", "a test", "0" * 64, title="made")

    def make(classes: int):
        rng = np.random.default_rng(classes)
        labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 800)])
        logits = rng.normal(size=(len(labels), classes))
        logits[np.arange(len(labels)), labels] += 3
        given = records.inputs("tfidf_svm", resolved(load(scale="quick", seed=classes)), corpus)
        values = {"logits": logits, "labels": labels, "train_seconds": 1.0}
        values["question_probabilities"] = np.full((2, classes), 1 / classes).tolist()
        record = records.write(given, values, records.made_here())
        return record, [f"class number {i:03}" for i in range(classes)]

    return make


def rows(table) -> list[str]:
    """The rows of a pipe table, without its head."""
    return [line for line in table.data.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("classes, most", [(2, 2), (24, 24), (25, 24), (200, 24)])
def test_tables_of_many_classes_show_both_ends(made, classes, most):
    from datasets import ClassLabel, Dataset

    record, names = made(classes)
    scored = rows(tables.per_class({"tfidf_svm": record}, names))
    assert len(scored) == most + (classes > 24)
    assert any(f"{classes - 24} others, between these" in row for row in scored) == (classes > 24)
    facts = {"tags": names, "blank": dict.fromkeys(names, 0.0)}
    facts |= {"named": {name: i / classes for i, name in enumerate(names)}}
    facts |= {key: dict.fromkeys(names, 9) for key in ("texts", "median_words", "longest_words")}
    audited = rows(tables.audit(facts, ["some text"]))
    assert len(audited) == most + (classes > 24)
    assert any(f"{classes - 24} others, named no" in row for row in audited) == (classes > 24)
    part = Dataset.from_dict({"labels": record["labels"]}).cast_column(
        "labels", ClassLabel(names=names)
    )
    counted = rows(tables.splits({"train": part, "test": part}, names))
    assert len(counted) == most + 1 + (classes > 24)
    assert any(f"{classes - 24} others" in row for row in counted) == (classes > 24)
    assert len(rows(tables.pairs(record, names))) <= 6
    assert len(rows(tables.questions([record], names))) == 2


def test_a_class_that_is_never_predicted_has_no_precision(made):
    record, names = made(2)
    never = record.values | {"logits": np.tile([1.0, 0.0], (len(record["labels"]), 1))}
    first, second = rows(
        tables.per_class({"one": dataclasses.replace(record, values=never)}, names)
    )
    assert " – |" in second and " – |" not in first


@pytest.mark.parametrize("length, columns", [(5, 6), (9, 5), (200, 1)])
def test_as_many_probabilities_as_fit_and_each_beside_its_class(made, length, columns):
    record, _ = made(20)
    names = [f"{i:02}".ljust(length, "x") for i in range(20)]
    drawn = tables.questions([record], names).data
    head = drawn.splitlines()[0].split("|")[1:-1]
    assert len(head) == columns + 2
    assert drawn.count("x\u00a0") == 2 * columns  # no line breaks between a name and its number


def test_the_ends_are_the_largest_and_the_smallest():
    shown, others = tables.ends(np.arange(200) % 150)
    assert shown[:2] == [149, 148] and {shown[-1], shown[-2]} == {0, 150}
    assert sorted(shown + others) == list(range(200))


@pytest.mark.parametrize("classes, cells", [(2, 4), (25, 0), (26, 0), (200, 0)])
def test_errors_of_many_classes_are_bars_and_their_words_do_not_touch(made, classes, cells):
    record, names = made(classes)
    draw = figures.plot_confusion.__wrapped__
    with plt.rc_context():
        style.use()
        drawn = draw({"one": record, "two": dataclasses.replace(record)}, names)
        drawn.draw_without_rendering()
    for axes in drawn.axes:
        bars = [patch for patch in axes.patches if patch.get_width()]
        assert (0 < len(bars) <= figures.MOST_PAIRS) == (classes > figures.MOST_IN_MATRIX)
        assert not cells or len(axes.texts) == cells
        boxes = [one.get_window_extent() for one in axes.get_yticklabels() if one.get_text()]
        boxes.sort(key=lambda box: box.y0)
        assert all(a.y1 <= b.y0 + 1 for a, b in zip(boxes, boxes[1:], strict=False))
        below = [one.get_window_extent() for one in axes.get_xticklabels() if cells]
        assert all(a.x1 <= b.x0 + 1 for a, b in zip(below, below[1:], strict=False))
        right = max(one.get_window_extent().x1 for one in (axes.title, axes.xaxis.label))
        assert min(box.x0 for box in boxes) >= -1  # nothing runs off the page
        assert not bars or right <= drawn.bbox.x1 + 1
    assert drawn.get_size_inches()[0] == style.WIDTH


def test_a_training_too_short_for_its_log_is_said_to_have_no_loss(made):
    record, _ = made(2)
    history = [{"epoch": 1.0, "eval_loss": 0.7, "eval_accuracy": 0.5}]
    short = dataclasses.replace(record, values=record.values | {"history": history})
    lstm = {"history": {"loss": [0.7, 0.6], "val_accuracy": [0.5, 0.6]}, "label": "LSTM"}
    lstm = dataclasses.replace(record, values=record.values | lstm)
    drawn = figures.plot_training.__wrapped__({"transformer": short, "lstm": lstm})
    left, right = drawn.axes
    assert left.get_title() == "TF-IDF + SVM: no loss was logged"
    assert len(left.texts) == 1 and len(right.texts) == 2  # the curves that are there
    logged = [{"epoch": 0.5, "loss": 1.0}, {"epoch": 1.0, "loss": 0.9}, *history]
    long = dataclasses.replace(record, values=record.values | {"history": logged})
    drawn = figures.plot_training.__wrapped__({"transformer": long, "lstm": lstm})
    assert not drawn.axes[0].get_title()


def test_names_that_begin_alike_stay_apart():
    assert figures.middle_cut("class number 017 of all") != figures.middle_cut(
        "class number 018 of none"
    )
    assert figures.middle_cut("short") == "short"


@pytest.mark.parametrize("classes", [2, 200])
def test_sentences_and_notices_stay_short(made, classes):
    record, names = made(classes)
    corpus = download.Corpus("nowhere", "other", "a test", "0" * 64, title="made")
    said = notices.notices(corpus, pretrained.from_package("any"), names, False).data
    assert ("and 180 more" in said) == (classes == 200) and len(said) < 3000
    assert f"texts of {classes} classes" in said
    worst = on_evaluation.of_confusion(record, names)
    assert str(worst.error).startswith("The Transformer’s most frequent error")
    assert sentences.commonest(record, names)


def test_lists_are_cut_where_nobody_would_read_on():
    assert listing.some(["a", "b"]) == "a, b"
    assert listing.some([str(i) for i in range(30)]).endswith("18, 19 and 10 more")
    assert listing.by_number({"a": 1200, "b": 3}) == "a 1,200, b 3"
    many = {f"c{i}": i + 1 for i in range(200)}
    assert listing.by_number(many) == "200 classes, from 1 (c0) to 200 (c199)"


def test_times_and_rates_are_bounds_where_other_work_shared_the_cores(made):
    record, _ = made(2)
    more = {"parameters": 9, "epochs": 1, "predict_seconds": 0.5, "train_texts": 10}
    more |= {"test_texts": 8, "validation_logits": record["logits"]}
    more |= {"validation_labels": record["labels"]}
    record = dataclasses.replace(record, values=record.values | more)

    def shown(load):
        cores = record.made["hardware"]["cores"]
        busy = dataclasses.replace(record, made=record.made | {"load_before": cores + load})
        made = [tables.times({"a": busy}), tables.encoders({"a": busy}), tables.origins([busy])]
        return [table.data for table in made]

    times, encoders, origins = shown(0.04)
    assert times.count("≤") == times.count("≥") == 2 and encoders.count("≤") == 1
    assert f"{record.made['hardware']['cores']}.04" in origins
    times, encoders, origins = shown(-0.04)
    assert "≤" not in times + encoders and "≥" not in times
    assert f"{record.made['hardware']['cores'] - 1}.96" in origins


def test_settings_say_all_where_all_texts_are_used_and_nothing_of_no_other_models():
    given = resolved(load(scale="quick", train_size=0, test_size=5), "cpu")
    cells = [row.split("|")[1:3] for row in rows(tables.settings(given))]
    shown = {name.strip(): value.strip() for name, value in cells}
    assert shown["train&#95;size"] == "all" and shown["test&#95;size"] == "5"
    assert "also" not in shown and all(shown.values())
