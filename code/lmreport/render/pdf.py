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
from lmreport.core.listing import quoted
from lmreport.render import letters, pandoc_ast, paper, typst_math
from lmreport.render.constructs_typst import typst_string
from lmreport.render.html_page import common
from lmreport.render.project import Document
from lmreport.render.source import place_above, place_in

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
            f"{document.place_of('pdf-standard')}: {error}; write pdf-standard: ua-1, or a-2b and its like"
        ) from None
    except typst.TypstError as error:
        if "missing alt text" in error.message and SPEAKS not in str(options.get("filters")):
            refuse_unspoken(doc, document)
        said = "; ".join([error.message, *error.hints])
        raise ReportError(
            f"{document.name}: typst could not make the PDF: {said}; near: "
            f"{marked(error.diagnostic)}"
        ) from None


SPEAKS = "spoken-math.lua"


def refuse_unspoken(doc: dict, document: Document) -> None:
    """Raises ReportError for the first formula without an alternative text, by its line."""
    is_said = False
    for item in pandoc_ast.nodes([doc["meta"], doc["blocks"]]):
        if item["t"] == "RawInline":
            is_said = item["c"][1].startswith("#math.equation(") and ", alt: " in item["c"][1]
        elif item["t"] == "Math" and not is_said:
            tex = item["c"][1].strip()
            row = re.compile(rf"(^|\$)\s*{re.escape(tex.splitlines()[0].strip())}\s*(\$|$)")
            at = place_in(document, row.search)
            raise ReportError(
                f"{place_above(document, row.pattern) if at == document.name else at}: the formula "
                f"{quoted(tex)} has no alternative text, for which pdf-standard asks; write below "
                f"filters: report/filters/{SPEAKS}, which gives it one (a file of lmreport's own "
                "report), or leave out pdf-standard"
            )


# what pandoc's typst is written with instead of ‘’“”, which it would write as ' and ": typst turns these
# by what is around them, and so those behind a citation or a link the wrong way
KEPT = dict(zip("‘’“”", "\ufdd0\ufdd1\ufdd2\ufdd3", strict=True))
# in `**b**.x`: behind what pandoc writes as a call, typst would take .x for a field of it
STOP = "\ufdd4"
# in `+ 5 %`, the first words of a cell, and in `1970-?`: typst would take + for the mark of an item, -?
# for a hyphen that is not seen, and other such signs for dashes and the like
SIGNS = dict(zip("-+=/?.", "\ufde0\ufde1\ufde2\ufde3\ufde4" + STOP, strict=True))
TAKEN = re.compile(r"^(?:=+|[-+/]|\d+\.)$|--+|-\?|\.{3}|^\.(?=[^\W\d])")
WRITTEN = {ord(kept): f"\\u{{{ord(mark):x}}}" for mark, kept in {**KEPT, **SIGNS}.items()}


def with_own_signs(doc: dict) -> dict:
    """`doc` with the quotation marks and apostrophes that the page has, and with signs that typst
    would take for others; a quotation with a citation is left to citeproc, which moves its full stop.
    """

    def visit(item: dict) -> list | dict | None:
        if item["t"] == "Str":
            words = TAKEN.sub(
                lambda found: "".join(SIGNS.get(sign, sign) for sign in found[0]), item["c"]
            )
            return pandoc_ast.text("".join(KEPT.get(sign, sign) for sign in words))
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
        for text in document.included(options, "include-in-header")
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
