"""Which options a project or a document may have, and what to do about any other."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator

import yaml

from lmreport.core import strict_yaml
from lmreport.core.errors import ReportError
from lmreport.render import dates, kernel, paper

FORMATS = ("html", "typst")
METADATA = set(
    "title subtitle author date date-format abstract abstract-title keywords "
    "description "
    "subject lang google-scholar canonical-url".split()
)
REMEDIES = {  # for options that are not known
    "pdf": "the PDF is made by typst; write typst",
    "references": "write the sources into a file that bibliography names",
    "cache": "outputs are kept until something changes; leave it out",
    "bibliographystyle": "write csl and the name of a .csl file",
    "geometry": "write margin, with x: 2cm and y: 2cm below it",
    "params": "set them in a cell with the option tags: [parameters]",
    **dict.fromkeys(  # options of Quarto that look like others
        "image-height image-width include-after include-before-body self-contained-math to "
        "cap-location description-meta pointsize".split(),
        "leave it out, or render with Quarto",
    ),
    "affiliation-url": "leave it out",
    **dict.fromkeys(
        ("affiliation", "affiliations", "institute"),
        "write each author's own below author: name and affiliation",
    ),
}
UNSHOWN = set("categories citation copyright date-modified license".split())  # on Quarto's page
OPTIONS = METADATA | set(
    """
    number-sections number-depth toc toc-depth toc-title citeproc bibliography csl link-citations nocite execute format
    jupyter filters embed-resources self-contained html-math-method code-fold code-summary code-copy code-overflow
    anchor-sections highlight-style syntax-highlighting theme page-layout toc-location toc-expand smooth-scroll
    link-external-newwindow respect-user-color-scheme title-block-style tbl-colwidths fig-format fig-width fig-height
    fig-dpi output-ext papersize margin fontsize linestretch section-numbering keep-typ include-in-header
    include-after-body css format-links crossrefs-hover citations-hover footnotes-hover pdf-standard editor
    editor_options engine""".split()
)
FIGURES = "fig-format fig-width fig-height fig-dpi".split()
EXECUTE = {
    *"echo eval output warning error include freeze daemon ipynb-shell-interactivity".split(),
    *FIGURES,
}
EACH = "write each in a line of its own below format:, as html: default"
REMEDIES_OF_KIND = {  # for options with a value of another kind
    "date": "write the day alone, and date-format: in a line of its own",
    "execute": "write eval: false and its like below it",
    "format": EACH,
    "margin": "write x: 2cm and y: 2cm below it",
}
PROJECT = {"type", "output-dir", "render", "title"}
PROFILE = {"default", "group"}
INSIDE = {"execute": EXECUTE, "project": PROJECT, "profile": PROFILE, "format": set(FORMATS)}
BOOL, WHOLE, NUMBER, TEXT, LIST, MAPPING = (
    "true or false",
    "a whole number",
    "a number",
    "text",
    "a list",
    "a mapping",
)
KINDS = {  # of the options that this renderer acts on
    **dict.fromkeys(
        "number-sections toc citeproc link-citations eval warning error include".split(), (BOOL,)
    ),
    **dict.fromkeys(("number-depth", "toc-depth"), (WHOLE,)),
    **dict.fromkeys(("fig-width", "fig-height", "fig-dpi", "linestretch"), (NUMBER, WHOLE)),
    **dict.fromkeys(
        "title subtitle date date-format toc-title abstract-title description lang csl papersize "
        "fontsize "
        "canonical-url output-dir".split(),
        (TEXT,),
    ),
    **dict.fromkeys(("execute", "project", "profile", "margin"), (MAPPING,)),
    **dict.fromkeys(
        ("bibliography", "filters", "render", "keywords", "css", "pdf-standard"), (TEXT, LIST)
    ),
    "author": (TEXT, LIST, MAPPING),
    "format": (TEXT, MAPPING),
    "echo": (BOOL, "fenced"),
    "output": (BOOL, "asis"),
    "code-fold": (BOOL, "show", "hide", "none"),
    "code-summary": (TEXT,),
    "fig-format": ("svg", "png", "jpeg", "retina"),
}
AUTHOR = {"name", "affiliation", "affiliations"}
NAME = {"given", "family", "literal"}
AFFILIATION = {"name", "id"}


def parse_yaml(source: str, name: str, first_line: int) -> dict:
    """A YAML mapping of known options. Raises ReportError for anything else, by all its lines."""

    def place(line: int) -> str:
        return f"{name}:{first_line + line}"

    data, keys = strict_yaml.read(source, place, "the options", METADATA)
    if told := list(problems(keys, OPTIONS | {"project", "profile"}, place)):
        raise ReportError("\n".join(told))
    for text in (text for _, node, _ in keys for text in strict_yaml.scalars(node)):
        refuse_shortcode(text.value, place(text.start_mark.line))
    return data


SHORTCODE = re.compile(r"(\{?)\{\{<\s*(/?[\w-]*)\s*(.*?)\s*>\}\}")


def refuse_shortcode(text: str, at: str) -> None:
    """Raises ReportError for a shortcode in an option, where Quarto would run it; at: file:line."""
    for escape, name, rest in SHORTCODE.findall(text):
        if not escape:
            raise ReportError(
                f"{at}: shortcode {{{{< {name} {rest} >}}}} is not run in options; write there what "
                "it stands for"
            )


def problems(
    keys: list, known: set[str], place: Callable[[int], str], outer: str = ""
) -> Iterator[str]:
    """What a message says, with its place, of each option that is not `known`, and of each value that
    one cannot have. outer: the option below which the keys stand.
    """
    for key, node, at in keys:
        if key in UNSHOWN and known & METADATA:
            yield (
                f"{at}: this renderer does not show {key!r}; write it into the text, or render with "
                "Quarto"
            )
        elif key not in known:
            yield f"{at}: unknown option {key!r}; {remedy_for(key, node, known, outer)}"
        else:
            try:
                check_value(key, node, at, place)
            except ReportError as error:
                yield str(error)
        inner = INSIDE.get(key) or (
            OPTIONS if outer == "format" and key in (*FORMATS, "pdf") else set()
        )
        if inner and isinstance(node, yaml.MappingNode):
            yield from problems(strict_yaml.keys(node, place), inner, place, key)


def remedy_for(key: str, node: yaml.Node, known: set[str], outer: str) -> str:
    """What to do about an option with the value `node` that is not `known` below `outer`."""
    if key == "output" and not {strict_yaml.kind(node), str(node.value)} & set(KINDS["output"]):
        return "write format: instead, with html: default and typst: default below it"
    below = next((name for name, inner in INSIDE.items() if key in inner), "")
    if below and not outer:
        return f"write it below {below}:"
    if key in REMEDIES:
        return REMEDIES[key]
    if guess := near(key, known):
        return guess.removeprefix("; ")
    if key in OPTIONS and outer in INSIDE:
        return f"write it outside of {outer}:"
    return "leave it out, or render with Quarto"


def check_format(name: str, at: str) -> None:
    """Raises ReportError for a format, named alone, that this renderer does not write."""
    if name not in ("", "null", "~", *FORMATS):
        is_one = re.fullmatch(r"[\w-]+", name)
        remedy = REMEDIES.get(name) or f"known are {' and '.join(FORMATS)}" if is_one else EACH
        raise ReportError(f"{at}: unknown format {name!r}; {remedy}")


def check_value(key: str, node: yaml.Node, at: str, place: Callable[[int], str]) -> None:
    """Raises ReportError for a value that the option `key` cannot have, and for one that Quarto
    would show and this renderer does not, such as another language.

    at: file:line of the option; place: gives that of a line counted from 0.
    """
    kind, wanted = strict_yaml.kind(node), KINDS.get(key, ())
    shown = node.value if isinstance(node, yaml.ScalarNode) else kind
    if (
        wanted
        and kind not in (*wanted, "nothing")
        and shown not in wanted
        and not (wanted == (TEXT,) and isinstance(node, yaml.ScalarNode))
    ):
        raise ReportError(
            f"{at}: option {key}: {shown!r} is not {' or '.join(wanted)}{of_its_kind(key, node, wanted)}"
        )
    if key == "format" and isinstance(node, yaml.ScalarNode):
        check_format(node.value, at)
    if key == "lang" and not re.match(r"en(-|$)", shown):
        raise ReportError(
            f"{at}: lang {shown!r}: this renderer words its captions, references and contents in "
            "English only; set lang: en, or render with Quarto"
        )
    if key == "jupyter" and (no := kernel.refused(node)):
        raise ReportError(f"{at}: {no}")
    if key == "engine" and shown != "jupyter":
        raise ReportError(f"{at}: engine {shown!r}: cells are run by Jupyter here; leave it out")
    if key == "date" and dates.is_impossible(shown):
        raise ReportError(f"{at}: date {shown!r} is no day of the calendar; write it as 2026-01-31")
    if key in ("papersize", "fontsize") and kind != "nothing" and (no := paper.refused(key, shown)):
        raise ReportError(f"{at}: {no}")
    if key == "margin" and isinstance(node, yaml.MappingNode):
        check_margins(node, place)
    if key == "author":
        check_authors(node, at, place)
    elif LIST in wanted and isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if not isinstance(item, yaml.ScalarNode):
                raise ReportError(
                    f"{place(item.start_mark.line)}: option {key}: {strict_yaml.kind(item)} stands "
                    "in the list; write one text a line"
                )
    if isinstance(node, yaml.ScalarNode) and key in METADATA:
        if re.search(r"\.content-(visible|hidden)\b", node.value):
            raise ReportError(
                f"{at}: conditions do not hold in {key}; set it in _quarto-….yml of each profile"
            )
        if re.search(r"`\{\w+\}[ \t]", node.value):
            raise ReportError(
                f"{at}: inline code is not run in {key}; print it by a cell in the text instead"
            )


def of_its_kind(key: str, node: yaml.Node, wanted: tuple[str, ...]) -> str:
    """What a message adds on how to write a value of a kind that is `wanted`."""
    if isinstance(node, yaml.ScalarNode) and {BOOL, WHOLE} & set(wanted):
        if node.style in ("'", '"'):
            return "; leave out the quotes"
        if node.value.lower() in ("yes", "on", "no", "off"):
            return f"; write {'true' if node.value.lower() in ('yes', 'on') else 'false'}"
    return f"; {REMEDIES_OF_KIND[key]}" if key in REMEDIES_OF_KIND else ""


def check_margins(node: yaml.MappingNode, place: Callable[[int], str]) -> None:
    """Raises ReportError for a margin at no side of the page, and for one that is no length."""
    for side, value, at in strict_yaml.keys(node, place):
        if side not in paper.SIDES:
            raise ReportError(
                f"{at}: margin has no side {side!r}; known are {', '.join(paper.SIDES)}"
            )
        given = value.value if isinstance(value, yaml.ScalarNode) else strict_yaml.kind(value)
        if no := paper.refused(f"margin {side}:", given):
            raise ReportError(f"{at}: {no}")


def check_authors(node: yaml.Node, at: str, place: Callable[[int], str]) -> None:
    """Raises ReportError for an author without a name, with a field that is not shown, or written
    as a list.
    """
    for author in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        if isinstance(author, yaml.SequenceNode):
            raise ReportError(f"{at}: an author is a list; write one name a line")
        if not isinstance(author, yaml.MappingNode):
            continue
        known = {key: value for key, value, _ in strict_yaml.keys(author, place)}
        name = known.get("name")
        parts = (
            {k for k, _, _ in strict_yaml.keys(name, place)}
            if isinstance(name, yaml.MappingNode)
            else set()
        )
        unknown = [*sorted(known.keys() - AUTHOR), *sorted(parts - NAME)]
        if unknown:
            hint = "; write it below name:" if NAME & set(unknown) else ""
            hint = hint or "; " * (unknown[0] in REMEDIES) + REMEDIES.get(unknown[0], "")
            hint = hint or near(unknown[0], AUTHOR | NAME) or "; leave it out"
            raise ReportError(
                f"{place(author.start_mark.line)}: author has {', '.join(map(repr, unknown))}, which "
                f"this renderer does not show{hint}; known: {', '.join(sorted(AUTHOR | NAME))}"
            )
        if name is None or strict_yaml.kind(name) == "nothing":
            raise ReportError(
                f"{place(author.start_mark.line)}: an author without a name; write `name: …`"
            )
        for key in sorted(known.keys() & {"affiliation", "affiliations"}):
            check_affiliations(known[key], place)


def check_affiliations(node: yaml.Node, place: Callable[[int], str]) -> None:
    """Raises ReportError for an affiliation without a name, such as a reference to one that stands
    elsewhere, or with a field that is not shown.
    """
    listed = isinstance(node, yaml.SequenceNode)
    for one in node.value if listed else [node]:
        at = place(one.start_mark.line)
        if isinstance(one, yaml.ScalarNode):
            if listed and strict_yaml.kind(one) == "nothing":
                raise ReportError(f"{at}: an affiliation without a name; write it behind the -")
            continue
        known = (
            {key: value for key, value, _ in strict_yaml.keys(one, place)}
            if isinstance(one, yaml.MappingNode)
            else {}
        )
        if "ref" in known:
            raise ReportError(
                f"{at}: affiliation by ref {known['ref'].value!r}: this renderer looks up none; "
                "write `name: …` here, and leave out the list affiliations:"
            )
        if unknown := ", ".join(map(repr, sorted(known.keys() - AFFILIATION))):
            raise ReportError(
                f"{at}: affiliation has {unknown}, which this renderer does not show; write all of "
                "it into its name"
            )
        if strict_yaml.kind(known.get("name", one)) != TEXT:
            raise ReportError(f"{at}: an affiliation without a name; write `name: …`")


def near(word: str, known: Iterable[str]) -> str:
    """A hint at the known word that looks most like `word`."""
    matches = difflib.get_close_matches(str(word), sorted(known), n=1, cutoff=0.8)
    if matches and str(word).endswith(
        f"-{matches[0]}"
    ):  # another option, such as link-bibliography
        return ""
    return f"; did you mean {matches[0]!r}?" if matches else ""
