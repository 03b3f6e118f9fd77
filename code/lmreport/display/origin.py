"""The small line under each figure and table: what run or experiment it shows, who drew it, how to
make it again.
"""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmreport.core import machine
from lmreport.core.errors import ReportError
from lmreport.core.settings import Settings, load, project_root, resolved
from lmreport.data import download
from lmreport.data.corpus import KNOWN
from lmreport.display.literal import MarkdownText, plain
from lmreport.display.traced import fill, sources
from lmreport.models import pretrained
from lmreport.runs import freshness
from lmreport.runs.kinds import KINDS
from lmreport.runs.records import Record

if TYPE_CHECKING:
    from IPython.display import Markdown

CLASSES = [".origin"]  # of a line; `.unprinted` too where the PDF leaves it out


def facts(function: str, things: object) -> dict:
    """The same for programs: {"function", "runs", "experiments"}, as metadata of the output."""
    records, found = sources(things)
    told = {
        "function": function,
        "runs": [f"{r.name}-{r.key}" for r in records],
        "experiments": [f"{f.name}-{f.key}" for f in found],
    }
    return {"lmreport": {name: value for name, value in told.items() if value}}


def leave_out_of_print() -> None:
    """From now on the PDF leaves the lines out: `table` of another document says the same by figure
    and table.
    """
    CLASSES[:] = [".origin", ".unprinted"]


def line(function: str, things: object, verb: str = "drawn by") -> MarkdownText:
    """The line as Markdown: runs with date, hardware and commit, the function, the command that
    makes them again.
    """
    records, found = sources(things)
    parts = [
        made(records, [f"{r.name}-{r.key[:8]}" for r in records], "run"),
        made(found, named(found), "experiment"),
    ]
    if not (records or found):
        here = {"date": machine.now(), "hardware": machine.hardware(), "commit": machine.commit()}
        parts.append(fill("this render ({})", when([here])))
    if function:
        parts.append(fill(f"{verb} {{}}", MarkdownText(f"`{function}`")))
    again = [
        f"lmreport run {' '.join(names)} {options}" for names, options in commands(records, found)
    ]
    parts.append(
        fill("again: {}", MarkdownText(", ".join(f"`{text}`" for text in again or [render()])))
    )
    stale = [
        f"{r.name}: {plain(', '.join(why[:2]))}" for r in records if (why := freshness.reasons(r))
    ]
    if stale:
        parts.append(f"**stale** ({'; '.join(stale)})")
    text = " · ".join(part for part in parts if part)
    return MarkdownText(f'[{text[0].upper()}{text[1:]}.]{{{" ".join(CLASSES)} tabindex="0"}}')


def named(found: list) -> list[str]:
    """Names of experiments with their keys; of several with one name the number of them."""
    names: dict[str, list] = {}
    for one in found:
        names.setdefault(one.name.removeprefix("concepts."), []).append(one.key[:8])
    return [
        f"{name}-{keys[0]}" if len(keys) == 1 else f"{name} ({len(keys)} of them)"
        for name, keys in names.items()
    ]


def made(things: list, names: list[str], kind: str) -> str:
    """Names of runs or experiments with when, on what and by which commits they were made."""
    if not things:
        return ""
    return fill(
        f"{kind}{'s' * (len(things) > 1)} {{}} ({{}})",
        ", ".join(names),
        when([t.made for t in things]),
    )


def when(told: list[dict]) -> str:
    """Dates, hardware and commits of runs or experiments, each said once."""
    days = sorted({made["date"][:10] for made in told if made.get("date")})
    commits = list(dict.fromkeys(made["commit"][:8] for made in told if made.get("commit")))
    facts = [
        " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "date not kept",
        *dict.fromkeys(hardware(made["hardware"]) for made in told if made.get("hardware")),
        f"commit{'s' * (len(commits) > 1)} {', '.join(commits)}" if commits else "",
    ]
    return ", ".join(filter(None, facts))


def hardware(found: dict) -> str:
    return found["gpu"] or f"{found['cores']} cores {found['cpu']}"


def commands(records: list, found: list) -> list[tuple[list[str], str]]:
    """(names, options) of the calls of `lmreport run` that make these again."""
    calls: dict[str, list[str]] = {}
    for record in records:
        calls.setdefault(options(record), []).append(record.name)
    experiments = list(dict.fromkeys(f.name for f in found))
    return [(names, said) for said, names in calls.items()] + (
        [(experiments, "--force")] if experiments else []
    )


def options(record: Record) -> str:
    """The options of `lmreport run` under which a run is made again: its scale, and what is not the
    scale's standard.
    """
    given = record.inputs["settings"]
    standard = resolved(Settings(scale=given["scale"]), record.device)
    kind = KINDS[record.name]
    chosen = (
        kind.settings if kind.group == "model" else ("seed",)
    )  # a study or a bench has sizes of its own
    more = [
        f"--{name.replace('_', '-')} {given[name]}"
        for name in chosen
        if name != "scale" and given[name] != getattr(standard, name)
    ]
    return " ".join([f"--scale {given['scale']}", *of_inputs(record.inputs), *more, "--force"])


def render() -> str:
    """The command that makes the whole report anew from today's data and model."""
    now = load()
    data_given = now.data != Settings.data and digest_of_data(now.data) not in KNOWN
    given = {"--data": now.data} if data_given else {}
    given |= {"--model": now.model} if now.model != Settings.model else {}
    return " ".join(
        ["lmreport render", *(f"{name} {typed(value)}" for name, value in given.items()), "--force"]
    )


def of_inputs(inputs: dict) -> list[str]:
    """The options --data and --model of a run with such `inputs`, each where the default would be
    another one.
    """
    return [*of_data(inputs["data"]), *of_model(inputs.get("model"))]


def of_data(found: dict) -> list[str]:
    """The option for data of this digest, kind and name; [] for the official archive.

    A record knows its data by their digest; where they are, only today's settings can tell. Where
    those name others, it is the name of the data, or "…" for an edition without one, which both are
    refused if there is no such folder.
    """
    if found["digest"] in KNOWN:
        return []
    if found["kind"] == "sample":
        return ["--data sample"]
    source = load().data
    if digest_of_data(source) == found["digest"]:
        return [f"--data {typed(source)}"]
    return [f"--data {typed(found['name'])}" if found["kind"] == "other" else "--data …"]


def of_model(found: dict | None) -> list[str]:
    """The option for a model of this name and digest; [] for the default one, and where the run has
    none.
    """
    if not found:
        return []
    asked = load().model
    if asked != Settings.model and digest_of_model(asked) == found["digest"]:
        return [f"--model {typed(asked)}"]
    return [] if found["name"] == Settings.model else [f"--model {typed(found['name'])}"]


@functools.cache
def digest_of_data(source: str) -> str:
    """Digest of the data that `source` names, "" if they are not at hand."""
    try:
        corpus = download.at_hand(source)
    except (ReportError, OSError):
        return ""
    return corpus.digest if corpus else ""


@functools.cache
def digest_of_model(name: str) -> str:
    """Digest of the weights of the model `name`, "" if they are not at hand."""
    try:
        return pretrained.at_hand(name).digest
    except (ReportError, OSError):
        return ""


def typed(value: str) -> str:
    """`value` as one types it in a shell in the project's folder; a path in that folder, or at
    home, is shortened.
    """
    path = Path(value)
    if not path.is_absolute():
        return shlex.quote(value)
    if path.is_relative_to(project_root()):
        return shlex.quote(os.path.relpath(path, project_root()))
    if path.is_relative_to(Path.home()):
        return f"~/{shlex.quote(path.relative_to(Path.home()).as_posix())}"
    return shlex.quote(value)


def with_origin(function: Callable[..., Markdown]) -> Callable[..., Markdown]:
    """Let a function that returns a table as Markdown add the line for the records and experiments
    that it is given.
    """
    name = machine.name_of(function)

    @functools.wraps(function)
    def with_line(*arguments: object, **named: object) -> Markdown:
        made: Any = function(*arguments, **named)
        things = [*arguments, *named.values()]
        made.data += f"\n{line(name, things, 'written by')}\n"
        made.metadata = facts(name, things)
        return made

    return with_line
