"""What cells show and inline code gives, in the forms that page, PDF and notebook take."""

from __future__ import annotations

import ast
import contextlib
import html
import re
from typing import Any

import lxml.html
import nbformat
from nbformat import NotebookNode

from lmreport.render import html_tables, pandoc_ast

ANSI = re.compile(  # colours and moves; links and titles; sets of characters and other states
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[()*+#%][0-9A-Z]|\x1b[78=>c-eDEHM]"
)


def convert(data: dict) -> None:
    """Give the forms of one output those that pandoc reads, and take away what repeats them."""
    formula_as_markdown(data)
    preformatted_as_text(data)
    progress_as_text(data)
    table_as_markdown(data)
    estimator_as_text(data)


def help_text(data: dict) -> NotebookNode:
    """What `name?` tells, which Jupyter shows in a part of the window of its own."""
    return nbformat.v4.new_output("display_data", {"text/plain": ANSI.sub("", data["text/plain"])})


def has_picture(output: NotebookNode) -> bool:
    return any(kind.startswith("image/") for kind in output.get("data", {}))


def formula_as_markdown(data: dict) -> None:
    """Give an output that is a formula in TeX alone, as SymPy shows one, the form that pandoc reads."""
    formula = data.get("text/latex", "").strip()
    richer = "text/markdown" in data or any(kind.startswith("image/") for kind in data)
    if re.fullmatch(r"\$.+\$", formula, re.DOTALL) and not richer:
        data["text/markdown"] = formula


def table_as_markdown(data: dict) -> None:
    """Give an output that is a table in HTML, as pandas shows one, the form that all formats take."""
    table_as_text(data)
    if "text/markdown" in data or not TABLE.fullmatch(data.get("text/html", "")):
        return
    data["text/html"] = html_tables.with_words(data["text/html"])
    table, is_rich = html_tables.cleaned(data["text/html"])
    written = ""
    if not is_rich:
        marked = ENTITY.sub(pandoc_ast.AMPERSAND, table)
        written = pandoc_ast.as_markdown(
            marked, "-f", "html-native_divs", "-t", PIPES, "--wrap=none"
        )
    is_pipes = written and "<table" not in written
    data["text/markdown"] = written if is_pipes else html_tables.as_raw(table)


def table_as_text(data: dict) -> None:
    """Take a text that is a table in HTML, as of `df.to_html()`, for that table, as Quarto does."""
    text = data.get("text/plain", "")
    if set(data) != {"text/plain"} or not text.startswith(("'", '"')) or "</table>" not in text:
        return
    with contextlib.suppress(SyntaxError, ValueError):  # of an object that looks like a text
        table = ast.literal_eval(text)
        if TABLE.fullmatch(table):
            data["text/html"] = table


def preformatted_as_text(data: dict) -> None:
    """Take HTML that is printed text, as rich gives it in Jupyter, for that text."""
    if PRINTED.fullmatch(data.get("text/html", "")):
        data["text/plain"] = lxml.html.fromstring(data.pop("text/html")).text_content()


def progress_as_text(data: dict) -> None:
    """Put the text beside a bar of progress in its place, above the table that Transformers' Trainer
    shows with it.
    """
    if bar := PROGRESS.match(data.get("text/html", "")):
        told, rest = " ".join(bar[1].split()), data.pop("text/html")[bar.end() :]
        if "<table" in rest:
            data["text/html"] = f"<small>{html.escape(html.unescape(told))}</small>{rest}"
        else:
            data["text/plain"] = html.unescape(told)


def estimator_as_text(data: dict) -> None:
    """Leave of an estimator of scikit-learn its text, which its HTML, made to fold out, repeats."""
    if "sk-text-repr-fallback" in data.get("text/html", ""):
        del data["text/html"]


TABLE = re.compile(
    r"\s*(<div>)?\s*(<style.*?</style>)?\s*(<small>[^<]*</small>)?\s*<table.*</table>\s*"
    r"(<p>[^<]*(</p>)?)?\s*(</div>)?\s*",
    re.DOTALL,
)
PRINTED = re.compile(r"\s*<pre\b(?:(?!</pre>).)*</pre>\s*", re.DOTALL)
PROGRESS = re.compile(r"\s*<div>\s*<progress\b[^>]*></progress>(.*?)</div>", re.DOTALL)
ENTITY = re.compile(r"&amp;(?=#?\w+;)")  # begins what is an entity once more in Markdown
PIPES = "markdown-simple_tables-multiline_tables-grid_tables"


def shown(data: dict) -> str:
    """An inline value as Markdown: objects with a Markdown form as that, strings escaped, the rest
    as printed.
    """
    if "text/markdown" in data:
        return str(data["text/markdown"])
    text = as_string(data)
    if text is not None:
        # Quarto leaves @ $ ^ ~ < & | alone; a string of data could then become a citation or an
        # equation.
        return text if NUMBER.fullmatch(text) else re.sub(SPECIAL, r"\\\1", text)
    value = without_numpy(str(data.get("text/plain", "")))
    if re.fullmatch(r"[-+\w. ]*|\([-+\d.e ]+,[-+\d.e, ]*\)", value):
        return value
    return re.sub(SPECIAL + "|(?=['\"])", lambda m: "\\" + m[0], " ".join(value.split()))


NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?([eE][-+]?\d+)?")  # no Markdown
SPECIAL = r"([\\`*_{}\[\]()<>#+,\-.!@$^~&|])"


def shown_in_formula(data: dict) -> str:
    r"""An inline value as TeX: a string letter for letter, since `\.` or `\>` of Markdown would be a
    command there; one with `\` or `^` is TeX already. What is no string is as in the text.
    """
    text = as_string(data)
    if text is None:
        return shown(data)
    text = text.strip()
    if re.search(r"[\\^]", text):
        return re.sub(r"(?<!\\)%", r"\\%", text)  # which would begin a comment
    return re.sub(r"[_{}#$&%]", r"\\\g<0>", text).replace("~", r"\sim ")


def as_string(data: dict) -> str | None:
    """The string that an inline value is; None where it is something else."""
    value = without_numpy(str(data.get("text/plain", "")))
    is_string = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return unquoted(value) if is_string and "text/markdown" not in data else None


def without_numpy(value: str) -> str:
    """A repr in which `np.float64(0.5)` is 0.5, on its own and in lists."""
    try:
        calls = [
            node
            for node in ast.walk(ast.parse(value, mode="eval"))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and len(node.args) == 1
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "np"
        ]
        names = [
            node
            for node in ast.walk(ast.parse(value, mode="eval"))
            if isinstance(node, ast.Attribute) and node.attr in ("True_", "False_")
        ]
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return value
    replacements: dict[Any, Any] = {
        ast.get_source_segment(value, node): ast.get_source_segment(value, node.args[0])
        for node in calls
    }
    replacements |= {ast.get_source_segment(value, node): node.attr[:-1] for node in names}
    for old, new in replacements.items():
        value = value.replace(old, new)
    return value


def unquoted(value: str) -> str:
    """The text that a string's repr stands for (Quarto shows the repr, with `\\xa0` for a no-break
    space).
    """
    try:
        text = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return value[1:-1]
    if not isinstance(text, str):
        return value[1:-1]
    return re.sub(
        "[\ud800-\udfff]", lambda half: f"⟨U+{ord(half[0]):04X}⟩", " ".join(text.splitlines())
    )
