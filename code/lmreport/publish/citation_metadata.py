"""The project as a work that can be cited: title, version, licence and authors, from CITATION.cff;
and its day.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from pathlib import Path

from lmreport.core import strict_yaml
from lmreport.core.errors import ReportError
from lmreport.core.settings import epoch, project_root


@dataclass(frozen=True)
class Work:
    """The project as `CITATION.cff` describes it; people: the authors as CSL names; licence: its
    SPDX name.

    A report that someone makes of it is theirs: title is then the report's, people who is named
    there, and there is no licence but what they give. key: what names it in a bibliography.
    """

    key: str
    title: str
    version: str
    licence: str
    url: str
    people: tuple[dict, ...]
    data: str = ""  # one's own, where the report is about it

    @property
    def authors(self) -> tuple[str, ...]:
        return tuple(
            p.get("literal") or f"{p.get('given', '')} {p['family']}".strip() for p in self.people
        )

    @property
    def licence_url(self) -> str:
        return f"https://spdx.org/licenses/{self.licence}.html"


def work(root: Path | None = None) -> Work:
    """The project's own description. Raises ReportError if CITATION.cff is missing or lacks
    something.
    """
    places = (root or project_root(), Path(__file__).resolve().parents[3])
    path = next((p / "CITATION.cff" for p in places if (p / "CITATION.cff").is_file()), None)
    if path is None:
        raise ReportError(
            "there is no CITATION.cff in the project's folder; restore it from the repository"
        )
    try:
        fields, _ = strict_yaml.read(
            path.read_text(encoding="utf-8"),
            lambda line: f"CITATION.cff:{line + 1}",
            "the citation",
            ("title", "version", "license", "url", "repository-code"),
        )
        people = tuple(
            {"literal": a["name"]}
            if "name" in a
            else {"family": a["family-names"], "given": a.get("given-names", "")}
            for a in fields["authors"]
        )
        return Work(
            key_of(fields["title"]),
            fields["title"],
            str(fields["version"]),
            fields["license"],
            fields.get("url") or fields.get("repository-code") or "",
            people,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ReportError(
            f"CITATION.cff: {error!r} is missing or wrong; title, version, license and authors are "
            "needed"
        ) from None


def key_of(title: str) -> str:
    """The letters and digits of a title before its colon, as a key."""
    return "".join(c for c in title.partition(":")[0].lower() if c.isalnum())


def own(root: Path, rendered: dict) -> Work:
    """The project as the work of who made the report: as its page names title and authors, on the
    data of the last render; the name in the settings goes before the authors.

    rendered: what that render was made from, and by whom if its command said so, as its page does.
    With the title and on the data of the assignment, and without an author, it is the project's own.
    """
    from lmreport.core import author
    from lmreport.render import project

    about, name = work(root), rendered.get("by") or author.load(root).name
    page = rendered.get("page") or title_block(project.read(root, ("html",), None)[0])
    given = str(rendered.get("settings", {}).get("data", "auto"))
    digest = rendered.get("at hand", {}).get("data", "")
    data = "" if given in ("auto", "sample") else data_set(given, digest)
    people = ({"literal": name},) if name else tuple(page["authors"])
    if about.key == PROJECT:
        if not people and not data and page["title"] in ("", TITLE):
            return about
        about = replace(about, title=page["title"] or about.title, people=(), licence="")
    return replace(about, people=people or about.people, data=data)


def title_block(document) -> dict:
    """The title of a document and its authors as CSL names, in the words that its page shows; the
    title is "" where it has none.
    """
    from lmreport.render import document as tree
    from lmreport.render import pandoc_ast, project

    def words(markdown: object) -> str:
        return pandoc_ast.plain(pandoc_ast.read_inlines(str(markdown))).strip()

    def person(given: str | dict) -> dict:
        name = given if isinstance(given, str) else given.get("name", "")
        if isinstance(name, dict) and name.get("family") and not name.get("literal"):
            return {part: words(name[part]) for part in ("family", "given") if name.get(part)}
        return {"literal": words(tree.named(given))}

    options = document.options["html"]
    people = map(person, project.as_list(options.get("author")))
    return {
        "title": words(options.get("title") or ""),
        "authors": [one for one in people if any(one.values())],
    }


def data_set(given: str, digest: str) -> str:
    """One's own data as they are cited; of a data set on the hub its owner and name, and its licence
    where its card told one.
    """
    from lmreport.data import download, hub

    if not hub.is_hub(given):
        return f"{Path(given).name} ({digest})" if digest else Path(given).name
    try:
        name, corpus = hub.parted(given)[0], download.at_hand(given)
    except ReportError:
        return given
    licence = corpus.licence if corpus and corpus.digest.startswith(digest) else ""
    return (
        f"{name} of the Hugging Face hub"
        + (f" ({digest})" if digest else "")
        + (f", licence {licence}" if licence else "")
    )


PROJECT = "lmreport"  # the key of a CITATION.cff that nobody made their own
TITLE = "Pre-trained language models for classifying texts"  # of the project's own report


def commit_in_words(commit: str) -> str:
    """ "commit 0123abc", or that with changes."""
    return (
        f"commit {commit.removesuffix('+')}" + ", with changes" * commit.endswith("+")
        if commit
        else ""
    )


def day(path: Path | None = None) -> str:
    """The day of SOURCE_DATE_EPOCH, else the day on which the file at `path` was written, else
    today, in ISO form.
    """
    given = epoch()
    if given is not None:
        return datetime.datetime.fromtimestamp(given, datetime.UTC).date().isoformat()
    return (
        datetime.date.fromtimestamp(path.stat().st_mtime) if path else datetime.date.today()
    ).isoformat()
