import pytest

from lmreport.core import checkpoints


@pytest.fixture
def states(tmp_path):
    """Two checkpoints with the files of `torch.save` that a training leaves."""
    import torch

    for step in (3, 6):
        state = tmp_path / f"checkpoint-{step}"
        state.mkdir()
        for name in ("rng_state.pth", "optimizer.pt", "scheduler.pt"):
            torch.save({"cpu": torch.random.get_rng_state(), "step": step}, state / name)
    return tmp_path


def spoil(file, at):
    """As two processes that write one file at once leave it: its end is whole, what is before not."""
    whole = bytearray(file.read_bytes())
    start = int(len(whole) * at)
    whole[start : start + 400] = bytes(byte ^ 255 for byte in whole[start : start + 400])
    file.write_bytes(whole)


@pytest.mark.parametrize("name", ["rng_state.pth", "optimizer.pt", "scheduler.pt"])
@pytest.mark.parametrize("at", [0, 1 / 3, 1 / 2])
def test_a_damaged_checkpoint_is_told_and_taken_away(states, caplog, name, at):
    spoil(states / "checkpoint-6" / name, at)
    checkpoints.drop_damaged(states)
    assert [path.name for path in states.iterdir()] == ["checkpoint-3"]
    assert f"checkpoint-6 is damaged ({name}); passing it over" in caplog.text


def test_whole_checkpoints_stay_without_a_word(states, caplog):
    checkpoints.drop_damaged(states)
    assert len(list(states.iterdir())) == 2 and not caplog.text
    checkpoints.drop_damaged(states / "nowhere")
