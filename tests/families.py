"""Tiny models of each family of encoders, made on the fly: random weights, and a tokenizer of the
family's kind trained on the package's own sample.
"""

from __future__ import annotations

import string
from functools import cache
from pathlib import Path

from lmreport.data.corpus import SAMPLE
from lmreport.models import pretrained
from lmreport.models.tokenizer import load_tokenizer

PIECES = 400  # of each vocabulary
SMALL = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32}
WIDE = SMALL | {"intermediate_size": 64, "initializer_range": 0.2}
DISTIL = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "initializer_range": 0.2}
RELATIVE = {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "max_relative_positions": -1,
    "type_vocab_size": 0,
    "position_buckets": 32,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
}
ROTARY = {"max_position_embeddings": 8192, "local_attention": 16, "global_attn_every_n_layers": 2}
FAMILIES = {  # name: (kind of configuration, kind of tokenizer, its sizes)
    "bert": ("bert", "lower", WIDE),
    "bert-cased": ("bert", "cased", WIDE),
    "bert-128": ("bert", "lower", WIDE | {"max_position_embeddings": 128}),
    "distilbert": ("distilbert", "lower", DISTIL),
    "electra": ("electra", "lower", WIDE | {"embedding_size": 16}),
    "mpnet": ("mpnet", "mpnet", WIDE | {"max_position_embeddings": 514}),
    "roberta": ("roberta", "bytes", WIDE | {"max_position_embeddings": 514, "type_vocab_size": 1}),
    "xlm-roberta": ("xlm-roberta", "unigram", WIDE | {"max_position_embeddings": 514}),
    "albert": ("albert", "albert", WIDE | {"embedding_size": 16}),
    "deberta-v2": ("deberta-v2", "deberta", WIDE | RELATIVE),
    "modernbert": ("modernbert", "modern", WIDE | ROTARY),
    "fnet": ("fnet", "albert", {"num_hidden_layers": 2, "hidden_size": 32}),  # has no attention
}


@cache
def texts() -> tuple[str, ...]:
    """A fifth of the training texts of the sample, and each printable letter."""
    paths = sorted(SAMPLE.glob("train/*/*.txt"))[::5]
    return (*(path.read_text(encoding="utf-8") for path in paths), " ".join(string.ascii_letters))


def save(name: str, folder: Path) -> Path:
    """Save the encoder `name` of FAMILIES and its tokenizer in `folder`; returns `folder`."""
    import torch
    from transformers import AutoConfig, AutoModel

    kind, pieces, sizes = FAMILIES[name]
    tokenizer = TOKENIZERS[pieces]()
    special = {
        f"{part}_token_id": getattr(tokenizer, f"{part}_token_id")
        for part in ("pad", "cls", "sep", "bos", "eos")
        if getattr(tokenizer, f"{part}_token_id") is not None
    }
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **sizes, **special)
    torch.manual_seed(29)  # not that of `foundation.from_scratch`
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_bert(folder: Path, **sizes) -> Path:
    """A BERT of two layers and width 32, but for `sizes`, with random weights and the packaged
    model's tokenizer, saved in `folder`; returns `folder`.
    """
    from transformers import BertConfig, BertModel, set_seed

    load_tokenizer(pretrained.from_package("any").path).save_pretrained(folder)
    set_seed(0)
    plain = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(num_hidden_layers=2, **plain | sizes)).save_pretrained(folder)
    return folder


def trained(model, trainer, normalizer=None, before=None, after=None, decoder=None):
    """A `tokenizers.Tokenizer` of these parts, trained on `texts`."""
    from tokenizers import Tokenizer

    made = Tokenizer(model)
    made.normalizer, made.pre_tokenizer, made.decoder = normalizer, before, decoder
    made.train_from_iterator(texts(), trainer)
    if after:
        made.post_processor = after(made)
    return made


def framed(begin: str, end: str):
    """What puts `begin` and `end` around a text."""
    from tokenizers import processors

    def after(made):
        ids = [(token, made.token_to_id(token)) for token in (begin, end)]
        return processors.TemplateProcessing(
            single=f"{begin} $A {end}", pair=f"{begin} $A {end} $B:1 {end}:1", special_tokens=ids
        )

    return after


def wrapped(made, longest: int = 512, types: bool = True, **special):
    """The tokenizer as Transformers has it."""
    from transformers import PreTrainedTokenizerFast

    names = ["input_ids", *(["token_type_ids"] if types else []), "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=made, model_max_length=longest, model_input_names=names, **special
    )


BERT = {
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}
ROBERTA = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}


def word_pieces(lower: bool, special: dict, begin: str, end: str, first: list[str]):
    """WordPiece: `##` before what continues a word."""
    from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

    trainer = trainers.WordPieceTrainer(
        vocab_size=PIECES, special_tokens=first, show_progress=False
    )
    made = trained(
        models.WordPiece(unk_token=special["unk_token"]),
        trainer,
        normalizers.BertNormalizer(lowercase=lower),
        pre_tokenizers.BertPreTokenizer(),
        framed(begin, end),
        decoders.WordPiece(),
    )
    return wrapped(made, **special)


def byte_pairs(special: dict, begin: str, end: str, first: list[str], longest: int = 512):
    """Pairs of bytes: `Ġ` stands for a space."""
    from tokenizers import decoders, models, pre_tokenizers, trainers

    trainer = trainers.BpeTrainer(
        vocab_size=PIECES + 100,
        special_tokens=first,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    made = trained(
        models.BPE(),
        trainer,
        before=pre_tokenizers.ByteLevel(add_prefix_space=False),
        after=framed(begin, end),
        decoder=decoders.ByteLevel(),
    )
    return wrapped(made, longest, types=False, **special)


def unigram(special: dict, begin: str, end: str, first: list[str], normalizer=None, types=True):
    """SentencePiece's unigrams: `▁` stands for a space."""
    from tokenizers import decoders, models, pre_tokenizers, trainers

    trainer = trainers.UnigramTrainer(
        vocab_size=PIECES,
        special_tokens=first,
        unk_token=special["unk_token"],
        show_progress=False,
    )
    made = trained(
        models.Unigram(),
        trainer,
        normalizer,
        pre_tokenizers.Metaspace(),
        framed(begin, end),
        decoders.Metaspace(),
    )
    return wrapped(made, types=types, **special)


def albert():
    """ALBERT's and FNet's: unigrams of lower-cased text without accents."""
    from tokenizers import normalizers

    return unigram(
        BERT | {"unk_token": "<unk>", "pad_token": "<pad>"},
        "[CLS]",
        "[SEP]",
        ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"],
        normalizers.Sequence(
            [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
        ),
    )


S = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
B = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENIZERS = {
    "lower": lambda: word_pieces(True, BERT, "[CLS]", "[SEP]", B),
    "cased": lambda: word_pieces(False, BERT, "[CLS]", "[SEP]", B),
    "mpnet": lambda: word_pieces(
        True, ROBERTA | {"unk_token": "[UNK]"}, "<s>", "</s>", [*S, "[UNK]"]
    ),
    "bytes": lambda: byte_pairs(ROBERTA, "<s>", "</s>", S),
    "modern": lambda: byte_pairs(BERT, "[CLS]", "[SEP]", B, longest=8192),
    "unigram": lambda: unigram(ROBERTA, "<s>", "</s>", S, types=False),
    "albert": albert,
    "deberta": lambda: unigram(
        BERT, "[CLS]", "[SEP]", ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    ),
}
