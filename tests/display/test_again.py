"""A number's span tells when it was made and by which command it is made again."""

import html
import re

import pytest

from lmreport.core import machine
from lmreport.display import again, markdown, traced
from lmreport.reporting import metrics
from lmreport.reporting.values import named
from lmreport.runs import memo, records


@memo.remember
def measured(size: int) -> dict:
    return {"share": 0.25, "size": size}


def attributes(shown) -> dict[str, str]:
    return dict(re.findall(r'(data-[a-z]+)="([^"]*)"', html.unescape(str(shown.markdown))))


@pytest.fixture
def runs():
    return {r.name: r for r in records.all_records() if r.name in ("tfidf_svm", "lstm")}


def test_of_one_run_and_of_two(runs):
    told = attributes(markdown.pct(metrics.accuracy(runs["lstm"])))
    assert told["data-made"] == runs["lstm"].made["date"][:10]
    assert told["data-again"] == f"lmreport run lstm {again.options(runs['lstm'])}"
    both = runs["lstm"]["train_seconds"] - runs["tfidf_svm"]["train_seconds"]
    told = attributes(markdown.duration(both))
    dates = sorted(run.made["date"][:10] for run in runs.values())
    assert told["data-made"] == " to ".join(dict.fromkeys(dates))
    assert set(told["data-again"].split()) >= {"lstm", "tfidf_svm", "--force"}


def test_of_a_remembered_experiment(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    found = measured(3)
    with traced.made_from([found]):
        told = attributes(markdown.pct(found["share"]))
    assert told["data-run"] == f"{found.name}-{found.key}"
    assert told["data-made"] == machine.now()[:10]
    assert told["data-again"] == f"lmreport run {found.name} --force"


def test_of_a_number_that_the_render_computes_and_of_one_of_which_nothing_is_known():
    @named
    def values():
        return dict(share=markdown.pct(0.5), said=traced.fill("{} of all", markdown.count(3)))

    told = attributes(values().share)
    assert told["data-again"] == again.render() and told["data-made"] == machine.now()[:10]
    assert 'data-code="' in values().said and "values(…)" in values().said
    assert set(attributes(markdown.pct(0.5))) == {"data-value", "data-as"}
