"""Run the cells once in one kernel of this Python: a notebook with outputs, or an error with file
and line.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

import nbformat
from nbformat import NotebookNode

from lmreport.core import matplotlib_folder, progress
from lmreport.core.errors import ReportError
from lmreport.render import cell_outputs, named_files
from lmreport.render.lines import TICKS, Cell

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
# of gc: looking for circles in libraries and trees, which have few, takes a fifth of the time
SELDOM = (50_000, 20, 100)
INLINE = re.compile(r"(^|[^`])`\{python\}[ \t]([^`]+)`", re.MULTILINE)
# in a formula, up to the end of the paragraph
IN_FORMULA = r"(?:`\{python\}[^`]+`|\\.|(?!\n[ \t]*\n)[^$\\`])+"
FORMULA = re.compile(
    r"(?P<ticks>`+)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=ticks)(?!`)|\\.|"  # code, an escaped sign
    rf"(?P<formula>\$\${IN_FORMULA}\$\$|\$(?!\s){IN_FORMULA}(?<!\s)\$(?!\d))",
    re.DOTALL,
)


def notebook(cells: list[Cell], params: dict, title: str = "") -> NotebookNode:
    """`cells` as a notebook still to be run; `params` follow the cell tagged `parameters`, as
    papermill does it. Raises ReportError if no cell is tagged so, or a parameter is no Python name.
    """
    nb = nbformat.v4.new_notebook()
    nb.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "title": title,
    }
    tagged = next((c for c in cells if "parameters" in c.options.get("tags", ())), None)
    if params and not tagged:
        raise ReportError(
            f"parameter {next(iter(params))!r} was given, but no cell has the tag `parameters`"
        )
    for cell in cells:
        new = nbformat.v4.new_code_cell if cell.kind == "code" else nbformat.v4.new_markdown_cell
        nb.cells.append(new(cell.source, id=f"cell-{len(nb.cells)}"))
        nb.cells[-1].metadata.report = cell
        if cell.options.get("tags"):
            nb.cells[-1].metadata.tags = cell.options["tags"]
        if cell is tagged and params:
            for name in params:
                if not name.isidentifier():
                    raise ReportError(f"parameter {name!r} is not a Python name")
            injected = "".join(f"{name} = {value!r}\n" for name, value in params.items())
            options = {k: v for k, v in cell.options.items() if k not in ("label", "tags")}
            nb.cells.append(
                nbformat.v4.new_code_cell(
                    "# Injected Parameters\n" + injected, id=f"cell-{len(nb.cells)}"
                )
            )
            nb.cells[-1].metadata.report = Cell("code", [], cell.place, options)
            nb.cells[-1].metadata.tags = ["injected-parameters"]
    return nb


class Client(Protocol):
    """What is used of nbclient's client while its kernel runs; by its own types there may be none."""

    kc: Any
    on_cell_executed: Any

    async def async_wait_for_reply(self, msg_id: str) -> Any: ...

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int) -> NotebookNode: ...


class Seen(NamedTuple):
    """What the cells read besides the sources: files and folders of the project, names of
    environment variables; and the files that they wrote.
    """

    files: list[str]
    folders: list[str]
    variables: list[str]
    written: list[str]


@dataclass
class Now:
    """How far a run is: "file:line: " of the cell that runs."""

    place: str = ""


async def run(
    nb: NotebookNode,
    folder: Path,
    execute: dict,
    profiles: tuple[str, ...] = (),
    root: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    stop: Callable[[], object] | None = None,
) -> Seen:
    """Execute `nb` in place with `folder` as the working directory; one line is logged per cell.

    profiles: told to the cells as Quarto does, in QUARTO_PROFILE; root: the project, whose files
    are watched; environment: of the kernel, but for what is told to it here; stop: what Ctrl-C and
    `kill` call meanwhile. Raises ReportError if a cell fails or the kernel dies.
    """
    if not any(c.cell_type == "code" or INLINE.search(c.source) for c in nb.cells):
        return Seen([], [], [], [])
    from nbclient.exceptions import DeadKernelError

    warnings.filterwarnings("ignore", module="zmq|jupyter_client|nbclient")
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    variables = {
        **environment,
        "PYTHONUNBUFFERED": "1",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "QUARTO_PROFILE": ",".join(profiles),
    }
    now = Now()

    async def in_kernel(output: IO[bytes], own: Path) -> Seen:
        env = variables | matplotlib_folder.variables(variables) | settings(execute, own)
        client, manager = await started(nb, execute, output, own, cwd=str(folder), env=env)
        async with client.async_setup_kernel(), ended(manager):
            when_stopped(stop)
            await watched(client, (root or folder).resolve())
            await all_cells(client, nb, execute, now)
            return await what_was_seen(client)

    # foreign: what libraries write past Python, such as TensorFlow's log; own: the kernel's folder
    with (
        tempfile.TemporaryFile() as foreign,
        tempfile.TemporaryDirectory(prefix="lmreport-", ignore_cleanup_errors=True) as own,
    ):
        try:
            seen = await in_kernel(foreign, Path(own))
        except (asyncio.CancelledError, DeadKernelError):  # nbclient takes the one for the other
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from None
            raise ReportError(
                f"{now.place}the Python kernel died while this was running (out of memory?)"
                + last_words(foreign)
            ) from None
    sources = (cell.source for cell in nb.cells if cell.cell_type == "code")
    files, folders = named_files.of(sources, folder, (root or folder).resolve())
    return seen._replace(
        files=sorted({*seen.files, *files}), folders=sorted({*seen.folders, *folders})
    )


LONGEST = 80  # bytes of a folder in which sockets of a kernel can still have names


def manager_of_this_python(execute: dict, folder: Path) -> AsyncKernelManager:
    """What starts a kernel of this very Python, whatever kernels the machine knows.

    folder: empty, takes the sockets that kernel and client talk through. Where sockets cannot be
    files they are ports, which another program can take before the kernel does.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    manager = AsyncKernelManager(connection_file=str(folder / "kernel.json"))
    if os.name == "posix" and len(os.fsencode(folder)) <= LONGEST:
        manager.transport = "ipc"
    manager._kernel_spec = KernelSpec(
        argv=[
            sys.executable,
            "-P",  # the folder of the cells is theirs (see `watched`): a types.py stops Python
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            "--log-level=ERROR",
            f"--IPKernelApp.exec_lines=__import__('gc').set_threshold{SELDOM}",
            f"--InlineBackend.figure_formats={execute.get('fig-format', 'svg')}",
            "--InlineBackend.rc=svg.hashsalt=lmreport",
        ],
        display_name="Python 3",
        language="python",
    )
    return manager


async def started(
    nb: NotebookNode, execute: dict, output: IO[bytes], folder: Path, **where: Any
) -> tuple[NotebookClient, AsyncKernelManager]:
    """A new kernel, which is started once more where it dies over that: another program
    can have taken its port meanwhile. Raises ReportError if it does not start then either.
    """
    from nbclient import NotebookClient

    for number in range(2):
        sockets = folder / str(number)
        sockets.mkdir()
        manager = manager_of_this_python(execute, sockets)
        client = NotebookClient(
            nb, km=manager, timeout=None, allow_errors=True, record_timing=False
        )
        try:
            await client.async_start_new_kernel(stdout=output, stderr=output, **where)
            await client.async_start_new_kernel_client()
            return client, manager
        except asyncio.CancelledError:
            if manager.has_kernel:
                await manager.shutdown_kernel(now=True)
            raise
        except RuntimeError as error:  # it died, or did not answer for long
            if "Permissions assignment failed" in str(error):
                raise ReportError(open_to_all(folder)) from error
    raise ReportError(
        f"the Python kernel of {sys.executable} did not start, not even at a second try"
        + last_words(output)
    )


def open_to_all(folder: Path) -> str:
    """That no kernel can be started, since its key would lie in a file that anyone can read."""
    return (
        f"the Python kernel cannot start, since files in {folder.parent} cannot be closed to others, "
        "and its key lies in one; set TMPDIR to a folder on a disk of this machine, or "
        "JUPYTER_ALLOW_INSECURE_WRITES=1 if others may read it"
    )


async def all_cells(client: Client, nb: NotebookNode, execute: dict, now: Now) -> None:
    """Execute the cells in their order, in place; a line is logged for each cell of code. Raises
    ReportError for the first that fails.
    """
    total, done = sum(c.cell_type == "code" for c in nb.cells), 0
    width = max((len(c.metadata.report.label) for c in nb.cells), default=0)
    for index, cell in enumerate(nb.cells):
        origin = cell.metadata.report
        now.place = f"{origin.place}: "
        if cell.cell_type == "markdown":
            await inline(client, cell, origin)
            continue
        done += 1
        if origin.options.get("eval", execute.get("eval", True)) is not True:
            continue
        start = time.perf_counter()
        name = (origin.label or origin.place).ljust(width)
        log.info(f"  cell {done}/{total} {name} …", extra=progress.NOW)
        allow_errors = origin.options.get("error", execute.get("error", False))
        await code(client, cell, index, origin, allow_errors)
        log.info(f"  cell {done}/{total} {name} {time.perf_counter() - start:.1f} s")


async def watched(client: Client, root: Path) -> None:
    """Have the kernel note what its cells read, before they run, and find modules in their folder."""
    code = (HERE / "watch.py").read_text(encoding="utf-8")
    start = (
        f"def watch():\n import sys, types\n sys.path.insert(0, '')\n"
        f" module = types.ModuleType('report_watch')\n"
        f" exec({code!r}, module.__dict__)\n sys.modules['report_watch'] = module\n "
        f"module.start({str(root)!r})\n"
        "watch()\ndel watch"
    )
    await client.async_wait_for_reply(client.kc.execute(start, silent=True, store_history=False))


async def what_was_seen(client: Client) -> Seen:
    """What the kernel noted since `watched`; nothing where the cells did away with the watch."""
    asked = {"seen": "__import__('report_watch').seen()"}
    reply = await client.async_wait_for_reply(
        client.kc.execute("", user_expressions=asked, store_history=False)
    )
    text = (
        (reply["content"].get("user_expressions") or {})
        .get("seen", {})
        .get("data", {})
        .get("text/plain", "")
    )
    try:
        return Seen(*json.loads(ast.literal_eval(text)))
    except (SyntaxError, ValueError, TypeError):  # the cells did away with the watch
        return Seen([], [], [], [])


def last_words(log: IO[bytes]) -> str:
    """The last line that the kernel's process wrote, for an error message."""
    log.seek(0)
    lines = [
        line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()
    ]
    return f"; it said last: {lines[-1][:200]}" if lines else ""


def when_stopped(stop: Callable[[], object] | None) -> None:
    """Have Ctrl-C and `kill` call `stop`; nbclient's own handlers let them look like a kernel that
    died.
    """
    if stop is None:
        return
    with contextlib.suppress(
        NotImplementedError, RuntimeError, ValueError
    ):  # not in the main thread
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)


@asynccontextmanager
async def ended(manager: AsyncKernelManager) -> AsyncIterator[None]:
    """The kernel does not outlive this: its memory is free again before the formats are written."""
    try:
        yield
    finally:
        await manager.shutdown_kernel(now=True)


def settings(execute: dict, folder: Path) -> dict[str, str]:
    """Variables of the kernel that have Jupyter and matplotlib read the settings in `folder` and not
    the user's own, with which a report would look otherwise elsewhere; they are written there.

    The size of figures (Quarto's) is one of them: what the cells set is then set after it.
    """
    size = f"{execute.get('fig-width', 7)}, {execute.get('fig-height', 5)}"
    of_figures = f"figure.figsize: {size}\nfigure.dpi: {execute.get('fig-dpi', 96)}\n"
    (folder / "matplotlibrc").write_text(of_figures, encoding="utf-8")
    return {
        "IPYTHONDIR": str(folder),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


async def code(
    client: Client, cell: NotebookNode, index: int, origin: Cell, allow_errors: bool
) -> None:
    """Execute a cell without its option lines, in place. Raises ReportError if it fails, unless
    errors are allowed.
    """
    whole, cell.source = cell.source, origin.code if origin.lines else cell.source
    replies: list[dict] = []
    client.on_cell_executed = lambda execute_reply, **_: replies.append(execute_reply["content"])
    await client.async_execute_cell(cell, index)
    cell.source = whole
    told = [one for reply in replies for one in reply.get("payload", ())]
    cell.outputs += [cell_outputs.help_text(one["data"]) for one in told if one["source"] == "page"]
    for output in cell.outputs:
        cell_outputs.convert(output.get("data", {}))
    errors = [one for one in cell.outputs if one.output_type == "error"]
    errors += [NotebookNode(one) for one in replies if one["status"] == "error"]  # of a magic
    failed = errors[0] if errors else None
    if failed and not allow_errors:
        hint = await in_place_of_a_library(client, failed)
        raise ReportError(failure(failed, origin) + (hint or in_place_of_an_error(failed)))
    name = f"{origin.place}: cell {origin.label or 'without label'!r}"
    if any(one["source"] == "ask_exit" for one in told):
        raise ReportError(f"{name} calls exit() or quit(), after which nothing should be run")
    if (
        is_figure(origin)
        and not any(map(cell_outputs.has_picture, cell.outputs))
        and await draws_files(client)
    ):
        raise ReportError(
            f"{name} shows no figure, since matplotlib was told to draw into files only; leave out "
            "matplotlib.use"
        )


def is_figure(origin: Cell) -> bool:
    """Whether a cell is to show a figure of matplotlib, by its label or its code."""
    if origin.options.get("include") is False or origin.options.get("output") is False:
        return False
    return origin.label.startswith("fig-") or re.search(r"\bshow\(\)", origin.code) is not None


async def draws_files(client: Client) -> bool:
    """Whether matplotlib, where the cells use it, draws into files and not for the page."""
    backend = "__import__('sys').modules['matplotlib.pyplot'].rcParams['backend']"
    return (await value_of(client, backend)).strip("'\"").lower() in FILES_ONLY


async def in_place_of_a_library(client: Client, failed: NotebookNode) -> str:
    """What a message adds where a module beside the document, such as a `numpy.py`, is what an import
    found.
    """
    if failed.ename not in ("ImportError", "ModuleNotFoundError", "AttributeError"):
        return ""
    known = {*sys.stdlib_module_names, *packages_distributions()}
    for name in sorted({*re.findall(r"'(\w+)", failed.evalue)} & known):
        if await value_of(client, f"__import__('os').path.isfile('{name}.py')") == "True":
            return f"; {name}.py beside the document stands in its place, so give it another name"
    return ""


def in_place_of_an_error(failed: NotebookNode) -> str:
    """What a message adds where the error may be what the author wants to show."""
    told = failed.ename in ("ReportError", "CellTimeoutError") or is_cut(failed)
    return "" if told else "; mend it, or show the error with '#| error: true'"


def is_cut(failed: NotebookNode) -> bool:
    """Whether a cell ends in the middle of its code, as at three backticks in a text of it."""
    return failed.evalue.startswith(("incomplete input", "unterminated triple-quoted"))


async def value_of(client: Client, expression: str) -> str:
    """The repr of what `expression` is in the kernel; "" where it fails."""
    asked = {"value": expression}
    message = client.kc.execute("", user_expressions=asked, store_history=False)
    reply = (await client.async_wait_for_reply(message))["content"]
    got = (reply.get("user_expressions") or {}).get("value", {}).get("data", {})
    return got.get("text/plain", "")


FILES_ONLY = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}  # back ends of matplotlib


def failure(output: NotebookNode, origin: Cell) -> str:
    """The place in the source, the cell and the exception of a failed cell."""
    trace = cell_outputs.ANSI.sub("", "\n".join(output.traceback))
    lines = re.findall(r"Cell In\[\d+\], line (\d+)", trace) or re.findall(
        r"Cell In\[\d+\][^\n]*\n.*line (\d+)", trace
    )
    at = int(lines[0]) - 1 + origin.skipped if lines else 0
    place = origin.lines[at].place if at < len(origin.lines) else origin.place
    return (
        f"{place}: cell {origin.label or 'without label'!r} failed: {output.ename}: {output.evalue}"
        + f"; {TICKS}" * is_cut(output)
    )


async def inline(client: Client, cell: NotebookNode, origin: Cell) -> None:
    """Evaluate the inline expressions of a Markdown cell and put their values in, as genuine Quarto
    does. Raises ReportError for one that fails.
    """
    wanted = {str(i): match[2].strip() for i, match in enumerate(INLINE.finditer(cell.source))}
    if not wanted:
        return
    message = client.kc.execute("", user_expressions=wanted, store_history=False)
    content = (await client.async_wait_for_reply(message))["content"]
    results = {}
    for key, expression in wanted.items():
        got = (content.get("user_expressions") or {}).get(key, content)
        if got.get("status") != "ok":
            place = next(
                (ln.place for ln in origin.lines if f"`{{python}} {expression}`" in ln.text),
                origin.place,
            )
            raise ReportError(
                f"{place}: inline code {expression!r} failed: {got.get('ename')}: "
                f"{got.get('evalue')}"
            )
        results[expression] = got["data"]
    cell.source = with_values(cell.source, results)


def with_values(text: str, values: dict[str, dict]) -> str:
    """`text` with its inline code as the values of it, by expression; other code stays."""
    formulas = [m.span() for m in FORMULA.finditer(text) if m["formula"]]

    def value(code: re.Match) -> str:
        data = values.get(code[2].strip())
        if data is None:
            return code[0]
        is_tex = any(start <= code.start(2) < end for start, end in formulas)
        return code[1] + (cell_outputs.shown_in_formula if is_tex else cell_outputs.shown)(data)

    return INLINE.sub(value, text)
