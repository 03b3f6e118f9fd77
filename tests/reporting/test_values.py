"""Values have names in prose; behind each name verify finds value, expression and runs."""

import numpy as np
import pytest

from lmreport.check.numbers import experiments
from lmreport.core import files
from lmreport.display import markdown, traced
from lmreport.reporting import values
from lmreport.runs import memo


@values.named
def of_growth(found):
    """Two values of an experiment."""
    return dict(
        last=markdown.num(found["time"][-1], 2),
        times=markdown.fixed(found["time"][-1] / found["time"][0], 1),
        word="x",
    )


@pytest.fixture
def found(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    kept = {"time": np.array([2.0, 5.0])}
    files.write_atomically(
        tmp_path / "experiments" / f"concepts.cost.measured-{'0' * 16}.npz", files.pack(kept)
    )
    return memo.Found(kept, "concepts.cost.measured", "0" * 16)


def test_a_named_number_carries_its_expression_and_its_experiment(found):
    said = of_growth(found).times.markdown
    assert "data-code=\"markdown.fixed(found['time'][-1] / found['time'][0], 1)\"" in said
    assert f'data-run="found=concepts.cost.measured-{"0" * 16}"' in said and said.startswith(
        "[2.5]{.computed"
    )


def test_verify_computes_it_again_from_what_is_kept(found):
    told = of_growth(found).times.origin
    assert experiments.recomputed(told["data-code"], told["data-run"]) == 2.5


def test_inline_code_that_names_it_does_not_hide_its_expression(found):
    value = of_growth(found).last
    traced.INLINE["data-code"] = "growth.last"
    try:
        assert "markdown.num(found" in value.markdown and "growth.last" not in value.markdown
    finally:
        traced.INLINE.clear()


def test_a_value_passed_on_keeps_its_own_expression(found):
    first = of_growth(found)

    @values.named
    def again(growth):
        return dict(mine=growth.last)

    assert again(first).mine.origin == first.last.origin


def test_a_name_that_is_not_there_is_refused_with_those_that_are_and_nothing_can_be_changed(found):
    growth = of_growth(found)
    with pytest.raises(AttributeError, match="no value 'lst', only last, times, word"):
        growth.lst  # noqa: B018
    with pytest.raises(AttributeError, match="values are fixed"):
        growth.last = "6"
