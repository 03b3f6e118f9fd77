"""Question 1: only the right texts get in, from wherever they come, and nothing half-written
stays.
"""

import hashlib
import http.server
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import unicodedata
from pathlib import Path

import pytest

from lmreport.core.errors import ReportError
from lmreport.data import download
from lmreport.data.corpus import LEAST, PER_CLASS, TAGS, TOTAL
from lmreport.data.splits import load_splits
from lmreport.experiments import data_audit

SIZES = {"train": 3, "test": 2}
REAL = os.environ.get("LMREPORT_REAL_DATA") or str(
    Path(__file__).resolve().parents[3] / "shared" / "data" / "stack_overflow_16k.tar.gz"
)


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(PER_CLASS, "real", SIZES)
    for split, number in SIZES.items():
        monkeypatch.setitem(LEAST, split, number)
        monkeypatch.setitem(TOTAL, split, number)


def make(folder, change=lambda folder: None):
    for split, number in SIZES.items():
        for tag in TAGS:
            (folder / split / tag).mkdir(parents=True)
            for i in range(number):
                (folder / split / tag / f"{i}.txt").write_text(
                    f"{split} {tag} {i}", encoding="utf-8"
                )
    (folder / "README.md").write_text("read me")
    change(folder)
    return folder


def packed(folder, archive, mode="w:gz"):
    with tarfile.open(archive, mode) as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                tar.add(path, path.relative_to(folder).as_posix())
    return archive


def test_digest_is_the_documented_one(tmp_path):
    folder = make(tmp_path / "d")
    paths = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.txt"))
    whole = b"".join(p.encode() + b"\0" + (folder / p).read_bytes() + b"\0" for p in paths)
    assert download.obtain(str(folder)).digest == hashlib.sha256(whole).hexdigest()


def test_folder_and_archive_give_the_same_corpus(tmp_path):
    folder = make(tmp_path / "d")
    corpus = download.obtain(str(packed(folder, tmp_path / "d.tar.gz")))
    assert corpus.digest == download.obtain(str(folder)).digest
    assert corpus.kind == "real" and "unknown edition" in corpus.name


def remove(name):
    return lambda folder: (folder / name).unlink()


def put(name, content):
    def change(folder):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return change


def from_a_mac(folder):
    for split, form in (("train", "NFD"), ("test", "NFC")):
        (folder / split / "java").rename(folder / split / unicodedata.normalize(form, "Übung"))


@pytest.mark.parametrize(
    "change, said",
    [
        (from_a_mac, "'Übung' is written in two forms of Unicode"),
        (remove("train/java/1.txt"), r"19 of 20 texts.*2 of 3 texts in train/java"),
        (put("test/python/0.txt", b"  \n"), "test/python/0.txt is empty"),
        (put("test/python/0.txt", b"\xff\xfe\x00"), "test/python/0.txt is not UTF-8"),
        (put("test/python/._0.txt", b"\x00\x05\x16\x07"), "such as test/python/._0.txt"),
        (
            put("train/ruby/0.txt", b"x"),
            "1 text in train/ruby, not 3 or more; the class 'ruby' has texts in train/ only",
        ),
        (put("train/java/run.sh", b"x"), "unexpected in 'train/java/run.sh'"),
        (put("train/java/9.txt", b"x"), "4 of 3 texts in train/java"),
    ],
)
def test_anything_else_is_refused_with_what_was_found(tmp_path, change, said):
    archive = packed(make(tmp_path / "d", change), tmp_path / "d.tar.gz")
    with pytest.raises(ReportError, match=said):
        download.obtain(str(archive))
    assert not list((tmp_path / "cache" / "data").glob("*"))


def test_texts_whose_ending_is_written_in_capitals_are_named(tmp_path):
    for name in ("rec", "sci"):
        (tmp_path / "news" / name).mkdir(parents=True)
        (tmp_path / "news" / name / "1.TXT").write_text("Text.\n")
    with pytest.raises(ReportError, match="rec/1.TXT and its like end in .TXT; name them .txt"):
        download.obtain(str(tmp_path / "news"))


@pytest.mark.parametrize("top", ["20_newsgroups", "20news/bydate-train", "news/train"])
def test_texts_without_the_ending_txt_are_named(tmp_path, top):
    for name in ("rec.autos", "sci.space"):
        (tmp_path / top / name).mkdir(parents=True)
        (tmp_path / top / name / "49960").write_text("From: me\n\nText.\n")
    with pytest.raises(
        ReportError,
        match=r"has no .txt file but .*rec.autos/49960 and its like; gi.* \((find .*)\)$",
    ) as told:
        download.obtain(str(tmp_path / top.split("/")[0]))
    command = str(told.value).rpartition("(")[2].removesuffix(")")
    if shutil.which("find") and os.name == "posix":  # what it says to do does it
        subprocess.run(command.replace("FOLDER", f"'{tmp_path}'"), shell=True, check=True)
        assert sorted(p.name for p in tmp_path.rglob("4*")) == ["49960.txt"] * 2


def test_texts_that_are_not_utf8_are_counted(tmp_path):
    for n in range(30):
        for split in ("train", "test"):
            for name in ("a", "b"):
                path = tmp_path / "d" / split / name / f"{n}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(f"text {n} {name} {split} ".encode() + b"caf\xe9" * (n < 5))
    said = r"a/0\.txt is not UTF-8 \(line 1, byte e9\); .*; and 16 more like these; it takes"
    with pytest.raises(ReportError, match=said):
        download.obtain(str(tmp_path / "d"))


def test_truncated_archive_is_refused_and_leaves_nothing(tmp_path):
    archive = packed(make(tmp_path / "d"), tmp_path / "d.tar.gz")
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(ReportError, match="not a whole tar archive"):
        download.obtain(str(archive))
    assert not list((tmp_path / "cache" / "data").glob("*"))


def test_a_damaged_archive_of_another_kind_is_refused_too(tmp_path):
    whole = packed(make(tmp_path / "d"), tmp_path / "d.tar.xz", "w:xz")
    archive = tmp_path / "e.tar.xz"
    archive.write_bytes(whole.read_bytes()[:60] + b"damage" + whole.read_bytes()[66:])
    with pytest.raises(ReportError, match="not a whole tar archive"):
        download.obtain(str(archive))


def test_what_a_desktop_leaves_in_a_folder_is_no_harm(tmp_path):
    folder = make(tmp_path / "d")
    before = download.obtain(str(folder)).digest
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "train" / ".hidden").write_bytes(b"\0")
    assert download.obtain(str(folder)).digest == before


def test_a_damaged_copy_is_never_trained_on(tmp_path):
    corpus = download.obtain(str(packed(make(tmp_path / "d"), tmp_path / "d.tar.gz")))
    next(Path(corpus.folder).rglob("java/*.txt")).unlink()
    with pytest.raises(ReportError, match="was damaged and has been deleted"):
        load_splits(corpus, 1)
    assert not Path(corpus.folder).exists() and download.at_hand(str(tmp_path / "d.tar.gz")) is None
    again = download.obtain(str(tmp_path / "d.tar.gz"))
    assert download.digest(Path(again.folder)) == corpus.digest
    (Path(again.folder).parent / "corpus.json").write_text("{")
    assert download.obtain(str(tmp_path / "d.tar.gz")) == again
    for own in (
        tmp_path / "d",
        make(tmp_path / "cache" / "e"),
    ):  # a folder of the user's is never deleted
        folder = download.obtain(str(own))
        (own / "train" / "java" / "0.txt").write_text("other")
        with pytest.raises(ReportError, match="have changed"):
            load_splits(folder, 2)
        assert own.is_dir()


def test_damaged_splits_are_made_anew(tmp_path):
    corpus = download.obtain("sample")
    before = load_splits(corpus, 1)
    for damage in ("dataset_dict.json", "train/state.json"):
        next((tmp_path / "cache" / "splits").iterdir()).joinpath(damage).write_text("")
        assert load_splits(corpus, 1)["train"]["text"][:3] == before["train"]["text"][:3]


def test_the_audit_counts_copies_names_and_blanks(tmp_path):
    folder = make(tmp_path / "d")
    for number, path in enumerate(folder.rglob("*.txt")):
        path.write_text(f"question {number}")
    for name, text in {
        "train/java/0.txt": "BLANK in java",
        "train/java/1.txt": "a copy",
        "test/java/0.txt": "a copy\n",
        "train/python/0.txt": "a copy",
        "test/csharp/0.txt": "c# x",
        "test/python/1.txt": "pythonic blank",
        "train/javascript/0.txt": "js and java",
    }.items():
        (folder / name).write_text(text)
    found = data_audit.audit(str(folder), str(tmp_path))
    assert (found["copies"], found["across_splits"], found["across_tags"]) == (2, 1, 1)
    one = 1 / found["texts"]["java"]
    assert found["named"] == pytest.approx(
        {"csharp": one, "java": one, "javascript": one, "python": 0}
    )
    assert found["blank"] == pytest.approx(
        {"csharp": 0, "java": one, "javascript": 0, "python": one}
    )


@pytest.fixture
def full_disk(tmp_path):
    """A file system with room for next to nothing."""
    folder = tmp_path / "full"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if (
        os.name != "posix"
        or os.geteuid()
        or subprocess.run(command, capture_output=True).returncode
    ):
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch, full_disk):
    folder = make(tmp_path / "d", put("train/java/0.txt", os.urandom(60_000).hex().encode()))
    archive = packed(folder, tmp_path / "d.tar.gz")
    monkeypatch.setenv("LMREPORT_CACHE", str(full_disk))
    with pytest.raises(ReportError, match="No space left.*LMREPORT_CACHE"):
        download.obtain(str(archive))
    assert not list((full_disk / "data").iterdir())


def test_archive_cannot_write_outside_its_folder(tmp_path):
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tar:
        tar.add(__file__, "../../evil.txt")
    with pytest.raises(ReportError, match="evil.tar.gz"):
        download.obtain(str(tmp_path / "evil.tar.gz"))
    assert not list(tmp_path.rglob("evil.txt"))


def test_missing_source_is_named():
    with pytest.raises(ReportError, match="no file or folder 'nowhere.tar.gz'"):
        download.obtain("nowhere.tar.gz")


@pytest.fixture
def server(tmp_path):
    """A real server on loopback that hands out the files of tmp_path/www."""
    (tmp_path / "www").mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path / "www"))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_download_is_cached_and_a_bad_one_is_deleted(tmp_path, server):
    packed(make(tmp_path / "d"), tmp_path / "www" / "d.tar.gz")
    first = download.obtain(f"{server}/d.tar.gz")
    (tmp_path / "www" / "d.tar.gz").unlink()
    assert download.obtain(f"{server}/d.tar.gz") == first
    (tmp_path / "www" / "bad.tar.gz").write_bytes(b"<html>not an archive</html>")
    with pytest.raises(ReportError, match="the copy was deleted"):
        download.obtain(f"{server}/bad.tar.gz")
    assert not download.downloaded(f"{server}/bad.tar.gz").exists()


def test_a_table_at_an_address_is_told_to_be_downloaded(server):
    with pytest.raises(ReportError, match="is a table, and of addresses only archives are read"):
        download.obtain(f"{server}/reviews.csv?raw=1")


@pytest.mark.parametrize("page, name", [("acme/news/tree/main", "acme/news"), ("news", "news")])
def test_a_page_of_a_data_set_of_the_hub_is_told_to_be_named(page, name):
    with pytest.raises(ReportError, match=f"is a page and no archive.*is written hf:{name}$"):
        download.obtain(f"https://huggingface.co/datasets/{page}")


def test_an_archive_that_is_not_read_here_is_told_to_be_unpacked(tmp_path):
    (tmp_path / "d.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(ReportError, match="packed as is not read here; unpack it and give the f"):
        download.obtain(str(tmp_path / "d.tar.zst"))


def test_links_in_an_archive_are_not_called_damage(tmp_path):
    folder = make(tmp_path / "d")
    (folder / "train" / "link.txt").symlink_to("/etc/hosts")
    packed(folder, tmp_path / "d.tar.gz")
    with pytest.raises(ReportError, match="not unpacked here.*files in place of links"):
        download.obtain(str(tmp_path / "d.tar.gz"))


def test_unreachable_address_is_one_sentence(server):
    with pytest.raises(download.NoNetworkError, match="could not be fetched.*LMREPORT_DATA"):
        download.obtain(f"{server}/none.tar.gz")


def test_a_server_that_has_too_much_to_do_is_told_as_that(server, monkeypatch):
    def many(self, *rest):
        self.send_error(429)

    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "do_GET", many)
    with pytest.raises(download.NoNetworkError, match="answers 429, .*; wait some minutes, or set"):
        download.obtain(f"{server}/d.tar.gz")


def test_a_server_that_falls_silent_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it is connected to and never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/d.tar.gz"
        with pytest.raises(download.NoNetworkError, match="timed out"):
            download.obtain(address)
    assert socket.getdefaulttimeout() is None and not download.downloaded(address).exists()


def test_auto_falls_back_on_the_sample_and_says_so(monkeypatch, server, told):
    monkeypatch.setattr(download, "URL", f"{server}/none.tar.gz")
    corpus = download.obtain("auto")
    assert corpus.kind == "sample" and "could not be fetched" in corpus.note
    assert any("sample" in line for line in told)


def test_sample_is_whole_varied_and_our_own():
    corpus = download.obtain("sample")
    texts = [p.read_text(encoding="utf-8") for p in Path(corpus.folder).rglob("*.txt")]
    assert len(texts) == 480 and len(set(texts)) == 480
    assert 0.5 < sum("blank" in t for t in texts) / len(texts) < 0.75
    words = sorted(len(t.split()) for t in texts)
    assert words[0] < 30 and 80 < words[240] < 130 and words[-1] > 500


@pytest.mark.skipif(
    not Path(REAL).is_file(), reason="the real archive is not here (set LMREPORT_REAL_DATA)"
)
def test_real_archive_is_known(monkeypatch):
    monkeypatch.setitem(PER_CLASS, "real", {"train": 2000, "test": 2000})
    corpus = download.obtain(REAL)
    assert corpus.name == "Stack Overflow 16k"


def test_without_a_network_nothing_heavy_is_loaded(tmp_path):
    code = (
        "import sys\nfrom lmreport.data import download\ndownload.URL = "
        "'http://127.0.0.1:9/a.tar.gz'\n"
        "assert download.obtain('auto').kind == 'sample'\nprint({'keras', 'tensorflow', 'torch'} & "
        "set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        text=True,
        capture_output=True,
        env=os.environ | {"LMREPORT_CACHE": str(tmp_path)},
    )
    assert done.stdout == "set()\n" and "sample" in done.stderr, done.stderr
