"""Questions 1c, 2, 4 and 5 on a tiny BERT with random weights and texts of the sample."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import families
from lmreport.cli import prediction
from lmreport.core.errors import ReportError
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.data.corpus import TAGS
from lmreport.data.splits import dataset_dict, splits_for, subset
from lmreport.models import finetune, fitness, pretrained, tokenizer
from lmreport.models.fitness import located
from lmreport.models.saved_classifier import class_names
from lmreport.runs import freshness, records, train

SIZES = dict(train_size=48, test_size=32, max_length=32, batch_size=8, epochs=2, learning_rate=1e-3)


@pytest.fixture(scope="module")
def corpus():
    return download.obtain("sample")


@pytest.fixture(scope="module")
def splits(corpus):
    return dataset_dict(corpus.folder, 157)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder with a two-layer BERT of width 32, and the tokenizer of the packaged model."""
    return families.tiny_bert(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def settings(tiny):
    return resolved(load(model=str(tiny), scale="quick", **SIZES), "cpu")


def some(splits, settings):
    return type(splits)({name: subset(s, 32, settings.seed) for name, s in splits.items()})


def test_splits_have_the_right_sizes_are_disjoint_and_hold_every_text(splits, corpus):
    assert {name: len(s) for name, s in splits.items()} == {
        "train": 256,
        "validation": 64,
        "test": 160,
    }
    texts = [text for s in splits.values() for text in s["text"]]
    on_disk = [p.read_text(encoding="utf-8") for p in Path(corpus.folder).rglob("*.txt")]
    assert sorted(texts) == sorted(on_disk)
    assert splits["train"].features["labels"].names == list(TAGS)


def test_labels_belong_to_their_texts(splits, corpus):
    tag_of = {
        p.read_text(encoding="utf-8"): p.parent.name for p in Path(corpus.folder).rglob("*.txt")
    }
    names = splits["train"].features["labels"].names
    for one in splits.values():
        assert all(
            tag_of[text] == names[label]
            for text, label in zip(one["text"], one["labels"], strict=True)
        )


def test_the_seed_decides_the_split_and_the_subset(splits, corpus):
    again, other = dataset_dict(corpus.folder, 157), dataset_dict(corpus.folder, 158)
    assert (
        set(again["train"]["text"]) == set(splits["train"]["text"]) != set(other["train"]["text"])
    )
    part = subset(splits["train"], 40, 1)
    shares = np.bincount(splits["train"]["labels"]) / len(splits["train"])
    assert np.bincount(part["labels"]) == pytest.approx(40 * shares, abs=1)
    assert part["text"] == subset(splits["train"], 40, 1)["text"]


def test_padding_to_one_length_as_asked(splits, tiny):
    made = tokenizer.tokenized(
        some(splits, load()), tokenizer.load_tokenizer(str(tiny)), 32, "max_length"
    )
    for one in made.values():
        assert (
            {len(ids) for ids in one["input_ids"]}
            == {32}
            == {len(m) for m in one["attention_mask"]}
        )
        assert all(
            (np.array(ids) != 0).sum() == sum(m)
            for ids, m in zip(one["input_ids"], one["attention_mask"], strict=True)
        )


def test_classifier_knows_the_names_of_the_classes(tiny):
    model = finetune.load_classifier(str(tiny), list(TAGS))
    assert model.config.id2label == dict(enumerate(TAGS)) and model.config.label2id["python"] == 3


def test_logits_come_in_the_order_of_the_data_and_do_not_depend_on_padding(
    splits, tiny, settings, tmp_path, fp32
):
    import torch

    part = some(splits, settings)
    trainer, tokenized = finetune.prepare(part, str(tiny), settings, tmp_path)
    logits = finetune.predict_logits(trainer, tokenized["test"])
    trainer.model.eval()
    for i, text in enumerate(part["test"]["text"]):
        inputs = trainer.processing_class(
            text, truncation=True, max_length=32, padding="max_length", return_tensors="pt"
        )
        with torch.inference_mode():
            assert trainer.model(**inputs).logits[0].numpy() == pytest.approx(logits[i], abs=1e-5)


@pytest.mark.parametrize("bf16, precision", [(False, 1e-6), (True, 2e-2)], ids=["fp32", "bf16"])
def test_a_training_learns_is_recorded_and_found_again(
    corpus, settings, monkeypatch, tmp_path, bf16, precision, told
):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    monkeypatch.setattr(
        finetune, "has_bf16", lambda: bf16
    )  # a processor without it computes it by way of fp32
    record = train.run("transformer", settings, corpus)
    losses = [h["loss"] for h in record["history"] if "loss" in h] or [
        h["train_loss"] for h in record["history"][-1:]
    ]
    assert record["bf16"] is bf16
    assert (
        np.isfinite(losses).all()
        and record["train_seconds"] > 0
        and record["logits"].shape == (32, 4)
    )
    assert train.run("transformer", settings, corpus).path == record.path
    assert sum("training at scale" in line for line in told) == 1
    folder = train.fine_tuned(record)
    model = finetune.load_classifier(str(folder), class_names(folder))
    from lmreport.models.scores import QUESTIONS

    again = finetune.predict_texts(model, tokenizer.load_tokenizer(str(folder)), list(QUESTIONS))
    assert again == pytest.approx(
        record["question_probabilities"], abs=precision
    )  # loaded, it computes in fp32


@pytest.mark.parametrize(
    "file, change, same",
    [
        ("tokenizer_config.json", {"do_lower_case": False}, False),
        ("config.json", {"num_attention_heads": 1}, False),
        ("config.json", {"_name_or_path": "elsewhere", "id2label": {"0": "a", "1": "b"}}, True),
    ],
)
def test_a_model_of_the_same_weights_that_computes_otherwise_is_another(
    file, change, same, corpus, settings, tiny, monkeypatch, tmp_path
):
    """Its training would be told to be that of the first one."""
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    of_tiny = pretrained.from_folder(Path(tiny))
    given = records.inputs("transformer", settings, corpus, of_tiny)
    record = records.write(given, {}, records.made_here())
    folder = shutil.copytree(tiny, tmp_path / "model")
    changed(folder / file, **change)
    other = records.inputs("transformer", settings, corpus, pretrained.from_folder(folder))
    assert (records.find(other) is not None) is same
    differs = ["tokenizer or configuration of the model differ"]
    assert freshness.reasons(record, other) == ([] if same else differs)
    other["model"].pop("beside")  # as of records of before
    assert records.find(other).key == record.key


def test_weights_that_are_missing_are_made_without_touching_the_record(
    corpus, settings, monkeypatch, tmp_path, told
):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    record = train.run("transformer", settings, corpus)
    folder, before = train.fine_tuned(record), record.path.read_bytes()
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    assert train.fine_tuned(record) is None
    shutil.rmtree(folder)
    assert train.trained_model(settings, corpus) == folder and (folder / "config.json").is_file()
    assert record.path.read_bytes() == before
    assert sum("lacks the weights" in line for line in told) == 1


@pytest.mark.parametrize(
    "sizes, said",
    [
        ({"train_size": 12}, "train_size: 12 gives 3 of .* for validation"),
        ({"train_size": 2}, "gives 2 of .* for train"),
        ({"test_size": 3}, "test_size: 3 gives 3 of 160 texts for test"),
    ],
)
def test_a_size_without_a_text_of_each_class_is_refused(corpus, settings, sizes, said):
    with pytest.raises(ReportError, match=said):
        splits_for(dataclasses.replace(settings, **sizes), corpus)
    assert len(splits_for(dataclasses.replace(settings, test_size=160), corpus)["test"]) == 160


TRAIN = """
import dataclasses, sys
from lmreport.data import download
from lmreport.models import finetune
from lmreport.runs import train
from lmreport.core.settings import load, resolved
finetune.SAVE_STEPS, finetune.has_bf16 = 5, lambda: False
settings = resolved(load(model={model!r}, scale="quick", train_size=200, test_size=32, max_length=32, batch_size=4,
                         epochs=2, learning_rate=1e-3), "cpu")
record = train.run("transformer", settings, download.obtain("sample"))
print(record.path)
"""


def test_a_killed_training_goes_on_to_the_same_result(tiny, tmp_path):
    """Also where a file of its checkpoint is damaged: then from the start."""
    from lmreport.runs import records

    def start(cache):
        return subprocess.Popen(
            [sys.executable, "-c", TRAIN.format(model=str(tiny))],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"LMREPORT_CACHE": str(tmp_path / cache)},
        )

    whole, victim = start("a"), start("b")
    until = time.time() + 240
    while not list((tmp_path / "b").glob("models/*.checkpoints/checkpoint-*/trainer_state.json")):
        assert time.time() < until and victim.poll() is None, (
            "the training ended before it could be killed"
        )
        time.sleep(0.02)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert not list((tmp_path / "b" / "runs").glob("*")), "a killed training left a record"
    shutil.copytree(tmp_path / "b", tmp_path / "c")
    for file in (tmp_path / "c").glob("models/*.checkpoints/checkpoint-*/rng_state.pth"):
        draws = file.read_bytes()
        file.write_bytes(draws[:4000] + bytes(b ^ 255 for b in draws[4000:4400]) + draws[4400:])
    undisturbed = whole.communicate()[0].splitlines()[-1]
    one = records.read(Path(undisturbed))
    for cache in ("b", "c"):
        two = records.read(Path(start(cache).communicate()[0].splitlines()[-1]))
        assert one.key == two.key
        assert two["logits"] == pytest.approx(one["logits"], abs=1e-5)


def cut_short(name):
    def damage(state):
        (state / name).write_bytes((state / name).read_bytes()[:-20])

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: (state / "optimizer.pt").unlink(),
        lambda state: (state / "seconds.txt").write_text(""),
        lambda state: [path.unlink() for path in state.iterdir() if path.name != "config.json"],
        *map(
            cut_short, ("model.safetensors", "optimizer.pt", "rng_state.pth", "trainer_state.json")
        ),
    ],
)
def test_a_state_that_was_not_written_to_its_end_is_passed_over(
    splits, tiny, settings, tmp_path, monkeypatch, fp32, damage
):
    from transformers import TrainerCallback

    class Killed(TrainerCallback):
        def on_step_end(self, args, state, control, **rest):
            if state.global_step == 7:
                raise SystemExit

    monkeypatch.setattr(finetune, "SAVE_STEPS", 3)
    small = dataclasses.replace(settings, epochs=3)
    trainer, _ = finetune.prepare(some(splits, settings), str(tiny), small, tmp_path / "states")
    trainer.args.save_total_limit = 2
    trainer.add_callback(Killed())
    with pytest.raises(SystemExit):
        finetune.train(trainer)
    assert finetune.last_state(tmp_path / "states").endswith("checkpoint-6")
    damage(tmp_path / "states" / "checkpoint-6")
    assert finetune.last_state(tmp_path / "states").endswith("checkpoint-3")
    assert finetune.last_state(tmp_path / "states", processes=2) is None
    resumed, parts = finetune.prepare(some(splits, settings), str(tiny), small, tmp_path / "states")
    finetune.train(resumed)
    whole, parts = finetune.prepare(some(splits, settings), str(tiny), small, tmp_path / "whole")
    finetune.train(whole)
    assert (
        finetune.predict_logits(resumed, parts["test"])
        == finetune.predict_logits(whole, parts["test"])
    ).all()


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda f: (f / "model.safetensors").unlink(), "lacks model.safetensors"),
        (lambda f: (f / "config.json").write_text("{"), "cannot be read"),
    ],
)
def test_an_unreadable_model_folder_is_named(tiny, tmp_path, damage, said):
    import shutil

    folder = shutil.copytree(tiny, tmp_path / "model")
    damage(folder)
    pretrained.locate.cache_clear()
    with pytest.raises(ReportError, match=said):
        pretrained.locate(str(folder))
    with pytest.raises(ReportError, match="lacks"):
        pretrained.locate(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "inside", ["results/metrics.json", "checkpoint-500/config.json", "config.json"]
)
@pytest.mark.parametrize("name", ["distilbert-base-uncased", "google-bert/bert-base-uncased"])
def test_a_folder_of_results_named_as_a_model_of_the_hub_is_told(
    tmp_path, monkeypatch, name, inside
):
    (tmp_path / "_quarto.yml").touch()
    monkeypatch.chdir(tmp_path)
    file = tmp_path / name / inside
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    pretrained.locate.cache_clear()
    for given in (name, str(tmp_path / name)):
        with pytest.raises(
            ReportError, match=f"if the hub's '{name}' is meant, rename this folder"
        ):
            fitness.whole(given)
    asked = dataclasses.replace(load(), model=name)
    with pytest.raises(ReportError, match="rename this folder"):  # as predict trains it
        train.run("transformer", asked, None)
    with pytest.raises(ReportError, match="folder of a model$"):  # a path names none of the hub
        fitness.whole("./nowhere")


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:53aa\nsize 908\n"


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("model.safetensors", b"", "model.safetensors is damaged"),
        (
            "model.safetensors",
            POINTER,
            "since model.safetensors is a pointer of Git LFS; run git lfs pull",
        ),
        (
            "tokenizer.json",
            POINTER,
            "since tokenizer.json is a pointer of Git LFS; run git lfs pull",
        ),
        ("tokenizer.json", b"{}", "the tokenizer in"),
        ("config.json", b'{"model_type": "nothing"}', "no model can be loaded .*config.json: "),
        ("config.json", b"[]", "config.json that holds no table of settings"),
    ],
)
def test_a_broken_model_is_told_before_anything_is_trained(
    tiny, settings, tmp_path, name, content, said
):
    folder = shutil.copytree(tiny, tmp_path / "broken")
    assert located(str(folder)).path == str(folder)
    pretrained.locate.cache_clear()
    (folder / name).write_bytes(content)
    with pytest.raises(ReportError, match=said):
        located(str(folder))


def changed(path, **entries):
    """Write other entries into a file of JSON."""
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_a_model_without_layers_or_with_quantized_weights_is_refused(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "none")
    changed(folder / "config.json", num_hidden_layers=0)
    pretrained.locate.cache_clear()
    with pytest.raises(ReportError, match="it has no layers"):
        located(str(folder))
    folder = shutil.copytree(tiny, tmp_path / "few")
    in_eight_bits(folder)
    with pytest.raises(ReportError, match=r"quantized \(I8\), .*; save the model as it was before"):
        located(str(folder))


@pytest.mark.parametrize("padding", [0, None])
def test_positions_counted_from_another_padding_than_the_tokenizers_are_told(
    tiny, tmp_path, padding
):
    folder = save(tmp_path / "model", of_kind("Roberta"), tiny)
    changed(tmp_path / "model" / "config.json", pad_token_id=padding)
    pretrained.locate.cache_clear()
    with pytest.raises(ReportError, match="by which its positions are counted, and a tokenizer"):
        located(folder)


def test_layers_that_a_configuration_leaves_out_are_told(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "shorter")
    changed(folder / "config.json", num_hidden_layers=1)
    pretrained.locate.cache_clear()
    with pytest.raises(ReportError, match="fewer layers than .* has, such as encoder.layer.1"):
        located(str(folder))


@pytest.mark.parametrize("name", [5, ["a"], {"a": 1}, None, ""])
def test_a_model_whose_configuration_names_it_by_no_text_has_its_folders_name(tiny, tmp_path, name):
    folder = shutil.copytree(tiny, tmp_path / "mine")
    changed(folder / "config.json", _name_or_path=name)
    pretrained.locate.cache_clear()
    assert located(str(folder)).name == pretrained.at_hand(str(folder)).name == "mine"


def as_a_trainer_leaves_it(folder):
    for name in ("checkpoint-1000", "checkpoint-500"):
        shutil.copytree(folder, folder.parent / "kept" / name)
    shutil.rmtree(folder)
    (folder.parent / "kept").rename(folder)


def as_sentence_transformers_had_it(folder):
    shutil.copytree(folder, folder.parent / "kept" / "0_Transformer")
    (folder.parent / "kept/1_Pooling").mkdir()
    (folder.parent / "kept/1_Pooling/config.json").write_text('{"word_embedding_dimension": 32}')
    shutil.rmtree(folder)
    (folder.parent / "kept").rename(folder)


def as_the_cache_of_the_hub_has_it(folder):
    shutil.copytree(folder, folder.parent / "kept" / "snapshots" / "ab12")
    shutil.rmtree(folder)
    (folder.parent / "kept").rename(folder)
    (folder / "blobs").mkdir()


def in_parts(folder, missing):
    (folder / "model.safetensors").unlink()
    names = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": dict(zip("abc", [*names, names[0]], strict=True))})
    )
    for name in names[missing:]:
        (folder / name).write_bytes(b"weights")


def of_a_newer_tokenizer(folder):
    whole = json.loads((folder / "tokenizer.json").read_text())
    changed(folder / "tokenizer.json", model=whole["model"] | {"type": "Newest"})


def with_own_code(folder):
    changed(folder / "config.json", model_type="x", auto_map={"AutoConfig": "code_x.Config"})
    (folder / "code_x.py").write_text("raise SystemExit('it was run')\n")


def as_an_adapter(folder):
    (folder / "model.safetensors").unlink()
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')


def with_a_value_that_is_no_number(folder):
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("0.output.dense.weight"))
    weights[name][0, 0] = np.nan
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def in_eight_bits(folder):
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    few = {k: (50 * v).astype(np.int8) if v.ndim == 2 else v for k, v in weights.items()}
    save_file(few, folder / "model.safetensors", {"format": "pt"})


UNREADABLE = {
    "an adapter": (as_an_adapter, "holds an adapter of PEFT .*; join both with merge_and_unload"),
    "values that are no numbers": (
        with_a_value_that_is_no_number,
        r"0\.output\.dense\.weight has values in model\.safetensors that are no numbers",
    ),
    "a file in its place": (
        lambda folder: (shutil.rmtree(folder), folder.write_bytes(b"GGUF")),
        "/.* is a file; name a folder with config.json, model.safetensors and tokenizer.json",
    ),
    "a folder that is not there": (shutil.rmtree, "/.* is not there; name the folder of a model"),
    "a damaged configuration": (
        lambda folder: (folder / "config.json").write_text("{"),
        "has a config.json that cannot be read .*; save the model anew",
    ),
    "no tokenizer.json": (
        lambda folder: (
            (folder / "tokenizer.json").unlink(),
            changed(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast"),
        ),
        "(lacks|holds no) tokenizer.json; save",
    ),
    "a Trainer's folder": (
        as_a_trainer_leaves_it,
        "no model but folders with one each; name one of them: checkpoint-500, checkpoint-1000",
    ),
    "an older folder of sentence-transformers": (
        as_sentence_transformers_had_it,
        "no model but folders with one each; name one of them: 0_Transformer$",
    ),
    "the cache of the hub": (
        as_the_cache_of_the_hub_has_it,
        "no model but folders with one each; name one of them: snapshots/ab12",
    ),
    "a part missing": (
        lambda folder: in_parts(folder, 1),
        r"lacks model-00001-of-00002\.safetensors, of the 2 parts of its weights",
    ),
    "all parts": (lambda folder: in_parts(folder, 0), "has its weights in 2 parts, .*max_shard"),
    "a damaged index": (
        lambda folder: (
            in_parts(folder, 0),
            (folder / "model.safetensors.index.json").write_text("[]"),
        ),
        "has a damaged model.safetensors.index.json",
    ),
    "a newer tokenizer": (of_a_newer_tokenizer, "the tokenizer in .*; it may be .* newer version"),
    "a cut tokenizer": (
        lambda folder: (folder / "tokenizer.json").write_text('{"model": {'),
        "the tokenizer in .* cannot be read",
    ),
    "own code": (with_own_code, "needs code of its own .* never run"),
    "padding at the left": (
        lambda folder: changed(folder / "tokenizer_config.json", padding_side="left"),
        'puts the padding before the text, .* set "padding_side": "right"',
    ),
    "padding as text": (
        lambda folder: changed(
            folder / "tokenizer_config.json", model_input_names=["input_ids", "token_type_ids"]
        ),
        'gives no attention_mask, .* add "attention_mask" to "model_input_names"',
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_folder_that_holds_no_one_whole_model_says_what_to_do(name, tiny, tmp_path, monkeypatch):
    change, said = UNREADABLE[name]
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question="": asked.append(question) or "n")
    folder = shutil.copytree(tiny, tmp_path / "model")
    changed(folder / "config.json", id2label={"0": "a", "1": "b"})
    change(folder)
    pretrained.locate.cache_clear()
    with pytest.raises(ReportError, match=said):
        located(str(folder), 128)
    with pytest.raises(ReportError, match=said):
        prediction.weights(str(folder))
    assert asked == []


@pytest.mark.parametrize(
    "address, name",
    [
        ("https://huggingface.co/google/electra-small-discriminator", "google/electra-small-"),
        ("huggingface.co/bert-base-uncased/tree/main", "'bert-base-uncased'"),
    ],
)
def test_an_address_of_the_hub_is_told_the_name_to_give(address, name):
    with pytest.raises(ReportError, match=f"is an address; name the model itself, '?{name}"):
        located(address)


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "other."])
def test_weights_under_other_names_are_told_and_not_made_up(tiny, tmp_path, prefix):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny, tmp_path / "renamed")
    weights = load_file(folder / "model.safetensors")
    save_file(
        {prefix + name: one for name, one in weights.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    pretrained.locate.cache_clear()
    with pytest.raises(ReportError, match=r"model.safetensors has no .* other weights of its"):
        located(str(folder))


def test_layers_that_only_the_configuration_has_are_told(tiny, tmp_path):
    import json

    folder = shutil.copytree(tiny, tmp_path / "deeper")
    config = json.loads((folder / "config.json").read_text())
    name = next(n for n in ("num_hidden_layers", "n_layers") if n in config)
    (folder / "config.json").write_text(json.dumps(config | {name: config[name] + 1}))
    pretrained.locate.cache_clear()
    with pytest.raises(ReportError, match=r"model.safetensors has no .*layer.* other weights"):
        located(str(folder))


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_a_model_in_half_precision_is_trained_in_full(tiny, tmp_path, half, monkeypatch):
    import torch
    from transformers import AutoModel

    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    model = AutoModel.from_pretrained(tiny).to(getattr(torch, half))
    folder = Path(save(tmp_path / "half", model, tiny))
    source = located(str(folder))
    monkeypatch.setattr(pretrained, "from_hub", lambda name: pretrained.from_folder(folder, name))
    from_hub = located("owner/half")
    digest = pretrained.sha256(folder / "model.safetensors")
    assert (source.name, source.digest, from_hub) == (
        "half",
        digest,
        pretrained.Source("owner/half", source.path, digest),
    )
    weights = finetune.load_classifier(from_hub.path, ["a", "b"]).state_dict()
    assert {one.dtype for one in weights.values()} == {torch.float32}
    kept = model.float().state_dict()
    assert all(torch.equal(one, weights[n]) for n, one in kept.items() if n in weights)
    assert len(tokenizer.load_tokenizer(from_hub.path)) == len(tokenizer.load_tokenizer(str(tiny)))


@pytest.mark.parametrize("entry", [{"dtype": "float16"}, {"torch_dtype": "float64"}])
def test_whole_weights_are_trained_with_32_bits_whatever_their_configuration_says(
    tiny, tmp_path, monkeypatch, entry
):
    import torch

    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    folder = shutil.copytree(tiny, tmp_path / "mine")
    changed(folder / "config.json", **{"dtype": None} | entry)
    pretrained.locate.cache_clear()
    model = finetune.load_classifier(located(str(folder)).path, ["a", "b"])
    assert {one.dtype for one in model.state_dict().values()} == {torch.float32}


OTHER_TASKS = {
    "several classes of a text": {"problem_type": "multi_label_classification"},
    "a number": {"problem_type": "regression", "id2label": {"0": "LABEL_0"}},
    "classes as a list": {"id2label": ["joy", "anger"], "label2id": {"joy": 0, "anger": 1}},
    "names and numbers exchanged": {"id2label": {"joy": 0, "anger": 1}},
    "hidden states beside": {"output_hidden_states": True, "output_attentions": True},
    "a tuple": {"return_dict": False},
}


@pytest.mark.parametrize("task", OTHER_TASKS)
def test_a_classifier_of_another_task_is_trained_on_this_one(tiny, tmp_path, task, monkeypatch):
    import torch

    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    folder = shutil.copytree(tiny, tmp_path / "emotion")
    changed(folder / "config.json", **OTHER_TASKS[task])
    pretrained.locate.cache_clear()
    source = located(str(folder))
    assert (source.name, source.digest) == (
        pretrained.from_folder(folder).name,
        pretrained.sha256(folder / "model.safetensors"),
    )
    pieces = tokenizer.load_tokenizer(source.path)(["one", "two"], return_tensors="pt")
    model = finetune.load_classifier(source.path, ["a", "b", "c"])
    given = model(**pieces, labels=torch.tensor([2, 0]))
    assert list(given) == ["loss", "logits"] and given.loss > 0
    assert model.config.id2label == {0: "a", 1: "b", 2: "c"}
    right = {"id2label": None, "problem_type": "single_label_classification"} | pretrained.GIVEN
    changed(folder / "config.json", **right)
    pretrained.locate.cache_clear()
    assert located(str(folder)).path == str(folder)  # put right, it is taken as it lies


@pytest.mark.parametrize(
    "names, written",
    [
        (["joy", "anger"], '{"0": "joy", "1": "anger", …}'),
        ({"joy": 0, "anger": 1}, '{"0": "joy", "1": "anger", …}'),
        ({"1": "joy", "2": "anger"}, '{"0": "joy", "1": "anger", …}'),
        ({"0": 4, "1": 5}, '{"0": "4", "1": "5", …}'),
        ("joy", '{"0": "NAME", "1": "NAME", …}'),
    ],
)
def test_classes_of_a_saved_classifier_that_cannot_be_read_are_told(tiny, tmp_path, names, written):
    folder = shutil.copytree(tiny, tmp_path / "model")
    changed(folder / "config.json", id2label=names)
    with pytest.raises(ReportError) as refused:
        prediction.weights(str(folder))
    assert (
        f'names its classes in config.json otherwise than they are read here; write "id2label": {written}'
        in str(refused.value)
    )


def save(folder, model, source):
    """A model with the tokenizer of the folder `source` and its own padding, saved for one test."""
    model.save_pretrained(folder)
    pieces = tokenizer.load_tokenizer(str(source))
    if model.config.pad_token_id is not None:
        pieces.pad_token = pieces.convert_ids_to_tokens(model.config.pad_token_id)
    pieces.save_pretrained(folder)
    pretrained.locate.cache_clear()
    return str(folder)


def of_kind(name, positions=40):
    """A model of the kind `name` with random weights and as many positions."""
    import transformers

    wide = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
    settings = {
        "GPT2": dict(n_embd=32, n_layer=1, n_head=2, vocab_size=30522),
        "T5": dict(d_model=32, d_ff=64, num_layers=1, num_heads=2, d_kv=16),
        "DistilBert": dict(dim=32, n_layers=1, n_heads=2, hidden_dim=64),
    }.get(name, wide)
    if name not in ("GPT2", "T5"):
        settings |= {"max_position_embeddings": positions}
    config = getattr(transformers, f"{name}Config")(**settings)
    return getattr(transformers, f"{name}Model")(config)


@pytest.mark.parametrize(
    "name, what",
    [("GPT2", "a decoder without a padding token"), ("T5", "an encoder with a decoder")],
)
def test_a_model_that_is_no_encoder_is_refused_before_anything_is_trained(
    tiny, tmp_path, name, what
):
    folder = save(tmp_path / name, of_kind(name), tiny)
    with pytest.raises(ReportError, match=f"is {what}, .*; name an encoder such as BERT"):
        located(folder, 16)


def test_a_decoder_is_called_one_where_its_tokenizer_too_has_no_padding_token(tiny, tmp_path):
    folder = save(tmp_path / "GPT2", of_kind("GPT2"), tiny)
    for path in Path(folder).glob("*token*"):
        path.unlink()
    pieces = families.TOKENIZERS["bytes"]()
    pieces.pad_token = None
    pieces.save_pretrained(folder)
    assert tokenizer.load_tokenizer(folder).pad_token is None
    with pytest.raises(ReportError, match="is a decoder without a padding token, .*; name an enc"):
        located(folder, 16)


def test_a_bert_that_is_a_decoder_is_refused(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text()) | {"is_decoder": True}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ReportError, match="is a decoder, which cannot be used"):
        located(str(folder))


@pytest.mark.parametrize(
    "name, most",
    [("Bert", 40), ("DistilBert", 40), ("Roberta", 38), ("XLMRoberta", 38), ("MPNet", 38)],
)
def test_no_text_is_longer_than_the_model_reads(tiny, tmp_path, name, most):
    import torch

    model = of_kind(name).eval()
    folder = save(tmp_path / name, model, tiny)
    assert located(folder, most).path == folder
    with pytest.raises(ReportError, match=f"reads at most {most} word pieces of a text, and max_"):
        located(folder, most + 1)
    assert model(torch.full((1, most), 7)).last_hidden_state.shape[1] == most
    with pytest.raises((IndexError, RuntimeError)):
        model(torch.full((1, most + 1), 7))


def test_a_training_of_texts_longer_than_the_model_reads_does_not_start(tiny, tmp_path, settings):
    folder = save(tmp_path / "short", of_kind("Roberta", 12), tiny)
    with pytest.raises(ReportError, match="reads at most 10 word pieces"):
        train.run(
            "transformer",
            dataclasses.replace(settings, model=folder),
            download.obtain("sample"),
            force=True,
        )


def test_without_the_hub_the_packaged_model_serves_and_the_report_says_why():
    source = pretrained.locate("distilbert-base-uncased")
    if source.name == "distilbert-base-uncased":
        pytest.skip("the hub's model is at hand here")
    assert source.name == pretrained.MINILM and "could not be reached" in source.why
    assert dataclasses.asdict(source)["digest"] == pretrained.MINILM_SHA256


@pytest.mark.parametrize("capability, expected", [((7, 5), False), ((8, 0), True), ((12, 1), True)])
def test_cards_before_ampere_only_emulate_bf16(monkeypatch, capability, expected):
    import torch

    monkeypatch.setattr(finetune, "cuda_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert finetune.has_bf16() is expected


def test_a_pytorch_without_onednn_as_on_macos_and_a_processor_without_bf16_compute_in_fp32(
    monkeypatch,
):
    import torch

    monkeypatch.setattr(finetune, "cuda_available", lambda: False)
    with monkeypatch.context() as patched:
        patched.setattr(torch.ops, "mkldnn", object(), raising=False)
        assert finetune.has_bf16() is False
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True})
    assert finetune.has_bf16() is False


def test_bf16_can_be_switched_off_by_the_processor_libraries_own_setting():
    done = subprocess.run(
        [sys.executable, "-c", "from lmreport.models import finetune; print(finetune.has_bf16())"],
        capture_output=True,
        text=True,
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    )
    assert done.stdout.strip() == "False", done.stderr


def test_nothing_foreign_is_on_the_screen(tiny, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "lmreport",
            "train",
            "bag_of_words",
            "transformer",
            "--data",
            "sample",
            "--scale",
            "quick",
            "--model",
            str(tiny),
            "--train-size",
            "40",
            "--test-size",
            "20",
            "--max-length",
            "16",
            "--epochs",
            "1",
        ],
        capture_output=True,
        text=True,
        env=os.environ | {"LMREPORT_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert all(
        line.startswith(("bag_of_words: ", "transformer: ", "training: ", "predicting: "))
        for line in done.stderr.splitlines()
    ), done.stderr
    assert len(done.stdout.splitlines()) == 2 and "\x1b" not in done.stderr, done.stdout
