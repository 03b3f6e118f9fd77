"""What a larger encoder brings is told beside its price, from its record and those of the same
data.
"""

import dataclasses
import re

import numpy as np
import pytest
from matplotlib.text import Text

from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.display import style
from lmreport.models import pretrained
from lmreport.reporting import encoder, sentences
from lmreport.reporting.values import on_evaluation, on_what_it_takes
from lmreport.runs import records
from lmreport.runs.kinds import KINDS

CORPUS = download.Corpus("nowhere", "real", "a test", "0" * 64)
TEXTS = 1000
LABELS = np.zeros(TEXTS, np.int8)
LADDER = ["TF-IDF + SVM", "LSTM", "Transformer, the assignment’s recipe", "the stack"]


def logits(right: int) -> np.ndarray:
    """(texts, 2), of which the first `right` are classified rightly."""
    return np.eye(2, dtype=np.float32)[np.repeat([0, 1], [right, TEXTS - right])]


def write(name, train_seed=None, **values):
    """Record a full-scale run of `CORPUS` in the project at hand."""
    sizes = KINDS[name].sizes.get("cpu")
    sizes = sizes | {"train_seed": train_seed} if train_seed else sizes
    settings, source = resolved(load(scale="full"), "cpu"), pretrained.from_package("any")
    given = records.inputs(name, settings, CORPUS, source, sizes)
    return records.write(given, values, records.made_here())


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Records of a project: SVM 900 of 1,000 right in a minute, encoder 920 in 100, stack 940."""
    (tmp_path / "_quarto.yml").write_text("project: {}\n")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "read-errors.yml").write_text(f"data: '{CORPUS.digest}'\n")
    monkeypatch.chdir(tmp_path)
    for name, right in (
        ("bag_of_words", 850),
        ("tfidf_svm", 900),
        ("lstm", 860),
        ("transformer", 898),
    ):
        rows = {"logits": logits(right), "labels": LABELS, "validation_logits": logits(right)}
        rows |= {"validation_labels": LABELS, "train_seconds": 6.0, "parameters": 1_000_000}
        write(name, **rows)
    predicted = np.stack([logits(right).argmax(-1) for right in (900, 860, 898, 910)])
    write(
        "ladder",
        points=[{"name": name, "texts": 1, "against": 0} for name in LADDER],
        predicted=predicted,
        labels=LABELS,
        cpu_seconds=np.array([60.0, 600.0, 3000.0, 3660.0]),
    )
    write("summit", names=LADDER, members=LADDER[:3], predicted=predicted, labels=LABELS)
    write("bench_encoder", **encoder_values(920, 930, 940, 0.95))
    return encoder.recorded(CORPUS)


def encoder_values(right: int, validated: int, stacked: int, stack_validated: float) -> dict:
    """What a run of the larger encoder records."""
    return dict(
        logits=logits(right),
        labels=LABELS,
        validation_logits=logits(validated),
        validation_labels=LABELS,
        stack_logits=logits(stacked),
        stacks=["encoder and SVM", "encoder, MiniLM and SVM"],
        stack_accuracies=[stack_validated, 0.91],
        stack="encoder and SVM",
        members={"tfidf_svm": "0" * 16},
        cpu_seconds=6000.0,
        train_seconds=6600.0,
        parameters=5_000_000,
    )


def plain(marked) -> str:
    return re.sub(r"\[([^\]]*)\]\{[^}]*\}", r"\1", str(marked)).replace("\xa0", " ")


def test_pilots_of_the_learning_rate_are_told_from_their_record(runs):
    told = plain(on_what_it_takes.of_encoder(runs, CORPUS).searched)
    assert told == "These settings were set beforehand and not searched."
    right = np.arange(40) < np.array([[30], [34], [32]])
    write(
        "bench_rates",
        rates=[2e-5, 5e-5, 1e-4],
        validation_right=right,
        train_texts=1600,
        cpu_seconds=[60.0, 60.0, 60.0],
    )
    told = plain(on_what_it_takes.of_encoder(runs, CORPUS).searched)
    assert told.endswith(
        "on 1,600 texts cut at 128 word pieces, get 75.0% (rate 2 × 10&#8315;⁵), 85.0% (rate 5 × "
        "10&#8315;⁵) and 80.0% (rate 0.0001) of the validation texts right; they took 3 min 0 s of processor "
        "time in all."
    )


def test_each_model_stands_with_its_accuracy_and_its_price(runs):
    rows = [
        [cell.strip() for cell in plain(line).strip("|").split("|")]
        for line in encoder.table(runs).data.splitlines()
        if line.startswith("|")
    ][2:]
    assert [row[1] for row in rows] == [
        "85.0%", "90.0%", "86.0%", "89.8%", "91.0%", "92.0%", "**94.0%**",
    ]  # fmt: skip
    large, stacked = rows[-2:]
    assert large[0] == "all-mpnet-base-v2" and large[2] == "2.0" and large[4] == "100"
    assert float(large[5]) == pytest.approx(6000 / 3600 * 12 * 1.67, rel=0.02)  # Wh
    assert float(large[6]) == pytest.approx((100 - 1) / 2, rel=0.02)  # minutes a point
    assert stacked[2] == "4.0" and float(stacked[4]) == pytest.approx(101, rel=0.02)
    assert rows[0][6] == rows[3][6] == ""  # what is behind the SVM buys no point


def test_the_figure_names_every_model_and_covers_no_name_with_another(runs):
    figure = encoder.plot(runs.encoders, runs.models, runs.climbed, runs.top).figure
    figure.draw_without_rendering()
    names = [text for text in figure.axes[0].texts if text.get_text()]
    assert len(names) == 7
    boxes = [Text.get_window_extent(text) for text in names]  # without the line to its dot
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_the_sentences_tell_what_it_gets_and_whether_the_aim_was_reached(runs):
    told = on_what_it_takes.of_encoder(runs, CORPUS)
    assert "the one that is best on the validation texts, “encoder and SVM”, gets 94.0%" in plain(
        told.stack
    )
    assert plain(told.aim) == "The aim was 93% of the test questions; it was reached."
    assert plain(told.headline) == "With a larger encoder it is 94.0% ([below](#sec-encoder))."
    other = on_what_it_takes.of_encoder(runs, dataclasses.replace(CORPUS, digest="1" * 64))
    assert plain(other.headline) == plain(other.aim) == ""
    elsewhere = on_evaluation.larger(runs, dataclasses.replace(CORPUS, digest="1" * 64))
    assert "mpnet" not in plain(elsewhere) and "supplement" in plain(elsewhere)
    assert (plain(told.only_encoder), plain(told.only_svm)) == ("20", "0")
    assert plain(told.read) == ""  # nobody read the errors of this record
    larger = plain(on_evaluation.larger(runs, CORPUS))
    time = plain(sentences.at_most(runs.encoder))  # of less than one core, where there are more
    assert time.endswith("1 h 50 min")
    assert (
        f"gets 92.0%, significantly more than the SVM, after {time} of training ([supplement]("
        in larger
    )
    assert larger.endswith(
        "So with this many labelled texts, a larger encoder pays only where the last points count."
    )


def test_an_encoder_behind_the_svm_is_told_so(runs):
    write("bench_encoder", train_seed=160, **encoder_values(800, 990, 940, 0.95))
    told = plain(on_evaluation.larger(encoder.recorded(CORPUS), CORPUS))
    assert "word pieces of a text and gets 80.0%, significantly less than the SVM, after" in told
    assert "in 2 runs. The one that is best on the validation texts reads " in told
    assert "So with" not in told


def test_runs_of_a_larger_encoder_that_are_not_ahead_are_told(runs):
    write("bench_encoder", train_seed=160, **encoder_values(890, 900, 940, 0.80))
    told = plain(on_evaluation.larger(encoder.recorded(CORPUS), CORPUS))
    assert "gets 92.0%, significantly more than the SVM, after" in told
    assert "). Not every run is significantly ahead. So with this many" in told


def test_errors_are_told_of_the_record_whose_errors_were_read(runs):
    path = records.project_root() / "report" / "read-errors.yml"
    path.write_text(
        path.read_text()
        + f"apart:\n  record: {runs.encoder.key}\n  conclusion: That is all.\n"
        + "  kinds: {rare: the word is rare, long: it is long}\n"
        + "  encoder: {1: rare, 2: rare, 3: long}\n  svm: {4: long}\n"
    )
    assert plain(encoder.of_read_errors(runs.encoder)) == (
        "We read 3 that only the encoder gets right: in 2 the word is rare, in 1 it is long. "
        "We read 1 that only the SVM gets right: in 1 it is long. That is all."
    )


def test_where_no_encoder_is_recorded_the_answer_says_nothing_of_one():
    assert "encoder" not in plain(on_evaluation.larger(None, CORPUS))


def test_names_in_the_figure_have_colours_that_the_dark_page_replaces(runs):
    figure = encoder.plot(runs.encoders, runs.models, runs.climbed, runs.top).figure
    assert {text.get_color() for text in figure.axes[0].texts} <= {*style.DARK, style.BLACK}


def test_of_several_runs_the_one_best_on_validation_is_told_of_and_all_are_listed(runs):
    (first,) = runs.encoders
    second = write(
        "bench_encoder",
        train_seed=158,
        **encoder_values(925, 935, 950, 0.96)
        | {"stack": "encoders, MiniLM and SVM", "others": [first.key]},
    )
    worse = write("bench_encoder", train_seed=159, **encoder_values(990, 910, 999, 0.94))
    both = encoder.recorded(CORPUS)
    assert {one.key for one in both.encoders} == {first.key, second.key, worse.key}
    assert both.encoder.key == both.stacked.key == second.key  # what the test says does not count
    table = plain(encoder.table(both).data)
    for seed, right in ((157, "92.0%"), (158, "92.5%"), (159, "99.0%")):
        assert re.search(rf"all-mpnet-base-v2, seed {seed} +\| +\**{right}", table)
    assert re.search(r"stack of its runs, MiniLM and SVM +\| +\**95.0%", table)
    assert [encoder.name(one) for one in both.encoders] == ["all-mpnet-base-v2"] * 3
    assert encoder.priced(both)[-1].seconds == pytest.approx(2 * 6000 + 60)  # both runs are needed
    shown = encoder.by_clock(both.models, both.encoders)
    assert (shown[-1].name, shown[-1].accuracy) == ("all-mpnet-base-v2", 0.925)
    told = on_what_it_takes.of_encoder(both, CORPUS)
    assert plain(told.scatter) == (
        "Of 3 runs this is the one that is best on the validation texts; on the test texts they "
        "get from 92.0% to 99.0%."
    )
    assert plain(told.accuracy) == "92.5%" and "gets 95.0%" in plain(told.stack)


def test_errors_read_in_another_run_are_told_of_that_run(runs):
    path = records.project_root() / "report" / "read-errors.yml"
    path.write_text(
        f"apart:\n  record: {runs.encoder.key}\n  conclusion: That is all.\n"
        "  kinds: {rare: the word is rare}\n  encoder: {1: rare}\n  svm: {4: rare}\n"
    )
    assert plain(on_what_it_takes.of_encoder(runs, CORPUS).which_run) == ""
    write("bench_encoder", train_seed=158, **encoder_values(930, 935, 950, 0.96))
    told = on_what_it_takes.of_encoder(encoder.recorded(CORPUS), CORPUS)
    assert plain(told.which_run) == " (run with seed 157)"
    assert plain(told.only_encoder) == "20" and "We read 1" in plain(told.read)
