"""The whole report from both renderers: the same numbers, captions, references, cells, sources and
alternatives.
"""

from __future__ import annotations

import shutil

import pytest

from lmreport.check.numbers import verify
from lmreport.render import project, source
from rendering import ROOT, Page, own, pdf_text, quarto, squeezed


def test_report_is_understood():
    """Every option, label, include and shortcode of the report is known to our renderer."""
    for document in project.read(ROOT, ("html", "typst"), None):
        assert len(source.read(document)) > 50


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("quarto"), reason="no quarto on PATH to compare with")
def test_report_is_quartos(tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_DATA", "sample")
    monkeypatch.setenv("LMREPORT_SCALE", "quick")
    results = []
    for renderer in (own, quarto):
        folder = tmp_path / renderer.__name__
        shutil.copytree(ROOT / "report", folder / "report")
        [shutil.copy(p, folder) for p in ROOT.glob("_quarto*.yml")]
        results.append(renderer(folder))
    ours, theirs = (Page(folder / "index.html").facts() for folder in results)
    assert ours == theirs
    for folder in results:
        found = verify.verify(folder / "index.html", folder.parents[1])
        assert found.differences == [] and found.recorded > 150 and found.compared_with_pdf
    for words in (pdf_text(folder / "index.pdf") for folder in results):
        assert [c for c in ours["headings"] + ours["captions"] if squeezed(c) not in words] == []
