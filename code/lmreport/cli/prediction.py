"""lmreport predict: the classes of questions or of a file of texts."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from lmreport.cli import options
from lmreport.core import listing, progress
from lmreport.core.errors import ReportError
from lmreport.core.settings import one_model
from lmreport.models.fitness import configuration, no_whole_model, refuse_long
from lmreport.models.saved_classifier import all_class_names, misnamed_classes, no_classifier
from lmreport.models.saved_tokenizer import load_tokenizer, wrong_padding
from lmreport.models.saved_weights import pointer_in

log = logging.getLogger(__name__)


def predict(arguments) -> int:
    """Print the class of each question and how likely the likeliest classes are, or the class of
    each text of a file. Raises ReportError unless either questions or a file are given.
    """
    from lmreport.core.settings import cuda_available
    from lmreport.data import readers
    from lmreport.models import finetune, tokenizer

    if bool(arguments.question) == bool(arguments.file):
        raise ReportError("predict: give either questions or --file FILE")
    if arguments.weights and arguments.model:
        raise ReportError("predict: --weights is the model itself; leave --model out")
    if arguments.weights == "":
        raise ReportError(
            "--weights is empty; name the folder of a fine-tuned model, or leave it out"
        )
    progress.hide_bars()
    own = weights(arguments.weights) if arguments.weights else None
    texts = (
        readable(arguments) if arguments.file else None
    )  # a wrong file is told before anything is trained
    settings, folder, what = (
        (options.loaded(arguments), own, f"the model in {own}") if own else asked_model(arguments)
    )
    if own:
        refuse_long(own.name, configuration(own), settings.max_length)
    log.info(f"predict: {what}, classes {listing.some(all_class_names(folder))}")
    if arguments.file:
        return predict_file(texts, arguments.precision, settings, folder)
    asked, empty = [readers.clean(text) for text in arguments.question], Empty()
    model = finetune.load_classifier(str(folder), all_class_names(folder))
    if cuda_available():
        model.to("cuda")
    for text, row in zip(
        asked,
        finetune.predict_texts(
            model,
            tokenizer.load_tokenizer(str(folder)),
            list(empty.noted(asked)),
            settings.max_length,
        ),
        strict=True,
    ):
        names = [model.config.id2label[i] for i in range(len(row))]
        chances = ", ".join(
            f"{name} {100 * p:.1f} %"
            for p, name in sorted(zip(row, names, strict=True), reverse=True)[: listing.MOST]
        )
        print(f"{names[row.argmax()]}\t{text}\n  {chances}")
    empty.tell()
    return 0


class Empty:
    """Which texts have no words: each has a class, as there is one a text, but it says nothing."""

    def __init__(self) -> None:
        self.numbers: list[str] = []

    def noted(self, texts: Iterable[str]) -> Iterator[str]:
        for number, text in enumerate(texts, 1):
            if not text.strip():
                self.numbers.append(f"{number:,}")
            yield text

    def tell(self) -> None:
        if self.numbers:
            sys.stdout.flush()
            which = listing.some(self.numbers)
            log.warning(f"predict: empty, so that the class says nothing: text {which}")


def asked_model(arguments):
    """(settings, folder, what it is) of the model to predict with: the last report's, but for what
    is asked otherwise.

    It is trained where this machine lacks it.
    """
    from lmreport.core.settings import chosen, load, project_root, resolved
    from lmreport.data import download
    from lmreport.runs import train as training

    last = training.noted_model(project_root())
    settings = resolved(load(**(last.get("settings", {}) | chosen(**options.given(arguments)))))
    if arguments.model:
        one_model(settings, "predict")
    corpus = download.obtain(settings.data)
    folder = training.trained_model(settings, corpus)
    whose = "the last report’s model" if str(folder) == last.get("folder") else "the model"
    return settings, folder, f"{whose} {folder.name}, fine-tuned on {corpus.name}"


def weights(given: str) -> Path:
    """The folder of a fine-tuned model, as a Path. Raises ReportError if it lacks weights, classes
    or tokenizer.
    """
    folder = Path(given).expanduser()
    if what := no_whole_model(folder):
        raise ReportError(f"--weights: {folder} {what}")
    missing = [
        name for name in ("config.json", "model.safetensors") if not (folder / name).is_file()
    ]
    if missing:
        raise ReportError(
            f"--weights: {folder} lacks {missing[0]}; save a fine-tuned model and its tokenizer there "
            "with save_pretrained, or name another folder"
        )
    if pointer := pointer_in(folder):
        raise ReportError(f"--weights: {folder} cannot be used, since {pointer}")
    if what := misnamed_classes(folder):
        raise ReportError(f"--weights: {folder} {what}")
    if what := wrong_padding(folder):
        raise ReportError(f"--weights: {folder} {what}")
    what = no_classifier(folder, load_tokenizer(folder))
    if what:
        raise ReportError(f"--weights: {folder} {what}; name the folder of a fine-tuned model")
    return folder


def readable(arguments):
    """The texts of the file, the first of them read already.

    Raises ReportError for a precision that is not known, and for a file whose first text cannot be
    read.
    """
    import itertools

    from lmreport.data import readers
    from lmreport.models import predict as bulk_predict

    if arguments.precision not in bulk_predict.PRECISIONS:
        raise ReportError(
            f"--precision: {arguments.precision!r} is none of {', '.join(bulk_predict.PRECISIONS)}"
        )
    texts = readers.texts(arguments.file, arguments.column)
    return itertools.chain(list(itertools.islice(texts, 1)), texts)


def predict_file(texts, precision: str, settings, folder) -> int:
    """Print the class of each text, a line each, while they are read; tell how many are done."""
    from lmreport.models import predict as bulk_predict
    from lmreport.models import tokenizer

    model = bulk_predict.load(str(folder), all_class_names(folder), precision)
    start, number, empty = time.perf_counter(), 0, Empty()
    last_logged = start
    for number, tag in enumerate(
        bulk_predict.stream(
            model, tokenizer.load_tokenizer(str(folder)), empty.noted(texts), settings.max_length
        ),
        1,
    ):
        print(tag)
        if time.perf_counter() - last_logged > 5:
            last_logged = time.perf_counter()
            log.info(
                f"predict: {number:,} texts, {number / (last_logged - start):.0f} texts/s",
                extra=progress.LIVE,
            )
    sys.stdout.flush()
    log.info(f"predict: {number:,} texts, {number / (time.perf_counter() - start):.0f} texts/s")
    empty.tell()
    return 0
