"""Costly work is done once: by one process, kept whole, and again only where it was lost."""

import subprocess
import sys

import numpy as np
import pytest

from lmreport.models import pretrained
from lmreport.runs import memo

SLOW = """
import sys, time
from pathlib import Path
from lmreport.runs import memo

folder, number = Path(sys.argv[1]), int(sys.argv[2])

def make():
    (folder / f"made-{number}").touch()
    time.sleep(1)
    return {"maker": number}

print(memo.once(folder / "kept.npz", make)["maker"])
"""


def test_two_processes_that_want_the_same_make_it_once(tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    both = [
        subprocess.Popen(
            [sys.executable, "-c", SLOW, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2)
    ]
    makers = {process.communicate(timeout=60)[0] for process in both}
    assert len(makers) == 1 == len(list(tmp_path.glob("made-*")))


def test_what_is_kept_is_found_and_what_is_damaged_is_made_again(tmp_path):
    calls = []

    def make():
        calls.append(1)
        return {"numbers": np.arange(3.0), "text": "é", "call": len(calls)}

    path = tmp_path / "deep" / "kept.npz"
    first, second = memo.once(path, make), memo.once(path, make)
    assert first["call"] == second["call"] == 1 and second["text"] == "é"
    assert second["numbers"].tobytes() == np.arange(3.0).tobytes()
    path.write_bytes(path.read_bytes()[:100])
    assert memo.once(path, make)["call"] == 2 == memo.once(path, make)["call"]


def test_work_that_fails_keeps_nothing(tmp_path):
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        memo.once(tmp_path / "kept.npz", fail)
    assert not (tmp_path / "kept.npz").exists()
    assert memo.once(tmp_path / "kept.npz", lambda: {"well": 1}) == {"well": 1}


def test_an_experiment_is_made_again_when_the_tokenizer_of_its_model_is_another(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")

    @memo.remember
    def pieces(path: str) -> dict:
        return {"read": (folder / "tokenizer.json").read_text()}

    first, second = pieces(str(folder)), pieces(str(folder))
    (folder / "tokenizer.json").write_text('{"added": 1}')
    pretrained.beside_weights.cache_clear()  # as in the next process
    assert first.key == second.key and pieces(str(folder))["read"] == '{"added": 1}'


def test_the_state_of_a_training_that_cannot_be_read_is_deleted(tmp_path, caplog):
    import torch

    for name in ("state.pt", "short.pt", "whole.pt"):
        torch.save({"model": torch.arange(999)}, tmp_path / name)
    whole = bytearray((tmp_path / "state.pt").read_bytes())
    whole[900:1300] = bytes(400)
    (tmp_path / "state.pt").write_bytes(whole)
    (tmp_path / "short.pt").write_bytes(whole[:700])
    memo.once(tmp_path / "found.npz", lambda: {"there": sorted(map(str, tmp_path.glob("*.pt")))})
    assert [path.name for path in tmp_path.glob("*.pt")] == ["whole.pt"]
    assert "state.pt is damaged; it has been deleted" in caplog.text


def test_an_experiment_may_ask_for_another_one(tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))

    @memo.remember
    def inner(n: int) -> dict:
        return {"n": n}

    @memo.remember
    def outer(n: int) -> dict:
        return {"twice": 2 * inner(n)["n"]}

    assert outer(3)["twice"] == 6
