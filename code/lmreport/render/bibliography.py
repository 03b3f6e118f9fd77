"""Files of sources: a copy for pandoc, and what it would lose of them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast
from lmreport.render.project import Document, as_list, hint_at, text_of


def borrowed(document: Document, name: str, folder: Path, option: str = "bibliography") -> str:
    """A copy of a file of the project for pandoc, which takes some names for addresses or patterns.
    Raises ReportError if there is no such file; option: what names it.
    """
    for place in (document.root, document.path.parent):
        if (place / name).is_file():
            text_of(place / name, name)  # which refuses what is not UTF-8
            if name.endswith(".bib"):
                refuse_comments(place / name, name)
            copy = (
                folder / f"{contents_of(name)}-{re.sub(r'[^A-Za-z0-9_.-]', '-', Path(name).name)}"
            )
            shutil.copy(place / name, copy)
            return str(copy)
    raise ReportError(
        f"{document.place_of((name.split() or [option])[0])}: {option} {name!r} is no file of this project"
        + (hint_at(name, document.root, document.path.parent) or "; put it there")
    )


SHOWN = (  # fields of a source that a list of references shows
    "title subtitle booktitle journal journaltitle series note howpublished author editor publisher "
    "address school institution organization"
).split()


def refuse_comments(path: Path, name: str) -> None:
    """Raises ReportError for a % in the text of a source, at which TeX and pandoc leave out the rest."""
    text = re.sub(
        r"\\(url|href)\{[^{}]*\}", lambda m: " " * len(m[0]), path.read_text("utf-8", "replace")
    )
    field = ""
    for match in re.finditer(
        r"""([\w-]+)\s*=\s*[{"\d]|^[ \t]*(%.*)|(?<!\\)%""", text, re.MULTILINE
    ):
        if match[1]:
            field = match[1].lower()
        elif not match[2] and field in SHOWN:  # a line that begins with % is meant as a comment
            raise ReportError(
                f"{name}:{text.count(chr(10), 0, match.start()) + 1}: % begins a comment in a .bib "
                f"file, and the rest of {field!r} would be lost; write \\%"
            )


ENTRY = re.compile(r"^[ \t]*@(\w+)\s*[{(]\s*([^,\s{}]+)\s*,", re.MULTILINE)


def refuse_two_sources(got: dict, document: Document, options: dict) -> None:
    """Raises ReportError for a key that the document cites and that two different sources have, of
    which pandoc shows the last.
    """
    cited = keys_in(got)
    first: dict[str, tuple[str, str]] = {}
    for name in as_list(options.get("bibliography")):
        for key, text, place in sources_in(document, name):
            words, before = first.setdefault(key, (text, place))
            if key in cited and words != text:
                raise ReportError(
                    f"{place}: the key {key!r} is given to another source at {before}; rename one"
                )
    named = keys_in(got["meta"].get("nocite")) - {"*", *first}
    readable = all(n.endswith((".bib", ".json")) for n in as_list(options.get("bibliography")))
    if named and readable:
        raise ReportError(
            f"{document.place_of('@' + min(named))}: nocite names {min(named)!r}, which no source is "
            "called"
        )


def keys_in(tree: object) -> set[str]:
    """The keys of all citations in `tree`."""
    return {
        one["citationId"]
        for item in pandoc_ast.nodes(tree)
        if item["t"] == "Cite"
        for one in item["c"][0]
    }


def sources_in(document: Document, name: str) -> Iterator[tuple[str, str, str]]:
    """(key, what it says, file:line) of each source in the file `name`; in one of JSON, the file."""
    for folder in (document.root, document.path.parent):
        if name.endswith(".json") and (folder / name).is_file():
            try:
                entries = json.loads((folder / name).read_text("utf-8"))
            except ValueError:
                return  # pandoc tells it
            for one in entries if isinstance(entries, list) else []:
                if isinstance(one, dict):
                    yield str(one.get("id")), json.dumps(one, sort_keys=True), name
            return
        if name.endswith(".bib") and (folder / name).is_file():
            text = (folder / name).read_text("utf-8", "replace")
            found = list(ENTRY.finditer(text))
            ends = [match.start() for match in found[1:]] + [len(text)]
            for match, end in zip(found, ends, strict=False):  # a file may have no source yet
                line = text.count("\n", 0, match.start(2)) + 1
                words = text[match.start() : end].rpartition("}")[0]  # comments may follow
                yield match[2], " ".join(words.split()), f"{name}:{line}"
            return


def contents_of(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
