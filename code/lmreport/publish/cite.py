"""How to cite the report, one of its figures or one of its tables: a sentence, BibTeX, CSL-JSON,
and the files.
"""

from __future__ import annotations

import datetime
import difflib
import json
from pathlib import Path

from lmreport.core import machine
from lmreport.core.errors import ReportError
from lmreport.core.settings import project_root
from lmreport.display import markdown
from lmreport.publish.citation_metadata import Work, commit_in_words, day, own
from lmreport.publish.export import folder

KINDS = {"fig": "figure", "tbl": "dataset"}  # in the words of CSL
UNNAMED = 'Author not named (write name = "…" into lmreport.toml)'


def exported(root: Path, label: str) -> tuple[dict, dict, Path]:
    """(manifest, entry, folder) of an exported figure or table; the entry is {} for the whole
    report, label "".

    Raises ReportError if nothing was exported yet, or for an unknown label, naming those like it.
    """
    target = folder.place_of(root)
    manifest = folder.read_manifest(target)
    if not manifest:
        raise ReportError(
            f"cite: there is no {target.relative_to(root)}/{folder.MANIFEST}; run lmreport render, "
            "or lmreport export after a render by Quarto"
        )
    entries = {item["label"]: item for item in manifest["items"]}
    if label and label not in entries:
        near = difflib.get_close_matches(label, entries, n=3, cutoff=0.5)
        raise ReportError(
            f"cite: no figure or table has the label {label!r}; "
            + (f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(entries)}")
        )
    return manifest, entries.get(label, {}), target


def sentence(work: Work, item: dict, date: str, commit: str, text=str) -> str:
    """A ready sentence for the report (`item` is {}) or for one entry of the manifest.

    text: what foreign words pass through; the item's number does not, so that it may be a
    cross-reference.
    """
    when = datetime.date.fromisoformat(date)
    version = f"version {work.version} ({f'{commit_in_words(commit)}, ' if commit else ''}{when.day} {when:%B %Y})"
    parts = [text(f"{', '.join(work.authors) or UNNAMED} ({when.year})") + ":"]
    if item:
        parts += [f"{item['number']},", text(f"“{item['caption'].rstrip('.')}”.") + " In:"]
    parts.append(
        text(f"{work.title}, {version}" + (f", {place(work, item)}" if item or work.url else ""))
        + "."
    )
    if work.data:
        parts.append(text(f"Data: {work.data}") + ".")
    if item.get("runs"):
        parts.append(text(f"From {', '.join(run['name'] for run in item['runs'])}") + ".")
    return " ".join(parts + [text(f"Licence: {work.licence}") + "."] * bool(work.licence))


def place(work: Work, item: dict) -> str:
    """Where the work, or the item in it, is found: an address if the project has one, else the
    page's anchor.
    """
    return (
        f"{work.url}#{item['anchor'].partition('#')[2]}"
        if work.url and item
        else work.url or item.get("anchor", "")
    )


def csl(work: Work, item: dict, date: str, commit: str) -> dict:
    """The same as an entry of CSL-JSON."""
    entry = {
        "id": work.key,
        "type": "software",
        **({"author": list(work.people)} if work.people else {}),
        "title": work.title,
        "version": work.version,
        "issued": {"date-parts": [[int(n) for n in date.split("-")]]},
    }
    notes = [commit_in_words(commit)] if commit else []
    if item:
        entry |= {
            "id": f"{work.key}-{item['label']}",
            "type": KINDS[item["label"].split("-")[0]],
            "title": item["caption"].rstrip("."),
            "container-title": work.title,
        }
        notes = [
            f"anchor {item['anchor']}",
            *notes,
            *(f"run {run['name']}" for run in item.get("runs", ())),
        ]
    if work.url:
        entry["URL"] = place(work, item)
    notes += [f"data {work.data}"] * bool(work.data) + [f"licence {work.licence}"] * bool(
        work.licence
    )
    return entry | ({"license": work.licence} if work.licence else {}) | {"note": "; ".join(notes)}


def bibtex(entry: dict) -> str:
    """An entry of CSL-JSON as BibTeX, written by pandoc, for pdfLaTeX too; what BibTeX has no field
    for goes into the note.
    """
    from lmreport.publish.export import latex_cleanup
    from lmreport.render import pandoc_ast

    inside, version = entry.get("container-title"), entry["version"]
    first = f"in “{inside}”, version {version}" if inside else f"version {version}"
    kept = f'<span class="nocase">{entry["title"]}</span>'  # with its own capitals
    entry = entry | {"title": kept, "note": "; ".join(filter(None, [first, entry["note"]]))}
    written = pandoc_ast.pandoc(
        json.dumps([entry]), "-f", "csljson", "-t", "bibtex", "--wrap=none"
    )[0].strip()
    return "".join(
        (line if line.lstrip().startswith("url = ") else latex_cleanup.compiled(line)) + "\n"
        for line in written.split("\n")
    )


def citation(root: Path, label: str, form: str = "") -> str:
    """What `lmreport cite` prints; form: "json" or "bibtex" for that alone."""
    manifest, item, target = exported(root, label)
    about = own(root, manifest.get("rendered", {}))
    entry = csl(about, item, manifest["date"], manifest["commit"])
    as_json = json.dumps([entry], indent=1, ensure_ascii=False) + "\n"
    if form:
        return as_json if form == "json" else bibtex(entry)
    files = [
        str(path.relative_to(root))
        + ("" if path.is_file() else " (gone; lmreport export makes it again)")
        for path in (target / f["name"] for f in item.get("files", ()))
    ] or [str((target / folder.MANIFEST).relative_to(root))]
    return "\n".join(
        [
            sentence(about, item, manifest["date"], manifest["commit"]),
            "",
            bibtex(entry),
            as_json,
            *files,
            "",
        ]
    )


def shown(label: str = "", records: tuple = ()):
    """Sentence and BibTeX as Markdown, for the report itself: of the whole, or of the figure or
    table `label`.
    """
    about, date, commit = own(project_root(), now()), day(), machine.commit(project_root())
    item = (
        {
            "label": label,
            "number": f"@{label}",
            "caption": caption(label),
            "anchor": f"{page(label)}#{label}",
            "runs": [{"name": f"{r.name}-{r.key}"} for r in records],
        }
        if label
        else {}
    )
    said = sentence(about, item, date, commit, markdown.plain)
    return markdown.markdown(
        f"> {said}\n\n```bibtex\n{bibtex(csl(about, item, date, commit))}```\n"
    )


def now() -> dict:
    """The settings and data of the render that runs, as `own` asks for them."""
    from lmreport.core import settings
    from lmreport.data import download

    data = settings.load().data
    corpus = download.at_hand(data)
    return {"settings": {"data": data}, "at hand": {"data": corpus.digest[:12] if corpus else ""}}


def caption(label: str) -> str:
    """The caption of the cell `label` as the sources have it, as plain text."""
    from lmreport.render import pandoc_ast

    _, cell = cell_of(label)
    given = cell.options.get("fig-cap") or cell.options.get("tbl-cap") or ""
    return pandoc_ast.plain(pandoc_ast.read_inlines(given)).strip()


def page(label: str) -> str:
    """The page of the document that has the cell `label`."""
    return f"{cell_of(label)[0].path.stem}.html"


def cell_of(label: str):
    """The document with the cell `label`, and that cell. Raises ReportError if there is none."""
    from lmreport.render import project, source

    for document in project.read(project_root(), ("html",), None):
        for cell in source.read(document):
            if cell.label == label:
                return document, cell
    raise ReportError(f"cite: no cell has the label {label!r}; take one of a figure or table")
