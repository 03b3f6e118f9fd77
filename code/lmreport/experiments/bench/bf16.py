"""What a processor gains that computes in bf16 (make bench-bf16)."""

from __future__ import annotations

from lmreport.core.settings import Settings
from lmreport.data.corpus import Corpus
from lmreport.data.splits import load_splits
from lmreport.experiments.bench import prediction, training
from lmreport.models.pretrained import Source
from lmreport.models.saved_classifier import class_names
from lmreport.models.tokenizer import load_tokenizer


def make(sizes: dict, settings: Settings, corpus: Corpus, source: Source) -> dict:
    """Training and prediction on a processor that computes in bf16, and what fewer bits change."""
    wanted = dict.fromkeys(training.MODELS, training.IN_BF16)
    trained = training.of_models(wanted, sizes, settings, corpus, source)
    predicted, folder = prediction.of_precisions(("fp32", "int8", "bf16"), sizes, settings, corpus)
    texts = load_splits(corpus, settings.seed)["validation"].select_columns(["text", "labels"])
    compared = prediction.compared(
        str(folder), class_names(folder), load_tokenizer(str(folder)), texts[:], sizes["max_length"]
    )
    return trained | predicted | compared | {"list": trained["list"] + predicted["list"]}
