"""What the report says of a tokenizer is true of the one at hand."""

import re

import pytest

import families
from lmreport.data.corpus import SAMPLE
from lmreport.experiments import data_audit, tokenizer_comparison
from lmreport.models import pieces, pretrained, tokenizer
from lmreport.reporting import notices, tokenizing
from lmreport.reporting.values import on_data

TEXT = "how do i sort a list? f(x) = a[0];"
SOURCE = pretrained.Source("tiny", "", "")
NOTHING = {"unknown": 0.0, "characters": 0.0}


@pytest.fixture(scope="module")
def of_kind():
    made = {}

    def one(kind: str):
        if kind not in made:
            made[kind] = families.TOKENIZERS[kind]()
        return made[kind]

    return one


def test_the_tokenizer_of_the_assignment_is_told_as_it_was():
    of_minilm = tokenizer.load_tokenizer(pretrained.from_package("any").path)
    said = on_data.of_tokenizer(of_minilm, SOURCE, NOTHING)
    assert (said.kind, said.casing) == ("WordPiece", "lower-cases the text")
    assert said.framed == "framed by `[CLS]` and `[SEP]`"
    assert said.splits.startswith("WordPiece splits a word into the longest pieces")
    assert said.rare.endswith("survives as pieces in the first and becomes `[UNK]` in the second.")
    assert said.decoding.startswith(
        "`decode` returns the text in lower case between `[CLS]` and `[SEP]`; it rejoins"
    )
    assert said.mark.startswith("`##` marks a piece that continues the word before it")
    assert said.loses == "Where a text has capitals, accents or line breaks, they are lost too."


def test_words_added_to_a_tokenizer_are_counted_among_its_pieces(tmp_path):
    one = tokenizer.load_tokenizer(pretrained.from_package("any").path)
    before = len(one)
    assert one.add_tokens(["ownword", "otherword"]) == 2
    one.save_pretrained(tmp_path)
    assert on_data.of_tokenizer(one, SOURCE, NOTHING).pieces == f"{before + 2:,}"
    found = tokenizer_comparison.both_ways("an ownword", str(tmp_path), "of added", str(SAMPLE), 1)
    assert "ownword" in found["pieces"] and found["vocabulary"] == before + 2


@pytest.mark.parametrize("kind", families.TOKENIZERS)
def test_what_is_said_holds_for_the_tokenizer_at_hand(of_kind, kind):
    one = of_kind(kind)
    found = pieces.of(one)
    said = on_data.of_tokenizer(one, SOURCE, NOTHING)
    ids = one(TEXT)["input_ids"]
    tokens = one.convert_ids_to_tokens(ids)
    for token in (tokens[0], tokens[-1]):
        assert f"`{token}`" in said.framed and f"`{token}`" in said.decoding
    lowered = one.decode(one("Hello World")["input_ids"], skip_special_tokens=True)
    assert (said.casing == "lower-cases the text") == (lowered == "hello world")
    assert ("in lower case" in said.decoding) == found.lowers
    assert said.mark.startswith("`##` marks") == any(token.startswith("##") for token in tokens)
    if found.marks == "begins":
        assert f"`{found.mark}` before a piece that follows a space" in said.mark
        assert any(token.startswith(found.mark) for token in tokens)
    lines = one.decode(one("a\nb")["input_ids"], skip_special_tokens=True)
    lost = said.loses.endswith("lost too.") and "line breaks" in said.loses.lower()
    assert lost == ("\n" not in lines)
    told = tokenizing.came_back(one.decode(ids), TEXT, found, 0)
    assert told.endswith("exactly the original.") == found.exact
    assert ("no text is unknown" in said.splits) == (kind in ("bytes", "modern"))
    assert len(re.sub(r"[`{}]", "", f"{said.decoding} {said.mark}").split()) < 54  # of the box’s 60


def test_many_unknown_pieces_are_told_at_the_top_and_in_2b(of_kind, tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    for split in ("train", "test"):
        for name, text in (("a", "你好 世界 hello"), ("b", "Größe und Maße")):
            (tmp_path / "data" / split / name).mkdir(parents=True)
            (tmp_path / "data" / split / name / "1.txt").write_text(text, encoding="utf-8")
    of_kind("cased").save_pretrained(tmp_path / "model")
    found = data_audit.strange(str(tmp_path / "data"), "", str(tmp_path / "model"))
    assert found["unknown"] > 0.2 and 0.2 < found["characters"] < 1
    (unknown,) = notices.of_letters(found, SOURCE)
    assert "unknown to the tokenizer" in unknown and "tiny does not know" in unknown
    few, many = {"unknown": 0.01, "characters": 0.02}, {"unknown": 0.2, "characters": 0.1}
    assert notices.of_letters(few, SOURCE) == []
    assert "of the pieces of these texts are unknown" in tokenizing.rare(many)
    of_kind("bytes").save_pretrained(tmp_path / "bytes")
    assert data_audit.strange(str(tmp_path / "data"), "", str(tmp_path / "bytes")) == {
        "unknown": 0,
        "characters": 0,
    }


def test_a_run_of_characters_that_one_unknown_piece_swallows_is_told(of_kind):
    shares = pieces.unknown(of_kind("unigram"), ["hello 你好世界你好世界"])
    assert shares[0] < 0.3 < 0.5 < shares[1] == 8 / 13
    strange = dict(zip(("unknown", "characters"), shares, strict=True))
    assert "Of the characters of the training texts, " in notices.of_letters(strange, SOURCE)[0]
    assert "of the characters of these texts are unknown" in tokenizing.rare(strange)


@pytest.mark.parametrize(
    "limits, said",
    [
        ((512, 512), "tokenizer's limit is"),
        ((512, 0), "tokenizer's limit is"),
        ((512, 128), "model's limit is"),
        ((0, 128), "model's limit is"),
        ((0, 0), "Neither the tokenizer nor the model sets a limit."),
    ],
)
def test_the_limit_is_the_shorter_one(limits, said):
    told = tokenizing.limit(*limits)
    assert said in told and ("128" in told) == (128 in limits)


def test_token_types_are_told_of_the_family():
    assert "DistilBERT does without them." in tokenizing.types(True, 2, "BERT")
    assert "DeBERTa does without them." in tokenizing.types(True, 0, "DeBERTa")
    assert tokenizing.types(False, 1, "RoBERTa").endswith("RoBERTa does without it.")


def test_what_comes_back_of_unknown_texts_is_told(of_kind):
    strange = {"unknown": 0.5, "characters": 0.6}
    told = on_data.of_tokenizer(of_kind("lower"), SOURCE, strange).decoding
    assert told.endswith("and a special token for what is unknown.")
