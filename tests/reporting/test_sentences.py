"""Sentences whose words depend on results say what the results say, whichever way they fall."""

import dataclasses
import html
import re
from types import SimpleNamespace

import numpy as np
import pytest

from lmreport.check.numbers import recompute
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.experiments import improvements
from lmreport.models import lstm, pretrained
from lmreport.reporting import (
    learning_curve,
    metrics,
    notices,
    recipes,
    sentences,
    studies,
    tables,
)
from lmreport.reporting.values import (
    on_attention,
    on_card,
    on_concepts,
    on_data,
    on_errors,
    on_evaluation,
    on_heads,
    on_how_and_why,
    on_training,
    on_what_it_takes,
)
from lmreport.runs import records

CORPUS = download.Corpus("nowhere", "real", "a test", "0" * 64)
SIZES = (50, 200, 800)


@pytest.fixture
def record(monkeypatch, tmp_path):
    """A function that records a study or a model in a project of its own."""
    (tmp_path / "_quarto.yml").write_text("project: {}\n")
    monkeypatch.chdir(tmp_path)
    settings, source = resolved(load(scale="full"), "cpu"), pretrained.from_package("any")

    def write(name, **values):
        given = records.inputs(name, settings, CORPUS, source)
        return records.write(given, values, records.made_here())

    return write


def plain(marked) -> str:
    return re.sub(r"\[([^\]]*)\]\{[^}]*\}", r"\1", str(marked))


def curves(record, encoder, linear, behind=(0.1, 0, 0.2)):
    """Records of the two learning curves with these accuracies (0 … 1) on 100 texts; behind: how far
    fine-tuned, frozen and from scratch are behind those of `encoder`.
    """

    def row(share):
        wrong = np.repeat([0, 1], [round(100 * share), 100 - round(100 * share)])
        return wrong ^ labels

    labels = np.arange(100, dtype=np.int8) % 2
    points = [
        {"way": way, "size": size}
        for size in SIZES
        for way in ("fine-tuned", "frozen", "from scratch")
    ]
    predicted = [row(share - less) for share in encoder for less in behind]
    return record(
        "learning_curve", points=points, predicted=np.array(predicted), labels=labels
    ), record(
        "linear_curve",
        points=[{"size": size} for size in SIZES],
        predicted=np.array([row(s) for s in linear]),
        labels=labels,
    )


@pytest.mark.parametrize(
    ("encoder", "linear", "said"),
    [
        (
            (0.8, 0.82, 0.84),
            (0.5, 0.9, 0.95),
            r"With 50 texts the frozen encoder gets 80\.0% right, the linear SVM "
            r"50\.0%\. From 200 texts on, the SVM is significantly ahead of each encoder\.",
        ),
        ((0.8, 0.82, 0.84), (0.5, 0.82, 0.85), r"with 200 the encoder is no longer ahead\."),
        (
            (0.8, 0.82, 0.84),
            (0.5, 0.5, 0.5),
            "With 50 .* each other number of texts the encoder is ahead as well",
        ),
        (
            (0.6, 0.82, 0.84),
            (0.58, 0.5, 0.5),
            "With 50 .*: even then neither is significantly ahead",
        ),
    ],
)
def test_few_texts_tell_where_the_encoder_is_ahead(record, encoder, linear, said):
    assert re.search(said, plain(learning_curve.few_texts(*curves(record, encoder, linear))))


def test_curves_of_two_scales_are_not_compared(record):
    curve, linear = curves(record, (0.8, 0.82, 0.84), (0.5, 0.9, 0.95))
    short = dataclasses.replace(linear, values=linear.values | {"labels": linear["labels"][:20]})
    assert "measured at another scale" in learning_curve.few_texts(curve, short)


def test_two_times_are_as_rough_as_the_load_and_the_numbers_make_them(record):
    def under(name, load, **values):
        made = record(name, **{"train_seconds": 60.0, "tried": [0.8], **values})
        return dataclasses.replace(
            made, made=made.made | {"load_before": load, "hardware": {"cores": 2, "gpu": ""}}
        )

    bert, alone = under("transformer", 0.2, bf16=False, train_seconds=600.0), under("lstm", 0.5)
    assert plain(sentences.bound(bert, alone)) == "Each was timed once, so the ratio is rough."
    for lstm_seconds, end in ((60.0, "the ratio a lower one"), (6000.0, "so is the ratio")):
        busy = under("lstm", 5.8, train_seconds=lstm_seconds)
        told = plain(sentences.bound(bert, busy))
        assert f"its time is an upper bound, and {end}." in told
    both = under("transformer", 5.8, bf16=False), under("lstm", 5.8)
    assert "both times are upper bounds" in plain(sentences.bound(*both))
    assert "used bf16" in plain(sentences.bound(under("transformer", 0.2, bf16=True), alone))
    chosen = under("lstm", 0.5, tried=[0.8, 0.9])
    assert plain(sentences.bound(bert, chosen)).endswith("Choosing among 2 LSTMs is not counted.")


def test_copies_are_told_only_where_there_are_any():
    assert sentences.copied({"copies": 0}) == ""
    assert (
        "Some of them reach across training and test, and none carry different tags."
        in sentences.copied({"copies": 3, "across_splits": 2, "across_tags": 0})
    )


def test_the_days_of_several_runs_are_a_span(record):
    runs_of = [
        dataclasses.replace(
            record(name),
            made={
                "date": f"2026-11-{day}T01:02:03Z",
                "hardware": {"cores": 2, "cpu": "AMD", "gpu": ""},
            },
        )
        for name, day in (("lstm", 23), ("transformer", 25))
    ]
    assert "(2 cores of an AMD, no GPU, 2026-11-23 to 2026-11-25)" in records.origin(
        runs_of[1], True, runs_of
    )
    assert "(2 cores of an AMD, no GPU, 2026-11-25)" in records.origin(runs_of[1], True)


def test_the_lstm_is_described_by_its_configuration(record):
    tried = {"last state": {}, "wider, more dropout": {}}
    told = {
        name: plain(sentences.described(record("lstm", configuration=name, epochs=6, tried=tried)))
        for name in lstm.CONFIGURATIONS
    }
    assert told["last state"].startswith("Of 2 LSTMs we take the best on the validation texts: one")
    alone = record("lstm", configuration="last state", epochs=6, tried={"last state": {}})
    assert plain(sentences.described(alone)).startswith("1 LSTM was trained: one layer of 64 units")
    assert "one layer of 64 units from left to right" in told["last state"]
    assert "whose output is the last state, trained for 6 epochs" in told["last state"]
    assert "96 units in each direction" in told["wider, more dropout"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["😀 1 + 2", "天気"], "the texts have no letter with a case"),
        (["all low"], "lose nothing here: of the letters that have a case, none is upper-case"),
        (["Ab"], "lose something here: of the letters that have a case, 50.00% are upper-case"),
    ],
)
def test_what_lower_casing_loses_is_told_of_texts_without_letters_too(texts, said):
    assert said in plain(on_what_it_takes.of_case(texts))


def test_sizes_are_compared_with_and_without_the_embeddings(record):
    import torch

    class Classifier(torch.nn.Module):
        def __init__(self, layers=1):
            super().__init__()
            self.config = SimpleNamespace(num_hidden_layers=layers)
            self.attention = torch.nn.ModuleDict({"dense": torch.nn.Linear(9, 9)})
            self.bert = torch.nn.ModuleDict(
                {"embeddings": torch.nn.Embedding(300, 10), "layer": torch.nn.Linear(9, 100)}
            )

    source, words = pretrained.from_package("any"), 10_000 * lstm.EMBEDDING
    bert, last = record("transformer", parameters=4000), record("lstm", parameters=words + 100)
    assert "or 10.0 times without the embeddings" in plain(
        sentences.size(bert, last, Classifier(), source)
    )
    other = pretrained.Source("other", source.path, "f" * 64)
    assert "others" not in sentences.size(bert, last, Classifier(), other)
    assert "share their weights" not in sentences.size(bert, last, Classifier(), source)
    assert "Its 12 layers share their weights" in sentences.size(bert, last, Classifier(12), source)


@pytest.mark.parametrize(
    ("seconds", "load", "said"),
    [
        (324.0, 0.0, "the Transformer takes 32.4 times as long as the LSTM"),
        (324.0, 99.0, "the Transformer takes at least 32 times as long as the LSTM"),
        (2.5, 99.0, "the LSTM takes at most 4.0 times as long as the Transformer"),
    ],
)
def test_what_a_text_costs_is_told_whichever_network_takes_longer(record, seconds, load, said):
    bert, lstm = (
        record(name, train_seconds=time, train_texts=100, epochs=1)
        for name, time in (("transformer", seconds), ("lstm", 10.0))
    )
    bert, lstm = (
        dataclasses.replace(one, made=one.made | {"load_before": before})
        for one, before in ((bert, 0.0), (lstm, load))
    )
    assert plain(on_training.per_text(bert, lstm)) == f"Per text and epoch, {said}."


def test_a_stand_in_for_distilbert_is_called_one(record, monkeypatch):
    source = pretrained.from_package("any")
    bert = record("transformer", parameters=22_714_756)
    said = plain(on_card.model(bert))
    assert said.startswith(
        "all-MiniLM-L6-v2 (22.7 million parameters) stands in for DistilBERT, since these runs were "
        "made without access to the Hugging Face hub; with access the same code loads DistilBERT."
    )
    of_other_data = on_training.of_classifier(source, bert, ["a", "b"]).stand_in
    assert "every second layer was kept" in of_other_data and "our questions" not in of_other_data
    monkeypatch.setattr(on_training, "KNOWN", {CORPUS.digest: "Stack Overflow"})
    assert (
        "so probably our questions too"
        in on_training.of_classifier(source, bert, ["a", "b"]).stand_in
    )


@pytest.mark.parametrize(
    ("labels", "predicted", "said"),
    [
        ([0, 0, 1], [0, 0, 1], "The Transformer makes no error"),
        (
            [0, 0, 1],
            [0, 1, 1],
            "The Transformer’s most frequent error is to tag texts of a as b (1 of them)",
        ),
        ([0, 0, 1], [0, 1, 0], "One of the Transformer’s most frequent errors is"),
        (
            [0, 0, 1],
            [1, 1, 0],
            "The Transformer’s most frequent error is to tag texts of a as b (2 of them)",
        ),
    ],
)
def test_the_most_frequent_error_is_told_where_there_is_one(record, labels, predicted, said):
    made = record(
        "transformer", labels=np.array(labels), logits=np.eye(2, dtype=np.float32)[predicted]
    )
    assert said in plain(sentences.commonest(made, ["a", "b"]))


@pytest.mark.parametrize(
    ("losses", "accuracies", "said"),
    [
        ((0.3, 0.2), (0.8, 0.9), ""),
        ((0.2, 0.3), (0.8, 0.9), "fewer errors, but some true tags get less probability"),
        ((0.2, 0.3), (0.9, 0.8), "begins to overfit"),
    ],
)
def test_a_validation_loss_that_rises_is_told(record, losses, accuracies, said):
    pairs = zip(losses, accuracies, strict=True)
    history = [{"eval_loss": loss, "eval_accuracy": accuracy} for loss, accuracy in pairs]
    told = on_training.of_rising_loss(record("transformer", history=history))
    assert said in told and bool(said) == bool(told)


def test_small_numbers_are_told_as_they_are(record):
    assert "(51,348 parameters)" in plain(on_card.model(record("transformer", parameters=51348)))


def test_a_render_that_reads_all_texts_speaks_of_no_other_run(record):
    bert = record("transformer", train_texts=628)
    length = bert.inputs["settings"]["max_length"]
    assert "This report tokenizes all 628" in plain(on_data.of_cut(628, length, bert))
    assert "; the recorded run tokenized 628 and cut" in plain(on_data.of_cut(100, 64, bert))


@pytest.mark.parametrize(
    "behind, said",
    [
        ((0, 0.1, 0.2), "the fine-tuned encoder reaches that with "),
        ((0.3, 0, 0.2), "the frozen encoder reaches that with "),
        ((0.2, 0.25, 0), "is ahead of them all"),
    ],
)
def test_what_pre_training_saves_is_told_only_where_fewer_texts_do(record, behind, said):
    curve, _ = curves(record, (0.6, 0.8, 0.85), (0.5, 0.6, 0.7), behind)
    assert said in plain(learning_curve.saved(curve))


def test_nothing_is_saved_where_training_from_scratch_learns_nothing(record):
    curve, _ = curves(record, (0.7, 0.7, 0.7, 0.7), (0.5, 0.5, 0.5, 0.5))
    assert "further than always naming one class (50.0%)" in plain(learning_curve.saved(curve))
    largest = metrics.guessing(curve)  # verify computes it again without logits
    known = {curve.symbol: recompute.load(curve.path)}
    assert float(largest) == 0.5 == recompute.evaluated(largest.expression, known)


def test_an_encoder_is_chosen_only_where_it_is_surely_ahead(record):
    ahead = curves(record, (0.9, 0.9, 0.9, 0.9), (0.5, 0.5, 0.5, 0.5))
    assert re.search(
        r"With \d+ labelled texts a frozen pre-trained encoder beat the SVM",
        plain(learning_curve.choice(*ahead)),
    )
    alike = curves(record, (0.52, 0.9, 0.9, 0.9), (0.5, 0.5, 0.5, 0.5))
    assert learning_curve.choice(*alike) == ""


def test_what_a_new_seed_does_is_told_of_the_same_data_only(record, monkeypatch):
    bert = record("transformer")
    searched = SimpleNamespace(inputs=bert.inputs)
    monkeypatch.setattr(recipes, "between_seeds", lambda record: [0.002, 0.007])
    for behind, than in ((-0.3, "more than the 0.3"), (2.0, "less than the 2.0")):
        told = plain(on_evaluation.of_seeds(bert, searched, behind))
        assert "moved validation accuracy by up to 0.7 points" in told
        assert told.endswith(f", {than} points between SVM and Transformer")
    other = SimpleNamespace(inputs={"data": {"digest": "1" * 64}})
    assert "was not measured on these data" in on_evaluation.of_seeds(bert, other, -0.3)


@pytest.mark.parametrize(
    ("name", "history"),
    [
        ("lstm", {"val_accuracy": [0.5, 0.8, 0.8, 0.7]}),
        (
            "transformer",
            [
                {"loss": 1.0, "epoch": 0.5},
                {"eval_accuracy": 0.6, "epoch": 1.0},
                {"eval_accuracy": 0.9, "epoch": 2.0},
                {"eval_accuracy": 0.7, "epoch": 3.0},
            ],
        ),
    ],
)
def test_the_best_epoch_is_the_first_of_the_highest(record, name, history):
    made = record(name, history=history)
    best = metrics.best_epoch(made)
    assert (
        best == 2 == recompute.evaluated(best.expression, {made.symbol: recompute.load(made.path)})
    )


def test_arguments_of_the_recorded_run_stand_beside_those_of_the_render(record):
    from lmreport.reporting import tables

    made = record("transformer", bf16=True)
    table = html.unescape(plain(tables.arguments(resolved(load(scale="quick"), "cpu"), made).data))
    rows = {
        cells[0]: cells[1:]
        for line in table.splitlines()
        if line.startswith("|")
        for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
    }
    assert rows["num_train_epochs"] == ["2", "3"] and rows["bf16"][1] == "True"
    assert rows["argument"] == ["this render", "recorded run"]


def halved(record, *errors):
    """Transformer and linear model on 400 texts, of which the last 200 fill the input; errors: of
    each on each half.
    """
    labels = np.arange(400, dtype=np.int8) % 2
    wrong = [np.repeat([0, 1, 0, 1], [200 - a, a, 200 - b, b]) for a, b in errors]
    wrong[1] = np.concatenate(
        [half[::-1] for half in np.split(wrong[1], 2)]
    )  # other texts than the first model
    return [
        record(
            name,
            logits=np.eye(2, dtype=np.float32)[row ^ labels],
            labels=labels,
            test_tokens=np.repeat([20, 256], 200),
        )
        for name, row in zip(("transformer", "tfidf_svm"), wrong, strict=True)
    ]


@pytest.mark.parametrize(
    ("errors", "opposite"),
    [
        (((10, 50), (50, 10)), True),
        (((10, 10), (50, 10)), False),
        (((50, 10), (10, 50)), True),
        (((20, 20), (22, 21)), False),
    ],
)
def test_a_tie_of_opposite_halves_is_told_as_one(record, errors, opposite):
    bert, svm = halved(record, *errors)
    said, trade = plain(sentences.halves(bert, svm)), plain(on_evaluation.trade(bert, svm))
    mine, other = errors
    assert (
        f"whole it errs in {mine[0] / 2:.1f}% and the linear model in {other[0] / 2:.1f}%" in said
    )
    assert f"256 word pieces it errs in {mine[1] / 2:.1f}%" in said
    assert (
        ("the tie hides a trade" in said)
        == opposite
        == trade.startswith("Short and long texts differ")
    )
    words = [
        "significantly less"
        if a < b - 10
        else "significantly more"
        if a > b + 10
        else "not significantly"
        for a, b in zip(*errors, strict=True)
    ]
    assert re.search(
        f"fewer than .*, the Transformer errs {words[0]}.*on the others it errs {words[1]}.* was not tested",
        trade,
    )


@pytest.mark.parametrize("logged, heads", [(True, 4), (False, 3)])
def test_a_training_too_short_for_its_log_has_no_column_of_losses(record, logged, heads):
    steps = [{"loss": 1.5, "epoch": 0.5}, {"loss": 0.5, "epoch": 1}] * logged
    end = {"eval_loss": 0.4, "eval_accuracy": 0.9, "epoch": 1}
    table = tables.training_log(record("transformer", history=[*steps, end]))
    head, _, row = table.data.strip().splitlines()[:3]
    assert head.count("|") == row.count("|") == heads + 1
    assert ("training loss" in head) == logged and "validation loss" in head
    assert ("1.000" in row) == logged, "the mean over the epoch, as the caption says"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "trains on all texts and cuts them at 256 word pieces."),
        ({"train_size": 0}, "`LMREPORT_SCALE=full` cuts them at 256 word pieces."),
        ({"train_size": 0, "max_length": 64}, ""),
    ],
)
def test_what_the_full_scale_would_do_more_follows_from_the_settings(monkeypatch, given, said):
    monkeypatch.setattr("lmreport.core.settings.cuda_available", lambda: False)
    for name, value in given.items():
        monkeypatch.setenv(f"LMREPORT_{name.upper()}", str(value))
    assert notices.at_full(resolved(load(scale="quick"))).endswith(said)
    assert bool(said) == bool(notices.at_full(resolved(load(scale="quick"))))


@pytest.mark.parametrize("share, said", [(0.25, "25.0% of our texts are"), (0.0, "none of our")])
def test_no_share_is_told_of_texts_that_are_not_there(share, said):
    assert plain(on_how_and_why.of_cost({512: share}).longer).startswith(said)


@pytest.mark.parametrize(
    ("agreed", "weights", "said"),
    [
        (2, [0.5, 0.5], "For 2 all models agree .* so 50.0% is the ceiling of such stacks, biases"),
        (2, [1.5, -0.5], "here a fitted weight is negative"),
        (0, [0.5, 0.5], "^$"),
    ],
)
def test_a_ceiling_of_stacks_is_told_of_the_weights_that_it_holds_for(
    record, agreed, weights, said
):
    labels = np.array([0, 0, 1, 1], np.int8)
    wrong = np.where(np.arange(4) < agreed, 1 - labels, labels)
    top = record("summit", names=["a", "b"], predicted=np.stack([wrong] * 2), labels=labels)
    top = dataclasses.replace(top, values=top.values | {"weights": weights})
    assert re.search(said, plain(on_what_it_takes.ceiling(top)))


def test_another_seed_is_not_told_among_the_changes_that_help(record):
    names = ["pilot", on_what_it_takes.ANOTHER_SEED, "pilot: 256 pieces"]
    assert {*names} <= {*improvements.PILOTS}
    labels = np.arange(40, dtype=np.int8) % 2
    predicted = np.stack([1 - labels] * 3)
    predicted[1:, :30] = labels[:30]  # both get 30 texts more right than the first
    climbed = record(
        "ladder",
        points=[{"name": name, "against": 0, "texts": 1} for name in names],
        predicted=predicted,
        labels=labels,
    )
    assert plain(on_what_it_takes.changes(climbed, 1)) == "256 pieces (75.0 points against pilot)"


def test_a_model_that_names_few_classes_is_told_so(record):
    rows = np.repeat([1, 3], [70, 30])
    labels = np.arange(100, dtype=np.int8) % 8
    bert = record("transformer", labels=labels, logits=np.eye(8, dtype=np.float32)[rows])
    told = plain(on_evaluation.of_confusion(bert, [f"c{n}" for n in range(8)]).error)
    assert told.endswith("It names only 2 of the 8 classes.")
    fair = record("transformer", labels=labels, logits=np.eye(8, dtype=np.float32)[labels])
    assert "names only" not in plain(
        on_evaluation.of_confusion(fair, [f"c{n}" for n in range(8)]).error
    )


def test_nothing_of_length_is_said_of_a_model_that_has_learned_nothing(record):
    bert, svm = halved(record, (100, 100), (50, 10))
    assert sentences.halves(bert, svm) == on_evaluation.trade(bert, svm) == ""


@pytest.mark.parametrize(
    ("together", "said"),
    [
        (36, "stack&#58; Transformer, SVM (40.0 points against Transformer"),
        (30, "nothing, significantly"),  # as many as the SVM alone
    ],
)
def test_a_stack_helps_only_where_it_is_ahead_of_each_of_its_members(record, together, said):
    labels = np.arange(40, dtype=np.int8) % 2
    rights = {
        improvements.TRANSFORMER: 20,
        improvements.SVM: 30,
        "stack: Transformer, SVM": together,
    }
    predicted = [np.where(np.arange(40) < right, labels, 1 - labels) for right in rights.values()]
    climbed = record(
        "ladder",
        points=[
            {"name": name, "texts": 1, "against": int(at == 1)} for at, name in enumerate(rights)
        ],
        predicted=np.stack(predicted),
        labels=labels,
    )
    assert plain(on_what_it_takes.changes(climbed, 1)).startswith(said)


def test_a_verdict_says_who_beats_whom(record):
    def of(name, right):
        row = np.repeat([0, 1], [right, 100 - right])
        return record(
            name,
            logits=np.eye(2, dtype=np.float32)[row],
            labels=np.zeros(100, np.int8),
            train_seconds=36.0,
        )

    bert, lstm, svm = of("transformer", 90), of("lstm", 60), of("tfidf_svm", 90)
    for busy, time in ((0.0, "36 s"), (99.0, "at most 36 s")):
        svm = dataclasses.replace(svm, made=svm.made | {"load_before": busy})
        assert plain(on_card.verdict(bert, lstm, svm)) == (
            "The fine-tuned all-MiniLM-L6-v2 beats the LSTM, but not a linear SVM that trains in "
            f"{time}."
        )
    assert plain(on_card.verdict(lstm, bert, svm)).startswith(
        "The LSTM beats the fine-tuned LSTM, and the Transformer loses to a linear SVM that"
    )


@pytest.mark.parametrize(
    ("load", "slow", "quick", "said"),
    [
        (0.0, 90.0, 30.0, "3.00"),
        (99.0, 90.0, 30.0, "at least 3.0"),
        (99.0, 30.0, 90.0, "at most 3.0"),
    ],
)
def test_a_ratio_is_a_bound_where_one_time_is_an_upper_bound(record, load, slow, quick, said):
    bert = record("transformer", train_seconds=slow)
    lstm = record("lstm", train_seconds=quick)
    bert = dataclasses.replace(bert, made=bert.made | {"load_before": 0.0})
    lstm = dataclasses.replace(lstm, made=lstm.made | {"load_before": load})
    assert plain(sentences.times(bert, lstm)) == said
    both = dataclasses.replace(bert, made=bert.made | {"load_before": 99.0})
    alone = {0.0: "at most 3.0" if slow > quick else "at least 3.0"}
    assert plain(sentences.times(both, lstm)) == alone.get(load, "3.00")  # of two upper bounds none


@pytest.mark.parametrize(("share", "said"), [(1.6, "1 min 40 s"), (0.8, "at most 1 min 40 s")])
def test_a_training_that_got_less_than_a_core_has_an_upper_bound_for_a_time(record, share, said):
    made = record("transformer", train_seconds=100.0, cpu_seconds=100.0 * share)
    machine = made.made["hardware"] | {"cores": 2, "gpu": ""}
    made = dataclasses.replace(made, made=made.made | {"hardware": machine, "load_before": 0.0})
    assert plain(sentences.at_most(made)) == said


def test_the_reason_for_the_times_fits_what_took_longer(record):
    import torch

    bert, lstm = (
        record(name, train_seconds=60.0, epochs=count, parameters=parameters)
        for name, count, parameters in (("transformer", 2, 22e6), ("lstm", 1, 1.4e6))
    )
    slow, quick = (
        dataclasses.replace(lstm, values=lstm.values | {"train_seconds": t}) for t in (90.0, 30.0)
    )
    cores, loaded = (
        bert.made["hardware"]["cores"],
        (torch.nn.Module(), pretrained.from_package("any")),
    )
    assert f"and {cores} cores run few" in plain(on_training.why(bert, quick, *loaded))
    small = dataclasses.replace(bert, values=bert.values | {"parameters": 5e4})
    assert "needs fewer for a text" in plain(on_training.why(small, quick, *loaded))
    assert plain(on_training.why(bert, slow, *loaded)) == (
        "That says little: the Transformer was given 256 word pieces of a text at most and "
        "2 epochs, the LSTM 1 epoch."
    )


def test_scratch_is_compared_with_the_lstm_on_the_same_data(record):
    curve, _ = curves(record, (0.9, 0.9, 0.9), (0.9, 0.9, 0.9))
    labels = np.zeros(100, np.int8)
    kept = record("lstm", logits=np.eye(2, dtype=np.float32)[labels], labels=labels)
    other = dataclasses.replace(kept, inputs=kept.inputs | {"data": {"digest": "another"}})
    assert on_concepts.comparable(kept, curve) is kept
    assert on_concepts.comparable(other, curve).key == kept.key
    quick = dataclasses.replace(kept, inputs=kept.inputs | {"settings": {"scale": "quick"}})
    assert on_concepts.comparable(quick, curve).key == kept.key


def test_heads_that_cost_more_together_are_explained_in_two_ways(record):
    predicted = np.zeros((2, 2, 100), np.int8)
    layers = np.zeros((2, 100), np.int8)
    layers[1, :40] = 1
    made = record(
        "heads_removed",
        labels=np.zeros(100, np.int8),
        whole=np.zeros(100, np.int8),
        predicted=predicted,
        layers=layers,
    )
    said = plain(studies.standing_in(made))
    assert "more than what its heads cost one by one" in said and "one explanation; another" in said
    layers[1] = 0
    assert "explanation" not in plain(
        studies.standing_in(dataclasses.replace(made, values=made.values | {"layers": layers}))
    )


@pytest.mark.parametrize(
    "right, falls, said",
    [
        (
            90,
            [10],
            "Of what the model has above always naming the largest class, 75% or more survives.",
        ),
        (
            52,
            [1],
            "cannot be told from always naming one class (50.0%): it has learned nothing",
        ),
        (50, [0], "has learned nothing"),
        (90, [-5], "No shuffle costs the model anything"),
        (90, [45], "Nothing survives the worst shuffle"),
    ],
)
def test_what_survives_a_shuffle_is_a_share_of_what_was_learned(record, right, falls, said):
    labels = np.repeat([0, 1], 50)

    def rows(number):
        predicted = labels.copy()
        predicted[: 100 - number] = 1 - predicted[: 100 - number]
        return predicted

    made = record(
        "shuffled_words",
        orders=["in order", *("shuffled" for _ in falls)],
        labels=labels,
        predicted=np.array([rows(right), *(rows(right - fall) for fall in falls)]),
    )
    assert said in plain(studies.survives(made))


@pytest.mark.parametrize("lengths", [np.repeat(6, 100), np.tile([10, 20, 30, 40, 50], 20)])
def test_errors_by_length_are_told_where_lengths_differ(record, lengths):
    from lmreport.models import scores

    labels, logits = np.zeros(100, int), np.zeros((100, 2))
    logits[:10, 1] = 1
    models = [
        record(name, logits=logits, labels=labels, test_words=lengths, test_tokens=lengths)
        for name in ("transformer", "tfidf_svm")
    ]
    assert np.isnan(metrics.error_between(models[0], 900, 950, models[0]))
    verdict = plain(on_errors.of_lengths(*models, scores.length_edges(lengths)).verdict)
    assert "nan" not in verdict
    assert verdict.startswith(
        "There are no short"
        if lengths.min() == lengths.max()
        else "For the Transformer neither short"
    )


def test_a_flipped_tag_is_told_with_its_padding_and_a_kept_one_as_kept():
    classes, pads = ["python", "java"], np.array([0, 4, 16])
    flips = {
        "classes": classes,
        "pads": pads,
        "without": np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]),
    }
    keeps = {"classes": classes, "pads": pads, "without": np.array([[0.1, 0.9]] * 3)}
    assert plain(on_concepts.of_flips([flips, keeps])) == (
        "Question (i) changes its tag from python to java at 16 tokens of padding. "
        "Question (ii) keeps its tag, java."
    )
    assert "was not tested" in plain(on_concepts.of_flips([]))


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((0.8, 0.5), "learned without these tags"),
        ((0.5, 0.8), "bring no lead"),
        ((0.55, 0.5), "not surely apart"),
    ],
)
def test_what_an_encoder_brings_is_told_where_it_is_sure(shares, said):
    probes = dict(zip(("pre-trained", "random"), np.array(shares)[:, None], strict=True))
    told = on_attention.of_probe(probes | {"sizes": np.array([160]), "test": 160}, 128)
    assert said in told.verdict


def test_heads_that_follow_no_pattern_are_not_called_like_those_of_bert():
    def best(*scores):
        names = ("the previous token", "the first token")
        return [
            {"pattern": name, "score": score, "equal": 0.05}
            for name, score in zip(names, scores, strict=True)
        ]

    assert on_heads.kinds(best(0.6, 0.9)).startswith("Heads of such kinds were found in BERT")
    assert on_heads.kinds(best(0.06, 0.9)).startswith(
        "Only for the first token is it 3 times what equal weights would give."
    )
    assert "No head gives any of the patterns" in on_heads.kinds(best(0.06, 0.14))


def test_the_waiting_on_a_gpu_is_told_of_the_same_data_only(record):
    bert = record("transformer")
    bert = dataclasses.replace(bert, made=bert.made | {"hardware": {"cores": 2, "gpu": ""}})
    searched = record("learning_curve", seconds_of=np.array([20.0, 30.0]))
    searched.made["hardware"]["gpu"] = "NVIDIA H200"
    told = plain(on_evaluation.of_gpu(bert, searched))
    assert (
        "training all-MiniLM-L6-v2 on all texts, with other settings, took 20 s on an NVIDIA H200"
        in told
    )
    other = bert.inputs | {"data": bert.inputs["data"] | {"digest": "1" * 64}}
    assert on_evaluation.of_gpu(dataclasses.replace(bert, inputs=other), searched) == ""


@pytest.mark.parametrize(
    ("seconds", "shared", "said"),
    [
        ((1752.768, 110.4453), "lstm", "at least 15"),
        ((15.0, 1.0), "lstm", "at least 15"),
        ((1752.768, 110.4453), "transformer", "at most 16"),
        ((16.1, 1.0), "transformer", "at most 17"),
        ((1752.768, 110.4453), "", "15.9"),
    ],
)
def test_a_ratio_that_is_a_bound_is_never_rounded_past_it(
    record, monkeypatch, seconds, shared, said
):
    bert, lstm = record("transformer"), record("lstm")
    monkeypatch.setattr(sentences, "shared_cores", lambda one: one.name == shared)
    ratio = seconds[0] / seconds[1]
    assert plain(sentences.times_as_long(ratio, bert, lstm, 3)) == said
