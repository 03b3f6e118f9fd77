"""The Markdown text of a document as pandoc's tree."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from lmreport.core.errors import ReportError
from lmreport.render import assemble, bibliography, footnotes, lost, pandoc_ast, source
from lmreport.render.lines import masked
from lmreport.render.project import Document, as_list


def metadata(options: dict, pages: assemble.Pages) -> str:
    """A YAML block with the texts that are Markdown by themselves; each is read apart from the
    others.
    """
    entries: dict[str, Any] = {
        key: inline(options[key])
        for key in ("title", "subtitle", "abstract-title", "description", "toc-title")
        if options.get(key)
    }
    entries |= {
        key: options[key]
        for key in ("abstract", "nocite", "link-citations")
        if options.get(key) not in (None, "")
    }
    if isinstance(entries.get("abstract"), str):
        text = assemble.escaped(entries["abstract"]).rstrip("\n")
        entries["abstract"] = text + "\n" * ("\n" in text)  # so that pandoc reads lists in it
    entries.setdefault("link-citations", True)
    authors = as_list(options.get("author"))
    entries["author"] = [inline(named(a)) for a in authors]
    entries["affiliation"] = [
        inline(text) for a in authors if isinstance(a, dict) for text in affiliations(a)
    ]
    entries["captions"] = [inline(text) for text in pages.captions]
    return "---\n" + yaml.safe_dump({OURS: entries}, allow_unicode=True, sort_keys=True) + "---\n\n"


OURS = (
    "lmreport-texts"  # other names in the document's metadata come from a block of YAML in its text
)
INLINE = pandoc_ast.INLINE


def inline(text: object) -> str:
    """A text of one line that is Markdown, whatever it begins with."""
    return INLINE + assemble.escaped(assemble.oneline(str(text)))


def named(author: str | dict) -> str:
    name = author if isinstance(author, str) else author.get("name", "")
    return (
        name
        if isinstance(name, str)
        else name.get("literal")
        or " ".join(str(name.get(k) or "") for k in ("given", "family")).strip()
    )


def affiliations(author: dict) -> list[str]:
    given = [*as_list(author.get("affiliation")), *as_list(author.get("affiliations"))]
    return [str(one.get("name", "")) if isinstance(one, dict) else str(one) for one in given]


def without_marks(tree: Any) -> Any:
    """A tree in which page breaks are nodes of their own and no shortcode is marked."""

    def page_break(item: dict) -> dict | None:
        is_text = item["t"] in ("Para", "Plain")
        if is_text and PAGEBREAK.fullmatch(pandoc_ast.plain(item["c"]).strip()):
            return pandoc_ast.raw("pagebreak", "")
        return None

    def plain(one: Any) -> Any:
        if isinstance(one, str):
            return one.replace(assemble.ESCAPE, "").replace(assemble.BREAK, "")
        if isinstance(one, list):
            return [plain(part) for part in one]
        return {key: plain(part) for key, part in one.items()} if isinstance(one, dict) else one

    return plain(pandoc_ast.change(tree, page_break))


PAGEBREAK = re.compile(rf"\{{\{{<{assemble.BREAK} *pagebreak *>\}}\}}")


def parse(pages: assemble.Pages, options: dict, document: Document) -> dict:
    """The document as pandoc's tree, with the captions and alternative texts in place."""
    markdown = metadata(options, pages) + pages.markdown
    got, warnings = pandoc_ast.read_with_warnings(markdown)
    refuse_doubtful(warnings, markdown, document)
    read = got if not footnotes.as_text(got) else unescaped(options, pages)
    footnotes.refuse_lost(read["blocks"], warnings, document)
    refuse_strangers(got, document)
    texts = got["meta"].pop(OURS)["c"]
    captions = [stripped(text)["c"] for text in texts.pop("captions")["c"]]
    for key, value in texts.items():
        got["meta"][key] = (
            {"t": "MetaList", "c": [stripped(v) for v in value["c"]]}
            if value["t"] == "MetaList"
            else stripped(value)
        )
    lost.refuse(got["meta"], lambda pattern, **_: source.place_above(document, pattern))
    refuse_in_title_block(got["meta"], read["meta"], document)
    got["meta"] |= literal(options, pages, document)
    bibliography.refuse_two_sources(got, document, options)
    got["blocks"] = pandoc_ast.change(got["blocks"], lambda item: with_caption(item, captions))
    got |= {part: without_marks(got[part]) for part in ("meta", "blocks")}
    outputs = [
        n for n in pandoc_ast.nodes(got) if n["t"] == "Div" and "cell-output" in n["c"][0][1]
    ]
    printed = {id(inner) for div in outputs for inner in pandoc_ast.nodes(div)}
    taken = PAGE | ({"refs"} if options.get("bibliography") else set())
    for item in pandoc_ast.nodes(got):
        keep_clear_of_the_page(item, taken)
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
    language = first.partition("}")[0] + "}"
    remedy = "put it between two single backticks, with a blank or a bracket before it, or"
    if language != "{python}":
        remedy = "write it in Python, `{python} …`, or"
    raise ReportError(
        f"{source.place_in(document, lambda text: first in text)}: inline code {first!r} is not run; "
        f"{remedy} write `{{{language}}} …` to show it"
    )


PAGE = {"page", "content", "TOC", "toc-title"}  # identifiers of page.html


def keep_clear_of_the_page(item: dict, taken: set[str]) -> None:
    """Give a section named "Content" another identifier than the page's own element has, one of those
    `taken`, and links to it too.
    """
    attributes = pandoc_ast.attr_of(item)
    if attributes and attributes[0] in taken and (item["t"] == "Header" or attributes[0] in PAGE):
        attributes[0] = f"section-{attributes[0]}"
    if item["t"] == "Link" and item["c"][2][0] in {f"#{name}" for name in PAGE}:
        item["c"][2][0] = f"#section-{item['c'][2][0][1:]}"


def lead_from_root(tree: object, document: Document) -> None:
    """Write the addresses of links that begin with / from the document's folder: they are meant from
    the project's, as in Quarto, and a page may lie in any folder.
    """
    up = "../" * (len(Path(document.name).parts) - 1) or "./"
    for item in pandoc_ast.nodes(tree):
        if item["t"] == "Link" and re.match(r"/(?!/)", item["c"][2][0]):
            item["c"][2][0] = up + item["c"][2][0][1:]


def refuse_doubtful(warnings: list[str], markdown: str, document: Document) -> None:
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
            text = markdown.split("\n")[int(place) - 1].strip()
            line_numbers = [
                n
                for n, line in enumerate(document.body, document.body_line)
                if line.strip() == text
            ]
            end = "</div>" if text.startswith("<") else ":::"
            if unclosed:
                refuse_open_element(warnings, markdown, document)
            said = f"{text!r} is never closed; end it with {end}"
            if twice:
                said = f"the {twice[1]} {twice[2]} is given twice; rename or delete one"
            raise ReportError(f"{document.name}:{line_numbers[-1] if line_numbers else 1}: {said}")


def refuse_open_element(warnings: list[str], markdown: str, document: Document) -> None:
    """Raises ReportError for the first element of HTML in a Div that is not closed: pandoc reads on to
    the end of the document behind it, so that the Div does not end.
    """
    lines = source.prose(source.lines_for_all(document))
    tags = [(tag, line.place) for line in lines for tag in lost.TAG.finditer(masked(line.text))]
    places = {tag[0]: place for tag, place in reversed(tags)}  # the first of each
    for written, name in dict.fromkeys((tag[0], tag[2].lower()) for tag, _ in tags if not tag[1]):
        closed = f"{written[:-1].rstrip()}/>"
        _, left = pandoc_ast.read_with_warnings(markdown.replace(written, closed))
        if name != "div" and unended(left) < unended(warnings):
            remedy = f"write {closed}" if name in lost.UNCLOSED else f"end it with </{name}>"
            remedy = "write *** between blank lines" if name == "hr" else remedy
            raise ReportError(
                f"{places[written]}: behind {written} the Div around it would never end; {remedy}"
            )


def unended(warnings: list[str]) -> int:
    """How many Divs these warnings of pandoc say are not closed."""
    return sum("unclosed" in warning for warning in warnings)


def unescaped(options: dict, pages: assemble.Pages) -> dict:
    """The document as pandoc's tree, in which "[^1]" is text only where a note is meant."""
    markdown, captions = footnotes.unescaped([pages.markdown, pages.captions])
    others = replace(pages, markdown=markdown, captions=captions)
    return pandoc_ast.read_markdown(metadata(footnotes.unescaped(options), others) + markdown)


def refuse_in_title_block(meta: dict, read: dict, document: Document) -> None:
    """Raises ReportError for a picture or a note of the text in the title block `meta`; read: the
    same without escaped notes.
    """
    for item in (node for node in pandoc_ast.nodes(meta) if node["t"] == "Image"):
        raise ReportError(
            f"{source.place_above(document, re.escape(item['c'][2][0]))}: a picture in the title block "
            "is not supported; put it into the text"
        )
    for key in sorted(footnotes.as_text(meta) & footnotes.as_text(read)):
        raise ReportError(
            f"{source.place_above(document, re.escape(f'[^{key}]'))}: the note [^{key}] is not known "
            "in the title block; write its text there, ^[…]"
        )


def refuse_strangers(got: dict, document: Document) -> None:
    """Raises ReportError for numbered examples and for a block of YAML in the text, which pandoc
    takes for options.
    """

    def line(start: str) -> int:
        line_numbers = [
            n
            for n, text in enumerate(document.body, document.body_line)
            if text.lstrip(" >").startswith(start)
        ]
        return line_numbers[0] if line_numbers else 1

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
        number = pandoc_ast.value(item["c"][0], assemble.CAPTION)
        is_ours = number.isdigit() and int(number) < len(captions)
        return pandoc_ast.node("Para", captions[int(number)]) if is_ours else None
    if item["t"] == "Para" and len(item["c"]) == 1 and item["c"][0]["t"] == "Image":
        image = item["c"][0]
        number = pandoc_ast.value(image["c"][0], assemble.CAPTION)
        if number.isdigit() and int(number) < len(captions):
            words = captions[int(number)]
            image["c"] = [pandoc_ast.without(image["c"][0], assemble.CAPTION), words, image["c"][2]]
            caption = [None, [pandoc_ast.node("Plain", words)]]
            return pandoc_ast.node(
                "Figure", pandoc_ast.attr(), caption, [pandoc_ast.node("Plain", [image])]
            )
    if item["t"] == "Para" and [one["t"] for one in item["c"]] == ["Link"]:
        image, *others = item["c"][0]["c"][1] or [{"t": ""}]
        if image["t"] == "Image" and image["c"][1] and not others:  # a figure in Quarto too
            caption = [None, [pandoc_ast.node("Plain", image["c"][1])]]
            content = [pandoc_ast.node("Plain", item["c"])]
            return pandoc_ast.node("Figure", pandoc_ast.attr(), caption, content)
    return None


def literal(options: dict, pages: assemble.Pages, document: Document) -> dict:
    """The values of the metadata that are no Markdown: names of files, the language, keywords."""

    def string(text: str) -> dict:
        return {"t": "MetaString", "c": assemble.oneline(text)}

    entries = {
        "lang": string(options.get("lang") or "en"),
        "keywords": {"t": "MetaList", "c": [string(k) for k in as_list(options.get("keywords"))]},
        "bibliography": {
            "t": "MetaList",
            "c": [
                string(bibliography.borrowed(document, name, pages.folder))
                for name in as_list(options.get("bibliography"))
            ],
        },
    }
    if not options.get("title"):
        entries["pagetitle"] = string(document.path.stem)
    if options.get("csl"):
        entries["csl"] = string(
            bibliography.borrowed(document, options["csl"], pages.folder, "csl")
        )
    return entries
