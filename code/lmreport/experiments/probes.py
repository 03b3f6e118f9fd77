"""A small fixed run of each kind, by the code that makes its records: seconds long, the same each
time.

Two versions of the code that give the same bytes here compute the same: by this a record follows a
change of its code that was meant to change no result (`proof`). What depends on the clock is left
out. The kinds that are recorded on a GPU are probed on the processor, on the code that both share.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from lmreport.core import files, machine, progress
from lmreport.core.settings import Settings, cache_root
from lmreport.data import download
from lmreport.data.splits import splits_for
from lmreport.models import pretrained
from lmreport.runs import records as run_records
from lmreport.runs import train
from lmreport.runs.kinds import KINDS

SETTINGS = Settings(
    data="sample",
    scale="quick",
    seed=157,
    train_size=32,
    test_size=24,
    max_length=24,
    batch_size=8,
    epochs=1,
    learning_rate=1e-4,
    lstm_epochs=1,
)
BEST = {"recipe": "of the probe", "sets": dict(epochs=1, max_length=16)}
BY_THE_CLOCK = re.compile(
    r"seconds|second$|^repeats$|runtime|memory|_mb$|_s$|"
    r"^spread$|_spread$|^made$|^ended$|flops|matrix_rate|"
    r"^exponent$|^ratio$|^cost$|^costs$|_is$|load|on_disk"
)


def probe(name: str) -> dict:
    """{"code": fingerprint of the kind `name`, "result": sha256 of what its probe gives,
    "versions"}.
    """
    with progress.silent():  # a probe tells only its result
        values = ran(name)
    return {
        "code": run_records.code_of(name)["fingerprint"],
        "result": digest(values),
        "versions": machine.versions(*KINDS[name].libraries),
    }


def ran(name: str) -> dict:
    """The values of the small run of the kind `name`."""
    kind, corpus, source = (
        KINDS[name],
        download.obtain("sample"),
        pretrained.from_package("the probe"),
    )
    if kind.group == "bench":
        return bench(name, corpus, source)
    splits, sizes = splits_for(SETTINGS, corpus), kind.sizes.get("probe", {})
    if kind.group == "model":
        return kind.make(splits, SETTINGS, source, cache_root() / "probe" / name)
    if name in ("ladder", "summit"):
        records = {n: train.run(n, SETTINGS, corpus) for n in kind.starts_from}
        return kind.make(SETTINGS, splits, source.path, records, "quick")
    weights = str(train.trained_model(SETTINGS, corpus)) if kind.starts_from else source.path
    return kind.make(SETTINGS, sizes, splits, weights, cache_root() / "probe" / name)


def bench(name: str, corpus, source) -> dict:
    """The values of the small run of the bench `name`."""
    from lmreport.experiments.bench import encoder, seeds

    sizes = KINDS[name].sizes["probe"]
    if name == "bench_encoder":  # beside models of the probe: those on record are of other texts
        records = {n: train.run(n, SETTINGS, corpus) for n in ("tfidf_svm", "transformer", "lstm")}
        found = encoder.measured(
            splits_for(SETTINGS, corpus),
            source.path,
            sizes,
            SETTINGS.seed,
            records,
            [],
            cache_root() / "probe" / name,
        )
        # The kinds alone: the key of a record changes with the code of its kind.
        return found | {"members": list(found["members"])}
    if name == "bench_seeds":  # the recipe of a record would be another one on each machine
        return seeds.measured(splits_for(SETTINGS, corpus), source.path, sizes, BEST)
    return KINDS[name].make(sizes, SETTINGS, corpus, source)


def digest(values: dict) -> str:
    """sha256 over values and arrays, without what the clock or the machine's load decides."""
    kept = without_times(values)
    packed = files.pack({k: v for k, v in kept.items() if hasattr(v, "dtype") and v.ndim})
    rest = {k: v for k, v in kept.items() if not (hasattr(v, "dtype") and v.ndim)}
    return hashlib.sha256(
        packed + json.dumps(rest, sort_keys=True, default=float).encode()
    ).hexdigest()


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if not BY_THE_CLOCK.search(k)}
    if isinstance(value, list | tuple):
        return [without_times(one) for one in value]
    return str(value) if isinstance(value, Path) else value
