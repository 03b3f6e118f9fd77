"""Why a record is not what a run would give now: one reason a line, each naming the thing that
changed.
"""

from __future__ import annotations

from lmreport.core import machine
from lmreport.core.settings import cuda_available
from lmreport.runs import records


def reasons(record: records.Record, now: dict | None = None) -> list[str]:
    """What differs between what made `record` and `now` (as `records.inputs` gives it); empty if
    the record is fresh.

    Without `now`: the code at hand and the libraries installed; those are not compared with what a
    GPU's machine had, where there is no GPU.
    """
    then = record.inputs
    if now is None:
        elsewhere = record.device == "cuda" and not cuda_available()
        installed = then["versions"] if elsewhere else machine.versions(*then["versions"])
        now = then | {"versions": installed}
    return [
        *code(record.code, records.code_of(record.name)),
        *data(then["data"], now["data"]),
        *model(then, now),
        *settings(then["settings"], now["settings"]),
        *versions(then["versions"], now["versions"]),
    ]


def code(then: dict, now: dict) -> list[str]:
    """["models/finetune.py changed in `train`", …] from what `records.code_of` gave then and now; a
    move is none.
    """
    if then["fingerprint"] == now["fingerprint"]:
        return []
    known = set(then["parts"].values())
    changed: dict[str, list[str]] = {}
    for place, text in now["parts"].items():
        if text not in known:
            module, _, name = place.rpartition(".")
            changed.setdefault(module, []).append(f"`{name}`")
    if not changed:
        return ["the code that computes it was put together in another way"]
    return [
        f"{module.replace('.', '/')}.py changed in {', '.join(names[:3])}"
        + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        for module, names in changed.items()
    ]


def data(then: dict, now: dict) -> list[str]:
    if then["digest"] == now["digest"]:
        return []
    return [
        f"data digest differs ({then['name']} {then['digest'][:8]} → {now['name']} "
        f"{now['digest'][:8]})"
    ]


def model(then: dict, now: dict) -> list[str]:
    """The pre-trained model, and the fine-tuned one that a study looks at."""
    differences, (one, other) = (
        [],
        (d.get("model") or {"name": "none", "digest": ""} for d in (then, now)),
    )
    if one["digest"] != other["digest"]:
        differences.append(
            f"weights of the model differ ({one['name']} {one['digest'][:8]} → "
            f"{other['name']} {other['digest'][:8]})"
        )
    elif not records.same_beside_weights(then, now):
        differences.append("tokenizer or configuration of the model differ")
    if then.get("tuned") != now.get("tuned"):
        differences.append(
            f"it looked at another fine-tuned model (record {then['tuned'][:8]} → "
            f"{now['tuned'][:8]})"
        )
    one, other = then.get("members") or {}, now.get("members") or {}
    return differences + [
        f"it stands on another run of {name} (record {one.get(name, 'none')[:8]} → "
        f"{other.get(name, 'none')[:8]})"
        for name in one | other
        if name != "transformer" and one.get(name) != other.get(name)
    ]


def settings(then: dict, now: dict) -> list[str]:
    return [
        f"{name} {then.get(name, 'none')} → {now.get(name, 'none')}"
        for name in then | now
        if then.get(name) != now.get(name)
    ]


def versions(then: dict, now: dict) -> list[str]:
    return [
        f"{name} {then.get(name) or 'not installed'} → {now.get(name) or 'not installed'}"
        for name in then | now
        if then.get(name) != now.get(name)
    ]


def of_another(record: records.Record, shown: dict[str, records.Record]) -> list[str]:
    """A reason for each run that a study started from and that is not the one of its name `shown`
    beside it.
    """
    then = record.inputs
    tuned = (
        shown["transformer"].key
        if then.get("tuned") and "transformer" in shown
        else then.get("tuned")
    )
    members = {
        name: shown[name].key if name in shown else key
        for name, key in (then.get("members") or {}).items()
    }
    return model(then, then | {"tuned": tuned, "members": members})
