"""YAML as Quarto reads it (version 1.2: `Yes` and `12:30` are text), with lines; a key given twice
is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator

import yaml

from lmreport.core.errors import ReportError

TAG = "tag:yaml.org,2002:"
CORE = [  # the core schema of YAML 1.2; PyYAML's own rules are those of 1.1
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
]
BLANKS = "\u00a0\u2007\u202f"  # that look like one and are none, in YAML and in marks of Markdown
ODD_BLANK = re.compile(f"^([ \t]*(?:- *)?(?:[\\w-]+:)?)[{BLANKS}]", re.MULTILINE)


class Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict = {}
    in_text = False

    def scan_plain(self) -> yaml.ScalarToken:
        """The text without quotes that begins here; `Why?` in braces ends at the } in YAML 1.2."""
        self.in_text = True
        try:
            return super().scan_plain()
        finally:
            self.in_text = False

    def peek(self, index: int = 0) -> str:
        """The character there, but no ? inside a text, at which PyYAML would stop."""
        character = super().peek(index)
        return "x" if self.in_text and character == "?" else character


for _name, _pattern, _first in CORE:
    Loader.add_implicit_resolver(TAG + _name, re.compile(f"(?:{_pattern})$"), _first)
Loader.add_constructor(TAG + "int", lambda loader, node: integer(node.value))


def integer(text: str) -> int:
    return int(text, 0) if re.match("0[ox]", text) else int(text)


def read(
    source: str, place: Callable[[int], str], what: str = "YAML", as_written: Container[str] = ()
) -> tuple[dict, list[tuple[str, yaml.Node, str]]]:
    """A mapping, and its keys as (key, node of the value, file:line).

    place: gives file:line for a line counted from 0; as_written: keys below which numbers and words
    like `true` stay text. Raises ReportError for what is no mapping, and for a key that is given
    twice.
    """
    odd = ODD_BLANK.search(source)
    if odd:
        raise ReportError(
            f"{place(source.count(chr(10), 0, odd.end()))}: the blank "
            + (f"behind {odd[1].strip()!r}" if odd[1].strip() else "at the start")
            + " is a no-break space, which is none in YAML; type an ordinary one"
        )
    loader = Loader(source)
    try:
        node = loader.get_single_node()
        if node is None or node.tag == TAG + "null":
            return {}, []
        if not isinstance(node, yaml.MappingNode):
            raise ReportError(f"{place(0)}: expected {ENTRY} in {what}")
        entries = keys(node, place)
        for text in scalars(node):
            refuse_comment_or_tag(text, source, place)
        for key, value, _ in entries:
            if key in as_written:
                keep_text(value)
        for inner in mappings(node):
            keys(inner, place)
        return loader.construct_document(node), entries
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        number = mark.line if mark else 0
        lines = [*source.split("\n"), ""]
        for n in (number - 1, number) if re.search("could not find|mapping values", said) else ():
            if n >= 0 and NO_ENTRY.match(lines[n]):
                raise ReportError(f"{place(n)}: expected {ENTRY} in {what}") from None
        is_inner = "mapping values" in said and lines[number].startswith(" ")
        raise ReportError(
            f"{place(number)}: not valid YAML in {what} ({said}); "
            + "begin it in the column of the key above, or " * is_inner
            + fix(said)
        ) from None
    finally:
        loader.dispose()


ENTRY = "`option: value`, with a colon and a blank behind it,"
NO_ENTRY = re.compile(r"(?!\S[^:]*:(\s|$))[\w'\"]")  # a line that begins like one and is none
FIXES = {  # what PyYAML says, and what to do then; the last one fits the rest
    "escape": r"put a text with a backslash, such as $\gamma$, in single quotes",
    r"\\t": "indent with blanks, not with tabs",
    "block mapping start": "begin all keys of one entry in the same column",
    "block end.*'<scalar>'": "put the whole text in quotes, of the other kind where it has some itself",
    "',' or .* but got '[^<]": "put a text with such a sign in quotes, or close the bracket before it",
    "of stream|stream end": "close the quote or the bracket that is still open",
    "": "put the text in quotes, since a colon, comma, bracket or sign in it has a meaning in YAML",
}


def fix(said: str) -> str:
    """What to do about what PyYAML said."""
    return next(what for words, what in FIXES.items() if re.search(words, said))


def keys(node: yaml.MappingNode, place: Callable[[int], str]) -> list[tuple[str, yaml.Node, str]]:
    """The keys of a mapping as `read` gives them. Raises ReportError for one that is no word or is
    given twice.
    """
    entries: dict[str, tuple] = {}
    for key, value in node.value:
        at = place(key.start_mark.line)
        if not isinstance(key, yaml.ScalarNode):
            raise ReportError(f"{at}: a key must be one word")
        if key.value in entries:
            raise ReportError(
                f"{at}: {key.value!r} is given twice, first at {entries[key.value][2]}"
            )
        entries[key.value] = (key.value, value, at)
    return list(entries.values())


def mappings(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    """All mappings inside `node`, itself included."""
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from mappings(value)


def scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """All texts and numbers inside `node`, without the keys."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    else:
        for item in node.value:
            yield from scalars(item[1] if isinstance(item, tuple) else item)


def refuse_comment_or_tag(node: yaml.ScalarNode, source: str, place: Callable[[int], str]) -> None:
    """Raises ReportError for a text without quotes that ends at a word like `#3`, or begins with
    one like `!expr`.
    """
    if node.tag.startswith("!"):
        raise ReportError(
            f"{place(node.start_mark.line)}: {node.tag} is a tag of YAML, and nothing is run here; "
            "put a text in quotes, and print what code gives from a cell"
        )
    rest = re.match(r"[ \t]+(#[^\s#]\S*)", source[node.end_mark.index :])
    if rest and node.style is None and node.tag == TAG + "str":
        raise ReportError(
            f"{place(node.end_mark.line)}: {rest[1]!r} begins a comment in YAML and would be lost; "
            "put the text in quotes (a comment has a blank after its #)"
        )


def keep_text(node: yaml.Node) -> None:
    """Have the scalars in `node` read as the text that was written, except where there is none."""
    for scalar in scalars(node):
        if scalar.tag != TAG + "null":
            scalar.tag = TAG + "str"


def kind(node: yaml.Node) -> str:
    """What a value is, in a word of the messages."""
    if isinstance(node, yaml.ScalarNode):
        return {
            "bool": "true or false",
            "int": "a whole number",
            "float": "a number",
            "null": "nothing",
        }.get(node.tag.removeprefix(TAG), "text")
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
