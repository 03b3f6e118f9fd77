"""The bench of a larger encoder: its time survives a stop, its stack knows its other runs."""

import numpy as np
import pytest

from lmreport.core.errors import ReportError
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.data.splits import splits_for
from lmreport.experiments.bench import encoder, main
from lmreport.models import finetune, pretrained
from lmreport.models.callbacks import Interrupted

SIZES = dict(max_length=24, epochs=1, learning_rate=1e-4, budget=256)


class Stopped:
    """A pretended Ctrl-C after the first checkpoint."""

    def __init__(self):
        self.asked = True

    def watch(self): ...

    def release(self): ...

    def stop(self, args, state, control):
        control.should_save |= state.global_step == 2

    def leave(self, state):
        raise Interrupted("stopped")


@pytest.mark.slow
def test_a_stopped_training_goes_on_and_counts_the_processor_time_of_both_parts(
    tmp_path, monkeypatch
):
    settings = resolved(load(train_size=120, test_size=40), "cpu")
    splits = splits_for(settings, download.obtain("sample"))
    path = pretrained.from_package("any").path
    whole = encoder.trained(splits, path, SIZES, 1, tmp_path / "whole")
    with monkeypatch.context() as changed:
        changed.setattr("lmreport.models.callbacks.CtrlC", Stopped)
        with pytest.raises(Interrupted):
            encoder.trained(splits, path, SIZES, 1, tmp_path / "parts")
    state = finetune.last_state(tmp_path / "parts" / "checkpoints")
    kept = tmp_path / "parts" / "checkpoints" / "checkpoint-2" / "cpu_seconds.txt"
    assert state.endswith("checkpoint-2") and float(kept.read_text()) > 0
    kept.write_text("1000.0")  # so that it shows
    again = encoder.trained(splits, path, SIZES, 1, tmp_path / "parts")
    assert 1000 < again["cpu_seconds"] < 1000 + 100 * whole["cpu_seconds"]
    assert again["updates"] == whole["updates"] > 2


class Run(dict):
    """Pretended scores of a model that is right on a share of 200 texts of two classes."""

    def __init__(self, key: str, seed: int, right: float = 0.8):
        rng, labels = np.random.default_rng(seed), np.arange(200) % 2
        named = np.where(rng.random(200) < right, labels, 1 - labels)
        logits = np.eye(2, dtype=np.float32)[named] * 2
        super().__init__(logits=logits, validation_logits=logits, validation_labels=labels)
        self.key = key


def test_the_stack_weighs_every_other_run_where_that_helps_on_the_validation_texts():
    found, models = Run("", 1), {"tfidf_svm": Run("svm", 2)}
    alone = encoder.stack(found, models, [], 157)
    assert alone["stacks"] == ["encoder and SVM"] and "others" not in alone
    others = [Run(f"run {seed}", seed) for seed in (3, 4, 5)]
    both = encoder.stack(found, models, others, 157)
    assert both["stacks"] == ["encoder and SVM", "encoders and SVM"]
    assert both["stack"] == "encoders and SVM" and both["members"] == {"tfidf_svm": "svm"}
    assert both["others"] == ["run 3", "run 4", "run 5"] and both["weights"].shape == (5,)
    assert max(both["stack_accuracies"]) > max(alone["stack_accuracies"])


@pytest.mark.parametrize(
    "wanted, told",
    [
        ("pieces=512", "there is no pieces, only .*max_length"),
        ("max_length=long", "'long' is no int"),
        ("learning_rate=", "'' is no float"),
        ("max_length", "'' is no int"),
    ],
)
def test_a_size_that_does_not_fit_is_refused(wanted, told):
    with pytest.raises(ReportError, match=told):
        main.chosen([wanted], main.sizes_of("encoder"))


def test_sizes_are_changed_for_one_run_only():
    given = ["max_length=512", "train_seed=158", "learning_rate=3e-5"]
    changed = main.sizes_of("encoder") | main.chosen(given, main.sizes_of("encoder"))
    assert (changed["max_length"], changed["train_seed"]) == (512, 158)
    assert changed["learning_rate"] == 3e-5 and main.sizes_of("encoder")["max_length"] != 512
    assert main.chosen(["seeds=[1, 2]"], {"seeds": [1]}) == {"seeds": [1, 2]}
