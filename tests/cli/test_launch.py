"""One training in several processes, and one that Ctrl-C stops: real processes, the same result."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import families
from lmreport.cli import launch
from lmreport.models import fast_finetune

FP32, BF16 = ["--precision", "fp32"], ["--precision", "bf16"]
OPTIONS = [
    "--data",
    "sample",
    "--scale",
    "quick",
    "--train-size",
    "200",
    "--max-length",
    "48",
    "--epochs",
    "4",
    "--learning-rate",
    "5e-3",
    "--budget",
    "640",
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A two-layer BERT without dropout, whose draws would differ between one process and two."""
    folder = tmp_path_factory.mktemp("tiny")
    return families.tiny_bert(folder, hidden_dropout_prob=0.0, initializer_range=0.2)


PRESSED = """
import os, signal, sys
from transformers import TrainerCallback
from lmreport.cli import launch
from lmreport.models import fast_finetune

class CtrlC(TrainerCallback):
    def on_step_begin(self, args, state, control, **rest):
        if state.global_step == int(os.environ["PRESS_AT"]) and args.process_index == 0:
            os.kill(os.getpid(), signal.SIGINT)

make = fast_finetune.make_trainer
def made(*given):
    trainer = make(*given)
    trainer.add_callback(CtrlC())
    return trainer

fast_finetune.make_trainer = made
sys.exit(launch.main(sys.argv[1:]))
"""
ALONE, IN_TWO = [], ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def launched(folder, tiny, how, program=("-m", "lmreport.launch"), precision=FP32, **environment):
    """(exit status, what was said on standard error) of a training into `folder`."""
    done = subprocess.run(
        [sys.executable, *how, *program, str(folder), "--model", str(tiny), *OPTIONS, *precision],
        text=True,
        stderr=subprocess.PIPE,
        env=os.environ
        | environment
        | {"LMREPORT_CACHE": str(tiny.parent / "cache"), "OMP_NUM_THREADS": "1"},
    )
    return done.returncode, done.stderr


def weights(folder):
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def alone(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "model"
    status, said = launched(folder, tiny, ALONE)
    assert status == 0, said
    return folder


@pytest.fixture(scope="module")
def in_two(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("in_two") / "model"
    status, said = launched(folder, tiny, IN_TWO)
    assert status == 0 and said.count("texts/s, model in") == 1, said
    return folder


@pytest.mark.slow
def test_two_processes_train_as_one_does(alone, in_two):
    one, two = (json.loads((folder / "training.json").read_text()) for folder in (alone, in_two))
    assert (one["processes"], two["processes"]) == (1, 2)
    assert len(one["loss"]) > 3 and np.ptp(one["loss"]) > 0.01
    assert two["loss"] == pytest.approx(one["loss"], abs=1e-4)


@pytest.mark.slow
def test_bf16_trains_as_fp32_does_but_for_its_three_digits(alone, tiny, tmp_path):
    status, said = launched(tmp_path / "model", tiny, ALONE, precision=BF16)
    assert status == 0, said
    one, other = (
        json.loads((folder / "training.json").read_text())["loss"]
        for folder in (alone, tmp_path / "model")
    )
    assert other == pytest.approx(one, rel=2e-2) and other != one


def test_a_data_set_on_disk_is_trained_on_and_a_wrong_one_refused(tiny, tmp_path, capsys):
    from datasets import ClassLabel, Dataset, Features, Value

    texts = [f"{word} {n} times" for n in range(10) for word in ("sort", "void")]
    whole = Dataset.from_dict(
        {"text": texts, "labels": [0, 1] * 10},
        features=Features({"text": Value("string"), "labels": ClassLabel(names=["py", "java"])}),
    )
    whole.save_to_disk(tmp_path / "rows")
    options = ["--model", str(tiny), "--epochs", "1", "--budget", "64", "--dataset"]
    assert launch.main([str(tmp_path / "model"), *options, str(tmp_path / "rows")]) == 0
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["id2label"] == {"0": "py", "1": "java"}
    assert json.loads((tmp_path / "model" / "training.json").read_text())["texts"] == 20
    whole.remove_columns("text").save_to_disk(tmp_path / "half")
    kinds = {
        "numbers": ([1, 2], [0, 1], Value("int64")),
        "gap": (["a", None], [0, 1], Value("string")),
        "empty": ([], [], Value("string")),
        "unknown": (["a", "b"], [0, -1], Value("string")),
    }
    for name, (some, labels, kind) in kinds.items():
        Dataset.from_dict(
            {"text": some, "labels": labels},
            features=Features({"text": kind, "labels": ClassLabel(names=["py", "java"])}),
        ).save_to_disk(tmp_path / name)
    for wrong, said in (
        ("half", "lacks `text`"),
        ("nowhere", "not a saved data set"),
        ("empty", "has no rows"),
        ("numbers", "no strings in `text` but int64"),
        ("gap", "without a text or a label (1)"),
        ("unknown", "labels from -1 to 0, where 2 classes"),
    ):
        assert launch.main([str(tmp_path / "other"), *options, str(tmp_path / wrong)]) == 2
        assert said in capsys.readouterr().err


def test_where_nothing_can_be_written_and_another_training_are_told_first(
    tiny, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(fast_finetune, "make_trainer", lambda *given: pytest.fail("trained"))
    (tmp_path / "file").write_text("")
    (tmp_path / "model.checkpoints" / "checkpoint-3").mkdir(parents=True)
    options = ["--data", "sample", "--model", str(tiny), *OPTIONS]
    for folder, more, said in (
        ("file", [], "is a file"),
        ("file/model", [], "cannot be used"),
        ("model", [], "state of another training"),
        ("x", ["--budget", "0"], "no number of"),
    ):
        assert launch.main([str(tmp_path / folder), *options, *more]) == 2
        assert said in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "model.checkpoints"]


@pytest.mark.parametrize(
    "how, step, undisturbed",
    [(ALONE, 7, "alone"), pytest.param(IN_TWO, 25, "in_two", marks=pytest.mark.slow)],
    ids=["one process", "two, in the second epoch"],
)
def test_ctrl_c_saves_the_state_says_how_to_go_on_and_the_end_is_the_same(
    tiny, tmp_path, how, step, undisturbed, request
):
    program = tmp_path / "pressed.py"
    program.write_text(PRESSED)
    status, said = launched(tmp_path / "model", tiny, how, [str(program)], PRESS_AT=str(step))
    assert status == (130 if how == ALONE else 1) and "the same command goes on there" in said, said
    kept = [
        int(f.name.split("-")[1]) for f in (tmp_path / "model.checkpoints").glob("checkpoint-*")
    ]
    assert len(kept) == 1 and 0 <= kept[0] - step <= 10 and not (tmp_path / "model").exists()
    status, said = launched(tmp_path / "model", tiny, how)
    assert status == 0 and not (tmp_path / "model.checkpoints").exists(), said
    expected, found = weights(request.getfixturevalue(undisturbed)), weights(tmp_path / "model")
    for name, value in expected.items():
        assert np.allclose(value, found[name], atol=1e-6), name


def test_a_training_that_keeps_no_state_does_not_promise_one():
    """The learning curve's trainings are short; what had ended before them is kept."""
    from types import SimpleNamespace

    from lmreport.models.callbacks import CtrlC, Interrupted

    noted, control = CtrlC(), SimpleNamespace(should_save=False)
    noted.stop(SimpleNamespace(world_size=1, save_strategy="no"), None, control)
    noted.asked = True
    with pytest.raises(Interrupted, match="before this training is kept"):
        noted.stop(SimpleNamespace(world_size=1, save_strategy="no"), None, control)
    assert control.should_save is False
    noted.stop(SimpleNamespace(world_size=1, save_strategy="steps"), None, control)
    assert control.should_save is True
