"""The executed notebook as one Markdown text with its pictures."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from lmreport.core import fonts
from lmreport.core.errors import ReportError
from lmreport.render import pictures, source
from lmreport.render.cell_outputs import ANSI
from lmreport.render.lines import Cell, Line
from lmreport.render.pipe_tables import refuse_cut_rows

LONGEST = 20_000  # characters of one printed output; longer ones are cut with a note
CAPTION = "lmreport-caption"  # an attribute
LINE = 2_000  # characters of one printed line
MORE_TABLES = ", and each table to display(…), as a cell by itself shows its last value alone"
MORE_PICTURES = ", and end each picture with plt.show(), as all that is drawn before is one"
PICTURES = {
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
}
FLAG = r"([A-Za-z][\w-]*):[ ](true|false)\n"
FLAGS = re.compile(rf"---\n(?:{FLAG})+---\s*")
DRAWN = re.compile(  # objects that a cell drew, alone or in a list, tuple or dict
    r"<.*>$|Text\([-\d]"
    r"|(array\()?[(\[{].*?(?<!['\"])"
    r"(<(matplotlib|mpl_toolkits|seaborn)\.|<\w*(Axes|Figure|Container)\w*[ :]|Text\([-\d])",
    re.DOTALL,
)
LIMITS = re.compile(
    r"\.(axis|margins|set|(set_|get_)?[cxyz]lim\w*)\(.*\)$"
)  # shows how far axes go


@dataclass
class Pages:
    """Markdown of the whole document; `cells` are the options of the cells, by the number in their
    `cell` attribute.

    alts: alternative text by picture path; captions: Markdown, by the number in a `CAPTION`
    attribute; flags: what cells say of the document, for the conditions `when-meta`; printed: lines
    of Markdown that cells give, with the cell's place as their file;
    folder: where the pictures lie.
    """

    folder: Path
    markdown: str = ""
    cells: list[dict] = field(default_factory=list)
    alts: dict[str, str] = field(default_factory=dict)
    captions: list[str] = field(default_factory=list)
    flags: dict[str, bool] = field(default_factory=dict)
    printed: list[Line] = field(default_factory=list)

    def caption(self, text: str) -> str:
        """The attribute that stands for the caption `text`. Inside the Markdown it could be read as
        a list.
        """
        self.captions.append(text)
        return f'{CAPTION}="{len(self.captions) - 1}"'

    def as_it_is(self, source: list[str], outputs: list[str]) -> str:
        """A cell with `output: asis`, which stands in no Div of its own."""
        return "\n\n".join(source + outputs)

    def printed_part(self, markdown: str) -> str:
        """What such a cell prints, which stands in no Div either."""
        return markdown

    def check(self, markdown: str, cell: int) -> None:
        """Raises ReportError for Markdown from a cell of which something would be lost; it is noted
        in `printed`. cell: its number in `cells`.
        """
        place = self.cells[cell]["place"]
        refuse_cut_rows(markdown, [place])
        lines = [Line(text, place, n) for n, text in enumerate(markdown.split("\n"))]
        try:
            list(source.prose(lines))
        except ReportError as error:
            raise ReportError(f"{place}: in what this cell shows, {told(error)}") from None
        self.printed += lines

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


def told(error: ReportError) -> str:
    """What a message says, without its place."""
    return str(error).partition(": ")[2]


def assemble(nb: NotebookNode, folder: Path, execute: dict) -> Pages:
    """Join the cells of the executed notebook into Markdown; pictures are written to
    `folder`/figures.
    """
    pages = Pages(folder)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    parts = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            refuse_cut_rows(cell.source, [line.place for line in cell.metadata.report.lines])
            parts.append(marked(cell.source))
        else:
            parts.append(
                code_cell(cell, pages, {"echo": True, "output": True, "warning": True, **execute})
            )
    pages.markdown = "\n\n".join(parts) + "\n"
    return pages


def code_cell(cell: NotebookNode, pages: Pages, execute: dict) -> str:
    """A cell of code as Markdown: its source and its outputs, as far as they are shown.

    execute: the document's options, which the cell's own replace; these are noted in `pages`.
    """
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
    if options["output"] is not False:
        for item in outputs:
            pages.flags |= flags(item)
        outputs = [item for item in outputs if not flags(item)]
    if options["output"] is not False and outputs:
        check_texts(outputs, options, origin)
        body = [output(o, number, i, options, pages) for i, o in enumerate(outputs, 1)]
        if options["output"] == "asis" and not is_captioned(options, origin):
            return pages.as_it_is(parts, body)
        parts.append(floated(body, outputs, options, origin, pages))
    if not parts:
        return ""
    classes = options.get("classes") or []
    extra = "".join(
        f" .{c.lstrip('.')}" for c in ([classes] if isinstance(classes, str) else classes)
    )
    identifier = options.get("id") or (f"cell-{origin.label}" if origin.label else "")
    return fenced_div(f"{'#' + identifier if identifier else ''} .cell{extra}", "\n\n".join(parts))


def is_captioned(options: dict, origin: Cell) -> bool:
    """Whether what a cell shows is a figure or table with a number or caption."""
    return re.match("(fig|tbl)-", origin.label) is not None or any(
        options.get(key) for key in ("fig-cap", "tbl-cap", "fig-subcap", "tbl-subcap")
    )


def echoed(cell: NotebookNode, options: dict, source: str, number: int) -> str:
    """The source of a cell as a block of code, with `echo: fenced` together with its fence; number:
    the cell's place in `Pages.cells`.
    """
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
    objects, no blanks alone.
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
            code = cell.metadata.report.code.rstrip()
            told = DRAWN.match(text) or text[0:1] in ("(", "[") and LIMITS.search(code)
            if pictures and told or text.startswith(("[<matplotlib", "<matplotlib")):
                continue
        if (
            kept
            and item.output_type == "stream" == kept[-1].output_type
            and item.name == kept[-1].name
        ):
            kept[-1] = NotebookNode(kept[-1] | {"text": kept[-1].text + item.text})
            continue
        kept.append(item)
    return [item for item in kept if not is_blank(item)]


def is_blank(item: NotebookNode) -> bool:
    """Whether nothing is seen of what was printed, as where a progress bar ends its line."""
    return item.output_type == "stream" and not shortened(item.text).strip()


def flags(item: NotebookNode) -> dict[str, bool]:
    """What an output says of the document for its conditions `when-meta`: it is Markdown, and that
    a block of YAML with names that are true or false; {} of any other output.
    """
    text = item.get("data", {}).get("text/markdown", "")
    if not FLAGS.fullmatch(text):
        return {}
    return {name: value == "true" for name, value in re.findall(FLAG, text)}


def picture(item: NotebookNode) -> str:
    """The picture type of an output, "" where it is none."""
    data = item.get("data", {})
    return "" if "text/markdown" in data else next((kind for kind in PICTURES if kind in data), "")


def output(item: NotebookNode, cell: int, index: int, options: dict, pages: Pages) -> str:
    """One output as Markdown, a picture as a file in the folder of `pages` too. Raises ReportError
    for one that is no Markdown, text or picture.

    cell: its place in `pages.cells`; index: that of the output in the cell, from 1.
    """
    if item.output_type == "stream":
        if options["output"] == "asis" and item.name == "stdout":
            pages.check(item.text, cell)
            return pages.printed_part(with_breaks(visible(item.text)))
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
        pages.check(data["text/markdown"], cell)
        asis = ".asis " if options["output"] == "asis" else ""
        return fenced_div(
            f"{asis}.cell-output .cell-output-display .cell-output-markdown",
            with_breaks(visible(data["text/markdown"])),
        )
    if set(data) == {"text/plain"}:
        return fenced_div(
            ".cell-output .cell-output-display", fenced_code(shortened(data["text/plain"]))
        )
    kinds = ", ".join(sorted(data))
    if "widget" in kinds:
        raise ReportError(
            f"{pages.cells[cell]['place']}: this cell shows a widget, such as a bar of progress, which "
            "lives in a running notebook alone; write #| output: false above the cell, or print text, "
            "as the bars of `from tqdm import tqdm` are"
        )
    if "javascript" in kinds:
        raise ReportError(
            f"{pages.cells[cell]['place']}: this cell shows a script, which the PDF and the notebook "
            "cannot; with matplotlib, leave out %matplotlib notebook"
        )
    reason = " (HTML would need scripts from elsewhere and cannot go into the PDF)"
    raise ReportError(
        f"{pages.cells[cell]['place']}: an output of this cell is {kinds}; print Markdown, text or "
        f"a picture instead{reason * ('text/html' in data)}"
    )


def image(item: NotebookNode, kind: str, cell: int, index: int, options: dict, pages: Pages) -> str:
    """The picture of an output, written to the folder of `pages`; a size that IPython was told is
    kept. Raises ReportError for bytes that are no picture.
    """
    path = pages.picture(str(options.get("label") or f"cell-{cell + 1}"), index, PICTURES[kind])
    raw = item.data[kind]
    (pages.folder / path).write_bytes(
        raw.encode() if kind == "image/svg+xml" else base64.b64decode(raw)
    )
    if kind != "image/svg+xml" and not pictures.is_readable(pages.folder / path):
        raise ReportError(
            f"{pages.cells[cell]['place']}: this cell shows {kind} that cannot be read as a picture"
        )
    alt, number = (
        options.get("fig-alt", ""),
        sum(1 for known in pages.cells[cell].setdefault("pictures", [])),
    )
    pages.cells[cell]["pictures"].append(path)
    pages.alts[path] = alt[number] if isinstance(alt, list) else alt
    metadata = item.get("metadata", {}).get(kind) or {}
    sizes = " ".join(
        f"{side}={metadata[side]}"
        for side in ("width", "height")
        if isinstance(metadata.get(side), int)
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
        texts = options.get(key)
        if isinstance(texts, list) and len(texts) != count:
            remedy = "give one for each"
            if count < len(texts):
                remedy += MORE_TABLES if key == "tbl-subcap" else MORE_PICTURES
            raise ReportError(
                f"{origin.place}: the cell has {count} {what} but {len(texts)} texts in {key}; {remedy}"
            )


def floated(body: list[str], outputs: list, options: dict, origin: Cell, pages: Pages) -> str:
    """Outputs as a numbered figure or table where the label asks for it, with the caption as last
    paragraph. Raises ReportError where a label lacks its caption, or captions of parts their label.
    """
    label = origin.label
    kind = label.split("-")[0] if re.match(r"(fig|tbl|lst)-", label) else ""
    key = {"fig": "fig", "tbl": "tbl"}.get(kind) or ("tbl" if "tbl-cap" in options else "fig")
    caption, parts = options.get(f"{key}-cap", ""), options.get(f"{key}-subcap") or []
    shows = [o.output_type in ("display_data", "execute_result") for o in outputs]
    if parts == "true":
        parts = [""] * sum(shows)
    refuse_lost_captions(options, kind, origin)
    layout = f' layout-ncol="{options["layout-ncol"]}"' if "layout-ncol" in options else ""
    if kind == "lst" and not caption and options.get("lst-cap"):
        raise ReportError(
            f"{origin.place}: a listing is labelled by lst-label; leave label: {label} out, or give it "
            "another name"
        )
    if kind and not caption and not parts:
        other = {"fig": "tbl-cap", "tbl": "fig-cap"}[key]
        hint = f" in place of {other}" * bool(options.get(other))
        raise ReportError(f"{origin.place}: cell {label!r} needs {key}-cap{hint}")
    if kind and (parts or sum(shows) > 1 and kind != "tbl"):  # tables have parts by their captions
        numbers = iter(range(1, len(body) + 1))
        texts = iter([*parts, *[""] * len(body)])
        body = [
            fenced_div(f"#{label}-{next(numbers)}", f"{b}\n\n{captioned(next(texts), pages)}")
            if shown
            else b
            for b, shown in zip(body, shows, strict=True)
        ]
    if kind and any(shows):  # what is printed before or after a table or figure is no part of it
        first, end = shows.index(True), len(shows) - shows[::-1].index(True)
        inner = "\n\n".join([*body[first:end], captioned(caption, pages)])
        numbered = fenced_div(f"#{label} .cell-output-display{layout}", inner)
        return "\n\n".join([*body[:first], numbered, *body[end:]])
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


def refuse_lost_captions(options: dict, kind: str, origin: Cell) -> None:
    """Raises ReportError for captions of parts without a label of their kind, and for two captions
    of one cell. kind: that of its label.
    """
    for key in ("fig", "tbl"):
        if options.get(f"{key}-subcap") and kind != key:
            raise ReportError(f"{origin.place}: {key}-subcap needs a label that begins with {key}-")
    if options.get("fig-cap") and options.get("tbl-cap"):
        raise ReportError(
            f"{origin.place}: the cell has fig-cap and tbl-cap, of which one would be lost; make two "
            "cells, or leave one out"
        )


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
    text = text.replace("\r\n", "\n")
    unseen = set(filter(is_unseen, set(text)))
    return "".join(fonts.mark(c) if c in unseen else c for c in text) if unseen else text


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


SHORTCODE = re.compile(r"\{(\{\{+<)((?:(?!>\}\}).)*>\}\}+)\}")
ESCAPE = "\ue002"  # a character that no text has; `visible` has written it out where one had


BREAK = "\ue003"  # another one


def marked(text: str) -> str:
    """A text of the document in which shortcodes are marked for what they are."""
    return with_breaks(escaped(visible(text)))


def with_breaks(text: str) -> str:
    """`text` in which each page break is marked, so that nothing else that reads like one is one;
    nor is what follows its `<` a tag of HTML.
    """
    return source.BREAK.sub(rf"\1{BREAK}", text)


def escaped(text: str) -> str:
    """`text` in which each `{{{< name >}}}` is what it stands for, marked as no shortcode; nor is
    what follows the `<` a tag of HTML.
    """
    return SHORTCODE.sub(rf"\1{ESCAPE}\2", text)
