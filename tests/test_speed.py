"""The section on speed says what the recorded benches hold, and nothing where nothing is recorded."""

import re

import numpy as np
import pytest

from lmreport import data, models, runs, speed
from lmreport.bench import accuracy, measure, training
from lmreport.settings import load, resolved

CORPUS = data.Corpus("nowhere", "real", "a test", "0" * 64)


@pytest.fixture
def record(monkeypatch, tmp_path):
    """A function that records a bench in a project of its own."""
    (tmp_path / "_quarto.yml").write_text("project: {}\n")
    monkeypatch.chdir(tmp_path)
    settings = resolved(load(scale="full"), "cpu")

    def write(name, **values):
        source = models.from_package("any")
        given = measure.inputs(f"bench_{name}", measure.SIZES[name], settings, CORPUS, source, "cpu")
        return runs.write(f"bench_{name}", given, values | {"seconds": 1.0, "device": "cpu"},
                          runs.made_here(f"bench_{name}"))

    return write


def trained(record):
    values = {}
    for model, steps in (("minilm", training.STEPS), ("distilbert", ("literal", "first token"))):
        number = len(steps)
        values |= {f"{model}_steps": list(steps), f"{model}_samples_per_s": np.linspace(2, 7, number)}
        values |= {f"{model}_{key}": np.linspace(0.1, 0.9, number) for key in (
            "tokens_per_s", "padding_share", "spread", "epoch_s", "peak_mb")}
    return record("train", **values)


def test_the_table_of_steps_shows_rates_and_ratios_that_verify_recomputes(record):
    from lmreport.verify import recompute

    made = trained(record)
    rows = [line for line in speed.steps(made).data.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(training.STEPS) + 2 and "batches by tokens" in rows[5]
    assert float(speed.gain(made, "minilm")) == 3.5
    shown = re.findall(r'data-value="([^"]+)" data-as="num:\d" data-expr="([^"]+)"', "\n".join(rows))
    assert len(shown) == 4 * 8
    for value, expression in shown:
        again = recompute.evaluated(expression, {made.symbol: recompute.load(made.path)})
        assert float(again) == pytest.approx(float(value))


def test_records_are_found_by_device_and_the_newest_counts(record):
    made = trained(record)
    assert speed.recorded(CORPUS) == {"train": made} and speed.recorded(CORPUS, "cuda") == {}


def test_the_figure_has_a_bar_for_each_step(record):
    rows = np.array([1e6, 2e6])
    scale = record("scale", rows=rows, peak_mb=np.array([400.0, 500.0]), total_s=rows / 1e5)
    axes = speed.plot_speed(trained(record), scale).figure.axes
    assert [round(bar.get_width(), 2) for bar in axes[0].patches] == [2, 3, 4, 5, 6, 7]
    assert axes[1].get_lines()[0].get_ydata().tolist() == [10, 20]


def test_sentences_say_how_sure_they_are_and_that_nothing_is_recorded(record):
    assert "not been recorded" in speed.as_accurate({}) and "not been recorded" in speed.eight_bits({})
    labels = np.zeros(500, np.int8)
    predicted = np.zeros((2, 3, 500), np.int8)
    predicted[0, :, :50], predicted[1, :, 20:70] = 1, 1
    arrays = {"predicted": predicted, "eight_bits": predicted[1]}
    made = record("accuracy", **arrays, labels=labels, seeds=[1, 2, 3], **accuracy.compared(arrays, labels))
    said = re.sub(r"\[([^\]]*)\]\{[^}]*\}", r"\1", speed.as_accurate({"accuracy": made}))
    assert "90.0 %, ours 90.0 %" in said and "within chance" in said and "3 seeds" in said
    assert said.endswith("goes from 0.00 to 0.00 points.")
    assert "change 0 of 1,500" in re.sub(r"\[([^\]]*)\]\{[^}]*\}", r"\1", speed.eight_bits({"accuracy": made}))
