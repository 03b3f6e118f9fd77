"""Quarto's profiles: which of them hold, by `_quarto.yml`, QUARTO_PROFILE and what is asked for."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from lmreport.core import strict_yaml
from lmreport.core.errors import ReportError


def of_project(root: Path) -> dict:
    """What `_quarto.yml` at `root` says under `profile`: `default` and `group`, as far as they are
    there.

    Raises ReportError where it is no YAML; the renderer alone checks all its options.
    """
    try:
        text = (root / "_quarto.yml").read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReportError(f"_quarto.yml is no UTF-8 text ({error}); save it as UTF-8") from error
    return of_text(text)


@cache  # asked for by each question of the report
def of_text(text: str) -> dict:
    """What the text of a `_quarto.yml` says under `profile`."""
    options, _ = strict_yaml.read(
        text, lambda number: f"_quarto.yml:{number + 1}", "the options", ("profile",)
    )
    section = options.get("profile")
    return section if isinstance(section, dict) else {}


def known(section: dict) -> list[str]:
    """Every profile that `section`, from `_quarto.yml`, names: the default first."""
    return list(
        dict.fromkeys(
            str(n)
            for n in words(section.get("default")) + sum(as_groups(section.get("group") or []), [])
        )
    )


def active(root: Path, section: dict, given: str | None = None) -> tuple[str, ...]:
    """The profiles that hold: `given`, else those of QUARTO_PROFILE, else the default; one of each
    group at least.

    section: what `_quarto.yml` says under `profile`. Raises ReportError for an unknown one and for
    two of one group.
    """
    groups = [[str(name) for name in names] for names in as_groups(section.get("group") or [])]
    chosen = words(given) or words(os.environ.get("QUARTO_PROFILE"))
    for name in chosen:
        if not (root / f"_quarto-{name}.yml").is_file() and name not in sum(groups, []):
            known = sorted(p.stem.removeprefix("_quarto-") for p in root.glob("_quarto-*.yml"))
            raise ReportError(
                f"profile {name!r}: there is no _quarto-{name}.yml beside _quarto.yml"
                + (f"; known are {', '.join(known)}" if known else "")
                + "; for a new one write that file, which may be empty"
            )
    chosen = chosen or words(section.get("default"))
    for names in groups:
        both = [name for name in chosen if name in names]
        if len(both) > 1:
            raise ReportError(f"profiles {' and '.join(both)} exclude each other; give one of them")
        chosen += names[:1] if not both else []
    return tuple(chosen)


def as_groups(group: list) -> list[list]:
    return group if group and isinstance(group[0], list) else [group] if group else []


def words(names: object) -> list[str]:
    """Names of profiles from a list or from text, parted by commas or blanks."""
    return (
        [str(n) for n in names]
        if isinstance(names, list)
        else str(names or "").replace(",", " ").split()
    )
