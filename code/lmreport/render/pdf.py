"""The PDF: pandoc's typst text compiled by typst, tagged and checked against PDF/UA where the
project asks for it.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lmreport.core import fonts, settings
from lmreport.core.errors import ReportError
from lmreport.render import letters, pandoc_ast, paper, project, typst_math
from lmreport.render.constructs_typst import typst_string
from lmreport.render.html_page import common
from lmreport.render.project import Document

log = logging.getLogger(__name__)

HERE = Path(__file__).parent


def write(
    doc: dict,
    options: dict,
    document: Document,
    folder: Path,
    heed: Callable[[list[str]], None],
) -> bytes:
    """The PDF; `folder` holds the pictures and is typst's root, `heed` gets pandoc's warnings.

    Raises ReportError for an unknown standard, and for what typst cannot set.
    """
    import typst

    arguments = [
        "-f",
        "json",
        "-t",
        "typst",
        "--standalone",
        "--wrap=none",
        f"--template={shutil.copy(HERE / 'page.typ', folder)}",
        *variables(options, document),
        *identity(doc),
        *common(options, document),
    ]
    shown = json.dumps(pandoc_ast.change(with_own_signs(doc), typst_math.visit))
    source, warnings = pandoc_ast.pandoc(shown, *arguments, cwd=document.path.parent)
    heed([typst_math.unmarked(line) for line in warnings])
    source = printable(typst_math.set_apart(source).translate(WRITTEN))
    (folder / "index.typ").write_text(source, encoding="utf-8")
    standards: Any = options.get("pdf-standard") or []
    wanted: list[Any] = [standards] if isinstance(standards, str) else list(standards)
    try:
        return typst.compile(
            str(folder / "index.typ"),
            root=str(folder),
            format="pdf",
            ignore_system_fonts=True,
            font_paths=[str(beside(folder)), *map(str, fonts.folders().values())],
            pdf_standards=wanted,
            timestamp=settings.epoch(),
        )
    except ValueError as error:  # of pdf_standards
        raise ReportError(
            f"{document.name}: {error}; write pdf-standard: ua-1, or a-2b and its like"
        ) from None
    except typst.TypstError as error:
        said = "; ".join([error.message, *error.hints])
        raise ReportError(
            f"{document.name}: typst could not make the PDF: {said}; near: "
            f"{marked(error.diagnostic)}"
        ) from None


# what pandoc's typst is written with instead of ‘’“”, which it would write as ' and ": typst turns these
# by what is around them, and so those behind a citation or a link the wrong way
KEPT = dict(zip("‘’“”", "\ufdd0\ufdd1\ufdd2\ufdd3", strict=True))
# in `**b**.x`: behind what pandoc writes as a call, typst would take .x for a field of it
STOP = "\ufdd4"
WRITTEN = {ord(kept): f"\\u{{{ord(mark):x}}}" for mark, kept in {**KEPT, ".": STOP}.items()}


def with_own_signs(doc: dict) -> dict:
    """`doc` with the quotation marks and apostrophes that the page has, and with points at the
    beginning of a word that stay points; a quotation with a citation is left to citeproc, which
    moves its full stop.
    """

    def visit(item: dict) -> list | dict | None:
        if item["t"] == "Str":
            words = re.sub(r"^\.(?=[^\W\d])", STOP, item["c"])
            return pandoc_ast.text(
                words.translate({ord(mark): kept for mark, kept in KEPT.items()})
            )
        if item["t"] != "Quoted" or any(n["t"] == "Cite" for n in pandoc_ast.nodes(item["c"][1])):
            return None
        marks = "“”" if item["c"][0]["t"] == "DoubleQuote" else "‘’"
        opening, closing = (pandoc_ast.text(KEPT[mark]) for mark in marks)
        return [opening, *item["c"][1], closing]

    return doc | {part: pandoc_ast.change(doc[part], visit) for part in ("meta", "blocks")}


def marked(diagnostic: str) -> str:
    """The part of the typst source that an error message underlines, with what stands around it."""
    lines = diagnostic.splitlines()
    for source, marks in zip(lines, lines[1:], strict=False):
        if re.match(r"\s*\d+ │", source) and "^" in marks:
            return source[
                max(marks.index("^") - 60, source.index("│") + 1) : marks.rindex("^") + 60
            ][:400].strip()
    return ""


def printable(source: str) -> str:
    """`source` with characters that no font of the PDF has made visible as ⟨U+…⟩; PDF/UA allows no
    missing ones.
    """
    missing = letters.missing(source)
    if named := "".join(sorted(missing - VARIANTS)):
        log.warning(
            f"the PDF has no font for {fonts.named(named)}; such letters stand as ⟨U+…⟩"
            + fonts.remedy()
        )
    return source.translate({ord(c): "" if c in VARIANTS else fonts.mark(c) for c in missing})


VARIANTS = set(map(chr, range(0xFE00, 0xFE10)))  # they choose a form of the character before
FALLBACK = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
)  # matplotlib's; with Arabic, Persian and Hebrew letters


def beside(folder: Path) -> Path:
    """A folder with the fonts of matplotlib that typst has not got itself."""
    kept = folder / "fonts"
    kept.mkdir(exist_ok=True)
    for name in FALLBACK:
        shutil.copy(fonts.dejavu(name), kept)
    return kept


def variables(options: dict, document: Document) -> list[str]:
    """Template variables from the options: paper, margins, contents, a header of the project's
    own.
    """
    margins = {"x": "2.2cm", "y": "2.4cm", **(options.get("margin") or {})}
    pairs = {
        "papersize": paper.size(options.get("papersize") or "a4"),
        "margin": ", ".join(f"{side}: {paper.length(wide)}" for side, wide in margins.items()),
        "toc-depth": options.get("toc-depth", 3),
        "fontsize": paper.length(options.get("fontsize") or "10.5pt"),
    }
    if "linestretch" in options:
        pairs["linestretch"] = options["linestretch"]
    if options.get("toc"):
        pairs["toc"] = "true"
    arguments = [f"--variable={key}={value}" for key, value in pairs.items()]
    return arguments + [
        f"--variable=header-includes={text}"
        for text in project.included(options, "include-in-header", document.root)
    ]


def identity(doc: dict) -> list[str]:
    """Template variables with what PDF viewers show about the document, as typst strings."""

    def words(name: str) -> list[str]:
        entry = doc["meta"].get(name, {"t": "MetaList", "c": []})
        parts = entry["c"] if entry["t"] == "MetaList" else [entry]
        return [text for part in parts if (text := " ".join(pandoc_ast.meta_text(part).split()))]

    values = {
        "pdf-title": "".join(map(typst_string, (words("title") or words("pagetitle"))[:1])),
        "pdf-authors": "".join(typst_string(a) + ", " for a in words("author")),
        "pdf-keywords": "".join(typst_string(k) + ", " for k in words("keywords")),
        "pdf-description": "".join(map(typst_string, words("description")[:1])),
    }
    return [f"--variable={name}={text}" for name, text in values.items() if text]
