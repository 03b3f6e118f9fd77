"""The report from its .qmd sources without Quarto: HTML, PDF and executed notebook.

In order of the flow: project (options, read by strict_yaml) → source (includes, parts for a
profile, cells) → execute (notebook; watch notes what cells read) → document (Markdown, AST) →
crossref (numbers, links) → layout (callouts, code, tables, pictures) → html and pdf (through pandoc
and typst).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def render(
    root: Path,
    formats: tuple[str, ...] = ("html", "typst"),
    params: dict | None = None,
    profile: str | None = None,
    force: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> list[Path]:
    """Render every document of the project at `root` and return the files written, all or none.

    formats: "html", "typst" (PDF) or both; params: values for the cell tagged `parameters`;
    profile: a Quarto profile;
    force: render even where nothing changed; environment: of the process that runs the cells.
    Raises ReportError with file and line for what it does not know.
    """
    from lmreport.render.pipeline import render_project

    return render_project(
        Path(root), tuple(formats), dict(params or {}), profile, force, environment
    )
