"""The search for accuracy on a GPU: recipes, seeds, folds and the stack, on a small model and few
texts.
"""

import numpy as np
import pytest
from datasets import ClassLabel, Dataset

import families
from lmreport.core.errors import ReportError
from lmreport.data.corpus import TAGS
from lmreport.experiments.bench import fast_vs_literal, recipes, resources, search, seeds
from lmreport.models import predict, stacking

SEARCH = dict(
    seeds=[1, 2],
    recipes=["label smoothing", "masked language model first: 5 epochs"],
    smaller=dict(epochs=6, max_length=24, budget=256, learning_rate=1e-2),
)


def texts(number: int, seed: int):
    """Texts whose tag is told by one word, with others around it."""
    rng, words = (
        np.random.default_rng(seed),
        np.array("sort split read print list table loop".split()),
    )
    labels = [i % 4 for i in range(number)]
    told = [
        " ".join(rng.permutation([*rng.choice(words, 5), ("pen", "dog", "sun", "map")[label]]))
        for label in labels
    ]
    return Dataset.from_dict({"text": told, "labels": labels}).cast_column(
        "labels", ClassLabel(names=list(TAGS))
    )


@pytest.fixture(scope="module")
def splits():
    return {"train": texts(96, 0), "validation": texts(32, 1), "test": texts(40, 2)}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The folder of a small BERT with MiniLM's vocabulary, its weights by chance."""
    folder = tmp_path_factory.mktemp("small")
    return str(families.tiny_bert(folder, hidden_size=16, intermediate_size=32))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def searched(splits, small, kept):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMREPORT_CACHE", str(kept))
        return search.measured(splits, small, SEARCH)


def test_each_recipe_is_trained_with_each_seed_and_the_best_is_told(
    searched, splits, small, kept, monkeypatch
):
    assert [r["name"] for r in searched["recipes"]] == SEARCH["recipes"]
    assert searched["rows"] == [
        {"recipe": name, "seed": seed} for name in SEARCH["recipes"] for seed in (1, 2)
    ]
    assert (
        searched["predicted"].shape == (4, 32)
        and searched["labels"].tolist() == splits["validation"]["labels"]
    )
    right = (searched["predicted"] == searched["labels"]).mean(1)
    assert searched["accuracies"] == pytest.approx(right)
    assert searched["recipe_accuracies"] == pytest.approx(right.reshape(2, 2).mean(1))
    assert searched["recipe_accuracies"][searched["best"]] == searched["recipe_accuracies"].max()
    assert (
        searched["recipes"][0]["sets"]["label_smoothing"] == 0.1 and (searched["updates"] > 2).all()
    )
    assert searched["together"] == ["mean", "SVM", "stack"] and searched[
        "together_predicted"
    ].shape == (3, 32)
    assert (
        searched["together_predicted"][1] == searched["labels"]
    ).mean() > 0.9  # the SVM sees the telling word
    monkeypatch.setenv("LMREPORT_CACHE", str(kept))
    monkeypatch.setattr(recipes, "run", lambda *rest: pytest.fail("trained again"))
    again = search.measured(splits, small, SEARCH)
    assert (again["predicted"] == searched["predicted"]).all()
    next((kept / "bench" / "recipes").glob("[0-9a-f]*.npz")).unlink()  # not the masked encoder
    cut = search.measured(splits, small, SEARCH | {"kept": True})
    assert len(cut["rows"]) == 3 and len(cut["recipes"][cut["best"]]["rows"]) == 2


def test_nothing_kept_is_said_so(splits, small, tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    with pytest.raises(ReportError, match="leave out --kept"):
        search.measured(splits, small, SEARCH | {"kept": True})


def test_seeds_folds_and_stack_are_of_unseen_texts(searched, splits, small, tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    asked, trained = [], recipes.trained

    def watched(plan, seed, train, wanted, path, unlabelled=None):
        asked.append((seed, len(train), {name: len(found) for name, found in wanted.items()}))
        if "fold" in wanted:
            assert not set(wanted["fold"]) & set(train["text"])
        return trained(plan, seed, train, wanted, path, unlabelled)

    unlike = {
        name: splits[name].map(
            lambda row, i, name=name: {"text": f"{name} {i} {row['text']}"}, with_indices=True
        )
        for name in splits
    }
    monkeypatch.setattr(recipes, "trained", watched)
    best = seeds.best_of(searched)
    found = seeds.measured(
        unlike, small, dict(seeds=[3, 4], folded_seeds=[3], folds=3, predicted_folds=2), best
    )
    assert asked == [
        (3, 96, {"test": 40}),
        (4, 96, {"test": 40}),
        (3, 64, {"fold": 32}),
        (3, 64, {"fold": 32}),
    ]
    assert found["names"] == [
        "seed 3",
        "seed 4",
        "mean of the seeds",
        "SVM",
        "SVM on word pieces",
        "stack",
    ]
    assert (
        found["recipe"] == best["recipe"] and found["sets"] == best["sets"] and found["folds"] == 3
    )
    assert len(found["seconds_of"]) == len(found["ended"]) == 4 and (found["seconds_of"] > 0).all()
    right = (found["predicted"] == found["labels"]).mean(1)
    assert (
        found["accuracies"] == pytest.approx(right) and right[3] == 1
    )  # the telling word is there for the SVM
    assert found["seed_mean"] == pytest.approx(right[:2].mean())
    assert found["seed_points"] == pytest.approx(100 * right[:2].std(ddof=1))
    assert found["fold_names"] == found["names"][2:] and found["members"] == found["names"][2:5]
    assert found["fold_predicted"].shape == (4, 64) and len(found["weights"]) == 3
    folds = seeds.folds_of(np.array(splits["train"]["labels"]), 3)[:2]
    assert found["fold_labels"].tolist() == [
        splits["train"]["labels"][i] for _, fold in folds for i in fold
    ]
    assert (found["fold_predicted"][1] == found["fold_labels"]).mean() > 0.9
    assert (found["logits"].argmax(1) == found["predicted"][5]).all()


def test_masked_training_changes_the_encoder_and_learns(splits, small, tmp_path, monkeypatch):
    from safetensors.torch import load_file
    from transformers import Trainer

    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    said, told = [], Trainer.log
    monkeypatch.setattr(
        Trainer, "log", lambda self, logs, *rest: said.append(logs) or told(self, logs, *rest)
    )
    monkeypatch.setitem(recipes.MASKED, "budget", 256)
    losses = []
    for epochs in (1, 8):
        plan = recipes.Training(masked_epochs=epochs, max_length=24)
        weights = recipes.masked_encoder(plan, splits["train"], small)
        losses.append(said[-1]["train_loss"])
    before = load_file(f"{small}/model.safetensors")
    assert set(weights) <= set(before) and not any(name.startswith("pooler") for name in weights)
    assert all(
        not np.array_equal(weights[name], before[name]) for name in weights if "layer" in name
    )
    assert losses[1] < losses[0] - 0.2


def test_folds_hold_each_text_once_and_means_are_of_probabilities():
    labels = np.repeat(np.arange(4), 10)
    folds = seeds.folds_of(labels, 5)
    assert sorted(i for _, fold in folds for i in fold) == list(range(40))
    assert all(not set(rest) & set(fold) and len(rest) + len(fold) == 40 for rest, fold in folds)
    scores = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    assert np.exp(seeds.mean([scores])).sum(1) == pytest.approx(1)
    assert seeds.mean([scores, scores]) == pytest.approx(stacking.normalised(scores))


def test_accuracy_of_three_recipes_is_measured_in_processes_side_by_side(
    splits, small, tmp_path, monkeypatch
):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    monkeypatch.setitem(resources.PROCESSES, "cpu", 2)
    monkeypatch.setitem(fast_vs_literal.WAYS, "cpu", ("literal", "ours on a GPU", "ours"))
    sizes = dict(seeds=[1], train_texts=0, epochs=1, learning_rate=1e-2, max_length=24)
    found = fast_vs_literal.measured(small, splits, sizes, sizes["seeds"], tmp_path / "kept")
    assert found["predicted"].shape == (3, 1, 32) and found["int8"].shape == found[
        "bf16"
    ].shape == (1, 32)
    assert (
        found["difference_points"][0] == found["margin_points"][0] == 0
        and len(found["accuracies"]) == 3
    )
    assert found["int8_of"] == found["bf16_of"] == 32 and found["train_texts"] == 96
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 3


def test_the_kept_logits_are_those_of_the_trained_model(splits, small, tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    plan, kept = recipes.Training(epochs=1, max_length=24, budget=512), []
    monkeypatch.setattr(
        predict,
        "logits",
        lambda model, tokenizer, asked, length: (
            kept.append(original(model, tokenizer, asked, length)) or kept[-1]
        ),
    )
    asked = {"test": list(splits["test"]["text"])}
    found = recipes.trained(plan, 1, splits["train"], asked, small)
    assert (found["test"] == kept[0]).all() and found["updates"] > 0 and found["seconds"] > 0
    recipes.trained(plan, 1, splits["train"], asked, small)
    assert len(kept) == 1
    recipes.trained(plan, 2, splits["train"], asked, small)
    assert len(kept) == 2 and not np.array_equal(*kept)


original = predict.logits
