"""Results of costly work, kept under a key: `once` at a path that holds it, `remember` until code,
arguments, libraries or machine change.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lmreport.core import checkpoints, lock, machine
from lmreport.core.files import kept, pack, unpack, write_atomically
from lmreport.core.settings import cache_root
from lmreport.models.pretrained import beside_weights
from lmreport.runs import records

MADE = "made"  # the entry of a kept experiment that tells when and where it ran


def once(path: Path, make: Callable[[], dict]) -> dict:
    """What `make` returns, a dict of arrays and JSON values: kept at `path`, or made now.

    One process makes it, others that want it wait. What is damaged is made again.
    """
    found = kept(path)
    if found is None:
        with lock.only_one("-".join([*path.parts[-3:-1], path.stem])):
            found = kept(path)
            if found is None:
                checkpoints.drop_damaged_states(path.parent)
                data = pack(make())
                write_atomically(path, data)
                found = unpack(data)
    return found


class Found(dict):
    """What a remembered experiment returned, with its name (module.function), its key, and when and
    where it ran.
    """

    def __init__(self, values: dict, name: str, key: str):
        super().__init__(values)
        self.made = self.pop(MADE, {})
        self.name, self.key = name, key


def remember(function: Callable[..., dict]) -> Callable[..., Found]:
    """Keep what `function` returns (a dict of arrays and JSON values) for the same arguments, code
    and machine.

    Arguments must be JSON-like; of one that is the path of a saved model, its tokenizer and its
    configuration count too. The record lies in the cache folder under the function's name;
    `lmreport run` with that name and --force makes it anew. Returns a `Found`.
    """
    name = machine.name_of(function)

    @functools.wraps(function)
    def remembered(*args: Any, **kwargs: Any) -> Found:
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        beside = [beside_weights(one) for one in bound.arguments.values() if is_saved_model(one)]
        key = machine.digest(
            [bound.arguments, *beside, code_of(function), machine.versions(), machine.hardware()]
        )

        def make() -> dict:
            made = {
                "date": machine.now(),
                "commit": machine.commit(),
                "hardware": machine.hardware(),
                "arguments": bound.arguments,
            }
            return function(*args, **kwargs) | {MADE: made}

        path = cache_root() / "experiments" / f"{name}-{key}.npz"
        result = kept(path)
        if result is None:  # one at a time, since a second one would disturb the times of the first
            with lock.only_one("experiments", tell=False):
                result = once(path, make)
        return Found(result, name, key)

    return remembered


def is_saved_model(argument: object) -> bool:
    """Whether an argument is the path of a model that was saved with its tokenizer."""
    return isinstance(argument, str) and all(
        Path(argument, name).is_file() for name in ("config.json", "tokenizer.json")
    )


def again(name: str) -> int:
    """Run every remembered experiment with this name anew, with the arguments that it had; how many
    there were.
    """
    paths = sorted((cache_root() / "experiments").glob(f"{name}-{'[0-9a-f]' * 16}.npz"))
    function = name.rpartition(".")[2]
    for path in paths:
        arguments = (kept(path) or {}).get(MADE, {}).get("arguments")
        path.unlink()
        if arguments is not None:
            getattr(importlib.import_module(f"lmreport.{machine.module_of(name)}"), function)(
                **arguments
            )
    return len(paths)


def code_of(function: Callable) -> str:
    """The fingerprint of a function of the package; of any other one the digest of its source."""
    package, _, module = function.__module__.partition(".")
    if package == "lmreport" and "." not in function.__qualname__:
        return records.CODE.fingerprint((module, function.__name__))
    return machine.digest(inspect.getsource(function))
