"""CONTRIBUTING's words hold: a metric, a baseline model, a check and a bench are made in a copy,
and a report shows them.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
METRIC = '''

@of_records
def error_share(record) -> float:
    """Share of the test texts that are classified wrongly."""
    return (record["logits"].argmax(-1) != record["labels"]).mean()
'''
SECOND_WAY = """

def error_share(run):
    return 1 - accuracy(run)


FUNCTIONS["error_share"] = error_share
"""
BASELINE = '''"""Always the largest class."""

import numpy as np


def make(splits, settings, source=None, folder=None) -> dict:
    counts = np.bincount(splits["train"]["labels"]).astype(np.float32)
    return {"logits": np.tile(counts, (len(splits["test"]), 1)), "labels": np.array(splits["test"]["labels"]),
            "train_seconds": 0.1, "train_texts": len(splits["train"]), "epochs": 1, "device": "cpu"}
'''
LINE = (
    '    Kind("majority", "model", "largest class", "models.majority:make", SKLEARN, '
    'color="black", pretrained=False),\n'
)
CHECK = '''"""Is the word “doubt” left in the text?"""

from lmreport.check.findings import LOOK, Finding

GROUP = "Doubt"


def findings(documents):
    if "doubt" in "".join(documents.page.itertext()):
        yield Finding(GROUP, LOOK, "there is doubt", "report/index.qmd", "be sure")
'''
BENCH = '''"""How long a sum takes."""

import time


def make(sizes, settings, corpus, source) -> dict:
    start = time.perf_counter()
    total = sum(range(sizes["numbers"]))
    return {"list": [{"total": total, "total_s": time.perf_counter() - start}]}
'''
BENCH_LINE = (
    '    bench("sums", "speed of sums", "sums", dict(numbers=1001), pretrained=False,'
    " probe=dict(numbers=11)),\n"
)
DOCUMENT = """---
title: A small report
---

```{python}
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.display import markdown, traced
from lmreport.reporting import metrics
from lmreport.runs import train

traced.name_inline_code()
settings = resolved(load(data="sample", scale="quick", train_size=32, test_size=32))
majority = train.run("majority", settings, download.obtain("sample"))
wrong = markdown.pct(metrics.error_share(majority))
```

No doubt: `{python} wrong` of the texts are not of the largest class.
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy in which the four are made as CONTRIBUTING says, and a small report rendered by
    it.
    """
    root = tmp_path_factory.mktemp("copy")
    code = root / "code" / "lmreport"
    shutil.copytree(ROOT / "code" / "lmreport", code, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        ROOT / "report", root / "report", ignore=shutil.ignore_patterns("runs", "*.qmd")
    )
    shutil.copy(ROOT / "_quarto.yml", root)
    [shutil.copy(path, root) for path in ROOT.glob("_quarto-*.yml")]
    with (code / "reporting" / "metrics.py").open("a") as file:
        file.write(METRIC)
    with (code / "check" / "numbers" / "metrics_again.py").open("a") as file:
        file.write(SECOND_WAY)
    (code / "models" / "majority.py").write_text(BASELINE)
    inserted(code / "runs" / "kinds.py", '    study("learning_curve"', LINE)
    (code / "experiments" / "bench" / "sums.py").write_text(BENCH)
    inserted(code / "runs" / "kinds.py", '    bench("train"', BENCH_LINE)
    (code / "check" / "doubt.py").write_text(CHECK)
    inserted(code / "check" / "__init__.py", '"execution", "pdf")', '"doubt", ')
    (root / "report" / "index.qmd").write_text(DOCUMENT)
    options = (root / "_quarto.yml").read_text()
    (root / "_quarto.yml").write_text(options.replace("    - report/supplement.qmd\n", ""))
    done = called(
        root,
        "-c",
        "from pathlib import Path; from lmreport.render import render; "
        "render(Path.cwd(), ('html',), {}, None, True)",
    )
    assert done.returncode == 0, done.stderr
    return root


def inserted(path, before, text):
    source = path.read_text()
    assert source.count(before) == 1, path
    path.write_text(source.replace(before, text + before))


def called(root, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=root,
        text=True,
        capture_output=True,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("LMREPORT_")},
            "PYTHONPATH": str(root / "code"),
            "LMREPORT_CACHE": str(root / "cache"),
            "HF_HUB_OFFLINE": "1",
            "LMREPORT_DATA": "sample",
        },
    )


def test_the_page_shows_the_metric_of_the_baseline(project):
    page = (project / "_report" / "report" / "index.html").read_text()
    assert 'data-expr="error_share(majority_' in page and "75.0" in page


def test_the_metric_is_computed_a_second_way(project):
    done = called(project, "-m", "lmreport", "verify")
    assert "no differences" in done.stdout, done.stdout + done.stderr


def test_the_baseline_is_known_by_name(project):
    listed = json.loads(called(project, "-m", "lmreport", "runs", "--json").stdout)
    assert [one["name"] for one in listed] == ["majority"] and listed[0]["test_accuracy"] == 0.25
    assert "majority" in called(project, "-m", "lmreport", "run", "--help").stdout


def test_the_check_finds_what_it_looks_for(project):
    found = called(project, "-m", "lmreport", "check", "--quick", "--json")
    assert "there is doubt" in found.stdout, found.stderr


def test_the_bench_measures_and_has_a_probe(project):
    done = called(project, "-m", "lmreport.bench", "sums")
    measured = json.loads((project / "_report" / "bench" / "sums.json").read_text())
    assert measured[0]["total"] == 500_500, done.stderr
    by_hand = called(project, "-m", "lmreport", "runs", "--probe", "bench_sums")
    assert len(json.loads(by_hand.stdout)["result"]) == 64, by_hand.stderr
