"""The executed notebook as one Markdown text with its pictures, and that text as pandoc's tree."""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lmreport.errors import ReportError
from lmreport.render import tree
from lmreport.render.execute import ANSI

LONGEST = 20_000  # characters of one printed output; longer ones are cut with a note
LINE = 2_000  # characters of one printed line
PICTURES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}
ARTIST = re.compile(r"^[<(\[].*[>)\]]$|^Text\([-\d]|^\{.*<matplotlib\.", re.DOTALL)


@dataclass
class Pages:
    """Markdown of the whole document; `cells` are the options of the cells, by the number in their `cell` attribute.

    alts: alternative text by picture path; folder: where the pictures lie.
    """

    folder: Path
    markdown: str = ""
    cells: list[dict] = field(default_factory=list)
    alts: dict[str, str] = field(default_factory=dict)


def assemble(nb, folder: Path, execute: dict) -> Pages:
    """Join the cells of the executed notebook into Markdown; pictures are written to `folder`/figures."""
    pages = Pages(folder)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    parts = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            parts.append(visible(cell.source))
        else:
            parts.append(code_cell(cell, pages, {"echo": True, "output": True, "warning": True, **execute}))
    pages.markdown = "\n\n".join(parts) + "\n"
    return pages


def code_cell(cell, pages: Pages, execute: dict) -> str:
    origin = cell.metadata.report
    options = {k: execute[k] for k in ("echo", "output", "warning", "include") if k in execute} | origin.options
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
        body = [output(o, number, i, options, pages) for i, o in enumerate(outputs, 1)]
        if options["output"] == "asis":
            return "\n\n".join(parts + body)
        parts.append(floated(body, outputs, options, origin))
    if not parts:
        return ""
    classes = options.get("classes") or []
    extra = "".join(f" .{c.lstrip('.')}" for c in ([classes] if isinstance(classes, str) else classes))
    identifier = options.get("id") or (f"cell-{origin.label}" if origin.label else "")
    return fenced_div(f"{'#' + identifier if identifier else ''} .cell{extra}", "\n\n".join(parts))


def echoed(cell, options: dict, source: str, number: int) -> str:
    if options["echo"] == "fenced":
        kept = "\n".join(line for line in cell.source.splitlines() if not re.match(r"#\|\s*echo:\s*fenced", line))
        return fenced_code(f"````{{python}}\n{kept}\n````".replace("````", "```"), ".cell-code")
    label = f"#{options['lst-label'].lstrip('#')} " if options.get("lst-label") else ""
    return fenced_code(source, f'{label}.python .cell-code cell="{number}"')


def printed(cell, options: dict) -> list:
    """The outputs that are shown: no stderr with `warning: false`, no names of matplotlib objects."""
    kept = []
    pictures = any(picture(o) for o in cell.outputs)
    for item in cell.outputs:
        if item.output_type == "stream" and item.name == "stderr" and options.get("warning") is False:
            continue
        if item.output_type == "execute_result" and set(item.data) == {"text/plain"}:
            text = item.data["text/plain"].strip()
            if pictures and ARTIST.match(text) or text.startswith(("[<matplotlib", "<matplotlib")):
                continue
        if kept and item.output_type == "stream" == kept[-1].output_type and item.name == kept[-1].name:
            kept[-1].text += item.text
            continue
        kept.append(item)
    return kept


def picture(item) -> str:
    """The picture type of an output, "" where it is none."""
    data = item.get("data", {})
    return "" if "text/markdown" in data else next((kind for kind in PICTURES if kind in data), "")


def output(item, cell: int, index: int, options: dict, pages: Pages) -> str:
    if item.output_type == "stream":
        if options["output"] == "asis" and item.name == "stdout":
            return visible(item.text)
        return fenced_div(f".cell-output .cell-output-{item.name}", fenced_code(shortened(item.text)))
    if item.output_type == "error":
        trace = "\n".join(item.traceback)
        text = f"{item.ename}: {item.evalue}" + ("\n" + trace if trace else "")
        return fenced_div(".cell-output .cell-output-error", fenced_code(shortened(text)))
    data = item.get("data", {})
    kind = picture(item)
    if kind:
        name = str(options.get("label") or f"cell-{cell + 1}")
        path = f"figures/{re.sub(r'[^A-Za-z0-9_-]', '-', name)}-{index}.{PICTURES[kind]}"
        raw = data[kind]
        content = raw.encode() if kind == "image/svg+xml" else base64.b64decode(raw)
        (pages.folder / path).write_bytes(content)
        alt = options.get("fig-alt", "")
        pages.alts[path] = (alt[index - 1] if index <= len(alt) else "") if isinstance(alt, list) else alt
        return f"![]({path})"
    if "text/markdown" in data:
        return fenced_div(".cell-output .cell-output-display .cell-output-markdown", visible(data["text/markdown"]))
    if "text/plain" in data and not {"text/html", "text/latex", "application/javascript"} & set(data):
        return fenced_div(".cell-output .cell-output-display", fenced_code(shortened(data["text/plain"])))
    kinds = ", ".join(sorted(data))
    raise ReportError(f"{pages.cells[cell]['place']}: an output of this cell is {kinds}; print Markdown, text or "
                      "a picture instead (HTML would need scripts from elsewhere and cannot go into the PDF)")


def floated(body: list[str], outputs: list, options: dict, origin) -> str:
    """Outputs as a numbered figure or table where the label asks for it, with the caption as last paragraph."""
    label = origin.label
    kind = label.split("-")[0] if re.match(r"(fig|tbl|lst)-", label) else ""
    key = {"fig": "fig", "tbl": "tbl"}.get(kind) or ("tbl" if "tbl-cap" in options else "fig")
    caption, parts = options.get(f"{key}-cap", ""), options.get(f"{key}-subcap") or []
    if isinstance(caption, list):
        caption, parts = "", caption
    layout = f' layout-ncol="{options["layout-ncol"]}"' if "layout-ncol" in options else ""
    if kind and not caption and not parts:
        raise ReportError(f"{origin.place}: cell {label!r} needs {key}-cap")
    shows = [o.output_type in ("display_data", "execute_result") for o in outputs]
    if kind and sum(shows) > 1:
        numbers = iter(range(1, len(body) + 1))
        texts = iter([*parts, *[""] * len(body)])
        body = [fenced_div(f"#{label}-{next(numbers)}", f"{b}\n\n{oneline(next(texts))}") if shown else b
                for b, shown in zip(body, shows, strict=True)]
    inner = "\n\n".join(body)
    if kind:
        return fenced_div(f"#{label} .cell-output-display{layout}", f"{inner}\n\n{oneline(caption)}")
    if caption and len(body) == 1 and picture(outputs[0]):
        return inner.replace("![]", f"![{oneline(caption)}]", 1)
    if caption:
        return f"{inner}\n\n{oneline(caption)}"
    return fenced_div(f".cell-layout{layout}", inner) if layout else inner


def oneline(caption: str) -> str:
    return " ".join(str(caption).split())


def fenced_div(attributes: str, content: str) -> str:
    return f":::::: {{{attributes.strip()}}}\n{content}\n\n::::::"


def fenced_code(source: str, attributes: str = "") -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", source)), default=0))
    return f"{ticks}{f' {{{attributes}}}' if attributes else ''}\n{visible(source)}\n{ticks}"


def shortened(text: str) -> str:
    """Printed text without colour codes and overprinted lines, cut with a note where it is too long."""
    text = ANSI.sub("", text).rstrip("\n")
    text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    text = "\n".join(f"{line[:LINE]}… ({len(line) - LINE:,} more characters)" if len(line) > LINE else line
                     for line in text.split("\n"))
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}\n… ({len(text) - LONGEST:,} more characters)"
    return text


def visible(text: str) -> str:
    """`text` with control and direction-changing characters made visible."""
    return "".join(f"⟨U+{ord(c):04X}⟩" if c not in "\n\t" and unicodedata.category(c) in UNSEEN and c not in KEPT else c
                   for c in text.replace("\r\n", "\n"))


UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
KEPT = "\u00ad\u200b\u200d\u2060"  # soft hyphen, zero-width space, joiner, word joiner: harmless and used on purpose


def metadata(options: dict, document) -> str:
    """A YAML block with what pandoc itself needs: title block, bibliography, language."""
    kept = ("title subtitle abstract abstract-title keywords description lang toc-title csl link-citations "
            "nocite").split()
    found = {key: options[key] for key in kept if key in options}
    authors = options.get("author") or []
    authors = authors if isinstance(authors, list) else [authors]
    found["author"] = [a if isinstance(a, str) else named(a) for a in authors]
    found["affiliation"] = [a.get("affiliation", "") for a in authors if isinstance(a, dict) and a.get("affiliation")]
    files = options.get("bibliography") or []
    found["bibliography"] = [bibliography(document, f) for f in ([files] if isinstance(files, str) else files)]
    if "csl" in found:
        found["csl"] = bibliography(document, found["csl"])
    return "---\n" + yaml.safe_dump(found, allow_unicode=True, sort_keys=True) + "---\n\n"


def named(author: dict) -> str:
    name = author.get("name", "")
    return name if isinstance(name, str) else " ".join(str(name.get(k, "")) for k in ("given", "family")).strip()


def bibliography(document, name: str) -> str:
    for folder in (document.root, document.path.parent):
        if (folder / name).is_file():
            return str(folder / name)
    raise ReportError(f"{document.name}: bibliography {name!r} does not exist")


def parse(pages: Pages, options: dict, document) -> dict:
    """The document as pandoc's tree, with the alternative texts of its pictures in place."""
    got = tree.read_markdown(metadata(options, document) + pages.markdown)
    for item in tree.nodes(got["blocks"]):
        if item["t"] == "Image":
            known = pages.alts.get(item["c"][2][0])
            alt = known or tree.value(item["c"][0], "fig-alt") or tree.value(item["c"][0], "alt")
            item["c"][0] = tree.without(item["c"][0], "fig-alt", "alt")
            if alt:
                item["c"][0][2].append(["alt", " ".join(alt.split())])
    return got
