"""A small report with each construct that the page has something to do for, made once for all
tests.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lmreport.display import markdown
from lmreport.display.traced import TracedText
from lmreport.reporting import metrics
from lmreport.runs import records
from rendering import ROOT, own, project, quarto

FRONT = "---\ntitle: A page to try\nsubtitle: With each construct\ndate: 2026-01-02\njupyter: python3\n---\n\n"
BODY = (
    """
# Summary {.unnumbered}

The first sentence has a number, [90.1 %]{.computed data-value="0.901" data-as="pct:1" data-code="x"}.

::: {.callout-note}
## A note
With [a link](#sec-b) and `code`.
:::

::: {.callout-warning collapse="true"}
## Folded
Hidden marmalade.
:::

# First part {#sec-a}

@fig-line shows a line, @tbl-wide much, @eq-long says why. Item by @vaswani2017.[^n]

[^n]: The note says more.

![A line that rises.](line.svg){#fig-line fig-alt="One line from lower left to upper right."}

[Run line-0123 (2026-01-02) · drawn by `line` · again: `lmreport run line --force`,
and so on, with a recorded date, a machine, a commit and more words to cut.]{.origin tabindex="0"}

## Inside {#sec-b}

*Item 1a · 2 points*

Again @fig-line, and words, words.

```{python}
#| label: folded
#| code-fold: true
# a comment
import sys
print("a long line of output " * 12, file=sys.stdout)
```

```{python}
#| label: shown
def area(r, unit="cm"): return 3.14 * r ** 2  # folded or not
```

# Second part {#sec-c}

| | alpha | beta | gamma | delta | epsilon | zeta | eta | theta |
|---|---|---|---|---|---|---|---|---|
| one row | 0.12345678 | 0.23456789 | 0.34567891 | 0.45678912 | 0.56789123 | 0.67891234 | 0.78912345 | 0.89123456 |

: Much in one row. {#tbl-wide}

| name | one | two | three | four | five | six | seven |
|---|---|---|---|---|---|---|---|
| without_a_caption | 0.1234567890 | 0.1234567890 | 0.1234567890 | 0.1234567890 | 0.1234567890 | 0.1234567890 | 0.1 |

$$
x_1 + x_2 + x_3 + x_4 + x_5 + x_6 + x_7 + x_8 + x_9 + x_{10} + x_{11} + x_{12}
+ x_{13} + x_{14} + x_{15} + x_{16} + x_{17} = y_1 + y_2 + y_3 + y_4 + y_5 + y_6 + y_7 + y_8 + y_9
$$ {#eq-long alt="Letters."}

::: {.panel-tabset}
## One
The first tab.

## Two
The second tab hides a pomegranate.
:::

"""
    + "\n\n".join(
        f"Paragraph {i} of plain words to make the page long enough to scroll." for i in range(30)
    )
    + """

Of the test texts ACCURACY are right, and this is MORE than half. Both took TIMES.

::: {#tbl-own}

| one | two |
|---|---|
| plain | OWN |

[Run line-0123 (2026-01-02, 2 cores)
· written by `tables.own` · again: `lmreport run line --force`.]{.origin tabindex="0"}

A row of its own.
:::

# Third part {#sec-d}

"""
    + "\n\n".join(f"Sentence {i} at the end." for i in range(30))
    + """

# From `AutoModel` to `AutoModelForSequenceClassification` {#sec-long}

- `lmreport run concepts.recurrence.gradients --force` and `AutoModelForSequenceClassification`
- <https://example.org/an/address/that/is/longer/than/a/telephone/is/wide/and/has/no/blank.tar.gz>

> Somebody said this.

# References {.unnumbered}

::: {#refs}
:::
"""
)
LINE = """<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200" viewBox="0 0 400 200">
<path d="M20 180L380 20" stroke="#0072b2" stroke-width="4"/><text x="150" y="190" font-size="14">steps</text></svg>"""


def numbers() -> dict[str, TracedText]:
    """Computed numbers of the small report, from recorded runs, and one whose table alone tells."""
    found = {r.name: r for r in records.all_records() if r.name in ("tfidf_svm", "lstm")}
    share = metrics.accuracy(found["tfidf_svm"])
    both = found["lstm"]["train_seconds"] + found["tfidf_svm"]["train_seconds"]
    return {
        "ACCURACY": markdown.pct(share),
        "MORE": markdown.more_or_less(share, 0.5, "more", "less"),
        "TIMES": markdown.duration(both),
        "OWN": markdown.count(1234),
    }


def small(folder: Path, renderer: str) -> Path:
    """The page of the small report with the options, style and scripts of the real one."""
    options = (ROOT / "_quarto.yml").read_text(encoding="utf-8")
    body = BODY
    for name, number in numbers().items():
        body = body.replace(name, number.markdown)
    project(folder, body, FRONT, options.replace("    - report/supplement.qmd\n", ""))
    (folder / "report" / "line.svg").write_text(LINE)
    shutil.copytree(ROOT / "report" / "page", folder / "report" / "page")
    for name in ("theme.scss", "typst-header.typ"):
        shutil.copy(ROOT / "report" / name, folder / "report")
    if renderer == "quarto":
        return quarto(folder, "--to", "html") / "index.html"
    with ThreadPoolExecutor(1) as aside:  # the browser's event loop may run in this thread
        return aside.submit(own, folder, ("html",)).result() / "index.html"
