"""Tables, saved data sets and folders by class give the same texts as the folders of the
assignment, or one error that names the place and the remedy.
"""

import csv
import json
import os
import shutil
import tarfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmreport.core.errors import ReportError
from lmreport.core.settings import load
from lmreport.data import corpus, download, layout, readers, table_files

CLASSES = ("cats", "vögel", "猫")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(corpus, "TOTAL", {"train": 2, "test": 1})


def rows(number=10):
    return [{"text": f"{name} {i}", "label": name} for i in range(number) for name in CLASSES]


def as_csv(path, found, delimiter=","):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(found[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(found)


def as_jsonl(path, found):
    path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")


def as_parquet(path, found):
    from datasets import Dataset

    Dataset.from_list(found).to_parquet(path)


WRITERS = {
    "a.csv": as_csv,
    "a.tsv": lambda path, found: as_csv(path, found, "\t"),
    "a.jsonl": as_jsonl,
    "a.json": lambda path, found: path.write_text(json.dumps(found), encoding="utf-8"),
    "a.parquet": as_parquet,
}


def read(folder):
    """{(split, class, text)} of a corpus as it lies on disk."""
    return sorted(
        (path.parts[-3], path.parts[-2], path.read_bytes().decode())
        for path in Path(folder).rglob("*.txt")
    )


def obtained(source):
    return download.obtain(str(source))


@pytest.mark.parametrize("name", WRITERS)
def test_each_format_gives_the_texts_with_a_test_split_of_each_class(name, tmp_path):
    WRITERS[name](tmp_path / name, rows())
    found = obtained(tmp_path / name)
    assert found.counts() == {
        "train": dict.fromkeys(sorted(CLASSES), 8),
        "test": dict.fromkeys(sorted(CLASSES), 2),
    }
    assert sorted(text for _, _, text in read(found.folder)) == sorted(r["text"] for r in rows())
    assert "no test texts" in found.note and found.kind == "other" and found.title == "a"
    assert obtained(tmp_path / name) == found == download.at_hand(str(tmp_path / name))


@given(st.lists(TEXTS.filter(str.strip), min_size=15, max_size=15), st.sampled_from(list(WRITERS)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_texts_come_through_unchanged(tmp_path_factory, texts, name):
    folder = tmp_path_factory.mktemp("table")
    found = [{"text": t, "label": CLASSES[i % 3]} for i, t in enumerate(texts)]
    WRITERS[name](folder / name, found)
    laid = read(obtained(folder / name).folder)
    assert sorted((c, t) for _, c, t in laid) == sorted((r["label"], r["text"]) for r in found)


def test_numbers_as_texts_stay_as_they_are_written(tmp_path):
    as_csv(tmp_path / "a.csv", [{"text": f"00{i}", "label": i % 2} for i in range(20)])
    assert ("001" in {text for _, _, text in read(obtained(tmp_path / "a.csv").folder)}) is True


def test_a_folder_of_files_and_a_saved_data_set_keep_their_splits(tmp_path):
    from datasets import ClassLabel, Dataset, DatasetDict

    folder = tmp_path / "reviews"
    folder.mkdir()
    as_jsonl(folder / "reviews-train.jsonl", rows())
    as_csv(folder / "reviews_test.csv", rows(3))
    as_csv(folder / "reviews.dev.csv", rows(2))
    found = obtained(folder)
    assert {split: sum(n.values()) for split, n in found.counts().items()} == {
        "train": 36,
        "test": 9,
    }
    assert "validation texts were joined" in found.note and "no test texts" not in found.note
    named = [{"text": r["text"], "label": CLASSES.index(r["label"])} for r in rows()]
    one = Dataset.from_list(named).cast_column("label", ClassLabel(names=list(CLASSES)))
    DatasetDict({"train": one, "test": one.select(range(9))}).save_to_disk(tmp_path / "saved")
    saved = obtained(tmp_path / "saved")
    assert saved.counts()["train"] == dict.fromkeys(sorted(CLASSES), 10) and saved.note == ""


@pytest.mark.parametrize("query", ["", "?text=text&label=label"])
def test_a_file_without_texts_or_labels_beside_others_is_told_to_be_left_out(query, tmp_path):
    folder = tmp_path / "competition"
    folder.mkdir()
    as_csv(folder / "train.csv", rows())
    said = r"test\.csv has no labels, as others have in 'label'; leave it out; without test"
    for row in ({}, {"label": ""}):
        as_csv(folder / "test.csv", [{"text": one["text"]} | row for one in rows(3)])
        with pytest.raises(ReportError, match=said):
            obtained(f"{folder}{query}")
    (folder / "test.csv").unlink()
    as_csv(folder / "example.csv", [{"id": "1", "label": "cats"}])
    with pytest.raises(ReportError, match=r"example\.csv has no texts, .*leave it out$"):
        obtained(f"{folder}{query}")


def test_a_clone_of_a_data_set_of_the_hub_is_read(tmp_path):
    clone = tmp_path / "news"
    (clone / "data").mkdir(parents=True)
    (clone / ".git").mkdir()
    (clone / "README.md").write_text("---\nlicense: mit\n---\nA data set.\n")
    as_parquet(clone / "data" / "train-00000-of-00002.parquet", rows())
    as_parquet(clone / "data" / "train-00001-of-00002.parquet", rows(5))
    as_parquet(clone / "data" / "test-00000-of-00001.parquet", rows(3))
    found = obtained(clone)
    assert found.counts()["train"] == dict.fromkeys(sorted(CLASSES), 15)
    assert found.counts()["test"] == dict.fromkeys(sorted(CLASSES), 3)
    (clone / ".git" / "FETCH_HEAD").write_text("x")
    assert obtained(clone) == found == download.at_hand(str(clone))  # nothing new in it
    (clone / "data" / "test-00000-of-00001.parquet").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    )
    with pytest.raises(ReportError, match=r"test-00000-of-00001.parquet .* run git lfs pull"):
        obtained(clone)


@pytest.mark.parametrize("around", ["", "data"])
def test_a_folder_of_configurations_is_told_to_name_one(around, tmp_path):
    for name in ("cola", "sst2"):
        (tmp_path / "glue" / around / name).mkdir(parents=True)
        as_csv(tmp_path / "glue" / around / name / "train.csv", rows())
    with pytest.raises(ReportError, match="has its tables in .*cola, .*sst2; give one of") as told:
        obtained(tmp_path / "glue")
    given = str(told.value).rpartition(": ")[2]
    assert obtained(given).counts()["train"] == dict.fromkeys(sorted(CLASSES), 8)


def test_folders_by_class_get_a_test_split(tmp_path):
    for i, row in enumerate(rows()):
        inner = tmp_path / "flat" / row["label"]
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"{i}.txt").write_text(row["text"], encoding="utf-8")
    (tmp_path / "flat" / "data").mkdir()
    as_csv(tmp_path / "flat" / "data" / "notes.csv", rows(3))  # in no class's folder
    assert obtained(tmp_path / "flat").counts()["test"] == dict.fromkeys(sorted(CLASSES), 2)


@pytest.mark.parametrize("splits", [(), ("train",), ("train", "val")])
def test_a_folder_without_texts_is_said_to_be_no_class(splits, tmp_path):
    for split in splits or [""]:
        as_folders(tmp_path / "texts", split, rows())
        for name in ("politics", "tech"):
            (tmp_path / "texts" / split / name).mkdir()
    forms = in_all_forms(tmp_path / "texts")
    for source in forms if splits else forms[::2]:  # others lie too deep where there is no split
        found = obtained(source)
        assert sorted(found.counts()["train"]) == sorted(CLASSES)
        assert "folders 'politics', 'tech', which hold no .txt file, are no classes" in found.note
    as_folders(
        tmp_path / "texts", splits[-1] if splits else "", [{"text": "x", "label": "tech"}] * 4
    )
    said = "the folder 'politics', which holds no .txt file, is no class"
    assert said in obtained(tmp_path / "texts").note


def test_a_class_without_texts_beside_a_test_split_is_refused_as_that(tmp_path):
    for split, found in (("train", rows(40)), ("test", rows(20))):
        as_folders(tmp_path / "texts", split, found)
        (tmp_path / "texts" / split / "tech").mkdir()
    said = "cannot be used: the folder of the class 'tech' holds no text; "
    with pytest.raises(ReportError, match=said):
        obtained(tmp_path / "texts")


def as_folders(top, split, found):
    for i, row in enumerate(found):
        inner = top / split / row["label"]
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"{i}.txt").write_text(row["text"], encoding="utf-8")


def in_all_forms(top):
    """A folder, one with that folder alone in it, and archives of both."""
    around = top.parent / "around"
    shutil.copytree(top, around / "inner")
    for name, folder in (("a.tar.gz", top), ("b.tar.gz", top.parent / "around")):
        with tarfile.open(top.parent / name, "w:gz") as tar:
            tar.add(folder / "inner" if name[0] == "b" else folder, "." if name[0] == "a" else "in")
    return [top, around, top.parent / "a.tar.gz", top.parent / "b.tar.gz"]


def test_a_folder_with_train_alone_gets_a_test_split_that_is_said(tmp_path):
    as_folders(tmp_path / "texts", "train", rows())
    for source in in_all_forms(tmp_path / "texts"):
        found = obtained(source)
        assert found.counts()["train"] == dict.fromkeys(sorted(CLASSES), 8)
        assert found.counts()["test"] == dict.fromkeys(sorted(CLASSES), 2)
        assert "it has no test texts, so 20% of each class" in found.note
        assert found.note in found.origin and download.at_hand(str(source)) == found
    (tmp_path / "texts" / "train" / "cats" / "x.TXT").write_text("left out without a word?")
    with pytest.raises(ReportError, match=r"train/cats/x\.TXT ends in \.TXT; name it"):
        obtained(tmp_path / "texts")


@pytest.mark.parametrize("name", ["validation", "valid", "val", "dev"])
def test_validation_texts_in_folders_are_joined_to_the_training_texts(name, tmp_path):
    for split, number in (("train", 10), (name, 2), ("test", 3)):
        found = [row | {"text": f"{split} {row['text']}"} for row in rows(number)]
        as_folders(tmp_path / "texts", split, found)
    for source in in_all_forms(tmp_path / "texts"):
        found = obtained(source)
        assert found.counts()["train"] == dict.fromkeys(sorted(CLASSES), 12)
        assert {t.split()[0] for s, _, t in read(found.folder) if s == "test"} == {"test"}
        assert "its validation texts were joined" in found.note and "no test" not in found.note
    (tmp_path / "texts" / name / "cats" / "0.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ReportError, match=f"data: {name}/cats/0.txt is not UTF-8"):
        obtained(tmp_path / "texts")


@pytest.mark.parametrize(
    "train, test", [("20news-bydate-train", "20news-bydate-test"), ("Train", "Test"),
                    ("training", "test")]
)  # fmt: skip
def test_folders_of_splits_may_have_longer_names(train, test, tmp_path):
    as_folders(tmp_path / "texts", train, rows(10))
    as_folders(tmp_path / "texts", test, [row | {"text": "test"} for row in rows(3)])
    for source in in_all_forms(tmp_path / "texts"):
        found = obtained(source)
        assert found.counts()["train"] == dict.fromkeys(sorted(CLASSES), 10)
        assert {t for s, _, t in read(found.folder) if s == "test"} == {"test"}


def test_an_empty_text_among_folders_of_classes_is_told_by_its_name(tmp_path):
    as_folders(tmp_path, "texts", rows(10))
    (tmp_path / "texts" / "cats" / "x.txt").write_text("")
    with pytest.raises(ReportError, match="cats/x.txt is empty; leave it out"):
        obtained(tmp_path / "texts")


@pytest.mark.skipif(os.name != "posix", reason="names are Unicode there")
def test_a_folder_whose_name_is_not_utf8_is_told(tmp_path):
    path = tmp_path / os.fsdecode(b"d\xe9p\xf4t")
    path.mkdir()
    as_csv(path / "a.csv", rows(10))
    with pytest.raises(ReportError, match="is not in UTF-8; rename the file or folder"):
        obtained(path)


@pytest.mark.parametrize("source", ["file:///tmp/a.csv", "s3://bucket/a.csv"])
def test_addresses_of_other_kinds_are_told_from_those_that_are_read(source):
    with pytest.raises(ReportError, match="only https:// and http:// are read"):
        obtained(source)


def test_a_name_with_a_backslash_is_told_as_it_is_written(tmp_path):
    as_csv(tmp_path / "a.csv", [{"text": "fine", "la\\bel": ""}])
    with pytest.raises(ReportError, match=r"line 2 has no label in 'la\\bel'"):
        obtained(f"{tmp_path / 'a.csv'}?label=la\\bel")
    with pytest.raises(ReportError, match=r"no column 'te\\xt', only text, la\\bel"):
        obtained(f"{tmp_path / 'a.csv'}?text=te\\xt&label=la\\bel")


def test_columns_with_other_names_are_named_after_the_path(tmp_path):
    as_csv(tmp_path / "a.csv", [{"id": i, "body": r["text"], "stars": r["label"]}
                                for i, r in enumerate(rows())])  # fmt: skip
    with pytest.raises(ReportError, match=r"has id, body, stars.*\?text=COLUMN&label=COLUMN"):
        obtained(tmp_path / "a.csv")
    found = obtained(f"{tmp_path / 'a.csv'}?text=body&label=stars")
    assert sum(found.counts()["train"].values()) == 24


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("a.csv", b"text,label\nfine,a\nbad \xff,b\n", "a.csv, line 3 cannot be read as UTF-8"),
        ("a.csv", b"text,label\nfi\0ne,a\n", "line 2 has a zero byte in it; leave that out"),
        (
            "a.json",
            b'[["fine", "a"]]',
            'entry 1 is no JSON object with a text and its label; write {"text": "…"',
        ),
        (
            "a.jsonl",
            b'{"text": "a", "label": NaN}',
            "is no JSON; where a text or its label is meant leave the row out",
        ),
        (
            "a.csv",
            b"text,label\n'so, so',a\n",
            "line 2: 3 fields where the header has 2; put double quotes",
        ),
        ("a.csv", b"text,label\nfine,a\n,b\n", "line 3 has no text"),
        ("a.csv", b"text,label\nfine,a\nmore,\n", "line 3 has no label"),
        ("a.csv", b"text,label\nfine,a\nmore\n", "line 3: 1 fields where the header has 2"),
        ("a.csv", b"text,label\nfine, so so,a\nmore, or not,b\n", "line 2: 3 fields"),
        ("a.csv", b"text,text,label\na,b,c\n", "'text' stands there twice"),
        ("a.csv", b"text;label\nfine;a\n", "separated by ';'"),
        ("a.csv", b"text;label\nfine, so so;a\n", "separated by ';'"),
        ("a.csv", b'text;label\nfine;a\n"more, ""so"" so";b\n', "separated by ';'"),
        ("a.csv", b'"text";"label"\n"fine, so so";"a"\n', "separated by ';'"),
        ("a.tsv", b'"text","label"\n"fine","a"\n', "separated by ','"),
        (
            "a.csv",
            b"text,label,\nfine,a,\nmore,b,cut\n",
            "line 3: something stands in a column with",
        ),
        (
            "a.tsv",
            b"ham\tfine\nspam\tmore\n",
            "; where line 1 is a row already, put a line of names",
        ),
        (
            "a.csv",
            b"4,4,fine\n0,0,more\n",
            "'4' stands there twice; rename one; where line 1 is a row",
        ),
        ("a.json", b'{"text": {"0": "x"}}', 'as pandas writes it with orient="records"'),
        ("a.tsv", b'text\tlabel\n"open,\ta\nmore\tb\n', "no whole row"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"text,label\n", "a.csv has no rows; give a table with a text and its class"),
        ("a.jsonl", b"", "a.jsonl has no rows"),
        ("a.json", b"[]", "a.json has no rows"),
        ("a.csv", b"text,label\nfine,0.5\nmore,1.5\n", "a measure and no class"),
        (
            "a.csv",
            b"text,label\nx,\"['a', 'b']\"\n",
            "line 2: 'label' holds the list ['a', 'b'] and no",
        ),
        (
            "a.tsv",
            b"text\tlabel\nx\t[0, 1, 0]\n",
            "each text takes one, so keep one of them, without",
        ),
        (
            "a.tsv",
            b"text\tlabel\nx\t[0, 50]\ny\t[51, 100]\n",
            "without brackets, or write 0 to 50 for an interval",
        ),
        ("a.csv", b"text,sentence,label\na,b,c\n", "which column holds the texts"),
        ("a.jsonl", b'{"text": "fine", "label": "a"}\n{"text": \n', "line 2: not one JSON object"),
        ("a.jsonl", b'{"text": "a\\u0000b", "label": "a"}\n', "line 1: a zero byte"),
        ("a.jsonl", b'{"text": null, "label": "a"}\n', "line 1 has no text"),
        ("a.jsonl", b'{"text": "x", "label": ["a", "b"]}\n', "line 1: 'label' holds a list and no"),
        ("a.jsonl", b'{"text": "x", "label": {"a": 1}}\n', "line 1: 'label' holds an object and"),
        ("a.jsonl", b'{"text": ["x", "y"], "label": "a"}\n', "'text' holds a list and no text"),
        ("a.json", b"[1, 2", "not one JSON array"),
        ("a.json", b"[1, 2]", "entry 1 is no JSON object"),
        ("a.parquet", b"PAR1 no more", "cannot be read as parquet"),
        ("a.txt", b"fine;a\nmore;b\n", "neither a tar archive nor a table that is read (.csv"),
        ("a.xlsx", b"PK\5\6" + bytes(18), "save it as .csv, with a column of texts"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReportError) as refused:
        obtained(tmp_path / name)
    assert said in str(refused.value) and "\n" not in str(refused.value)
    assert not list((tmp_path / "cache" / "data").glob("*"))  # nothing half-written


@pytest.mark.parametrize("delimiter, name", [(",", "a.csv"), ("\t", "a.tsv")])
@pytest.mark.parametrize("columns", [("text", "label"), ("label", "id", "text")])
def test_rows_that_a_lone_quote_has_joined_are_told(columns, delimiter, name, tmp_path):
    lines = [
        [{"text": row["text"], "label": row["label"], "id": "7"}[c] for c in columns]
        for row in rows()
    ]
    place = columns.index("text")
    lines[3][place], lines[5][place] = f'"{lines[3][place]}', f'{lines[5][place]}"'
    content = "\n".join(delimiter.join(line) for line in [columns, *lines])
    (tmp_path / name).write_text(content + "\n", encoding="utf-8")
    with pytest.raises(ReportError, match="line 5: the text goes on over 3 lines that look like"):
        obtained(tmp_path / name)


def test_a_text_of_several_lines_stays_one_text(tmp_path):
    found = [{**row, "text": f"Dear all,\n{row['text']}, and\nbye, cats"} for row in rows()]
    as_csv(tmp_path / "a.csv", found)
    assert {text for _, _, text in read(obtained(tmp_path / "a.csv").folder)} == {
        row["text"] for row in found
    }


def test_bytes_are_no_text_and_no_class(tmp_path):
    as_parquet(tmp_path / "a.parquet", [{**row, "text": row["text"].encode()} for row in rows()])
    as_parquet(tmp_path / "b.parquet", [{**row, "label": row["label"].encode()} for row in rows()])
    for name, column in (("a", "text"), ("b", "label")):
        with pytest.raises(ReportError, match=f"row 1: '{column}' holds bytes and no text; decode"):
            obtained(tmp_path / f"{name}.parquet")
    with pytest.raises(ReportError, match="'text' holds bytes"):
        list(readers.texts(str(tmp_path / "a.parquet")))
    as_parquet(tmp_path / "c.parquet", [{**row, "text": 7} for row in rows()])
    with pytest.raises(ReportError, match="'text' holds 7 and no text; name the column"):
        obtained(tmp_path / "c.parquet")


def test_columns_of_other_media_need_no_decoder(tmp_path):
    from datasets import ClassLabel, Dataset, Features, Image, Value, Video

    kept = {"bytes": b"no picture", "path": None}
    features = Features(
        text=Value("string"), label=ClassLabel(names=list(CLASSES)), seen=Image(), heard=Video()
    )
    found = Dataset.from_list([{**row, "seen": kept, "heard": kept} for row in rows()], features)
    found.to_parquet(tmp_path / "a.parquet")
    found.save_to_disk(tmp_path / "saved")
    for name in ("a.parquet", "saved"):
        assert len(read(obtained(tmp_path / name).folder)) == len(rows())


def test_one_table_in_two_formats_is_not_read_twice(tmp_path):
    (tmp_path / "both").mkdir()
    as_csv(tmp_path / "both" / "train.csv", rows())
    as_jsonl(tmp_path / "both" / "train.jsonl", rows())
    with pytest.raises(ReportError, match="train.csv and train.jsonl may be the same texts"):
        obtained(tmp_path / "both")


def test_a_link_to_nothing_and_a_folder_named_as_a_table_are_told(tmp_path):
    (tmp_path / "a" / "train.csv").mkdir(parents=True)
    as_csv(tmp_path / "a" / "train.csv" / "part-0.csv", rows())
    with pytest.raises(ReportError, match="a has its tables in train.csv"):
        obtained(tmp_path / "a")
    (tmp_path / "b").mkdir()
    as_csv(tmp_path / "b" / "train.csv", rows())
    (tmp_path / "b" / "test.csv").symlink_to("nowhere.csv")
    with pytest.raises(ReportError, match="test.csv is a link to a file that is not there"):
        obtained(tmp_path / "b")


def test_a_class_that_no_folder_can_be_named_for_is_refused(tmp_path):
    as_csv(tmp_path / "a.csv", [{**row, "label": row["label"] + "猫" * 90} for row in rows()])
    with pytest.raises(ReportError, match="longer than the 255 bytes.*shorten it"):
        obtained(tmp_path / "a.csv")


def test_columns_are_asked_for_as_they_are_written(tmp_path):
    as_csv(tmp_path / "a.csv", [{"a+b": row["text"], "c": row["label"]} for row in rows()])
    assert read(obtained(f"{tmp_path / 'a.csv'}?text=a+b&label=c").folder)
    with pytest.raises(ReportError, match="'c' cannot hold the texts and the labels too"):
        obtained(f"{tmp_path / 'a.csv'}?text=c&label=c")


@pytest.mark.parametrize(
    "name, said", [("more/2.txt", "lies in no class’s folder"), ("2.TXT", "ends in .TXT; name it")]
)
def test_no_text_in_folders_by_class_is_passed_over(name, said, tmp_path):
    for row in rows():
        path = tmp_path / "c" / row["label"] / f"{row['text']}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row["text"], encoding="utf-8")
    (tmp_path / "c" / "readme.txt").write_text("about these texts")
    assert len(read(obtained(tmp_path / "c").folder)) == len(rows())
    stray = tmp_path / "c" / "cats" / name
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("stray")
    with pytest.raises(ReportError, match=f"c/cats/{name} {said}"):
        obtained(tmp_path / "c")


@pytest.mark.parametrize("head", ["text,label,,,", ",text,label,"])
def test_empty_columns_without_a_name_and_a_first_one_of_numbers_are_passed_over(head, tmp_path):
    lines = [
        ",".join(
            {"text": f"{row['text']}", "label": row["label"]}.get(name, "")
            for name in head.split(",")
        )
        for row in rows()
    ]
    numbered = [f"{n}{line}" if head[0] == "," else line for n, line in enumerate(lines)]
    (tmp_path / "a.csv").write_text("\n".join([head, *numbered]) + "\n", encoding="utf-8")
    found = read(obtained(tmp_path / "a.csv").folder)
    assert sorted(text for _, _, text in found) == sorted(row["text"] for row in rows())


def test_too_many_values_are_no_classes(tmp_path):
    as_csv(tmp_path / "a.csv", [{"text": "x", "label": f"c{i}"} for i in range(300)])
    with pytest.raises(ReportError, match="300 different values, more than 200"):
        obtained(tmp_path / "a.csv")


@pytest.mark.parametrize("names", [("[0, 50]", "(50,100]"), ("(-inf, 0.5]", "[0.5, 1e+3)")])
def test_intervals_are_classes_and_no_lists(names, tmp_path):
    """As `cut` of pandas and R write them."""
    written = [row | {"label": names[number % 2]} for number, row in enumerate(rows())]
    as_csv(tmp_path / "a.csv", written)
    assert {label for _, label, _ in read(obtained(tmp_path / "a.csv").folder)} == set(names)


def test_classes_with_signs_that_no_folder_takes_are_said(tmp_path):
    as_csv(tmp_path / "a.csv", [{"text": f"t {i}", "label": ("a/b", ".c")[i % 2]}
                                for i in range(20)])  # fmt: skip
    found = obtained(tmp_path / "a.csv")
    assert set(found.counts()["train"]) == {"a∕b", "·c"} and "is written" in found.note
    with pytest.raises(ReportError, match="cannot be told apart"):
        layout.folder_names({"a/b", "a∕b"})


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("C:\\Users", "good"), r"the class 'C:\Users' is written 'C:∖Users' here"),
        (
            ("C:\\Users", "a\\b"),
            r"of the classes, 'C:\Users' is written 'C:∖Users' here, 'a\b' is written 'a∖b' here",
        ),
        (
            ("a/1", "a/2", "a/3", "a/4"),
            "of the classes, 'a/1' is written 'a∕1' here, 'a/2' is written 'a∕2' here, "
            "'a/3' is written 'a∕3' here, 1 more too",
        ),
        (("a", "b"), ""),
    ],
)
def test_each_class_with_a_slash_is_told_as_in_its_file(tmp_path, names, said):
    as_csv(
        tmp_path / "a.csv", [{"text": f"t {i}", "label": names[i % len(names)]} for i in range(40)]
    )
    note = obtained(tmp_path / "a.csv").note
    assert said in note and ("is written" in note) == bool(said)


def test_blanks_in_a_header_and_around_labels_are_no_part_of_them(tmp_path):
    lines = [f"text {i}, {('pos', 'neg')[i % 2]}\n" for i in range(20)]
    lines += [f"text {i},{('pos ', 'neg')[i % 2]}\n" for i in range(20, 40)]
    (tmp_path / "a.csv").write_text("text,label \n" + "".join(lines))
    found = obtained(tmp_path / "a.csv")
    assert set(found.counts()["train"]) == {"neg", "pos"}
    assert "the labels ' neg' and 'neg', which differ in blanks" in found.note
    (tmp_path / "b.csv").write_text("number, text\n1,fine\n")
    assert list(readers.texts(str(tmp_path / "b.csv"), "text")) == ["fine"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_class_in_two_forms_of_unicode_is_one(name, tmp_path):
    labels = [
        unicodedata.normalize(form, word)
        for word in ("Übung", "Prüfung")
        for form in ("NFC", "NFD")
    ]
    WRITERS[name](tmp_path / name, [{"text": f"t {i}", "label": labels[i % 4]} for i in range(40)])
    found = obtained(tmp_path / name)
    assert set(found.counts()["train"]) == {"Übung", "Prüfung"} and "Unicode only" in found.note


def test_classes_that_differ_in_capitals_only_are_said(tmp_path):
    as_csv(tmp_path / "a.csv", [{"text": f"t {i}", "label": ("pos", "Pos")[i % 2]}
                                for i in range(20)])  # fmt: skip
    assert "'Pos' and 'pos' differ in capitals only" in obtained(tmp_path / "a.csv").note


@pytest.mark.parametrize(
    "name, found, reason",
    [
        ("a.csv", [{"text": f"t {i}", "label": "only"} for i in range(300)], "1 class, not 2"),
        ("a.jsonl", rows(40), "96 texts in train/ in all, not 100 or more; 24 texts in test/"),
        ("a.csv", [{"text": f"{s} {i} {c}", "label": c, "split": s} for i in range(150)
                   for s, c in (("train", "a"), ("train", "b"), ("test", "b"))],
         "the class 'a' has texts in train/ only"),
    ],
)  # fmt: skip
def test_a_table_that_is_too_small_has_a_remedy_for_tables(
    name, found, reason, tmp_path, monkeypatch
):
    monkeypatch.setattr(corpus, "TOTAL", {"train": 100, "test": 40})
    WRITERS[name](tmp_path / name, found)
    with pytest.raises(ReportError) as refused:
        obtained(tmp_path / name)
    said = str(refused.value)
    assert said.startswith(f"data: {name} cannot be used: {reason}") and "folder" not in said
    assert "100 and 40 texts or more in all (200 where no split is given, of which 20% are" in said


def test_as_many_texts_as_the_remedy_asks_for_are_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "TOTAL", {"train": 100, "test": 40})
    as_csv(tmp_path / "a.csv", [{"text": f"t {i}", "label": i % 2} for i in range(200)])
    assert obtained(tmp_path / "a.csv").counts()["test"] == {"0": 20, "1": 20}


def test_a_wrong_word_after_the_path_is_refused():
    with pytest.raises(ReportError, match=r"'txt' in .* write \?text=COLUMN"):
        obtained("a.csv?txt=body")


def test_labels_are_kept_as_they_are_written(tmp_path):
    dates = ("2020-01-01", "1.0", "nan", "NA", "true")
    as_jsonl(
        tmp_path / "a.jsonl",
        [{"text": f"t {i}", "label": dates[i % 5]} for i in range(50)],
    )
    assert set(obtained(tmp_path / "a.jsonl").counts()["train"]) == set(dates)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.parquet"])
def test_numbers_that_are_equal_are_one_class(name, tmp_path):
    labels = [1.0, 2.0, 3.0] if name == "a.parquet" else [1, 1.0, 2.0, 3, 3.0]
    found = [{"text": f"t {i}", "label": labels[i % len(labels)]} for i in range(60)]
    WRITERS[name](tmp_path / name, found)
    made = obtained(tmp_path / name)
    assert set(made.counts()["train"]) == {"1", "2", "3"} and "two ways" not in made.note


def test_large_numbers_and_infinite_ones_are_classes_as_they_are_written(tmp_path):
    large = ("123456789012345678901", "123456789012345678902")
    lines = [f'{{"text": "t {i}", "label": {large[i % 2]}}}\n' for i in range(20)]
    (tmp_path / "a.jsonl").write_text("".join(lines))
    assert set(obtained(tmp_path / "a.jsonl").counts()["train"]) == set(large)
    assert table_files.class_of(float("inf")) == "inf"


def test_one_number_written_in_two_ways_in_a_table_is_two_classes_and_said(tmp_path):
    found = [{"text": f"t {i}", "label": ("1", "1.0", "2")[i % 3]} for i in range(30)]
    as_csv(tmp_path / "a.csv", found)
    made = obtained(tmp_path / "a.csv")
    assert set(made.counts()["train"]) == {"1", "1.0", "2"}
    assert "the classes '1' and '1.0' are one number written in two ways" in made.note


def test_a_row_that_datasets_knows_no_label_of_is_refused(tmp_path):
    from datasets import ClassLabel, Dataset, DatasetDict

    one = Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, -1]})
    one = one.cast_column("label", ClassLabel(names=["no", "yes"]))
    one.save_to_disk(tmp_path / "snli")
    with pytest.raises(ReportError, match="row 3 has no label"):
        obtained(tmp_path / "snli")
    DatasetDict({"train": one, "unsupervised": one}).save_to_disk(tmp_path / "imdb")
    with pytest.raises(ReportError, match="the split 'unsupervised' of imdb is none of"):
        obtained(tmp_path / "imdb")


def test_hidden_files_are_no_texts_and_a_folder_with_train_is_no_table(tmp_path):
    for i, row in enumerate(rows()):
        inner = tmp_path / "flat" / row["label"]
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"{i}.txt").write_text(row["text"], encoding="utf-8")
        (inner / f"._{i}.txt").write_bytes(b"\0\5\x16\7")
    assert sum(obtained(tmp_path / "flat").counts()["train"].values()) == 24
    (tmp_path / "whole" / "train" / "cats").mkdir(parents=True)
    (tmp_path / "whole" / "labels.csv").write_text("text,label\n")
    assert not layout.is_table(tmp_path / "whole")


def test_tables_that_a_system_or_an_editor_hides_are_no_second_copy(tmp_path):
    folder = tmp_path / "reviews"
    folder.mkdir()
    as_csv(folder / "train.csv", rows())
    as_csv(folder / ".train.csv", rows())  # of an editor
    (folder / "._train.csv").write_bytes(b"\0\5\x16\7")  # of macOS
    (folder / ".#train.csv").symlink_to("somebody@somewhere.1234")  # of Emacs
    assert sorted(t for _, _, t in read(obtained(folder).folder)) == sorted(
        r["text"] for r in rows()
    )


@pytest.mark.parametrize("kept", [None, ["label"]])
@pytest.mark.parametrize("form", ["torch", "numpy", "pandas"])
def test_a_data_set_saved_in_a_format_of_tensors_has_the_classes_of_its_rows(form, kept, tmp_path):
    from datasets import Dataset

    table = [{"text": r["text"], "label": CLASSES.index(r["label"])} for r in rows()]
    Dataset.from_list(table).with_format(form, columns=kept).save_to_disk(tmp_path / "saved")
    assert set(obtained(tmp_path / "saved").counts()["train"]) == {"0", "1", "2"}


def test_what_a_data_set_of_the_hub_says_of_itself_is_no_table(tmp_path):
    (tmp_path / "reviews" / "data").mkdir(parents=True)
    (tmp_path / "reviews" / "dataset_infos.json").write_text('{"default": {}}')
    as_parquet(tmp_path / "reviews" / "data" / "train-00000-of-00001.parquet", rows())
    assert sum(obtained(tmp_path / "reviews").counts()["train"].values()) == 24


def test_splits_in_folders_of_tables_are_not_told_to_be_given_alone(tmp_path):
    for name in ("train", "test"):
        (tmp_path / "reviews" / name).mkdir(parents=True)
        as_parquet(tmp_path / "reviews" / name / "0000.parquet", rows())
    with pytest.raises(ReportError, match="tables in test, train; put them into one folder, each"):
        obtained(tmp_path / "reviews")


def test_a_column_may_tell_which_split_a_row_is_of(tmp_path):
    found = [
        row | {"Split": "dev" if i < 3 else "train" if i < 24 else "test"}
        for i, row in enumerate(rows())
    ]
    as_csv(tmp_path / "a.csv", found)
    told = download.obtain(str(tmp_path / "a.csv"))
    assert {text for split, _, text in read(told.folder) if split == "test"} == {
        row["text"] for row in found[24:]
    }
    assert "no test texts" not in told.origin
    assert "(its column 'Split' says which split a row is of; its validation" in told.origin
    (tmp_path / "folder").mkdir()
    shutil.copy(tmp_path / "a.csv", tmp_path / "folder")
    assert download.obtain(str(tmp_path / "folder")).digest == told.digest
    as_csv(tmp_path / "b.csv", [*found[:-1], found[-1] | {"Split": "spare"}])
    with pytest.raises(
        ReportError, match="b.csv, line 31: 'spare' in the column 'Split' is none of"
    ):
        download.obtain(str(tmp_path / "b.csv"))
    as_csv(tmp_path / "c.csv", [row | {"Split": "left"} for row in found])  # of something else
    told = download.obtain(str(tmp_path / "c.csv"))
    assert "'Split' says none of train, validation and test, and was not used" in told.origin
    assert "no test texts" in told.origin


def test_files_that_are_missing_of_a_split_in_several_are_told(tmp_path):
    for name in ("train-00000-of-00003", "train-00002-of-00003", "test-00000-of-00001"):
        as_parquet(tmp_path / f"{name}.parquet", rows())
    with pytest.raises(
        ReportError, match="of the 3 files of 'train' 1 is missing, such as train-00001-of"
    ):
        download.obtain(str(tmp_path))
    as_parquet(tmp_path / "train-00001-of-00003.parquet", rows())
    assert len(read(download.obtain(str(tmp_path)).folder)) == 120


@pytest.mark.parametrize("inside", ["", "my texts"])
def test_an_archive_may_hold_folders_by_class_or_tables(inside, tmp_path):
    for row in rows():
        folder = tmp_path / "texts" / row["label"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{row['text']}.txt").write_text(row["text"])
    (tmp_path / "tables").mkdir()
    for name in ("train", "test"):
        words = [{"words": row["text"], "kind": row["label"]} for row in rows()]
        as_csv(tmp_path / "tables" / f"{name}.csv", words)
    for name in ("texts", "tables"):
        with tarfile.open(tmp_path / f"{name}.tar.gz", "w:gz") as tar:
            tar.add(tmp_path / name, arcname=inside or ".")
    told = download.obtain(str(tmp_path / "texts.tar.gz"))
    assert "archive texts.tar.gz (it has no test texts" in told.origin
    assert len(read(told.folder)) == 30
    archive = str(tmp_path / "tables.tar.gz")
    with pytest.raises(ReportError, match="which column holds the texts"):
        download.obtain(archive)
    assert len(read(download.obtain(f"{archive}?text=words&label=kind").folder)) == 60


@pytest.mark.parametrize("name, command", [("a.csv.gz", "gunzip"), ("a.jsonl.zst", "unzstd")])
def test_a_compressed_table_is_told_with_the_command_that_unpacks_it(name, command, tmp_path):
    (tmp_path / name).write_bytes(b"\x1f\x8b")
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(ReportError, match=rf"is a compressed table; unpack it \({command} "):
            download.obtain(str(path))


@pytest.mark.parametrize(
    "content, remedy",
    [
        ('[\n{"text": "a", "label": "b"}\n]\n', "name a file with one array .json"),
        ('[{"text": "a", "label": "b"}]\n', "name a file with one array .json"),
        ('{"text": "a", "label": "b"},\n', "take the comma at its end away"),
        ('{\n"text": "a"\n}\n', "write each object in a line of its own"),
    ],
)
def test_a_file_of_lines_that_is_an_array_is_told_as_that(content, remedy, tmp_path):
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(ReportError, match=f"a.jsonl, line 1.*{remedy}"):
        download.obtain(str(tmp_path / "a.jsonl"))


def test_the_header_of_a_second_table_pasted_below_is_told(tmp_path):
    as_csv(tmp_path / "a.csv", [*rows(), {"text": "text", "label": "label"}, *rows()])
    with pytest.raises(ReportError, match="a.csv, line 32: the header stands there again; delete"):
        download.obtain(str(tmp_path / "a.csv"))


def test_files_that_were_taken_together_are_named(tmp_path):
    (tmp_path / "reviews").mkdir()
    for name in ("train.csv", "train_small.csv", "test.csv"):
        as_csv(tmp_path / "reviews" / name, rows())
    assert obtained(tmp_path / "reviews").note == "train.csv, train_small.csv were taken together"


def test_endings_in_capitals_are_told_before_what_follows_from_them(tmp_path):
    for split in ("train", "test"):
        for row in rows():
            folder = tmp_path / split / row["label"]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{row['text']}.TXT").write_text(row["text"])
    with pytest.raises(
        ReportError, match="cannot be used: 60 files, such as .*TXT, end in .TXT, not"
    ):
        download.obtain(str(tmp_path))


@pytest.mark.parametrize("train, test", [("train", "eval"), ("training", "testing")])
def test_splits_are_known_by_the_names_that_datasets_knows(train, test, tmp_path):
    folder = tmp_path / "reviews"
    folder.mkdir()
    as_csv(folder / f"{train}.csv", rows())
    as_csv(folder / f"{test}.csv", rows(3))
    by_column = [row | {"split": train} for row in rows()] + [
        row | {"split": test} for row in rows(3)
    ]
    as_csv(tmp_path / "reviews.csv", by_column)
    for source in (folder, tmp_path / "reviews.csv"):
        found = obtained(source)
        assert {split: sum(n.values()) for split, n in found.counts().items()} == {
            "train": 30,
            "test": 9,
        }


def test_eval_beside_test_is_validation(tmp_path):
    as_csv(
        tmp_path / "a.csv",
        [r | {"split": s} for s, n in (("train", 10), ("eval", 2), ("test", 3)) for r in rows(n)],
    )
    for name, number in (("train", 10), ("eval", 2), ("test", 3)):
        (tmp_path / "tables").mkdir(exist_ok=True)
        as_csv(tmp_path / "tables" / f"{name}.csv", rows(number))
        by_class(tmp_path / "folders" / name, number)
    for source in ("a.csv", "tables", "folders"):
        found = obtained(tmp_path / source)
        assert sum(found.counts()["test"].values()) == 9
        assert "its validation texts were joined" in found.note


def by_class(folder, number):
    for row in rows(number):
        (folder / row["label"]).mkdir(parents=True, exist_ok=True)
        (folder / row["label"] / f"{row['text']}.txt").write_text(row["text"])


def test_a_folder_of_test_texts_by_another_name_is_not_lost(tmp_path):
    by_class(tmp_path / "train", 10)
    by_class(tmp_path / "eval", 3)
    assert sum(obtained(tmp_path).counts()["test"].values()) == 9


@pytest.mark.parametrize("beside", ["test", "val"])
def test_a_folder_of_texts_that_is_no_split_is_told_to_be_left_out(beside, tmp_path):
    for name, number in (("train", 10), (beside, 3), ("spare", 2)):
        by_class(tmp_path / "reviews" / name, number)
    (tmp_path / "reviews" / "pictures" / "large").mkdir(parents=True)
    said = "the folder 'spare', whose name says no split, was left out"
    assert said in obtained(tmp_path / "reviews").origin
    with tarfile.open(tmp_path / "packed.tar", "w") as tar:
        tar.add(tmp_path / "reviews", "reviews")
    assert said in obtained(tmp_path / "packed.tar").origin


def test_a_table_whose_name_says_no_split_beside_others_is_refused(tmp_path):
    for name in ("train", "test", "held_out"):
        as_csv(tmp_path / f"{name}.csv", rows())
    with pytest.raises(ReportError, match="held_out.csv says no split, as that of test.csv does"):
        obtained(tmp_path)


def test_a_path_may_have_a_question_mark(tmp_path, monkeypatch):
    as_csv(tmp_path / "why?.csv", [{"body": r["text"], "stars": r["label"]} for r in rows()])
    monkeypatch.chdir(tmp_path)
    found = load(data="why?.csv?text=body&label=stars").data
    assert found == f"{tmp_path / 'why?.csv'}?text=body&label=stars"
    assert sum(obtained(found).counts()["train"].values()) == 24
    with pytest.raises(ReportError, match="'x=y' is not understood|'x' in"):
        obtained(f"{tmp_path / 'why?.csv'}?x=y")


def test_a_path_that_is_too_long_is_no_traceback():
    with pytest.raises(ReportError, match="there is no file or folder"):
        obtained("x" * 300)


def test_blanks_after_each_separator_are_no_part_of_fields(tmp_path):
    lines = [f'"{r["text"]}, they say", "{r["label"]}"' for r in rows()]
    (tmp_path / "a.csv").write_text("\n".join(["text, label", *lines]), encoding="utf-8")
    found = obtained(tmp_path / "a.csv")
    assert list(found.counts()["train"]) == sorted(CLASSES)
    assert {text.endswith(", they say") for _, _, text in read(found.folder)} == {True}


@pytest.mark.parametrize(
    "above, said",
    [
        ("sep=,\n", "line 1: sep=, is for Excel alone; delete the line"),
        ("# mine\n", "line 2: 2 fields .*, or delete what stands above the line of names"),
    ],
)
def test_what_stands_above_the_line_of_names_is_told(above, said, tmp_path):
    as_csv(tmp_path / "a.csv", rows())
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    (tmp_path / "a.csv").write_text(above + text, encoding="utf-8")
    with pytest.raises(ReportError, match=said):
        obtained(tmp_path / "a.csv")


def test_labels_that_differ_in_what_is_not_seen_are_told(tmp_path):
    found = rows() + [{"text": f"more {i}", "label": "\u200bcats"} for i in range(10)]
    as_csv(tmp_path / "a.csv", found)
    with pytest.raises(ReportError, match="cannot be told apart as folders; rename one"):
        obtained(tmp_path / "a.csv")


def test_columns_that_cannot_be_read_are_told_to_be_left_out(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    marks = pa.array([[("a", 1)]] * 30, pa.map_(pa.string(), pa.int32()))
    columns = {name: [r[name] for r in rows()] for name in ("text", "label")}
    pq.write_table(pa.table({**columns, "marks": marks}), tmp_path / "a.parquet")
    with pytest.raises(ReportError, match="with the columns of the texts and of their classes"):
        obtained(tmp_path / "a.parquet")
