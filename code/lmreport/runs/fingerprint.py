"""What a definition computes, as a digest that does not depend on where the definition stands or
what it is called.

A definition's text is its syntax tree without docstrings, annotations, declarations (`x: int`
without a value, fields of a class apart) and imports. In it each reference to another definition of
the package is replaced by that definition's fingerprint, and each reference to a library by its
full name, so that place, module, alias and own name vanish; constants, defaults and called code
count. References into the ground (settings, files, bookkeeping, display) are not followed: they move
results about and compute none.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from lmreport.core.errors import ReportError
from lmreport.core.files import write_atomically
from lmreport.core.settings import cache_root

PACKAGE = "lmreport"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
LEFT_OUT = {"ctx", "type_comment", "kind", "type_params", "returns", "annotation", "simple"}
DUNDER = {
    "__file__",
    "__name__",
    "__doc__",
    "__class__",
}  # a module's and a method's own, of no definition
HOLE = "\0"  # stands in a text for the fingerprint of a reference

T = TypeVar("T")
Place = tuple[str, str]  # (module below the package, name in it)


@dataclass(frozen=True)
class Module:
    """One file of the package, read: what its names are bound to."""

    name: str
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @cached_property
    def definitions(self) -> dict[str, list[ast.stmt]]:
        """{name: the statements that bind it}, in their order."""
        statements_of: dict[str, list[ast.stmt]] = {}
        for node in statements(self.tree.body):
            for name in bound(node):
                statements_of.setdefault(name, []).append(node)
        return statements_of

    @cached_property
    def imports(self) -> dict[str, str]:
        """{name: full dotted name} of what is imported at the top of the module."""
        return dict(pair for node in statements(self.tree.body) for pair in imported(node, self))

    @cached_property
    def effects(self) -> list[ast.stmt]:
        """Statements that bind nothing and yet do something, such as a call;
        `os.environ.setdefault` is none.
        """
        return [
            node
            for node in self.tree.body
            if isinstance(node, ast.Expr | ast.For | ast.While)
            and not is_docstring(node)
            and not ast.unparse(node).startswith("os.environ.setdefault(")
        ]

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


class Code:
    """The package in the folder `root`, with fingerprints of its definitions.

    ground: says of a module whether it belongs to the ground. All methods raise ReportError for a
    reference that cannot
    be resolved: nothing is left out silently.
    """

    def __init__(self, root: Path, ground: Callable[[str], bool]):
        self.root, self.ground = root, ground
        self.modules: dict[str, Module | None] = {}
        self.texts: dict[Place, tuple[str, list[Place]]] = {}
        self.digests: dict[Place, str] = {}
        self.is_kept = True

    def module(self, name: str) -> Module | None:
        """The module `name` (dotted, below the package; "" is the package itself), None if there is
        none.
        """
        if name not in self.modules:
            base = self.root.joinpath(*name.split(".")) if name else self.root
            paths = [
                path
                for path in (base.with_suffix(".py"), base / "__init__.py")
                if name and path.is_file()
            ] or [path for path in (base / "__init__.py",) if path.is_file()]
            self.modules[name] = Module(name, paths[0]) if paths else None
        return self.modules[name]

    def fingerprint(self, *places: Place) -> str:
        """One digest for all that the definitions at `places` compute."""

        def make() -> str:
            digests = [self.of(self.home(*place)) for place in places]
            return digests[0] if len(digests) == 1 else digest(*sorted(digests))

        return self.remembered("fingerprint", places, make)

    def remembered(self, what: str, places: tuple[Place, ...], make: Callable[[], T]) -> T:
        """What `make` returns, text or JSON, as long as no file of the package changes."""
        key = repr((what, *places))
        if key not in self.known:
            self.known[key], self.is_kept = make(), False
        return self.known[key]

    def keep(self) -> None:
        """Keep what was found out for other processes; where the cache cannot be written, nothing."""
        if not self.is_kept:
            with contextlib.suppress(OSError):
                write_atomically(self.file, json.dumps(self.known).encode())
            self.is_kept = True

    @cached_property
    def known(self) -> dict[str, Any]:
        try:
            return json.loads(self.file.read_bytes())
        except (OSError, ValueError):
            return {}

    @cached_property
    def file(self) -> Path:
        """Where it is kept for these files of the package, this ground, this module and this Python."""
        paths = [*sorted(self.root.rglob("*.py")), Path(__file__)]
        texts = [f"{os.path.relpath(path, self.root)}\n{path.read_text('utf-8')}" for path in paths]
        state = digest(sys.version, *texts)
        return cache_root() / "fingerprints" / f"{self.ground.__module__}-{state}.json"

    def of(self, place: Place) -> str:
        """The fingerprint of the definition at a place.

        Each round replaces the references of each text by the digests of the round before; after as
        many rounds as there are definitions in reach, the digest tells of all of them, also where
        they call each other in a circle.
        """
        if place not in self.digests:
            reach = self.reach(place)
            now = {one: digest(self.text(one)[0]) for one in reach}
            for _ in reach:
                now = {
                    one: digest(self.text(one)[0], *(now[other] for other in self.text(one)[1]))
                    for one in reach
                }
            self.digests[place] = now[place]
        return self.digests[place]

    def reach(self, *places: Place) -> list[Place]:
        """Every definition that those at `places` compute with, themselves first; each once."""
        reached: dict[Place, None] = {}
        todo = [self.home(*place) for place in places]
        while todo:
            place = todo.pop()
            if place not in reached:
                reached[place] = None
                todo += self.text(place)[1]
        return list(reached)

    def parts(self, *places: Place) -> dict[str, str]:
        """{"module.name": digest of its own text} of all in reach, to say later which of them
        changed.
        """
        return self.remembered(
            "parts",
            places,
            lambda: {
                ".".join(filter(None, place)): digest(self.text(place)[0])
                for place in sorted(self.reach(*places))
            },
        )

    def home(self, module: str, name: str) -> Place:
        """Where `name`, seen in `module`, is defined: followed through the imports of package
        faces. Raises ReportError if there is no such module or definition.
        """
        here = self.module(module)
        if here is None:
            raise ReportError(
                f"fingerprint: there is no module {PACKAGE}.{module}; name one that is there"
            )
        if name in here.definitions:
            return module, name
        if name in here.imports and (target := self.inside(here.imports[name])) and target[1]:
            return self.home(*target)
        raise ReportError(
            f"fingerprint: {PACKAGE}.{module} defines no {name!r}; name a definition that is there"
        )

    def inside(self, dotted: str) -> Place | None:
        """(module, name) of a full name inside the package, name "" for a module itself; None for a
        library's. Raises ReportError for what the package does not have.
        """
        if dotted.split(".")[0] != PACKAGE:
            return None
        below = dotted.split(".")[1:]
        for end in range(len(below), -1, -1):
            if self.module(".".join(below[:end])) is not None:
                return ".".join(below[:end]), ".".join(below[end:])
        raise ReportError(f"fingerprint: {dotted} is not in the package; name what is there")

    def text(self, place: Place) -> tuple[str, list[Place]]:
        """(the definition's text with a hole for each reference, the references in the order of the
        holes). Raises ReportError if its module does something when it is imported.
        """
        if place not in self.texts:
            module = self.module(place[0])
            assert module is not None
            if module.effects:
                line = module.effects[0].lineno
                raise ReportError(
                    f"fingerprint: {module.path.name}, line {line}, does something when it is "
                    f"imported; "
                    "put it into a function, so that it is seen what depends on it"
                )
            writer = Writer(self, module, place[1])
            self.texts[place] = (
                "".join(writer.write(node, []) for node in module.definitions[place[1]]),
                writer.references,
            )
        return self.texts[place]


@dataclass
class Scope:
    """Names that a function, comprehension or class binds; imports: {name: full dotted name}."""

    names: set[str]
    imports: dict[str, str]
    of_class: bool = False


class Writer:
    """Writes one definition; `references` lists what it refers to."""

    def __init__(self, code: Code, module: Module, own: str):
        self.code, self.module, self.own, self.references = code, module, own, list[Place]()

    def write(self, node: Any, scopes: list[Scope]) -> str:
        """The text of a node, a value or a list of them; scopes: those around it, the innermost
        last.
        """
        if isinstance(node, list):
            return "[" + ",".join(filter(None, (self.write(one, scopes) for one in node))) + "]"
        if not isinstance(node, ast.AST):
            return f"{type(node).__name__}:{node!r}"
        if isinstance(node, ast.Import | ast.ImportFrom) or is_docstring(node):
            return ""
        if is_declaration(node) and not (scopes and scopes[-1].of_class):
            return ""
        if isinstance(node, ast.Name):
            return self.name(node.id, scopes)
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith(f"{PACKAGE}.")
        ):
            return self.process(node.value)
        if isinstance(node, ast.Attribute):
            return self.attribute(node, scopes)
        if isinstance(node, FUNCTIONS):
            return self.function(node, scopes)
        if isinstance(node, COMPREHENSIONS):
            return self.comprehension(node, scopes)
        if isinstance(node, ast.ClassDef):
            inside = Scope(set().union(*map(bound, statements(node.body))), {}, of_class=True)
            outside = [
                self.write(part, scopes)
                for part in (node.bases, node.keywords, node.decorator_list)
            ]
            return f"class({','.join(outside)},{self.write(node.body, [*scopes, inside])})"
        return self.plain(node, scopes)

    def plain(self, node: ast.AST, scopes: list[Scope]) -> str:
        """A node by its fields; what is empty is left out, as newer versions of Python have more
        fields.
        """
        parts = [
            f"{field}={self.write(value, scopes)}"
            for field, value in ast.iter_fields(node)
            if field not in LEFT_OUT and value is not None and value != []
        ]
        return f"{type(node).__name__}({','.join(parts)})"

    def function(self, node: Any, scopes: list[Scope]) -> str:
        """Defaults and decorators belong to the scope outside, the body to its own. Raises
        ReportError for a name that one function both imports and assigns.
        """
        arguments = node.args
        every = [
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            *filter(None, (arguments.vararg, arguments.kwarg)),
        ]
        outside = [
            self.write(part, scopes)
            for part in (
                arguments.defaults,
                [d or ast.Constant(None) for d in arguments.kw_defaults],
                getattr(node, "decorator_list", []),
            )
        ]
        body = node.body if isinstance(node.body, list) else [node.body]
        inside = Scope(
            names_in(body) | {a.arg for a in every},
            dict(pair for part in own(body) for pair in imported(part, self.module)),
        )
        twice = inside.names & inside.imports.keys()
        if twice:
            raise ReportError(
                f"fingerprint: {self.module.path.name}, line {node.lineno}: {min(twice)!r} is "
                f"imported "
                "and assigned in one function; give one of them another name"
            )
        signature = [
            [a.arg for a in group]
            for group in (arguments.posonlyargs, arguments.args, arguments.kwonlyargs)
        ]
        signature.append([a.arg if a else "" for a in (arguments.vararg, arguments.kwarg)])
        inner = getattr(node, "name", "") if scopes else ""
        return f"{type(node).__name__}({inner},{signature},{','.join(outside)},{self.write(body, [*scopes, inside])})"

    def comprehension(self, node: Any, scopes: list[Scope]) -> str:
        """Its first iterable belongs to the scope outside, the rest to its own."""
        inside = Scope({name for part in node.generators for name in stored(part.target)}, {})
        first = self.write(node.generators[0].iter, scopes)
        return f"{first}:{self.plain(node, [*scopes, inside])}"

    def name(self, name: str, scopes: list[Scope]) -> str:
        """What a name stands for: a local one by its word, a definition by its fingerprint, a
        library's by its full name. Raises ReportError if it is defined nowhere.
        """
        for depth, scope in enumerate(reversed(scopes)):
            if scope.of_class and depth:
                continue  # names of a class are not seen by its methods
            if name in scope.imports:
                return self.reference(scope.imports[name], name)
            if name in scope.names:
                return f"local:{name}"
        if name in self.module.definitions:
            return self.project((self.module.name, name))
        if name in self.module.imports:
            return self.reference(self.module.imports[name], name)
        if hasattr(builtins, name) or name in DUNDER:
            return f"builtin:{name}"
        raise ReportError(
            f"fingerprint: {self.module.path.name}: {name!r} in `{self.own}` is defined nowhere"
        )

    def attribute(self, node: ast.Attribute, scopes: list[Scope]) -> str:
        """`module.name` by what it names; any other attribute by its word."""
        dotted = self.dotted(node, scopes)
        if dotted:
            return self.reference(dotted, ast.unparse(node))
        return f"Attribute({self.write(node.value, scopes)},{node.attr})"

    def dotted(self, node: ast.expr, scopes: list[Scope]) -> str:
        """The full name of what stands for something imported; "" for anything else."""
        if isinstance(node, ast.Attribute):
            start = self.dotted(node.value, scopes)
            return f"{start}.{node.attr}" if start else ""
        if not isinstance(node, ast.Name):
            return ""
        for depth, scope in enumerate(reversed(scopes)):
            if scope.of_class and depth:
                continue
            if node.id in scope.imports:
                return scope.imports[node.id]
            if node.id in scope.names:
                return ""
        return "" if node.id in self.module.definitions else self.module.imports.get(node.id, "")

    def reference(self, dotted: str, written: str) -> str:
        """What an imported name stands for: a library's by its full name, the package's own by its
        fingerprint. Raises ReportError for a module of the package itself.
        """
        place = self.code.inside(dotted)
        if place is None:
            return f"library:{dotted}"
        module, rest = place
        if self.code.ground(module):
            return "ground"
        if not rest:
            raise ReportError(
                f"fingerprint: {self.module.path.name}: `{self.own}` uses the module {written!r} "
                f"itself; "
                "name what it takes from it"
            )
        name, *attributes = rest.split(".")
        here = self.code.module(module)
        if (
            here and name not in here.definitions and name in here.imports
        ):  # imported there: a face, or a library
            return self.reference(".".join([here.imports[name], *attributes]), written)
        return ".".join([self.project((module, name)), *attributes])

    def process(self, text: str) -> str:
        """A text that names a module of the package stands for that module's `main`: a process of
        its own runs it.
        """
        module = text.removeprefix(f"{PACKAGE}.")
        if self.code.module(module) is None:
            return f"str:{text!r}"
        return self.project((module, "main"))

    def project(self, place: Place) -> str:
        place = self.code.home(*place)
        if self.code.ground(place[0]):
            return "ground"
        if place == (self.module.name, self.own):
            return "itself"
        self.references.append(place)
        return HOLE


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module or class, those under `if`, `try` and `with` in place of these."""
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.With):
            parts = [
                node.body,
                getattr(node, "orelse", []),
                getattr(node, "finalbody", []),
                *(handler.body for handler in getattr(node, "handlers", [])),
            ]
            yield from (one for part in parts for one in statements(part))
        else:
            yield node


def bound(node: ast.stmt) -> set[str]:
    """Names that a statement of a module or class binds or changes; imports apart."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.For | ast.Delete):
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else [node.target]
        return {name for target in targets for name in stored(base(target))}
    return set()


def base(target: ast.expr) -> ast.expr:
    """`table` of `table["a"]` and of `table.a`: what such an assignment changes."""
    while isinstance(target, ast.Subscript | ast.Attribute):
        target = target.value
    return target


def stored(target: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def own(body: list) -> Iterator[ast.AST]:
    """All nodes of a function's body that belong to its own scope."""
    todo = list(body)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            todo += node.decorator_list
        elif isinstance(node, ast.comprehension):  # its targets belong to the comprehension
            todo += [node.iter, *node.ifs]
        elif not isinstance(node, ast.Lambda):
            todo += ast.iter_child_nodes(node)


def names_in(body: list) -> set[str]:
    """Names that a function's body binds, imports and names declared global apart."""
    names, outside = set(), set()
    for node in own(body):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            outside |= set(node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
    return names - outside


def imported(node: ast.AST, module: Module) -> Iterator[tuple[str, str]]:
    """(name, full dotted name) of what an import statement binds. Raises ReportError for `import
    *`.
    """
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
    elif isinstance(node, ast.ImportFrom):
        start = node.module or ""
        if node.level:
            above = module.package.split(".")[: len(module.package.split(".")) - node.level + 1]
            start = ".".join(filter(None, [PACKAGE, *above, start]))
        for alias in node.names:
            if alias.name == "*":
                raise ReportError(
                    f"fingerprint: {module.path.name}, line {node.lineno}: import * hides what is "
                    "imported; name it"
                )
            yield alias.asname or alias.name, f"{start}.{alias.name}"


def is_docstring(node: ast.AST) -> bool:
    """Whether a statement is a text that nothing reads."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def is_declaration(node: ast.AST) -> bool:
    """Whether a statement says of which type a variable is, and no more."""
    return isinstance(node, ast.AnnAssign) and node.value is None


def digest(*texts: str) -> str:
    return hashlib.sha256("\1".join(texts).encode()).hexdigest()[:16]
