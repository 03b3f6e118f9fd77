"""Pictures: which kinds can be shown, where their files are, how large they are."""

from __future__ import annotations

import hashlib
import html
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast
from lmreport.render.project import Document, hint_at
from lmreport.render.source import place_in

KINDS = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}  # that browsers and typst show
UNREAD = r"<!--.*?-->|<(?:script|style|textarea)\b.*?</(?:script|style|textarea)\s*>"
START_TAG = re.compile(  # of a picture in HTML, and what is in it
    UNREAD + r"""|(<img\b)((?:[^>"']|"[^"]*"|'[^']*')*)""", re.DOTALL | re.IGNORECASE
)
ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+))?""")
ORIENTATION, LYING = 0x0112, (5, 6, 7, 8)  # of a photo that is shown turned by a right angle
RESOLUTION = 0x0128  # its unit, of a photo that tells one
POINTS = {
    "": 0.75,
    "px": 0.75,
    "pt": 1,
    "pc": 12,
    "in": 72,
    "cm": 72 / 2.54,
    "mm": 7.2 / 2.54,
    "em": 12,
}


def embedded_in(raw: str, address: Callable[[str], str]) -> str:
    """Raw HTML in which each picture has the address that `address` gives for its own."""

    def with_address(attribute: re.Match) -> str:
        given = html.unescape((attribute[2] or "").strip("\"'"))
        if attribute[1].lower() != "src" or not given:
            return attribute[0]
        return f'src="{html.escape(address(given))}"'

    return START_TAG.sub(
        lambda tag: tag[1] + ATTRIBUTE.sub(with_address, tag[2]) if tag[1] else tag[0], raw
    )


def local(address: str, folder: Path, document: Document) -> Path | None:
    """The file that a picture's address names; None for a data address. Raises ReportError where it
    is not there, and where it is no picture."""
    if address.startswith("data:"):
        return None

    def place() -> str:
        written = {address, unquote(address), address.replace("\\", "\\\\")}
        return place_in(document, lambda text: any(form in text for form in written))

    if re.match(r"[A-Za-z][\w+.-]+://", address):
        raise ReportError(
            f"{place()}: the picture {address!r} lies elsewhere, and a page fetches nothing; save it "
            "in the project and name the file"
        )
    for name in dict.fromkeys(
        (address, unquote(address))
    ):  # `my%20picture.png` is an address of "my picture.png"
        path = found_at(name, folder, document)
        kind = kind_of(path) if path else ""
        if path and kind not in KINDS:
            raise ReportError(
                f"{place()}: {address!r} cannot be shown as a picture; use {', '.join(KINDS)}"
            )
        if path and kind != ".svg" and not is_readable(path):
            raise ReportError(
                f"{place()}: {address!r} cannot be read as a picture; save it again as .png or .jpg"
            )
        if path:
            return path
    what = "is not a file of this project"
    what += hint_at(unquote(address), document.path.parent) or "; put it there"
    if any((document.path.parent / name).is_symlink() for name in (address, unquote(address))):
        what = "is a link that leads out of this project, or to nothing; put the file itself there"
    raise ReportError(f"{place()}: picture {address!r} {what}")


STARTS = {
    b"\x89PNG\r\n\x1a\n": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
}  # of the files of each kind


def kind_of(path: Path) -> str:
    """The ending that a picture should have: by what it holds, else that of its name. Chat programs
    save a JPEG as `.png`, and typst believes the name.
    """
    return kind_by_content(path) or path.suffix.lower()


def kind_by_content(path: Path) -> str:
    """The ending for what the file holds; "" where that is none of the kinds of pixels."""
    with open(path, "rb") as file:
        start = file.read(12)
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        return ".webp"
    return next((kind for mark, kind in STARTS.items() if start.startswith(mark)), "")


def is_readable(path: Path) -> bool:
    """Whether the file is a picture of pixels, and whole."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
        return bool(kind_by_content(path))
    except (OSError, ValueError, SyntaxError):  # the last is Pillow's of a broken file
        return False


def found_at(name: str, folder: Path, document: Document) -> Path | None:
    for base in (folder, document.path.parent):
        path = (base / name).resolve()
        if path.is_file() and (
            path.is_relative_to(document.root) or path.is_relative_to(folder.resolve())
        ):
            return path
    if name.startswith("/") and (document.root / name[1:]).is_file():
        return document.root / name[1:]
    return None


def fetch(blocks: list, folder: Path, document: Document) -> None:
    """Copy the pictures that the text names into `folder`, which is typst's root, and name the
    copies instead. Raises ReportError for a picture in a data address.
    """
    for item in pandoc_ast.nodes(blocks):
        if item["t"] != "Image":
            continue
        name = item["c"][2][0]
        path = local(name, folder, document)
        if path is None:
            at = place_in(document, lambda text: "data:image" in text)
            raise ReportError(
                f"{at}: a picture stands in the text as a data address, which the PDF cannot show; "
                "write it to a file"
            )
        if not path.is_relative_to(folder.resolve()):
            digest = hashlib.sha256(str(path).encode("utf-8", "replace")).hexdigest()[:12]
            copy = folder / "figures" / f"copy-{digest}{kind_of(path)}"
            shutil.copy(path, copy)
            item["c"][2][0] = copy.relative_to(folder).as_posix()
            item["c"][0][2].append(["source", name])


def points(length: str) -> float | None:
    """A length of CSS in points; None where it is none."""
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+) *([a-z]*)", length.strip())
    return float(match[1]) * POINTS[match[2]] or None if match and match[2] in POINTS else None


def natural_size(path: Path) -> tuple[float, float] | None:
    """Width and height in points that a picture has by the pixels for an inch that it tells, else
    by 96; None if it has no size. Raises ReportError if it cannot be read.
    """
    if path.suffix.lower() == ".svg":
        return svg_size(path.read_text(encoding="utf-8", errors="replace")[:4000])
    from PIL import Image

    try:
        with Image.open(path) as image:
            exif = image.getexif()
            told = image.info.get("jfif_unit", 1) or RESOLUTION in exif  # Pillow says 72 if not
            dpi = max(image.info.get("dpi", (0,))) if told else 0
            pixel = 72 / (dpi if dpi > 1 else 96)  # programs that do not know it write 1
            size = image.width * pixel, image.height * pixel
            return size[::-1] if exif.get(ORIENTATION) in LYING else size
    except (OSError, ValueError) as error:
        raise ReportError(f"picture {path.name!r} cannot be read: {error}") from None


def svg_size(text: str) -> tuple[float, float] | None:
    """Width and height in points that the start of an SVG tells, if need be by its viewBox; None if
    it tells neither.
    """
    head = re.search(r"<svg\b[^>]*>", text)
    attributes = (
        dict(re.findall(r"""\s(width|height|viewBox)\s*=\s*["']([^"']*)["']""", head[0]))
        if head
        else {}
    )
    width, height = (points(attributes.get(side, "")) for side in ("width", "height"))
    box = [float(n) for n in re.findall(r"[-+]?[\d.]+", attributes.get("viewBox", ""))][2:4]
    if len(box) == 2 and all(box):
        if width and not height:
            height = width * box[1] / box[0]
        elif height and not width:
            width = height * box[0] / box[1]
        elif not width:
            width, height = box[0] * 0.75, box[1] * 0.75
    return (width, height) if width and height else None
