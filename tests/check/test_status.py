"""`lmreport status` and `lmreport runs`: what is fresh, stale or missing and why, without changing
anything.
"""

import copy
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lmreport.check import status
from lmreport.cli import main
from lmreport.cli import options as options_of_cli
from lmreport.core import machine
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.models import pretrained as pretrained_models
from lmreport.render import project, source, up_to_date
from lmreport.reporting import notices
from lmreport.runs import freshness, records
from lmreport.runs.kinds import BENCHES, MODELS, STUDIES

ROOT = Path(__file__).resolve().parents[2]
GIVEN = dict(data="sample", scale="quick")
MODEL = {
    "logits": np.eye(4, dtype=np.float32),
    "labels": np.array([0, 1, 2, 0]),
    "train_seconds": 1.5,
    "train_texts": 30,
    "epochs": 1,
    "device": "cpu",
}
STUDY = {
    "predicted": np.zeros((2, 4), np.int8),
    "labels": np.zeros(4, np.int8),
    "seconds": 2.5,
    "device": "cpu",
}


@pytest.fixture
def root(monkeypatch, tmp_path):
    """A copy of the project's documents without records, an empty cache, and no settings from
    outside.
    """
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "report", folder / "report", ignore=shutil.ignore_patterns("runs"))
    [shutil.copy(p, folder) for p in ROOT.glob("_quarto*.yml")]
    for name in [n for n in os.environ if n.startswith("LMREPORT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(folder)
    return folder


def record(name, scale="quick", **changes):
    """A record that is fresh under GIVEN, or under the settings that are changed."""
    settings = resolved(load(**GIVEN | {"scale": scale} | changes), "cpu")
    corpus, pretrained = download.at_hand("sample"), pretrained_models.at_hand(settings.model)
    if scale == "full":
        corpus = download.Corpus("nowhere", "real", "a test", next(iter(download.KNOWN)))
    given = records.inputs(name, settings, corpus, pretrained)
    return records.write(given, STUDY if name in STUDIES else MODEL, records.made_here())


def bench(name):
    """A record of a measurement of speed that is fresh."""
    settings = resolved(load(**GIVEN | {"scale": "full"}), "cpu")
    given = records.inputs(
        name,
        settings,
        download.at_hand("sample"),
        pretrained_models.at_hand(settings.model),
        {},
        device="cpu",
    )
    return records.write(given, STUDY, records.made_here())


def lines(capsys, part, **given):
    """The exit status and {name: (state, reasons)} of one part of the output."""
    done = status.report(GIVEN | given)
    found, current, name = {}, "", ""
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("  ") and not line.startswith("   "):
            name = line.split()[0]
            state = "not needed" if "not needed" in line else line.split()[1]
            found.setdefault(current, {})[name] = state, [line.split(state, 1)[1].strip()]
        elif line.startswith("    ") and current in found:
            found[current][name][1].append(line.strip())
        elif line:
            current = line.split(" (")[0].split(",")[0]
    return done, found[part]


def everything(*folders):
    return {
        str(p): (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"")
        for folder in folders
        for p in sorted(folder.rglob("*"))
        if "__pycache__" not in p.parts
    }


@pytest.mark.parametrize(
    "part, change, said",
    [
        (
            "data",
            lambda d: d.update(digest="1" * 64, name="another"),
            "data digest differs (sample {} → another 11111111)",
        ),
        ("settings", lambda s: s.update(seed=158), "seed 157 → 158"),
        ("versions", lambda v: v.update({"scikit-learn": "99.0"}), "scikit-learn {} → 99.0"),
        ("versions", lambda v: v.update({"scikit-learn": ""}), "scikit-learn {} → not installed"),
    ],
)
def test_each_difference_is_named(root, part, change, said):
    made = record("tfidf_svm")
    now = copy.deepcopy(made.inputs)
    change(now[part])
    then = {"data": made.inputs["data"]["digest"][:8]}.get(
        part, made.inputs["versions"]["scikit-learn"]
    )
    assert freshness.reasons(made, now) == [said.format(then)]


def test_a_study_of_another_fine_tuned_model_says_so(root):
    made = record("ablation")
    now = made.inputs | {"tuned": "f" * 16, "model": made.inputs["model"] | {"digest": "e" * 64}}
    found = freshness.reasons(made, now)
    assert (
        found[0].startswith("weights of the model differ")
        and found[1].endswith("→ ffffffff)")
        and len(found) == 2
    )


def test_a_stack_on_other_runs_than_those_shown_says_so(root):
    lstm, ladder = record("lstm", "full"), record("tfidf_svm", "full")
    stack = dataclasses.replace(
        ladder,
        inputs=ladder.inputs
        | {
            "tuned": "a" * 16,
            "members": {"lstm": "b" * 16, "tfidf_svm": ladder.key, "transformer": "a" * 16},
        },
    )
    assert freshness.of_another(stack, {"lstm": lstm, "tfidf_svm": ladder}) == [
        f"it stands on another run of lstm (record bbbbbbbb → {lstm.key[:8]})"
    ]
    assert freshness.of_another(stack, {"tfidf_svm": ladder}) == []
    assert freshness.reasons(
        stack, stack.inputs | {"members": stack.inputs["members"] | {"lstm": "c" * 16}}
    ) == ["it stands on another run of lstm (record bbbbbbbb → cccccccc)"]


def test_what_is_missing_fresh_stale_and_not_needed_is_told(root, capsys):
    for name in ("bag_of_words", "tfidf_svm", "transformer"):
        record(name)
    record("ablation", "full")
    record("lstm", lstm_epochs=3)
    done, found = lines(capsys, "at these settings")
    assert done == 1 and found["bag_of_words"][0] == found["transformer"][0] == "fresh"
    assert found["lstm"] == ("stale", ["lstm_epochs 3 → 8"])
    assert found["learning_curve"] == (
        "missing",
        ["make it with: lmreport run learning_curve --scale quick --data sample"],
    )
    assert found["ablation"][0] == "not needed"
    _, full = lines(capsys, "recorded at full scale")
    assert full["ablation"][0] == "fresh" and full["lstm"] == (
        "missing",
        ["make it with: lmreport run lstm --scale full"],
    )
    assert full["bench_recipes"] == (
        "not needed",
        ["on a GPU, python -m lmreport.bench recipes --record makes it"],
    )
    assert full["bench_predict"] == (
        "missing",
        ["make it with: python -m lmreport.bench predict --record"],
    )


def test_all_fresh_is_status_zero_and_a_damaged_record_is_not(root, capsys):
    for name in MODELS:
        record(name)
    full = [record(name, "full") for name in (*MODELS, *STUDIES)] + [bench(n) for n in BENCHES]
    outputs = root / "_report" / "report"
    outputs.mkdir(parents=True)
    for name in (
        f"{stem}.{ending}"
        for stem in ("index", "supplement")
        for ending in ("html", "pdf", "ipynb")
    ):
        (outputs / name).write_text("made by another renderer")
    done, found = lines(capsys, "outputs")
    assert done == 0 and {state for state, _ in found.values()} == {"fresh"}
    full[0].path.write_text(full[0].path.read_text().replace("1.5", "0.5"))
    done, found = lines(capsys, "recorded at full scale")
    assert done == 1 and found["bag_of_words"][0] in ("damaged", "missing")


def test_a_measurement_by_other_code_is_stale(root, capsys, monkeypatch):
    [bench(name) for name in BENCHES]
    code = records.code_of
    monkeypatch.setattr(
        records,
        "code_of",
        lambda name: (
            code(name)
            if name != "bench_train"
            else {
                "fingerprint": "f" * 16,
                "parts": code(name)["parts"] | {"models.fast_finetune.arguments": "other"},
            }
        ),
    )
    _, found = lines(capsys, "recorded at full scale")
    assert [n for n in BENCHES if found[n][0] == "stale"] == ["bench_train"]
    assert found["bench_train"][1][0].startswith("models/fast_finetune.py changed")


def test_outputs_are_stale_when_a_source_changes_and_the_source_is_named(root, capsys):
    document = project.read(root, ("html",), None)[0]
    paths = [document.output.with_suffix(s) for s in (".html", ".ipynb")]
    document.output.parent.mkdir(parents=True)
    for path in paths:
        path.write_text("a page")
    before = {k: os.environ.get(f"LMREPORT_{k}") for k in ("DATA", "SCALE")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMREPORT_DATA", "sample")
        patch.setenv("LMREPORT_SCALE", "quick")
        up_to_date.remember(
            document, up_to_date.made_from(document, source.read(document), ["html"], {}), paths
        )
    _, found = lines(capsys, "outputs")
    assert found["index.html"][0] == "fresh" and found["index.pdf"][0] == "missing"
    assert before == {k: os.environ.get(f"LMREPORT_{k}") for k in before}, "looking set variables"
    (root / "report" / "_1-data.qmd").write_text("Another text.\n")
    done, found = lines(capsys, "outputs", seed="7")
    assert done == 1 and found["index.html"] == (
        "stale",
        ["report/_1-data.qmd changed", "seed 157 → 7"],
    )
    kept = up_to_date.kept_for(document)["index.html"].made_from
    newer = kept | {"libraries": [[n, "99" if n == "numpy" else v] for n, v in kept["libraries"]]}
    assert [line.endswith("→ 99") for line in up_to_date.changes(kept, newer)] == [True]
    paths[0].write_text("edited by hand")
    os.utime(root / "report" / "_2-vectorize.qmd", (4e9, 4e9))
    _, found = lines(capsys, "outputs")
    assert found["index.html"][0] == "altered" and found["index.html"][1][0].startswith(
        "it is not what the render wrote"
    )
    assert found["index.ipynb"][0] == "stale"
    (document.output.parent / up_to_date.KEPT_AT).unlink()
    assert lines(capsys, "outputs")[1]["index.html"] == (
        "stale",
        ["report/_2-vectorize.qmd is newer"],
    )


def test_data_and_model_of_the_last_report_hold_until_others_are_named(
    root, capsys, monkeypatch, tmp_path
):
    document = project.read(root, ("html",), None)[0]
    document.output.parent.mkdir(parents=True)
    page = document.output.with_suffix(".html")
    page.write_text("a page")
    corpus = shutil.copytree(download.obtain("sample").folder, tmp_path / "my data")
    for folder in corpus.glob("t*/*"):
        folder.rename(folder.with_name(f"of {folder.name}"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMREPORT_DATA", str(corpus))
        patch.setenv("LMREPORT_MODEL", pretrained_models.MINILM)
        up_to_date.remember(
            document, up_to_date.made_from(document, source.read(document), ["html"], {}), [page]
        )

    def said(**given):
        status.report(given)
        return capsys.readouterr().out

    options = f"--data '{corpus}' --model {pretrained_models.MINILM}"
    told = said()
    assert "data my data (" in told and "data and model as in the last report" in told
    assert f"make it with: lmreport run lstm {options}\n" in told
    assert f"make it with: lmreport run lstm --scale full {options}\n" in told
    assert f"make it with: lmreport render {options}\n" in told
    for typed, followed in (([], str(corpus)), (["--data", "sample"], "sample")):
        arguments = options_of_cli.parser().parse_args(["run", "lstm", *typed])
        main.follow_last_report(arguments)
        assert (arguments.data, arguments.model) == (followed, pretrained_models.MINILM)
    told = said(data="sample", scale="quick")
    assert "data sample (" in told and "model as in the last report" in told
    assert (
        f"lmreport run lstm --scale quick --data sample --model {pretrained_models.MINILM}\n"
        in told
    )
    assert f"lmreport run lstm --scale full --model {pretrained_models.MINILM}\n" in told
    monkeypatch.setenv("LMREPORT_MODEL", "distilbert-base-uncased")
    monkeypatch.setenv("LMREPORT_DATA", "sample")
    told = said()
    assert "last report" not in told and "make it with: lmreport run lstm --data sample\n" in told


def test_a_study_is_made_with_one_of_several_models(root, capsys, monkeypatch):
    monkeypatch.setenv("LMREPORT_DATA", "sample")
    monkeypatch.setenv("LMREPORT_MODEL", f"{pretrained_models.MINILM},other")
    status.report({})
    told = capsys.readouterr().out
    for scale in ("", " --scale full"):
        data = " --data sample" * (not scale)
        made = f"make it with: lmreport run {{}}{scale}{data} --model {pretrained_models.MINILM}"
        assert f"{made.format('ablation')}\n" in told
        assert f"{made.format('transformer')},other\n" in told


def test_outputs_of_two_renders_and_who_was_named_are_told_apart(root, capsys, monkeypatch):
    document = project.read(root, ("html",), None)[0]
    document.output.parent.mkdir(parents=True)
    page, sheet = document.output.with_suffix(".html"), document.output.with_suffix(".pdf")

    def rendered(path, **environment):
        path.write_text(str(environment))
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"DATA": "sample", "SCALE": "quick", **environment}.items():
                patch.setenv(f"LMREPORT_{name}", value)
            up_to_date.remember(
                document,
                up_to_date.made_from(document, source.read(document), ["html"], {}),
                [path],
            )

    rendered(page, NAME="Ann")
    rendered(sheet, NAME="Ann")
    _, found = lines(capsys, "outputs")
    assert found["index.html"][0] == found["index.pdf"][0] == "fresh"  # though nobody is named now
    monkeypatch.setenv("LMREPORT_NAME", "Bob")
    assert lines(capsys, "outputs")[1]["index.html"] == ("stale", ["identity changed"])
    monkeypatch.delenv("LMREPORT_NAME")
    rendered(page)
    _, found = lines(capsys, "outputs")
    assert found["index.html"][0] == "fresh"
    assert found["index.pdf"] == (
        "stale",
        ["made by another render than index.html: identity changed"],
    )
    sheet.write_text("")
    assert lines(capsys, "outputs")[1]["index.pdf"][0] == "missing"


@pytest.mark.parametrize("date, state", [("today", "fresh"), ("last-modified", "stale")])
def test_a_report_that_was_rendered_yesterday_can_be_handed_in_today(root, capsys, date, state):
    main = root / "report" / "index.qmd"
    main.write_text(main.read_text("utf-8").replace("date: today", f"date: {date}"), "utf-8")
    document = project.read(root, ("html",), None)[0]
    page = document.output.with_suffix(".html")
    page.parent.mkdir(parents=True)
    page.write_text("a page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMREPORT_DATA", "sample")
        patch.setenv("LMREPORT_SCALE", "quick")
        made = up_to_date.made_from(document, source.read(document), ["html"], {})
    yesterday = [["1 March 2026", "2026-03-01"] for _ in made["dates"]]
    up_to_date.remember(document, made | {"dates": yesterday}, [page])
    assert lines(capsys, "outputs")[1]["index.html"][0] == state


def test_looking_changes_nothing_and_loads_nothing_heavy(root, tmp_path):
    record("lstm")
    before = everything(tmp_path)
    code = (
        "import sys; from lmreport.cli.main import main; main(['status', '--data', 'sample']); "
        "main(['runs', '--json']);sys.exit(len({'torch', 'tensorflow', 'transformers', 'keras', "
        "'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr + done.stdout
    assert everything(tmp_path) == before


def test_all_runs_as_json(root, capsys):
    record("tfidf_svm")
    record("heads_removed", "full")
    assert status.listing(as_json=True) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    svm = rows["tfidf_svm"]
    assert {
        "name",
        "model",
        "data_digest",
        "scale",
        "device",
        "date",
        "commit",
        "seconds",
        "test_accuracy",
        "arrays",
    } <= set(svm)
    assert svm["test_accuracy"] == 0.75 and svm["seconds"] == 1.5 and svm["scale"] == "quick"
    arrays = np.load(svm["arrays"])
    assert arrays["logits"].shape == (4, 4) and arrays["labels"].tolist() == [0, 1, 2, 0]
    assert (
        rows["heads_removed"]["test_accuracy"] is None and rows["heads_removed"]["scale"] == "full"
    )


def test_a_stale_recorded_result_gets_a_callout(root, monkeypatch):
    record("tfidf_svm", "full")
    corpus = download.at_hand("sample")
    assert notices.stale(records.newest(corpus)) == []
    monkeypatch.setattr(machine, "versions", lambda *names: dict.fromkeys(names, "99"))
    (callout,) = notices.stale(records.newest(corpus))
    assert (
        "callout-warning" in callout
        and "→ 99" in callout
        and "lmreport run tfidf_svm --scale full" in callout
    )
