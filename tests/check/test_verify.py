"""Numbers that lead back to what made them, and a second way to compute every one of them."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmreport.check.numbers import experiments, lint, pdf_text, reading, recompute, verify, writing
from lmreport.cli.main import main
from lmreport.core import files
from lmreport.core.errors import ReportError
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.display import markdown, traced
from lmreport.reporting import metrics
from lmreport.runs import records
from lmreport.runs.kinds import KINDS
from lmreport.runs.quantity import RUN, Quantity
from rendering import own
from rendering import project as small_project

CORPUS = download.Corpus("nowhere", "real", "a test", "0" * 64)
values = st.floats(1e-6, 1e8) | st.integers(0, 10**6) | st.floats(1e-6, 1)
WAYS = (
    markdown.pct,
    markdown.num,
    markdown.count,
    markdown.duration,
    lambda v: markdown.num(v, 2),
    lambda v: markdown.fixed(v, 3),
    lambda v: markdown.pct(v, 0),
)


@given(values, st.sampled_from(WAYS), st.randoms())
def test_what_is_shown_agrees_with_its_value_and_with_no_digit_changed(value, way, chance):
    text = way(value)
    assert writing.agrees(text, text.form, float(text.value))
    at = chance.choice([i for i, c in enumerate(text) if c in "0123456789"])
    changed = text[:at] + str((int(text[at]) + chance.randint(1, 9)) % 10) + text[at + 1 :]
    assert not writing.agrees(changed, text.form, float(text.value))


def make_record(name, seed, n=300, classes=4):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, n)
    logits = (
        generator.normal(size=(n, classes)).astype(np.float32)
        + 1.5 * np.eye(classes, dtype=np.float32)[labels]
    )
    asked = generator.dirichlet(np.ones(classes), 2)
    epochs = [float(share) for share in generator.choice([0.5, 0.6, 0.7], 5)]  # some of them equal
    history = (
        {"val_accuracy": epochs}
        if seed % 2
        else [
            h
            for at, share in enumerate(epochs, 1)
            for h in (
                {"loss": 1.0, "epoch": at - 0.5},
                {"eval_accuracy": share, "epoch": float(at)},
            )
        ]
    )
    given = records.inputs("tfidf_svm", resolved(load(scale="quick", seed=seed), "cpu"), CORPUS)
    given["settings"]["max_length"] = 128
    return records.write(
        given,
        {
            "logits": logits,
            "labels": labels,
            "stack_logits": logits + generator.normal(size=(n, classes)),
            "validation_logits": logits[::2],
            "validation_labels": labels[::2],
            "validation_right": generator.random((2, n)) < 0.8,
            "test_words": generator.integers(1, 500, n),
            "test_tokens": generator.integers(100, 129, n),
            "question_probabilities": asked,
            "train_seconds": 12.5,
            "epochs": 3,
            "history": history,
        },
        records.made_here(),
    )


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMREPORT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield [(make_record("a", 2 * i), make_record("b", 2 * i + 1)) for i in range(4)]


def every(a, b):
    """One quantity of each measure."""
    one = [
        metrics.texts,
        metrics.accuracy,
        metrics.validation_accuracy,
        metrics.lower,
        metrics.upper,
        metrics.macro_f1,
        metrics.balanced_accuracy,
        metrics.guessing,
        metrics.fewest,
        metrics.most_texts,
        metrics.ece,
        metrics.too_sure,
        metrics.wrong,
        metrics.cut_share,
        metrics.best_epoch,
    ]
    two = [metrics.only_first, metrics.only_second, metrics.p_value, metrics.outcome]
    yield from (f(r) for f in one for r in (a, b))
    yield from (f(x, y) for f in two for x, y in ((a, b), (b, a), (a, a)))
    yield from (
        metrics.score(a, kind, tag)
        for kind in ("precision", "recall", "f1", "support")
        for tag in range(4)
    )
    yield from (
        f(b, rank)
        for f in (metrics.confused, metrics.confused_true, metrics.confused_as)
        for rank in range(6)
    )
    yield from (
        metrics.error_between(a, low, high, b) for low, high in ((0, 50), (50, 400), (400, 1000))
    )
    yield from (
        f(*given, filled)
        for f, given in (
            (metrics.texts_reaching, (a,)),
            (metrics.error_reaching, (b, a)),
            (metrics.p_reaching, (a, b, a)),
        )
        for filled in (0, 1)
    )
    yield from (metrics.accuracy_of(a, name) for name in ("logits", "stack_logits"))
    yield from (metrics.p_of(a, name, b) for name in ("logits", "stack_logits"))
    yield from (metrics.chance_of(a, q, tag) for q in range(2) for tag in range(4))
    yield from (metrics.answer(b, q) for q in range(2))
    yield from (metrics.pilot_accuracy(a, pilot) for pilot in range(2))
    yield from (metrics.named(a), metrics.classes(a))


def test_every_measure_is_computed_again_another_way_with_the_same_result(pairs):
    names = {name for name, f in vars(metrics).items() if hasattr(f, "__wrapped__")}
    assert names <= set(recompute.FUNCTIONS), "a measure without its second way"
    for a, b in pairs:
        loaded = {r.symbol: recompute.load(r.path) for r in (a, b)}
        seen = set()
        for quantity in every(a, b):
            seen.add(quantity.expression.partition("(")[0])
            assert recompute.evaluated(quantity.expression, loaded) == pytest.approx(
                quantity, rel=1e-12, abs=1e-15
            ), quantity.expression
        assert seen == names


OPERATIONS = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: other - one,
    "*": lambda one, other: other * one,
    "/": lambda one, other: one / other,
    "n": lambda one, other: -one,
    "a": lambda one, other: abs(one),
}


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("+-*/nar"), st.floats(0.1, 100)), max_size=6),
    st.sampled_from(range(4)),
)
def test_arithmetic_writes_the_expression_along(pairs, steps, which):
    a, b = pairs[which]
    found = metrics.accuracy(a)
    for sign, other in steps:
        found = found - metrics.accuracy(b) if sign == "r" else OPERATIONS[sign](found, other)
    assert isinstance(found, Quantity) and f"tfidf_svm-{a.key}" in found.runs
    loaded = {r.symbol: recompute.load(r.path) for r in (a, b)}
    assert recompute.evaluated(found.expression, loaded) == pytest.approx(
        float(found), rel=1e-12, abs=1e-12
    )


def test_a_reference_in_a_caption_is_no_number_of_it(tmp_path):
    cell = '```{{python}}\n#| label: tbl-{}\n#| tbl-cap: "Of 12 runs{}."\nprint("|a|\\n|-|")\n```\n'
    cell = cell.replace("#| tbl-cap", "#| output: asis\n#| tbl-cap")
    text = (
        cell.format("2nd", "")
        + cell.format("other", ", as in @tbl-2nd and [6c](#tbl-2nd)")
        + "See @tbl-other.\n"
    )
    path = own(small_project(tmp_path, text), ("html",)) / "index.html"

    def wrong(page: str) -> list:
        path.write_text(page, encoding="utf-8")
        result = verify.Verification()
        found = verify.captions(reading.page(path), tmp_path, result)
        assert result.captions == 2
        return [label for label, _, _ in found]

    page = path.read_text("utf-8")
    assert "as in" in page and wrong(page) == []
    assert wrong(page.replace("Of 12 runs, as in", "Of 13 runs, as in")) == ["tbl-other"]


@pytest.mark.parametrize(
    "forged",
    [
        "__import__('os').getcwd()",
        "(1).__class__",
        "[1][0]",
        "accuracy.__globals__",
        "value(nobody_0123456789abcdef, 'x')",
        "open('x')",
        "lambda: 1",
        "10**9",
    ],
)
def test_a_forged_expression_computes_nothing(forged):
    with pytest.raises(ReportError):
        recompute.evaluated(forged, {})


@pytest.mark.parametrize(
    "altered",
    [
        "entry(RUN, 'nothing.0')",
        "entry(RUN, 'logits.9999')",
        "score(RUN, 'f2', 0)",
        "accuracy()",
        "score(RUN, 'f1', 'x')",
    ],
)
def test_an_altered_expression_is_a_difference_and_no_failure(pairs, altered):
    record = pairs[0][0]
    with pytest.raises(ReportError, match="cannot be computed again"):
        recompute.evaluated(
            altered.replace("RUN", record.symbol), {record.symbol: recompute.load(record.path)}
        )


def test_a_quotient_by_zero_is_no_number_and_so_another_than_is_shown(pairs):
    record = pairs[0][0]
    found = recompute.evaluated(
        f"(texts({record.symbol}) / 0)", {record.symbol: recompute.load(record.path)}
    )
    assert found != found and not writing.agrees("40", "count", found)


def test_altered_inline_code_is_a_difference_and_no_failure(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    key = "0123456789abcdef"
    files.write_atomically(
        tmp_path / "experiments" / f"concepts.masks.padding-{key}.npz", files.pack({"n": 7})
    )
    for code in (
        'markdown.pct(found["m"])',
        'markdown.pct(found["n"][0])',
        'markdown.pct(found["n"] / 0)',
    ):
        with pytest.raises(ReportError, match="cannot be computed again"):
            experiments.recomputed(code, f"found=concepts.masks.padding-{key}")


@pytest.mark.parametrize(
    "forged",
    [
        "markdown.pct(__import__('os').getcwd())",
        "markdown.pct(found.__class__)",
        "markdown.pct(",
        "markdown.pct(np.lib.format.open_memmap('x'))",
        "markdown.pct([x for x in found])",
    ],
)
def test_forged_inline_code_computes_nothing(forged):
    assert experiments.recomputed(forged, "") is None


def test_a_number_leads_back_to_its_record_and_its_inline_code(pairs):
    a, b = pairs[0]

    class Shell:
        user_ns = {"a": a, "metrics": metrics, "markdown": markdown}

        def user_expressions(self, expressions):
            return {k: eval(e, self.user_ns)._repr_markdown_() for k, e in expressions.items()}

    shell = Shell()
    traced.name_inline_code(shell)
    code = "markdown.pct(metrics.accuracy(a))"
    text = shell.user_expressions({"0": code})["0"]
    assert f'data-run="tfidf_svm-{a.key}"' in text and f'data-expr="accuracy({a.symbol})"' in text
    assert f'data-code="{code}"' in text and not traced.INLINE


def test_inline_code_that_reads_an_experiment_is_computed_again_from_the_cache(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    key = "0123456789abcdef"
    found = {"share": np.array([0.25, 0.5]), "n": 7}
    files.write_atomically(
        tmp_path / "experiments" / f"concepts.masks.padding-{key}.npz", files.pack(found)
    )
    run = f"found=concepts.masks.padding-{key}"
    assert experiments.recomputed('markdown.pct(found["share"][-1] / found["n"])', run) == 0.5 / 7
    assert experiments.recomputed('markdown.pct(np.mean(found["share"]))', run) == 0.375
    for code, which in (
        ("0.1, 'a', 'b'", 0),
        ("0.9, 'a', 'b'", 1),
        ("0.4, 'a', 'b', tolerance=0.2", 2),
    ):
        assert (
            experiments.recomputed(f"markdown.more_or_less(found['share'][1], {code})", run)
            == which
        )
    several = f"found[0]=concepts.masks.padding-{key}; found[1]=concepts.masks.padding-{key}"
    assert experiments.recomputed('markdown.num(found[1]["share"].max(), 2)', several) == 0.5
    assert experiments.recomputed('markdown.num(other["share"].max(), 2)', run) is None
    with pytest.raises(ReportError, match="not in this machine's cache"):
        experiments.recomputed(
            'markdown.pct(found["n"])', "found=concepts.masks.padding-" + "f" * 16
        )


def page_of(folder, *numbers):
    spans = "".join(f"<p>{n}</p>" for n in numbers)
    path = folder / "index.html"
    path.write_text(
        f"<html><body><main><section id='sec-x'>{spans}</section></main></body></html>",
        encoding="utf-8",
    )
    return path


def span(number, text=None, **attributes):
    told = (
        {"data-value": repr(float(number.value)), "data-as": number.form}
        | ({"data-expr": number.value.expression} if isinstance(number.value, Quantity) else {})
        | attributes
    )
    words = " ".join(f'{k}="{v}"' for k, v in told.items())
    return f'<span class="computed" {words}>{text or number}</span>'


@pytest.fixture
def project(tmp_path, monkeypatch, pairs):
    (tmp_path / "report").mkdir()
    (tmp_path / "_quarto.yml").write_text(
        "project: {type: default, output-dir: _report, render: [report/index.qmd]}\n"
        "format: {html: {}}\n"
    )
    (tmp_path / "report" / "index.qmd").write_text("---\ntitle: T\n---\n\nText.\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_true_page_passes_and_says_how_it_was_checked(project, pairs, capsys):
    a, b = pairs[1]
    path = page_of(
        project,
        span(markdown.pct(metrics.accuracy(a))),
        span(markdown.p_value(metrics.p_value(a, b))),
        span(markdown.more_or_less(metrics.accuracy(a), metrics.accuracy(b), "more", "less")),
        span(markdown.count(1234)),
    )
    assert main(["verify", str(path)]) == 0
    assert "3 numbers and comparisons recomputed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "forge, said",
    [
        (lambda a, b: span(markdown.pct(metrics.accuracy(a)), "99.9 %"), "its full value is"),
        (
            lambda a, b: span(markdown.pct(Quantity(0.999, metrics.accuracy(a).expression))),
            "recomputed",
        ),
        (
            lambda a, b: span(
                markdown.word(
                    Quantity(
                        1,
                        f"order({metrics.accuracy(a).expression}, "
                        f"{metrics.accuracy(b).expression}, 0.0)",
                    ),
                    "better",
                    "worse",
                    "same",
                )
            ),
            "recomputed better",
        ),
        (
            lambda a, b: span(markdown.pct(Quantity(0.5, "accuracy(lstm_0123456789abcdef)"))),
            "no record lstm_0123456789abcdef",
        ),
    ],
)
def test_a_false_number_is_found_with_its_place(project, pairs, capsys, forge, said):
    a, b = next(
        (x, y)
        for a, b in pairs
        for x, y in ((a, b), (b, a))
        if metrics.accuracy(x) > metrics.accuracy(y)
    )
    text = forge(a, b)
    assert main(["verify", str(page_of(project, text))]) == 1
    told = capsys.readouterr().out
    assert "sec-x" in told and said in told


def test_an_altered_record_is_found(project, pairs, capsys, monkeypatch, tmp_path):
    a, _ = pairs[2]
    path = page_of(project, span(markdown.duration(a["train_seconds"])))
    kept = a.path.read_text()
    try:
        a.path.write_text(kept.replace('"train_seconds": 12.5', '"train_seconds": 12.6'))
        assert json.loads(a.path.read_text())["values"]["train_seconds"] == 12.6
        recompute.LOADED.clear()
        assert main(["verify", str(path)]) == 1
    finally:
        a.path.write_text(kept)
        recompute.LOADED.clear()
    assert "12.5 s" in capsys.readouterr().out


def test_a_page_without_numbers_or_without_values_is_refused(project):
    with pytest.raises(ReportError, match="no computed number"):
        verify.verify(page_of(project, "<b>5</b>"))
    with pytest.raises(ReportError, match="lost its data-value"):
        verify.verify(page_of(project, "<span class='computed' data-as='count'>5</span>"))


def test_places_name_row_and_column(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(
        "<div id='tbl-x'><table><thead><tr><th>model</th><th>accuracy</th></tr></thead><tbody><tr><td>LSTM"
        "</td><td><span class='computed' data-value='0.5' data-as='pct:1'>50.0 "
        "%</span></td></tr></tbody>"
        "</table></div>"
    )
    assert [n.place for n in reading.numbers(reading.page(path))] == [
        "tbl-x, row “LSTM”, column “accuracy”"
    ]


def test_lint_finds_typed_results_with_their_lines(tmp_path, monkeypatch, capsys):
    assert main(["verify", "--lint"]) == 0
    (tmp_path / "_quarto.yml").write_text("")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "a.qmd").write_text(
        "---\ntitle: 90.1 %\n---\n\nIt reaches 90.1 % in 12 s, `5 %` and $7 %$ "
        "aside.\n\n```{python}\n#| fig-cap: Over "
        "8,000 texts.\nx = 0.871\n```\n"
    )
    (tmp_path / "report" / "allowed-numbers.yml").write_text('"12 s": an example\n')
    monkeypatch.chdir(tmp_path)
    assert main(["verify", "--lint"]) == 1
    told = capsys.readouterr().out
    assert (
        "a.qmd:5: “90.1 %”" in told
        and "a.qmd:8: “8,000”" in told
        and "12 s" not in told
        and "0.871" not in told
    )


def test_the_list_of_allowed_numbers_is_read_as_it_is_written(tmp_path):
    (tmp_path / "allowed-numbers.yml").write_text("0.90: an example\n95%: Why? So: no\n")
    with pytest.raises(ReportError, match="report/allowed-numbers.yml:2: .* in quotes"):
        lint.allowed(tmp_path)
    (tmp_path / "allowed-numbers.yml").write_text("0.90: an example\n")
    assert lint.allowed(tmp_path) == {"0.90": "an example"}


@pytest.mark.parametrize(
    "typed",
    [
        "reaches 90.1 % here",
        "in 12 s",
        "8,000 texts",
        "an F1 of 0.871",
        "1.5 times faster",
        "p = 0.04",
        "2 points better",
        "it takes 250 MB",
    ],
)
def test_the_lint_sees_what_looks_like_a_result(typed):
    assert lint.RESULT.search(typed)


@pytest.mark.parametrize(
    "typed",
    [
        *("**64.4** %", r"64.4\ %", "64.4&nbsp;%", "64.4\u202f%", "$64.4$ %", r"$64.4\%$"),
        *(r"$64.4\,\%$", r"64.4\%", "*64.4* per cent", "64.4 percent"),
    ],
)
def test_no_mark_between_a_number_and_its_unit_hides_a_result(typed, tmp_path):
    path = tmp_path / "index.qmd"
    path.write_text(
        f'It gets {typed} right, ${{n = 64.4}}$.\n\n```{{python}}\n#| fig-cap: "{typed}"\n```\n'
    )
    assert [line for line, _ in lint.typed(path)] == [1, 4]


def test_a_number_of_each_kind_of_run_is_traced_to_its_record():
    for name in KINDS:
        assert RUN.findall(f"value({name}_{'0' * 16}, 'x') / 2") == [(name, "0" * 16)]


def test_a_letter_that_stands_as_its_number_in_the_pdf_is_the_same_letter():
    said = pdf_text.squeezed("gestern 🥳 im Kino, Seite 9")
    for mark in ("⟨U+1F973⟩", "⟨U+1F9\n73⟩"):
        assert pdf_text.squeezed(f"gestern {mark} im Kino, Seite 9") == said


TYPED = """---
title: A test
abstract: |
  The best gets
  61.1 % of them.
---

The best gets 61.2
% of them, `60.1 %` in code.

```{python}
#| label: fig-a
#| fig-cap: |
#|   One paragraph.
#|
#|   The LSTM reaches 61.3 %.
#| fig-subcap:
#|   - "61.4 %"
#| code-fold: 60.2 %
# | fig-alt: "After
# |   12 minutes."
x = "60.3 %"
```
"""


def test_the_lint_reads_captions_over_lines_and_the_title_block(tmp_path):
    path = tmp_path / "index.qmd"
    path.write_text(TYPED)
    assert lint.typed(path) == [
        (5, "61.1 %"),
        (8, "61.2 %"),
        (16, "61.3 %"),
        (18, "61.4 %"),
        (21, "12 minutes"),
    ]
