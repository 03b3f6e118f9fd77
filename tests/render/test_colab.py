"""The notebook in Google Colab: what its first cell does there, and that it does nothing
elsewhere.
"""

import base64
import io
import json
import lzma
import os
import shutil
import site
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import nbformat
import pytest

import rendering
from lmreport.core import machine
from lmreport.render import colab, execute, project, source

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def notebook():
    """The report's notebook, not executed, with what it carries."""
    document = project.read(ROOT, ("html",), None)[0]
    plain = execute.notebook(source.read(document), {}, "A title")
    for cell in plain.cells:
        del cell.metadata["report"]  # what only the renderer needs
    return nbformat.reads(colab.carrying(nbformat.writes(plain), ROOT, "157b"), 4)


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python that has what this one has, and pretends to be Colab's."""
    folder = tmp_path_factory.mktemp("colab")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    packages = next((folder / "venv").glob("lib/python*/site-packages"))
    (packages / "google" / "colab").mkdir(parents=True)
    (packages / "google" / "colab" / "__init__.py").write_text("")
    (packages / "here.pth").write_text("".join(f"{path}\n" for path in site.getsitepackages()))
    return folder / "venv" / "bin" / "python"


def run(python, folder, *code):
    """Run pieces of code one after the other in `folder`, in a Python that knows nothing of this
    checkout.
    """
    folder.mkdir(exist_ok=True)
    (folder / "cell.py").write_text("\n".join(code))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LMREPORT_"))}
    done = subprocess.run(
        [python, "cell.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment | {"PIP_NO_INDEX": "1", "PIP_RETRIES": "0"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_in_colab_the_first_cell_makes_the_project_importable_from_what_it_carries(
    notebook, python, tmp_path
):
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    said = run(
        python,
        tmp_path / "content",
        first.source,
        """
import json, os, lmreport
from lmreport.core import settings
print(json.dumps([lmreport.__file__, os.getcwd(), str(settings.project_root()), os.environ["QUARTO_PROFILE"]]))""",
        first.source,
    )  # run again, it changes nothing
    module, working, root, profile = json.loads(said.splitlines()[-1])
    home = tmp_path / "content" / "lmreport"
    assert (
        Path(module).is_relative_to(home / "code")
        and Path(working) == home / "report"
        and Path(root) == home
    )
    items = "report/rubric.yml"
    assert profile == "157b" and (home / items).read_bytes() == (ROOT / items).read_bytes()
    assert "colab: every version here is the project's" in said and "installing" not in said
    assert sorted(p.name for p in (tmp_path / "content").iterdir()) == ["cell.py", "lmreport"]


def test_elsewhere_the_first_cell_does_nothing(notebook, tmp_path):
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    names = run(
        sys.executable,
        tmp_path,
        "before = set(globals())",
        first.source,
        "import os; print(os.getcwd(), *sorted(set(globals()) - before - {'before', 'os'}))",
    )
    assert names.split() == [str(tmp_path), "importlib", "sys"] and [
        p.name for p in tmp_path.iterdir()
    ] == ["cell.py"]


def test_the_notebook_is_valid_asks_for_a_gpu_and_can_be_opened_anywhere(notebook):
    nbformat.validate(notebook)
    assert notebook.metadata.accelerator == "GPU" and notebook.metadata.kernelspec.name == "python3"
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    lines = first.source.splitlines()
    assert first.metadata.cellView == "form" and first.metadata.jupyter.source_hidden
    assert any(line.startswith("#@title ") for line in lines) and max(map(len, lines)) <= 120
    assert 100_000 < len(first.source) < 3_000_000


def test_page_and_pdf_do_not_show_the_cell(tmp_path):
    body = "```{python}\n#| tags: [colab]\n#| include: false\n# empty\n```\n\nWords.\n"
    out = rendering.own(rendering.project(tmp_path, body))
    page, cells = rendering.Page(out / "index.html"), nbformat.read(out / "index.ipynb", 4).cells
    first = next(cell for cell in cells if cell.cell_type == "code")
    assert (
        "find_spec" in first.source
        and "colab" not in rendering.text(page.tree)
        and "Words." in page.source
    )
    assert rendering.pdf_text(out / "index.pdf").count(
        "Words."
    ) == 1 and "colab" not in rendering.pdf_text(out / "index.pdf")


PROFILES = rendering.OPTIONS + "profile: {default: 272b, group: [[272b, 157b]]}\n"
PARTS = """
Shown to all.

::: {.content-visible when-profile="272b"}
{{< include _solutions.qmd >}}

Graduates read marmalade.
:::

Here [walnuts]{.content-hidden when-profile="157b"} [and almonds]{.content-visible when-profile="157b"}.

```{python}
#| label: cell
print("a cell")
```
"""


def unpacked(signs: str) -> bytes:
    return lzma.decompress(base64.b85decode(signs.translate(str.maketrans(".,", "#<"))))


def test_an_edit_of_a_text_is_carried_and_nothing_else_is_packed_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    folder = rendering.project(tmp_path / "project", "Words at first.\n")
    carried, kept = [], []
    for words in ("Words at first.", "Other words."):
        text = folder / "report" / "index.qmd"
        text.write_text(text.read_text().replace("Words at first.", words))
        packed = unpacked(colab.archive(folder))
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            carried.append(tar.extractfile("report/index.qmd").read().decode())
            assert "code/lmreport/__init__.py" in tar.getnames()
        kept += [(path, path.stat().st_mtime_ns) for path in (tmp_path / "cache/packed").iterdir()]
    assert len(kept) == 2 and kept[0] == kept[1]
    assert "Words at first." in carried[0] and "Other words." in carried[1]


@pytest.mark.parametrize(
    "profile, there, nowhere",
    [
        ("157b", ["almonds"], ["marmalade", "walnuts", "pomegranate"]),
        ("272b", ["marmalade", "walnuts", "pomegranate"], ["almonds"]),
        ("", ["marmalade", "walnuts", "pomegranate"], ["almonds"]),
    ],
)
def test_what_is_for_another_profile_is_nowhere_in_the_archive(
    profile, there, nowhere, tmp_path, monkeypatch
):
    monkeypatch.delenv("QUARTO_PROFILE", raising=False)
    solutions = "The solution is pomegranate.\n"
    folder = rendering.project(tmp_path, PARTS, rendering.FRONT, PROFILES, solutions=solutions)
    for name in ("index.html", "index.typ"):  # left by an earlier render of the other profile
        (folder / "report" / name).write_text(" ".join(nowhere))
    packed = unpacked(colab.archive(folder, profile))
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        files = {
            m.name: archive.extractfile(m).read() for m in archive if m.name.startswith("report/")
        }
    kept = b" ".join(files.values()).decode()
    assert all(word in kept for word in ["Shown to all.", 'print("a cell")', *there])
    assert [word for word in nowhere if word in kept] == []
    for name, content in files.items():  # and what is there is the same document
        (tmp_path / "again" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "again" / name).write_bytes(content)
    shutil.copy(folder / "_quarto.yml", tmp_path / "again")
    before, after = (
        [c.source for c in source.read(project.read(root, ("html",), profile or None)[0])]
        for root in (folder, tmp_path / "again")
    )
    assert before == after


@pytest.mark.parametrize(
    "here, wanted",
    [
        (
            {"torch": "2.9.0+cu126", "transformers": "5.1", "typst": "0.15.2"},
            {},
        ),  # Colab's own versions stay
        (
            {"torch": "2.9.0+cu126", "transformers": "4.57", "typst": ""},
            {"transformers": "5.23.0", "typst": "0.15.2"},
        ),
        ({"torch": "1.13", "transformers": "6.0", "typst": "0.9"}, {}),
    ],
)
def test_only_what_is_missing_or_too_old_is_installed(here, wanted):
    pinned = {"torch": "2.13.0", "transformers": "5.23.0", "typst": "0.15.2"}
    assert colab.to_install(pinned, here) == wanted


def test_every_pin_is_read():
    found = colab.pins(ROOT)
    assert found["torch"] and found["transformers"] and len(found) > 15
    assert len({"tensorflow", "tensorflow-cpu"} & set(found)) == 1 and not [
        v for v in found.values() if not v[0].isdigit()
    ]


def test_no_line_of_the_carried_project_looks_like_an_annotation():
    text = colab.in_signs(bytes(range(256)) * 9 + base64.b85decode(";<1>abcd%<2>#<3>"))
    assert not set(text) & set("#<") and {";", "%", ">"} <= set(text)


def test_versions_are_those_after_the_installation(tmp_path, monkeypatch):
    """What was missing before is not remembered as missing."""
    (tmp_path / "report").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["toy-package==1.5"]\n')

    def pip(*arguments):
        if "toy-package==1.5" in arguments:
            (tmp_path / "toy_package-1.5.dist-info").mkdir()
            metadata = "Metadata-Version: 2.1\nName: toy-package\nVersion: 1.5\n"
            (tmp_path / "toy_package-1.5.dist-info" / "METADATA").write_text(metadata)
        return subprocess.CompletedProcess(arguments, 0)

    monkeypatch.setattr(colab, "pip", pip)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.chdir(tmp_path)
    assert machine.versions("toy-package") == {"toy-package": ""}
    colab.prepare(str(tmp_path))
    assert machine.versions("toy-package") == {"toy-package": "1.5"}


@pytest.mark.slow
def test_the_whole_notebook_runs_from_top_to_bottom_in_a_clean_environment(notebook, tmp_path):
    """Only pip, ipykernel and a pretended `google.colab` are there; the first cell installs
    everything else.
    """
    from nbclient import NotebookClient

    venv.create(tmp_path / "venv", with_pip=True)
    clean = tmp_path / "venv" / "bin" / "python"
    subprocess.run([clean, "-m", "pip", "install", "--quiet", "ipykernel"], check=True)
    pretended = next((tmp_path / "venv").glob("lib/python*/site-packages")) / "google" / "colab"
    pretended.mkdir(parents=True)
    (pretended / "__init__.py").write_text("")
    specification = tmp_path / "kernels" / "clean"
    specification.mkdir(parents=True)
    (specification / "kernel.json").write_text(
        json.dumps(
            {
                "argv": [str(clean), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "display_name": "clean",
                "language": "python",
            }
        )
    )
    (tmp_path / "content").mkdir()
    before = dict(os.environ)
    try:
        for name in [n for n in os.environ if n.startswith(("PYTHON", "LMREPORT_"))]:
            del os.environ[name]
        os.environ |= {
            "JUPYTER_PATH": str(tmp_path),
            "HOME": str(tmp_path / "home"),
            "LMREPORT_SCALE": "quick",
        }
        NotebookClient(
            notebook,
            kernel_name="clean",
            timeout=1800,
            resources={"metadata": {"path": str(tmp_path / "content")}},
        ).execute()
    finally:
        os.environ.clear()
        os.environ |= before
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 60 and all(cell.execution_count for cell in code if cell.source.strip())
    assert not [out for cell in code for out in cell.outputs if out.output_type == "error"]
    assert "colab: installing " in "".join(out.get("text", "") for out in code[0].outputs)
