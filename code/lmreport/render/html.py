"""The HTML page: one file with its pictures, style and script inside, nothing fetched from elsewhere."""

from __future__ import annotations

import base64
import html
import json
import mimetypes
import re
from pathlib import Path

from lmreport.errors import ReportError
from lmreport.render import project, tree

HERE = Path(__file__).parent


def write(doc: dict, options: dict, document, folder: Path) -> tuple[bytes, list[str]]:
    """The page as bytes and pandoc's warnings; `folder` holds the pictures that cells made."""
    arguments = ["-f", "json", "-t", "html5", "--standalone", "--section-divs", "--wrap=none", "--mathml",
                 f"--template={HERE / 'page.html'}", "--syntax-highlighting=pygments",
                 f"--metadata=lang:{language(doc)}"]
    if options.get("toc"):
        arguments += ["--toc", f"--toc-depth={options.get('toc-depth', 3)}"]
    arguments += common(options, document)
    page, warnings = tree.pandoc(json.dumps(doc), *arguments, cwd=document.path.parent)
    page = re.sub(r"<!-- float-(?:start|end) -->", "", page)
    page = page.replace("/*STYLE*/", (HERE / "page.css").read_text(encoding="utf-8"))
    page = page.replace("/*SCRIPT*/", (HERE / "page.js").read_text(encoding="utf-8"))
    page = page.replace("<!--METADATA-->", metadata(doc, options))
    page = re.sub(r'(<img [^>]*?src=")([^"]+)(")', lambda m: m[1] + embedded(m[2], folder, document) + m[3], page)
    styles = [f"<style>\n{text}</style>" for text in project.included(options, "css", document.root)]
    headers = styles + project.included(options, "include-in-header", document.root)
    page = page.replace("<!--HEADER-->", "\n".join(headers))
    page = page.replace("<!--AFTER-->", "\n".join(project.included(options, "include-after-body", document.root)))
    return page.encode("utf-8", "replace"), warnings


def common(options: dict, document) -> list[str]:
    """Arguments for pandoc in both formats: citations and the project's own Lua filters."""
    filters = [f for f in options.get("filters") or [] if f != "quarto"]
    for name in filters:
        if not (document.root / name).is_file():
            raise ReportError(f"_quarto.yml: filter {name!r} does not exist")
    cite = ["--citeproc"] if options.get("bibliography") else []
    return cite + [f"--lua-filter={document.root / name}" for name in filters]


def language(doc: dict) -> str:
    found = doc["meta"].get("lang")
    return tree.plain(found["c"]) if found else "en"


def metadata(doc: dict, options: dict) -> str:
    """Tags for search engines, link previews and reference managers, and schema.org data."""
    def field(name):
        found = doc["meta"].get(name, {}).get("c", "")
        return " ".join((found if isinstance(found, str) else tree.plain(found)).split())

    title, authors = field("title"), [tree.plain(a).strip() for a in doc["meta"].get("author", {}).get("c", [])]
    description = field("description") or field("abstract")[:300]
    tags = [("name", "citation_title", title), *(("name", "citation_author", a) for a in authors),
            ("name", "citation_publication_date", field("date-meta").replace("-", "/")),
            ("name", "citation_language", language(doc)), ("property", "og:title", title),
            ("property", "og:description", description), ("property", "og:type", "article"),
            ("name", "twitter:card", "summary"), ("name", "twitter:title", title)]
    lines = [f'<meta {kind}="{name}" content="{html.escape(value)}">' for kind, name, value in tags if value]
    linked = {"@context": "https://schema.org", "@type": "Report", "headline": title, "inLanguage": language(doc),
              "author": [{"@type": "Person", "name": a} for a in authors], "datePublished": field("date-meta"),
              "description": description}
    data = json.dumps({k: v for k, v in linked.items() if v}, ensure_ascii=False).replace("<", "\\u003c")
    if options.get("canonical-url"):
        lines.append(f'<link rel="canonical" href="{html.escape(str(options["canonical-url"]))}">')
    return "\n".join([*lines, f'<script type="application/ld+json">{data}</script>'])


def embedded(source: str, folder: Path, document) -> str:
    """A picture of the project as a data address."""
    path = local(html.unescape(source), folder, document)
    if path is None:
        return source
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    data = path.read_bytes()
    if kind == "image/svg+xml":
        data = re.sub(rb"<metadata>.*?</metadata>\s*", b"", data, flags=re.DOTALL)
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def local(source: str, folder: Path, document) -> Path | None:
    """The file that a picture's address names; None for a data address. Raises ReportError where it is not there."""
    if source.startswith("data:"):
        return None
    for base in (folder, document.path.parent):
        path = (base / source).resolve()
        if path.is_file() and (path.is_relative_to(document.root) or path.is_relative_to(folder.resolve())):
            return path
    if source.startswith("/") and (document.root / source[1:]).is_file():
        return document.root / source[1:]
    raise ReportError(f"{document.name}: picture {source!r} is not a file of this project")
