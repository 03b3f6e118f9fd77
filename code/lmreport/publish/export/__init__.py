"""Every labelled figure and table of the finished report as files that can be taken elsewhere and
still say what they
are: `_report/figures/`.

In the order of the flow: contents (what the executed notebook shows) → metadata → pictures and
tables → folder.
"""

from __future__ import annotations

from pathlib import Path


def export(root: Path, profile: str | None = None, by: str = "") -> list[Path]:
    """Export what the executed notebooks of the project at `root` show; the paths of all files, the
    manifest first.

    by: whom the command of the render named as its author.
    Files whose content has not changed are kept; the folder is replaced as a whole, or not at all.
    Raises ReportError if there is no executed notebook.
    """
    from lmreport.publish.export.folder import export_project

    return export_project(Path(root), profile, by)
