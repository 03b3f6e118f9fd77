"""Two documents are rendered at the same time, and end together."""

import asyncio
import os
import re
import time

import nbformat
import psutil
import pytest

from lmreport.core.errors import ReportError
from lmreport.render import early, execute, pipeline
from lmreport.render import project as projects
from rendering import FRONT, OPTIONS, Page, interrupted, own, pdf_text, project, render, text


def pair(folder, first: str, second: str):
    """A project of two documents, each with one cell."""
    project(folder, f"```{{python}}\n{first}\n```\n")
    text = FRONT.replace("A test", "More") + f"```{{python}}\n{second}\n```\n"
    (folder / "report" / "more.qmd").write_text(text)
    return folder


def test_two_documents_run_at_the_same_time(tmp_path):
    """Each cell waits for the other one: one after the other they would wait for ever."""
    wait = (
        "import time\nfrom pathlib import Path\nPath({!r}).touch()\nstart = time.time()\n"
        "while not Path({!r}).exists():\n    assert time.time() - start < 60\n    time.sleep(0.1)"
    )
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    folder = own(pair(tmp_path, wait.format(one, two), wait.format(two, one)))
    assert {p.name for p in folder.iterdir()} >= {
        f"{stem}{end}" for stem in ("index", "more") for end in (".html", ".pdf", ".ipynb")
    }


def test_a_point_in_the_name_of_a_document_is_kept(tmp_path):
    project(tmp_path, "")
    for version in ("v1", "v2"):
        (tmp_path / "report" / f"lab.{version}.qmd").write_text(f"This is {version}.\n")
    folder = own(tmp_path)
    for version in ("v1", "v2"):
        for ending in ("html", "ipynb"):
            assert f"This is {version}." in (folder / f"lab.{version}.{ending}").read_text("utf-8")
        assert f"Thisis{version}." in pdf_text(folder / f"lab.{version}.pdf")


def test_where_one_document_fails_the_other_is_stopped_and_nothing_is_written(tmp_path):
    start = time.time()
    with pytest.raises(ReportError, match=r"report/index\.qmd:7: .*ZeroDivisionError"):
        own(pair(tmp_path, "1 / 0", "import time; time.sleep(300)"))
    assert time.time() - start < 60 and not (tmp_path / "_report" / "report").exists()
    assert not [p for p in psutil.Process().children(recursive=True) if is_kernel(p)]


@pytest.mark.parametrize("delay", [0, 0.05, 0.2])
def test_a_kernel_that_is_stopped_while_it_starts_is_ended(tmp_path, delay):
    async def stopped():
        nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import time")])
        task = asyncio.create_task(execute.run(nb, tmp_path, {}))
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stopped())
    assert not [p for p in psutil.Process().children(recursive=True) if is_kernel(p)]


def unlucky(folder, monkeypatch, ending):
    """Kernels of the test write to `folder`/starts that they start, and do `ending` then."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import os, pathlib, sys\n"
        "if 'ipykernel_launcher' in sys.orig_argv:\n"
        "    starts = pathlib.Path(__file__).with_name('starts')\n"
        "    is_first = not starts.exists()\n"
        "    with starts.open('a') as file: print('started', file=file)\n"
        f"    {ending}\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")


def test_a_kernel_that_dies_while_it_starts_is_started_once_more(tmp_path, monkeypatch):
    unlucky(tmp_path / "luck", monkeypatch, "is_first and os._exit(1)")
    body = "```{python}\nprint('still', 'here')\n```\n"
    page = own(project(tmp_path / "report", body), ("html",)) / "index.html"
    assert "still here" in text(Page(page).tree)
    assert len((tmp_path / "luck" / "starts").read_text().split()) == 2


def test_a_kernel_that_never_starts_is_told_in_a_sentence(tmp_path, monkeypatch):
    unlucky(tmp_path / "luck", monkeypatch, "os.write(2, b'Address in use\\n') and os._exit(1)")
    said = r"^the Python kernel of \S+ did not start, .*; it said last: Address in use$"
    with pytest.raises(ReportError, match=said):
        own(project(tmp_path / "report", "```{python}\n1\n```\n"), ("html",))
    assert not [p for p in psutil.Process().children(recursive=True) if is_kernel(p)]


def test_a_file_system_that_ignores_rights_is_told_where_no_kernel_starts(tmp_path, monkeypatch):
    def refused(path, binary=False):
        raise RuntimeError(f"Permissions assignment failed for secure file: '{path}'.")

    monkeypatch.setattr("jupyter_client.connect.secure_write", refused)
    said = r"files in \S+ cannot be closed to others, .*; set TMPDIR to a folder on a disk of this"
    with pytest.raises(ReportError, match=said):
        own(project(tmp_path / "report", "```{python}\n1\n```\n"), ("html",))


@pytest.mark.skipif(os.name != "posix", reason="sockets are no files there")
def test_a_kernel_listens_at_no_port_that_another_program_could_take(tmp_path):
    cell = (
        "```{python}\nimport psutil\nlistening = [c for c in psutil.Process().net_connections('tcp') "
        "if c.status == 'LISTEN']\nprint('ports:', len(listening))\n```\n"
    )
    page = own(project(tmp_path, cell), ("html",)) / "index.html"
    ports = re.search(r" ports: (\d+)", text(Page(page).tree))
    assert int(ports[1]) <= 1  # a pipe of ipykernel's, which chooses and binds its port at once


def test_a_document_that_shows_what_is_in_another_waits_for_it(tmp_path):
    """At the first render there is none yet, at the next one there is an old one."""
    table = (
        "#| label: tbl-{0}\n#| tbl-cap: A table.\nimport time\nfrom IPython.display import Markdown\n"
        "time.sleep(2)\nMarkdown('| a |\\n|---|\\n| 1 |')"
    )
    asks = (
        "from lmreport.publish.export import origins\n"
        "print('tables:', len(origins.of_document('index')))"
    )
    pair(tmp_path, table.format("a"), asks)
    for number, more in ((1, ""), (2, f"\n```{{python}}\n{table.format('b')}\n```\n")):
        first = tmp_path / "report" / "index.qmd"
        first.write_text(first.read_text() + more)
        folder = own(tmp_path, ("html",), force=True)
        assert f"tables: {number}" in text(Page(folder / "more.html").tree)


def is_kernel(process: psutil.Process) -> bool:
    try:
        return "ipykernel_launcher" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def test_what_a_thread_still_does_is_waited_for_where_another_fails():
    ended = []

    def slow():
        time.sleep(0.5)
        ended.append(True)

    def fail():
        raise ReportError("no")

    async def both():
        tasks = (asyncio.create_task(pipeline.in_thread(one)) for one in (slow, fail))
        await pipeline.together(*tasks)

    with pytest.raises(ReportError, match="no"):
        asyncio.run(both())
    assert ended == [True]


def test_ctrl_c_stops_both_documents_and_is_told_once(tmp_path):
    started = tmp_path / "started"
    folder = pair(
        tmp_path,
        "import time; time.sleep(300)",
        f"import time; open({str(started)!r}, 'w').close(); time.sleep(300)",
    )
    said = interrupted(folder, started)
    assert said.count("KeyboardInterrupt: the outputs of the last render are as they were") == 1
    assert not re.search("died|never retrieved", said)


def test_cells_of_another_document_read_what_was_executed_last_by_whatever_clock(tmp_path):
    folder = project(tmp_path, "```{python}\nprint('old')\n```\n")
    own(folder, ("html",))
    document = projects.read(folder, ("html",), None)[0]
    later = time.time() + 3600  # a clock that is set back now
    os.utime(document.notebook, (later, later))
    early.hand_on(document, nbformat.v4.new_notebook(metadata={"new": True}))
    assert '"new"' in early.newest(document).read_text()


def test_a_notebook_of_ones_own_is_not_overwritten(tmp_path):
    options = OPTIONS.replace("output-dir: _report, ", "")
    root = project(tmp_path, "```{python}\n1\n```\n", options=options)
    mine = root / "report/index.ipynb"
    mine.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with pytest.raises(
        ReportError, match=r"^report/index\.ipynb was not made by a render and would"
    ):
        render(root, ("html",))
    assert '"cells": []' in mine.read_text() and not mine.with_suffix(".html").exists()
    mine.unlink()
    for _ in range(2):
        render(root, ("html",), force=True)
    (root / "report/.render.json").unlink()
    render(root, ("html",))
    assert "lmreport" in mine.read_text()


def test_a_thread_is_waited_for_however_often_its_task_is_stopped():
    ended = []

    def slow():
        time.sleep(0.5)
        ended.append(True)

    async def stopped_twice():
        task = asyncio.create_task(pipeline.in_thread(slow))
        for _ in range(2):
            await asyncio.sleep(0.1)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended

    asyncio.run(stopped_twice())
