"""How a record follows a change of its code: the probe of its kind gives the same bytes by the old
code and the new.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lmreport.core import machine
from lmreport.core.errors import ReportError
from lmreport.core.settings import ENV_PREFIX, cache_root, project_root
from lmreport.runs import memo, records
from lmreport.runs.kinds import KINDS

log = logging.getLogger(__name__)


def prove(names: list[str], commit: str) -> int:
    """Carry full-scale records of the kinds `names` (all if none is named) over to the code at
    hand, where proven.

    commit: one by whose code they are fresh; "" for that which last wrote each. Returns 0 if none
    of them is stale afterwards, else 1.
    """
    stale = [r for r in records.all_records("full") if not names or r.name in names]
    stale = [r for r in stale if r.code["fingerprint"] != records.code_of(r.name)["fingerprint"]]
    now: dict[str, dict] = {}
    left = 0
    for record in stale:
        try:
            base = (
                git("rev-parse", "--verify", f"{commit}^{{commit}}")
                if commit
                else last_fresh(record)
            )
            if record.name not in now:
                log.info(f"prove: {record.name} by the code at hand")
                now[record.name] = probed(record.name, Path(records.CODE.root).parent)
            log.info(f"prove: {record.name} by the code of {base[:12]}")
            left += not followed(record, base, probed_at(base, record.name), now[record.name])
        except (
            ReportError
        ) as error:  # one that cannot be probed keeps none of the others from being proven
            left += 1
            log.info(str(error))
    log.info(
        f"prove: {len(stale)} records had other code, {len(stale) - left} follow by proof, {left} "
        f"stay stale"
    )
    return int(left > 0)


def followed(record: records.Record, commit: str, then: dict, now: dict) -> bool:
    """Whether both probes agree; the record then gets the link."""
    name = f"{record.name}-{record.key[:8]}"
    if then["code"] != record.code["fingerprint"]:
        log.info(
            f"prove: {name} stays stale: at {commit[:12]}, where it was last written, its code was "
            f"another ({then['code']}, not {record.code['fingerprint']})"
        )
        return False
    if then["result"] != now["result"]:
        log.info(
            f"prove: {name} stays stale: the probe gives {then['result'][:16]} by the code of "
            f"{commit[:12]} and {now['result'][:16]} by the code at hand; make it again with "
            f"lmreport run {record.name} --force"
        )
        return False
    link = {
        "from": then["code"],
        "to": now["code"],
        "commit": commit[:12],
        "date": machine.now(),
        "probe": now["result"],
        "versions": now["versions"],
        "on": "cpu",
    }
    records.save(
        dataclasses.replace(record, code=records.code_of(record.name), chain=(*record.chain, link))
    )
    log.info(f"prove: {name} follows ({now['result'][:16]})")
    return True


def last_fresh(record: records.Record) -> str:
    """The commit that last wrote the record's file: each commit holds only records that are fresh
    there. Raises ReportError if no commit holds it.
    """
    commit = git("log", "-1", "--format=%H", "--", str(record.path))
    if not commit:
        raise ReportError(
            f"prove: {record.path.name} is in no commit, so no code is known that it was fresh by; "
            f"make it again with lmreport run {record.name} --force"
        )
    return commit


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A folder with the files of a commit, for a moment."""
    with tempfile.TemporaryDirectory() as folder:
        git("worktree", "add", "--detach", "--force", f"{folder}/tree", commit)
        try:
            yield Path(folder, "tree")
        finally:
            git("worktree", "remove", "--force", f"{folder}/tree")


def probed_at(commit: str, name: str) -> dict:
    """As `probed`, by the code of a commit; kept, since a commit never changes."""
    given = machine.digest([commit, machine.versions(*KINDS[name].libraries), machine.hardware()])

    def make() -> dict:
        with checked_out(commit) as folder:
            return probed(name, folder / "code")

    return memo.once(cache_root() / "probes" / f"{name}-{given}.npz", make)


def probed(name: str, code: Path) -> dict:
    """What `lmreport runs --probe` says by the package in the folder `code`, with a cache of its
    own. Raises ReportError if the probe fails.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ENV_PREFIX)}
    with tempfile.TemporaryDirectory() as cache:
        kept |= {
            "PYTHONPATH": str(code),
            "LMREPORT_CACHE": cache,
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        }
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "lmreport", "runs", "--probe", name],
            cwd=code.parent,
            env=kept,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise ReportError(
            f"prove: the probe of {name} failed in {code.parent.name}: {done.stderr.strip()[-300:]}"
        )
    return json.loads(done.stdout.splitlines()[-1])


def git(*arguments: str) -> str:
    """What git prints for a command in the project, without blanks around it. Raises ReportError if
    it fails.
    """
    try:
        return machine.git(project_root(), *arguments)
    except ReportError as error:
        raise ReportError(f"prove: {error}; a clone with its history is needed") from error
