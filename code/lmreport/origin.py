"""The small line under each figure and table: what run or experiment it shows, who drew it, how to make it again."""

from __future__ import annotations

import functools

from lmreport import cache, runs, show, staleness
from lmreport.shown import Marked, sentence


def sources(things) -> tuple[list, list]:
    """The records and the remembered experiments anywhere in `things` (nested lists and dicts), each once."""
    records, found = {}, {}
    todo = [things]
    while todo:
        thing = todo.pop(0)
        if isinstance(thing, runs.Record):
            records[thing.key] = thing
        elif isinstance(thing, cache.Found):
            found[thing.key] = thing
        elif isinstance(thing, dict):
            todo += thing.values()
        elif isinstance(thing, list | tuple):
            todo += thing
    return list(records.values()), list(found.values())


def facts(function: str, things) -> dict:
    """The same for programs: {"function", "runs", "experiments"}, as metadata of the output."""
    records, found = sources(things)
    told = {"function": function, "runs": [f"{r.name}-{r.key}" for r in records],
            "experiments": [f"{f.name}-{f.key}" for f in found]}
    return {"lmreport": {name: value for name, value in told.items() if value}}


def line(function: str, things, verb: str = "drawn by") -> Marked:
    """The line as Markdown: runs with date, hardware and commit, the function, the command that makes them again."""
    records, found = sources(things)
    parts = [made(records, [f"{r.name}-{r.key[:8]}" for r in records], "run"),
             made(found, [f"{f.name.removeprefix('concepts.')}-{f.key[:8]}" for f in found], "experiment")]
    if function:
        parts.append(sentence(f"{verb} {{}}", Marked(f"`{function}`")))
    again = [f"lmreport run {' '.join(names)} {options}" for names, options in commands(records, found)]
    if again:
        parts.append(sentence("again: {}", Marked(", ".join(f"`{text}`" for text in again))))
    stale = [f"{r.name}: {show.plain(', '.join(why[:2]))}" for r in records if (why := staleness.reasons(r))]
    if stale:
        parts.append(f"**stale** ({'; '.join(stale)})")
    text = " · ".join(part for part in parts if part)
    return Marked(f'[{text[0].upper()}{text[1:]}.]{{.origin tabindex="0"}}')


def made(things: list, names: list[str], kind: str) -> str:
    """Names of runs or experiments with when, on what and by which code they were made; said once if all the same."""
    if not things:
        return ""
    told = [when(thing.made) for thing in things]
    if len(set(told)) == 1:
        listed = sentence(", ".join(["{}"] * len(names)) + " ({})", *names, told[0])
    else:
        listed = sentence(", ".join(["{} ({})"] * len(names)), *(x for pair in zip(names, told, strict=True)
                                                                 for x in pair))
    return f"{kind}{'s' * (len(things) > 1)} {listed}"


def when(made: dict) -> str:
    """Date, hardware and commit of a run or experiment, as far as they are known."""
    hardware = made.get("hardware") or {}
    where = hardware.get("gpu") or (f"{hardware['cores']} cores {hardware['cpu']}" if hardware else "")
    commit = f"commit {made['commit'][:8]}" if made.get("commit") else ""
    return ", ".join(part for part in (made.get("date", "")[:10], where, commit) if part) or "date not kept"


def commands(records: list, found: list) -> list[tuple[list[str], str]]:
    """(names, options) of the calls of `lmreport run` that make these again."""
    scales: dict[str, list[str]] = {}
    for record in records:
        scales.setdefault(record.inputs["settings"]["scale"], []).append(record.name)
    calls = [(names, f"--scale {scale} --force") for scale, names in scales.items()]
    return calls + ([([f.name for f in found[:1]] + ["…"] * (len(found) > 1), "--force")] if found else [])


def told(function):
    """Let a function that returns a table as Markdown add the line for the records and experiments that it is given."""
    name = f"{function.__module__.removeprefix('lmreport.')}.{function.__name__}"

    @functools.wraps(function)
    def with_line(*arguments, **named):
        made = function(*arguments, **named)
        things = [*arguments, *named.values()]
        made.data += f"\n{line(name, things, 'written by')}\n"
        made.metadata = facts(name, things)
        return made

    return with_line
