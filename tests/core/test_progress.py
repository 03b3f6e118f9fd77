"""What the package tells while it works: plain lines on standard error, one live line on a terminal,
and nothing where nobody asked for it.
"""

import io
import json
import logging
import os
import re
import subprocess
import sys

import pytest

from lmreport.core import progress

log = logging.getLogger("lmreport.a_test")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def shown():
    """The lines of the package are shown during the test, as by a command."""
    ours = progress.ours
    before = ours.level, ours.propagate, list(ours.handlers)
    ours.handlers = []
    progress.show()
    yield
    ours.level, ours.propagate, ours.handlers = before


@pytest.mark.parametrize(
    "kind, said",
    [
        (Terminal, "\r\x1b[Kstep 1\r\x1b[Kstep 2\r\x1b[Kdone\nmore\n"),
        (io.StringIO, "step 1\nstep 2\ndone\nmore\n"),
    ],
)
def test_on_a_terminal_there_is_one_line_that_tells_how_far_a_step_is(
    monkeypatch, shown, kind, said
):
    monkeypatch.setattr(sys, "stderr", kind())
    log.info("step 1", extra=progress.LIVE)
    log.info("step 2", extra=progress.LIVE)
    log.info("done")
    log.warning("more")
    assert sys.stderr.getvalue() == said


@pytest.mark.parametrize(
    "kind, said",
    [(Terminal, "\r\x1b[Kcell 1 …\r\x1b[Kcell 1 2.0 s\n"), (io.StringIO, "cell 1 2.0 s\n")],
)
def test_what_begins_is_told_on_a_terminal_alone(monkeypatch, shown, kind, said):
    monkeypatch.setattr(sys, "stderr", kind())
    log.info("cell 1 …", extra=progress.NOW)
    log.info("cell 1 2.0 s")
    assert sys.stderr.getvalue() == said


def test_a_live_line_is_not_longer_than_the_terminal(monkeypatch, shown):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "20")
    log.info("x" * 50, extra=progress.LIVE)
    assert sys.stderr.getvalue().removeprefix(progress.CLEAR) == "x" * 19


def test_lines_are_shown_once_however_often_it_is_asked_for(capsys, shown):
    progress.show()
    logging.getLogger("lmreport").info("50 % of {it}")
    assert capsys.readouterr() == ("", "50 % of {it}\n")


def test_one_of_several_trainings_tells_which_it_is(monkeypatch, shown):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.labelled("ours, seed 2"):
        log.info("step 1", extra=progress.LIVE)
    log.info("done")
    assert sys.stderr.getvalue() == "ours, seed 2: step 1\ndone\n"


def test_in_silence_errors_alone_are_told(capsys, shown):
    with progress.silent():
        log.info("one")
        log.warning("two")
        log.error("three")
    log.info("four")
    assert capsys.readouterr().err == "three\nfour\n"


def test_an_import_sets_nothing_up_and_a_command_shows_the_lines():
    tells = "import logging; logging.getLogger('lmreport.runs').info('told')"
    for start, said in (
        ("import lmreport.cli.main, lmreport.experiments.bench.main", ""),
        ("from lmreport.cli import main; main.main(['verify', 'nowhere.html'])", "told\n"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", f"{start}; {tells}"], capture_output=True, text=True
        )
        assert done.returncode == 0 and done.stdout == "", done.stderr
        assert done.stderr.endswith(said) and ("told" in done.stderr) == bool(said), done.stderr


WITHOUT_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # so ASCII is used


@pytest.mark.parametrize(
    "more, encoding, name",
    [
        ({}, "utf-8", "Łukasz Ý 😀"),
        ({"PYTHONIOENCODING": ":strict"}, "utf-8", "Łukasz Ý 😀"),
        ({"PYTHONIOENCODING": "cp1252"}, "cp1252", "\\u0141ukasz Ý \\ud83d\\ude00"),
        ({"PYTHONIOENCODING": "ascii"}, "ascii", "\\u0141ukasz \\u00dd \\ud83d\\ude00"),
    ],
)
def test_a_file_or_pipe_gets_utf8_whatever_the_system_has(tmp_path, more, encoding, name):
    """As git and ruff write; an encoding that PYTHONIOENCODING asks for is used, as pip does, and what
    it lacks is escaped as JSON has it.
    """
    code = (
        "import json, sys; from lmreport.core import progress; progress.write_all_letters(); "
        f"name = {ascii('Łukasz Ý 😀')}; "
        "print(json.dumps({'family': name}, ensure_ascii=False)); print(name, file=sys.stderr)"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHONIO", "LC_"))}
    with open(tmp_path / "out", "wb") as out:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment | WITHOUT_UTF8 | more,
            stdout=out,
            stderr=subprocess.PIPE,
        )
    written = (tmp_path / "out").read_bytes().decode(encoding)
    assert written.splitlines() == [f'{{"family": "{name}"}}']
    assert done.stderr.decode(encoding).splitlines() == [name]
    assert json.loads(written) == {"family": "Łukasz Ý 😀"}


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal that a test can open")
def test_a_terminal_keeps_its_encoding():
    code = "from lmreport.core import progress; progress.write_all_letters(); print('\\xdd')"
    ours, theirs = os.openpty()
    subprocess.run(
        [sys.executable, "-c", code], stdout=theirs, env=os.environ | WITHOUT_UTF8, check=True
    )
    assert os.read(ours, 100).split() == [b"\\u00dd"]
    os.close(ours), os.close(theirs)


def test_a_variable_that_the_hubs_client_no_longer_takes_prints_nothing():
    """Guides and images set such; whoever asks Python for warnings gets them."""
    code = (
        "import lmreport; from huggingface_hub.utils import disable_progress_bars; "
        "disable_progress_bars()"
    )
    environment = os.environ | {"HF_HUB_DISABLE_PROGRESS_BARS": "0"}
    environment |= {"HF_HUB_ENABLE_HF_TRANSFER": "1", "HF_XET_HIGH_PERFORMANCE": ""}
    for asked, told in (([], []), (["-W", "default"], ["FutureWarning", "UserWarning"])):
        done = subprocess.run(
            [sys.executable, *asked, "-c", code],
            env={k: v for k, v in environment.items() if k != "PYTHONWARNINGS"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0 and re.findall(r"\w+Warning(?=: )", done.stderr) == told, (
            done.stderr
        )
        assert told or done.stderr == ""


def test_what_is_kept_quiet_is_told_where_it_fails():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            """
import os
from lmreport.core import progress
with progress.quiet():
    os.write(2, b"chatter\\n")
with progress.quiet():
    os.write(2, b"reason\\n")
    raise OSError("failed")
""",
        ],
        capture_output=True,
        text=True,
    )
    assert (
        "chatter" not in done.stderr
        and "reason" in done.stderr
        and "OSError: failed" in done.stderr
    )


def test_live_lines_of_several_share_the_last_line_and_outlive_other_lines(monkeypatch, shown):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "60")
    with progress.labelled("one", live=True):
        log.info("  cell 1 …", extra=progress.NOW)
    with progress.labelled("two", live=True):
        log.info("  cell 7 …", extra=progress.NOW)
    with progress.labelled("one", live=True):
        log.info("  cell 1 done")
    screen = sys.stderr.getvalue().split(progress.CLEAR)
    assert screen == [
        "",
        "one: cell 1 …",
        "one: cell 1 … | two: cell 7 …",
        "one: cell 1 done\ntwo: cell 7 …",
    ]


def test_what_is_fetched_tells_how_much_how_fast_and_how_long(capsys, shown):
    class_of_bar = progress.fetching("model: a/b", every=0)
    with class_of_bar(total=0, unit="B", unit_scale=True, desc="Bytes") as bar:
        bar.total = 200_000_000
        bar.update(50_000_000)
        bar.refresh()
    with class_of_bar(total=3, unit="it", desc="Fetching 3 files") as files:
        files.update(1)
    out, err = capsys.readouterr()
    assert out == "" and set(map(len, err.splitlines())) != {0}
    pattern = r"model: a/b: 50 of 200 MB, [\d.]+ MB/s, \d+ s left"
    assert err and all(re.fullmatch(pattern, line) for line in err.splitlines())
