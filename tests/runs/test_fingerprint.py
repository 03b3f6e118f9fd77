"""Fingerprints: moves, names and words do not count; every constant, default and called function
does.
"""

import ast
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lmreport.core import machine
from lmreport.core.errors import ReportError
from lmreport.runs import freshness, records
from lmreport.runs.fingerprint import Code
from lmreport.runs.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]


def small(tmp_path, **files):
    """A package of these modules; nothing of it is ground."""
    for name, text in files.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "__init__.py").touch()
    return Code(tmp_path, lambda module: module == "ground")


def of(tmp_path, text, name="f", **others):
    shutil.rmtree(tmp_path, ignore_errors=True)
    tmp_path.mkdir(parents=True)
    return small(tmp_path, a=text, **others).fingerprint(("a", name))


def test_it_is_kept_until_a_file_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    package = tmp_path / "package"
    first = small(package, a=PLAIN)
    made, parts = first.fingerprint(("a", "f")), first.parts(("a", "f"))
    assert not first.file.exists(), "looking changes nothing"
    first.keep()
    again = Code(package, first.ground)
    assert (again.fingerprint(("a", "f")), again.parts(("a", "f"))) == (made, parts)
    assert not again.modules, "nothing was parsed"
    assert small(package, a=PLAIN.replace("3", "4")).fingerprint(("a", "f")) != made
    first.file.write_text("{")
    damaged = small(package, a=PLAIN)
    assert damaged.fingerprint(("a", "f")) == made and damaged.modules


PLAIN = (
    "import numpy as np\nLEAST = 3\ndef g(x, y=2):\n    return x + y\n"
    "def f(x):\n    return g(x) + LEAST + np.sum(x)\n"
)
OTHER = {
    "c": "import numpy as np\nfrom lmreport import b\n",
    "b": "LEAST = 3\ndef least():\n    return LEAST\ndef added(x, y=2):\n    return x + y\n",
}


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("def f(x):", 'def f(x: int) -> int:\n    """Says much."""'),
        PLAIN.replace("def f(x):", "def f(x):  # a comment"),
        PLAIN.replace("LEAST = 3", "LEAST: int\nLEAST = 3"),
        PLAIN.replace("def f(x):", "def f(x):\n    y: dict[str, int]"),
        PLAIN.replace("g(", "other("),
        PLAIN.replace("LEAST", "FEWEST"),
        PLAIN.replace("import numpy as np", "import numpy").replace("np.sum", "numpy.sum"),
        PLAIN.replace("import numpy as np", "from numpy import sum as total").replace(
            "np.sum", "total"
        ),
        "from lmreport.b import LEAST, added as g\nimport numpy as np\ndef f(x):\n    return g(x) "
        "+ LEAST + np.sum(x)\n",
        "import numpy as np\nfrom lmreport import b\ndef f(x):\n    return b.added(x) + b.LEAST + "
        "np.sum(x)\n",
        "from lmreport import c\ndef f(x):\n    return c.b.added(x) + c.b.LEAST + c.np.sum(x)\n",
        "def f(x):\n    from numpy import sum\n    from . import b\n    return b.added(x) + "
        "b.LEAST + sum(x)\n",
        "import numpy as np\nfrom lmreport.face import LEAST, added\ndef f(x):\n    return "
        "added(x) + LEAST + np.sum(x)\n",
    ],
)
def test_place_names_and_words_do_not_count(tmp_path, text):
    face = "from lmreport.b import LEAST, added\n"
    assert of(tmp_path / "x", text, **{"face/__init__": face}, **OTHER) == of(tmp_path / "y", PLAIN)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("LEAST = 3", "LEAST = 4"),
        PLAIN.replace("LEAST = 3", "LEAST = 3.0"),
        PLAIN.replace("y=2", "y=3"),
        PLAIN.replace("return x + y", "return x - y"),
        PLAIN.replace("np.sum", "np.mean"),
        PLAIN + "LEAST += 1\n",
        PLAIN.replace("def f(x):", "def f(x, LEAST=3):"),
        PLAIN.replace("def f(x):", "def f(x):\n    LEAST = x"),
        PLAIN.replace("def f(x):", "def f(x):\n    LEAST: int"),
        PLAIN.replace("def f(x)", "@np.vectorize\ndef f(x)"),
    ],
)
def test_what_is_computed_counts(tmp_path, text):
    assert of(tmp_path / "x", text) != of(tmp_path / "y", PLAIN)


def test_a_field_of_a_class_counts(tmp_path):
    """It decides what a dataclass takes; a variable's type decides nothing."""
    head = "from dataclasses import dataclass\n@dataclass\nclass f:\n    y: int\n"
    one = of(tmp_path, head)
    assert of(tmp_path, head + "    x: int\n") != one
    assert of(tmp_path, head.replace("y: int", "y: float")) == one


def test_scopes_are_respected(tmp_path):
    """A parameter, a loop or a comprehension's variable named like a function is not that
    function.
    """
    for use in (
        "def f(g):\n    return g(1)\n",
        "def f(x):\n    for g in x:\n        g(1)\n",
        "def f(x):\n    return [g for g in x]\n",
        "f = lambda g: g(1)\n",
    ):
        one, other = (of(tmp_path / "x", f"def g(x):\n    return {n}\n{use}") for n in (1, 2))
        assert one == other, use
    for use in (
        "def f(x):\n    return [g(y) for y in x]\n",
        "def f(x):\n    return [y for y in x], g(x)\n",
        "class A:\n    g = 1\n    def h(self):\n        return g(self)\ndef f(x):\n    return "
        "A().h()\n",
        "def f(x):\n    return [x for g in x], g(1)\n",
        "def f(x):\n    def inner():\n        return g(x)\n    return inner\n",
    ):
        one, other = (of(tmp_path / "x", f"def g(x):\n    return {n}\n{use}") for n in (1, 2))
        assert one != other, use


def test_functions_that_call_each_other_have_fingerprints_too(tmp_path):
    text = "def f(n):\n    return n and g(n - 1)\ndef g(n):\n    return n and f(n - {}) + h()\n"
    text += "def h():\n    return {}\n"
    first = of(tmp_path, text.format(1, 1))
    assert of(tmp_path, text.format(1, 1).replace("g(", "other(")) == first
    assert len({first, of(tmp_path, text.format(2, 1)), of(tmp_path, text.format(1, 2))}) == 3


@pytest.mark.parametrize(
    "text, said",
    [
        ("def f():\n    return missing\n", "'missing' in `f` is defined nowhere"),
        ("from lmreport import b\ndef f():\n    return b.missing\n", "defines no 'missing'"),
        ("from lmreport import b\ndef f():\n    return b\n", "uses the module 'b' itself"),
        (
            "from lmreport import nowhere\ndef f():\n    return nowhere.x\n",
            "defines no 'nowhere'|not in the package",
        ),
        ("from lmreport.b import *\ndef f():\n    return LEAST\n", "import \\* hides"),
        ("print('loaded')\ndef f():\n    return 1\n", "does something when it is imported"),
    ],
)
def test_what_cannot_be_resolved_is_an_error(tmp_path, text, said):
    with pytest.raises(ReportError, match=said):
        of(tmp_path, text, **OTHER)


def test_a_process_of_its_own_runs_the_main_of_the_module_that_it_names(tmp_path):
    use = "import sys\ndef f():\n    return [sys.executable, '-m', 'lmreport.b']\n"
    one, other = (of(tmp_path, use, b=f"def main():\n    return {n}\n") for n in (1, 2))
    assert one != other


@pytest.fixture
def copy(tmp_path):
    """A copy of the package: (its folder, a function that changes a text in one module, one that
    gives stale kinds).
    """
    folder = tmp_path / "lmreport"
    shutil.copytree(
        records.CODE.root, folder, ignore=shutil.ignore_patterns("__pycache__", "sample")
    )

    def change(module, old, new):
        path = folder / (module.replace(".", "/") + ".py")
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def stale():
        code, places = Code(folder, records.CODE.ground), {k.name: k.places for k in KINDS.values()}
        return {
            name
            for name, where in places.items()
            if records.CODE.fingerprint(*where) != code.fingerprint(*where)
        }

    return folder, change, stale


def imported_from(folder, package, old, new):
    """Everywhere the module `old` of `package` is imported by the statement `new` instead, under
    its old name.
    """
    line = re.compile(rf"^( *)from {re.escape(package)} import (.*\b{old}\b.*)$", re.M)

    def other(found):
        names = [name for name in found[2].split(", ") if name.split(" as ")[0] != old]
        alias = next(name for name in found[2].split(", ") if name.split(" as ")[0] == old).split(
            " as "
        )[-1]
        kept = [f"{found[1]}from {package} import {', '.join(names)}"] if names else []
        return "\n".join([*kept, f"{found[1]}{new} as {alias}"])

    for path in folder.rglob("*.py"):
        path.write_text(line.sub(other, path.read_text()))


def test_every_committed_record_is_fresh():
    for record in records.all_records("full"):
        assert freshness.code(record.code, records.code_of(record.name)) == [], record.path.name
        assert record.code["fingerprint"] == records.code_of(record.name)["fingerprint"], (
            record.path.name
        )


def test_migrated_records_hold_what_they_held():
    """Values, `made` and arrays are those of the commit before; the old key proves what it was made
    from.
    """
    found = [r for r in records.all_records("full") if "formerly" in r.more]
    assert len(found) > 10
    for record in found:
        formerly, path = record.more["formerly"], f"report/runs/{record.path.name}"
        order = [
            k
            for k in ("name", "settings", "data", "model", "tuned", "members")
            if k in record.inputs
        ]
        inputs = {k: record.inputs[k] for k in order} | {"code": formerly["code"]}
        inputs |= {"versions": record.inputs["versions"]}
        assert machine.digest(inputs) == record.key, path
        show = subprocess.run(
            ["git", "-C", str(ROOT), "show", f"{formerly['commit']}:{path}"], capture_output=True
        )
        if show.returncode:
            pytest.skip("no history")
        then = json.loads(show.stdout)
        assert json.dumps([then["values"], then["made"]]) == json.dumps(
            [record.values, record.made]
        ), path
        arrays = subprocess.run(
            ["git", "-C", str(ROOT), "show", f"{formerly['commit']}:{path[:-4]}npz"],
            capture_output=True,
        )
        assert arrays.stdout == record.path.with_suffix(".npz").read_bytes()


def test_a_module_that_is_moved_and_renamed_behind_a_face_makes_nothing_stale(copy):
    folder, _, stale = copy
    (folder / "text").mkdir()
    (folder / "models/tokenizer.py").rename(folder / "text" / "pieces.py")
    (folder / "text" / "__init__.py").write_text(
        "from lmreport.text.pieces import load_tokenizer, tokenized\n"
    )
    with pytest.raises(ReportError, match="tokenizer"):
        stale()
    imported_from(folder, "lmreport.models", "tokenizer", "from lmreport import text")
    for path in folder.rglob("*.py"):
        path.write_text(
            path.read_text().replace("lmreport.models.tokenizer import", "lmreport.text import")
        )
    assert stale() == set()


def test_a_module_that_is_split_makes_nothing_stale(copy):
    folder, _, stale = copy
    path = folder / "data/splits.py"
    source, first = path.read_text(), "from __future__ import annotations\n"
    moved = next(
        ast.get_source_segment(source, d)
        for d in ast.parse(source).body
        if getattr(d, "name", "") == "to_dataset"
    )
    (folder / "batches.py").write_text(f"{first}\n\n{moved}\n")
    path.write_text(
        source.replace(moved, "").replace(
            first, f"{first}\nfrom lmreport.batches import to_dataset\n"
        )
    )
    assert stale() == set()


@pytest.mark.parametrize(
    "module, old, new, expected",
    [
        (
            "data.splits",
            "VALIDATION_SHARE = 0.2",
            "VALIDATION_SHARE = 0.25",
            set(KINDS),
        ),  # a constant
        ("models.lstm", "import time\n", "import time\n\nUNUSED = 1\n", set()),
        (
            "models.recipe",
            "weight_decay: float = 0.01",
            "weight_decay: float = 0.02",
            {"ladder", "summit"},
        ),
        (
            "models.lstm",
            "length: int = 250",
            "length: int = 200",
            {"lstm"},
        ),  # a default
        (
            "experiments.concepts.heads",
            "def without_head(",
            "def without_head(_=0, *, ",
            {"heads_removed"},
        ),  # a called function
    ],
)
def test_a_change_makes_exactly_the_dependent_kinds_stale(copy, module, old, new, expected):
    _, change, stale = copy
    change(module, old, new)
    assert stale() == expected
