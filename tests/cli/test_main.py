"""Errors that are not the program's own end in one sentence; its own are not hidden."""

import errno
import os
import subprocess
import sys
import tempfile

import pytest
import requests
from safetensors import SafetensorError

from lmreport.cli import main, options
from lmreport.cli.main import said_of
from lmreport.core import files, machine
from lmreport.core.errors import ReportError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ReportError("seed: give a number"), "seed: give a number"),
        (
            requests.exceptions.ConnectionError("no route"),
            "the model hub cannot be asked (no route)",
        ),
        (OSError(errno.ENOSPC, "full", "a.npz"), "no space left on the disk (a.npz)"),
        (OSError(errno.EDQUOT, "full", "a.npz"), "no space left on the disk (a.npz)"),
        (OSError(errno.EFBIG, "large", "a.npz"), "a.npz would be larger than a file may be here"),
        (PermissionError(errno.EACCES, "Permission denied", "a.npz"), "a.npz cannot be used"),
    ],
)
def test_what_others_did_wrong_is_told_in_a_sentence(error, said):
    assert said_of(error).startswith(said)


@pytest.mark.parametrize(
    "error",
    [
        SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        ),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
    ],
    ids=["safetensors", "torch"],
)
def test_a_disk_that_is_full_while_a_model_is_saved_is_told(error, monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    assert said_of(error).startswith("no space left on the disk")
    assert f"set LMREPORT_CACHE to another folder (now {tmp_path})" in said_of(error)


def test_a_full_disk_is_named_with_a_variable_only_where_it_helps(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    for name, variables in (
        (str(tmp_path / "report/index.pdf"), set()),
        (str(tmp_path / "cache/executed/a.ipynb"), {"LMREPORT_CACHE"}),
        (f"{tempfile.gettempdir()}/lmreport-x/page.typ", {"TMPDIR"}),
    ):
        said = said_of(OSError(errno.ENOSPC, "full", name))
        assert {one for one in ("LMREPORT_CACHE", "TMPDIR") if one in said} == variables
    copied = OSError(errno.ENOSPC, "full", "from.ttf", None, "to.ttf")
    assert said_of(copied) == "no space left on the disk (to.ttf); free some"


def test_a_disk_that_is_full_changes_none_of_several_files_and_is_named(tmp_path, monkeypatch):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("old")
    made = os.fdopen

    def full(handle, mode):
        if list(tmp_path.glob(".part-*"))[1:]:
            os.close(handle)
            raise OSError(errno.ENOSPC, "full")
        return made(handle, mode)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError) as refused:
        files.write_together({first: b"new", second: b"new"})
    assert refused.value.filename == str(second)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("error", [ValueError("own"), OSError(errno.EIO, "broken", "a.npz")])
def test_own_errors_are_not_hidden(error):
    assert said_of(error) == ""


@pytest.mark.parametrize("text", ['-0.07"', "-how do I sort", "--perhaps"])
def test_a_text_that_begins_with_a_dash_is_told_to_stand_behind_two(capsys, text):
    with pytest.raises(SystemExit):
        main.main(["predict", text])
    assert "stands behind --: lmreport predict -- TEXT" in capsys.readouterr().err
    assert options.parsed(["predict", "--epochs", "1", "--", text]).question == [text]


def test_an_option_that_is_unknown_elsewhere_is_told_without_a_word_of_texts(capsys):
    with pytest.raises(SystemExit):
        main.main(["train", "--perhaps"])
    said = capsys.readouterr().err
    assert "unrecognized arguments: --perhaps" in said and "TEXT" not in said


@pytest.mark.parametrize(
    "typed, said",
    [
        ("run lstms", "there is no run 'lstms'; did you mean 'lstm'?"),
        ("run bench_trian", "did you mean 'bench_train'?"),
        ("run colour", "known are bag_of_words, tfidf_svm, lstm, transformer, "),
        ("train transfomer", "there is no model 'transfomer'; did you mean 'transformer'?"),
        ("runs --prove lader", "did you mean 'ladder'?"),
    ],
)
def test_a_name_that_is_none_is_told_with_the_nearest(typed, said, caplog):
    assert main.main(typed.split()) == 2
    assert said in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such limit")
def test_where_few_files_may_be_open_a_command_that_trains_says_so_and_does_not_wait():
    command = f"ulimit -n 32; {sys.executable} -m lmreport.cli train bag_of_words --data sample"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "type ulimit -n 256" in done.stderr, done.stderr


def test_a_command_in_a_project_whose_code_does_not_run_says_whose_does(
    tmp_path, monkeypatch, caplog
):
    """As in a copy of a project, whose .venv leads to the first."""
    (tmp_path / "_quarto.yml").write_text("lang: en\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(main.COMMANDS, "doctor", lambda _: 0)
    assert main.main(["doctor"]) == 0 and not caplog.text
    (tmp_path / "code" / "lmreport").mkdir(parents=True)
    assert main.main(["doctor"]) == 0
    assert (
        f"the code of {machine.PACKAGE.parents[1]}, not that of {tmp_path.resolve()}" in caplog.text
    )
    assert "delete .venv there" in caplog.text
