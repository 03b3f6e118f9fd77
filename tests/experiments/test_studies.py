"""Recorded studies on a tiny BERT: raw predictions that can be recounted, resumed after a kill,
made once.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import families
import listening
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.data.splits import load_splits, subset
from lmreport.experiments import studies
from lmreport.models import tokenizer
from lmreport.reporting import learning_curve
from lmreport.reporting import studies as study_findings
from lmreport.runs import records, train
from lmreport.runs.kinds import KINDS

SMALL = {
    "learning_curve": dict(sizes=[8, 16], epochs=1, steps=4, max_length=24, texts=24),
    "shuffled_words": dict(texts=32, shuffles=2),
    "heads_removed": dict(texts=16, max_length=24),
    "ablation": {},
    "linear_curve": dict(sizes=[8, 16], texts=24),
}
OPTIONS = dict(
    scale="quick",
    train_size=32,
    test_size=32,
    max_length=24,
    batch_size=8,
    epochs=1,
    learning_rate=1e-3,
)


@pytest.fixture(scope="module", autouse=True)
def small():
    with pytest.MonkeyPatch.context() as patch:
        for name, sizes in SMALL.items():
            patch.setitem(KINDS[name].sizes, "quick", sizes)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cache of its own with the splits of the sample in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMREPORT_CACHE", str(tmp_path_factory.mktemp("cache")))
        load_splits(download.obtain("sample"), 157)
        yield Path(os.environ["LMREPORT_CACHE"])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A two-layer BERT of width 32 with weights so large that each head matters."""
    return families.tiny_bert(tmp_path_factory.mktemp("tiny"), initializer_range=0.7)


@pytest.fixture(scope="module")
def settings(tiny):
    return resolved(load(model=str(tiny), **OPTIONS), "cpu")


def made(name, settings):
    with listening.lines() as told:
        return studies.run(name, settings, download.obtain("sample")), told


def test_the_learning_curve_keeps_what_its_numbers_come_from(folder, settings):
    record, told = made("learning_curve", settings)
    assert [(p["way"], p["size"]) for p in record["points"]] == [
        (way, size) for size in (8, 16) for way in ("fine-tuned", "frozen", "from scratch")
    ]
    for point, predicted in zip(record["points"], record["predicted"], strict=True):
        assert point["accuracy"] == (predicted == record["labels"]).mean()
    assert sum("test accuracy" in line for line in told) == 6
    again, told = made("learning_curve", settings)
    assert told == [] and again.key == record.key and not list((folder / "studies").glob("*/*"))
    assert {p["way"] for p in record["points"]} == {way for way, _ in learning_curve.curve(record)}


def test_the_linear_model_learns_from_the_texts_that_the_others_had(folder, settings):
    from lmreport.experiments.concepts import foundation
    from lmreport.models import linear

    record, told = made("linear_curve", settings)
    curve, splits = made("learning_curve", settings)[0], load_splits(download.obtain("sample"), 157)
    assert [p["size"] for p in record["points"]] == [8, 16] and len(told) == 3
    assert (record["labels"] == curve["labels"]).all()
    for point, predicted in zip(record["points"], record["predicted"], strict=True):
        part = splits["train"].select(
            foundation.subset(splits["train"]["labels"], point["size"], 157)
        )
        test = subset(splits["test"], 24, 157)
        again = linear.tfidf_svm(157).fit(part["text"], part["labels"]).predict(list(test["text"]))
        assert (again == predicted).all() and point["accuracy"] == (
            predicted == np.array(test["labels"])
        ).mean()


def test_in_order_the_fine_tuned_model_predicts_what_its_own_record_says(folder, settings):
    record, _ = made("shuffled_words", settings)
    own = train.run("transformer", settings, download.obtain("sample"))
    assert record.inputs["tuned"] == own.key
    assert (
        record["orders"][0] == "in order"
        and (record["predicted"][0] == own["logits"].argmax(-1)).all()
    )
    assert len(record["orders"]) == len(record["predicted"]) == 6
    assert (record["predicted"][1:] != record["predicted"][0]).any(), (
        "no order of the words changes anything"
    )


def test_words_are_shuffled_inside_their_windows_only():
    words = [str(i) for i in range(20)]
    mixed = studies.in_windows(words, 5, np.random.default_rng(0))
    assert mixed != words and [sorted(mixed[i : i + 5], key=int) for i in range(0, 20, 5)] == [
        words[i : i + 5] for i in range(0, 20, 5)
    ]
    assert studies.in_windows([], 0, np.random.default_rng(0)) == []


def test_only_words_before_the_cut_take_part(tiny):
    texts = ["how do i sort a list of dictionaries by value in python please", "short"]
    cut = studies.visible(texts, str(tiny), 8)
    assert texts[0].startswith(cut[0]) and len(cut[0].split()) == 6 and cut[1] == "short"


def test_a_removed_head_is_one_whose_output_counts_for_nothing(folder, settings):
    import torch
    from transformers import AutoModelForSequenceClassification

    record, _ = made("heads_removed", settings)
    weights = train.fine_tuned(train.run("transformer", settings, download.obtain("sample")))
    test = subset(load_splits(download.obtain("sample"), 157)["test"], 16, 157)
    inputs = tokenizer.load_tokenizer(str(weights))(
        list(test["text"]), truncation=True, max_length=24, padding=True, return_tensors="pt"
    )

    def predictions(*columns):
        model = AutoModelForSequenceClassification.from_pretrained(weights).eval()
        with torch.no_grad():
            for layer, start, end in columns:
                model.bert.encoder.layer[layer].attention.output.dense.weight[:, start:end] = 0
            return model(**inputs).logits.argmax(-1).numpy()

    assert np.mean(record["whole"] == predictions()) > 0.9  # the study may compute in bf16
    assert np.mean(record["predicted"][1, 1] == predictions((1, 16, 32))) > 0.9
    assert np.mean(record["layers"][0] == predictions((0, 0, 32))) > 0.9
    assert (record["predicted"] != record["whole"]).any() and record["predicted"].shape == (
        2,
        2,
        16,
    )


def test_ablation_has_a_fall_of_the_logit_for_each_piece(folder, settings):
    record, _ = made("ablation", settings)
    for found in study_findings.seen(record):
        assert (
            len(found["tokens"])
            == len(found["attention"])
            == len(found["effect"])
            == len(found["all_tokens"]) - 2
        )
        assert found["weights"].sum(-1) == pytest.approx(1, abs=1e-4)
        assert found["most"] == found["attention"].argmax()


def test_what_the_report_says_of_the_studies_can_be_recomputed_another_way(folder, settings):
    from lmreport.check.numbers import recompute

    curve, mixed, headless, ablated, linear = (made(name, settings)[0] for name in SMALL)
    said = [
        *learning_curve.curve(curve).values(),
        *study_findings.shuffled_falls(mixed),
        *study_findings.layer_falls(headless),
        study_findings.p_between(mixed, "predicted.0", "predicted.4"),
        study_findings.margin(mixed, "predicted.0", "predicted.4"),
        study_findings.rank_correlation(ablated, "attention_0", "effect_0"),
        study_findings.entry(ablated, "effect_1.0"),
        study_findings.rank_p(ablated, "attention_0", "effect_0"),
        study_findings.rank_p(ablated, "from_first_1", "effect_1"),
        study_findings.mean_size_but(ablated, "effect_0", 2),
        study_findings.column_mean(ablated, "weights_1", 0),
        study_findings.column_mean(ablated, "weights_0", -1),
        study_findings.p_across(curve, "predicted.0", linear, "predicted.0"),
        study_findings.heads_within_chance(headless),
        study_findings.heads_better_removed(headless),
    ]
    loaded = {r.symbol: recompute.load(r.path) for r in (curve, mixed, headless, ablated, linear)}
    for number in said:
        assert recompute.evaluated(number.expression, loaded) == pytest.approx(
            float(number), abs=1e-9
        ), number.expression


CURVE = """
import os, sys
from lmreport.data import download
from lmreport.experiments import studies
from lmreport.runs.kinds import KINDS
from lmreport.core.settings import load, resolved
KINDS["learning_curve"].sizes["quick"] = {small!r}
record = studies.run("learning_curve", resolved(load(model={model!r}, **{options!r}), "cpu"), download.obtain("sample"))
print(record.path)
"""


def start(code, cache):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"LMREPORT_CACHE": str(cache)},
    )


@pytest.mark.slow
def test_a_killed_learning_curve_goes_on_after_its_last_point(folder, tiny, settings):
    # Another seed of the batches than above, so that there is no record yet.
    options = OPTIONS | {"learning_rate": 2e-3}
    code = CURVE.format(small=SMALL["learning_curve"], model=str(tiny), options=options)
    victim, until = start(code, folder), time.time() + 200
    while len(kept := list((folder / "studies").glob("learning_curve-*/*-*.npz"))) < 2:
        assert time.time() < until and victim.poll() is None, victim.communicate()
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert not [
        r for r in records.all_records("quick") if r.inputs["settings"].get("learning_rate") == 2e-3
    ]
    stamps = {p: p.stat().st_mtime_ns for p in kept}
    other = resolved(load(model=str(tiny), **options), "cpu")
    seen = []
    with listening.lines(lambda: seen.append({p: p.stat().st_mtime_ns for p in stamps})):
        resumed = studies.run("learning_curve", other, download.obtain("sample"))
    assert len(seen) > 2 and all(one == stamps for one in seen), "a finished point was made again"
    undisturbed = studies.run("learning_curve", other, download.obtain("sample"), force=True)
    assert (
        resumed["predicted"] == undisturbed["predicted"]
    ).mean() > 0.95  # threads may add in another order


ONE = """
from lmreport.core import progress
from lmreport.data import download
from lmreport.runs import train
from lmreport.core.settings import load, resolved
progress.show()
record = train.run("bag_of_words", resolved(load(scale="quick", train_size=40, test_size=40), "cpu"),
                   download.obtain("sample"))
print(record.path)
"""


def test_two_processes_that_want_the_same_run_make_it_once(folder):
    both = [start(ONE, folder) for _ in range(2)]
    said = [process.communicate() for process in both]
    assert [p.returncode for p in both] == [0, 0], said
    paths = {out.strip() for out, _ in said}
    assert len(paths) == 1 and records.read(Path(paths.pop()))["labels"].shape == (40,)
    assert sum(err.count("training at scale") for _, err in said) == 1


def test_a_process_waits_for_another_that_makes_the_run(folder):
    code = (
        "import time; from lmreport.core import lock, progress\nprogress.show()\n"
        "with lock.only_one('x'):\n"
        "    print('in', flush=True); time.sleep({}); print('out', flush=True)"
    )
    first = start(code.format(1.0), folder)
    assert first.stdout.readline() == "in\n"
    second, told = start(code.format(0), folder).communicate()
    assert told.startswith("x: another process") and second.splitlines() == ["in", "out"]
    first.communicate()
    assert first.returncode == 0


def test_the_code_of_a_study_is_what_it_reaches_and_no_figure():
    places = set(records.code_of("learning_curve")["parts"])
    assert {
        f"experiments.concepts.foundation.{name}"
        for name in ("train_point", "trained_point", "linear_head")
    } <= places
    assert not [place for place in places if place.rpartition(".")[2].startswith("plot_")]
    assert (
        "experiments.studies.shuffled_words" not in places
        and "models.finetune.training_arguments" in places
    )
