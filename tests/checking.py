"""A small finished report for the tests of `lmreport check`, and what they do to it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

import rendering
from lmreport.check import check
from lmreport.render import up_to_date

RUBRIC = """
sections:
  - {id: 1, title: Data, anchor: sec-data, printed: 4, who: [157B, 272B]}
  - {id: 2, title: Grad, anchor: sec-grad, printed: 2, who: [272B]}
items:
  - {id: 1a, points: 1, asks: First}
  - {id: 1b, points: 2, asks: Second}
  - {id: 2a, points: 2, asks: Third}
"""
WORDS = "These are more than ten plain words that answer what this item asks for."
BREAK = "{{< pagebreak >}}\n\n"
BODY = f"""# Summary {{.unnumbered}}

**Name:** A\\
**E-mail:** b\\
**Perm number:** c\\
**Date:** d\\
**Honor statement:** e

```{{python}}
#| label: setup
#| include: false
from lmreport.reporting import rubric
```

@tbl-points has the items. `{{python}} rubric.differing_sentence()`

```{{python}}
#| label: tbl-points
#| tbl-cap: Items and points.
#| echo: false
rubric.table()
```

{BREAK}# Data {{#sec-data}}

## One (1a) {{#sec-1a}}

*Item 1a · 1 point*

{WORDS} It is [90.1 %]{{.computed data-value="0.901" data-as="pct:1" data-code="x"}}, as [the second](#sec-1b) says
and @fig-line shows, after @vaswani2017.

![A line that rises.](line.svg){{#fig-line fig-alt="One line from lower left to upper right."}}

## Two (1b) {{#sec-1b}}

*Item 1b · 2 points*

{WORDS}

```{{python}}
#| label: sums
print(1 + 1)
```

:::::::::: {{.content-visible when-profile="272b"}}

{BREAK}# Grad {{#sec-grad}}

## Three (2a) {{#sec-2a}}

*Item 2a · 2 points*

{WORDS}

::::::::::

# References {{.unnumbered}}

::: {{#refs}}
:::
"""
LINE = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><path d="M2 18L38 2" stroke="#0072b2"/></svg>'
FRONT = "---\ntitle: A test\ndate: 2026-01-02\ndate-format: D MMMM YYYY\n---\n\n"
PROFILES = rendering.OPTIONS + "profile: {default: 272b, group: [[272b, 157b]]}\n"


SUPPLEMENT = """# More {#sec-more}

As @fig-more and [the report](index.html#sec-1a) say, after @vaswani2017, it is
[90.1 %]{.computed data-value="0.901" data-as="pct:1" data-code="x"}.

![A line that rises further.](line.svg){#fig-more fig-alt="One line from lower left to the right."}

```{python}
#| label: differences
print(2 - 1)
```

```{python}
#| output: asis
from lmreport.display import markdown
markdown.flags({"lacking": True})
```

::: {.content-hidden when-meta="lacking"}
As @tbl-lacking says.

```{python}
#| label: tbl-lacking
#| tbl-cap: What is left out.
markdown.table([["1"]], ["a"])
```
:::
"""


@dataclass
class Report:
    """A finished report in a folder of its own, that a test may damage."""

    folder: Path

    def path(self, ending, name="index"):
        return self.folder / "_report" / "report" / f"{name}.{ending}"

    def page(self, old, new, count=1, name="index"):
        """Put `new` in the place of `old` in the page of a document."""
        page = self.path("html", name)
        text = page.read_text()
        assert len(re.findall(old, text)) >= count, f"{old} is not in the page"
        page.write_text(re.sub(old, lambda m: m.expand(new), text, count=count))
        self.sealed()

    def cell(self, label, **changes):
        """Change a cell of the notebook."""
        notebook = nbformat.read(self.path("ipynb"), 4)
        cell = next(c for c in notebook.cells if f"label: {label}" in c.source)
        for name, value in changes.items():
            setattr(cell, name, value)
        nbformat.write(notebook, self.path("ipynb"))
        self.sealed()

    def sealed(self):
        """Let the files be those that the render wrote: it was the render that went wrong."""
        kept = self.path("html").with_name(".render.json")
        if not kept.is_file():  # Quarto keeps no digests
            return
        told = json.loads(kept.read_text())
        for document in told.values():
            for name, file in document["outputs"].items():
                path = kept.with_name(name)
                file["digest"] = up_to_date.contents(path) if path.is_file() else ""
        kept.write_text(json.dumps(told))

    def line(self, text, name="index"):
        """file:line of the source."""
        lines = (self.folder / "report" / f"{name}.qmd").read_text().splitlines()
        return f"report/{name}.qmd:{next(n for n, line in enumerate(lines, 1) if text in line)}"

    def line_of_cell(self, label):
        """file:line of the fence of a cell."""
        name, number = self.line(f"label: {label}").split(":")
        return f"{name}:{int(number) - 1}"

    def found(self, quick=True, **options):
        return check(self.folder, quick=quick, **options)[1]


def made(folder, body=BODY, render=rendering.own, supplement="", **options):
    """The finished report in `folder`, by one of the renderers of `rendering`."""
    rendering.project(folder, body, FRONT, PROFILES)
    if supplement:
        (folder / "report" / "supplement.qmd").write_text(
            FRONT.replace("A test", "More") + supplement
        )
    for name in ("157b", "272b"):
        (folder / f"_quarto-{name}.yml").write_text(f"subtitle: For {name}\n")
    (folder / "report" / "rubric.yml").write_text(RUBRIC)
    (folder / "report" / "line.svg").write_text(LINE)
    (folder / "report" / "allowed-numbers.yml").write_text(
        '"90.1 %": it stands for a computed number\n"0.901": the same\n'
    )
    render(folder, **options)
    return Report(folder)
