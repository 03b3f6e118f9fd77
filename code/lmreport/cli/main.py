"""The command line: each step of the road alone."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import time

from lmreport.cli.options import parser
from lmreport.core import listing, progress
from lmreport.core.errors import ReportError
from lmreport.core.settings import one_model
from lmreport.models import architecture
from lmreport.models.fitness import (
    class_names,
    configuration,
    no_classifier,
    refuse_long,
)
from lmreport.runs.kinds import BENCHES, KINDS, MODELS, STUDIES

log = logging.getLogger(__name__)


def given(arguments) -> dict:
    """The settings among the parsed arguments."""
    import dataclasses

    from lmreport.core.settings import Settings

    return {f.name: getattr(arguments, f.name, None) for f in dataclasses.fields(Settings)}


def loaded(arguments):
    from lmreport.core.settings import load, resolved

    return resolved(load(**given(arguments)))


def doctor(arguments) -> int:
    from lmreport.cli import doctor

    return doctor.report()


def get_data(arguments) -> int:
    from lmreport.data import download
    from lmreport.experiments import data_audit

    corpus = download.obtain(loaded(arguments).data)
    print(f"{corpus.name}, from {corpus.origin}\nfolder  {corpus.folder}\ndigest  {corpus.digest}")
    for split, numbers in corpus.counts().items():
        print(f"{split:<7} {sum(numbers.values()):,} texts: {listing.by_number(numbers)}")
    log.info("data: looking for copies")
    for told in data_audit.findings(corpus) or ["no copies across the splits, no rare classes"]:
        print(f"found   {told}")
    return 0


def train(arguments) -> int:
    from lmreport.data import download
    from lmreport.models import scores
    from lmreport.runs import train as training

    unknown = [name for name in arguments.models if name not in MODELS]
    if unknown:
        raise ReportError(f"train: there is no model {unknown[0]!r}; known are {', '.join(MODELS)}")
    progress.hide_bars()
    settings, names = loaded(arguments), arguments.models or MODELS
    if "transformer" in names:
        architecture.all_usable(settings)  # a wrong one is told before anything is trained
    corpus = download.obtain(settings.data)
    wanted = [(name, settings) for name in names]
    if "transformer" in names:
        wanted += [("transformer", other) for other in settings.others]
    for name, of_model in wanted:
        record = training.run(name, of_model, corpus, arguments.force)
        print(
            f"{record.label}: test accuracy "
            f"{scores.accuracy(record['logits'], record['labels']):.4f}, trained in "
            f"{record['train_seconds']:.0f} s on {record.made['date'][:10]} ({record.path.name})",
            flush=True,
        )
    return 0


def run(arguments) -> int:
    from lmreport.data import download
    from lmreport.experiments import studies
    from lmreport.runs import memo

    wrong = [n for n in arguments.names if n not in MODELS + STUDIES + BENCHES and "." not in n]
    if wrong:
        raise ReportError(
            f"run: there is no run {wrong[0]!r}; known are {', '.join(MODELS + STUDIES + BENCHES)}"
        )
    if arguments.set and not set(arguments.names) <= set(BENCHES):
        raise ReportError(f"run: --set is for {', '.join(BENCHES)} only")
    progress.hide_bars()
    settings = loaded(arguments)
    architecture.all_usable(settings)  # a wrong one is told before anything is trained
    for name in arguments.names:
        if name in MODELS:
            arguments.models = [name]
            train(arguments)
        elif name in STUDIES:
            one_model(settings, name)
            record = studies.run(name, settings, download.obtain(settings.data), arguments.force)
            print(
                f"{name}: {record['seconds']:.0f} s on {record.made['date'][:10]} "
                f"({record.path.name})",
                flush=True,
            )
        elif name in BENCHES:
            from lmreport.experiments.bench import main

            sizes = main.sizes_of(name.removeprefix("bench_"))
            main.run(
                name,
                sizes | main.chosen(arguments.set, sizes),
                settings,
                record=True,
                force=arguments.force,
            )
        elif not arguments.force:
            raise ReportError(
                f"run: {name} is no model, study or bench; if it is an experiment, it is kept "
                f"until its "
                "code changes, and --force makes it anew"
            )
        elif not memo.again(name):
            raise ReportError(
                f"run: no experiment {name!r} has been made here yet; a render makes it"
            )
    return 0


def tell_status(arguments) -> int:
    from lmreport.check import status

    return status.report(given(arguments))


def list_runs(arguments) -> int:
    import json

    from lmreport.check import status

    if arguments.probe:
        from lmreport.experiments import probes

        if arguments.probe not in KINDS:
            raise ReportError(
                f"--probe: there is no kind of run {arguments.probe!r}; known are "
                f"{', '.join(KINDS)}"
            )
        progress.hide_bars()
        print(json.dumps(probes.probe(arguments.probe)))
        return 0
    if arguments.prove is not None:
        from lmreport.runs import proof

        wrong = [name for name in arguments.prove if name not in KINDS]
        if wrong:
            raise ReportError(
                f"--prove: there is no kind of run {wrong[0]!r}; known are {', '.join(KINDS)}"
            )
        return proof.prove(arguments.prove, arguments.at)
    return status.listing(arguments.json)


def predict(arguments) -> int:
    from lmreport.core.settings import cuda_available
    from lmreport.data import readers
    from lmreport.models import finetune, tokenizer

    if bool(arguments.question) == bool(arguments.file):
        raise ReportError("predict: give either questions or --file FILE")
    own = weights(arguments.weights) if arguments.weights else None
    texts = (
        readable(arguments) if arguments.file else None
    )  # a wrong file is told before anything is trained
    progress.hide_bars()
    settings, folder, what = (
        (loaded(arguments), own, f"the model in {own}") if own else asked_model(arguments)
    )
    if own:
        refuse_long(own.name, configuration(own), settings.max_length)
    log.info(f"predict: {what}, classes {listing.some(class_names(folder))}")
    if arguments.file:
        return predict_file(texts, arguments.precision, settings, folder)
    asked = [readers.clean(text) for text in arguments.question]
    model = finetune.load_classifier(str(folder), class_names(folder))
    if cuda_available():
        model.to("cuda")
    for text, row in zip(
        asked,
        finetune.predict_texts(
            model, tokenizer.load_tokenizer(str(folder)), asked, settings.max_length
        ),
        strict=True,
    ):
        names = [model.config.id2label[i] for i in range(len(row))]
        chances = ", ".join(
            f"{name} {100 * p:.1f} %"
            for p, name in sorted(zip(row, names, strict=True), reverse=True)[: listing.MOST]
        )
        print(f"{names[row.argmax()]}\t{text}\n  {chances}")
    return 0


def asked_model(arguments):
    """(settings, folder, what it is) of the model to predict with: the last report's, but for what
    is asked otherwise.

    It is trained where this machine lacks it.
    """
    from lmreport.core.settings import chosen, load, project_root, resolved
    from lmreport.data import download
    from lmreport.runs import train as training

    last = training.noted_model(project_root())
    settings = resolved(load(**(last.get("settings", {}) | chosen(**given(arguments)))))
    if arguments.model:
        one_model(settings, "predict")
    corpus = download.obtain(settings.data)
    folder = training.trained_model(settings, corpus)
    whose = "the last report’s model" if str(folder) == last.get("folder") else "the model"
    return settings, folder, f"{whose} {folder.name}, fine-tuned on {corpus.name}"


def weights(folder: str):
    """The folder of a fine-tuned model, as a Path. Raises ReportError if it lacks weights, classes
    or tokenizer.
    """
    from pathlib import Path

    from lmreport.models import tokenizer

    missing = [
        name for name in ("config.json", "model.safetensors") if not (Path(folder) / name).is_file()
    ]
    if missing:
        raise ReportError(
            f"--weights: {folder} lacks {missing[0]}; name the folder of a fine-tuned model"
        )
    class_names(Path(folder))
    what = no_classifier(Path(folder), tokenizer.load_tokenizer(folder))
    if what:
        raise ReportError(f"--weights: {folder} {what}; name the folder of a fine-tuned model")
    return Path(folder)


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
    from lmreport.models import predict as bulk_predict
    from lmreport.models import tokenizer

    model = bulk_predict.load(str(folder), class_names(folder), precision)
    start, number = time.perf_counter(), 0
    told = start
    for number, tag in enumerate(
        bulk_predict.stream(
            model, tokenizer.load_tokenizer(str(folder)), texts, settings.max_length
        ),
        1,
    ):
        print(tag)
        if time.perf_counter() - told > 5:
            told = time.perf_counter()
            log.info(
                f"predict: {number:,} texts, {number / (told - start):.0f} texts/s",
                extra=progress.LIVE,
            )
    sys.stdout.flush()
    log.info(f"predict: {number:,} texts, {number / (time.perf_counter() - start):.0f} texts/s")
    return 0


def render(arguments) -> int:
    from lmreport.cli import make_report
    from lmreport.core import author

    formats = tuple(arguments.to.replace("pdf", "typst").split(","))
    wrong = [f for f in formats if f not in ("html", "typst")]
    if wrong:
        raise ReportError(f"render: unknown format {wrong[0]!r}; give html, typst or html,typst")
    params = {}
    for pair in arguments.params:
        name, colon, value = pair.partition(":")
        if not colon:
            raise ReportError(f"-P {pair!r} is not NAME:VALUE; write for example -P scale:quick")
        params[name] = value
    return make_report.report(
        given(arguments),
        formats,
        params,
        arguments.profile,
        arguments.renderer,
        arguments.force,
        author.given(arguments),
    )


def verify(arguments) -> int:
    from pathlib import Path

    from lmreport.check.numbers import lint
    from lmreport.check.numbers import verify as verify_page

    if arguments.lint:
        return lint.report()
    return verify_page.report(Path(arguments.page) if arguments.page else None)


def check(arguments) -> int:
    from lmreport.check import summary
    from lmreport.core.settings import project_root

    return summary.report(project_root(), arguments.profile, arguments.quick, arguments.json)


def cite(arguments) -> int:
    from lmreport.core.settings import project_root
    from lmreport.publish import cite

    print(cite.told(project_root(), arguments.label, arguments.form), end="")
    return 0


def export(arguments) -> int:
    from lmreport.core.settings import project_root
    from lmreport.publish.export import export

    print(export(project_root())[0])
    return 0


def submit(arguments) -> int:
    from lmreport.core.settings import project_root
    from lmreport.publish import submission

    return submission.submit(project_root(), arguments.profile or os.environ.get("QUARTO_PROFILE"))


COMMANDS = {
    "doctor": doctor,
    "data": get_data,
    "train": train,
    "run": run,
    "status": tell_status,
    "runs": list_runs,
    "predict": predict,
    "render": render,
    "verify": verify,
    "check": check,
    "cite": cite,
    "submit": submit,
    "export": export,
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 if all went well, 2 for bad input (one sentence on standard error), 130
    for Ctrl-C.
    """
    arguments = parser().parse_args(argv)
    progress.show()
    start = time.perf_counter()
    for stream in (
        sys.stdout,
        sys.stderr,
    ):  # a terminal or pipe of few characters gets escapes, no traceback
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    try:
        return COMMANDS[arguments.command](arguments)
    except ReportError as error:
        log.error(f"lmreport: {error}")
        return 2
    except BrokenPipeError:  # whoever read the output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            log.error(
                f"lmreport: no space left on the disk ({error.filename or 'while writing'}); free "
                f"some, "
                "or set LMREPORT_CACHE to another folder"
            )
        elif error.errno in (
            errno.EROFS,
            errno.EACCES,
            errno.EPERM,
            errno.ENOTDIR,
            errno.EISDIR,
            errno.EEXIST,
        ):
            log.error(
                f"lmreport: {error.filename or 'a file'} cannot be used ({error.strerror}); make "
                f"it readable and "
                "writable, or set LMREPORT_CACHE to another folder"
            )
        else:
            raise
        return 2
    except Exception as error:
        if not type(error).__module__.startswith(("httpx", "httpcore", "requests")):
            raise
        log.error(
            f"lmreport: the model hub cannot be asked ({error}); set HF_HUB_OFFLINE=1 to do "
            f"without it, or "
            "LMREPORT_MODEL to a folder"
        )
        return 2
    except KeyboardInterrupt as stopped:
        log.error(
            f"lmreport: stopped after {time.perf_counter() - start:.0f} s; "
            f"{str(stopped) or 'what was finished is kept, and the same command goes on from there'}"
        )
        return 130
