"""How long a render takes (make bench-render); the figures go to _report/bench/render.json."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lmreport.core.files import write_atomically
from lmreport.core.processes import timed
from lmreport.core.settings import project_root

SIZES = (0.25, 0.5, 1.0)  # of a document with 400 sections, 300 figures and 1,000 references


def main(arguments: list[str] | None = None) -> None:
    """Time the renders that the command line asks for, print the figures and write them."""
    parser = argparse.ArgumentParser(prog="python -m lmreport.render.timing", description=__doc__)
    parser.add_argument(
        "--repeat", type=int, default=5, help="renders of the report; the median counts"
    )
    parser.add_argument("--no-quarto", action="store_true", help="leave genuine Quarto out")
    parser.add_argument("--only-scale", action="store_true", help="only the large document")
    parser.add_argument("--once", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.once:
        return once(Path(options.once))
    root = project_root()
    result: dict[str, Any] = {"cores": os.cpu_count(), "scale": scale()}
    if not options.only_scale:
        result["own"] = own(root, options.repeat)
        if shutil.which("quarto") and not options.no_quarto:
            result["quarto"] = quarto(root, options.repeat)
            result["ratio"] = round(result["own"]["warm_s"] / result["quarto"]["warm_s"], 3)
    path = root / "_report" / "bench" / "render.json"
    write_atomically(path, (json.dumps(result, indent=1) + "\n").encode())
    print(json.dumps(result, indent=1), f"\nwritten to {path}", sep="")


def once(folder: Path) -> None:
    """Render the project in `folder` and print the seconds of each step as JSON."""
    from lmreport.render import pipeline

    times: dict[str, float] = {}
    start = time.perf_counter()
    pipeline.render_project(folder, ("html", "typst"), {}, None, "FORCE" in os.environ, times=times)
    print(json.dumps(times | {"total": time.perf_counter() - start}))


def own(root: Path, repeat: int) -> dict:
    """Seconds of a render by this package, in all and by step, with nothing changed, and its peak
    memory in MB; medians of `repeat` renders with the results of the cells cached.
    """
    command = [sys.executable, "-m", "lmreport.render.timing", "--once", str(root)]
    timed(command, root, FORCE="1")  # fills the caches of results
    runs = [timed(command, root, FORCE="1") for _ in range(repeat)]
    steps = [json.loads(out.splitlines()[-1]) for _, _, out in runs]
    unchanged = [timed(command, root)[0] for _ in range(repeat)]
    return {
        "warm_s": median(s for s, _, _ in runs),
        "unchanged_s": median(unchanged),
        "peak_mb": round(max(peak for _, peak, _ in runs)),
        "steps_s": {name: median(s[name] for s in steps) for name in steps[0]},
    }


def quarto(root: Path, repeat: int) -> dict:
    command = ["quarto", "render"]
    runs = [timed(command, root, QUARTO_PYTHON=sys.executable) for _ in range(1 + repeat)][1:]
    return {
        "warm_s": median(s for s, _, _ in runs),
        "unchanged_s": median(s for s, _, _ in runs),
        "peak_mb": round(max(peak for _, peak, _ in runs)),
    }


def median(numbers: Iterable[float]) -> float:
    return round(statistics.median(numbers), 2)


def scale() -> list[dict]:
    """Seconds of a large document at several sizes: they should grow in proportion."""
    measurements = []
    for share in SIZES:
        sections, figures, references = (round(n * share) for n in (400, 300, 1000))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            large(folder, sections, figures, references)
            seconds, peak, out = timed(
                [sys.executable, "-m", "lmreport.render.timing", "--once", name], folder
            )
        measurements.append(
            {
                "sections": sections,
                "figures": figures,
                "references": references,
                "s": round(seconds, 2),
                "peak_mb": round(peak),
                "steps_s": {k: round(v, 2) for k, v in json.loads(out).items()},
            }
        )
    return measurements


def large(folder: Path, sections: int, figures: int, references: int) -> None:
    """Write a project with so many sections, figures and references."""
    (folder / "report").mkdir()
    (folder / "_quarto.yml").write_text(
        "project: {output-dir: _report, render: [report/index.qmd]}\n"
        "number-sections: true\nformat: {html: {toc: true}, typst: {toc: true}}\n"
    )
    picture = '<svg xmlns="http://www.w3.org/2000/svg" width="200pt" height="50pt"><path d="M0 50L200 0"/></svg>\n'
    (folder / "report" / "line.svg").write_text(picture)
    text = ["---\ntitle: Large\n---\n"]
    for i in range(sections):
        text.append(f"{'#' if i % 10 == 0 else '##'} Section {i} {{#sec-{i}}}\n")
        for j in range(i * figures // sections, (i + 1) * figures // sections):
            text.append(f'![Figure number {j}](line.svg){{#fig-{j} fig-alt="A line"}}\n')
        for j in range(i * references // sections, (i + 1) * references // sections):
            target = f"@fig-{j % figures}" if j % 2 else f"@sec-{j % sections}"
            text.append(f"Sentence {j} refers to {target}.\n")
    (folder / "report" / "index.qmd").write_text("\n".join(text))


if __name__ == "__main__":
    main()
