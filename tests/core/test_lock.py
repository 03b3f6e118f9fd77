"""requirements.lock pins everything that pyproject.toml asks for, in the same versions, and all
that these need.
"""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lmreport.core import fonts

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def locked() -> dict[str, list[Requirement]]:
    """The lines of the lock by package; one may stand there twice, for different systems."""
    found: dict[str, list[Requirement]] = {}
    for line in LOCK.splitlines():
        if line and not line.lstrip().startswith("#"):
            one = Requirement(line)
            found.setdefault(canonicalize_name(one.name), []).append(one)
    return found


def asked() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [
        Requirement(line)
        for line in project["dependencies"] + project["optional-dependencies"]["test"]
    ]


@pytest.mark.parametrize("one", asked(), ids=lambda one: one.name)
def test_what_the_project_asks_for_is_in_the_lock(one):
    lines = locked().get(canonicalize_name(one.name), [])
    assert lines and {str(line.specifier) for line in lines} == {str(one.specifier)}
    if one.marker is None:
        assert any(line.marker is None for line in lines)


def test_the_fonts_that_are_told_of_are_an_extra_and_no_need():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = [Requirement(line) for line in project["optional-dependencies"]["fonts"]]
    assert {one.name for one in extra} == set(fonts.PACKAGES) and not set(fonts.PACKAGES) & set(
        locked()
    )
    assert all(str(one.specifier).startswith("==") for one in extra)


def test_every_line_is_one_version_and_names_no_index():
    assert all(
        re.fullmatch(r"==[\w.]+", str(one.specifier))
        for lines in locked().values()
        for one in lines
    )
    assert "://" not in LOCK and "--" not in LOCK


def test_what_is_installed_here_needs_nothing_beyond_the_lock():
    there = locked()
    for name in there:
        try:
            needs = [Requirement(line) for line in metadata.requires(name) or []]
        except metadata.PackageNotFoundError:
            continue
        wanted = [
            canonicalize_name(one.name)
            for one in needs
            if one.marker is None or one.marker.evaluate({"extra": ""})
        ]
        assert [
            one
            for one in wanted
            if one not in there and not one.startswith(("nvidia-", "cuda-", "triton"))
        ] == [], name
