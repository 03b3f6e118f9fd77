"""The executed notebook as one Markdown text with its pictures, and that text as pandoc's tree."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from nbformat import NotebookNode

from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast
from lmreport.render.execute import ANSI
from lmreport.render.project import Document, as_list
from lmreport.render.source import Cell

LONGEST = 20_000  # characters of one printed output; longer ones are cut with a note
LINE = 2_000  # characters of one printed line
PICTURES = {
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
}
ARTIST = re.compile(r"^[<(\[].*[>)\]]$|^Text\([-\d]|^\{.*<matplotlib\.", re.DOTALL)


@dataclass
class Pages:
    """Markdown of the whole document; `cells` are the options of the cells, by the number in their
    `cell` attribute.

    alts: alternative text by picture path; captions: Markdown, by the number in a `caption`
    attribute;
    folder: where the pictures lie.
    """

    folder: Path
    markdown: str = ""
    cells: list[dict] = field(default_factory=list)
    alts: dict[str, str] = field(default_factory=dict)
    captions: list[str] = field(default_factory=list)

    def caption(self, text: str) -> str:
        """The attribute that stands for the caption `text`. Inside the Markdown it could be read as
        a list.
        """
        self.captions.append(text)
        return f'caption="{len(self.captions) - 1}"'

    def picture(self, label: str, number: int, ending: str) -> str:
        """A new path for picture `number` of a cell: `fig-v1.0` and `fig-v1-0` do not get the
        same.
        """
        name = re.sub(r"[^A-Za-z0-9_-]", "-", label)
        path = f"figures/{name}-{number}.{ending}"
        taken = {p.lower() for p in self.alts}
        if path.lower() in taken:
            path = (
                f"figures/{name}-{hashlib.sha256(label.encode()).hexdigest()[:8]}-{number}.{ending}"
            )
        return path


def assemble(nb: NotebookNode, folder: Path, execute: dict) -> Pages:
    """Join the cells of the executed notebook into Markdown; pictures are written to
    `folder`/figures.
    """
    pages = Pages(folder)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    parts = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            parts.append(escaped(visible(cell.source)))
        else:
            parts.append(
                code_cell(cell, pages, {"echo": True, "output": True, "warning": True, **execute})
            )
    pages.markdown = "\n\n".join(parts) + "\n"
    return pages


def code_cell(cell: NotebookNode, pages: Pages, execute: dict) -> str:
    origin = cell.metadata.report
    options = {
        k: execute[k] for k in ("echo", "output", "warning", "include") if k in execute
    } | origin.options
    if options.get("include") is False:
        return ""
    pages.cells.append(options | {"place": origin.place})
    number = len(pages.cells) - 1
    parts = []
    source = (origin.code if origin.lines else cell.source).strip("\n")
    if options["echo"] is not False and source:
        parts.append(echoed(cell, options, source, number))
    outputs = printed(cell, options)
    if options["output"] is not False and outputs:
        check_texts(outputs, options, origin)
        body = [output(o, number, i, options, pages) for i, o in enumerate(outputs, 1)]
        if options["output"] == "asis":
            return "\n\n".join(parts + body)
        parts.append(floated(body, outputs, options, origin, pages))
    if not parts:
        return ""
    classes = options.get("classes") or []
    extra = "".join(
        f" .{c.lstrip('.')}" for c in ([classes] if isinstance(classes, str) else classes)
    )
    identifier = options.get("id") or (f"cell-{origin.label}" if origin.label else "")
    return fenced_div(f"{'#' + identifier if identifier else ''} .cell{extra}", "\n\n".join(parts))


def echoed(cell: NotebookNode, options: dict, source: str, number: int) -> str:
    if options["echo"] == "fenced":
        kept = "\n".join(
            line for line in cell.source.splitlines() if not re.match(r"#\|\s*echo:\s*fenced", line)
        )
        return fenced_code(f"````{{python}}\n{kept}\n````".replace("````", "```"), ".cell-code")
    label = f"#{options['lst-label'].lstrip('#')} " if options.get("lst-label") else ""
    if label and options.get("lst-cap"):
        caption = oneline(options["lst-cap"]).replace("\\", r"\\").replace('"', r"\"")
        label += f'lst-cap="{caption}" '
    return fenced_code(source, f'{label}.python .cell-code cell="{number}"')


def printed(cell: NotebookNode, options: dict) -> list:
    """The outputs that are shown: no stderr with `warning: false`, no names of matplotlib
    objects.
    """
    kept: list = []
    pictures = any(picture(o) for o in cell.outputs)
    for item in cell.outputs:
        if (
            item.output_type == "stream"
            and item.name == "stderr"
            and options.get("warning") is False
        ):
            continue
        if item.output_type == "execute_result" and set(item.data) == {"text/plain"}:
            text = item.data["text/plain"].strip()
            if pictures and ARTIST.match(text) or text.startswith(("[<matplotlib", "<matplotlib")):
                continue
        if (
            kept
            and item.output_type == "stream" == kept[-1].output_type
            and item.name == kept[-1].name
        ):
            kept[-1] = NotebookNode(kept[-1] | {"text": kept[-1].text + item.text})
            continue
        kept.append(item)
    return kept


def picture(item: NotebookNode) -> str:
    """The picture type of an output, "" where it is none."""
    data = item.get("data", {})
    return "" if "text/markdown" in data else next((kind for kind in PICTURES if kind in data), "")


def output(item: NotebookNode, cell: int, index: int, options: dict, pages: Pages) -> str:
    if item.output_type == "stream":
        if options["output"] == "asis" and item.name == "stdout":
            return visible(item.text)
        return fenced_div(
            f".cell-output .cell-output-{item.name}", fenced_code(shortened(item.text))
        )
    if item.output_type == "error":
        trace = "\n".join(item.traceback)
        text = trace or f"{item.ename}: {item.evalue}"
        return fenced_div(".cell-output .cell-output-error", fenced_code(shortened(text)))
    data = item.get("data", {})
    kind = picture(item)
    if kind:
        return image(item, kind, cell, index, options, pages)
    if "text/markdown" in data:
        asis = ".asis " if options["output"] == "asis" else ""
        return fenced_div(
            f"{asis}.cell-output .cell-output-display .cell-output-markdown",
            visible(data["text/markdown"]),
        )
    if set(data) == {"text/plain"}:
        return fenced_div(
            ".cell-output .cell-output-display", fenced_code(shortened(data["text/plain"]))
        )
    kinds = ", ".join(sorted(data))
    raise ReportError(
        f"{pages.cells[cell]['place']}: an output of this cell is {kinds}; print Markdown, text or "
        "a picture instead (HTML would need scripts from elsewhere and cannot go into the PDF)"
    )


def image(item: NotebookNode, kind: str, cell: int, index: int, options: dict, pages: Pages) -> str:
    """The picture of an output, written to the folder of `pages`; a size that IPython was told is
    kept.
    """
    path = pages.picture(str(options.get("label") or f"cell-{cell + 1}"), index, PICTURES[kind])
    raw = item.data[kind]
    (pages.folder / path).write_bytes(
        raw.encode() if kind == "image/svg+xml" else base64.b64decode(raw)
    )
    alt, number = (
        options.get("fig-alt", ""),
        sum(1 for known in pages.cells[cell].setdefault("pictures", [])),
    )
    pages.cells[cell]["pictures"].append(path)
    pages.alts[path] = alt[number] if isinstance(alt, list) else alt
    told = item.get("metadata", {}).get(kind) or {}
    sizes = " ".join(
        f"{side}={told[side]}" for side in ("width", "height") if isinstance(told.get(side), int)
    )
    return f"![]({path}){{{sizes}}}" if sizes else f"![]({path})"


def check_texts(outputs: list, options: dict, origin: Cell) -> None:
    """Raises ReportError unless lists of texts have one for each picture or table, in their
    order.
    """
    shown = sum(o.output_type in ("display_data", "execute_result") for o in outputs)
    pictures = sum(bool(picture(o)) for o in outputs)
    for key, count, what in (
        ("fig-subcap", shown, "outputs"),
        ("tbl-subcap", shown, "outputs"),
        ("fig-alt", pictures, "pictures"),
    ):
        if isinstance(options.get(key), list) and len(options[key]) != count:
            raise ReportError(
                f"{origin.place}: the cell has {count} {what} but {len(options[key])} texts in "
                f"{key}; "
                "give one for each"
            )


def floated(body: list[str], outputs: list, options: dict, origin: Cell, pages: Pages) -> str:
    """Outputs as a numbered figure or table where the label asks for it, with the caption as last
    paragraph.
    """
    label = origin.label
    kind = label.split("-")[0] if re.match(r"(fig|tbl|lst)-", label) else ""
    key = {"fig": "fig", "tbl": "tbl"}.get(kind) or ("tbl" if "tbl-cap" in options else "fig")
    caption, parts = options.get(f"{key}-cap", ""), options.get(f"{key}-subcap") or []
    layout = f' layout-ncol="{options["layout-ncol"]}"' if "layout-ncol" in options else ""
    if kind and not caption and not parts:
        raise ReportError(f"{origin.place}: cell {label!r} needs {key}-cap")
    if parts and not kind:
        raise ReportError(f"{origin.place}: {key}-subcap needs a label that begins with {key}-")
    shows = [o.output_type in ("display_data", "execute_result") for o in outputs]
    if kind and (sum(shows) > 1 or parts):
        numbers = iter(range(1, len(body) + 1))
        texts = iter([*parts, *[""] * len(body)])
        body = [
            fenced_div(f"#{label}-{next(numbers)}", f"{b}\n\n{captioned(next(texts), pages)}")
            if shown
            else b
            for b, shown in zip(body, shows, strict=True)
        ]
    inner = "\n\n".join(body)
    if kind:
        return fenced_div(
            f"#{label} .cell-output-display{layout}", f"{inner}\n\n{captioned(caption, pages)}"
        )
    if caption and len(body) == 1 and picture(outputs[0]):
        return inner.replace(")", f"){{{pages.caption(caption)}}}", 1).replace("}{", " ")
    if caption:
        return f"{inner}\n\n{captioned(caption, pages)}"
    return fenced_div(f".cell-layout{layout}", inner) if layout else inner


def captioned(caption: str, pages: Pages) -> str:
    """A Div that `parse` replaces by the paragraph `caption`."""
    return fenced_div(f".caption-here {pages.caption(caption)}", "") if oneline(caption) else ""


def oneline(caption: str) -> str:
    return " ".join(str(caption).split())


def fenced_div(attributes: str, content: str) -> str:
    return f":::::: {{{attributes.strip()}}}\n{content}\n\n::::::"


def fenced_code(source: str, attributes: str = "") -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", source)), default=0))
    return f"{ticks}{f' {{{attributes}}}' if attributes else ''}\n{visible(source)}\n{ticks}"


def shortened(text: str) -> str:
    """Printed text without colour codes and overprinted lines, cut with a note where it is too
    long.
    """
    text = backspaced(ANSI.sub("", text)).rstrip("\n")
    text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    text = "\n".join(
        f"{line[:LINE]}… ({len(line) - LINE:,} more characters)" if len(line) > LINE else line
        for line in text.split("\n")
    )
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}\n… ({len(text) - LONGEST:,} more characters)"
    return text


def backspaced(text: str) -> str:
    """`text` in which each backspace has taken away the character before it on its line, as Jupyter
    shows it.
    """
    if "\b" not in text:
        return text
    kept: list[str] = []
    for c in text:
        if c != "\b":
            kept.append(c)
        elif kept and kept[-1] != "\n":
            kept.pop()
    return "".join(kept)


def visible(text: str) -> str:
    """`text` with control and direction-changing characters made visible; letters and signs of all
    languages stay.
    """
    return "".join(f"⟨U+{ord(c):04X}⟩" if is_unseen(c) else c for c in text.replace("\r\n", "\n"))


UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
KEPT = set(
    # soft hyphen, zero-width space, word joiner: harmless and used on purpose
    "\n\t\u00ad\u200b\u2060"
    # the joiners and marks of Persian, Arabic, Hebrew, Hindi and of emoji
    "\u200c\u200d\u200e\u200f\u061c"
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2"
)  # signs before and around Arabic numbers


def is_unseen(c: str) -> bool:
    """Whether a character is no letter or sign. One that this Python's Unicode does not know may be
    a new emoji.
    """
    is_none = ord(c) & 0xFFFE == 0xFFFE or "\ufdd0" <= c <= "\ufdef"
    return c not in KEPT and (unicodedata.category(c) in UNSEEN or is_none)


def metadata(options: dict, pages: Pages) -> str:
    """A YAML block with the texts that are Markdown by themselves; each is read apart from the
    others.
    """
    found: dict[str, Any] = {
        key: INLINE + oneline(options[key])
        for key in ("title", "subtitle", "abstract-title", "description", "toc-title")
        if options.get(key)
    }
    found |= {
        key: options[key] for key in ("abstract", "nocite", "link-citations") if key in options
    }
    found.setdefault("link-citations", True)
    authors = as_list(options.get("author"))
    found["author"] = [INLINE + oneline(a if isinstance(a, str) else named(a)) for a in authors]
    found["affiliation"] = [
        INLINE + oneline(text) for a in authors if isinstance(a, dict) for text in affiliations(a)
    ]
    found["captions"] = [INLINE + oneline(text) for text in pages.captions]
    return "---\n" + yaml.safe_dump({OURS: found}, allow_unicode=True, sort_keys=True) + "---\n\n"


OURS = (
    "lmreport-texts"  # other names in the document's metadata come from a block of YAML in its text
)
INLINE = pandoc_ast.INLINE


def named(author: dict) -> str:
    name = author.get("name", "")
    return (
        name
        if isinstance(name, str)
        else name.get("literal")
        or " ".join(str(name.get(k) or "") for k in ("given", "family")).strip()
    )


def affiliations(author: dict) -> list[str]:
    given = [*as_list(author.get("affiliation")), *as_list(author.get("affiliations"))]
    return [str(one.get("name", "")) if isinstance(one, dict) else str(one) for one in given]


SHORTCODE = re.compile(r"\{(\{\{+<)((?:(?!>\}\}).)*>\}\}+)\}")
ESCAPE = "\ue002"  # a character that no text has; `visible` has written it out where one had


def escaped(text: str) -> str:
    """`text` in which each `{{{< name >}}}` is what it stands for, marked as no shortcode; nor is
    what follows the `<` a tag of HTML.
    """
    return SHORTCODE.sub(rf"\1{ESCAPE}\2", text)


def without_marks(tree: list) -> list:
    """A tree in which page breaks are nodes of their own and no escaped shortcode is marked."""

    def page_break(item: dict) -> dict | None:
        if item["t"] in ("Para", "Plain") and pandoc_ast.plain(item["c"]).strip() == PAGEBREAK:
            return pandoc_ast.raw("pagebreak", "")
        return None

    def plain(one: Any) -> Any:
        if isinstance(one, str):
            return one.replace(ESCAPE, "")
        if isinstance(one, list):
            return [plain(part) for part in one]
        return {key: plain(part) for key, part in one.items()} if isinstance(one, dict) else one

    return plain(pandoc_ast.change(tree, page_break))


PAGEBREAK = "{{< pagebreak >}}"


def parse(pages: Pages, options: dict, document: Document) -> dict:
    """The document as pandoc's tree, with the captions and alternative texts in place."""
    markdown = metadata(options, pages) + pages.markdown
    got, warnings = pandoc_ast.read_with_warnings(markdown)
    refuse_doubtful(warnings, markdown.split("\n"), document)
    refuse_strangers(got, document)
    texts = got["meta"].pop(OURS)["c"]
    captions = [stripped(text)["c"] for text in texts.pop("captions")["c"]]
    for key, value in texts.items():
        got["meta"][key] = (
            {"t": "MetaList", "c": [stripped(v) for v in value["c"]]}
            if value["t"] == "MetaList"
            else stripped(value)
        )
    got["meta"] |= literal(options, pages, document)
    got["blocks"] = without_marks(
        pandoc_ast.change(got["blocks"], lambda item: with_caption(item, captions))
    )
    outputs = [
        n for n in pandoc_ast.nodes(got) if n["t"] == "Div" and "cell-output" in n["c"][0][1]
    ]
    printed = {id(inner) for div in outputs for inner in pandoc_ast.nodes(div)}
    for item in pandoc_ast.nodes(got):
        keep_clear_of_the_page(item)
        if item["t"] == "Image":
            known = pages.alts.get(item["c"][2][0])
            alt = (
                known
                or pandoc_ast.value(item["c"][0], "fig-alt")
                or pandoc_ast.value(item["c"][0], "alt")
            )
            item["c"][0] = pandoc_ast.without(item["c"][0], "fig-alt", "alt")
            if alt:
                item["c"][0][2].append(["alt", " ".join(alt.split())])
        elif item["t"] == "Code" and re.match(r"\{(python|r|julia)\}\s+\S", item["c"][1]):
            refuse_not_run(item["c"][1], document)
        elif item["t"] == "Code":  # `{{python}} x` is how Quarto's authors write about `{python} x`
            item["c"][1] = re.sub(r"^(`*)\{(\{+(?!<)[^{}]+\}+)\}", r"\1\2", item["c"][1])
        elif item["t"] == "CodeBlock" and id(item) not in printed:
            item["c"][1] = re.sub(r"(?<=[^`\n])(`+)\{(\{+(?!<)[^{}]+\}+)\}", r"\1\2", item["c"][1])
    return got


def refuse_not_run(code: str, document: Document) -> None:
    """Raises ReportError for inline code that stands where it is not run."""
    first = code.split("\n")[0]
    found = [n for n, text in enumerate(document.body, document.body_line) if first in text]
    raise ReportError(
        f"{document.name}:{found[0] if found else 1}: inline code {first!r} is not run; put it between "
        "two single backticks, with a blank or a bracket before it, or write `{{python}} …` to show it"
    )


PAGE = {"page", "content", "TOC", "toc-title"}  # identifiers of page.html


def keep_clear_of_the_page(item: dict) -> None:
    """Give a section named "Content" another identifier than the page's own element has, and links
    to it too.
    """
    attributes = pandoc_ast.attr_of(item)
    if attributes and attributes[0] in PAGE:
        attributes[0] = f"section-{attributes[0]}"
    if item["t"] == "Link" and item["c"][2][0] in {f"#{name}" for name in PAGE}:
        item["c"][2][0] = f"#section-{item['c'][2][0][1:]}"


def refuse_doubtful(warnings: list[str], lines: list[str], document: Document) -> None:
    """Raises ReportError where pandoc guesses: at a Div that is never closed, a note or an address
    given twice.
    """
    for warning in warnings:
        unclosed = re.search(r"Div at (.*?) ?line (\d+) .*unclosed", warning)
        twice = re.search(r"Duplicate (note|link) reference '(.*)' at .*?line (\d+)", warning)
        if unclosed and unclosed[1]:  # a part of the metadata
            raise ReportError(
                f"{document.name}: a caption or a text of the title block has a <div> that is "
                f"never "
                "closed; write \\<div>"
            )
        if unclosed or twice:
            place = (unclosed or twice)[2 if unclosed else 3]  # type: ignore[index]  # one of them is there
            text = lines[int(place) - 1].strip()
            found = [
                n
                for n, line in enumerate(document.body, document.body_line)
                if line.strip() == text
            ]
            end = "</div>" if text.startswith("<") else ":::"
            said = f"{text!r} is never closed; end it with {end}"
            if twice:
                said = f"the {twice[1]} {twice[2]} is given twice"
            raise ReportError(f"{document.name}:{found[-1] if found else 1}: {said}")


def refuse_strangers(got: dict, document: Document) -> None:
    """Raises ReportError for numbered examples and for a block of YAML in the text, which pandoc
    takes for options.
    """

    def line(start: str) -> int:
        found = [
            n
            for n, text in enumerate(document.body, document.body_line)
            if text.lstrip(" >").startswith(start)
        ]
        return found[0] if found else 1

    for key in got["meta"].keys() - {OURS}:
        raise ReportError(
            f"{document.name}:{line(key)}: a block of YAML in the text sets {key!r}; options stand "
            f"at "
            "the top of the document alone, and a line of --- needs a blank line after it"
        )
    for item in pandoc_ast.nodes(got["blocks"]):
        if item["t"] in ("Para", "Plain") and item["c"][:1] == [pandoc_ast.text("(@)")]:
            raise ReportError(
                f"{document.name}:{line('(@)')}: numbered examples, (@), are not supported; "
                "write 1. or a label"
            )


def stripped(value: dict) -> dict:
    """A value of the metadata without the mark in front of it."""
    marked = value["t"] == "MetaInlines" and value["c"][:1] == [pandoc_ast.text(INLINE.strip())]
    return {"t": "MetaInlines", "c": value["c"][2:]} if marked else value


def with_caption(item: dict, captions: list[list]) -> dict | None:
    """The paragraph for a Div that stands for a caption; a Figure for a picture that has one."""
    if item["t"] == "Div" and "caption-here" in item["c"][0][1]:
        return pandoc_ast.node("Para", captions[int(pandoc_ast.value(item["c"][0], "caption"))])
    if item["t"] == "Para" and len(item["c"]) == 1 and item["c"][0]["t"] == "Image":
        image = item["c"][0]
        number = pandoc_ast.value(image["c"][0], "caption")
        if number.isdigit() and int(number) < len(captions):
            words = captions[int(number)]
            image["c"] = [pandoc_ast.without(image["c"][0], "caption"), words, image["c"][2]]
            caption = [None, [pandoc_ast.node("Plain", words)]]
            return pandoc_ast.node(
                "Figure", pandoc_ast.attr(), caption, [pandoc_ast.node("Plain", [image])]
            )
    return None


def literal(options: dict, pages: Pages, document: Document) -> dict:
    """The values of the metadata that are no Markdown: names of files, the language, keywords."""

    def string(text: str) -> dict:
        return {"t": "MetaString", "c": oneline(text)}

    found = {
        "lang": string(options.get("lang") or "en"),
        "keywords": {"t": "MetaList", "c": [string(k) for k in as_list(options.get("keywords"))]},
        "bibliography": {
            "t": "MetaList",
            "c": [
                string(borrowed(document, name, pages.folder))
                for name in as_list(options.get("bibliography"))
            ],
        },
    }
    if not options.get("title"):
        found["pagetitle"] = string(document.path.stem)
    if options.get("csl"):
        found["csl"] = string(borrowed(document, options["csl"], pages.folder))
    return found


def borrowed(document: Document, name: str, folder: Path) -> str:
    """A copy of a file of the project for pandoc, which takes some names for addresses or
    patterns.
    """
    for place in (document.root, document.path.parent):
        if (place / name).is_file():
            copy = (
                folder / f"{contents_of(name)}-{re.sub(r'[^A-Za-z0-9_.-]', '-', Path(name).name)}"
            )
            shutil.copy(place / name, copy)
            return str(copy)
    raise ReportError(f"{document.name}: bibliography {name!r} does not exist")


def contents_of(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
