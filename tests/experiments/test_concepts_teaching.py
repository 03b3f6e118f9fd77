"""The experiments that teach one thing each: numbers by hand on small tensors, and what each of
them must show.
"""

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from lmreport.experiments.concepts import (
    attention,
    cost,
    head_maps,
    heads,
    language_model,
    masks,
    recall,
    residual,
    scaling,
)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))


def random(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_each_query_of_the_worked_sentence_asks_its_own_question():
    found = attention.worked_sentence()
    for i, winner in enumerate(
        (1, 3, 0, 2)
    ):  # Python → sorts, sorts → lists, its → Python, lists → its
        expected = np.array([math.e**2 if j == winner else 1 for j in range(4)]) / (
            math.e**2 + 3
        )  # 4 / √4 = 2
        assert np.allclose(found["weights"][i], expected, atol=1e-6)
    assert found["scores"].tolist() == [[0, 4, 0, 0], [0, 0, 0, 4], [4, 0, 0, 0], [0, 0, 4, 0]]
    assert np.allclose(found["output"], found["weights"] @ found["v"], atol=1e-12)
    assert {len(found[name]) for name in ("words", "questions", "values")} == {4} and len(
        found["features"]
    ) == 5


def test_shortest_path_by_hand():
    x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    out = x.exp() + (x.sin().exp() * y).sin()
    assert recall.shortest_path(out.grad_fn, x) == 2 and recall.shortest_path(out.grad_fn, y) == 3
    with pytest.raises(ValueError, match="no path"):
        recall.shortest_path(x.exp().grad_fn, y)


def test_the_path_grows_with_distance_in_the_lstm_only():
    found = recall.paths(n=6)
    assert len(set(found["attention"])) == 1
    steps = -np.diff(found["lstm"])
    assert (steps > 0).all() and len(set(steps[:-1])) == 1


def test_the_target_of_the_recall_task_moves_and_is_asked_for_once():
    ids, values, places = recall.task(500, torch.Generator().manual_seed(0))
    assert all(len(set(row)) == recall.PAIRS for row in ids.tolist())
    assert set(places.tolist()) == set(range(recall.PAIRS))
    assert values.shape == ids.shape and int(values.max()) == recall.VALUES - 1
    results = torch.arange(500.0)
    by_place = recall.by_place(results, places)
    assert by_place[3] == results[places == 3].mean()


def test_attention_follows_the_target_and_the_lstm_does_not():
    attending, recurrent = (
        recall.movable(kind, steps=steps) for kind, steps in (("attention", 300), ("lstm", 20))
    )
    assert attending["accuracy"].mean() > 0.95 and np.diagonal(attending["map"]).min() > 0.5
    assert np.allclose(attending["map"].sum(1), 1, atol=1e-4) and recurrent["accuracy"].mean() < 0.3
    assert isinstance(recall.plot_movable(attending, recurrent, recall.paths()).figure, Figure)


def test_the_language_and_its_entropy_by_hand():
    words = 8 * 6 * 8  # choices of each form: two nouns and a verb
    assert math.isclose(language_model.entropy(), (math.log(3) + math.log(words)) / 9)
    made = language_model.sentences(200, torch.Generator().manual_seed(0))
    texts = [[language_model.VOCABULARY[i] for i in row] for row in made.tolist()]
    assert all(row[0] == language_model.START and language_model.allowed(row[1:]) for row in texts)
    assert language_model.allowed("why does my list not sort the file ?".split())
    assert not language_model.allowed("why does my sort not list the file ?".split())


def test_who_cheats_in_training_cannot_write():
    found = {variant: language_model.training(variant, steps=200) for variant in masks.VARIANTS}
    bound = language_model.entropy()
    none, right, late = (
        run["loss"][-30:].mean() for run in found.values()
    )  # in the order of masks.VARIANTS
    assert none < 0.3 * bound and late < 0.9 * bound < bound - 0.05 < right
    assert found["−∞ before the softmax"]["share"] > 0.6 > 0.2 > found["no mask"]["share"]
    assert isinstance(language_model.plot_training(found).figure, Figure)


@pytest.mark.parametrize("mask", [masks.masked_before, masks.masked_after])
def test_masks_are_the_same_for_a_batch_as_for_each_of_its_texts(mask):
    q, k, v = (random(i, 3, 5, 4) for i in range(3))
    together = mask(q, k, v)
    assert torch.allclose(
        together, torch.stack([mask(*one) for one in zip(q, k, v, strict=True)]), atol=1e-12
    )


def test_padding_changes_a_prediction_without_the_mask_only(tmp_path):
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(0)
    (tmp_path / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"])
    )
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    BertForSequenceClassification(
        BertConfig(
            vocab_size=8,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
            num_labels=3,
            max_position_embeddings=40,
            initializer_range=0.9,
        )
    ).save_pretrained(tmp_path)
    found = masks.padded_prediction(str(tmp_path), "x", "a b c", pads=(0, 2, 8, 64))
    assert found["pads"].tolist() == [0, 2, 8] and found["n"] == 5  # 64 would not fit
    assert np.allclose(found["with"].sum(1), 1, atol=1e-6) and np.allclose(
        found["with"], found["with"][0], atol=1e-5
    )
    assert np.allclose(found["without"][0], found["with"][0], atol=1e-6)
    assert np.abs(found["without"][-1] - found["with"][-1]).max() > 1e-3
    assert isinstance(masks.plot_padded_prediction([found]).figure, Figure)


def test_flips_at_the_first_other_class():
    rows = np.array([[0.6, 0.4], [0.55, 0.45], [0.3, 0.7], [0.6, 0.4]])
    assert masks.flips_at({"pads": np.array([0, 4, 16, 64]), "without": rows}) == 16
    assert masks.flips_at({"pads": np.array([0, 4]), "without": rows[:2]}) is None


def test_counts_by_length_by_hand():
    found = cost.by_length((2, 4), d=3, heads=5)
    assert found["attention_bytes"].tolist() == [4 * (5 * 2 * 3 + 5 * 4), 4 * (5 * 4 * 3 + 5 * 16)]
    assert found["lstm_bytes"].tolist() == [4 * 7 * 6, 4 * 7 * 12] and found[
        "lstm_flops"
    ].tolist() == [288, 576]
    assert found["attention_flops"].tolist() == [cost.attention_flops(n, 3) for n in (2, 4)]
    assert isinstance(cost.plot_by_length(cost.by_length()).figure, Figure)


def test_what_training_keeps_is_close_to_what_pytorch_keeps():
    d, n = 32, 256
    measured = cost.measured(lengths=(n,), d=d, repeats=1)
    for name, count in (("stored", cost.attention_kept(n, d, 1)), ("lstm", cost.lstm_kept(n, d))):
        assert 0.7 < measured[f"{name}_training_bytes"][0] / (4 * count) < 4, (
            name
        )  # beside it: gradients, copies


def test_one_softmax_is_a_row_of_random_scores_divided():
    found = scaling.one_softmax(64, keys=5, samples=11)
    scores = np.log(found["none"].astype(float))
    for name, divisor in (("root", 8), ("whole", 64)):
        expected = np.exp(scores / divisor - (scores / divisor).max())
        assert np.allclose(found[name], expected / expected.sum(), atol=1e-5)
    largest = np.sort(scaling.random_scores(64, 5, 11, 0).softmax(-1).amax(-1).numpy())
    assert (
        math.isclose(found["none"][0], largest[5], rel_tol=1e-6)
        and (np.diff(found["none"]) <= 0).all()
    )
    assert isinstance(scaling.plot_one_softmax((4, 64)).figure, Figure)


def test_one_head_must_choose_and_two_take_a_diagonal_each():
    weights = np.zeros((4, 4))
    weights[2, 1], weights[3, 2], weights[2, 0], weights[3, 1] = 0.5, 0.7, 0.2, 0.3
    assert math.isclose(heads.on_diagonal(weights, 1), 0.6) and math.isclose(
        heads.on_diagonal(weights, 2), 0.25
    )
    one, two = (heads.two_neighbours(h) for h in (1, 2))
    assert one["maps"].shape == (1, 16, 16) and np.allclose(two["maps"].sum(-1), 1, atol=1e-5)
    on = np.array(
        [[heads.on_diagonal(m, back) for back in (1, 2)] for m in two["maps"]]
    )  # (heads, diagonals)
    assert on.max(0).min() > 0.9 and set(on.argmax(0)) == {0, 1}
    assert min(heads.on_diagonal(one["maps"][0], back) for back in (1, 2)) < 0.5
    assert isinstance(heads.plot_neighbour_maps(one, two).figure, Figure)


def test_named_reads_off_what_is_there_and_guesses_where_nothing_is():
    ids = torch.randint(4, (200, 6), generator=torch.Generator().manual_seed(0))
    vectors = random(1, 4, 8)
    assert residual.named(vectors[ids], ids, 4) == 1
    assert residual.named(torch.ones(200, 6, 8).double(), ids, 4) < 0.35


def test_tokens_stay_readable_with_the_add_only():
    found = {variant: residual.readable(variant, depth=12) for variant in residual.VARIANTS}
    assert all(one["accuracy"].shape == (13,) and one["accuracy"][0] == 1 for one in found.values())
    last = {variant: one["accuracy"][-1] for variant, one in found.items()}
    assert last["no add"] < 0.2 < 0.9 < min(last["post-norm"], last["pre-norm"])
    assert isinstance(residual.plot_readable(found).figure, Figure)


def test_cost_of_a_removed_head_by_hand_and_its_figure(monkeypatch):
    labels = np.array([0, 1, 2, 3])
    record = {
        "labels": labels,
        "whole": np.array([0, 1, 2, 0]),
        "predicted": np.array([[[0, 1, 2, 0], [0, 0, 0, 0]], [[0, 1, 2, 3], [0, 1, 0, 0]]]),
    }
    assert head_maps.falls(record).tolist() == [[0, 50], [-25, 25]]
    found = [
        {"map": np.eye(3), "layer": 1, "head": 2, "pattern": "itself", "tokens": ["a", "b", "c"]}
    ]
    drawn = head_maps.plot_worth(record, found).figure
    assert isinstance(drawn, Figure)
    assert [one.get_text() for one in drawn.axes[0].texts] == ["head 1-2", "head 2-2"]
    few = record | {"whole": np.zeros(4, int), "predicted": np.zeros((2, 2, 4), int)}
    even = head_maps.plot_worth(few, found).figure  # none of them costs anything
    assert "stays the same" in even.get_suptitle() and len(even.axes) == len(found)
    assert drawn.axes[0].get_xticks().tolist() == [1, 2, 3, 4]  # the heads, counted from 1
