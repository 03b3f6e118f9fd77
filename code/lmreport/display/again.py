"""When a result was made, and the command that one types to make it again."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
from pathlib import Path

from lmreport.core import files, machine
from lmreport.core.errors import ReportError
from lmreport.core.settings import Settings, cache_root, home, load, project_root, resolved
from lmreport.data import download
from lmreport.data.corpus import KNOWN
from lmreport.models import fitness, pretrained
from lmreport.runs import records
from lmreport.runs.kinds import KINDS
from lmreport.runs.memo import MADE
from lmreport.runs.records import Record

RUN = re.compile(r"([\w.]+)-([0-9a-f]{16})\b")  # of a run or an experiment: its name and its key


def commands(records: list, experiments: list[str]) -> list[str]:
    """The calls of `lmreport run` that make these records and the experiments of these names
    again.
    """
    calls: dict[str, list[str]] = {}
    for record in records:
        calls.setdefault(options(record), []).append(record.name)
    if experiments:
        calls["--force"] = list(dict.fromkeys(experiments))
    return [f"lmreport run {' '.join(names)} {said}" for said, names in calls.items()]


def days(origins: list[dict]) -> str:
    """The day on which runs were made, or the first and the last one; "" where none was kept."""
    dates = sorted({made["date"][:10] for made in origins if made.get("date")})
    return " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else ""


@functools.cache
def of_runs(data_run: str) -> dict[str, str]:
    """The attributes data-made and data-again of a number from the runs and remembered experiments
    in `data_run`, each named as name-key: when they were made, and how they are made again.
    """
    names = dict.fromkeys(RUN.findall(data_run))
    runs = [run for one in names if (run := recorded(*one))]
    others = [one for one in names if one[0] not in KINDS]
    made = [run.made for run in runs] + [experiment(*one) for one in others]
    again = commands(runs, [name for name, _ in others])
    return attributes(days(made), " && ".join(again))


@functools.cache
def recorded(name: str, key: str) -> Record | None:
    """The run with this name and key; None where there is none."""
    paths = [records.home(scale) / f"{name}-{key}.json" for scale in ("full", "quick")]
    return next((records.read(path) for path in paths if path.is_file()), None)


@functools.cache
def experiment(name: str, key: str) -> dict:
    """When and where a remembered experiment was made; {} where that is not known."""
    kept = files.kept(cache_root() / "experiments" / f"{name}-{key}.npz")
    return (kept or {}).get(MADE, {})


def of_render() -> dict[str, str]:
    """The same of a number that the render itself computes."""
    return attributes(machine.now()[:10], render())


def attributes(made: str, again: str) -> dict[str, str]:
    return {k: v for k, v in (("data-made", made), ("data-again", again)) if v}


def options(record: Record) -> str:
    """The options of `lmreport run` under which a run is made again: its scale, and what is not the
    scale's standard.
    """
    given = record.inputs["settings"]
    standard = resolved(Settings(scale=given["scale"]), record.device)
    kind = KINDS[record.name]
    more = [
        f"--{name.replace('_', '-')} {value}"
        for name, value in chosen(record).items()
        if name != "scale" and value != getattr(standard, name)
    ]
    sizes = kind.sizes.get(record.device, {}) if kind.group == "bench" else {}
    more += [
        f"--set {name}={typed(given[name] if isinstance(given[name], str) else json.dumps(given[name]))}"
        for name, size in sizes.items()
        if given.get(name) != size
    ]
    return " ".join([f"--scale {given['scale']}", *of_inputs(record.inputs), *more, "--force"])


def chosen(record: Record) -> dict:
    """The settings that a run was made with, of a study also those of the model that it is about;
    not the sizes of a study or bench, of which only a bench's can be chosen.
    """
    kind, given = KINDS[record.name], record.inputs["settings"]
    if kind.group == "bench":
        return {"seed": given["seed"]}
    own = {
        name: given[name]
        for name in kind.settings
        if name not in kind.sizes.get(given["scale"], {})
    }
    about = recorded("transformer", record.inputs.get("tuned", ""))
    return (chosen(about) if about else {}) | own


def render() -> str:
    """The command that makes the whole report anew from today's settings."""
    now = load()
    others = [
        f"--{name.replace('_', '-')} {typed(str(value))}"
        for name, value in vars(now).items()
        if name not in ("data", "model", "also") and value != getattr(Settings, name)
    ]
    return " ".join(["lmreport render", *of_settings(now), *others, "--force"])


def of_length(folder: str, scale: str) -> list[str]:
    """The option for the longest input, where the model saved in `folder` reads less of a text than
    the scale asks for.
    """
    most = fitness.positions(fitness.configuration(Path(folder)))
    wanted = resolved(load(scale=scale, max_length=None)).max_length or 0
    return [f"--max-length {most}"] if 0 < most < wanted else []


def of_settings(now: Settings) -> list[str]:
    """The options --data and --model of `now`, each where the default would be another one."""
    data_given = now.data != Settings.data and digest_of_data(now.data) not in KNOWN
    given = {"--data": now.data} if data_given else {}
    arguments = [f"{name} {typed(value)}" for name, value in given.items()]
    models = ",".join(map(typed, now.models.split(","))) if now.also else typed(now.model)
    return arguments + ([f"--model {models}"] if now.models != Settings.model else [])


def of_inputs(inputs: dict) -> list[str]:
    """The options --data and --model of a run with such `inputs`, each where the default would be
    another one.
    """
    return [*of_data(inputs["data"]), *of_model(inputs.get("model"))]


def of_data(data: dict) -> list[str]:
    """The option for data of this digest, kind and name; [] for the official archive.

    A record knows its data by their digest; where they are, only today's settings can tell. Where
    those name others, it is the name of the data, or "…" for an edition without one, which both are
    refused if there is no such folder.
    """
    if data["digest"] in KNOWN:
        return []
    if data["kind"] == "sample":
        return ["--data sample"]
    source = load().data
    if digest_of_data(source) == data["digest"]:
        return [f"--data {typed(source)}"]
    return [f"--data {typed(data['name'])}" if data["kind"] == "other" else "--data …"]


def of_model(model: dict | None) -> list[str]:
    """The option for a model of this name and digest; [] for the default one, and where the run has
    none.
    """
    if not model:
        return []
    for asked in load().models.split(","):
        if asked != Settings.model and digest_of_model(asked) == model["digest"]:
            return [f"--model {typed(asked)}"]
    return [] if model["name"] == Settings.model else [f"--model {typed(model['name'])}"]


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
    if (start := home()) and path.is_relative_to(start):
        return f"~/{shlex.quote(path.relative_to(start).as_posix())}"
    return shlex.quote(value)
