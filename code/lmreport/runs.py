"""Records of trainings and studies: what was measured, with everything that determined it and where it was made."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lmreport import cache, provenance
from lmreport.corpus import KNOWN
from lmreport.errors import ReportError
from lmreport.quantity import Quantity
from lmreport.settings import cache_root, project_root

COMPUTED_BY = {"bag_of_words": "linear", "tfidf_svm": "linear", "lstm": "lstm", "transformer": "finetune"}
COMMON = ("scale", "seed", "train_size", "test_size")
SETTINGS_OF = {
    "bag_of_words": COMMON, "tfidf_svm": COMMON, "lstm": (*COMMON, "lstm_epochs"),
    "transformer": (*COMMON, "max_length", "batch_size", "epochs", "learning_rate"),
}
LIBRARIES_OF = {
    "linear": ("scikit-learn", "numpy"), "lstm": ("tensorflow-cpu", "keras", "numpy"),
    "finetune": ("torch", "transformers", "tokenizers", "accelerate", "datasets"),
}


STUDIES = {  # experiments on the task (studies.py), and what the reader is told they are
    "learning_curve": "number of training texts", "shuffled_words": "shuffled words",
    "heads_removed": "heads removed one by one", "ablation": "tokens hidden one by one",
    "linear_curve": "number of training texts, linear model",
    "ladder": "what each step brings", "summit": "the best that was found",
}
STUDIED_BY = {"ladder": ("steps", "climb"), "summit": ("steps", "summit")}  # where not studies.py under the same name
BENCHES = {  # measurements of this project's own speed: what they are, and the module that measures
    "bench_train": ("speed of training", "bench.training"),
    "bench_predict": ("speed of prediction", "bench.predicting"),
    "bench_scale": ("growing numbers of rows", "bench.scale"),
    "bench_accuracy": ("accuracy of the fast recipe", "bench.accuracy"),
    "bench_recipes": ("recipes on all texts", "bench.search"),
    "bench_seeds": ("new seeds of the best recipe", "bench.seeds"),
}
WITHOUT_GPU = {"bench_recipes": "days", "bench_seeds": "hours"}  # how long these take there


@dataclass(frozen=True)
class Record:
    """One recorded run.

    name: one of COMPUTED_BY, STUDIES or BENCHES; key: sixteen digits made from `inputs`; inputs: settings, digests of
    data, model and code, versions; made: date, commit, hardware, load; path: the JSON file (arrays beside it as .npz).
    """

    name: str
    key: str
    inputs: dict
    made: dict
    values: dict
    path: Path

    @cached_property
    def arrays(self) -> dict:
        """Of a model: logits (n, classes), labels (n,), validation_logits, validation_labels."""
        return cache.unpack(self.path.with_suffix(".npz").read_bytes())

    def __getitem__(self, name: str):
        value = self.values[name] if name in self.values else self.arrays[name]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Quantity(value, f"value({self.symbol}, {name!r})")
        return value

    @property
    def device(self) -> str:
        """"cuda" if this is a measurement made on a GPU, else "cpu"; models and studies count as the latter."""
        return self.inputs["settings"].get("device", "cpu")

    @property
    def title(self) -> str:
        """`name`, and that it is of a GPU: a measurement may be recorded on both."""
        return f"{self.name}, GPU" if self.device == "cuda" else self.name

    @property
    def symbol(self) -> str:
        """What stands for this record in the expression of a `Quantity`."""
        return f"{self.name}_{self.key}"

    @property
    def label(self) -> str:
        """The name for the reader."""
        from lmreport.style import MODEL_LABELS

        if self.name in STUDIES:
            return STUDIES[self.name]
        if self.name in BENCHES:
            return BENCHES[self.name][0]
        return self.inputs["model"]["name"] if self.name == "transformer" else MODEL_LABELS[self.name]

    @property
    def rate(self) -> float:
        """Training texts per second, each text counted once an epoch."""
        return self["train_texts"] * self["epochs"] / self["train_seconds"]

    @property
    def correct(self):
        """Which test texts were classified rightly: (n,) of bool."""
        return self["logits"].argmax(-1) == self["labels"]


def inputs(name: str, settings, corpus, source=None) -> dict:
    """Everything that determines the results of the run `name`; its digest is the key."""
    module = COMPUTED_BY[name]
    return {
        "name": name,
        "settings": {k: getattr(settings, k) for k in SETTINGS_OF[name]},
        "data": {"digest": corpus.digest, "kind": corpus.kind, "name": corpus.name},
        "model": {"name": source.name, "digest": source.digest} if name == "transformer" else None,
        "code": inputs_code(name),
        "versions": provenance.versions(*LIBRARIES_OF[module]),
    }


def home(scale: str) -> Path:
    """Where records are kept: full ones in the project (committed), quick ones in the cache."""
    return project_root() / "report" / "runs" if scale == "full" else cache_root() / "runs"


def write(name: str, given: dict, values: dict, made: dict) -> Record:
    """Record a run, its arrays first, so that a record that can be seen is whole."""
    arrays, rest = {}, {}
    for key, value in values.items():
        (arrays if hasattr(value, "dtype") and value.ndim else rest)[key] = value
    key = provenance.digest(given)
    path = home(given["settings"]["scale"]) / f"{name}-{key}.json"
    rest = json.loads(json.dumps(rest, default=float))  # as they will be read again
    text = json.dumps({"key": key, "contents": contents(rest, arrays), "inputs": given, "made": made, "values": rest},
                      indent=1)
    path.unlink(missing_ok=True)  # an old record and new arrays would not belong together
    cache.write_atomically(path.with_suffix(".npz"), cache.pack(arrays))
    cache.write_atomically(path, (text + "\n").encode())
    return read(path)


def contents(values: dict, arrays: dict) -> str:
    """sha256 over a record's values and arrays, by which an altered one is told."""
    whole = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        whole.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    return whole.hexdigest()


def read(path: Path) -> Record:
    """The record in the JSON file `path`. Raises ReportError if it or its arrays are damaged or missing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        record = Record(found["inputs"]["name"], found["key"], found["inputs"], found["made"], found["values"], path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(f"record {path} cannot be read ({error!r}); delete it and run again") from error
    if not path.with_suffix(".npz").is_file():
        raise ReportError(f"record {path} lacks its arrays; delete it and run again")
    if provenance.digest(record.inputs) != record.key:
        raise ReportError(f"record {path} was altered: its inputs do not give its key; delete it and run again")
    try:
        whole = found.get("contents") == contents(record.values, record.arrays)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ReportError(f"record {path}: its arrays cannot be read ({error!r}); delete it and run again") \
            from error
    if not whole:
        raise ReportError(f"record {path} was altered: its results do not give its digest; delete it and run "
                          "again")
    return record


def find(name: str, given: dict) -> Record | None:
    """The record of the run with these inputs, None if there is none."""
    path = home(given["settings"]["scale"]) / f"{name}-{provenance.digest(given)}.json"
    return read(path) if path.is_file() else None


def all_records(scale: str = "full") -> list[Record]:
    """All records of a scale, newest first."""
    records = [read(path) for path in home(scale).glob("*.json")]
    return sorted(records, key=lambda r: r.made["date"], reverse=True)


def full_scale(corpus) -> dict[str, Record]:
    """The newest full-scale record of each model on the real data, one edition of it only: {name: Record}.

    The edition is that of `corpus`; a render on the sample shows the records of the official one.
    """
    found = newest(corpus)
    return {name: found[name] for name in COMPUTED_BY if name in found}


def newest(corpus) -> dict[str, Record]:
    """As `full_scale`, but of the studies too, and of the measurements (of those on a GPU under "name, GPU")."""
    found: dict[str, Record] = {}
    for record in all_records("full"):
        if record.inputs["data"]["digest"] == edition(corpus):
            found.setdefault(record.title, record)
    return found


def edition(corpus) -> str:
    """Digest of the edition whose full-scale records a render on `corpus` shows."""
    return next(iter(KNOWN)) if corpus.kind == "sample" else corpus.digest


def groups(recorded: dict, live: dict) -> dict[str, dict]:
    """The panels of a figure: recorded runs and a render's own, each under its title; empty ones left out."""
    named = {"recorded, full scale": recorded, "this render": live}
    keys = [{r.key for r in records.values()} for records in named.values()]
    if keys[0] >= keys[1]:
        del named["this render"]
    return {title: records for title, records in named.items() if records}


def origin(record: Record, was_recorded: bool, beside=()) -> str:
    """Where the numbers of a record, and of those `beside` it, come from, as part of a sentence."""
    hardware = record.made["hardware"]
    where = hardware["gpu"] or f"{hardware['cores']} cores of an {hardware['cpu']}"
    what = "the recorded full-scale runs" if was_recorded else f"this render’s own runs at the scale “" \
        f"{record.inputs['settings']['scale']}”"
    days = sorted({r.made["date"][:10] for r in (record, *beside)})
    return f"{what} on the data “{record.inputs['data']['name']}” ({where}, {' to '.join(days[::len(days) - 1 or 1])})"


def inputs_code(name: str) -> dict:
    """{module: {definition: digest}} of the code that the run `name` computes with."""
    code = provenance.reached(*STUDIED_BY.get(name, ("studies", name))) if name in STUDIES else \
        provenance.code_of(BENCHES[name][1] if name in BENCHES else COMPUTED_BY[name])
    return code | {"split": provenance.definitions("split")}


def made_here(name: str) -> dict:
    """Date, commit, hardware and load of the machine as a run begins: for the record, not for the key."""
    return {"date": provenance.now(), "commit": provenance.commit(
        BENCHES[name][1] if name in BENCHES else COMPUTED_BY.get(name, "studies")),
            "hardware": provenance.hardware(), "load_before": os.getloadavg()[0]}
