"""Figures are drawn once for what they show, and figures and tables tell where they come from."""

import dataclasses
import shutil

import numpy as np
import pytest

from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.display import figure as kept_figure
from lmreport.display import markdown, origin, style, traced
from lmreport.reporting import figures
from lmreport.runs import memo, records
from lmreport.runs.fingerprint import Code

CORPUS = download.Corpus("nowhere", "real", "a test", "0" * 64)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))


def record(seed=157):
    given = records.inputs("tfidf_svm", resolved(load(scale="quick", seed=seed), "cpu"), CORPUS)
    generator = np.random.default_rng(seed)
    return records.write(
        given,
        {
            "logits": generator.normal(size=(40, 4)),
            "labels": np.arange(40) % 4,
            "train_seconds": 1.0,
        },
        records.made_here(),
    )


def line(ax_height, values, color="red"):
    figure, axes = style.figure(height=ax_height)
    axes.plot(values, color=color)
    return figure


def test_a_figure_is_drawn_once_for_the_same_contents(monkeypatch):
    drawings = []
    monkeypatch.setattr(kept_figure, "picture", lambda figure: drawings.append(1) or b"<svg/>")
    values = np.arange(5)
    for arguments in (
        (2, values),
        (2, values.copy()),
        (2, list(range(5))),
        (3, values),
        (2, values, "blue"),
    ):
        kept_figure.CachedFigure(line, arguments, {}).svg  # noqa: B018
    assert len(drawings) == 4  # the second is the first's; a list is no array


def changed(monkeypatch, folder, module, old, new):
    """Figures are drawn by a copy of the package in which one module is another."""
    shutil.copytree(
        records.CODE.root, folder, ignore=shutil.ignore_patterns("__pycache__", "sample")
    )
    path = folder / f"{module.replace('.', '/')}.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1) if old else path.read_text())
    monkeypatch.setattr(kept_figure, "CODE", Code(folder, kept_figure.CODE.ground))


def test_another_record_another_style_another_code_is_drawn_anew(monkeypatch, tmp_path):
    one = record()

    def path(shown=one):
        return figures.plot_calibration({"tfidf_svm": shown}).path

    first = path()
    assert path() == first == path(records.read(one.path)) and path(record(seed=1)) != first
    text = one.path.read_text()
    one.path.write_text(text + " ")
    assert path() != first
    one.path.write_text(text)
    for module, old, new in (
        ("display.style", '"font.size": 8.5', '"font.size": 9'),
        ("reporting.figures", ">= 20", ">= 30"),
        ("models.scores", "def calibration(", "def calibration(more=1, *, "),
    ):
        changed(monkeypatch, tmp_path / module, module, old, new)
        assert path() != first, module
    changed(monkeypatch, tmp_path / "none", "reporting.figures", "", "")
    assert path() == first


def test_a_figure_with_names_beside_its_points_follows_the_code_that_places_them(
    monkeypatch, tmp_path
):
    shown = {"tfidf_svm": record()}

    def path():
        return figures.plot_results(shown, [], list("abcd")).path

    first = path()
    changed(monkeypatch, tmp_path / "labels", "display.labels", '"fontsize": 7.5', '"fontsize": 8')
    assert path() != first


def test_what_has_no_digest_is_drawn_each_time():
    assert kept_figure.CachedFigure(line, (2, object()), {}).path is None


def test_a_kept_picture_is_the_drawn_one_and_the_same_each_time():
    one = record()
    shown = figures.plot_confusion({"tfidf_svm": one}, list("abcd"))
    first = shown.svg
    assert first.startswith(b"<?xml") and b"<svg" in first and shown.path.read_bytes() == first
    shown.path.unlink()
    assert figures.plot_confusion({"tfidf_svm": one}, list("abcd")).svg == first


def test_the_line_names_run_date_hardware_commit_function_and_command():
    one = record()
    kept_figure.SHOWN.append(figures.plot_calibration({"tfidf_svm": one}))
    said = kept_figure.origin_line._repr_markdown_()
    plain = said.replace("&#95;", "_")
    assert f"Run tfidf_svm-{one.key[:8]}" in plain
    for part in (
        one.made["date"][:10],
        one.made["commit"][:8],
        f"{one.made['hardware']['cores']} cores",
        "drawn by `figures.plot_calibration`",
        "`lmreport run tfidf_svm --scale quick --data … --force`",
        "{.origin",
    ):
        assert part in plain, part
    assert "stale" not in said


def test_a_stale_run_is_marked_in_the_line():
    one = record()
    one = dataclasses.replace(one, code={"fingerprint": "f" * 16, "parts": {}})
    assert "**stale**" in origin.line("figures.plot_calibration", [one])


def test_an_experiment_is_named_with_its_command_and_can_be_made_again():
    from lmreport.experiments.concepts import heads

    found = heads.head_times(heads=(1, 2), n=8, d=8, repeats=1)
    assert isinstance(found, memo.Found) and found.made["date"][:2] == "20" and "made" not in found
    shown = markdown.table([[markdown.num(found["shared"][0])]], ["s"], of=found)
    assert f'data-run="concepts.heads.head_times-{found.key}"' in shown.data
    assert "`lmreport run concepts.heads.head_times --force`" in shown.data
    assert shown.metadata["lmreport"]["experiments"] == [f"concepts.heads.head_times-{found.key}"]
    assert memo.again("concepts.heads.head_times") == 1
    again = heads.head_times(heads=(1, 2), n=8, d=8, repeats=1)
    assert (
        again.key == found.key and again["shared"].tolist() != found["shared"].tolist()
    )  # measured anew


def test_sources_are_found_in_nested_arguments():
    one, two = record(1), record(2)
    found = memo.Found({"x": 1}, "concepts.masks.fills", "0" * 16)
    assert traced.sources([{"a": one}, [(two, found)], "text", np.ones(3)]) == ([one, two], [found])
    assert origin.facts("f", [found])["lmreport"]["experiments"] == [
        f"concepts.masks.fills-{'0' * 16}"
    ]
