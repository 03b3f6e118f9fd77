"""Growing numbers of rows: tokenized to Arrow on disk and read once through as batches, in bounded
memory.

The rows are made up: short questions from a few word lists, written to disk a piece at a time.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from lmreport.core import progress
from lmreport.core.processes import timed
from lmreport.core.settings import Settings
from lmreport.data.corpus import Corpus
from lmreport.models import arrow_batches, token_budget
from lmreport.models.pretrained import Source
from lmreport.models.tokenizer import load_tokenizer

log = logging.getLogger(__name__)

PIECE, BUDGET, MAX_LENGTH = 50_000, 4096, 64
WORDS = (
    "how can I read sort split print join parse draw close open send copy".split(),
    "list string array file table button thread socket class function window number image record".split(),
    "quickly twice safely again in a loop without errors at once in reverse from the start over the network".split(),
)


def make(sizes: dict, settings: Settings, corpus: Corpus, source: Source) -> dict:
    """Time and memory by the number of rows; exponent: of the growth of time."""
    found = measured(sizes["rows"], settings.seed)
    return {"list": found, "exponent": slope(found)} | {
        key: np.array([one[key] for one in found], float)
        for key in ("rows", "peak_mb", "total_s", "tokens")
    }


def write(folder: Path, number: int, seed: int):
    """A `Dataset` of `number` made-up texts with labels, on disk; never more than one piece of it
    in memory.
    """
    from datasets import Dataset
    from datasets.arrow_writer import ArrowWriter

    rng, path = np.random.default_rng(seed), str(folder / "rows.arrow")
    with ArrowWriter(path=path) as writer:
        for start in range(0, number, PIECE):
            some = min(PIECE, number - start)
            columns: Any  # one array for each list of words, then one of all
            columns = [rng.choice(words, (some, 3)) for words in WORDS]
            columns = np.concatenate(columns, axis=1).astype(object)
            long = rng.integers(3, columns.shape[1] + 1, some)
            texts = [
                " ".join(row[:n]) + f" {start + i}"
                for i, (row, n) in enumerate(zip(columns, long, strict=True))
            ]
            writer.write_batch({"text": texts, "labels": rng.integers(0, 4, some).tolist()})
        writer.finalize()
    return Dataset.from_file(path)


def through(folder: Path, number: int, tokenizer, seed: int) -> dict:
    """Seconds of each stage on `number` rows, and what came out."""
    from torch.utils.data import DataLoader

    times, start = {}, time.perf_counter()

    def stage(name):
        nonlocal start
        times[name], start = time.perf_counter() - start, time.perf_counter()

    texts = write(folder, number, seed)
    stage("write")
    tokens = arrow_batches.tokenized(texts, tokenizer, MAX_LENGTH)
    stage("tokenize")
    lengths = token_budget.token_lengths(tokens)
    sampler = token_budget.sampler(lengths, BUDGET, seed)
    stage("plan")
    read = updates = longest = 0
    collate = arrow_batches.collator(tokenizer.pad_token_id)
    for batch in DataLoader(
        arrow_batches.Rows(tokens),  # type: ignore[arg-type]  # torch asks for its items alone
        batch_sampler=sampler,
        collate_fn=collate,
    ):
        read, updates, longest = (
            read + len(batch["labels"]),
            updates + 1,
            max(longest, batch["input_ids"].numel()),
        )
    stage("read")
    return {
        "rows": number,
        "read": read,
        "batches": updates,
        "largest_batch": longest,
        "tokens": int(lengths.sum(dtype=np.int64)),
        "seconds": times,
        "total_s": sum(times.values()),
        "on_disk_mb": sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6,
    }


def measured(sizes, seed: int) -> list[dict]:
    """One entry for each number of rows, each in a process of its own; memory is that of all its
    processes (PSS).
    """
    found = []
    for number in sizes:
        with tempfile.TemporaryDirectory() as folder:
            command = [
                sys.executable,
                "-m",
                "lmreport.experiments.bench.scale",
                folder,
                str(number),
                str(seed),
            ]
            _, peak, out = timed(command, Path(folder), TMPDIR=folder)
            found.append(json.loads(out.splitlines()[-1]) | {"peak_mb": peak})
        last = found[-1]
        log.info(f"bench: {number:,} rows: {last['total_s']:.0f} s, {peak:.0f} MB at most")
    return found


def slope(found: list[dict]) -> float:
    """Exponent of the growth of time with rows, from a straight line in logarithms: 1 is linear."""
    rows, seconds = (np.log([one[k] for one in found]) for k in ("rows", "total_s"))
    return float(np.polyfit(rows, seconds, 1)[0])


def main(arguments: list[str]) -> None:
    from lmreport.models import pretrained

    progress.hide_bars()
    tokenizer = load_tokenizer(pretrained.from_package("any").path)
    print(json.dumps(through(Path(arguments[0]), int(arguments[1]), tokenizer, int(arguments[2]))))


if __name__ == "__main__":
    main(sys.argv[1:])
