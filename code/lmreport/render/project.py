"""What is rendered and how: `_quarto.yml`, its profile and a document's front matter as one set of
options.
"""

from __future__ import annotations

import glob
import itertools
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.core.profiles import active
from lmreport.render import dates
from lmreport.render.document_options import FIGURES, FORMATS, OPTIONS, parse_yaml

OTHERS = (".ipynb", ".md", ".Rmd", ".rmd", ".py", ".R")  # documents that Quarto renders too


@dataclass(frozen=True)
class Document:
    """One .qmd with the options that hold for each format.

    output: its page, beside which the other formats lie; body_line: the first line after its front
    matter.
    """

    root: Path
    path: Path
    output: Path
    options: dict[str, dict]
    body: list[str]
    body_line: int
    profiles: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.relative_to(self.root).as_posix()

    def place_of(self, text: str) -> str:
        """file:line of the first line with `text` where its options may stand."""
        return place_of(text, self.root, option_files(self.name, self.profiles))

    def included(self, options: dict, key: str) -> list[str]:
        """The texts that an option like include-in-header names."""
        return included(options, key, self.root, option_files(self.name, self.profiles))

    @property
    def notebook(self) -> Path:
        """The newest executed notebook: the render's, or the one that `quarto -M keep-ipynb:true`
        leaves.
        """
        places = (
            self.output.with_suffix(".ipynb"),
            *self.path.parent.glob(self.path.stem + ".quarto_ipynb*"),
        )
        return max(places, key=lambda path: path.stat().st_mtime if path.is_file() else 0)


def read(root: Path, formats: tuple[str, ...], profile: str | None) -> list[Document]:
    """The documents that `_quarto.yml` at `root` lists; without a `profile`, with the project's
    own. Raises ReportError if that file is missing, or for a format that is unknown.
    """
    root = root.resolve()
    if not (root / "_quarto.yml").is_file():
        raise ReportError(f"no _quarto.yml in {root}; render from the project's folder")
    for fmt in formats:
        if fmt not in FORMATS:
            raise ReportError(f"unknown format {fmt!r}; known are {', '.join(FORMATS)}")
    layers = [read_yaml(root / "_quarto.yml", root)]
    profiles = active(root, layers[0].get("profile") or {}, profile)
    layers += [
        read_yaml(path, root)
        for name in profiles
        if (path := root / f"_quarto-{name}.yml").is_file()
    ]
    project: dict = {}
    for layer in layers:
        project = merge(project, layer.get("project") or {})
    out = root / project.get("output-dir", ".")
    return [
        read_document(root, path, out, layers, formats, profiles) for path in listed(root, project)
    ]


def listed(root: Path, project: dict) -> list[Path]:
    """The .qmd files that `render` of the `project` options names, by patterns too, each once.

    Raises ReportError for a pattern that leaves files out (!), for a name that does not exist, and
    if there is no file at all.
    """
    patterns = as_list(project.get("render")) or ["**/*.qmd"]
    documents = []
    for pattern in map(str, patterns):
        if pattern.startswith("!"):
            raise ReportError(
                f"_quarto.yml: render {pattern!r} is not supported; list the documents to render"
            )
        matches = sorted(glob.glob(pattern, root_dir=root, recursive=True))
        if not matches and not glob.has_magic(pattern):
            raise ReportError(f"_quarto.yml lists {pattern!r}, which does not exist")
        if matches and all(Path(name).suffix in OTHERS for name in matches):
            raise ReportError(
                f"_quarto.yml lists {matches[0]!r}, but this renderer reads .qmd files only; make "
                "one of it (quarto convert does of a notebook), or render with Quarto"
            )
        parts = (root / m for m in matches)
        documents += [
            p
            for p in parts
            if p.suffix == ".qmd" and not p.name.startswith(("_", ".")) and p not in documents
        ]
    if not documents:
        raise ReportError(
            f"_quarto.yml lists no document to render ({', '.join(map(str, patterns))})"
        )
    return documents


def as_list(value: object) -> list:
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def text_of(path: Path, name: str) -> list[str]:
    """The lines of a text file, without a byte order mark. Raises ReportError where it is not
    UTF-8.

    Only line feeds part lines, as for pandoc: `splitlines` also breaks at form feeds and U+2028.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ReportError(f"{name}:{line}: not UTF-8 text; save the file as UTF-8") from None
    return text.removesuffix("\n").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def front_matter(lines: list[str], name: str) -> tuple[int, int]:
    """Where the front matter of `lines` begins and what follows it; (0, 0) without one. Blank lines
    may precede it. Raises ReportError if it is never closed.
    """
    start = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if not lines or lines[start].rstrip() != "---":
        return 0, 0
    end = next(
        (i for i, line in enumerate(lines) if i > start and line.rstrip() in ("---", "...")), None
    )
    if end is None:
        raise ReportError(f"{name}:{start + 1}: the front matter has no closing ---")
    return start, end + 1


def refuse_title_lines(lines: list[str], name: str) -> None:
    """Raises ReportError for a title, authors and a date behind % at the top, as pandoc has them."""
    if lines[0].startswith("%"):
        title = lines[0].strip("% \t") or "…"
        raise ReportError(
            f"{name}:1: {lines[0].strip()!r} is a title as pandoc has it; write title: {title} "
            "between two lines of ---, or \\% to show the sign"
        )


def refuse_other_marks(lines: list[str], name: str) -> None:
    """Raises ReportError for options at the top that do not stand between two lines of ---."""
    top = next((i for i, line in enumerate(lines) if line.strip()), 0)
    paragraph = list(itertools.takewhile(str.strip, lines[top:]))
    is_marked = len(paragraph) > 1 and re.fullmatch(r"\s*[-–—*_=~+]+\s*", paragraph[0])
    key = re.match(r"\s*([\w-]+):(\s|$)", paragraph[1] if is_marked else "".join(paragraph[:1]))
    if key and key[1] in OPTIONS and (is_marked or "---" in paragraph):
        raise ReportError(
            f"{name}:{top + 1}: options stand between two lines of ---, three hyphens at the beginning "
            "of the line, and are read as text here"
        )


def read_document(
    root: Path,
    path: Path,
    out: Path,
    layers: list[dict],
    formats: tuple[str, ...],
    profiles: tuple[str, ...],
) -> Document:
    """The document at `path`, with its options for each of `formats`: those of the `layers` (of the
    project and its profiles), over them those of its front matter. `out` is the output folder.
    """
    name = path.relative_to(root).as_posix()
    lines = text_of(path, name)
    start, first = front_matter(lines, name)
    refuse_title_lines(lines, name)
    if not first:
        refuse_other_marks(lines, name)
    front = parse_yaml("\n".join(lines[start + 1 : first - 1]), name, start + 2) if first else {}
    options: dict[str, dict] = {fmt: {} for fmt in formats}
    for layer in [*layers, front]:
        for fmt in formats:
            options[fmt] = merge(options[fmt], for_format(layer, fmt))
    files = option_files(name, profiles)
    refuse_two_sizes(options, root, files)
    refuse_unread_files(root, path)
    for fmt in formats:
        refuse_foreign_header(options[fmt], fmt, root, files)
        refuse_unread_date(options[fmt], root, files)
    page = out / path.relative_to(root).with_suffix(".html")
    return Document(root, path, page, options, lines[first:], first + 1, profiles)


def option_files(name: str, profiles: tuple[str, ...]) -> list[str]:
    """The files in which options of the document `name` may stand, the last word first."""
    return [name, *(f"_quarto-{profile}.yml" for profile in reversed(profiles)), "_quarto.yml"]


def for_format(layer: dict, fmt: str) -> dict:
    """The options of one file that hold for `fmt`: its own ones win over the common ones; those of
    figures hold where cells are executed.
    """
    common = {k: v for k, v in layer.items() if k not in ("format", "project", "profile")}
    named = layer.get("format") or {}
    own = named.get(fmt) if isinstance(named, dict) else None
    options = merge(common, own if isinstance(own, dict) else {})
    figures = {key: options[key] for key in FIGURES if key in options}
    return merge({"execute": figures}, options) if figures else options


def refuse_two_sizes(options: dict[str, dict], root: Path, files: list[str]) -> None:
    """Raises ReportError for an option of figures that formats have differently: the cells run once
    for all of them.
    """
    for key in FIGURES:
        asked = {fmt: (of.get("execute") or {}).get(key) for fmt, of in options.items()}
        if len({value for value in asked.values() if value is not None}) > 1:
            told = " and ".join(f"{value} for {fmt}" for fmt, value in asked.items())
            raise ReportError(
                f"{place_of(f'{key}:', root, files)}: {key} is {told}, but the cells run once for "
                "all formats; set it once, outside of format"
            )


UNREAD = {  # files that Quarto reads beside the project's options, and what to do with theirs
    "_quarto.yml.local": "write its options into _quarto.yml or a profile",
    "_metadata.yml": "write its options into _quarto.yml or the document",
    "_brand.yml": "write the looks into css, or delete it",
    "_environment": "set its variables where lmreport is called",
    "_environment.local": "set its variables where lmreport is called",
}


def refuse_unread_files(root: Path, document: Path) -> None:
    """Raises ReportError for a file of options that this renderer does not read."""
    folders = [folder for folder in document.parents if folder.is_relative_to(root)]
    for name, remedy in UNREAD.items():
        for path in (folder / name for folder in folders):
            if path.is_file() and path.read_bytes().strip():
                raise ReportError(f"{path.relative_to(root)} is not read here; {remedy}")


def refuse_unread_date(options: dict, root: Path, files: list[str]) -> None:
    """Raises ReportError for a day with a format that is unknown, or that would not hold as the day
    is not read as one.
    """
    day, style = (str(options.get(key) or "") for key in ("date", "date-format"))
    if day and (no := dates.refused(style)):
        at = place_of("date-format", root, files)
        raise ReportError(f"{at}: date-format {style!r}: {no}")
    if style and dates.is_written_otherwise(day):
        raise ReportError(
            f"{place_of(day, root, files)}: date {day!r} is shown as it is written, so that "
            "date-format would not hold; write it as 2024-03-05"
        )


TEX = re.compile(r"\\(?!u\{)[A-Za-z]{2,}")
HTML_ELEMENT = re.compile(r"<(!--|/?(script|style|link|meta|base)\b)")


def refuse_foreign_header(options: dict, fmt: str, root: Path, files: list[str]) -> None:
    """Raises ReportError for an include-in-header in another language than that of the format,
    which would be shown as text.

    files: those in which the option may stand, the last word first.
    """
    for text in included(options, "include-in-header", root, files):
        lines = [line.strip() for line in text.split("\n")]
        if fmt == "html" and "<" in text:
            continue
        remedy = "is TeX, which would be shown as text; leave it out"
        foreign = next((line for line in lines if TEX.match(line)), "")
        if fmt == "typst" and not foreign:
            remedy = "is HTML, but the PDF is made by typst; write it below format: html:"
            foreign = next((line for line in lines if HTML_ELEMENT.match(line)), "")
        if foreign:
            at = place_of(foreign, root, files + names_in(options, "include-in-header"))
            raise ReportError(f"{at}: {foreign} in include-in-header {remedy}")


def place_of(text: str, root: Path, files: list[str]) -> str:
    """file:line of the first line with `text` in one of the `files`; the first file if in none."""
    for name in files:
        if (root / name).is_file():
            for number, line in enumerate(text_of(root / name, name), 1):
                if text in line:
                    return f"{name}:{number}"
    return files[0]


def merge(base: dict, over: dict) -> dict:
    out = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


def read_yaml(path: Path, root: Path) -> dict:
    name = path.relative_to(root).as_posix()
    return parse_yaml("\n".join(text_of(path, name)), name, 1)


def included(options: dict, key: str, root: Path, files: list[str]) -> list[str]:
    """The texts that an option like include-in-header names: files of the project at `root`, or
    `text: …` itself. Raises ReportError for a file that does not exist, and for a mapping other
    than `file: …` and `text: …`. files: those in which the option may stand.
    """
    at = place_of(f"{key}:", root, files)
    named = options.get(key) or []
    texts = []
    for name in named if isinstance(named, list) else [named]:
        if isinstance(name, dict) and set(name) == {"file"}:
            name = str(name["file"])
        if isinstance(name, dict):
            if set(name) != {"text"}:
                raise ReportError(f"{at}: {key}: write `file: …` or `text: …`, not {name!r}")
            texts.append(str(name["text"]))
        elif (root / str(name)).is_file():
            texts.append("\n".join(text_of(root / name, name)) + "\n")
        else:
            raise ReportError(
                f"{place_of(str(name), root, files)}: {key} {name!r} is no file of this project"
                + (hint_at(str(name), root) or "; put it there")
            )
    return texts


def names_in(options: dict, key: str) -> list[str]:
    """The files that an option like include-in-header names."""
    named = options.get(key) or []
    each = [
        one.get("file") if isinstance(one, dict) else one
        for one in (named if isinstance(named, list) else [named])
    ]
    return [str(name) for name in each if name]


def hint_at(name: str, *folders: Path) -> str:
    """What a file of one of the `folders` is called that is `name` but for capitals, backslashes
    or the form of its accents, what Windows or macOS find and other systems do not; or but for the
    _ that parts to include begin with.
    """

    def form(part: str) -> str:
        return unicodedata.normalize("NFC", part).casefold()

    for folder in folders:
        there = folder
        for part in name.replace("\\", "/").split("/"):
            inside = sorted(there.iterdir()) if there.is_dir() else []
            same = [path for path in inside if form(path.name) == form(part)]
            bare = form(part).lstrip("_")
            same += [path for path in inside if bare and form(path.name).lstrip("_") == bare]
            there = same[0] if same and not (there / part).exists() else there / part
        if there.is_file():
            return f"; write {there.relative_to(folder).as_posix()!r}"
    return ""
