"""Question 1a: get the texts from an archive, a folder or an address; `corpus` verifies and
identifies them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import lzma
import os
import re
import shutil
import socket
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import getproxies

from lmreport.core import lock, progress
from lmreport.core.errors import ReportError, no_space, overburdened, untrusted
from lmreport.core.files import write_atomically
from lmreport.core.listing import quoted
from lmreport.core.settings import cache_root
from lmreport.data import hub, layout, table_files, text_folders
from lmreport.data.corpus import (
    FOLDERS,
    KNOWN,
    SAMPLE,
    Corpus,
    classes_in,
    digest,
    has_utf8,
    verified,
)

log = logging.getLogger(__name__)

URL = "https://storage.googleapis.com/download.tensorflow.org/data/stack_overflow_16k.tar.gz"
SPLIT_SEED = 157  # by which test texts are drawn, where a data set has none
PATIENCE = 20  # seconds that a silent server is waited for
LARGEST = 2**30  # bytes: an archive that unpacks to more than this is not the data


def obtain(source: str = "auto") -> Corpus:
    """The corpus that `source` names: "auto", "sample", an archive, table or folder on disk, an
    http(s) address, or a data set on the Hugging Face hub ("hf:owner/name").

    "auto" is the official archive, or the package's own sample where that cannot be fetched.
    Raises ReportError if the source is missing, unreadable, or not the data.
    """
    if source == "sample":
        return verified(SAMPLE, "sample", "the package's own sample")
    if source == "auto":
        try:
            return from_address(URL)
        except NoNetworkError as error:
            log.warning(f"{error}; going on with the package's own sample")
            note = "The official archive could not be fetched, so this report was made on the package's own sample."
            return verified(SAMPLE, "sample", "the package's own sample", note)
    if hub.is_hub(source):
        return from_hub(source)
    if source.startswith(hub.PAGES) and (meant := hub.hint(source)):
        raise ReportError(f"data: {source} is a page and no archive{meant}")
    if source.startswith(("http://", "https://")):
        return from_address(source)
    source_exists(source)
    name, asked = table_files.parted(source)
    path = Path(name).expanduser()
    if layout.is_table(path):
        return laid_out(path, asked)
    if path.is_dir():
        if not classes_in(path):
            table_files.refuse_compressed(path)
            table_files.refuse_deeper(path)
        done, origin = "; ".join(text_folders.left_out(path)), f"folder {path.name}"
        found = verified(path, "real", origin, done, path.name)
        return replace(found, origin=with_note(origin, done))
    if path.is_file():
        return unpacked(path, asked)
    others = "; of addresses only https:// and http:// are read, of files the path is given"
    raise ReportError(
        f"data: {quoted(source)} is neither an archive, a table, a folder nor an address; give one of "
        f"them{others * ('://' in source)}"
    )


def source_exists(source: str) -> None:
    """Raises ReportError if `source` names a file or folder that is not there."""
    if source in ("auto", "sample") or "://" in source or hub.is_hub(source):
        return
    name = table_files.parted(source)[0]
    if not has_utf8(name):
        raise ReportError(
            f"data: the name {ascii(name)} is not in UTF-8; rename the file or folder"
        )
    if not os.path.exists(Path(name).expanduser()):  # also for a name that is too long
        raise ReportError(
            f"data: there is no file or folder {quoted(name)}; give an archive, a table (.csv, .tsv, "
            f".jsonl, .parquet), a folder, an address or 'sample'{hub.hint(source)}"
        )


class NoNetworkError(ReportError):
    """The address could not be reached."""


def from_address(address: str) -> Corpus:
    """Download the archive at `address` once, with Keras' `get_file`, into the cache; unpack and
    verify it.

    Raises NoNetworkError if it cannot be fetched, ReportError if the disk is full or the archive is
    not what it should be, and then deletes it.
    """
    archive = downloaded(address)
    if PurePosixPath(urlsplit(address).path).suffix.lower() in table_files.SUFFIXES:
        raise ReportError(
            f"data: {address} is a table, and of addresses only archives are read; download it "
            "(curl -LO ADDRESS) and give the file"
        )
    if not archive.is_file():
        log.info(f"data: downloading {address}")
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".part-") as part:
            try:
                reach(address)
                progress.load_keras()
                with patience():
                    fetched = download(address, Path(part), archive.name)
                fetched.replace(archive)
            except Exception as error:  # get_file raises bare Exceptions
                raise not_fetched(address, error) from error
    try:
        return unpacked(archive)
    except ReportError as error:
        archive.unlink()
        raise ReportError(
            f"{error} (downloaded from {address}; the copy was deleted, and the same command fetches "
            "it anew)"
        ) from None


def not_fetched(address: str, error: Exception) -> ReportError:
    """What to tell of a download that failed."""
    if no_space(error):
        return ReportError(
            f"data: no space left for {address}; free some or set LMREPORT_CACHE to another folder"
        )
    if why := untrusted(error) or overburdened(error):
        return NoNetworkError(
            f"data: {address} could not be fetched, since {why}, or set LMREPORT_DATA to an archive "
            "or to 'sample'"
        )
    return NoNetworkError(
        f"data: {address} could not be fetched ({str(error).split(': ', 1)[-1]}); check the "
        "address and the network, or set LMREPORT_DATA to an archive or to 'sample'"
    )


def downloaded(address: str) -> Path:
    """Where the cache keeps, or will keep, the archive of this address."""
    key = hashlib.sha256(address.encode()).hexdigest()[:16]
    return cache_root() / "downloads" / key / PurePosixPath(address).name


def reach(address: str) -> None:
    """Connect once, so that Keras and its backend are not loaded for nothing; OSError if nobody is
    there.

    Where a proxy is set, trying is left to `download`.
    """
    parts = urlsplit(address)
    if parts.scheme not in getproxies():
        socket.create_connection((parts.hostname, parts.port or parts.scheme), PATIENCE).close()


def download(address: str, folder: Path, name: str) -> Path:
    """The assignment's `get_file`: fetched once, then found in `folder`."""
    from keras.utils import get_file

    return Path(get_file(name, origin=address, cache_dir=folder, cache_subdir="."))


@contextmanager
def patience() -> Iterator[None]:
    """Inside, no silent server is waited for longer than PATIENCE."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def unpacked(archive: Path, asked: dict[str, str] | None = None) -> Corpus:
    """What is in `archive`, unpacked into the cache once; asked: as of `layout.lay_out`."""
    wanted = asked or {}
    return kept_or_made(
        unpacked_at(archive, wanted), lambda folder: unpack(archive, folder, wanted)
    )


def kept_or_made(folder: Path, make: Callable[[Path], None]) -> Corpus:
    """The corpus in a folder of the cache; `make(folder)` puts it there, once for all processes."""
    if kept(folder) is None:
        with lock.only_one(f"data-{folder.name}"):
            if kept(folder) is None:
                make(folder)
    corpus = kept(folder)
    assert corpus is not None  # it was made and renamed into place just now, or before
    return corpus


def kept(folder: Path) -> Corpus | None:
    """The corpus that was unpacked into `folder`; None if there is none, what told of it cannot be
    read, or its texts still are to be laid out, as a copy of an earlier version may be.
    """
    try:
        corpus = Corpus(**json.loads((folder / "corpus.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    texts = Path(corpus.folder)
    return corpus if texts.is_dir() and not text_folders.split_folders(texts) else None


def unchanged(corpus: Corpus) -> None:
    """Raises ReportError if the texts are not those that were verified; a damaged copy in the cache
    is deleted.
    """
    folder = Path(corpus.folder)
    if digest(folder) == corpus.digest:
        return
    around = [
        path
        for path in folder.resolve().parents
        if path.parent == (cache_root() / "data").resolve()
    ]
    if around and (around[0] / "corpus.json").is_file():  # an archive was unpacked here
        shutil.rmtree(around[0])
        raise ReportError(
            "data: the unpacked copy in the cache was damaged and has been deleted; the same "
            "command unpacks the data anew"
        )
    raise ReportError(
        f"data: the texts in {folder} have changed since they were verified; run again"
    )


def laid_out(path: Path, asked: dict[str, str]) -> Corpus:
    """The texts of a table as a corpus in the cache, laid out there once."""

    def lay_out(texts: Path) -> Corpus:
        done = layout.lay_out(path, asked, SPLIT_SEED, texts)
        title = path.stem if path.is_file() else path.name
        found = verified(texts, "real", path.name, done, title, layout.remedy())
        return replace(found, origin=with_note(path.name, done))

    def make(folder: Path) -> None:
        log.info(f"data: reading {path.name}")
        put_in_place(folder, lay_out)

    return kept_or_made(layout.laid_out_at(path, asked, SPLIT_SEED), make)


def with_note(origin: str, done: str) -> str:
    """Where texts come from, and what was done to them, if anything was."""
    return f"{origin} ({done})" if done else origin


def from_hub(source: str) -> Corpus:
    """The texts of a data set on the hub as a corpus in the cache, fetched and laid out there
    once.
    """

    def lay_out(texts: Path) -> Corpus:
        origin, done, licence = hub.lay_out(source, SPLIT_SEED, texts)
        whole = with_note(origin, done)
        title, remedy = hub.parted(source)[0], layout.remedy()
        corpus = verified(texts, "other", origin, f"they are {whole}", title, remedy)
        return replace(corpus, origin=whole, licence=licence)

    def make(folder: Path) -> None:
        put_in_place(folder, lay_out)

    return kept_or_made(hub.laid_out_at(source, SPLIT_SEED), make)


def put_in_place(folder: Path, fill: Callable[[Path], Corpus]) -> Corpus:
    """Let `fill` write texts into a new folder and verify them; `folder` appears when that has gone
    well.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".part-"))
    try:
        (part / "texts").mkdir()
        corpus = fill(part / "texts")
        corpus = replace(corpus, folder=str(folder / Path(corpus.folder).relative_to(part)))
        write_atomically(part / "corpus.json", json.dumps(asdict(corpus)).encode())
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return corpus


def unpack(archive: Path, folder: Path, asked: dict[str, str]) -> None:
    """Unpack and verify `archive`, which holds train/ and test/, or what `table_files` reads; `folder`
    appears when that has gone well.
    """

    def fill(texts: Path) -> Corpus:
        extract(archive, texts)
        title, remedy = without_suffix(archive.name), FOLDERS
        table_files.refuse_compressed(inner_of(texts))
        done = "; ".join(text_folders.left_out(texts))
        if layout.is_table(inner_of(texts)):
            given = texts.rename(texts.with_name("given"))
            texts.mkdir()
            done = layout.lay_out(inner_of(given), asked, SPLIT_SEED, texts)
            shutil.rmtree(given)
            remedy = layout.remedy()
        found = verified(texts, "real", f"archive {archive.name}", done, title, remedy)
        return replace(found, origin=with_note(found.origin, done))

    log.info(f"data: unpacking {archive.name}")
    corpus = put_in_place(folder, fill)
    if corpus.kind == "real" and corpus.digest not in KNOWN:
        log.warning(
            f"data: {archive.name} has the right structure but another content (digest "
            f"{corpus.digest[:12]}…); "
            "its results are kept apart"
        )


def inner_of(folder: Path) -> Path:
    """The folder that alone lies in `folder`, as in many an archive; `folder` itself if there is
    none or are more.
    """
    inner = [path for path in folder.iterdir() if path.name[0] != "." and path.name != "__MACOSX"]
    return inner[0] if len(inner) == 1 and inner[0].is_dir() else folder


def without_suffix(name: str) -> str:
    """The name of an archive without what only tells its format."""
    return re.sub(r"\.(tar(\.\w+)?|t[gbx]z2?)$", "", name)


def unpacked_at(archive: Path, asked: dict[str, str] | None = None) -> Path:
    """Where the cache keeps, or will keep, what is in this archive."""
    stamp = archive.stat()
    columns = f"|{sorted(asked.items())}" if asked else ""
    key = hashlib.sha256(
        f"{archive.resolve()}|{stamp.st_size}|{stamp.st_mtime_ns}{columns}".encode()
    ).hexdigest()[:16]
    return cache_root() / "data" / key


def at_hand(source: str = "auto") -> Corpus | None:
    """The corpus that `obtain` would give, if that needs no network and writes nothing; else
    None.
    """
    if hub.is_hub(source):
        return kept(hub.laid_out_at(source, SPLIT_SEED))
    name, asked = table_files.parted(source) if "://" not in source else (source, {})
    path = Path(name).expanduser()
    if source not in ("auto", "sample") and layout.is_table(path):
        return kept(layout.laid_out_at(path, asked, SPLIT_SEED))
    if source == "sample" or path.is_dir():
        return obtain(source)
    archive = (
        downloaded(URL if source == "auto" else source)
        if source == "auto" or "://" in source
        else path
    )
    return kept(unpacked_at(archive, asked)) if archive.is_file() else None


def extract(archive: Path, folder: Path) -> None:
    """Unpack a tar archive safely: plain files and folders inside `folder` only, and not more than
    LARGEST bytes in all. Raises ReportError if it holds more, is a zip archive or damaged, or
    cannot be written.
    """
    total = 0
    known = without_suffix(archive.name) != archive.name
    if zipfile.is_zipfile(archive) and archive.suffix.lower() in (".zip", ""):
        raise ReportError(
            f"data: {quoted(archive.name)} is a zip archive; unpack it and give the folder"
        )
    table_files.refuse_compressed(archive)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                total += member.size
                if total > LARGEST:
                    raise ReportError(
                        f"data: {quoted(archive.name)} unpacks to over {LARGEST >> 30} GiB, more than "
                        "this report is made for"
                    )
                tar.extract(member, folder, filter="data")
    except tarfile.FilterError as error:
        raise ReportError(
            f"data: {quoted(archive.name)} holds something that is not unpacked here ({error}); unpack it "
            "yourself and give the folder, with files in place of links"
        ) from error
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        if not known:
            raise ReportError(
                f"data: {quoted(archive.name)} is neither a tar archive nor a table that is read "
                f"({', '.join(table_files.SUFFIXES)}); save it as .csv, with a column of texts and one "
                "of labels"
            ) from error
        if archive.suffix == ".zst":  # before Python 3.14
            raise ReportError(
                f"data: {quoted(archive.name)} is packed as is not read here; unpack it and give the folder"
            ) from error
        raise ReportError(
            f"data: {quoted(archive.name)} is not a whole tar archive ({str(error).splitlines()[0]}); "
            f"fetch it "
            "again, or set LMREPORT_DATA to another one"
        ) from error
    except OSError as error:
        raise ReportError(
            f"data: {quoted(archive.name)} could not be unpacked ({error.strerror or error}); free some "
            f"space "
            "or set LMREPORT_CACHE to another folder"
        ) from error
