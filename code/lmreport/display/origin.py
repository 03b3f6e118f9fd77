"""The small line under each figure and table: what run or experiment it shows, who drew it, how to
make it again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lmreport.core import machine
from lmreport.display import again
from lmreport.display.escape import MarkdownText, plain
from lmreport.display.traced import fill, sources
from lmreport.runs import freshness

if TYPE_CHECKING:
    from IPython.display import Markdown

CLASSES = [".origin"]  # of a line; `.unprinted` too where the PDF leaves it out


def facts(function: str, things: object) -> dict:
    """The same for programs: {"function", "runs", "experiments"}, as metadata of the output."""
    records, experiments = sources(things)
    entries = {
        "function": function,
        "runs": [f"{r.name}-{r.key}" for r in records],
        "experiments": [f"{f.name}-{f.key}" for f in experiments],
    }
    return {"lmreport": {name: value for name, value in entries.items() if value}}


def leave_out_of_print() -> None:
    """From now on the PDF leaves the lines out: `table` of another document says the same by figure
    and table.
    """
    CLASSES[:] = [".origin", ".unprinted"]


def line(function: str, things: object, verb: str = "drawn by") -> MarkdownText:
    """The line as Markdown: runs with date, hardware and commit, the function, the command that
    makes them again.
    """
    records, experiments = sources(things)
    parts = [
        made(records, [f"{r.name}-{r.key[:8]}" for r in records], "run"),
        made(experiments, named(experiments), "experiment"),
    ]
    if not (records or experiments):
        here = {"date": machine.now(), "hardware": machine.hardware(), "commit": machine.commit()}
        parts.append(fill("this render ({})", when([here])))
    if function:
        parts.append(fill(f"{verb} {{}}", MarkdownText(f"`{function}`")))
    typed = again.commands(records, [f.name for f in experiments]) or [again.render()]
    parts.append(fill("again: {}", MarkdownText(", ".join(f"`{text}`" for text in typed))))
    stale = [
        f"{r.name}: {plain(', '.join(why[:2]))}" for r in records if (why := freshness.reasons(r))
    ]
    if stale:
        parts.append(f"**stale** ({'; '.join(stale)})")
    text = " · ".join(part for part in parts if part)
    return MarkdownText(f'[{text[0].upper()}{text[1:]}.]{{{" ".join(CLASSES)} tabindex="0"}}')


def named(experiments: list) -> list[str]:
    """Names of experiments with their keys; of several with one name the number of them."""
    names: dict[str, list] = {}
    for one in experiments:
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


def when(origins: list[dict]) -> str:
    """Dates, hardware and commits of runs or experiments, each said once."""
    commits = list(dict.fromkeys(made["commit"][:8] for made in origins if made.get("commit")))
    facts = [
        again.days(origins) or "date not kept",
        *dict.fromkeys(hardware(made["hardware"]) for made in origins if made.get("hardware")),
        f"commit{'s' * (len(commits) > 1)} {', '.join(commits)}" if commits else "",
    ]
    return ", ".join(filter(None, facts))


def hardware(parts: dict) -> str:
    return parts["gpu"] or f"{parts['cores']} cores {parts['cpu']}"


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
