"""Many texts at once: one tag a line, in the order of the file, the same as one by one."""

import copy
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies

from lmreport.cli import main, prediction
from lmreport.core.errors import ReportError
from lmreport.data import readers
from lmreport.data.corpus import TAGS
from lmreport.models import finetune, predict, pretrained, saved_classifier
from lmreport.models.saved_classifier import class_names
from lmreport.models.tokenizer import load_tokenizer
from lmreport.runs import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny classifier with random weights, saved with its tokenizer."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("weights")
    load_tokenizer(pretrained.from_package("any").path).save_pretrained(folder)
    torch.manual_seed(0)
    names = dict(enumerate(TAGS))
    BertForSequenceClassification(
        BertConfig(
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=128,
            num_labels=4,
            initializer_range=0.3,
            id2label=names,
            label2id={v: k for k, v in names.items()},
        )
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    words = "dict list class void sort string error file thread query index loop".split()
    return [" ".join(rng.choice(words, rng.integers(0, 700))) for _ in range(150)]


@pytest.fixture(scope="module")
def one_by_one(folder, texts):
    import torch

    model = (
        finetune.load_classifier(str(folder), list(TAGS)).eval().double()
    )  # so that order alone counts
    tokenizer = load_tokenizer(folder)
    with torch.inference_mode():
        return np.concatenate(
            [
                model(**tokenizer(t, truncation=True, max_length=512, return_tensors="pt")).logits
                for t in texts
            ]
        )


@pytest.mark.parametrize("threads", [1, 2])
def test_logits_are_those_of_each_text_alone_in_the_order_given(folder, texts, one_by_one, threads):
    import torch

    model, before = predict.load(str(folder), list(TAGS), "fp32").double(), torch.get_num_threads()
    torch.set_num_threads(threads)  # with two, each takes its own batches
    try:
        found = predict.logits(model, load_tokenizer(folder), texts)
    finally:
        torch.set_num_threads(before)
    assert found == pytest.approx(one_by_one, abs=2e-6)


def classifier(kind):
    """A three-layer BERT or DistilBERT with random weights and no dropout, whose draws would
    differ.
    """
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        DistilBertConfig,
        DistilBertForSequenceClassification,
    )

    if kind == "bert":
        return BertForSequenceClassification(
            BertConfig(
                hidden_size=64,
                num_hidden_layers=3,
                num_attention_heads=2,
                intermediate_size=128,
                num_labels=4,
                hidden_dropout_prob=0,
                attention_probs_dropout_prob=0,
                initializer_range=0.3,
            )
        )
    return DistilBertForSequenceClassification(
        DistilBertConfig(
            dim=64,
            n_layers=3,
            n_heads=2,
            hidden_dim=128,
            num_labels=4,
            dropout=0,
            attention_dropout=0,
            seq_classif_dropout=0,
            initializer_range=0.3,
        )
    )


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_the_last_layer_for_the_first_token_alone_gives_the_same_logits_and_gradients(kind):
    import torch

    from lmreport.models import cls_only

    model = classifier(kind).double().train()  # some gradients are zero but for rounding
    ours = cls_only.only_first_token(copy.deepcopy(model))
    ids, mask = torch.randint(5, 30000, (5, 20)), torch.ones(5, 20, dtype=torch.long)
    mask[1, 7:], mask[3, 1:] = 0, 0
    for inputs in ({"input_ids": ids}, {"input_ids": ids, "attention_mask": mask}):
        before, found = (
            one(**inputs, labels=torch.tensor([0, 1, 2, 3, 1])) for one in (model, ours)
        )
        assert torch.allclose(found.logits, before.logits, atol=1e-5)
        before.loss.backward()
        found.loss.backward()
        gradients = [{n: p.grad for n, p in one.named_parameters()} for one in (model, ours)]
        assert list(gradients[0]) == list(gradients[1])
        for name, gradient in gradients[0].items():
            assert torch.allclose(gradients[1][name], gradient, atol=1e-12), name
    base = ours.base_model(input_ids=ids).last_hidden_state
    assert base.shape == (5, 1, 64)  # it is used at all


def test_attention_dropout_acts_in_the_last_layer_while_training_only():
    import torch

    from lmreport.models import cls_only

    model = cls_only.only_first_token(classifier("bert"))
    model.bert.encoder.layer[-1].attention.self.dropout.p = 0.5
    ids = torch.randint(5, 30000, (2, 20))
    with torch.no_grad():
        assert not torch.equal(model.train()(ids).logits, model(ids).logits)
        assert torch.equal(model.eval()(ids).logits, model(ids).logits)


def test_other_kinds_of_models_stay_as_they_are():
    from transformers import RobertaConfig, RobertaForSequenceClassification

    from lmreport.models import cls_only

    model = RobertaForSequenceClassification(
        RobertaConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        )
    )
    assert "forward" not in vars(cls_only.only_first_token(model).base_model.encoder.layer[-1])


def test_eight_bits_change_little(folder, texts, one_by_one):
    model = predict.load(str(folder), list(TAGS), "int8")
    found = predict.logits(model, load_tokenizer(folder), texts)
    assert np.abs(found - one_by_one).max() > 0  # they are used at all
    assert np.mean(found.argmax(1) == one_by_one.argmax(1)) > 0.95
    assert np.abs(found - one_by_one).mean() < 0.2 * np.abs(one_by_one).mean()


def test_feed_forward_networks_are_scaled_by_token_in_both_kinds_of_models():
    from lmreport.models import int8

    for kind, parts in (
        ("bert", ["intermediate.dense", "output.dense"]),
        ("distilbert", ["ffn.lin1", "ffn.lin2"]),
    ):
        names = [
            n
            for n, m in int8.in_eight_bits(classifier(kind).eval()).named_modules()
            if type(m).__name__ == "ByToken"
        ]
        assert [name.split(".layer.")[1] for name in names] == [
            f"{i}.{part}" for i in range(3) for part in parts
        ]


def test_one_large_value_costs_the_other_tokens_no_precision():
    import torch

    from lmreport.models import int8

    model = classifier("distilbert").eval().requires_grad_(False)
    name = "distilbert.transformer.layer.0.ffn.lin1"
    exact, ours = model.get_submodule(name), int8.in_eight_bits(model).get_submodule(name)
    x = torch.randn(1, 6, 64)
    x[0, 0] *= 1000
    error = (ours(x) - exact(x)).abs().mean(-1) / exact(x).abs().mean(-1)  # (1, tokens)
    assert 0 < error.max() < 0.03, error
    assert torch.equal(ours(torch.zeros(1, 1, 64))[0, 0], exact.bias)


def test_batches_of_a_prediction_keep_the_budget_and_hold_each_text_once(texts):
    lengths = np.random.default_rng(1).integers(1, 900, 500).tolist()
    found = predict.by_length(lengths, 600)
    assert sorted(np.concatenate(found)) == list(range(500))
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= 600 for b in found)


@pytest.mark.parametrize("name", ["texts.txt", "texts.csv", "texts.jsonl"])
def test_a_file_gives_one_tag_a_line_in_its_order(
    folder, texts, one_by_one, tmp_path, name, capsys, monkeypatch
):
    import csv

    monkeypatch.setattr(predict, "CHUNK", 40)  # several chunks
    path = tmp_path / name
    with open(path, "w", newline="", encoding="utf-8") as file:
        if name.endswith("csv"):
            writer = csv.writer(file)
            writer.writerows([["id", "question"], *([i, f"{t}"] for i, t in enumerate(texts))])
        else:
            file.writelines(
                (json.dumps({"question": t}) if name.endswith("jsonl") else t) + "\n" for t in texts
            )
    assert (
        main.main(
            [
                "predict",
                "--file",
                str(path),
                "--column",
                "question",
                "--weights",
                str(folder),
                "--precision",
                "fp32",
                "--max-length",
                "512",
            ]
        )
        == 0
    )
    said = capsys.readouterr()
    assert said.out.splitlines() == [TAGS[i] for i in one_by_one.argmax(1)]
    assert "150 texts" in said.err and "texts/s" in said.err


def test_lines_from_standard_input_are_read_as_they_come(folder):
    done = subprocess.run(
        [sys.executable, "-m", "lmreport.cli", "predict", "--file", "-", "--weights", str(folder)],
        input="sort a dict\n\nvoid main\n",
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 3, done.stderr
    assert set(done.stdout.split()) <= set(TAGS)
    assert done.stderr.endswith("predict: empty, so that the class says nothing: text 2\n")


def test_a_question_without_words_is_told(folder, capsys):
    assert main.main(["predict", "", "sort", " ", "--weights", str(folder)]) == 0
    assert "so that the class says nothing: text 1, 3\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("a.csv", "id,body\n1,x\n", "no column 'text', only id, body"),
        (
            "a.csv",
            "text;id\nx;1\n",
            "a.csv seems to be separated by ';'; save it as .csv with commas",
        ),
        ("a.tsv", "text,id\nx,1\n", "a.tsv seems to be separated by ','; save it as"),
        (
            "a.csv",
            "id,text\n1,x\n2,how to, then\n",
            "a.csv, line 3: 3 fields where the header has 2; put double quotes",
        ),
        (
            "a.csv",
            'id,text\n1,"x",\n',
            "a.csv, line 2: 3 fields where the header has 2; nothing stands behind its last "
            "separator, so delete that",
        ),
        (
            "a.csv",
            'id,text\n1,"x" \n',
            "line 2: no whole row .* nothing between it and the separator",
        ),
        ("a.csv", "id,text\n1,x\n\n2\n", "a.csv, line 4: 1 fields where the header has 2"),
        (
            "a.csv",
            'id,text\n1,"x\ny"\n2,"open\n3,z\n',
            "a.csv, line 4: no whole row .*double each quote",
        ),
        ("a.csv", 'id,text\n1,"x" y\n', "a.csv, line 2: no whole row"),
        ("a.jsonl", '"x"\n', 'a.jsonl, line 1: no JSON object; write {"text": "…"}'),
        ("a.csv", "text,text\nx,y\n", "line 1: the column 'text' stands there twice"),
        ("a.csv", "", "no column 'text', for it is empty"),
        ("a.csv", b"id,text\n1,caf\xe9\n", "a.csv, line 2 cannot be read as UTF-8"),
        ("a.tsv", "id\ttext\n1\tx\ty\n", "a.tsv, line 2: 3 fields"),
        ("a.jsonl", '{"text": "x"}\n{"body": 1}\n', "line 2"),
        (
            "a.jsonl",
            '{"text": "x"}\n\n{"text": ["x"]}\n',
            "a.jsonl, line 3: the field 'text' holds no text but",
        ),
        ("a.jsonl", '{"text": "x", "text": "y"}\n', "a.jsonl, line 1: .*'text' stands there twice"),
        (
            "a.json",
            '{"text": "x"}\n{"text": "y"}\n',
            "not one JSON array .*an object a line .jsonl",
        ),
        ("a.jsonl", '{"text": NaN}\n', "a.jsonl, line 1: .*NaN is no JSON"),
        ("a.json", '[{"text": -Infinity}]', "a.json: .*-Infinity is no JSON"),
        ("a.json", '["x", 5]', "a.json, entry 2: no JSON object"),
        ("a.json", '{"text": ["x"]}', "holds no JSON array"),
        ("a.json", '["x", {"body": 1}]', "a.json, entry 2: no JSON ob"),
        ("a.txt", b"\xff\xfe\x00", "line 1 cannot be read as UTF-8"),
        ("a.txt", b"one\ntwo\x00\n", "a.txt, line 2 has a zero byte in it; leave that out"),
        ("a.xlsx", b"PK", "ends in .xlsx, which is not read; give a .txt"),
        ("b.txt", None, "cannot be read"),
        ("b.parquet", b"PK", "b.parquet cannot be read as parquet"),
        ("c.parquet", None, "c.parquet cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name_and_place(tmp_path, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReportError, match=said):
        list(readers.texts(str(path)))


def test_a_blank_line_is_an_empty_text_in_a_table_of_one_column(tmp_path):
    """As Excel writes an empty cell there: passed over, all later answers would be of other rows."""
    path = tmp_path / "a.csv"
    path.write_text("text\none\n\ntwo\n")
    assert list(readers.texts(str(path))) == ["one", "", "two"]
    path.write_text("id,text\n1,one\n\n2,two\n")
    assert list(readers.texts(str(path))) == ["one", "two"]


def test_a_table_without_a_line_of_names_is_told_to_have_one(tmp_path):
    """Its first text would be taken for the name of a column, and lost."""
    path = tmp_path / "test.tsv"
    path.write_text("0\tthe lamp was dull\n1\tthe hotel was warm\n")
    with pytest.raises(ReportError, match="name one with --column; where line 1 is a row already"):
        list(readers.texts(str(path)))


def test_a_column_of_a_parquet_file_is_read(tmp_path):
    from datasets import Dataset

    path = str(tmp_path / "a.parquet")
    Dataset.from_dict({"body": ["how to", None, "größer"], "tags": [["a"], [], []]}).to_parquet(
        path
    )
    assert list(readers.texts(path, "body")) == ["how to", "", "größer"]
    with pytest.raises(
        ReportError, match="has no column 'text', only body, tags; name one with --column$"
    ):
        list(readers.texts(path))
    with pytest.raises(ReportError, match="a.parquet, row 1: the field 'tags' holds no text but"):
        list(readers.texts(path, "tags"))


def test_a_model_without_classes_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ReportError, match="names no classes"):
        class_names(tmp_path)


def test_an_empty_field_is_an_empty_text(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": null}\n{"text": 7}\n')
    assert list(readers.texts(str(tmp_path / "a.jsonl"))) == ["", "7"]


def test_a_number_is_the_text_as_it_is_written(tmp_path):
    for number in ("1.10", "1e5", "-0", "12345678901234567890.5"):
        (tmp_path / "a.jsonl").write_text(f'{{"text": {number}}}\n')
        assert list(readers.texts(str(tmp_path / "a.jsonl"))) == [number]


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.csv", '\ufefftext,id\r\n"a, b ""c""\nd",1\r\n\r\ne,2\r\n'),
        ("a.TSV", 'id\ttext\n1\t"a, b ""c""\nd"\n2\te\n'),
        ("a.json", json.dumps([{"text": 'a, b "c"\nd'}, "e"])),
        ("a.jsonl", json.dumps({"text": 'a, b "c"\nd'}) + "\n\n" + '{"text": "e"}'),
    ],
)
def test_each_format_gives_the_texts_that_were_written(tmp_path, name, content):
    (tmp_path / name).write_bytes(content.encode())
    assert list(readers.texts(str(tmp_path / name))) == ['a, b "c"\nd', "e"]


WRITTEN = strategies.text(strategies.characters(codec="utf-8", exclude_characters="\0"))


@given(rows=strategies.lists(WRITTEN, min_size=1))
def test_what_csv_and_json_write_is_read_as_it_was(tmp_path_factory, rows):
    import csv

    folder = tmp_path_factory.mktemp("written")
    with open(folder / "a.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "text"], *enumerate(rows)])
    (folder / "a.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "a.jsonl").write_text(
        "".join(json.dumps({"text": t}) + "\n" for t in rows), encoding="utf-8"
    )
    for name in ("a.csv", "a.json", "a.jsonl"):
        assert list(readers.texts(str(folder / name))) == rows


def test_a_pipe_is_opened_once_and_each_of_its_texts_gets_a_tag(folder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    asked = [sys.executable, "-m", "lmreport.cli", "predict", "--weights", str(folder), "--file"]
    reader = subprocess.Popen(
        [*asked, str(tmp_path / "pipe")], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with open(tmp_path / "pipe", "w") as pipe:
        pipe.write("sort a dict\nvoid main\n")
    out, said = reader.communicate(timeout=120)
    assert reader.returncode == 0 and len(out.splitlines()) == 2, said


def test_bytes_that_are_no_text_are_one_sentence_and_others_are_replaced(folder, tmp_path):
    asked = [
        sys.executable,
        "-m",
        "lmreport.cli",
        "predict",
        "--weights",
        str(folder),
        "--precision",
        "fp32",
    ]
    done = subprocess.run([*asked, "--file", "-"], input=b"fine\n\xff\xfe\n", capture_output=True)
    assert done.returncode == 2 and b"-, line 2 cannot be read as UTF-8" in done.stderr, done.stderr
    (tmp_path / "a.jsonl").write_text('{"text": "sort \\ud83d a dict"}\n')
    assert list(readers.texts(str(tmp_path / "a.jsonl"))) == ["sort \ufffd a dict"]
    for characters in ("ascii", "ascii:surrogateescape"):  # the second is that of LC_ALL=C
        done = subprocess.run(
            [*asked, "naïve ☃".encode(), b"bad \xff byte"],
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": characters},
        )
        assert (
            done.returncode == 0
            and done.stdout.count(b"\n") == 4
            and b"na\\u00efve \\u2603" in done.stdout
        ), done.stderr


@pytest.mark.parametrize(
    "gone, said",
    [
        (["tokenizer.json", "tokenizer_config.json"], "holds no tokenizer"),
        (["model.safetensors"], "lacks model.safetensors"),
    ],
)
def test_a_model_folder_that_is_not_whole_is_refused(folder, tmp_path, gone, said, capsys):
    broken = shutil.copytree(folder, tmp_path / "broken")
    [(broken / name).unlink() for name in gone]
    assert main.main(["predict", "--weights", str(broken), "sort a dict"]) == 2
    assert said in capsys.readouterr().err


def test_a_model_that_git_lfs_has_not_fetched_is_refused(folder, tmp_path, capsys):
    pointed = shutil.copytree(folder, tmp_path / "pointed")
    (pointed / "model.safetensors").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:53aa\nsize 908\n"
    )
    assert main.main(["predict", "--weights", str(pointed), "sort a dict"]) == 2
    assert "model.safetensors is a pointer of Git LFS; run git lfs pull" in capsys.readouterr().err


def test_an_encoder_without_a_classifier_and_a_foreign_tokenizer_are_refused(
    folder, tmp_path, capsys
):
    from safetensors.numpy import load_file, save_file

    bare, foreign = (shutil.copytree(folder, tmp_path / name) for name in ("bare", "foreign"))
    kept = load_file(bare / "model.safetensors")
    save_file(
        {name: value for name, value in kept.items() if not name.startswith("classifier")},
        bare / "model.safetensors",
        {"format": "pt"},
    )
    config = json.loads((foreign / "config.json").read_text())
    (foreign / "config.json").write_text(json.dumps(config | {"vocab_size": 100}))
    for broken, said in (
        (bare, "an encoder without a classifier"),
        (foreign, "30,522 word pieces and a model of 100; if pieces were added on purpose, call"),
    ):
        assert main.main(["predict", "--weights", str(broken), "sort a dict"]) == 2
        assert said in capsys.readouterr().err


UNLIKE = {
    "more classes than the head": (
        {"id2label": dict(enumerate([*TAGS, "go"]))},
        r"classifier.bias has the shape \[4\] in model.safetensors and \[5\] by config.json",
    ),
    "fewer layers": (
        {"num_hidden_layers": 1},
        "config.json counts fewer layers than .* has, such as bert.encoder.layer.1;",
    ),
    "more layers": ({"num_hidden_layers": 3}, "model.safetensors has no bert.encoder.layer.2"),
    "heads that do not divide": ({"num_attention_heads": 5}, "since ValueError: The hidden size"),
    "a tuple": ({"return_dict": False}, "take return_dict out of its config.json"),
    "several classes of a text": (
        {"problem_type": "multi_label_classification"},
        r"trained for another task \(multi_label_classification\)",
    ),
    "one class": ({"id2label": {"0": "LABEL_0"}}, "has one class only"),
    "no layers": ({"num_hidden_layers": 0}, "it has no layers"),
}


@pytest.mark.parametrize("case", UNLIKE)
def test_a_configuration_unlike_the_weights_is_refused_before_it_answers_by_chance(
    folder, tmp_path, case
):
    other, said = UNLIKE[case]
    broken = shutil.copytree(folder, tmp_path / "broken")
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(config | other))
    with pytest.raises(ReportError, match=said):
        prediction.weights(str(broken))


def test_a_classifier_of_two_classes_without_names_has_those_of_transformers(tmp_path, capsys):
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    load_tokenizer(pretrained.from_package("any").path).save_pretrained(tmp_path)
    torch.manual_seed(0)
    wide = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(num_hidden_layers=1, num_labels=2, **wide)
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    assert main.main(["predict", "--weights", str(tmp_path), "sort a dict"]) == 0
    assert "LABEL_0" in (said := capsys.readouterr().out) and "LABEL_1" in said


def test_a_classifier_that_gives_its_number_of_classes_alone_answers_with_its_own_head(
    folder, tmp_path
):
    other = shutil.copytree(folder, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    number = len(config.pop("id2label"))
    config.pop("label2id")
    (other / "config.json").write_text(json.dumps(config | {"num_labels": number}))
    prediction.weights(str(other))
    assert saved_classifier.all_class_names(other) == [f"LABEL_{i}" for i in range(number)]


@pytest.mark.parametrize(
    "names, said",
    [
        (["a", "b", "a", "c"], "names two classes 'a' in its config.json; give each a name"),
        (
            ["a", "b\nc", "d", "e"],
            r"names a class 'b\\nc' in its config.json; give it a name in one",
        ),
        (["a", "", "d", "e"], "names a class '' in its config.json; give it a name in one line"),
    ],
)
def test_classes_that_an_answer_could_not_tell_apart_are_refused(folder, tmp_path, names, said):
    other = shutil.copytree(folder, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config |= {"id2label": {str(i): name for i, name in enumerate(names)}}
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(ReportError, match=said):
        prediction.weights(str(other))


@pytest.mark.parametrize(
    "options, said",
    [
        ({"model_input_names": ["input_ids"]}, 'add "attention_mask" to "model_input_names"'),
        ({"pad_token": None}, "its tokenizer has no padding token"),
    ],
)
def test_a_tokenizer_that_cannot_tell_padding_from_text_is_refused(folder, tmp_path, options, said):
    broken = shutil.copytree(folder, tmp_path / "broken")
    path = broken / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | options))
    with pytest.raises(ReportError, match=said):
        prediction.weights(str(broken))


def test_whoever_reads_the_first_tags_only_sees_no_traceback(folder, tmp_path):
    (tmp_path / "a.txt").write_text("sort a dict\n" * 20_000)
    command = f"{sys.executable} -m lmreport.cli predict --file {tmp_path}/a.txt --weights '{folder}' | head -1"
    done = subprocess.run(command, shell=True, text=True, capture_output=True)
    assert (
        done.stdout.strip() in TAGS
        and "Traceback" not in done.stderr
        and "Broken" not in done.stderr
        and "Loading" not in done.stderr  # of bars
    )


@pytest.mark.parametrize(
    "asked, said",
    [
        ([], "either questions or --file"),
        (["x", "--file", "y"], "either"),
        (["--file", "y", "--weights", "nowhere"], "nowhere is not there; name the folder of"),
        (["x", "--weights", ""], "--weights is empty; name the folder"),
        (
            ["x", "--weights", "y", "--model", "z"],
            "--weights is the model itself; leave --model out",
        ),
    ],
)
def test_what_cannot_be_predicted_is_told(asked, said, capsys):
    assert main.main(["predict", *asked]) == 2 and said in capsys.readouterr().err


def test_after_a_report_on_own_data_its_model_answers_and_is_named_first(
    folder, tmp_path, monkeypatch, capsys
):
    from lmreport.core.settings import load, resolved
    from lmreport.data import download
    from lmreport.runs import records

    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "_quarto.yml").write_text("project: {}\n")
    for part, least in (("train", 50), ("test", 20)):
        for name in ("snake_case", "C$", "中文"):
            (tmp_path / "groups" / part / name).mkdir(parents=True)
            for i in range(least):
                (tmp_path / "groups" / part / name / f"{i}.txt").write_text(
                    f"{part} {name} {i}", encoding="utf-8"
                )
    sizes = dict(scale="quick", train_size=24, test_size=12, max_length=16, epochs=1)
    asked = load(data="groups", model=str(folder), **sizes)
    corpus = download.obtain(asked.data)
    record = train.run("transformer", resolved(asked), corpus)
    train.note_model(tmp_path, asked, corpus, record)
    capsys.readouterr()
    assert main.main(["predict", "how do I sort"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith(
        f"predict: the last report’s model transformer-{record.key}, fine-tuned on groups, "
        "classes C$, snake_case, 中文\n"
    ), said.err
    assert said.out.split("\t")[0] in ("C$", "snake_case", "中文") and "python" not in said.out
    (tmp_path / "_report" / "model.json").write_text("{")
    assert train.noted_model(tmp_path) == {}
    assert records.find(record.inputs).key == record.key
