"""Where each figure and table of an executed document comes from, as a table of another
document.
"""

from __future__ import annotations

from lmreport.core.settings import project_root
from lmreport.display import markdown
from lmreport.publish.export import contents
from lmreport.publish.export.contents import Item
from lmreport.publish.export.folder import made
from lmreport.render import early, project


def of_document(name: str) -> list[Item]:
    """The items of report/<name>.qmd as it was executed last, for this profile; none if it was not
    yet. Waits while its cells run.
    """
    items: list[Item] = []
    for doc in project.read(project_root(), ("html",), None):
        if doc.path.stem == name and (notebook := early.newest(doc)).is_file():
            items += contents.read(doc, notebook)
    return items


def sources(items: list):
    """What made each figure and table of an executed document, and which runs or experiments it
    shows.
    """
    root, rows = project_root(), []
    for item in items:
        shown = [made(name, root) for name in (*item.runs, *item.experiments)]
        days = sorted({one["date"][:10] for one in shown if "date" in one})
        rows.append(
            [
                f"[{item.number}]({item.page}#{item.anchor})",
                f"`{item.function or 'text'}`",
                ", ".join(f"`{one['name'][:-8].removeprefix('concepts.')}`" for one in shown)
                or "this render",
                " to ".join(dict.fromkeys(days[:: len(days) - 1 or 1])),
            ]
        )
    return markdown.table(
        rows or [["", "render report/index.qmd first", "", ""]],
        ["in the report", "made by", "runs and experiments", "date"],
        ("left",) * 4,
        raw=True,
    )
