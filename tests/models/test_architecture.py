"""Every family of encoders: what it is made of, and that a text goes through all that the report
does with it.
"""

import shutil

import numpy as np
import pytest
import torch
from matplotlib.text import Text

import families
from lmreport.core.errors import ReportError
from lmreport.core.settings import Settings
from lmreport.experiments.concepts import (
    attention,
    cost,
    foundation,
    head_maps,
    heads,
    masks,
    positions,
    schematics,
)
from lmreport.models import architecture, arrow_batches, fast_finetune, finetune, pretrained
from lmreport.models import predict as bulk
from lmreport.reporting.values import on_attention, on_concepts, on_heads

TEXT = "how do i sort a list of words by their last letter, and does the order matter?"
USABLE = [name for name in families.FAMILIES if name != "fnet"]
KNOWN = {  # how positions are known, and the longest text (0: no bound)
    "bert": (("learned",), 512),
    "bert-cased": (("learned",), 512),
    "bert-128": (("learned",), 128),
    "distilbert": (("learned",), 512),
    "electra": (("learned",), 512),
    "mpnet": (("learned", "relative"), 512),
    "roberta": (("learned",), 512),
    "xlm-roberta": (("learned",), 512),
    "albert": (("learned",), 512),
    "deberta-v2": (("relative",), 0),
    "modernbert": (("rotary",), 8192),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of a family's tiny model, made once."""
    made = {}

    def folder(name: str) -> str:
        if name not in made:
            made[name] = str(families.save(name, tmp_path_factory.mktemp(name)))
        return made[name]

    return folder


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))


def data(number: int):
    """Splits of the sample's texts in two classes, `number` of them to train on."""
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    kinds = Features({"text": Value("string"), "labels": ClassLabel(names=["a", "b"])})

    def part(begin: int, end: int):
        texts = list(families.texts()[begin:end])
        rows = {"text": texts, "labels": [i % 2 for i in range(len(texts))]}
        return Dataset.from_dict(rows, kinds)

    return DatasetDict(
        train=part(0, number), validation=part(number, number + 8), test=part(number, number + 8)
    )


@pytest.mark.parametrize("name", USABLE)
def test_a_family_is_found_whatever_its_modules_are_called(saved, name):
    encoder, tokenizer = attention.load_encoder(saved(name))
    known, longest = KNOWN[name]
    assert architecture.positions(encoder) == known
    assert architecture.longest(encoder) == longest
    assert len(architecture.output_projections(encoder)) == 2
    assert architecture.shares_layers(encoder) == (name == "albert")
    table = architecture.position_table(encoder)
    assert (table is None) == ("learned" not in known)
    assert table is None or len(table) == longest
    if longest and longest <= 512:
        ids = torch.full((1, longest), tokenizer.unk_token_id)
        assert encoder(input_ids=ids).last_hidden_state.shape[1] == longest
        with pytest.raises((IndexError, RuntimeError)):
            encoder(input_ids=torch.full((1, longest + 1), tokenizer.unk_token_id))


@pytest.mark.parametrize("name", USABLE)
def test_a_family_is_located_trained_and_predicts(saved, name, tmp_path):
    source = architecture.usable(saved(name), 32)
    settings = Settings(seed=1, epochs=1, batch_size=8, learning_rate=1e-3, max_length=32)
    trainer, found = finetune.finetune(data(40), source.path, settings, tmp_path / "run")
    assert found["logits"].shape == (8, 2) and np.isfinite(found["logits"]).all()
    trainer.save_model(str(tmp_path / "model"))
    texts = [TEXT, "why?"]
    exact = bulk.load(str(tmp_path / "model"), ["a", "b"], "fp32")
    assert list(bulk.stream(exact, trainer.processing_class, texts)) == [
        ["a", "b"][i]
        for i in finetune.predict_texts(exact, trainer.processing_class, texts).argmax(-1)
    ]
    small = bulk.load(str(tmp_path / "model"), ["a", "b"], "int8")
    assert len(list(bulk.stream(small, trainer.processing_class, texts))) == 2
    seen = masks.padded_prediction(str(tmp_path / "model"), "", TEXT)
    assert np.abs(seen["with"] - seen["with"][0]).max() < 1e-4
    rows = arrow_batches.tokenized(data(40)["train"], trainer.processing_class, 32)
    fast = fast_finetune.make_trainer(
        fast_finetune.load_classifier(source.path, ["a", "b"]),
        fast_finetune.arguments(tmp_path / "fast", num_train_epochs=1, learning_rate=1e-3),
        rows,
        trainer.processing_class,
    )
    assert np.isfinite(fast.train().training_loss)
    classifier, tokenizer = exact.float(), trainer.processing_class
    classifier.set_attn_implementation("eager")
    hidden = attention.ablation_logits(classifier, tokenizer, TEXT)
    assert len(hidden["tokens"]) == len(hidden["effect"]) and np.abs(hidden["effect"]).max() > 0


@pytest.mark.parametrize("name", USABLE)
def test_what_the_report_draws_of_an_encoder_holds_for_each_family(saved, name):
    folder = saved(name)
    encoder, tokenizer = attention.load_encoder(folder)
    seen = attention.look(encoder, tokenizer, TEXT)
    n = len(seen["tokens"])
    assert seen["weights"].shape == (2, 4, n, n)
    np.testing.assert_allclose(seen["weights"].sum(-1), 1, atol=1e-4)
    padded = masks.padded(encoder, tokenizer, TEXT)
    assert padded["largest"] < 1e-4 and len(padded["pads"]) >= 7
    moved = positions.shuffled_sentence(encoder, tokenizer, TEXT, shuffles=3)
    assert moved["with"] > 1e-3
    assert moved["without"] is None if name == "modernbert" else moved["without"] < 1e-5
    found = heads.patterns_of(folder, name, heads.QUESTIONS[:1])
    assert found["patterns"][4:] == [seen["tokens"][0], seen["tokens"][-1]]
    assert len(head_maps.specialists(folder, name, found, head_maps.FOUR)) == 4
    even = found["equal"][0].mean(-1)  # of the previous token, by layer
    assert even[1] > 1.3 * even[0] if name == "modernbert" else even[0] == even[1]  # its window
    assert seen["tokens"][0] in on_heads.on_first(found)
    parts = foundation.encoder_parts(folder, name, classes=2)
    assert len(parts["layers"]) == (1 if name == "albert" else 2)
    whole = sum(parameter.numel() for parameter in encoder.parameters())
    assert parts["embeddings"] + sum(parts["layers"]) + parts["other"] == whole
    drawn = schematics.encoder_with_heads(parts).figure
    _, classifier, new = foundation.load_both(folder, ["a", "b"])
    share = foundation.parameters(classifier, tuple(new)) / foundation.parameters(classifier)
    digits = ".1g" if share < 0.01 else ".1f" if share < 0.1 else ".0f"
    shown = [text.get_text() for text in drawn.findobj(Text) if text.get_fontweight() == "bold"]
    assert any(f"{100 * share:{digits}}%" in words for words in shown)  # as in the text of 4b
    assert foundation.same_encoder(encoder, classifier)
    read = foundation.read_by_head(classifier, tokenizer)
    assert read == seen["tokens"][:1]
    assert 0 < foundation.parameters(classifier, tuple(new)) < whole
    size = cost.size(folder, name)
    inner = encoder.config.intermediate_size if name != "distilbert" else encoder.config.hidden_dim
    products = 3 if name == "modernbert" else 2  # its feed-forward network is gated
    assert size["feed_forward"] == products * size["d"] * inner
    assert size["longest"] == architecture.longest(encoder)
    placed = positions.known(folder, name)
    assert placed["kinds"] == list(architecture.positions(encoder))
    said = on_attention.of_learned_positions(placed)
    words = {"deberta-v2": "distance between two words", "modernbert": "rotary"}
    assert words.get(name, "The table has") in said.said


@pytest.mark.parametrize("name", USABLE)
def test_a_head_is_removed_from_its_own_layer_only(saved, name):
    """Against weights that are zero where the head's output enters, in a copy whose layers do not
    share them.
    """
    encoder, tokenizer = attention.load_encoder(saved(name))
    inputs = tokenizer(TEXT, return_tensors="pt")

    def states(model):
        with torch.inference_mode():
            return model(**inputs, output_hidden_states=True).hidden_states

    before = states(encoder)
    with heads.without_head(encoder, 1, 2):
        after = states(encoder)
    again = states(encoder)
    assert torch.equal(before[1], after[1]) and not torch.allclose(before[2], after[2])
    assert all(torch.equal(a, b) for a, b in zip(before, again, strict=True))
    if architecture.shares_layers(encoder):
        return
    projection = architecture.output_projections(encoder)[1]
    projection.weight.data[:, 16:24] = 0  # four heads of width 8: the third one
    torch.testing.assert_close(states(encoder)[2], after[2])


def test_layers_that_share_their_weights_lose_the_head_once_a_pass(saved):
    encoder, tokenizer = attention.load_encoder(saved("albert"))
    inputs = tokenizer(TEXT, return_tensors="pt")
    with torch.inference_mode(), heads.without_head(encoder, 0, 1):
        first = encoder(**inputs).last_hidden_state
        assert torch.equal(first, encoder(**inputs).last_hidden_state)
    with torch.inference_mode(), heads.without_head(encoder, 1, 1):
        assert not torch.allclose(first, encoder(**inputs).last_hidden_state)


def test_a_head_that_reads_the_mean_is_told_so(saved, tmp_path):
    import json
    import shutil

    folder = shutil.copytree(saved("modernbert"), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text()) | {"classifier_pooling": "mean"}
    (folder / "config.json").write_text(json.dumps(config))
    encoder, classifier, new = foundation.load_both(str(folder), ["a", "b"])
    _, tokenizer = attention.load_encoder(str(folder))
    said = on_concepts.of_both_classes(encoder, classifier, new, tokenizer)
    assert said.read == "the mean of those of all tokens"


def test_a_family_without_attention_is_refused(saved):
    with pytest.raises(ReportError, match="is a model without attention heads"):
        architecture.usable(saved("fnet"), 32)


@pytest.mark.parametrize(
    "kind, sizes, said",
    [
        ("roformer", {"intermediate_size": 64}, ""),
        ("longformer", {"attention_window": 8}, "gives no attention of each word piece"),
        ("convbert", {"intermediate_size": 64}, "gives no attention of each word piece"),
        ("gpt_neox", {"intermediate_size": 64}, "only those before it, as a decoder does"),
    ],
)
def test_an_untried_family_is_tried_on_a_text(tmp_path, kind, sizes, said):
    from transformers import AutoConfig, AutoModelForSequenceClassification

    tokenizer = families.TOKENIZERS["lower"]()
    config = AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), pad_token_id=0, **families.SMALL, **sizes
    )
    AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    if not said:
        assert architecture.usable(str(tmp_path), 32).path == str(tmp_path)
        return
    with pytest.raises(ReportError, match=f"{said}.*; name an encoder such as"):
        architecture.usable(str(tmp_path), 32)


def test_a_tokenizer_without_padding_is_refused_before_the_training(saved, tmp_path):
    import json
    import shutil

    folder = shutil.copytree(saved("bert"), tmp_path / "model")
    path = folder / "tokenizer_config.json"
    told = json.loads(path.read_text())
    told.pop("pad_token")
    path.write_text(json.dumps(told))
    with pytest.raises(ReportError, match="its tokenizer has no padding token"):
        architecture.usable(str(folder), 32)


@pytest.mark.parametrize(
    "names, said",
    [
        ({}, "names no cls_token, sep_token, mask_token; name them where it is made"),
        (
            {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"},
            "puts no \\[CLS\\] into a text, .*; give it a post_processor",
        ),
    ],
)
def test_a_tokenizer_made_by_oneself_is_told_what_it_lacks(names, said, saved, tmp_path):
    """The report's trainings would break off, or classify by a text's first word."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    folder = shutil.copytree(saved("bert"), tmp_path / "model")
    for path in [*folder.glob("*token*"), *folder.glob("vocab*")]:
        path.unlink()
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
    made = Tokenizer(models.WordPiece(dict(zip(pieces, range(7), strict=True)), unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    own = PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", **names
    )
    own.save_pretrained(folder)
    pretrained.locate.cache_clear()
    with pytest.raises(ReportError, match=said):
        architecture.usable(str(folder), 32)
