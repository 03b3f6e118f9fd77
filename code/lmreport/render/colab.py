"""The notebook in Google Colab: it carries the project, and its first cell unpacks and installs it
there.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib
import io
import lzma
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from lmreport.core import machine
from lmreport.core.errors import ReportError
from lmreport.core.settings import cache_root

if TYPE_CHECKING:
    from nbformat import NotebookNode

TAG = "colab"  # of the cell that is filled; in the documents it holds only a comment
CHECKOUT = Path(__file__).resolve().parents[3]
CARRIED = {
    ".py",
    ".qmd",
    ".yml",
    ".toml",
    ".md",
    ".cff",
    ".bib",
    ".lua",
    ".scss",
    ".typ",
    ".css",
    ".js",
    ".html",
    ".txt",
    ".json",
    ".npz",
    "",
}
RENEWED = {
    "accelerate",
    "datasets",
    "transformers",
}  # an older major version of these is replaced, of nothing else
PACKING = threading.Lock()
METADATA = {
    "accelerator": "GPU",
    "colab": {"gpuType": "T4", "provenance": [], "toc_visible": True},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
}  # and no path
CELL = '''\
#| label: colab
#| tags: [colab]
#| include: false
#@title Set up: only in Google Colab, where this cell unpacks the project and installs what is missing
import importlib.util
import sys

if importlib.util.find_spec("google") and importlib.util.find_spec("google.colab") and "lmreport" not in sys.modules:
    import base64
    import io
    import lzma
    import os
    import tarfile

    project = """
{carried}
"""
    signs = str.maketrans(".,", "#<")
    packed = base64.b85decode("".join(project.split()).translate(signs))
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed))) as archive:
        archive.extractall("lmreport", filter="data")
    sys.path.insert(0, os.path.abspath("lmreport/code"))
    from lmreport.render import colab

    colab.prepare("lmreport", {profile!r})
    del archive, packed, project
if "IPython" in sys.modules and importlib.util.find_spec("lmreport"):
    import lmreport.render.notebook

    lmreport.render.notebook.show_plainly()
'''


def carrying(notebook: str, root: Path, profile: str = "") -> str:
    """The .ipynb text `notebook` with the project at `root`, made with `profile`, in its cell
    tagged `colab`.

    Unchanged without such a cell, and where it carries the project already.
    """
    import nbformat

    nb = nbformat.reads(notebook, 4)
    cell = next((c for c in nb.cells if TAG in c.metadata.get("tags", ()) or is_tagged(c)), None)
    if cell is None or "b85decode" in cell.source or not (CHECKOUT / "pyproject.toml").is_file():
        return notebook
    text = archive(root, profile)
    lines = (text[start : start + 118] for start in range(0, len(text), 118))
    cell.source = CELL.format(carried="\n".join(lines), profile=profile).rstrip("\n")
    cell.metadata |= {
        "cellView": "form",
        "jupyter": {"source_hidden": True},
        "tags": [TAG],
        "transient": {"remove_source": True},
    }
    nb.metadata |= METADATA
    nbformat.validate(nb)
    return nbformat.writes(nb) + "\n"


def in_signs(data: bytes) -> str:
    """`data` in letters and signs, without those of a code annotation, which a line could end with."""
    return base64.b85encode(data).decode().translate(str.maketrans("#<", ".,"))


def is_tagged(cell: NotebookNode) -> bool:
    """Whether a cell has the tag in its options; Quarto leaves it there."""
    return cell.cell_type == "code" and bool(
        re.search(rf"^#\| *tags: *\[{TAG}\]", cell.source, re.M)
    )


def archive(root: Path, profile: str = "") -> str:
    """Code, documents and recorded runs as .tar.xz `in_signs`; the same text for the same files.

    Of the documents only what is for `profile` is in it: the solutions of another one are not in
    what is handed out.
    """
    from lmreport.render import project, source  # not in Colab, before their libraries are there

    patterns = [
        (CHECKOUT, name)
        for name in ("pyproject.toml", "README.md", "LICENSE", "CITATION.cff", "code/**/*")
    ]
    patterns += [(root, name) for name in ("_quarto*.yml", "report/**/*")]
    documents = {d.path: d for d in project.read(root, ("html",), profile or None)}
    stems = {path.with_suffix("") for path in documents}
    files = {
        path.relative_to(folder).as_posix(): unpacked(path)
        for folder, pattern in patterns
        for path in folder.glob(pattern)
        if is_carried(path.relative_to(folder), path)
        and path.suffix != ".qmd"
        and path.with_suffix("") not in stems  # nor what an earlier render left beside a document
    }
    arrays = {name: files.pop(name) for name in [*files] if name.endswith(".npz")}
    texts = {document.name: source.whole(document).encode() for document in documents.values()}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        add(tar, arrays)
        numbers = buffer.tell()
        add(tar, files)
        settled = buffer.tell()  # up to here the same from one edit of a text to the next
        add(tar, texts)
    data = buffer.getvalue()
    # streams of .xz may be joined, and so may their signs: the bytes of each are a multiple of four
    return packed(data[:numbers], data[numbers:settled]) + in_signs(lzma.compress(data[settled:]))


def add(tar: tarfile.TarFile, files: dict[str, bytes]) -> None:
    """Put files into an archive by name; the same bytes for the same files."""
    for name, content in sorted(files.items()):
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o644
        tar.addfile(entry, io.BytesIO(content))


def unpacked(path: Path) -> bytes:
    """The bytes of a file; arrays without their own compression, which .xz betters by a tenth."""
    data = path.read_bytes()
    if path.suffix != ".npz":
        return data
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as arrays, zipfile.ZipFile(buffer, "w") as stored:
        for entry in arrays.infolist():
            stored.writestr(zipfile.ZipInfo(entry.filename, entry.date_time), arrays.read(entry))
    return buffer.getvalue()


NUMBERS = {"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 2}  # of four bytes each


def packed(arrays: bytes, others: bytes) -> str:
    """Both as .xz `in_signs`, one after the other, and remembered: the documents of a render, and
    renders, mostly carry the same.
    """
    from lmreport.core.files import write_atomically  # not in Colab, before its libraries are there

    folder = cache_root() / "packed"
    path = folder / f"{hashlib.sha256(arrays + others).hexdigest()}.txt"
    with PACKING:
        with contextlib.suppress(FileNotFoundError):
            return path.read_text("ascii")
        older = [*folder.iterdir()] if folder.is_dir() else []
        made = in_signs(lzma.compress(arrays, filters=[NUMBERS]) + lzma.compress(others))
        write_atomically(path, made.encode())
        for one in older:
            one.unlink(missing_ok=True)
        return made


def is_carried(name: Path, path: Path) -> bool:
    left_out = any(
        part.startswith(".") or part.endswith(("_files", ".egg-info")) or part == "__pycache__"
        for part in name.parts
    )
    return path.is_file() and path.suffix in CARRIED and not left_out


def prepare(folder: str, profile: str = "") -> None:
    """In Colab, after unpacking into `folder`: install what is missing, make the project
    importable, go into it.

    Colab's own torch, CUDA, TensorFlow and NumPy stay as they are. Raises ReportError if pip fails.
    """
    home = Path(folder).resolve()
    os.environ["PYTHONPATH"] = str(home / "code")  # for `!python -m lmreport.cli …`
    if profile:
        os.environ["QUARTO_PROFILE"] = profile
    wanted = pins(home)
    here = machine.versions(*wanted)
    lacking = to_install(wanted, here)
    kept = {name: version for name, version in here.items() if version and name not in lacking}
    other = [
        f"{name} {version} (the project's: {wanted[name]})"
        for name, version in kept.items()
        if version.split("+")[0] != wanted[name]
    ]
    print(
        f"colab: kept as they are here: {', '.join(other)}"
        if other
        else "colab: every version here is the project's"
    )
    if lacking:
        print(
            f"colab: installing "
            f"{', '.join(f'{name} {version}' for name, version in lacking.items())}"
        )
        install([f"{name}=={version}" for name, version in lacking.items()], kept)
    if pip("install", "--no-deps", "--editable", str(home)).returncode:
        print(
            "colab: the command lmreport could not be installed; python -m lmreport.cli does the "
            "same"
        )
    importlib.invalidate_caches()
    machine.installed.cache_clear()
    os.chdir(home / "report")
    print(
        f"colab: the project lies in {home}; the outputs are made anew, the text keeps the numbers "
        f"of its own render"
    )


def pins(home: Path) -> dict[str, str]:
    """{package: version} that pyproject.toml pins for this machine."""
    from packaging.requirements import Requirement

    project = tomllib.loads((home / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = map(Requirement, project["dependencies"])
    return {
        one.name: str(one.specifier).removeprefix("==")
        for one in wanted
        if one.marker is None or one.marker.evaluate()
    }


def to_install(wanted: dict[str, str], here: dict[str, str]) -> dict[str, str]:
    """What of `wanted` ({package: version}) is missing, or so old that it is replaced, given what
    is `here`.
    """

    def too_old(name: str) -> bool:
        return name in RENEWED and int(here[name].split(".")[0]) < int(wanted[name].split(".")[0])

    return {name: version for name, version in wanted.items() if not here[name] or too_old(name)}


def install(requirements: list[str], kept: dict[str, str]) -> None:
    """Install `requirements` by pip, which must not touch what is `kept`. Raises ReportError if pip
    fails.
    """
    called = {name: name if machine.installed(name) else machine.ALSO_CALLED[name] for name in kept}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{called[name]}=={version}\n" for name, version in kept.items()))
        file.flush()
        done = pip("install", "--constraint", file.name, *requirements)
    if done.returncode:
        raise ReportError(
            f"colab: pip could not install {', '.join(requirements)}: "
            f"{done.stderr.strip()[-500:]}; "
            "restart the session and run this cell again"
        )


def pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pip of this very Python with the command and options in `arguments`; what it says is in
    the result.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        arguments[0],
        "--quiet",
        "--disable-pip-version-check",
        *arguments[1:],
    ]
    return subprocess.run(command, capture_output=True, text=True)
