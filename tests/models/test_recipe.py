"""The ladder: what a recipe does to rates, texts, weights and folds; steps that go on after a kill;
the quick form.
"""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import families
import listening
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.data.splits import splits_for
from lmreport.experiments import improvements as steps
from lmreport.experiments import kept_trainings, studies
from lmreport.models import masked_lm, recipe, recipe_training, stacking
from lmreport.models.recipe import Recipe
from lmreport.models.tokenizer import load_tokenizer
from lmreport.reporting import improvements
from lmreport.runs import train

OPTIONS = dict(
    scale="quick", train_size=64, test_size=64, max_length=24, batch_size=8, epochs=1, lstm_epochs=1
)
SMALL = Recipe(texts=48, max_length=24, epochs=2, batch_size=4, learning_rate=1e-3, average=0.9)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The folder of a two-layer BERT of width 32 with random weights."""
    return str(families.tiny_bert(tmp_path_factory.mktemp("tiny"), initializer_range=0.2))


@pytest.fixture(scope="module")
def tokenizer(tiny):
    return load_tokenizer(tiny)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMREPORT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield Path(os.environ["LMREPORT_CACHE"])


@pytest.fixture(scope="module")
def settings(folder, tiny):
    return resolved(load(model=tiny, **OPTIONS), "cpu")


@pytest.fixture(scope="module")
def splits(settings):
    return splits_for(settings, download.obtain("sample"))


def test_each_parameter_learns_at_the_rate_of_its_layer(tiny):
    model = recipe_training.classifier(tiny, 4, Recipe())
    groups = recipe.parameter_groups(
        model, Recipe(learning_rate=1e-3, layer_decay=0.5, weight_decay=0.02)
    )
    found = {id(p): (g["lr"], g["weight_decay"]) for g in groups for p in g["params"]}
    assert sum(len(g["params"]) for g in groups) == len(found) == len(list(model.parameters()))
    named = dict(model.named_parameters())
    for name, lr, decay in (
        ("classifier.weight", 1e-3, 0.02),
        ("classifier.bias", 1e-3, 0.0),
        ("bert.pooler.dense.weight", 1e-3, 0.02),
        ("bert.encoder.layer.1.output.dense.weight", 5e-4, 0.02),
        ("bert.encoder.layer.0.output.LayerNorm.weight", 2.5e-4, 0.0),
        ("bert.embeddings.word_embeddings.weight", 1.25e-4, 0.02),
    ):
        assert found[id(named[name])] == (pytest.approx(lr), decay), name
    assert {lr for lr, _ in found.values()} == {1e-3, 5e-4, 2.5e-4, 1.25e-4}


@given(st.integers(0, 60), st.integers(4, 30), st.data())
def test_a_long_text_keeps_its_first_and_its_last_pieces(number, max_length, chance):
    tail = chance.draw(st.integers(0, max_length - 2))
    pieces, room = list(range(100, 100 + number)), max_length - 2
    row = recipe.cut(pieces, max_length, tail, 1, 2)
    assert row[0] == 1 and row[-1] == 2 and len(row) == min(number, room) + 2
    if number > room:
        assert (
            row[1 : 1 + room - tail] == pieces[: room - tail]
            and row[1 + room - tail : -1] == pieces[number - tail :]
        )
    parts = recipe.windows(pieces, max_length, 99, 1, 2)
    assert sum((part[1:-1] for part in parts), []) == pieces and all(
        len(part) <= max_length for part in parts
    )


def test_the_rate_rises_then_falls_to_nothing():
    for schedule in ("linear", "cosine"):
        rates = [
            recipe.factor(Recipe(schedule=schedule, warmup=0.1), step, 100) for step in range(100)
        ]
        assert rates[9] == 1 and rates[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
        assert (
            all(a >= b for a, b in zip(rates[9:], rates[10:], strict=False))
            and 0 < rates[-1] < 0.02
        )


def test_an_epoch_has_each_text_once_and_texts_of_like_length_together():
    lengths = np.random.default_rng(0).integers(5, 200, 500)
    made = recipe.batches(lengths, Recipe(batch_size=8), 0)
    assert sorted(np.concatenate(made)) == list(range(500)) and max(map(len, made)) == 8
    assert np.mean([np.ptp(lengths[b]) for b in made]) < 20
    assert any(
        (a != b).any()
        for a, b in zip(made, recipe.batches(lengths, Recipe(batch_size=8), 1), strict=True)
        if len(a) == len(b)
    )


def test_fifteen_percent_are_hidden_and_no_special_token(tokenizer):
    import torch

    ids = torch.randint(1000, 30000, (200, 100))
    ids[:, 0], ids[:, -10:-5], ids[:, -5:] = (
        tokenizer.cls_token_id,
        tokenizer.sep_token_id,
        tokenizer.pad_token_id,
    )
    special = masked_lm.special_tokens(ids, tokenizer)
    assert int(special.sum()) == 200 * 11
    hidden, chosen = masked_lm.mask(
        ids, special, tokenizer.mask_token_id, 30522, torch.Generator().manual_seed(0)
    )
    assert not (chosen & special).any() and (hidden[~chosen] == ids[~chosen]).all()
    assert float(chosen.sum() / (~special).sum()) == pytest.approx(0.15, abs=0.01)
    now, before = hidden[chosen], ids[chosen]
    assert float((now == tokenizer.mask_token_id).float().mean()) == pytest.approx(0.8, abs=0.03)
    assert float((now == before).float().mean()) == pytest.approx(0.1, abs=0.02)
    other = (now != before) & (now != tokenizer.mask_token_id)
    assert float(other.float().mean()) == pytest.approx(0.1, abs=0.02)


def test_masked_training_teaches_and_the_classifier_gets_its_encoder(tiny, tokenizer, tmp_path):
    import torch

    pieces = recipe_training.pieces_of(
        tokenizer, ["how do i sort a list of numbers", "for each item in the list print it"] * 40
    )
    told = masked_lm.train(
        tiny,
        pieces,
        Recipe(masked_epochs=8, masked_length=16, batch_size=4),
        tokenizer,
        tmp_path,
    )
    assert told["masked_loss"][1] < told["masked_loss"][0] - 0.1
    model, plain = (
        recipe_training.classifier(tiny, 4, Recipe()),
        recipe_training.classifier(tiny, 4, Recipe()),
    )
    masked_lm.load_into(model, tmp_path)
    kept = torch.load(tmp_path / "encoder.pt", weights_only=True)
    assert all(
        torch.equal(model.base_model.state_dict()[name], weight) for name, weight in kept.items()
    )
    assert not torch.equal(
        model.bert.embeddings.word_embeddings.weight, plain.bert.embeddings.word_embeddings.weight
    )
    assert torch.equal(model.bert.pooler.dense.weight, plain.bert.pooler.dense.weight)


def test_the_average_is_the_sum_that_its_formula_says():
    import torch

    series = [torch.tensor([float(i * i)]) for i in range(6)]
    mean = {"w": series[0].clone(), "count": torch.tensor(0)}
    for i, weight in enumerate(series[1:], 1):
        recipe.update_average(mean, {"w": weight, "count": torch.tensor(i)}, 0.9)
    wanted = 0.9**5 * series[0] + sum(0.1 * 0.9 ** (5 - i) * series[i] for i in range(1, 6))
    assert torch.allclose(mean["w"], wanted) and int(mean["count"]) == 5


def test_predictions_stand_in_the_order_of_the_texts_and_do_not_depend_on_the_batch(
    tiny, tokenizer
):
    texts = ["short", "a much longer question about lists " * 4, "middle sized text"] * 5
    rows = recipe_training.rows_of(
        recipe_training.pieces_of(tokenizer, texts), Recipe(max_length=24), tokenizer
    )
    model = recipe_training.classifier(tiny, 4, Recipe())
    together = recipe_training.predict(model, rows, tokenizer.pad_token_id)
    alone = np.concatenate(
        [recipe_training.predict(model, [row], tokenizer.pad_token_id) for row in rows]
    )
    assert np.allclose(together, alone, atol=1e-5) and not np.allclose(
        alone[0], alone[1], atol=1e-3
    )


def test_a_stack_finds_the_better_model_and_its_folds_never_see_their_own_rows():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 120)
    good, bad = 2 * np.eye(3)[labels] + rng.normal(size=(120, 3)), rng.normal(size=(120, 3))
    scores = np.stack([stacking.normalised(good), stacking.normalised(bad)])
    weights, _ = stacking.fit_stack(scores, labels)
    assert weights[0] > 5 * abs(weights[1])
    before = stacking.cross_fitted(scores, labels, 0)
    from sklearn.model_selection import StratifiedKFold

    for rest, fold in StratifiedKFold(stacking.FOLDS, shuffle=True, random_state=0).split(
        labels, labels
    ):
        own = stacking.stacked(scores[:, fold], *stacking.fit_stack(scores[:, rest], labels[rest]))
        assert np.allclose(before[fold], own)
        assert not set(rest) & set(fold)
    whole = stacking.stacked(scores, *stacking.fit_stack(scores, labels))
    assert not np.allclose(before, whole)


KILLED = """
from lmreport.data import download
from lmreport.experiments import kept_trainings
from lmreport.models import recipe_training
from lmreport.data.splits import splits_for
from lmreport.models.recipe import Recipe
from lmreport.core.settings import load, resolved
recipe_training.SAVE_EVERY = 0.0
splits = splits_for(resolved(load(model={model!r}, **{options!r}), "cpu"), download.obtain("sample"))
kept_trainings.measure(Recipe(**{given!r}), splits, {model!r})
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_logits(folder, tiny, splits, monkeypatch):
    import torch

    given = dataclasses.asdict(dataclasses.replace(SMALL, epochs=12))
    victim = subprocess.Popen(
        [sys.executable, "-c", KILLED.format(model=tiny, options=OPTIONS, given=given)],
        env=os.environ | {"LMREPORT_CACHE": str(folder), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    kept, until = kept_trainings.folder_of(Recipe(**given), splits, tiny), time.time() + 200
    while not (kept / "state.pt").is_file():
        assert time.time() < until and victim.poll() is None, victim.communicate()
        time.sleep(0.005)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert not (kept / "found.npz").is_file()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with listening.lines() as told:
            resumed = kept_trainings.measure(Recipe(**given), splits, tiny)
        assert any("goes on after step" in line for line in told)
        (kept / "found.npz").unlink()
        whole = kept_trainings.measure(Recipe(**given), splits, tiny)
    finally:
        torch.set_num_threads(before)
    assert np.allclose(resumed["validation_logits"], whole["validation_logits"], atol=1e-5)
    assert np.allclose(resumed["average_logits"], whole["average_logits"], atol=1e-5)
    assert resumed["tokens"] == whole["tokens"] and not (kept / "state.pt").exists()


@pytest.fixture(scope="module")
def made(folder, settings):
    corpus = download.obtain("sample")
    return {name: studies.run(name, settings, corpus) for name in ("ladder", "summit")}


def test_the_quick_form_has_every_kind_of_step_and_is_made_once(folder, settings, made, told):
    climbed, top = made["ladder"], made["summit"]
    names = [p["name"] for p in climbed["points"]]
    assert {*steps.ON_RECORD.values(), *steps.STACKS, *steps.QUICK} <= set(names)
    assert (
        climbed["predicted"].shape
        == climbed["logits"].shape[:2]
        == (len(names), len(climbed["labels"]))
    )
    assert (
        climbed["logits"].argmax(-1) == climbed["predicted"]
    ).mean() > 0.99  # kept in half precision
    again = studies.run("ladder", settings, download.obtain("sample"))
    assert again.key == climbed.key and told == []
    assert steps.TRANSFORMER in top["members"] and top["names"][-1] in steps.STACKS
    test = train.run("transformer", settings, download.obtain("sample"))["logits"].argmax(-1)
    assert (top["predicted"][top["names"].index(steps.TRANSFORMER)] == test).all()
    assert (top["logits"].argmax(-1) == top["predicted"][-1]).all()


def test_validation_texts_alone_decide_the_stack(made):
    climbed, top = made["ladder"], made["summit"]
    right = {
        p["name"]: (row == climbed["labels"]).mean()
        for p, row in zip(climbed["points"], climbed["predicted"], strict=True)
    }
    allowed = {
        name: right[name] for name, members in steps.STACKS.items() if steps.TRANSFORMER in members
    }
    assert allowed[top["names"][-1]] == max(allowed.values())
    assert tuple(top["members"]) == steps.STACKS[top["names"][-1]]


def test_what_the_report_says_of_the_ladder_can_be_recomputed_another_way(made):
    from lmreport.check.numbers import recompute
    from lmreport.reporting.studies import share

    climbed, top = made["ladder"], made["summit"]
    said = [
        improvements.missed_by_all(top),
        improvements.agreed_wrong(top),
        share(top, "predicted.0"),
        improvements.price(climbed, top["names"][-1]),
        improvements.cost(climbed, 3, "tokens"),
    ]
    for at, point in enumerate(climbed["points"]):
        if point["against"] != at:
            base = f"predicted.{point['against']}"
            said += [
                improvements.gain(climbed, at),
                improvements.p_value(climbed, at),
                improvements.margin(climbed, at),
                improvements.surely(climbed, base, f"predicted.{at}"),
            ]
    loaded = {r.symbol: recompute.load(r.path) for r in made.values()}
    for number in said:
        assert recompute.evaluated(number.expression, loaded) == pytest.approx(
            float(number), abs=1e-9
        ), number.expression


def test_the_mean_of_two_seeds_averages_their_probabilities_and_costs_both(made):
    climbed = made["ladder"]
    logits, (name, members) = climbed["logits"].astype(float), *steps.MEANS.items()
    whole, parts = (
        improvements.row(climbed, name),
        [improvements.row(climbed, member) for member in members],
    )
    shares = np.exp(logits[parts]) / np.exp(logits[parts]).sum(
        -1, keepdims=True
    )  # (seeds, texts, classes)
    assert logits[whole] == pytest.approx(np.log(shares).mean(0), abs=2e-3)
    assert climbed["tokens"][whole] == climbed["tokens"][parts].sum()
    assert not np.allclose(*logits[parts])


def test_every_step_has_a_row_and_the_final_ones_a_p_value(made):
    assert (
        len(improvements.table(made["ladder"]).data.splitlines())
        > len(made["ladder"]["points"]) + 2
    )
    assert "p (McNemar)" in improvements.final(made["summit"]).data


def test_what_a_point_costs_is_told_for_both_splits_and_only_for_a_lead(made):
    climbed, top = made["ladder"], made["summit"]
    best, svm = (improvements.row(climbed, name) for name in (top["names"][-1], steps.SVM))
    more = climbed["cpu_seconds"][best] - climbed["cpu_seconds"][svm]
    test = (top["predicted"] == top["labels"]).mean(1)
    leads = [
        improvements.accuracy(climbed, best) - improvements.accuracy(climbed, svm),
        test[-1] - test[top["names"].index(steps.SVM)],
    ]
    said = improvements.a_point(climbed, top)
    if min(leads) > 0:
        assert [float(n) for n in re.findall(r'data-value="([^"]*)"', said)] == pytest.approx(
            [more / (100 * lead) for lead in leads]
        )
    else:
        assert "with no lead" in said
    tried = [steps.STACKS.get(name) for name in (point["name"] for point in climbed["points"])]
    assert ("Its last member" in improvements.without_last(climbed, top)) == (
        tuple(top["members"][:-1]) in tried
    )
    number = sum(point["against"] != at for at, point in enumerate(climbed["points"]))
    assert f"of [{number}]" in improvements.by_chance(climbed)
