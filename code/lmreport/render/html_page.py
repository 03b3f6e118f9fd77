"""The HTML page: one file with its pictures, style and script inside, nothing fetched from
elsewhere.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast, pictures, project
from lmreport.render.project import Document

HERE = Path(__file__).parent


def write(
    doc: dict,
    options: dict,
    document: Document,
    folder: Path,
    heed: Callable[[list[str]], None],
) -> bytes:
    """The page; `folder` holds the pictures that cells made, `heed` gets pandoc's warnings."""
    arguments = [
        "-f",
        "json",
        "-t",
        "html5",
        "--standalone",
        "--section-divs",
        "--wrap=none",
        "--mathml",
        f"--template={template(doc, options, document, folder)}",
        "--syntax-highlighting=pygments",
    ]
    if options.get("toc"):
        arguments += ["--toc", f"--toc-depth={options.get('toc-depth', 3)}"]
    arguments += common(options, document)
    page, warnings = pandoc_ast.pandoc(json.dumps(doc), *arguments, cwd=document.path.parent)
    heed(warnings)
    page = re.sub(r"<!-- float-(?:start|end) -->", "", page)
    page = pictures.embedded_in(page, lambda source: embedded(source, folder, document))
    return page.encode("utf-8", "replace")


def template(doc: dict, options: dict, document: Document, folder: Path) -> Path:
    """page.html with what does not come from the text; filled in before pandoc, so that no text can
    look like a slot.
    """
    styles = [f"<style>\n{text}</style>" for text in document.included(options, "css")]
    slots = {
        "/*STYLE*/": (HERE / "page.css").read_text(encoding="utf-8"),
        "/*SCRIPT*/": (HERE / "page.js").read_text(encoding="utf-8"),
        "<!--NAMES-->": tags(doc, "author"),
        "<!--ABOUT-->": tags(doc, "keywords") + tags(doc, "description"),
        "<!--METADATA-->": metadata(doc, options),
        "<!--HEADER-->": "\n".join(styles + document.included(options, "include-in-header")),
        "<!--AFTER-->": "\n".join(document.included(options, "include-after-body")),
    }
    source = (HERE / "page.html").read_text(encoding="utf-8")
    source = re.sub(
        "|".join(map(re.escape, slots)), lambda match: slots[match[0]].replace("$", "$$"), source
    )
    path = folder / "page.html"
    path.write_text(source, encoding="utf-8", errors="replace")
    return path


def common(options: dict, document: Document) -> list[str]:
    """Arguments for pandoc in both formats: citations and the project's own Lua filters. Raises
    ReportError for a filter that does not exist.
    """
    filters = [f for f in project.as_list(options.get("filters")) if f != "quarto"]
    for name in filters:
        if not (document.root / name).is_file():
            raise ReportError(
                f"{document.place_of(name)}: filter {name!r} is no file of this project; put it "
                "there, or leave it out"
            )
    cite = pandoc_ast.CITED if options.get("bibliography") else ()
    return [*cite] + [f"--lua-filter={document.root / name}" for name in filters]


def tags(doc: dict, name: str) -> str:
    """The <meta> elements of an entry of the metadata: one for each author, one for all
    keywords.
    """
    entry = doc["meta"].get(name, {"t": "MetaList", "c": []})
    words = [
        " ".join(pandoc_ast.meta_text(one).split())
        for one in (entry["c"] if entry["t"] == "MetaList" else [entry])
    ]
    words = [", ".join(words)] if name == "keywords" and words else words
    return "".join(
        f'<meta name="{name}" content="{html.escape(word)}">\n' for word in words if word
    )


def metadata(doc: dict, options: dict) -> str:
    """Tags for search engines, link previews and reference managers, and schema.org data."""

    def field(name: str) -> str:
        entry = doc["meta"].get(name, {"t": "MetaString", "c": ""})
        return " ".join(pandoc_ast.meta_text(entry).split())

    title, authors = (
        field("title"),
        [pandoc_ast.meta_text(a).strip() for a in doc["meta"].get("author", {}).get("c", [])],
    )
    description = field("description") or field("abstract")[:300]
    tags = [
        ("name", "citation_title", title),
        *(("name", "citation_author", a) for a in authors),
        ("name", "citation_publication_date", field("date-meta").replace("-", "/")),
        ("name", "citation_language", field("lang")),
        ("property", "og:title", title),
        ("property", "og:description", description),
        ("property", "og:type", "article"),
        ("name", "twitter:card", "summary"),
        ("name", "twitter:title", title),
    ]
    lines = [
        f'<meta {kind}="{name}" content="{html.escape(value)}">'
        for kind, name, value in tags
        if value
    ]
    linked = {
        "@context": "https://schema.org",
        "@type": "Report",
        "headline": title,
        "inLanguage": field("lang"),
        "author": [{"@type": "Person", "name": a} for a in authors],
        "datePublished": field("date-meta"),
        "description": description,
    }
    data = json.dumps({k: v for k, v in linked.items() if v}, ensure_ascii=False).replace(
        "<", "\\u003c"
    )
    if options.get("canonical-url"):
        lines.append(f'<link rel="canonical" href="{html.escape(str(options["canonical-url"]))}">')
    return "\n".join([*lines, f'<script type="application/ld+json">{data}</script>'])


def embedded(source: str, folder: Path, document: Document) -> str:
    """A picture of the project as a data address."""
    path = pictures.local(source, folder, document)
    if path is None:
        return source
    data = path.read_bytes()
    if path.suffix.lower() == ".svg":
        data = re.sub(rb"<metadata>.*?</metadata>\s*", b"", data, flags=re.DOTALL)
    return f"data:{pictures.KINDS[pictures.kind_of(path)]};base64,{base64.b64encode(data).decode()}"
