"""The section on speed says what the recorded benches hold, and nothing where nothing is
recorded.
"""

import re

import numpy as np
import pytest

from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.experiments.bench import fast_vs_literal, seeds, training
from lmreport.models import pretrained
from lmreport.reporting import recipes, speed
from lmreport.runs import freshness, records
from lmreport.runs.kinds import KINDS

CORPUS = download.Corpus("nowhere", "real", "a test", "0" * 64)


@pytest.fixture
def record(monkeypatch, tmp_path):
    """A function that records a bench in a project of its own."""
    (tmp_path / "_quarto.yml").write_text("project: {}\n")
    monkeypatch.chdir(tmp_path)
    settings = resolved(load(scale="full"), "cpu")

    def write(name, device="cpu", **values):
        source, sizes = pretrained.from_package("any"), KINDS[f"bench_{name}"].sizes["cpu"]
        given = records.inputs(f"bench_{name}", settings, CORPUS, source, sizes, device=device)
        return records.write(
            given, values | {"seconds": 1.0, "device": device}, records.made_here()
        )

    return write


def trained(record, device="cpu"):
    values, order = {"train_texts": 1000}, training.steps(device)
    few = ("literal", *order[-2:]) if device == "cuda" else ("literal", "first token")
    for model, steps in (("minilm", order), ("distilbert", few)):
        number = len(steps)
        values |= {
            f"{model}_steps": list(steps),
            f"{model}_samples_per_s": np.linspace(2, 7, number),
        }
        values |= {
            f"{model}_{key}": np.linspace(0.1, 0.9, number)
            for key in (
                "tokens_per_s",
                "padding_share",
                "spread",
                "epoch_s",
                "peak_mb",
                "warm_up_s",
            )
        }
    return record("train", device, **values)


def plain(marked) -> str:
    """What a reader sees of computed spans."""
    return re.sub(r"\[([^\]]*)\]\{[^}]*\}", r"\1", str(marked))


def test_the_table_of_steps_shows_rates_and_ratios_that_verify_recomputes(record):
    from lmreport.check.numbers import recompute

    made = trained(record)
    rows = [line for line in speed.steps(made).data.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(training.STEPS) + 2 and "batches by tokens" in rows[5]
    assert float(speed.gain(made, "minilm")) == 3.5
    shown = re.findall(
        r'data-value="([^"]+)" data-as="num:\d" data-expr="([^"]+)"', "\n".join(rows)
    )
    assert len(shown) == 4 * 8
    for value, expression in shown:
        again = recompute.evaluated(expression, {made.symbol: recompute.load(made.path)})
        assert float(again) == pytest.approx(float(value))


def test_records_are_found_by_device_and_the_newest_counts(record):
    made = trained(record)
    assert speed.recorded(CORPUS) == {"train": made} and speed.recorded(CORPUS, "cuda") == {}


def test_on_a_gpu_our_recipe_is_the_last_but_compiling_whose_price_is_told(record):
    made, other = trained(record, "cuda"), trained(record)
    assert speed.recorded(CORPUS, "cuda") == {"train": made} and speed.recorded(CORPUS) == {
        "train": other
    }
    assert set(records.newest(CORPUS)) == {"bench_train", "bench_train, GPU"}
    names, rates = made["minilm_steps"], made["minilm_samples_per_s"]
    assert names[speed.ours(made, "minilm")] == "larger budget" and names[-1] == "compiled"
    assert float(speed.gain(made, "minilm")) == pytest.approx(rates[-2] / 2)
    said = plain(speed.compiling(made, "distilbert"))  # 4.5 texts/s before, 7 after 0.9 s
    assert "took 900 ms" in said and "1.6 times as fast" in said and "0.011 thousand texts" in said
    assert (
        "all but compiled" in speed.steps(made).data and "all of these" in speed.steps(other).data
    )
    assert [float(v) for v in speed.before_larger(made, "samples_per_s")] == pytest.approx(
        rates[:-2]
    )


def test_a_gpus_record_is_not_stale_for_other_libraries_where_there_is_no_gpu(record, monkeypatch):
    made, other = trained(record, "cuda"), trained(record)
    monkeypatch.setattr(freshness.machine, "versions", lambda *names: dict.fromkeys(names, "0"))
    monkeypatch.setattr(freshness, "cuda_available", lambda: False)
    assert freshness.reasons(made) == [] and freshness.reasons(other)[0].startswith("torch ")
    monkeypatch.setattr(freshness, "cuda_available", lambda: True)
    assert freshness.reasons(made)[0].startswith("torch ")


def test_recipes_are_compared_with_the_base_of_the_same_seed(record):
    labels = np.zeros(100, np.int8)
    predicted = np.ones((5, 100), np.int8)
    for row, right in enumerate((80, 84, 82, 87, 79)):
        predicted[row, :right] = 0
    names = [("base", [0, 1]), ("other", [2, 3]), ("third", [4])]
    made = record(
        "recipes",
        "cuda",
        predicted=predicted,
        labels=labels,
        together_predicted=predicted[:3],
        together=["mean", "SVM", "stack"],
        updates=np.array([9, 9, 9, 9, 5]),
        recipes=[{"name": name, "rows": at} for name, at in names],
        rows=[{"recipe": "", "seed": seed} for seed in (1, 2, 1, 2, 1)],
    )
    assert [float(recipes.recipe_accuracy(made, i)) for i in range(3)] == pytest.approx(
        [0.82, 0.845, 0.79]
    )
    assert [float(recipes.recipe_gain(made, i)) for i in range(3)] == pytest.approx(
        [0, 0.025, -0.01]
    )
    assert [float(one) for one in recipes.between_seeds(made)] == pytest.approx([0.04, 0.05])
    assert float(recipes.joined(made, "stack")) == 0.82
    rows = [
        line for line in plain(recipes.recipes(made).data).splitlines() if line.startswith("| ")
    ]
    assert [cell.strip() for cell in rows[3].strip("| ").split("|")] == [
        "third",
        "1",
        "5",
        "79.0%",
        "−1.0",
    ]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_new_seeds_and_their_stack_are_told(record, device):
    names, labels = ["mean of the seeds", "SVM", "stack"], np.zeros(10, np.int8)
    right = {"seed 1": 6, "seed 2": 4, "mean of the seeds": 8, "SVM": 7, "stack": 9}
    predicted = np.array(
        [[int(i >= number) for i in range(10)] for number in right.values()], np.int8
    )
    values = dict(
        predicted=predicted,
        labels=labels,
        seeds=[1, 2],
        names=list(right),
        members=names[:2],
        recipe="base",
        seconds_of=np.array([60.0, 7200.0, 9999.0]),
        weights=np.array([0.5, 0.25]),
        fold_names=names,
        fold_labels=labels[:5],
        fold_predicted=predicted[[1, 0, 4], :5],
    )
    made = record("seeds", device, **values, **seeds.accuracies(values))
    said = plain(recipes.new_seeds(made))
    assert "“base”, was trained again with 2 other seeds" in said
    assert "they reach 50.0% on average (60.0%, 40.0%; standard deviation 14.14 points)" in said
    assert said.endswith(
        "mean of their predictions 80.0%. Their stack with two linear SVMs reaches 90.0%, a "
        "difference of 10.0 ± 18.6 points to that mean."
    )
    assert ("since one took up to 2 h" in said) == (device == "cpu")
    rows = [line for line in plain(recipes.folded(made).data).splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in rows[1:]]
    assert cells[0][:4] == ["mean of the seeds", "80.0%", "0.50", "80.0%"]
    assert cells[1][:5] == ["SVM", "100.0%", "0.25", "70.0%", "−10.0 ± 18.6"]
    assert cells[2][:2] + cells[2][3:5] == ["stack", "100.0%", "90.0%", "10.0 ± 18.6"]


def test_the_figure_has_a_bar_for_each_step(record):
    rows = np.array([1e6, 2e6])
    scale = record("scale", rows=rows, peak_mb=np.array([400.0, 500.0]), total_s=rows / 1e5)
    axes = speed.plot_speed(trained(record), scale).figure.axes
    assert [round(bar.get_width(), 2) for bar in axes[0].patches] == [2, 3, 4, 5, 6, 7]
    assert axes[1].get_lines()[0].get_ydata().tolist() == [10, 20]


def test_sentences_say_how_sure_they_are_and_that_nothing_is_recorded(record):
    assert "not been recorded" in speed.as_accurate({}) and "not been recorded" in speed.fewer_bits(
        {}, "int8"
    )
    labels = np.zeros(500, np.int8)
    predicted = np.zeros((2, 3, 500), np.int8)
    predicted[0, :, :50], predicted[1, :, 20:70] = 1, 1
    arrays = {"predicted": predicted, "int8": predicted[1]}
    made = record(
        "accuracy",
        **arrays,
        labels=labels,
        seeds=[1, 2, 3],
        train_texts=640,
        **fast_vs_literal.compared(arrays, labels),
    )
    said = plain(speed.as_accurate({"accuracy": made}))
    assert "90.0%, ours 90.0%" in said and "not significant" in said and "3 seeds" in said
    assert said.endswith("goes from 0.00 to 0.00 points.")
    assert "change 0 of 1,500" in plain(speed.fewer_bits({"accuracy": made}, "int8"))
