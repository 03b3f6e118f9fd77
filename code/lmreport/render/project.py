"""What is rendered and how: `_quarto.yml`, its profile and a document's front matter as one set of options."""

from __future__ import annotations

import difflib
import glob
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from lmreport.errors import ReportError

FORMATS = ("html", "typst")
METADATA = set("title subtitle author date date-format date-modified abstract abstract-title keywords description "
               "subject lang categories copyright license citation google-scholar canonical-url".split())
OPTIONS = METADATA | set("""
    number-sections number-depth toc toc-depth toc-title citeproc bibliography csl link-citations nocite execute format
    jupyter filters embed-resources self-contained html-math-method code-fold code-summary code-copy code-overflow
    anchor-sections highlight-style syntax-highlighting theme page-layout toc-location toc-expand smooth-scroll
    link-external-newwindow respect-user-color-scheme title-block-style tbl-colwidths fig-format fig-width fig-height
    fig-dpi output-ext papersize margin fontsize section-numbering keep-typ include-in-header
    include-after-body css format-links crossrefs-hover citations-hover footnotes-hover pdf-standard""".split())
EXECUTE = set("echo eval output warning error include freeze daemon ipynb-shell-interactivity "
              "fig-format fig-width fig-height fig-dpi".split())
PROJECT = {"type", "output-dir", "render", "title"}
PROFILE = {"default", "group"}


@dataclass(frozen=True)
class Document:
    """One .qmd with the options that hold for each format; `body_line` is the first line after its front matter."""

    root: Path
    path: Path
    output: Path
    options: dict[str, dict]
    body: list[str]
    body_line: int
    profiles: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.relative_to(self.root).as_posix()


def read(root: Path, formats: tuple[str, ...], profile: str | None) -> list[Document]:
    """The documents that `_quarto.yml` at `root` lists; without a `profile`, with the project's own."""
    root = root.resolve()
    if not (root / "_quarto.yml").is_file():
        raise ReportError(f"no _quarto.yml in {root}; render from the project's folder")
    for fmt in formats:
        if fmt not in FORMATS:
            raise ReportError(f"unknown format {fmt!r}; known are {', '.join(FORMATS)}")
    layers = [read_yaml(root / "_quarto.yml", root)]
    profiles = active(root, layers[0].get("profile") or {}, profile)
    layers += [read_yaml(path, root) for name in profiles if (path := root / f"_quarto-{name}.yml").is_file()]
    project = {}
    for layer in layers:
        project = merge(project, layer.get("project") or {})
    out = root / project.get("output-dir", ".")
    return [read_document(root, path, out, layers, formats, profiles) for path in listed(root, project)]


def active(root: Path, told: dict, given: str | None = None) -> tuple[str, ...]:
    """The profiles that hold: `given`, else those of QUARTO_PROFILE, else the default; one of each group at least.

    told: what `_quarto.yml` says under `profile`. Raises ReportError for an unknown one and for two of one group.
    """
    groups = [[str(name) for name in names] for names in as_groups(told.get("group") or [])]
    chosen = words(given) or words(os.environ.get("QUARTO_PROFILE"))
    for name in chosen:
        if not (root / f"_quarto-{name}.yml").is_file() and name not in sum(groups, []):
            known = sorted(p.stem.removeprefix("_quarto-") for p in root.glob("_quarto-*.yml"))
            raise ReportError(f"profile {name!r}: there is no _quarto-{name}.yml beside _quarto.yml"
                              + (f"; known are {', '.join(known)}" if known else ""))
    chosen = chosen or words(told.get("default"))
    for names in groups:
        both = [name for name in chosen if name in names]
        if len(both) > 1:
            raise ReportError(f"profiles {' and '.join(both)} exclude each other; give one of them")
        chosen += names[:1] if not both else []
    return tuple(chosen)


def as_groups(group: list) -> list[list]:
    return group if group and isinstance(group[0], list) else [group] if group else []


def words(names) -> list[str]:
    """Names of profiles from a list or from text, parted by commas or blanks."""
    return [str(n) for n in names] if isinstance(names, list) else str(names or "").replace(",", " ").split()


def listed(root: Path, project: dict) -> list[Path]:
    patterns = project.get("render") or ["**/*.qmd"]
    found = []
    for pattern in patterns:
        matches = sorted(glob.glob(str(root / pattern), recursive=True))
        if not matches and not glob.has_magic(pattern):
            raise ReportError(f"_quarto.yml lists {pattern!r}, which does not exist")
        parts = (Path(m) for m in matches)
        found += [p for p in parts if p.suffix == ".qmd" and not p.name.startswith(("_", ".")) and p not in found]
    if not found:
        raise ReportError(f"_quarto.yml lists no document to render ({', '.join(map(str, patterns))})")
    return found


def read_document(root, path, out, layers, formats, profiles) -> Document:
    lines = path.read_text(encoding="utf-8").splitlines()
    front, first = {}, 0
    if lines and lines[0].rstrip() == "---":
        end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
        if end is None:
            raise ReportError(f"{path.relative_to(root)}:1: the front matter has no closing ---")
        front = parse_yaml("\n".join(lines[1:end]), path.relative_to(root).as_posix(), 2)
        first = end + 1
    options = {fmt: {} for fmt in formats}
    for layer in [*layers, front]:
        for fmt in formats:
            options[fmt] = merge(options[fmt], for_format(layer, fmt))
    relative = path.relative_to(root).with_suffix("")
    return Document(root, path, out / relative, options, lines[first:], first + 1, profiles)


def for_format(layer: dict, fmt: str) -> dict:
    """The options of one file that hold for `fmt`: its own ones win over the common ones."""
    common = {k: v for k, v in layer.items() if k not in ("format", "project", "profile")}
    named = layer.get("format") or {}
    own = named.get(fmt) if isinstance(named, dict) else None
    return merge(common, own if isinstance(own, dict) else {})


def merge(base: dict, over: dict) -> dict:
    out = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


def read_yaml(path: Path, root: Path) -> dict:
    return parse_yaml(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix(), 1)


def parse_yaml(source: str, name: str, first_line: int) -> dict:
    """A YAML mapping of known options; ReportError with file and line for anything else."""
    try:
        tree = yaml.compose(source, yaml.SafeLoader)
        data = yaml.safe_load(source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark else 0)
        raise ReportError(f"{name}:{line}: not valid YAML: {getattr(error, 'problem', error)}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ReportError(f"{name}:{first_line}: expected `option: value` lines")
    check_keys(tree, OPTIONS | {"project", "profile"}, name, first_line)
    return data


def check_keys(tree, known: set[str], name: str, first_line: int) -> None:
    inside = {"execute": EXECUTE, "project": PROJECT, "profile": PROFILE, "format": set(FORMATS)}
    for key, value in tree.value:
        line = first_line + key.start_mark.line
        if key.value not in known:
            raise ReportError(f"{name}:{line}: unknown option {key.value!r}{near(key.value, known)}")
        if key.value in inside and isinstance(value, yaml.MappingNode):
            check_keys(value, inside[key.value], name, first_line)
        elif key.value in FORMATS and known is inside["format"] and isinstance(value, yaml.MappingNode):
            check_keys(value, OPTIONS, name, first_line)


def included(options: dict, key: str, root: Path) -> list[str]:
    """The texts that an option like include-in-header names: files of the project at `root`, or `text: …` itself."""
    named = options.get(key) or []
    texts = []
    for name in named if isinstance(named, list) else [named]:
        if isinstance(name, dict):
            texts.append(str(name.get("text", "")))
        elif (root / name).is_file():
            texts.append((root / name).read_text(encoding="utf-8"))
        else:
            raise ReportError(f"_quarto.yml: {key} {name!r} does not exist")
    return texts


def near(word: str, known) -> str:
    """A hint at the known word that looks most like `word`."""
    found = difflib.get_close_matches(str(word), sorted(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
