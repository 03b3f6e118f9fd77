"""make bench-train, bench-scale: measure, print, write to _report/bench and, with --record, to
report/runs.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path

import psutil

from lmreport.core import files, progress
from lmreport.core.errors import ReportError
from lmreport.core.settings import cache_root, load, one_model, project_root, resolved
from lmreport.data import download
from lmreport.data.splits import load_splits
from lmreport.models import pretrained
from lmreport.models.fitness import class_names
from lmreport.runs import records, train
from lmreport.runs.kinds import BENCHES, KINDS

log = logging.getLogger(__name__)

TIMED = 4  # classes of the models of `training.config`
NAMES = tuple(name.removeprefix("bench_") for name in BENCHES)


def main(arguments: list[str] | None = None) -> int:
    """Measure what the command line names; 0 if all went well, 2 for bad input, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m lmreport.bench", description=__doc__)
    parser.add_argument("names", nargs="+", choices=NAMES, help="what to measure")
    parser.add_argument(
        "--record", action="store_true", help="record the results for the report too"
    )
    parser.add_argument(
        "--kept", action="store_true", help="of recipes, take what a stopped search has finished"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another size than that of runs/kinds.py, as repeats=1 or max_length=512",
    )
    options = parser.parse_args(arguments)
    progress.hide_bars()
    try:
        for name in options.names:
            sizes = sizes_of(name)
            sizes |= chosen(options.set, sizes)
            sizes |= {"kept": True} if options.kept and name == "recipes" else {}
            run(f"bench_{name}", sizes, resolved(load(scale="full")), options.record)
    except ReportError as error:
        log.error(f"bench: {error}")
        return 2
    except KeyboardInterrupt as stopped:
        log.error(
            f"bench: stopped; {str(stopped) or 'the same command goes on with what was kept'}"
        )
        return 130
    return 0


def chosen(wanted: list[str], sizes: dict) -> dict:
    """{name: value} of each "name=value"; the value is of the kind that it has in `sizes`. Raises
    ReportError for a name or value that does not fit.
    """
    found = {}
    for text in wanted:
        name, _, value = text.partition("=")
        if name not in sizes:
            raise ReportError(f"--set {text}: there is no {name}, only {', '.join(sizes)}")
        kind = int if sizes[name] is None else type(sizes[name])
        try:
            found[name] = json.loads(value) if kind is list else kind(value)
        except ValueError:
            raise ReportError(f"--set {text}: {value!r} is no {kind.__name__}") from None
    return found


def sizes_of(name: str) -> dict:
    """How much is measured on this device."""
    from lmreport.models import fast_finetune

    return dict(KINDS[f"bench_{name}"].sizes[fast_finetune.device()])


def run(name: str, sizes: dict, settings, record: bool, force: bool = True) -> None:
    """Measure one thing, if need be by force; results on the sample, where there is no real data,
    are not recorded. Raises ReportError if they should be, and for bf16 where the processor lacks
    it.
    """
    from lmreport.models import fast_finetune, finetune

    corpus, source = download.obtain(settings.data), source_of(sizes, settings)
    kind, given = (
        KINDS[name],
        records.inputs(name, settings, corpus, source, sizes, "full", fast_finetune.device()),
    )
    if not force and (kept := records.find(given)):
        log.info(
            f"bench: {name} was recorded on {kept.made['date'][:10]} ({kept.path.name}); --force "
            f"measures again"
        )
        return
    if kind.without_gpu and fast_finetune.device() == "cpu":
        log.info(
            f"bench: {name[6:]} may take {kind.without_gpu} without a GPU; each training that ends "
            f"is kept"
        )
    if name == "bench_bf16" and not finetune.has_bf16():
        raise ReportError(
            "bf16: this processor does not compute in it, so there is nothing to measure"
        )
    if record and corpus.kind == "sample":
        raise ReportError(
            f"{name} is not recorded on the sample; set LMREPORT_DATA to the real archive"
        )
    if name in ("bench_train", "bench_bf16"):
        refuse_many(name, load_splits(corpus, settings.seed)["train"].features["labels"].names)
    made, start = records.made_here(), time.perf_counter()
    values = kind.make(sizes, settings, corpus, source)
    values |= {"seconds": time.perf_counter() - start, "device": fast_finetune.device()}
    made = values.pop("made", made)  # of a training that was kept: where that began
    made |= {"load_after": psutil.getloadavg()[0]}
    listed = values["list"]
    path = project_root() / "_report" / "bench" / f"{name.removeprefix('bench_')}.json"
    files.write_atomically(path, (json.dumps(listed, indent=1, default=float) + "\n").encode())
    print(json.dumps(listed, indent=1, default=float), f"\nwritten to {path}", sep="")
    if record:
        log.info(f"bench: recorded in {records.write(given, values, made).path}")


def refuse_many(name: str, classes: list[str]) -> None:
    """Raises ReportError if the data have more classes than the models that are timed."""
    if len(classes) > TIMED:
        raise ReportError(
            f"{name}: the models that are timed know {TIMED} classes, and these data have "
            f"{len(classes)}"
        )


def source_of(sizes: dict, settings) -> pretrained.Source:
    """The pre-trained model that is measured: that of the settings, unless the bench names another.
    Raises ReportError if that other one cannot be had.
    """
    wanted = sizes.get("model") or one_model(settings, "bench").model
    source = pretrained.locate(wanted)
    if "model" in sizes and source.why:
        raise ReportError(
            f"bench: {wanted} is not on this machine, and it was not to be had: {source.why}"
        )
    return source


def training(sizes, settings, corpus, source) -> dict:
    from lmreport.experiments.bench import training
    from lmreport.models import fast_finetune

    device = fast_finetune.device()
    order = training.steps(device)
    few = (order[0], *order[-2:]) if device == "cuda" else (order[0], order[-1])
    wanted = {name: order if name == "minilm" else few for name in training.MODELS}
    return of_training(wanted, sizes, settings, corpus, source)


def of_training(wanted: dict, sizes, settings, corpus, source) -> dict:
    """The speed of each model of `training.MODELS` under the steps `wanted` of it."""
    import numpy as np

    from lmreport.experiments.bench import resources, training
    from lmreport.models import arrow_batches, fast_finetune, finetune, token_budget
    from lmreport.models.tokenizer import load_tokenizer

    tokenizer, device = load_tokenizer(source.path), fast_finetune.device()
    tokens = arrow_batches.tokenized(
        load_splits(corpus, settings.seed)["train"], tokenizer, sizes["max_length"]
    )
    lengths = token_budget.token_lengths(tokens)
    rate = {"fp32": resources.matrix_rate(device, False)} | (
        {"bf16": resources.matrix_rate(device, True)} if finetune.has_bf16() else {}
    )
    listed: list[dict] = []
    values = {"train_texts": len(tokens), "mean_tokens": lengths.mean()}
    number = sizes["batches"] * (8 if device == "cuda" else 1)  # there a batch takes milliseconds
    for name, steps in wanted.items():
        found = training.measured(
            name, steps, tokens, lengths, tokenizer, number, sizes["repeats"], settings.seed
        )
        first, last = found[0], [one for one in found if one["step"] not in training.NOT_OURS][-1]
        computed = "bf16" if "bf16" in rate and training.reached(last["step"], "bf16") else "fp32"
        listed.append(
            {
                "model": name,
                "device": device,
                "baseline_samples_per_s": first["samples_per_s"],
                "samples_per_s": last["samples_per_s"],
                "ratio": last["samples_per_s"] / first["samples_per_s"],
                "tokens_per_s": last["tokens_per_s"],
                "padding_share": last["padding_share"],
                "epoch_s": last["epoch_s"],
                "epoch_s_is": f"extrapolated from {last['measured_batches']} of {last['epoch_batches']} batches",
                "peak_mb": last["peak_mb"],
                "matrix_rate_flops": rate,
                "share_of_matrix_rate": last["flops_per_s"] / rate[computed],
                "steps": found,
            }
        )
        values |= {
            f"{name}_{key}": np.array([one[key] for one in found])
            for key in (
                "samples_per_s",
                "tokens_per_s",
                "padding_share",
                "spread",
                "epoch_s",
                "peak_mb",
                "warm_up_s",
            )
        }
        values |= {
            f"{name}_steps": [one["step"] for one in found],
            f"{name}_share_of_matrix_rate": listed[-1]["share_of_matrix_rate"],
        }
    return values | {"list": listed}


def predicting(sizes, settings, corpus, source) -> dict:
    from lmreport.experiments.bench import prediction
    from lmreport.models import fast_finetune

    fewer_bits = prediction.FEWER_BITS[fast_finetune.device()]
    return of_prediction(("fp32", fewer_bits), sizes, settings, corpus)[0]


def of_prediction(precisions: tuple[str, ...], sizes, settings, corpus) -> tuple[dict, Path]:
    """The speed of each way of predicting, and the folder of the model that predicts."""
    import dataclasses

    import numpy as np

    from lmreport.experiments.bench import prediction
    from lmreport.models import arrow_batches, token_budget
    from lmreport.models.tokenizer import load_tokenizer

    quick = resolved(dataclasses.replace(load(), scale="quick"))
    folder = train.trained_model(quick, corpus)  # what it has learned does not matter for its speed
    tokenizer, test = load_tokenizer(str(folder)), load_splits(corpus, settings.seed)["test"]
    lengths = token_budget.token_lengths(
        arrow_batches.tokenized(test, tokenizer, sizes["max_length"])
    )
    texts = prediction.evenly(list(test["text"]), lengths, sizes["texts"], settings.seed)
    names = class_names(folder)
    listed = prediction.measured(
        str(folder), names, tokenizer, precisions, texts, len(test), sizes["repeats"]
    )
    values = {
        "list": listed,
        "texts": len(texts),
        "whole_texts": len(test),
        "ways": [one["way"] for one in listed],
    } | {
        key: np.array([one[key] for one in listed])
        for key in ("samples_per_s", "spread", "whole_s", "peak_mb")
    }
    return values, folder


def bf16(sizes, settings, corpus, source) -> dict:
    """Training and prediction on a processor that computes in bf16, and what fewer bits change."""
    from lmreport.experiments.bench import prediction, training
    from lmreport.models.tokenizer import load_tokenizer

    wanted = dict.fromkeys(training.MODELS, training.IN_BF16)
    trained = of_training(wanted, sizes, settings, corpus, source)
    predicted, folder = of_prediction(("fp32", "int8", "bf16"), sizes, settings, corpus)
    texts = load_splits(corpus, settings.seed)["validation"].select_columns(["text", "labels"])
    compared = prediction.compared(
        str(folder), class_names(folder), load_tokenizer(str(folder)), texts[:], sizes["max_length"]
    )
    return trained | predicted | compared | {"list": trained["list"] + predicted["list"]}


def scale(sizes, settings, corpus, source) -> dict:
    import numpy as np

    from lmreport.experiments.bench import scale

    found = scale.measured(sizes["rows"], settings.seed)
    return {"list": found, "exponent": scale.slope(found)} | {
        key: np.array([one[key] for one in found], float)
        for key in ("rows", "peak_mb", "total_s", "tokens")
    }


def accuracy(sizes, settings, corpus, source) -> dict:
    """Test accuracy of the literal and the fast recipe by seed; what is finished is kept in a
    folder that the seeds do not decide.
    """
    from lmreport.experiments.bench import fast_vs_literal
    from lmreport.models import fast_finetune

    shared = {k: v for k, v in sizes.items() if k != "seeds"}
    given = records.inputs(
        "bench_accuracy", settings, corpus, source, shared, device=fast_finetune.device()
    )
    found = fast_vs_literal.measured(
        source.path,
        load_splits(corpus, settings.seed),
        sizes,
        sizes["seeds"],
        cache_root() / "bench" / f"accuracy-{records.predicted(given)}",
    )
    plain = {k: v for k, v in found.items() if not hasattr(v, "dtype")}
    return found | {"list": [plain | sizes]}


def recipes(sizes, settings, corpus, source) -> dict:
    from lmreport.experiments.bench import search

    found = search.measured(load_splits(corpus, settings.seed), source.path, sizes)
    return found | {"list": found["recipes"]}


def seeds(sizes, settings, corpus, source) -> dict:
    """Test accuracy of the best recipe by seed, averaged and stacked. The recipe is that of the
    recorded search on this data and model, or of one made now.
    """
    from lmreport.experiments.bench import search, seeds

    splits, here = load_splits(corpus, settings.seed), (corpus.digest, source.digest)
    searches = [r for r in records.all_records() if r.name == "bench_recipes"]
    known = next(
        (r for r in searches if (r.inputs["data"]["digest"], r.inputs["model"]["digest"]) == here),
        None,
    )
    best = seeds.best_of(
        known or search.measured(splits, source.path, KINDS["bench_recipes"].sizes["cpu"])
    )
    found = seeds.measured(splits, source.path, sizes, best)
    return found | {
        "list": [
            {"name": name, "test_accuracy": right}
            for name, right in zip(found["names"], found["accuracies"], strict=True)
        ]
    }


def encoder(sizes, settings, corpus, source) -> dict:
    """Test accuracy of the encoder fine-tuned on all training texts, alone and stacked with the
    recorded models on the same data.
    """
    from lmreport.experiments.bench import encoder
    from lmreport.models import fast_finetune

    given = records.inputs(
        "bench_encoder", settings, corpus, source, sizes, "full", fast_finetune.device()
    )
    models = {
        name: r
        for name, r in records.full_scale(corpus).items()
        if r.inputs["data"]["digest"] == corpus.digest
    }
    others = [
        r
        for r in records.all_records()
        if r.name == "bench_encoder"
        and r.inputs["data"]["digest"] == corpus.digest
        and records.counted(r.inputs) != records.counted(given)
    ]
    found = encoder.measured(
        load_splits(corpus, settings.seed),
        source.path,
        sizes,
        settings.seed if sizes["train_seed"] is None else sizes["train_seed"],
        models,
        others,
        encoder.folder_of(given),
    )
    right = (found["logits"].argmax(-1) == found["labels"]).mean()
    stacked = (
        {
            "stack": found["stack"],
            "stack_test_accuracy": (found["stack_logits"].argmax(-1) == found["labels"]).mean(),
        }
        if "stack" in found
        else {}
    )
    return found | {"list": [{"model": source.name, "test_accuracy": right} | stacked]}
