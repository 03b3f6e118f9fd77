"""A figure as SVG, PDF and PNG of 300 dots per inch."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from lmreport.core.errors import ReportError
from lmreport.publish.export import metadata

METADATA = re.compile(r"[ \t]*<metadata\b.*?</metadata>\s*?\n|<metadata\b.*?</metadata>", re.S)
DPI = 300
# The page is as large as the picture. What is said of it comes in by sys.inputs, so that nothing
# needs escaping.
PAGE = """#let said = json(bytes(sys.inputs.said))
#set document(title: said.title, author: said.at("creator", default: ()), description: said.description, date: none,
  keywords: ("label", "runs", "experiments", "function", "data", "source", "licence", "sha256")
    .filter(name => name in said).map(name => name + ": " + said.at(name)))
#set page(width: auto, height: auto, margin: 0pt)
#set text(lang: "en")
#image("figure.svg", alt: said.description)
"""


def files(item, work) -> dict[str, bytes]:
    """The files of a figure by ending. The sha256 that each of them states is that of the SVG
    without <metadata>.
    """
    bare = METADATA.sub("", item.svg, count=1)
    said = metadata.about(item, work, hashlib.sha256(bare.encode()).hexdigest())
    pdf, png = printed(bare, said, item.label)
    return {
        "svg": described(bare, metadata.rdf(said, work.licence_url)).encode(),
        "pdf": pdf,
        "png": noted(png, said),
    }


def described(svg: str, rdf: str) -> str:
    """`svg` with the metadata as the first child of its root, on lines of its own. Raises
    ReportError if it is no SVG picture.
    """
    root = re.search(r"<svg\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>\n?", svg)
    if not root or root[0].rstrip().endswith("/>"):
        raise ReportError("a figure's output is not an SVG picture; draw it again")
    return svg[: root.end()] + rdf + svg[root.end() :]


def printed(svg: str, said: dict, label: str) -> tuple[bytes, bytes]:
    """The picture as a PDF page (tagged, with its description: PDF/UA) and as a PNG. Raises
    ReportError if typst cannot make them.
    """
    import typst

    with tempfile.TemporaryDirectory(prefix="lmreport-") as name:
        folder = Path(name)
        (folder / "figure.svg").write_text(svg, encoding="utf-8")
        (folder / "figure.typ").write_text(PAGE, encoding="utf-8")
        given: dict[str, Any] = dict(
            root=name,
            ignore_system_fonts=True,
            sys_inputs={"said": json.dumps(said, ensure_ascii=False)},
        )
        try:
            return (
                typst.compile(
                    str(folder / "figure.typ"), format="pdf", pdf_standards=["ua-1"], **given
                ),
                typst.compile(str(folder / "figure.typ"), format="png", ppi=DPI, **given),
            )
        except typst.TypstError as error:
            raise ReportError(f"{label}: typst could not make the file: {error.message}") from None


def noted(png: bytes, said: dict) -> bytes:
    """`png` with its size in print and a text chunk (iTXt, UTF-8) for each thing said."""
    words = {
        "title": "Title",
        "description": "Description",
        "creator": "Author",
        "licence": "Copyright",
        "source": "Source",
    }  # PNG's own names; the others stand under ours
    notes, out = PngImagePlugin.PngInfo(), io.BytesIO()
    for name, text in said.items():
        notes.add_itxt(words.get(name, name), text)
    with Image.open(io.BytesIO(png)) as picture:
        picture.save(out, "PNG", pnginfo=notes, dpi=(DPI, DPI))
    return out.getvalue()
