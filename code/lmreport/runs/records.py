"""Records of trainings and studies: what was measured, with everything that determined it and where
it was made.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from lmreport.core import files, machine
from lmreport.core.errors import ReportError
from lmreport.core.settings import Settings, cache_root, project_root
from lmreport.data.corpus import KNOWN, Corpus
from lmreport.models.pretrained import Source, beside_weights
from lmreport.runs.fingerprint import Code
from lmreport.runs.kinds import KINDS, MODELS
from lmreport.runs.quantity import Quantity


def is_ground(module: str) -> bool:
    """Whether a module moves and shows results and computes none: settings, files, records,
    display.
    """
    return module.split(".")[0] in ("core", "runs", "display") or module in (
        "data.download",
        "data.corpus",
    )


CODE = Code(Path(__file__).parents[1], is_ground)


@dataclass(frozen=True)
class Record:
    """One recorded run.

    name: one of `kinds.KINDS`; key: sixteen digits that it is cited by; inputs: settings, digests
    of data and model, versions; code: {"fingerprint", "parts"} of what computes it, as it was when
    the record was last proven; made: date, commit, hardware, load; chain: proofs that later code
    gives the same; path: the JSON file, arrays beside it as .npz.
    """

    name: str
    key: str
    inputs: dict
    code: dict
    made: dict
    values: dict
    path: Path
    chain: tuple[dict, ...] = ()
    more: dict = field(
        default_factory=dict
    )  # what the JSON file holds beside: `formerly`, `unproven`

    @cached_property
    def arrays(self) -> dict:
        """Of a model: logits (n, classes), labels (n,), validation_logits, validation_labels."""
        return files.unpack(self.path.with_suffix(".npz").read_bytes())

    def __getitem__(self, name: str) -> Any:
        value = self.values[name] if name in self.values else self.arrays[name]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Quantity(value, f"value({self.symbol}, {name!r})")
        return value

    @property
    def device(self) -> str:
        """ "cuda" if this is a measurement made on a GPU, else "cpu"; models and studies count as
        the latter.
        """
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
        return (
            self.inputs["model"]["name"] if self.name == "transformer" else KINDS[self.name].label
        )

    @property
    def rate(self) -> float:
        """Training texts per second, each text counted once an epoch."""
        return self["train_texts"] * self["epochs"] / self["train_seconds"]

    @property
    def correct(self) -> np.ndarray:
        """Which test texts were classified rightly: (n,) of bool."""
        return self["logits"].argmax(-1) == self["labels"]


def inputs(
    name: str,
    settings: Settings,
    corpus: Corpus,
    source: Source | None = None,
    sizes: dict | None = None,
    scale: str = "",
    device: str = "",
) -> dict:
    """Everything beside the code that determines the results of the run `name`.

    source: the pre-trained model; sizes, scale: of a study or bench, where not those of the kind
    and the settings;
    device: of a bench. `members` are the records of the models that a study starts from.
    """
    kind, scale = KINDS[name], scale or settings.scale
    sizes = kind.sizes.get(scale, {}) if sizes is None else sizes
    assert source or not kind.pretrained, f"{name} begins with a pre-trained model; which one?"
    given: dict[str, Any] = {
        "name": name,
        "settings": {"scale": scale}
        | {k: getattr(settings, k) for k in kind.settings if k != "scale"}
        | {k: v for k, v in sizes.items() if v is not None}
        | ({"device": device} if device else {}),
        "data": {"digest": corpus.digest, "kind": corpus.kind, "name": corpus.name},
        "model": {
            "name": source.name,
            "digest": source.digest,
            "beside": beside_weights(source.path),
        }
        if source and kind.pretrained
        else None,
        "versions": machine.versions(*kind.libraries),
    }
    members = {n: identity(inputs(n, settings, corpus, source)) for n in kind.starts_from}
    if members:
        given["tuned"] = members["transformer"]
    return given | ({"members": members} if len(members) > 1 else {})


def code_of(name: str) -> dict:
    """{"fingerprint": of all that computes the run `name`, "parts": {"module.name": digest of its
    own text}}.
    """
    places = KINDS[name].places
    return {"fingerprint": CODE.fingerprint(*places), "parts": CODE.parts(*places)}


def predicted(given: dict) -> str:
    """The key that a run with these inputs would get if it were made now."""
    return machine.digest([given, CODE.fingerprint(*KINDS[given["name"]].places)])


def identity(given: dict) -> str:
    """The key of the record with these inputs; of none yet, the one that it would get."""
    record = find(given)
    return record.key if record else predicted(given)


def home(scale: str) -> Path:
    """Where records are kept: full ones in the project (committed), quick ones in the cache."""
    return project_root() / "report" / "runs" if scale == "full" else cache_root() / "runs"


def write(given: dict, values: dict, made: dict) -> Record:
    """Record a run, its arrays first, so that a record that can be seen is whole."""
    arrays: dict[str, np.ndarray] = {}
    rest: dict[str, Any] = {}
    for key, value in values.items():
        (arrays if hasattr(value, "dtype") and value.ndim else rest)[key] = value
    path = home(given["settings"]["scale"]) / f"{given['name']}-{predicted(given)}.json"
    rest = json.loads(json.dumps(rest, default=float))  # as they will be read again
    path.unlink(missing_ok=True)  # an old record and new arrays would not belong together
    files.write_atomically(path.with_suffix(".npz"), files.pack(arrays))
    return save(
        Record(given["name"], predicted(given), given, code_of(given["name"]), made, rest, path)
    )


def save(record: Record) -> Record:
    """Write the JSON file of a record and read it again."""
    text = {
        "key": record.key,
        "inputs": record.inputs,
        "code": record.code,
        "chain": list(record.chain),
    } | record.more
    text |= {"made": record.made, "values": record.values}
    text = {"seal": seal(text, record.arrays)} | text
    files.write_atomically(record.path, (json.dumps(text, indent=1) + "\n").encode())
    return read(record.path)


def seal(text: dict, arrays: dict) -> str:
    """sha256 over all that a record says, its arrays too, by which an altered one is told."""
    whole = hashlib.sha256(
        json.dumps({k: v for k, v in text.items() if k != "seal"}, sort_keys=True).encode()
    )
    for name, array in sorted(arrays.items()):
        whole.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    return whole.hexdigest()


def read(path: Path) -> Record:
    """The record in the JSON file `path`, read once while neither it nor its arrays change. Raises
    ReportError if one of them is damaged or missing.
    """
    return _read(path, _stamp(path), _stamp(path.with_suffix(".npz")))


def _stamp(path: Path) -> tuple[int, int] | None:
    """When a file was written, and its size; None if there is none."""
    try:
        file = path.stat()
    except OSError:
        return None
    return file.st_mtime_ns, file.st_size


@lru_cache(maxsize=256)
def _read(path: Path, text_stamp: object, arrays_stamp: object) -> Record:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        more = {k: entries[k] for k in ("formerly", "unproven") if k in entries}
        record = Record(
            entries["inputs"]["name"],
            entries["key"],
            entries["inputs"],
            entries["code"],
            entries["made"],
            entries["values"],
            path,
            tuple(entries["chain"]),
            more,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(
            f"record {path} cannot be read ({error!r}); delete it and run again"
        ) from error
    if not path.with_suffix(".npz").is_file():
        raise ReportError(f"record {path} lacks its arrays; delete it and run again")
    try:
        whole = entries.get("seal") == seal(entries, record.arrays)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ReportError(
            f"record {path}: its arrays cannot be read ({error!r}); delete it and run again"
        ) from error
    if not whole:
        raise ReportError(
            f"record {path} was altered: it does not give its seal; delete it and run again"
        )
    return record


def find(given: dict) -> Record | None:
    """The record of a run with these inputs by the code at hand, None if there is none."""
    folder = home(given["settings"]["scale"])
    records = [
        read(path) for path in sorted(folder.glob(f"{given['name']}-{'[0-9a-f]' * 16}.json"))
    ]
    code = CODE.fingerprint(*KINDS[given["name"]].places) if records else ""
    same = [
        r
        for r in records
        if r.code["fingerprint"] == code
        and counted(r.inputs) == counted(given)
        and same_beside_weights(r.inputs, given)
    ]
    return max(same, key=lambda r: r.made["date"], default=None)


def counted(given: dict) -> list:
    """What of a run's inputs decides whether another one is the same: of data and model the
    contents, not the name.
    """
    model = given.get("model") or {}
    return [
        given["name"],
        given["settings"],
        given["data"]["digest"],
        model.get("digest"),
        given.get("tuned"),
        given.get("members"),
        given["versions"],
    ]


def same_beside_weights(one: dict, other: dict) -> bool:
    """Whether the tokenizers and configurations of two runs' models are the same; older records do
    not tell theirs, and are taken for the same.
    """
    told = {(given.get("model") or {}).get("beside") for given in (one, other)} - {None}
    return len(told) < 2


def all_records(scale: str = "full") -> list[Record]:
    """All records of a scale, newest first."""
    records = [read(path) for path in home(scale).glob("*.json")]
    return sorted(records, key=lambda r: r.made["date"], reverse=True)


def full_scale(corpus: Corpus, source: Source | None = None) -> dict[str, Record]:
    """The newest full-scale record of each model on the real data, one edition of it only: {name:
    Record}.

    The edition is that of `corpus`; a render on the sample shows the records of the official one.
    source: the pre-trained model whose fine-tuning is preferred to a newer one of another model.
    """
    by_kind = newest(corpus)
    if source:
        tuned = (r for r in all_records("full") if r.name == "transformer")
        of_source = next((r for r in tuned if is_of(r, source, corpus)), None)
        by_kind |= {"transformer": of_source} if of_source else {}
    return {name: by_kind[name] for name in MODELS if name in by_kind}


def is_of(record: Record, source: Source, corpus: Corpus) -> bool:
    """Whether a run fine-tuned this pre-trained model on the edition of `corpus`."""
    given = record.inputs
    return (given["model"] or {}).get("digest") == source.digest and given["data"][
        "digest"
    ] == edition(corpus)


def answering(recorded: dict, live: dict, source: Source) -> dict[str, Record]:
    """The runs that every answer speaks of, so that none is about another model than the page's.

    These are the `recorded` ones if they are whole and their Transformer is the pre-trained model
    at hand, `source`; else those that this render made itself, `live`.
    """
    whole = set(live) <= set(recorded)
    same = whole and recorded["transformer"].inputs["model"]["digest"] == source.digest
    return recorded if same else live


def newest(corpus: Corpus) -> dict[str, Record]:
    """As `full_scale`, but of the studies too, and of the measurements (of those on a GPU under
    "name, GPU").
    """
    return of_edition(edition(corpus))


def of_edition(digest: str) -> dict[str, Record]:
    """The newest full-scale record of each title on the data with this digest."""
    by_title: dict[str, Record] = {}
    for record in all_records("full"):
        if record.inputs["data"]["digest"] == digest:
            by_title.setdefault(record.title, record)
    return by_title


def edition(corpus: Corpus) -> str:
    """Digest of the edition whose full-scale records a render on `corpus` shows."""
    return next(iter(KNOWN)) if corpus.kind == "sample" else corpus.digest


def groups(recorded: dict, live: dict) -> dict[str, dict]:
    """The panels of a figure: recorded runs and a render's own, each under its title; empty ones
    left out.
    """
    named = {"recorded, full scale": recorded, "this render": live}
    keys = [{r.key for r in records.values()} for records in named.values()]
    if keys[0] >= keys[1]:
        del named["this render"]
    return {title: records for title, records in named.items() if records}


def origin(record: Record, was_recorded: bool, beside: Iterable[Record] = ()) -> str:
    """Where the numbers of a record, and of those `beside` it, come from, as part of a sentence."""
    hardware = record.made["hardware"]
    where = hardware["gpu"] or f"{hardware['cores']} cores of an {hardware['cpu']}, no GPU"
    what = (
        "the recorded full-scale runs"
        if was_recorded
        else f"this render’s own runs at the scale “{record.inputs['settings']['scale']}”"
    )
    days = sorted({r.made["date"][:10] for r in (record, *beside)})
    return f"{what} on the data “{record.inputs['data']['name']}” ({where}, {' to '.join(days[:: len(days) - 1 or 1])})"


def made_here() -> dict:
    """Date, commit, hardware and load of the machine as a run begins: for the record, not for the
    key.
    """
    return {
        "date": machine.now(),
        "commit": machine.commit(),
        "hardware": machine.hardware(),
        "load_before": psutil.getloadavg()[0],
    }
