"""A data set of the Hugging Face hub, laid out as `corpus` wants it, with the commit it was at.

`hf:OWNER/NAME` may be followed by what the hub leaves open: `hf:nyu-mll/glue?config=sst2&test=validation`.
config: the configuration; revision: a commit, branch or tag; text, label: the columns; train,
validation, test: which split of the data set is taken for that part.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lmreport.core.blobs import as_named
from lmreport.core.errors import (
    ReportError,
    answered_otherwise,
    chain_of,
    hindrance,
    hub_cache_name,
    met,
    no_locks,
    no_space,
    said_by,
    untrusted,
    way_out,
)
from lmreport.core.listing import quoted
from lmreport.core.settings import HUB, cache_root
from lmreport.data import layout, readers, split_names, table_files
from lmreport.data.corpus import Rows

log = logging.getLogger(__name__)

ASKED = ("config", "revision", "text", "label", "train", "validation", "test")
PAGES = "https://huggingface.co/datasets/"
NAME = r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?"
LICENCE = r"[\w.+ -]{1,60}"
PATIENCE = 20  # seconds that the hub is waited for
UNREADABLE = {  # errors of Datasets about tables that are there
    "DatasetGenerationError",
    "DatasetGenerationCastError",
    "NonMatchingSplitsSizesError",
    "ExpectedMoreSplitsError",
    "UnexpectedSplitsError",
}
WRITE = "hf:OWNER/NAME?config=…&text=COLUMN&label=COLUMN&test=SPLIT"


def is_hub(source: str) -> bool:
    """Whether `source` names a data set on the hub."""
    return source.startswith(HUB)


def hint(source: str) -> str:
    """What to add where `source`, which is no path that exists, may be meant for the hub."""
    name = source.removeprefix(PAGES).partition("?")[0]
    if source != name and "/resolve/" not in name:  # a page of the data set, such as tree/main
        name = "/".join(name.split("/")[:2])
    meant = (
        re.fullmatch(NAME, name)
        and ("/" in name or source.startswith(PAGES))
        and Path(name).suffix not in table_files.SUFFIXES
    )
    return f"; a data set on the Hugging Face hub is written {HUB}{name}" if meant else ""


def parted(source: str) -> tuple[str, dict[str, str]]:
    """`hf:owner/name?config=x` as the name and what stands after it. Raises ReportError for a word
    that is none of ASKED, and for what cannot be a name.
    """
    name, mark, query = source.removeprefix(HUB).removeprefix("//datasets/").partition("?")
    asked = dict(parse_qsl(query.replace("+", "%2B"), keep_blank_values=True))
    wrong = [word for word in asked if word not in ASKED] or ([query] if mark and not asked else [])
    if wrong:
        raise ReportError(
            f"data: {quoted(wrong[0])} in {quoted(source)} is not understood; write {WRITE}"
        )
    if not re.fullmatch(NAME, name):
        revision = "?revision=COMMIT" * ("@" in name)
        raise ReportError(
            f"data: {quoted(source)} names no data set of the hub; write {HUB}OWNER/NAME{revision}"
        )
    return name, asked


def laid_out_at(source: str, seed: int) -> Path:
    """Where the cache keeps, or will keep, the texts of this data set: fetched once, its commit is
    that of the first time, or the one that `revision` names.
    """
    name, asked = parted(source)
    given = "\n".join(["hub", name, repr(sorted(asked.items())), str(seed)])
    return cache_root() / "data" / hashlib.sha256(given.encode()).hexdigest()[:16]


def lay_out(source: str, seed: int, folder: Path) -> tuple[str, str, str]:
    """Write the texts as `train/<class>/<number>.txt` and `test/…` into `folder`.

    Returns where they come from, with the commit, what was done to get there, and their licence, ""
    where it is not known. Raises
    ReportError where the hub knows no such data set, cannot be reached (and no copy is on this
    machine), where it would have to run code of the data set, and as `layout.lay_out`.
    """
    name, asked = parted(source)
    builder = prepared(name, asked)
    by_split = builder.as_dataset()
    taken, done = parts_of(by_split, name, asked)
    splits: dict[str, Rows] = {}
    for split, part in taken.items():
        dataset, place = by_split[split], f"data: {name}, {split}"
        text, label = table_files.columns(
            table_files.Part(part, place, by_split[split].column_names, []), asked
        )
        rows = table_files.of_dataset(dataset.select_columns([text, label]), part, place)
        splits.setdefault(part, []).extend(table_files.rows_of(rows, text, label))
    origin = (
        f"{name} of the Hugging Face hub, configuration {builder.config.name}, commit "
        f"{builder.hash}"
    )
    under = licence(name, builder.hash)
    changes = "; ".join([*done, *layout.written_out(splits, seed, folder)])
    return origin + (f", licence {under}" if under else ""), changes, under


def licence(name: str, commit: str) -> str:
    """The licence that the card of a data set names (`license:` in the head of its README.md), "" if
    it names none. Datasets fetched the card with the tables.
    """
    from huggingface_hub import metadata_load, try_to_load_from_cache

    path = try_to_load_from_cache(name, "README.md", revision=commit, repo_type="dataset")
    try:
        card = (metadata_load(path) if isinstance(path, str) else None) or {}
    except Exception:  # no YAML, in a file that is somebody else's
        return ""
    given = card.get("license")
    named = [str(one) for one in (given if isinstance(given, list) else [given]) if one]
    named = [str(card.get("license_name") or "") if one == "other" else one for one in named]
    return ", ".join(one for one in named if re.fullmatch(LICENCE, one) and one != "unknown")


def prepared(name: str, asked: dict[str, str]) -> Any:
    """A builder of Datasets whose tables lie on this machine; its `hash` is the commit.

    Without an answer of the hub it is the copy that Datasets kept. No code of a data set is run:
    Datasets refuses those that have some. Raises ReportError for whatever keeps the tables from
    being loaded, with the fix.
    """
    import datasets
    from datasets import load_dataset_builder

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    revision, why = asked.get("revision"), ""
    try:
        commit, why = commit_of(name, revision)
        if commit:
            log.info(f"data: fetching {name} from the hub, commit {commit}")
        with hub_or_copy(commit):
            builder = load_dataset_builder(name, asked.get("config"), revision=commit or revision)
    except Exception as error:  # whatever a foreign repository and the hub's client lead to
        raise refusal(error, name, asked, why) from error
    refuse_another(builder, name, commit or revision or "")
    try:
        builder.download_and_prepare()
    except Exception as error:
        refuse_damaged(builder, name, commit)
        raise refusal(error, name, asked, why) from error
    refuse_damaged(builder, name, commit)
    return builder


@contextmanager
def hub_or_copy(commit: str) -> Iterator[None]:
    """Inside, Datasets asks the hub, or, where that gave no commit, takes its own copy at once."""
    from datasets import config

    before = config.HF_HUB_OFFLINE
    config.HF_HUB_OFFLINE = before or not commit
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE = before


def refuse_another(builder: Any, name: str, wanted: str) -> None:
    """Raises ReportError if Datasets gave its own copy of another commit than the `wanted` one."""
    if wanted and not builder.hash.startswith(wanted):
        raise ReportError(
            f"data: the hub does not give {quoted(name)} at {wanted} now, and the copy on this machine "
            f"is of commit {builder.hash}; try again, or take that one: "
            f"{HUB}{name}?revision={builder.hash}"
        )


def commit_of(name: str, revision: str | None) -> tuple[str, str]:
    """(the commit of a data set on the hub, ""); where it cannot be asked, ("", why and what to do),
    both "" where nobody answers.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return HfApi().dataset_info(name, revision=revision, timeout=PATIENCE).sha or "", ""
    except OfflineModeIsEnabled:
        return "", ""
    except (HFValidationError, RepositoryNotFoundError, RevisionNotFoundError):
        raise
    except Exception as error:  # whatever the hub's client meets on the way
        why = untrusted(error) or answered_otherwise(error)
        said = f", since {why}" if why else f" {hindrance(error)}"
        log.warning(
            f"data: the hub cannot be asked for {quoted(name)}{said}; looking for a copy here"
        )
        remedy = way_out(error)
        return "", why or (f"{said_by(met(error)[0])}; {remedy}" if remedy else "")


def refusal(error: Exception, name: str, asked: dict[str, str], why: str = "") -> ReportError:
    """What to tell of an error of the hub or of Datasets; why: as of `commit_of`."""
    chain = chain_of(error)
    kinds = {type(one).__name__ for one in chain}
    said = " ".join(str(one) for one in chain)
    if no_space(error):
        return ReportError(
            f"data: no space left for {quoted(name)}; free some or set {hub_cache_name()} elsewhere"
        )
    if locked := next(filter(no_locks, chain), None):
        return ReportError(
            f"data: {quoted(name)} cannot be fetched, since files in {hub_cache_name()} cannot be locked "
            f"({readers.first_line(locked)}); set {hub_cache_name()} to a folder on a disk of this "
            "machine"
        )
    if "GatedRepoError" in kinds or "is a gated dataset" in said:
        return ReportError(
            f"data: the hub gives {quoted(name)} only to members who accepted its terms; accept them "
            "there and set HF_TOKEN, or name another data set"
        )
    if "RevisionNotFoundError" in kinds:
        return ReportError(
            f"data: {quoted(name)} has no revision {quoted(asked.get('revision'))}; name a commit, a branch or "
            "a tag of it"
        )
    if kinds & {"RepositoryNotFoundError", "DatasetNotFoundError", "HFValidationError"}:
        return ReportError(
            f"data: the hub knows no data set {quoted(name)}; check the name, and set HF_TOKEN if it is "
            "a private one"
        )
    if "scripts are no longer supported" in said:
        return ReportError(
            f"data: {quoted(name)} is read by code of its own, which is not run here; name another data "
            f"set, or its copy without code: {HUB}{name}?revision=refs/convert/parquet"
        )
    if isinstance(error, ValueError) and "onfig" in str(error) and "cache" not in str(error):
        known = ", ".join(re.findall(r"'([^']+)'", str(error).partition("[")[2].partition("]")[0]))
        what = (
            f"no configuration {quoted(asked['config'])}, only"
            if "config" in asked
            else "the configurations"
        )
        return ReportError(
            f"data: {quoted(name)} has {what} {known}; write {HUB}{name}?config=NAME"
        )
    if kinds & {"DataFilesNotFoundError", "EmptyDatasetError"}:
        return ReportError(
            f"data: {quoted(name)} holds no table that Datasets reads; name another data set"
        )
    if kinds & UNREADABLE:
        return ReportError(
            f"data: the tables of {quoted(name)} cannot be read ({readers.first_line(chain[-1])}); name "
            "another revision with ?revision="
        )
    if why := why or answered_otherwise(error):
        return ReportError(
            f"data: the hub cannot be asked for {quoted(name)} (no copy of it is on this machine), since "
            f"{why}, or give the texts as a file"
        )
    return ReportError(
        f"data: the hub cannot be asked for {quoted(name)} ({readers.first_line(error)}), and no copy of "
        f"it is on this machine; {within_reach()}, or give the texts as a file"
    )


def within_reach() -> str:
    """What to do so that the hub can be asked."""
    from huggingface_hub import constants

    return (
        "unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE"
        if constants.HF_HUB_OFFLINE
        else "try again where there is a network"
    )


def refuse_damaged(builder: Any, name: str, commit: str) -> None:
    """Raises ReportError for a fetched file that is not the hub's, after deleting it and what was
    made of it; Datasets does not compare them.
    """
    from huggingface_hub import try_to_load_from_cache

    given = builder.config.data_files or {}  # none where the copy of Datasets was taken
    files = [file for files in given.values() for file in files]
    damaged = []
    for inner in [file.partition(f"@{commit}/")[2] for file in files]:
        path = try_to_load_from_cache(name, inner, revision=commit, repo_type="dataset")
        if isinstance(path, str) and not as_named(Path(path)):
            Path(path).resolve().unlink()
            Path(path).unlink(missing_ok=True)
            damaged.append(inner)
    if damaged:
        shutil.rmtree(builder.cache_dir, ignore_errors=True)
        raise ReportError(
            f"data: {damaged[0]} of {quoted(name)} came damaged from the hub (its digest differs) and "
            "has been deleted; the same command fetches it anew"
        )


def parts_of(by_split: Any, name: str, asked: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """({split of the data set: the part it is taken for}, what is to be told of it).

    The parts that were asked for come first; other splits are taken by their names, if their part
    is free and they have labels. Raises ReportError if nothing is left to train on.
    """
    taken: dict[str, str] = {}
    for part in ("test", "validation", "train"):
        if part in asked:
            if asked[part] not in by_split or asked[part] in taken:
                raise ReportError(
                    f"data: {quoted(name)} has no split {quoted(asked[part])} of its own for {part}, only "
                    f"{', '.join(by_split)}; name one of them after {part}="
                )
            taken[asked[part]] = part
    given, left, bare = set(taken.values()), [], []
    for split, dataset in by_split.items():
        part = split_names.part_of(split, by_split)
        if split in taken:
            continue
        if not part or part in given:
            left.append(split)
        elif without_labels(dataset, asked):
            bare.append(split)
        else:
            taken[split] = part
    if "train" not in taken.values():
        raise ReportError(
            f"data: none of the splits of {quoted(name)} ({', '.join(by_split)}) is called train; say which "
            f"is: {HUB}{name}?train=SPLIT&test=SPLIT"
        )
    done = [f"the split {quoted(split)} was left out" for split in left]
    done += [f"the split {quoted(split)} was left out, for it has no labels" for split in bare]
    return taken, done


def without_labels(dataset: Any, asked: dict[str, str]) -> bool:
    """Whether no row of a split has a label, as in a task whose answers are kept secret."""
    names = [asked["label"]] if "label" in asked else table_files.named_so(dataset.column_names)
    if len(names) != 1 or names[0] not in dataset.column_names or not len(dataset):
        return False
    return set(dataset.unique(names[0])) <= {None, -1, ""}
