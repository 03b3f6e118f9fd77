"""What an author wrote as text and pandoc reads as raw HTML or TeX, which is not seen: refused by its
line.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast, pictures

Place = Callable[..., str]  # file:line of a pattern, as `source.place` of cells
HTML_TABLE = re.compile(r"<table\b|\bdata-qmd", re.IGNORECASE)
MARKDOWN = re.compile(r"pandoc-|(markdown|md|qmd)\b")  # raw text for pandoc and Quarto themselves
TAG = re.compile(r"<(/?)([A-Za-z][^\s<>/]*)[^<>]*?(/?)>")
UNCLOSED = set("area br col embed hr img input link meta source track wbr".split())
ELEMENTS = UNCLOSED | set(  # of HTML
    "a abbr address article aside audio b bdi bdo blockquote body button canvas caption center cite code "
    "colgroup data datalist dd del details dfn dialog div dl dt em fieldset figcaption figure font footer "
    "form h1 h2 h3 h4 h5 h6 head header hgroup html i iframe ins kbd label legend li main map mark math "
    "menu meter nav noscript object ol optgroup option output p picture pre progress q rp rt ruby s samp "
    "script search section select slot small span strike strong style sub summary sup svg table tbody td "
    "template textarea tfoot th thead time title tr tt u ul var video".split()
)
FILES = re.compile(  # start tags of HTML that may name a file, and what is in them
    r"""<!--.*?-->|<(img|source|video|audio|embed|iframe|object|track|input|script|link)\b"""
    r"""((?:[^>"']|"[^"]*"|'[^']*')*)""",
    re.DOTALL | re.IGNORECASE,
)
STYLE = re.compile(r"\bstyle\s*=\s*(?:\"[^\"]*\"|'[^']*')|<style\b.*", re.DOTALL | re.IGNORECASE)
URL = re.compile(r"url\(\s*[\"']?([^\"')]*)", re.IGNORECASE)
NAMING = {"src", "srcset", "poster", "data"}  # attributes that do
ELSEWHERE = re.compile(r"[A-Za-z][\w+.-]*:|//|#|$")  # an address that is no file's
LOST_TEX = re.compile(  # TeX with words or a formula in it, which neither page nor PDF would have
    r"\\(begin|text\w+|emph|underline|\w*ref|\w*cite\w*|footnote|caption|(sub)*section|chapter|"
    r"paragraph|includegraphics|item|href|url|bibliography)\*?\s*[\[{][^\]}\s]*[\]}]?"
    r"|\\(tableofcontents|listof(figures|tables)|printbibliography|maketitle)(?![A-Za-z])"
)
IN_MARKDOWN = {  # what to write for TeX that begins so; the last one fits the rest
    r"\\\w*ref\b": "write @fig-NAME, @tbl-NAME, @eq-NAME or @sec-NAME, and {#fig-NAME} behind what is meant",
    r"\\\w*cite": "write [@KEY]",
    r"\\footnote": "write ^[…]",
    r"\\(includegraphics|begin\{figure)": "write ![caption](file){#fig-NAME}",
    "": "put a formula between $$, without a blank line in it, a path or command in `…`, and write other "
    "text in Markdown",
}
COLOUR = re.compile(r"\\(text|page|f)?color(box)?(?![A-Za-z])\s*(\[\w+\])?(\{[^{}]*\})?")
RULES = re.compile(  # lines between the rows and columns of a formula
    r"\\[hc]line(?![A-Za-z])(\{[^{}]*\})?|\\begin\{array\}(\[\w\])?\s*\{[^{}]*\|[^{}]*\}"
)
REFERENCE = re.compile(r"@(fig|tbl|lst|eq|sec|thm|lem|cor|prp|def|exm)-[\w-]+")
RAISED = re.compile(r"(\\begin\{(?:aligned|alignedat|gathered|split|matrix)\})\s*(\[[tcb]\])")
UNSEEN_TEX = re.compile(  # TeX in a line that shows nothing itself: breaks, sizes, styles, definitions
    r"\\((new|clear|cleardouble)page|(page|line|allow|no)?break|newline|(no)?indent|par|[hv]fill"
    r"|[hv]s(pace|kip)|(small|med|big)skip|centering|ragged(right|left)|label|index|relax|protect"
    r"|tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge"
    r"|(bf|md|it|sl|sc|up|rm|sf|tt)(series|shape|family)?|em|(set|addto)length|(re|provide)?newcommand"
    r"|def|let|DeclareMathOperator|usepackage|(this)?pagestyle|setcounter|color)(?![A-Za-z])"
)


def refuse(tree: object, at: Place) -> None:
    """Raises ReportError for raw text in `tree`, blocks or a value of the metadata, that would not be
    seen.
    """
    for item in pandoc_ast.nodes(tree):
        refuse_raw(item, at)
        refuse_files(item, at)
        refuse_colour(item, at)
        refuse_rules(item, at)
        refuse_references(item, at)
        refuse_words_as_tags(item, at)


def inlines(markdown: str, at: Place) -> list:
    """One line of Markdown, of which nothing is lost. Raises ReportError where something would be."""
    read = pandoc_ast.node("Plain", pandoc_ast.read_inlines(markdown))
    refuse(read, at)
    return read["c"]


def refuse_raw(item: dict, at: Place) -> None:
    """Raises ReportError for raw text that would be missing from one of the formats."""
    if item["t"] == "RawBlock" and HTML_TABLE.search(item["c"][1]):
        raise ReportError(
            f"{at(HTML_TABLE.pattern)}: a table in HTML is not supported; write it "
            "in Markdown, then the PDF has it too"
        )
    if item["t"] in ("RawBlock", "RawInline") and MARKDOWN.match(item["c"][0]):
        raise ReportError(
            f"{at('=' + item['c'][0])}: {{={item['c'][0]}}} is not supported; write "
            "the text in Markdown"
        )
    if lost := lost_tex(item):
        raise ReportError(
            f"{at(re.escape(lost), among='words')}: {lost} stands in no formula and would be lost; "
            + next(remedy for start, remedy in IN_MARKDOWN.items() if re.match(start, lost))
        )


def refuse_files(item: dict, at: Place) -> None:
    """Raises ReportError for a file that raw HTML names and the page would not hold."""
    style = pandoc_ast.value(pandoc_ast.attr_of(item) or pandoc_ast.attr(), "style")
    if item["t"] in ("RawBlock", "RawInline") and item["c"][0] == "html":
        style = "".join(STYLE.findall(item["c"][1]))
    for file in URL.findall(style):
        if not ELSEWHERE.match(file):
            raise ReportError(
                f"{at(rf'url[(] *.?{re.escape(file)}')}: the file of url({file}) would be missing, as "
                "the page is one file; show a picture by ![…](…), or leave it out"
            )
    if item["t"] not in ("RawBlock", "RawInline") or item["c"][0] != "html":
        return
    for tag in FILES.finditer(item["c"][1]):
        element = (tag[1] or "").lower()
        for name, value in pictures.ATTRIBUTE.findall(tag[2] or ""):
            is_shown = (element, name.lower()) == ("img", "src")
            names_file = name.lower() in NAMING or (element, name.lower()) == ("link", "href")
            file = value.strip("\"' ")
            if names_file and not is_shown and not ELSEWHERE.match(file):
                written = rf"(?i:{name})\s*=\s*[\"']?{re.escape(file)}"
                raise ReportError(
                    f"{at(written)}: the file of {name}={value} in <{element}> would be missing, as "
                    "the page is one file; show a picture by ![…](…), or leave it out"
                )


def refuse_colour(item: dict, at: Place) -> None:
    """Raises ReportError for a colour in a formula, which pandoc drops or cannot read."""
    found = COLOUR.search(item["c"][1]) if item["t"] == "Math" else None
    if found:
        where = at(re.escape(found[0]), among="formulas")
        raise ReportError(
            f"{where}: {found[0]} in a formula would be lost, as formulas have one "
            "colour here; leave it out, and mark what is meant by \\boldsymbol{…} or \\underline{…}"
        )


def refuse_rules(item: dict, at: Place) -> None:
    """Raises ReportError for lines in a formula, which pandoc drops, and for a place beside the line,
    [t], which it shows.
    """
    text = item["c"][1] if item["t"] == "Math" else ""
    if found := RULES.search(text):
        where = at(re.escape(found[0]), among="formulas")
        raise ReportError(
            f"{where}: the lines that {found[0]} draws in a formula would be lost; "
            "leave \\hline and | out, or write a table of Markdown with $…$ in its cells"
        )
    if found := RAISED.search(text):
        where = at(re.escape(found[0]), among="formulas")
        raise ReportError(f"{where}: {found[2]} would be shown in the formula; write {found[1]}")


def refuse_references(item: dict, at: Place) -> None:
    """Raises ReportError for a reference in a formula, of which the letters would be shown."""
    found = REFERENCE.search(item["c"][1]) if item["t"] == "Math" else None
    if found:
        where = at(re.escape(found[0]), among="formulas")
        raise ReportError(
            f"{where}: {found[0]} in a formula would be shown as it is written; "
            "put it into the text beside the formula"
        )


def refuse_words_as_tags(item: dict, at: Place) -> None:
    """Raises ReportError for <word> in a paragraph: no element of HTML, or one that is not closed
    there, so that it would not be seen.
    """
    if item["t"] not in ("Para", "Plain", "Header", "MetaInlines"):
        return
    raw = [
        n["c"][1] for n in pandoc_ast.nodes(item) if n["t"] == "RawInline" and n["c"][0] == "html"
    ]
    tags = [tag for text in raw if text[:2] not in ("<!", "<?") for tag in TAG.finditer(text)]
    for tag in unseen(tags):
        closing = ", or close it in its paragraph" * (tag[2].lower() in ELEMENTS)
        raise ReportError(
            f"{at(re.escape(tag[0]))}: {tag[0]} is read as HTML and would not be seen; write "
            f"`{tag[0]}` or \\{tag[0]}{closing}"
        )


def unseen(tags: list[re.Match]) -> list[re.Match]:
    """Those of `tags` of one text that are no element of HTML or have no counterpart there."""
    still_open: list[re.Match] = []
    for tag in tags:
        name = tag[2].lower()
        if tag[1] and still_open and still_open[-1][2].lower() == name:
            still_open.pop()
        elif tag[1] or name not in UNCLOSED and not tag[3]:
            still_open.append(tag)
    return [*(tag for tag in tags if tag[2].lower() not in ELEMENTS), *still_open]


def with_words(html: str) -> str:
    """`html` of a cell of a table in which tags that would not be seen, such as <pad>, are text."""
    if re.search(r"<(svg|math)\b", html):  # whose elements are others
        return html
    words = {tag.start() for tag in unseen(list(TAG.finditer(html)))}
    return TAG.sub(
        lambda tag: tag[0].replace("<", "&lt;") if tag.start() in words else tag[0], html
    )


def lost_tex(item: dict) -> str:
    """The beginning of TeX that shows something and stands outside of formulas, but for what is
    marked as meant for LaTeX, `{=latex}`; "" for any other node.
    """
    if item["t"] not in ("RawBlock", "RawInline") or item["c"][0] != "tex":
        return ""
    text = item["c"][1].strip()
    if found := LOST_TEX.match(text):
        return found[0]
    is_seen = item["t"] == "RawInline" and not UNSEEN_TEX.match(text)
    return re.split(r"(?<=\w)\b", text)[0] if is_seen else ""
