"""What the renderer refuses, with file and line; what it leaves alone; what is the same every
time.
"""

from __future__ import annotations

import json
import os
import re
import signal

import nbformat
import PIL.Image
import pytest

import listening
from lmreport.check.numbers import verify
from lmreport.core.errors import ReportError
from lmreport.data import download
from lmreport.models import pretrained
from lmreport.render import constructs, pandoc_ast, render, source, up_to_date
from lmreport.render import project as projects
from rendering import FRONT, OPTIONS, Page, interrupted, own, project, text

CELL = "```{python}\n#| label: fig-a\n1\n```\n"
BAD = {
    "unknown reference": (
        "Text.\n\nSee @fig-none.\n",
        r"report/index\.qmd:8: @fig-none refers to nothing",
    ),
    "unknown kind": ("See @thm-a.\n", r"report/index\.qmd:6: .*@thm-"),
    "label twice": (
        "::: {#fig-a}\nx\n\ncap\n:::\n\n::: {#fig-a}\ny\n\ncap\n:::\n",
        r"index\.qmd:12: label 'fig-a' is given twice; give another one here$",
    ),
    "label of a heading that another one has by its words": (
        "# Test\n\n# Other {#test}\n",
        r"index\.qmd:8: label 'test' is given twice; .*a heading without one is named after its",
    ),
    "cell label twice": (
        CELL + CELL,
        r"index\.qmd:10: label 'fig-a' was given before, at report/index\.qmd:6; give another",
    ),
    "section and anchor": ("# A {#sec-a}\n\n[text](#sec-b)\n", r"index\.qmd:8: link to #sec-b"),
    "cell option": (
        "```{python}\n#| lable: a\n1\n```\n",
        r"index\.qmd:7: unknown cell option 'lable'; did you mean 'label'",
    ),
    "cell option's kind": (
        "```{python}\n#| echo: perhaps\n1\n```\n",
        r"index\.qmd:7: cell option echo: 'perhaps'",
    ),
    "other language": (
        "```{r}\n1\n```\n",
        r"index\.qmd:6: .*\{r\} is not supported; show it as code with ```r, or put a picture",
    ),
    "comment on a fence": (
        "<!--```{python}\nx = 1\n``` -->\n\n```{python}\n2\n```\n",
        r"index\.qmd:6: a comment begins on the line of a fence; put <!-- on a line of its own",
    ),
    "comment in text before a fence": (
        "Text. <!-- ```{python}\nx = 1\n```\n-->\n",
        r"index\.qmd:6: a comment begins on the line of a fence",
    ),
    "end of a comment on a cell's fence": (
        "<!--\n```{python}\nx = 1\n``` -->\n\n```{python}\n2\n```\n",
        r"index\.qmd:9: a comment ends on the line of a fence; put --> on a line of its own",
    ),
    "end of a comment on a fence": (
        "<!--\n\n``` -->\n\n```{python}\n2\n```\n",
        r"index\.qmd:8: a comment ends on the line of a fence",
    ),
    "figure's shape": (
        "```{python}\n#| fig-asp: 0.6\n1\n```\n",
        r"index\.qmd:7: unknown cell option 'fig-asp'; a figure's size is set where it is drawn$",
    ),
    "figure's size": (
        "```{python}\n#| fig-width: 5\n1\n```\n",
        r"index\.qmd:7: unknown cell option 'fig-width'; a figure's size is set where it is drawn$",
    ),
    "backslash in a caption between double quotes": (
        '```{python}\n#| label: tbl-a\n#| tbl-cap: "At $\\gamma$"\n1\n```\n',
        r"index\.qmd:8: not valid YAML in a cell's options.*; .* \$\\gamma\$, in single quotes",
    ),
    "option like none": (
        "```{python}\n#| folding: x\n1\n```\n",
        r"index\.qmd:7: unknown cell option 'folding'; leave it out, or render with Quarto$",
    ),
    "open block": ("```python\n1\n", r"index\.qmd:6: this code block .* never closed"),
    "shortcode": ("Play {{< video x.mp4 >}}.\n", r"index\.qmd:6: shortcode \{\{< video"),
    "include": (
        "{{< include _none.qmd >}}\n",
        r"index\.qmd:6: include '_none\.qmd' is not a file of this project; put it there$",
    ),
    "Div without attributes": (
        "Text.\n\n:::\n![](a.png)\n:::\n",
        r"index\.qmd:8: ':::' is read as text; delete it, or write ::: \{\.class\} where a Div beg",
    ),
    "one end of a Div too many": (
        "::: {.callout-note}\nA\n:::\n\n::::\n\nB\n",
        r"index\.qmd:10: '::::' is read as text; delete it",
    ),
    "include outside": ("{{< include /../../etc/passwd >}}\n", r"index\.qmd:6: include"),
    "source": ("As [@nobody2020] says.\n", r"index\.qmd:6: no source 'nobody2020'"),
    "picture": ("![cap](none.png)\n", r"picture 'none\.png' is not a file .*; put it there$"),
    "caption": (
        "```{python}\n#| label: fig-a\nprint(1)\n```\n",
        r"index\.qmd:6: cell 'fig-a' needs fig-cap",
    ),
    "annotated code": ("```bash\nls # <1>\n```\n", r"index\.qmd:7: code annotations are not"),
    "annotated code in C": ("``` c\nx; /* <1> */\n```\n", r"index\.qmd:7: code annotations"),
    "cell in a quotation": (
        "> ```{python}\n> 1\n> ```\n",
        r"index\.qmd:6: a cell in a quotation or behind a list's mark is not run",
    ),
    "cell in a list": ("- ```{python}\n  1\n  ```\n", r"index\.qmd:6: a cell in a quotation or"),
    "inline code beside another": (
        "Text.\n\n`{python} 1``{python} 2`\n",
        r"index\.qmd:8: inline code '\{python\} 2' is not run",
    ),
    "inline code in two ticks": (
        "``{python} 'a`b'``\n",
        r"index\.qmd:6: inline code .* is not run",
    ),
    "page break in a line": ("A {{< pagebreak >}} b\n", r"index\.qmd:6: .* stands in a paragraph"),
    "page break in a paragraph": (
        "A\n{{< pagebreak >}}\nb\n",
        r"index\.qmd:7: .* stands in a paragraph",
    ),
    "list as a table": (
        "::: {.list-table}\n* - a\n  - b\n:::\n",
        r"index\.qmd:6: 'list-table' is not supported",
    ),
    "solution": ("::: {.solution}\nx\n:::\n", r"index\.qmd:6: 'solution' is not supported"),
    "place of a caption": (
        '| a |\n|---|\n| 1 |\n\n: Cap {#tbl-a cap-location="margin"}\n',
        r"index\.qmd:10: 'cap-location' is not supported",
    ),
    "name of a file": (
        '```{.python filename="a.py"}\n1\n```\n',
        r"index\.qmd:6: 'filename' is not supported",
    ),
    "cell between tildes": (
        "~~~{python}\n1\n~~~\n",
        r"index\.qmd:6: a cell that begins ~~~\{python\} is not supported; start it with ```",
    ),
    "element of other programs": (
        'An <iconify-icon icon="a"></iconify-icon> icon.\n',
        r"index\.qmd:6: .* write `<iconify-icon icon=\"a\">` or \\<iconify-icon icon=\"a\">$",
    ),
    "appendix": ("Text.\n\n# More {.appendix}\n", r"index\.qmd:8: 'appendix' is not supported"),
    "formula outside of $$": (
        "Text.\n\n\\begin{align}\na &= b\n\\end{align}\n",
        r"index\.qmd:8: \\begin\{align\} stands in no formula and would be lost; put a formula",
    ),
    "words in TeX": ("As \\textbf{bold} text.\n", r"index\.qmd:6: \\textbf\{bold\} stands in no"),
    "reference in TeX": ("Text.\n\nSee \\ref{fig-a}.\n", r"index\.qmd:8: \\ref\{fig-a\} stands"),
    "comment in a formula": (
        "Text.\n\n$$\na = b % why\n$$ {#eq-a}\n\nSee @eq-a.\n",
        r"index\.qmd:9: the formula 'a = b % why' cannot be set \(unexpected '%'\); write it",
    ),
    "formula that is none": (
        "It costs $10, `$` or more.\n",
        r"index\.qmd:6: the formula '10, `' cannot be set",
    ),
    "list in a formula": (
        "Text.\n\nSo $v = `{python} [1, 2]`$.\n",
        r"index\.qmd:8: the formula .* cannot be set",
    ),
    "class of a picture": (
        "Text.\n\n![cap](a.png){.column-margin}\n",
        r"index\.qmd:8: 'column-margin' is not supported",
    ),
    "table in HTML": (
        "Text.\n\n```{=html}\n<table><tr><td>1</td></tr></table>\n```\n",
        r"index\.qmd:9: a table in HTML is not supported",
    ),
    "Markdown as raw text": (
        "```{=pandoc-reader-rst}\n*a*\n```\n",
        r"index\.qmd:6: .*pandoc-reader-rst",
    ),
    "native text as raw text": (
        "A\n\n`Str 'b'`{=pandoc-native}\n",
        r"index\.qmd:8: \{=pandoc-native\} is not supported; write the text in Markdown",
    ),
    "raw Markdown": (
        "A\n\n```{=markdown}\n*b*\n```\n",
        r"index\.qmd:8: \{=markdown\} is not supported; write the text in Markdown",
    ),
    "shortcode in two lines": (
        "A\n\n{{< video x.mp4\n  title='b' >}}\n",
        r"index\.qmd:8: the shortcode \{\{< video … goes on in the next line; write it in one",
    ),
    "numbered picture in a link": (
        "[![cap](a.png){#fig-a}](https://example.com)\n",
        r"index\.qmd:6: the picture #fig-a has no caption, or stands in a line of text or a link",
    ),
    "numbered pictures in a row": (
        "![one](a.png){#fig-a} ![two](a.png){#fig-b}\n",
        r"index\.qmd:6: the picture #fig-",
    ),
    "tab set without tabs": (
        "::: {.panel-tabset}\nText.\n\n## One\n\nx\n:::\n",
        r"index\.qmd:6: a tab set begins with a heading",
    ),
    "condition of a heading": (
        '## Solution {.content-hidden when-format="html"}\n',
        r"index\.qmd:6: this condition belongs to what can have none",
    ),
    "condition": (
        '::: {.content-visible when-moon="full"}\nx\n:::\n',
        r"index\.qmd:6: unknown condition 'when-moon'",
    ),
    "condition alone in its Div": (
        '::: {.content-visible fromat="html"}\nx\n:::\n',
        r"index\.qmd:6: unknown condition 'fromat'",
    ),
    "code of items that is read as text": (
        "- ```\nfirst\n```\n\n- ```\nsecond\n```\n",
        r"index\.qmd:6: '```' begins no block of code here .* just as far as the text of its item",
    ),
    "include in a line of text": (
        "See {{< include _a.md >}}\n",
        r"index\.qmd:6: shortcode .* stands in a line of text; put it on a line of its own",
    ),
    "reference in a formula": (
        "$$\na = b \\quad @eq-b\n$$\n",
        r"index\.qmd:7: @eq-b in a formula would be shown as it is written; put it into the text",
    ),
    "size of a cell's figure on a picture": (
        'Text.\n\n![FOSS](a.png){fig-width="1in"}\n',
        r"index\.qmd:8: 'fig-width' says nothing of this picture; write width=",
    ),
    "link to an identifier of other programs": (
        "# Foo & Bar\n\n[foo](#foo--bar)\n",
        r"index\.qmd:8: link to #foo--bar, which does not exist; did you mean 'foo-bar'\?",
    ),
    "label before its formula": (
        "$$ {#eq-a}\nx\n$$\n",
        r"index\.qmd:6: .* a formula gets its label behind it: \$\$ … \$\$ {#eq-name}",
    ),
    "blank line in a note of one line": (
        "Text^[note with a list:\n\n- a\n- b\n].\n",
        r"index\.qmd:6: '\^\[note' is read as text; no blank line stands in \^\[…\]; write \[\^name",
    ),
    "rows of a formula": (
        "$$a = b \\\\ c = d$$\n",
        r"index\.qmd:6: .* cannot be set .*; put its rows between \\begin{aligned}",
    ),
    "a row of one formula of several": (
        "".join(
            f"$$\n\\begin{{aligned}}\nx &= 1 \\\\\n{row}\n\\end{{aligned}}\n$$\n\n"
            for row in ("y &= 2", "z &= \\why{3}", "w &= 4")
        ),
        r"index\.qmd:16: the formula 'z &= \\why\{3\}' cannot be set",
    ),
    "a command in one row of a formula": (
        "$$\n\\begin{aligned}\nx \\\\\n\\why\n\\end{aligned}\n$$\n",
        r"index\.qmd:9: the formula '\\why' cannot be set .* knows no \\why there",
    ),
    "a long row of a formula": (
        "$$\n\\begin{aligned}\n"
        "    x &= \\text{a long word of the first row} \\\\\n"
        "    y &= \\text{a long word of \\textit{another} row} \\\\\n"
        "\\end{aligned}\n$$\n",
        r"index\.qmd:9: the formula 'y &= ",
    ),
    "command with two backslashes": (
        "Lagged $\\\\lambda$.\n",
        r"index\.qmd:6: the formula '\\\\lambda' cannot be set .*; a command has one \\; put rows",
    ),
    "brackets with a backslash": (
        "In \\[n = 3\\] of them.\n",
        r"index\.qmd:6: '\[n = 3\]' is read as text; .*, or \[ \] without \\ where brackets are",
    ),
    "command of TeX that pandoc does not know": (
        "Text $\\mathbbm{1}$.\n",
        r"index\.qmd:6: .* cannot be set .* knows no \\mathbbm there; write it in other commands",
    ),
    "note in a note of one line": (
        "Text.\n\nNested^[outer ^[inner words]].\n",
        r"index\.qmd:8: a note stands in another note, where none can; write its text there",
    ),
    "blank line in a caption": (
        'Text.\n\n![A *long* "caption"\n\nand more](a.png)\n',
        r"index\.qmd:8: .* is read as text; no blank line stands in the caption of a picture",
    ),
    "label of a listing as that of its cell": (
        "```{python}\n#| label: lst-a\n#| lst-label: lst-b\n#| lst-cap: Words\nprint(1)\n```\n",
        r"index\.qmd:6: a listing is labelled by lst-label; leave label: lst-a out",
    ),
    "caption of a listing": (
        '```{.python #lst-a caption="Words"}\nx\n```\n',
        r"index\.qmd:6: 'caption' is not shown; write it as {#lst-NAME \.python lst-cap=",
    ),
    "caption of a picture": (
        'Text.\n\n![](a.png){caption="Words"}\n',
        r"index\.qmd:8: 'caption' is not shown; write it between the \[ \]",
    ),
    "listing without a caption": (
        "```{.python #lst-a}\nx\n```\n",
        r"index\.qmd:6: listing 'lst-a' needs lst-cap",
    ),
    "condition that no cell sets": (
        '::: {.content-hidden when-meta="moon"}\nx\n:::\n',
        r"index\.qmd:6: no cell sets 'moon'",
    ),
    "condition that a cell sets": (
        '::: {.content-hidden when-meta="moon"}\nx\n:::\n',
        r'index\.qmd:6: no cell sets .*Markdown\("---\\nmoon: true\\n---"\) of IPython\.display as its',
    ),
    "class with a full stop and no braces": (
        "::: .callout-note\nx\n:::\n",
        r"index\.qmd:6: \.callout-note is read as the name of a class; write \{\.callout-note\}",
    ),
    "layout of rows": (
        '::: {layout="[50,50]"}\n![](a.png)\n\n![](a.png)\n:::\n',
        r"index\.qmd:6: 'layout' is not supported; write layout-ncol=2$",
    ),
    "full stop behind a formula's label": (
        "$$x$$ {#eq-e}.\n",
        r"index\.qmd:6: '\{#eq-e\}' is read as text; .*; a full stop stands in the formula$",
    ),
    "label of a formula that is none": (
        "$$x$$ {#eq:e}\n",
        r"index\.qmd:6: '\{#eq:e\}' is read as text; in the line of the last \$\$ stands behind it",
    ),
    "label of a heading without its sign": (
        "# Head {sec-a}\n\ntext\n",
        r"index\.qmd:6: '\{sec-a\}' is read as text; attributes stand as \{#label",
    ),
    "attributes of a heading that are never closed": (
        "# Head {.unnumbered\n\ntext\n",
        r"index\.qmd:6: '\{\.unnumbered' is read as text; attributes stand as",
    ),
    "no-break space before a heading": (
        "\u00a0# Head\n",
        r"index\.qmd:6: '# Head' is read as text; type an ordinary blank before '#'",
    ),
    "term directly below a definition": (
        "a\n: one\nb\n: two\n",
        r"index\.qmd:8: 'b' is read as part of the definition above it; put a blank line before it",
    ),
    "term directly below an indented definition": (
        "a\n  ~ one\nb\n  ~ two\n",
        r"index\.qmd:8: 'b' is read as part of the definition above it",
    ),
    "label that is almost there": (
        "# A {#sec-models}\n\nSee @sec-model.\n",
        r"index\.qmd:8: .*; no section has this label; did you mean 'sec-models'\?$",
    ),
    "label that is not there": (
        "# A #sec-a\n\nSee @sec-a.\n",
        r"index\.qmd:8: .*; no section has this label; write \{#sec-a\} behind the heading$",
    ),
    "words in brackets behind a reference in the text": (
        "# A {#sec-a}\n\nSee @sec-a [left].\n",
        r"index\.qmd:8: 'left' stands in the brackets .* lost; write \( \)$",
    ),
    "label with a colon": (
        "$$x$$ {#eq-a}\n\nSee @eq:a.\n",
        r"index\.qmd:8: no source 'eq:a' .*; write @eq-a$",
    ),
    "numbered examples with a name": (
        "(@good) One\n\nSee (@good).\n",
        r"index\.qmd:8: .*; numbered examples, \(@\), are not supported; write 1\., and name it",
    ),
    "space of other units in a formula": (
        r"$a \hspace{2mm} b$" + "\n",
        r"index\.qmd:6: .*; in place of \\hspace\{2mm\} write \\hspace\{1em\}, with em, pt, in or cm",
    ),
    "space that pandoc does not know in a formula": (
        r"$a \mskip 18mu b$" + "\n",
        r"index\.qmd:6: .*; in place of \\mskip write \\hspace\{1em\}",
    ),
    "inline code of R": (
        "See `{r} 1 + 1`.\n",
        r"index\.qmd:6: inline code '\{r\} 1 \+ 1' is not run; write it in Python, .* or write `\{\{r\}\} …`",
    ),
    "cell with knitr's options": (
        "```{python eval=FALSE, echo=TRUE}\n1\n```\n",
        r"index\.qmd:6: .* at the beginning of a line, and write its options below that, as #\| echo: f",
    ),
    "option of knitr": (
        "```{python}\n#| results: asis\n1\n```\n",
        r"index\.qmd:7: unknown cell option 'results'; write output: asis, or output: false$",
    ),
    "listing by its cell's label": (
        "```{python}\n#| label: lst-a\n#| lst-cap: A\n1\n```\n",
        r"index\.qmd:8: .*; write lst-label: lst-a in place of label: lst-a$",
    ),
    "tag that is no list": (
        "```{python}\n#| tags: parameters\n1\n```\n",
        r"index\.qmd:7: .* is not of the right kind; write a list, \[a, b\]$",
    ),
    "include of other braces": (
        "{{ <include _part.qmd> }}\n",
        r"index\.qmd:6: \{\{ <include .* is read as text; write \{\{< include _part\.qmd >\}\}$",
    ),
    "include as another program has it": (
        "{% include _part.qmd %}\n",
        r"index\.qmd:6: .* is read as text; write \{\{< include _part\.qmd >\}\}$",
    ),
    "caption of the other kind": (
        "```{python}\n#| label: tbl-a\n#| fig-cap: A\n1\n```\n",
        r"index\.qmd:6: cell 'tbl-a' needs tbl-cap in place of fig-cap$",
    ),
    "several options that cells have not": (
        "```{python}\n#| ft-align: center\n#| fig_cap: A\n1\n```\n",
        r"index\.qmd:7: unknown cell option 'ft-align'; leave it out.*\n.*:8: .* did you mean 'fig-cap'",
    ),
    "list in a quotation": (
        "> Foo\n> - bar\n> - baz\n",
        r"index\.qmd:7: '- bar' is read as text; put a line with > alone before it$",
    ),
    "table in a quotation of a quotation": (
        "> > Foo\n> > | a |\n> > |---|\n> > | 1 |\n",
        r"index\.qmd:7: '\| a \|' is read as text; put a line with > alone before it$",
    ),
    "include and page break in a line": (
        "{{< include _a.qmd >}} {{< pagebreak >}}\n",
        r"index\.qmd:6: \{\{< pagebreak >\}\} stands in a paragraph; put blank lines before and",
    ),
    "two includes in a line": (
        "{{< include _a.qmd >}} {{< include _b.qmd >}}\n",
        r"index\.qmd:6: .*include _a\.qmd.* stands in a line of text; put it on a line of its own",
    ),
    "formula without a number": (
        "$$\n\\begin{align}\na\\nonumber\\\\\nb\\notag\n\\end{align}\n$$\n",
        r"index\.qmd:9: .*; leave out \\nonumber and \\notag; a formula without a label has no number",
    ),
    "old font in a formula": (
        r"$x_{\rm test}$" + "\n",
        r"index\.qmd:6: .*; write \\mathrm\{…\}$",
    ),
    "tabs that a cell shows": (
        "::: {.panel-tabset}\n\n```{python}\n1\n```\n\n:::\n",
        r"index\.qmd:6: a tab set begins .*; a cell that shows the headings has #\| output: asis and",
    ),
    "reference of TeX": (
        "See \\ref{sec:i}.\n",
        r"index\.qmd:6: \\ref\{sec:i\} stands in no .*; write @fig-NAME, @tbl-NAME, @eq-NAME or @sec-NAME",
    ),
    "note of TeX": ("See\\footnote{a}.\n", r"index\.qmd:6: .* would be lost; write \^\[…\]$"),
    "margin": (
        "Text.\n\n::: {.column-margin}\nx\n:::\n",
        r"index\.qmd:8: 'column-margin' is not supported",
    ),
    "theorem": ("::: {#thm-a}\nx\n:::\n", r"index\.qmd:6: blocks of the kind #thm-a"),
    "annotation": ("```{python}\nx = 1  # <1>\n```\n", r"index\.qmd:7: code annotations"),
    "bracket": (
        "# A {#sec-a}\n\nSee [@sec-a; @vaswani2017].\n",
        r"index\.qmd:8: a cross-reference and a citation",
    ),
    "note used but not defined": (
        "Text.\n\nSo.[^attn] `[^a]` \\[^b]\n",
        r"index\.qmd:8: the note \[\^attn\] is nowhere defined; add a line \[\^attn\]:",
    ),
    "note defined without its ^": (
        "Text.[^attn]\n\n[attn]: A note.\n",
        r"index\.qmd:6: the note .* defined; write \[\^attn\]: with its \^ in report/index\.qmd:8",
    ),
    "note defined but not used": (
        "Text.[^attn]\n\n[^attention]: A note.\n",
        r"index\.qmd:8: the note \[\^attention\] is nowhere used and .*index\.qmd:6 has \[\^attn\]",
    ),
    "address with @": (
        "Text.\n\nWatch https://www.youtube.com/@3blue1brown today.\n",
        r"index\.qmd:8: no source '3blue1brown' in the bibliography; put the address into <…>",
    ),
    "name with @": ("By @torvalds.\n", r"no source 'torvalds' .*; to show it .* \\@torvalds"),
    "picture from elsewhere": (
        "Text.\n\n![a](https://example.org/a.png)\n",
        r"index\.qmd:8: the picture 'https://example\.org/a\.png' lies elsewhere",
    ),
    "cell that ends all": (
        "Text.\n\n```{python}\n#| label: end\nif True:\n    exit()\n```\n\n```{python}\n1\n```\n",
        r"index\.qmd:8: cell 'end' calls exit\(\) or quit\(\)",
    ),
    "figure drawn into a file": (
        "```{python}\nimport matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\n"
        "plt.plot([1])\nplt.savefig('/dev/null', format='png')\n```\n\n"
        "```{python}\nplt.plot([1])\nplt.show()\n```\n",
        r"index\.qmd:14: cell .* shows no figure, since matplotlib .*; leave out matplotlib\.use",
    ),
    "failing cell": (
        "```{python}\n#| label: bang\nx = 1\n\n1 / 0\n```\n",
        r"index\.qmd:10: cell 'bang' failed: ZeroDivisionError: division by zero; mend it, or show "
        r"the error with '#\| error: true'",
    ),
    "failing function": (
        "```{python}\ndef f():\n    raise ValueError('no')\n```\n\n```{python}\nf()\n```\n",
        r"index\.qmd:12: cell .* failed: ValueError: no",
    ),
    "syntax": ("```{python}\nx = (\n```\n", r"index\.qmd:\d+: cell .* failed: SyntaxError"),
    "inline code": (
        "Text.\n\nIs `{python} nothing + 1`.\n",
        r"index\.qmd:8: inline code 'nothing \+ 1' failed: NameError",
    ),
    "caption that YAML cuts": (
        "```{python}\n#| label: tbl-a\n#| tbl-cap: Loss of run #2\n1\n```\n",
        r"index\.qmd:8: '#2' begins a comment in YAML and would be lost; put the text in quotes",
    ),
    "option without its colon": (
        "```{python}\n#| label: tbl-a\n#| echo = false\n#| output: asis\n1\n```\n",
        r"index\.qmd:8: expected `option: value`, with a colon and a blank behind it",
    ),
    "option without its blank": (
        "```{python}\n#| echo:false\n#| warning: false\n1\n```\n",
        r"index\.qmd:7: expected `option: value`, with a colon and a blank behind it",
    ),
    "quotes in quotes": (
        '```{python}\n#| fig-cap: "A "quoted" caption"\n1\n```\n',
        r"index\.qmd:7: .*; put the whole text in quotes, of the other kind where it has some",
    ),
    "magic that there is not": (
        "Text.\n\n```{python}\n%unknown\n```\n",
        r"index\.qmd:9: cell .* failed: UsageError: Line magic function `%unknown` not found",
    ),
    "code that a cell begins and does not end": (
        "```{python}\n#| output: asis\nprint('```python\\nx = 1')\n```\n",
        r"index\.qmd:6: in what this cell shows, this code block \(```python\) is never closed",
    ),
    "label of a cell's listing of another kind": (
        "```{python}\n#| lst-label: foo\n#| lst-cap: Foo\n1\n```\n",
        r"index\.qmd:7: lst-label: 'foo' needs a name that begins with lst-",
    ),
    "label given as an id": (
        "```{python}\n#| id: fig-1\n#| fig-cap: A figure\n1\n```\n",
        r"index\.qmd:7: id 'fig-1' gives no number; write label: fig-1",
    ),
    "script that a cell shows": (
        "```{python}\nfrom IPython.display import Javascript\nJavascript('1')\n```\n",
        r"index\.qmd:6: this cell shows a script, .*; with matplotlib, leave out %matplotlib",
    ),
    "bytes that are no picture": (
        "```{python}\nfrom IPython.display import Image\nImage(b'no', format='png')\n```\n",
        r"index\.qmd:6: this cell shows image/png that cannot be read as a picture",
    ),
    "row with a bar": (
        "| a | b |\n|:--|--:|\n| `x | y` | $|x|$ |\n| 1 | P(y|x) is high |\n",
        r"index\.qmd:9: a row of this table has more cells than .* write \\\| for a bar",
    ),
    "caption of a listing without a label": (
        'Text.\n\n```{.python lst-cap="Lost"}\nx\n```\n',
        r"index\.qmd:8: 'lst-cap' is shown with a label only; add #lst-NAME",
    ),
    "caption of a cell's listing without a label": (
        "```{python}\n#| echo: true\n#| lst-cap: Lost\n1\n```\n",
        r"index\.qmd:8: 'lst-cap' is shown with a label only; add lst-label: lst-NAME",
    ),
    "bar in code as GitHub has it": (
        "| a | b |\n|:--|--:|\n| `x | y` | a \\| b |\n| 1 | `ls \\| wc` |\n",
        r"index\.qmd:9: the backslash would be shown in `ls \\\| wc`; .* none: `ls \| wc` \(if",
    ),
    "callout as GitHub has it": (
        "Text.\n\n> [!WARNING]\n> Hot.\n",
        r"index\.qmd:8: '\[!WARNING\]' is read as text; write ::: \{\.callout-warning\} above",
    ),
    "look of a callout": (
        '::: {.callout-note appearance="simple"}\nx\n:::\n',
        r"index\.qmd:6: 'appearance' is not supported; leave it out",
    ),
    "place of a picture": (
        'Text.\n\n![A](a.png){fig-align="left"}\n',
        r"index\.qmd:8: 'fig-align' is not supported; leave it out",
    ),
    "head with a bar": ("- x\n\n  P(y|x) | b\n  --|--\n  1 | 2\n", r"index\.qmd:8: a row of this"),
    "row with a bar from a cell": (
        "Text.\n\n```{python}\nfrom IPython.display import Markdown\n"
        'Markdown("|a|\\n|-|\\n|x|y|")\n```\n',
        r"index\.qmd:8: a row of this table",
    ),
    "row with a bar that a cell prints": (
        '```{python}\n#| output: asis\nprint("|a|\\n|-|\\n|x|y|")\n```\n',
        r"index\.qmd:6: a row of this table",
    ),
    "option below a comment": (
        "```{python}\n# Plot\n#| echo: false\n1\n```\n",
        r"index\.qmd:8: the cell option 'echo' does not stand at the top of its cell",
    ),
    "option below a magic": (
        "```{python}\n%%time\n#| fig-cap: Loss\n1\n```\n",
        r"index\.qmd:8: the cell option 'fig-cap' does not stand at the top",
    ),
    "reference of bookdown": (
        "As `\\@ref(a)` and\n\\@ref(fig:loss) show.\n",
        r"index\.qmd:7: \\@ref\(fig:loss\) is a reference of bookdown; write @fig-",
    ),
    "label of no kind": (
        "See @fig_loss.\n\n::: {#fig_loss}\nx\n\nLoss\n:::\n",
        r"index\.qmd:6: no source 'fig_loss' in the bibliography; it is a label here, but only",
    ),
    "cell's label of no kind": (
        "See @loss.\n\n```{python}\n#| label: loss\n1\n```\n",
        r"index\.qmd:6: no source 'loss' in the bibliography; it is a label here, but only labels",
    ),
    "label behind a blank": (
        "Write `{#fig-a}`.\n\n![Loss](a.png) {#fig-a}\n",
        r"index\.qmd:8: '\{#fig-a\}' is read as text; attributes stand as .* directly behind a pic",
    ),
    "label below a formula": (
        "$$\nx\n$$\n\n{#eq-a}\n",
        r"index\.qmd:10: '\{#eq-a\}' is read as text; .* the line of the last \$\$",
    ),
    "size behind a blank": (
        "Text.\n\n![Loss](a.png) {width=50%}\n",
        r"index\.qmd:8: '\{width=50%\}' is read as text; attributes stand as",
    ),
    "attributes with commas": (
        "# Loss {.unnumbered, .small}\n",
        r"index\.qmd:6: '\{\.unnumbered, \.small\}' is read as text; attributes stand as",
    ),
    **{
        f"{name} that is text": (body, rf"index\.qmd:{line}: '{said} is read as text; {remedy}")
        for name, line, body, said, remedy in (
            ("size with a colon", 6, "![L](a.png){width: 50%}\n", r"\{width: 50%\}'", "attributes"),
            ("picture with a blank", 6, "![L] (a.png)\n", r"!\[L\] \(a\.png\)'", "a picture is"),
            ("picture of Obsidian", 6, "See ![[a.png]].\n", r"!\[\[a\.png\]\]'", "a picture is"),
            ("heading without a blank", 8, "A\n\n##B c\n", "##B c'", "put a blank behind the #"),
            ("heading of one #", 6, "#B *c*\n\nd\n", r"#B \*c\*'", "put a blank .* or write .# to"),
            (
                "heading with U+00A0",
                6,
                "##\u00a0B\n",
                "## B'",
                "type an ordinary blank behind '##'",
            ),
            ("item with U+00A0", 8, "A\n\n-\u00a0b\n", "- b'", "type an ordinary blank behind '-'"),
            ("items with U+00A0", 6, "1.\u00a0a\n2.\u00a0b\n", r"1\. a'", "type an ordinary blank"),
            ("item behind U+00A0", 7, "- a\n\u00a0 - b\n", "- b'", "type .* blank before '-'"),
            (
                "label with U+00A0",
                8,
                "$$\nx\n$$\u00a0{#eq-a}\n",
                r"\{#eq-a\}'",
                ".*; a no-break spac",
            ),
            (
                "heading with U+200B",
                6,
                "\u200b# B\n",
                r"\\u200b# B'",
                r"delete U\+200B, which is not",
            ),
            ("comment", 6, "A <!-- the *solution*\n\nB\n", "<!-- the'", "end the comment with -->"),
            ("comment in lines", 8, "A\n\n<!--\nthe solution\n\nB\n", "<!--'", "end the com"),
            ("comment in an item", 7, "- a\n- b <!-- c\n\nd -->\n", "<!-- c'", "end the comment"),
        )
    },
    "quotation in a paragraph": (
        "Text, as\nsaid:\n> A *quotation*.\n> More.\n",
        r"index\.qmd:8: '> A \*quotation\*\.' is read as text; put a blank line before it, or write",
    ),
    "address in a paragraph": (
        "See [x][y].\n[y]: https://example.org\n",
        r"index\.qmd:7: '\[y\]: https://example\.org' is read as text; put a blank line before it",
    ),
    "list with letters in a paragraph": (
        "Steps:\na) one\nb) two\n",
        r"index\.qmd:7: 'a\) one' is read as text; put a blank line before it",
    ),
    "bullets of Word": (
        "Steps:\n\n• one\n• **two**\n",
        r"index\.qmd:8: '• one' is read as text; begin each item with -, and put a blank line before",
    ),
    "note directly below its paragraph": (
        "A.[^1]\n[^1]: Note.\n",
        r"index\.qmd:6: the note \[\^1\] is nowhere defined; put a blank line before .*index\.qmd:7",
    ),
    "comment in a comment": (
        "A <!-- b\n<!-- c -->\nthe solution\n-->\n\nD\n",
        r"index\.qmd:9: this --> ends no comment, as a comment stands in another one above and ends",
    ),
    "line with nothing but U+00A0": (
        "Two:\n\u00a0\n- a\n- b\n",
        r"index\.qmd:7: this line looks empty, but holds a no-break space, so that no paragraph",
    ),
    "U+00A0 behind :::": (
        ":::\u00a0{.callout-tip}\nb\n:::\n",
        r"index\.qmd:6: \{\.callout-tip\} is read as the name of a class; type ordinary blanks",
    ),
    "U+00A0 in attributes": (
        '::: {.callout-tip\u00a0title="a"}\nb\n:::\n',
        r"index\.qmd:6: .* class; type ordinary blanks in this line and no no-break space$",
    ),
    "U+00A0 in an option of a cell": (
        "```{python}\n#| echo: false\n#| label:\u00a0a\n1\n```\n",
        r"index\.qmd:8: the blank behind 'label:' is a no-break space, which is none in YAML; type",
    ),
    "heading in a paragraph": (
        "Text.\n# The *loss*\n\nMore.\n",
        r"index\.qmd:7: '# The \*loss\*' is read as text; put a blank line before it",
    ),
    "list in a paragraph": (
        'Three:\n- a `b`\n- "c" -- d\n- e\n',
        r"index\.qmd:7: '- a' is read as text; put a blank line before it",
    ),
    "numbered list in a paragraph": (
        "Two:\n1. a\n2. b\n",
        r"index\.qmd:7: '1\. a' is read as text",
    ),
    "table in a paragraph": (
        "So:\n| a | **b** |\n|---|:-:|\n| 1 | 2 |\n",
        r"index\.qmd:7: '\| a \| \*\*b\*\* \|' is read as text; put a blank line before it",
    ),
    "table without dashes": (
        "So:\n\n| a | b |\n| 1 | 2 |\n",
        r"index\.qmd:8: 'a \| b \|' is read as text; a table has a line of dashes",
    ),
    "table with a blank line": (
        "| a | b |\n|---|---|\n\n| 1 | 2 |\n",
        r"index\.qmd:9: '1 \| 2 \|' is read as text; .* no blank line in it",
    ),
    "heading that a cell prints in a paragraph": (
        "Text.\n\n```{python}\n#| output: asis\nfor n in 'ab':\n    print(f'## Part {n}\\nText.')\n```\n",
        r"index\.qmd:8: '## Part b' is read as text; put a blank line before it",
    ),
    "label of a cell that shows nothing": (
        "See @tbl-a.\n\n```{python}\n#| label: tbl-a\n#| tbl-cap: Cap\nx = 1\n```\n",
        r"index\.qmd:6: @tbl-a refers to nothing; the cell with this label shows no table",
    ),
    "code in YAML": (
        "```{python}\n#| fig-cap: !expr n\n1\n```\n",
        r"index\.qmd:7: !expr is a tag of YAML, and nothing is run here",
    ),
    "label around a formula": (
        "::: {#eq-a}\n$$x$$\n:::\n",
        r"index\.qmd:6: a formula gets its label behind it: \$\$ … \$\$ \{#eq-name\}",
    ),
    "label in a formula": (
        "Text.\n\n$$\nx \\label{eq:a}\n$$\n",
        r"index\.qmd:9: a formula gets its label behind it",
    ),
    "link without an address": (
        "Text.\n\nSee [the *page*]().\n",
        r"index\.qmd:8: the link 'the page' leads nowhere; write its address between the \( \)",
    ),
    "address without a text": (
        "See [page].\n\n[page]:\n\nText.\n",
        r"index\.qmd:8: the link 'page' leads nowhere",
    ),
    "callout of no kind": (
        "::: {.callout}\n## T\n\nx\n:::\n",
        r"index\.qmd:6: 'callout' is no kind of callout; known: callout-note, callout-tip, ",
    ),
    "callout of no kind above one that has its own": (
        "::: {.callout}\nx\n:::\n\n::: {.callout-note}\ny\n:::\n",
        r"index\.qmd:6: 'callout' is no kind of callout; known: callout-note, callout-tip, ",
    ),
    **{
        f"our own class {name}": (
            body,
            rf"index\.qmd:6: '{name}' is a class of this renderer's own; choose another name",
        )
        for name, body in (
            ("tabset", "::: {.tabset}\n## A\n\nx\n:::\n"),
            ("tab", "::: tab\nx\n:::\n"),
            ("labelled-equation", "[x]{.labelled-equation}\n"),
            ("caption-here", '::: {.caption-here caption="9"}\nx\n:::\n'),
        )
    },
    "kind of callout": (
        "::: {.callout-info}\nx\n:::\n",
        r"index\.qmd:6: 'callout-info' is no kind of callout; known: callout-note, callout-tip, ",
    ),
    "class without its dot": (
        "Text.\n\n::: {callout-note}\nx\n:::\n",
        r"index\.qmd:8: \{callout-note\} is read as the name of a class; write \{\.callout-note\}",
    ),
    "Div in a paragraph": (
        "Text\n::: {.callout-tip}\nx\n:::\n",
        r"index\.qmd:7: '::: \{\.callout-tip\}' is read as text; put a blank line before it",
    ),
    "Div in an item of a list": (
        "1. Text\n\n    ::: {.callout-tip}\n    x\n    :::\n",
        r"index\.qmd:8: '::: \{\.callout-tip\}' is read as text; .*indent it just as far as the text",
    ),
    **{
        f"{fence} in an item of a list": (
            f"1. Text\n    {fence}{code}    {fence[:3]}\n",
            rf"index\.qmd:7: '{fence}' begins no block of code here and is read as text; put a blank",
        )
        for fence, code in (
            ("```", "\n    x = 1\n"),
            ("```python", "\n    x = 1\n\n    y = 2\n"),
            ("~~~python", "\n    x = 1\n"),
        )
    },
    "code of an item whose lines are not indented": (
        "1. Text:\n\n    ```bash\nls\n\npwd\n    ```\n",
        r"index\.qmd:8: '```bash' begins no block of code .*; indent each of its lines just as far as",
    ),
    "note in the brackets of a citation": (
        "Text [@vaswani2017, p. 3[^a]].\n\n[^a]: Note.\n",
        r"index\.qmd:6: a note in the brackets behind @vaswani2017 would be lost; put it behind the \]",
    ),
    "words behind a fence": (
        'Text:\n\n```python title="a.py"\nx = 1\n```\n',
        r"index\.qmd:8: '```python title=\"a\.py\"' begins no block .* one word, or attributes in \{…\}",
    ),
    **{
        f"{name}, not where code or a formula shows the same": (text, rf"index\.qmd:{said}")
        for hidden in ('::: {.content-hidden when-format="no"}\nA\n:::\n',)
        for name, text, said in (
            ("TeX", 'cat("a\\n") so.\n\n```r\ncat("a\\n")\n```\n', r"6: \\n stands in no formula"),
            ("TeX in a line", "So \\alpha.\n\nAnd `\\alpha`.\n", r"6: \\alpha stands in no"),
            ("a letter", "So \\alpha.\n\nAnd $\\alpha$.\n", r"6: \\alpha stands in no formula"),
            ("a sum", "So \\sum.\n\n$$\nx = \\sum_i\n$$\n", r"6: \\sum stands in no formula"),
            ("colour", "$\\color{red} x$\n\n\\color{red}\n", r"6: \\color\{red\} in a formula"),
            (
                "reference",
                "$a = @eq-b$\n\n$$\nb\n$$ {#eq-b}\n\nSee @eq-b.\n",
                "6: @eq-b in a formula",
            ),
            ("a word", "<pad> is.\n\n```{python}\nx = '<pad>'\n```\n", "6: <pad> is read as HTML"),
            ("a condition", f"{hidden}\n```md\n{hidden}```\n", "6: unknown format 'no'"),
            ("a label", "See @fig-no.\n\n```\nSee @fig-no.\n```\n", "6: .*fig-no"),
            ("a picture", "```md\n![c](no.png)\n```\n\n![c](no.png)\n", "10: picture 'no.png'"),
        )
    },
    "path in text": (
        "Open C:\\Users\\ann.\n",
        r"index\.qmd:6: \\Users stands in no formula and would be lost; .*, a path or command in `…`",
    ),
    **{
        f"grid table, {name}": (
            "+-----+-----+\n" + rows + "+-----+-----+\n",
            rf"index\.qmd:7: .*{said}.* stands below a \+, where wide letters take two columns",
        )
        for name, rows, said in (
            ("narrow", "| a | b |\n+=====+=====+\n| 1   | 2   |\n", r"'a\|' is read as text"),
            ("wide", "| a   | long text |\n", "wider than its table"),
            ("of Chinese letters", "| 写    | b   |\n", r"'写\|' is read as text"),
        )
    },
    **{
        f"{sign} in text": (
            f"Text.\n\nWritten in {sign} so.\n",
            rf"index\.qmd:8: {re.escape(sign)} stands in no formula and would be lost; put a formula",
        )
        for sign in ("\\LaTeX", "\\alpha", "\\ldots", "\\S")
    },
    **{
        f"formula as {formula.strip().split()[0]}": (
            f"Text.\n\n{formula}\n",
            rf"index\.qmd:8: '{said}.*' is read as text; write \$…\$ without blanks inside of the \$",
        )
        for formula, said in (
            ("So \\(x = 1\\) so.", r"\(x = 1"),
            ("As \\[x^2\\] so.", r"\[x\^2"),
            ("\\[\nE = mc^2\n\\]", r"\["),
            ("In $ x = 1 $ so.", r"\$ x = 1"),
            ("By $x_1 $ so.", r"\$x_1 \$"),
            ("$$\nx = 1\n\ny = 2\n$$", r"\$\$"),
            ("$s_i = s_{i}\n$", r"\$s_i = s_\{i\}"),
            ("$\nx_1\n$", r"\$"),
            ("- $x_2 =\n  x_1\n  $ so", r"\$x_2 ="),
        )
    },
    **{
        f"tag in {name}": (
            body,
            rf"index\.qmd:{line}: {tag} is read as HTML and would not be seen; write `{tag}` or",
        )
        for name, tag, line, body in (
            ("text", "<pad>", 6, "The token <pad> is first.\n"),
            ("words with others", "<String>", 6, "A `<b>` and List<String> here.\n"),
            ("a paragraph without its end", "<s>", 6, "The <s> token.\n\nNot</s>\n"),
            ("a cell of a table", "<unk>", 8, "| a |\n|---|\n| <unk> |\n"),
            ("a title of a callout", "<b>", 6, '::: {.callout-tip title="a<b>c"}\nx\n:::\n'),
            ("a caption", "<pad>", 8, CELL.replace("\n1\n", "\n#| fig-cap: The <pad> token\n1\n")),
            ("a note", "</i>", 8, "Text.[^1]\n\n[^1]: No</i>\n"),
        )
    },
    "commands of TeX in a formula": (
        "$$\n\\newcommand{\\R}{\\mathbb{R}}\n$$\n\n$x \\in \\R$\n",
        r"index\.qmd:10: the formula .* define commands of TeX outside of formulas, each on a line",
    ),
    "commands of TeX in a hidden Div": (
        "::: {.hidden}\n$$\n\\def\\R{\\mathbb{R}}\n$$\n:::\n",
        r"index\.qmd:6: 'hidden' is not supported; .* define commands of TeX outside of formulas",
    ),
    "Div with a title without quotes": (
        "::: {.callout-tip title=Watch out}\nx\n:::\n",
        r"index\.qmd:6: '::: \{\.callout-tip title=Watch out\}' is read as text; .*key=\"value\"",
    ),
    "fence in a text of code": (
        '```{python}\np = """\n```json\n{}\n```\n"""\n```\n',
        r"index\.qmd:12: this code block .* never closed; where a line of ``` .* four backticks",
    ),
    "fences in a text of code": (
        '```{python}\np = """\n```\n{}\n```\n"""\n```\n',
        r"index\.qmd:7: .*SyntaxError: .*; where a line of ``` .* four backticks",
    ),
    "reference to a section without a number": (
        "# A {#sec-a .unnumbered}\n\nSee @sec-a.\n",
        r"index\.qmd:8: @sec-a refers to nothing; the section has no number; leave \.unnumbered out, or",
    ),
    "class of an equation": (
        "$$\nx\n$$ {#eq-a .big}\n",
        r"index\.qmd:8: '\{#eq-a \.big\}' is read as text; in the line of the last \$\$ stands behind it",
    ),
    "formula between blank lines": (
        "Text.\n\n$$\n\nx\n\n$$\n",
        r"index\.qmd:8: '\$\$' is read as text; write .* without a blank line",
    ),
    "quotation in a quotation": (
        "> a\n>> b\n",
        r"index\.qmd:7: '> b' is read as text; put a line with the > of the outer quotation before",
    ),
    "tag that takes its cell away": (
        "```{python}\n#| tags: [remove-cell]\n1\n```\n",
        r"index\.qmd:7: tags that take cells away are not read here; write #\| include: false",
    ),
    "line between the columns of a formula": (
        "$$\\left[\\begin{array}{cc|c} 1 & 2 & 3 \\end{array}\\right]$$\n",
        r"index\.qmd:6: the lines that \\begin\{array\}\{cc\|c\} draws in a formula would be lost; leave",
    ),
    "line between the rows of a formula": (
        "$$\n\\begin{matrix} 1 \\\\ \\hline 2 \\end{matrix}\n$$\n",
        r"index\.qmd:7: the lines that \\hline draws in a formula would be lost",
    ),
    "place of equations beside the line": (
        "$\\begin{aligned}[t] a &= b \\end{aligned}$\n",
        r"index\.qmd:6: \[t\] would be shown in the formula; write \\begin\{aligned\}$",
    ),
    "list of figures as LaTeX has it": (
        "Text.\n\n\\listoffigures\n",
        r"index\.qmd:8: \\listoffigures stands in no formula and would be lost",
    ),
    "note in a note": (
        "Text.[^a]\n\n[^a]: See [^b].\n\n[^b]: Deep.\n",
        r"index\.qmd:8: the note \[\^b\] stands in another note, where none can; write its text there",
    ),
    "text for the notebook alone": (
        '::: {.content-visible when-format="ipynb"}\nx\n:::\n',
        r"index\.qmd:6: the notebook shows what the page does, .* holds nowhere; write html",
    ),
    "format with a slip of the pen": (
        '::: {.content-hidden unless-format="htlm"}\nx\n:::\n',
        r"index\.qmd:6: unknown format 'htlm'; the page is html, the PDF typst",
    ),
    "widget": (
        "```{python}\nwidget = 'application/vnd.jupyter.widget-view+json'\n"
        "display({widget: {}, 'text/plain': '0 %'}, raw=True)\n```\n",
        r"index\.qmd:6: this cell shows a widget, .*; write #\| output: false above the cell, or print",
    ),
    "class that is not known": (
        "::: {.column-margin}\nx\n:::\n",
        r"index\.qmd:6: 'column-margin' is not supported; leave it out, or render with Quarto",
    ),
    "resolution of one figure": (
        "```{python}\n#| fig-dpi: 300\n1\n```\n",
        r"index\.qmd:7: unknown cell option 'fig-dpi'; write it in the front matter",
    ),
    "switch that is no word of YAML": (
        "```{python}\n#| warning: no\n1\n```\n",
        r"index\.qmd:7: cell option warning: 'no' is not of the right kind; write true or false",
    ),
    "html output": (
        "```{python}\nfrom IPython.display import HTML\nHTML('<b>x</b>')\n```\n",
        r"index\.qmd:6: .*text/html",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name, tmp_path):
    body, said = BAD[name]
    with pytest.raises(ReportError, match=said):
        own(project(tmp_path, body), ("html",))
    assert not (tmp_path / "_report").exists()


def test_what_looks_like_these_and_is_right_is_shown(tmp_path):
    body = (
        '````{python}\n\n#| echo: false\nprint("""\n```\nx | y\n```\n""")\n````\n\n'
        "| a | b |\n|---|---|\n| 1\\|2 | `x | y` |\n| 3 | 4 | |\n\n"
        "```\n| a |\n|---|\n| 1 | 2 |\n```\n\nAs `\\@ref(a)`, `{#fig-a}` and `::: {.callout-tip}`.\n\n"
        "# H\n::: {.callout-tip}\nIn.\n:::\n\nIt is {k=1}, goes on and\n- so it is - ends.\n\n"
        "- | a | b |\n  |---|---|\n  | 5 | 6 |\n\n- a\n- b\n  1. c\n  2. d\n\n| Line\n| after | line\n\n"
        "+----+------+\n| 写 | 7\\|8 |\n+----+------+\n\n1. Run `ls`:\n\n    ```\n    ls\n    ```\n\n"
        "\\newcommand{\\R}{\\mathbb{R}}\n\n$\\R$\n\n---\n\nRule\n\n---\nand text\n\n"
        "<b>B</b>, <kbd>K</kbd> <!-- <pad> --> x<y, <3, \\<pad>, `<pad>`<br>&lt;pad> <a@b.c> <|e|>.\n\n"
        "::: {.notebook-cell}\nIn.\n:::\n\n```{.text cell='x'}\ny\n```\n\n# T {.tabset}\n\n"
        "<div>\n\n<i class='x'>I</i>\n\n</div>\n\n$$\nx = 1\n$$\n"
        "So p\nis \\> 3.\n\n– one line\n\n> q\n> r\n\n(a) s\n(b) t\n\n"
        "<!-- a <!-- b -->\n\n<!-- c --> d --> e\n\n<!--\n::: x\n-->\n\n"
        "On the\n3.\u00a0May \\<!-- A --> B, f(x) {a: 1} [1] (b.c)\n\n3.\u00a0May\n\n"
        "#tags and\nmore `![[a.png]]` `<!-- x`\n\n#1 first\n\n```\n##a\n-\u00a0b\n```\n\n"
        "```{shortcodes=false}\n{{< include none.qmd >}}\n```\n\n`{% include a %}` {{{< include b >}}}\n\n"
        "in \\[0, 1\\], as \\[^1\\] and f\\(x\\): $ 5 and $ 6, 5$ and x_1 is 6$, so a=b.\n"
    )
    page = Page(
        own(project(tmp_path, body, "---\ntitle: A  # of two\n---\n"), ("html",)) / "index.html"
    )
    assert page.facts()["outputs"] == ["``` x | y ```"] and page.tags("pre", css="python") == []
    assert page.facts()["cells"] == [
        *("a", "b", "1|2", "x | y", "3", "4", "a", "b", "5", "6", "写", "7|8")
    ]
    assert len(page.tags("hr")) == 2 and "ℝ" in text(page.tree)
    assert [text(e) for e in page.find(lambda e: e[0] == "title")] == ["A"]


def test_a_source_without_a_bibliography_is_refused_for_page_and_pdf(tmp_path):
    options = OPTIONS.replace("bibliography: report/references.bib\n", "")
    folder = project(tmp_path, "See @doe.\n", options=options)
    for formats in (("html",), ("typst",)):
        with pytest.raises(ReportError, match=r"index\.qmd:6: no source 'doe' since no option bib"):
            own(folder, formats)


def test_sources_that_are_listed_without_being_cited_exist(tmp_path):
    front = "---\ntitle: A\nnocite: '{}'\n---\n\n"
    folder = project(tmp_path, "Text.\n", front.format("@*"))
    assert "Vaswani" in text(Page(own(folder, ("html",)) / "index.html").tree)
    (folder / "report/index.qmd").write_text(front.format("@vaswani2017, @doe") + "Text.\n")
    with pytest.raises(ReportError, match=r"index\.qmd:3: nocite names 'doe', which no source is"):
        own(folder, ("html",))


def test_a_bibliography_in_another_encoding_is_told_with_its_line(tmp_path):
    sources = project(tmp_path, "By @doe.\n") / "report" / "references.bib"
    sources.write_bytes("@misc{a, title={B}}\n@misc{doe, author={Müller, A}}\n".encode("latin-1"))
    with pytest.raises(ReportError, match=r"^report/references\.bib:2: not UTF-8 text; save"):
        own(tmp_path, ("html",))


@pytest.mark.parametrize(
    "raised",
    [
        "10<sup>2</sup>",
        "H<sub>2</sub>O",
        "<del>not</del> so",
        "<ul><li>a</li><li>b</li></ul>",
        '<a href="https://example.org">there</a>',
        "<textarea>filled in</textarea>",
    ],
)
def test_what_html_says_is_not_left_out_of_the_pdf(tmp_path, raised):
    folder = project(tmp_path, f"Text.\n\nIt is {raised}.\n")
    with pytest.raises(
        ReportError, match=r"index\.qmd:8: <(sup|sub|del|ul|textarea|a href)…> would be missing"
    ):
        own(folder)
    tree = pandoc_ast.read_markdown("One<br>two\n\n| a |\n|---|\n| b<br/>c |\n")["blocks"]
    nodes = pandoc_ast.nodes(constructs.prepare(tree, "typst", (), [], {}))
    kinds = [node["t"] for node in nodes]
    assert kinds.count("LineBreak") == 2 and "RawInline" not in kinds


def test_a_picture_in_html_is_for_the_page_alone_or_refused_by_the_pdf(tmp_path):
    folder = project(tmp_path, 'Text.\n\n<p align="center"><img src="a.png" alt="x"></p>\n')
    PIL.Image.new("RGB", (4, 4)).save(folder / "report/a.png")
    with pytest.raises(
        ReportError, match=r"index\.qmd:8: <img…> would be missing in the PDF; write"
    ):
        own(folder)
    source = (folder / "report/index.qmd").read_text()
    condition = '::: {.content-visible when-format="html"}\n<p'
    (folder / "report/index.qmd").write_text(source.replace("<p", condition) + ":::\n")
    assert len(Page(own(folder) / "index.html").tags("img")) == 1


def test_a_picture_that_a_cell_saves_is_no_reason_to_render_again(tmp_path):
    body = (
        "```{python}\nimport PIL.Image\nPIL.Image.new('RGB', (4, 4)).save('a.png')\n```\n\n"
        "![A picture](a.png)\n"
    )
    folder = project(tmp_path, body)
    assert len(Page(own(folder, ("html",)) / "index.html").tags("img")) == 1
    with listening.lines() as said:
        render(folder, ("html",))
    assert any("nothing changed" in line for line in said)
    (folder / "report/a.png").write_bytes(b"other")
    with listening.lines() as said:
        render(folder, ("html",))
    assert not any("nothing changed" in line for line in said)


def test_a_file_that_a_cell_writes_anew_each_time_is_no_reason_to_render_again(tmp_path):
    """Such as a table or picture with the time in it."""
    cell = "```{python}\nimport time\nopen('a.txt', 'w').write(str(time.time()));\n```\n\n"
    folder = project(tmp_path, cell)
    for words in ("One.", "Two."):
        (folder / "report/index.qmd").write_text(f"{FRONT}{cell}{words}\n")
        assert words in (own(folder, ("html",)) / "index.html").read_text()
        with listening.lines() as said:
            render(folder, ("html",))
        assert any("nothing changed" in line for line in said)
    (folder / "report/a.txt").write_bytes(b"other")
    with listening.lines() as said:
        render(folder, ("html",))
    assert not any("nothing changed" in line for line in said)


def test_a_source_is_found_by_the_name_that_was_meant(tmp_path):
    source = "@article{%s, title={One}, year={2001}}\n"
    front = "---\nbibliography: report/a.bib\n---\n"
    for key, cited, said in [
        ("petersen2015a", "@petersen2015", "did you mean 'petersen2015a'"),
        ("smith????", "@smith????", r"write @\{smith\?\?\?\?\}, as its end is read as text"),
    ]:
        folder = project(tmp_path / key[:5], f"See {cited}.\n", front)
        (folder / "report/a.bib").write_text(source % key)
        with pytest.raises(ReportError, match=rf"index\.qmd:4: no source .* in the .*; {said}"):
            own(folder, ("html",))


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_picture_that_broke_off_is_refused_by_its_line(kind, tmp_path):
    folder = project(tmp_path, f"Text.\n\n![A](a.{kind})\n")
    path = folder / f"report/a.{kind}"
    PIL.Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:-900])
    for fmt in ("html", "typst"):
        with pytest.raises(
            ReportError, match=rf"index\.qmd:8: 'a\.{kind}' cannot be read as a pic"
        ):
            own(folder, (fmt,))


def test_a_percent_sign_that_would_cut_a_source_is_refused(tmp_path):
    sources = project(tmp_path, "See @doe.\n") / "report" / "references.bib"
    fine = """% from a manager, 5 % of it
@misc{doe, title = {Why 100\\% is {BERT}}, year = 2020, author = {Doe, A},
  url = {https://a.org/a%20b}, howpublished = {\\url{https://a.org/a%20b}},
  % a comment
  abstract = {By 5% more}, file = {/a%20b.pdf}, isbn = {1%2}
}
"""
    sources.write_text(fine)
    shown = text(Page(own(tmp_path, ("html",)) / "index.html").tree)
    assert "Why 100% Is BERT" in shown and "https://a.org/a%20b" in shown
    sources.write_text(fine.replace("100\\%", "100%"))
    with pytest.raises(ReportError, match=r"report/references.bib:2: % begins.* 'title' would be"):
        own(tmp_path, ("html",))


def test_a_key_that_two_sources_have_is_refused_where_it_is_cited(tmp_path):
    options = OPTIONS.replace("report/references.bib", "[report/references.bib, report/more.bib]")
    folder = project(tmp_path, "See @doe.\n", options=options)
    one = "@misc{doe, title = {One}, author = {Doe, A}, year = 2001}\n"
    other = "% from a manager\n\n@misc{roe, title = {B}}\n@misc{doe,\n  title = {Two}}\n"
    (folder / "report/references.bib").write_text(one)
    (folder / "report/more.bib").write_text(other)
    said = r"more.bib:4: the key 'doe' is given to another source at report/references.bib:1"
    with pytest.raises(ReportError, match=said):
        own(folder, ("html",))
    (folder / "report/more.bib").write_text(one + other.replace("doe", "uncited") * 2)
    assert "Doe (2001)" in text(Page(own(folder, ("html",)) / "index.html").tree)
    sources = [{"id": "doe", "type": "book", "title": title} for title in ("One", "Two")]
    (folder / "report/more.json").write_text(json.dumps(sources))
    (folder / "_quarto.yml").write_text(
        OPTIONS.replace("report/references.bib", "report/more.json")
    )
    with pytest.raises(ReportError, match=r"more.json: the key 'doe' is given to another source"):
        own(folder, ("html",))


@pytest.mark.parametrize(
    "front, options, said",
    [
        (
            "---\ntitle: x\ntitel: y\n---\n",
            OPTIONS,
            r"report/index\.qmd:3: unknown option 'titel'; did you mean 'title'",
        ),
        (
            "---\ntitle: x\noutput: false\n---\n",
            OPTIONS,
            r"report/index\.qmd:3: unknown option 'output'; write it below execute:",
        ),
        *(
            (
                f"---\ntitle: x\noutput:{value}\n---\n",
                OPTIONS,
                r"index\.qmd:3: unknown option 'output'; write format: instead, with html: default",
            )
            for value in ("\n  html_document:\n    toc: true", " html_document")
        ),
        (
            "---\ntitle: x\ncap-location: margin\n---\n",
            OPTIONS,
            r"index\.qmd:3: unknown option 'cap-location'; leave it out, or render with Quarto",
        ),
        (
            "---\nauthor:\n- name: A\n  affiliation-url: b.org\n---\n",
            OPTIONS,
            r"index\.qmd:3: author has 'affiliation-url', which .* not show; leave it out; known",
        ),
        (
            "---\ntitle: [x\n---\n",
            OPTIONS,
            r"report/index\.qmd:\d: not valid YAML.*; close the quote or the bracket",
        ),
        (
            "---\ntitle: Homework 3: LSTM or not?\n---\n",
            OPTIONS,
            r"report/index\.qmd:2: not valid YAML.*; put the text in quotes, since a colon",
        ),
        ("---\nauthor:\n\tname: A\n---\n", OPTIONS, r"index\.qmd:3: .*; indent with blanks"),
        ("---\nformat:\n   html: {}\n  toc: 1\n---\n", OPTIONS, r"index\.qmd:4: .* same column"),
        (
            "---\nfig-format: pdf\n---\n",
            OPTIONS,
            r"index\.qmd:2: option fig-format: 'pdf' is not svg or png or jpeg or retina",
        ),
        ("---\ntitle: x\n", OPTIONS, r"report/index\.qmd:1: the front matter has no closing"),
        (
            "---\ntitle: x\nlicense: MIT\n---\n",
            OPTIONS,
            r"report/index\.qmd:3: this renderer does not show 'license'",
        ),
        (
            "---\ntitle: x\nfilters:\n  - path: a.lua\n    at: pre-ast\n---\n",
            OPTIONS,
            r"report/index\.qmd:4: option filters: a mapping stands in the list",
        ),
        (
            "---\ntitle: x\nbibliography: [[a.bib]]\n---\n",
            OPTIONS,
            r"report/index\.qmd:3: option bibliography: a list stands in the list",
        ),
        (
            "---\ntitle: x\ncsl: ieee\n---\n",
            OPTIONS,
            r"report/index\.qmd:3: csl 'ieee' is no file of this project; put it there",
        ),
        (
            FRONT,
            OPTIONS + "include-after-body: [{from: a.html}]\n",
            r"_quarto\.yml:13: include-after-body: write `file: …` or `text: …`",
        ),
        (
            "---\ntitle: Homework #3\n---\n",
            OPTIONS,
            r"report/index\.qmd:2: '#3' begins a comment in YAML and would be lost; put the text in",
        ),
        (
            "---\ntitle: x\nauthor:\n- given: A\n---\n",
            OPTIONS,
            r"index\.qmd:4: author has 'given', which .* not show; write it below name:; known",
        ),
        (
            "---\ntitle: x\nformat: pdf\n---\n",
            OPTIONS,
            r"index\.qmd:3: unknown format 'pdf'; the PDF is made by typst; write typst",
        ),
        (
            "---\ntitle: x\nformat: docx\n---\n",
            OPTIONS,
            r"index\.qmd:3: unknown format 'docx'; known are html and typst",
        ),
        (
            "---\ntitle: x\nlink-bibliography: true\n---\n",
            OPTIONS,
            r"index\.qmd:3: unknown option 'link-bibliography'; leave it out",
        ),
        (
            "---\ntitle: x\ndate: 03/05/2024\ndate-format: long\n---\n",
            OPTIONS,
            r"index\.qmd:3: date '03/05/2024' is shown as it is written, .*; write it as 2024-03-05",
        ),
        (
            "---\ntitle: x\nabstract: See [^a].\n---\n",
            OPTIONS,
            r"index\.qmd:3: the note \[\^a\] is not known in the title block; write its text there",
        ),
        (
            "---\ntitle: x\nabstract: |\n  ![A](a.png)\n---\n",
            OPTIONS,
            r"index\.qmd:4: a picture in the title block is not supported; put it into the text",
        ),
        (
            "---\ntitle: x\nabstract: See @fig-nothing.\n---\n",
            OPTIONS,
            r"index\.qmd:3: @fig-nothing refers to nothing",
        ),
        (
            "---\ntitel: x\nformat:\n  pdf:\n    documentclass: article\n    toc: yes\n  epub: default\n---\n",
            OPTIONS,
            "(?s)^[^\n]*:2: unknown option 'titel'; did you mean 'title'.\n[^\n]*:4: [^\n]* write typst\n"
            "[^\n]*:5: unknown option 'documentclass'; leave[^\n]*\n[^\n]*:6: [^\n]*; write true\n"
            "[^\n]*:7: unknown option 'epub'; leave it out[^\n]*$",
        ),
        (
            "---\ninclude-before-body: a.html\nbibliographystyle: apa\n---\n",
            OPTIONS,
            r"index\.qmd:2: .*'include-before-body'; leave it out.*\n.*:3: .*; write csl and the name of",
        ),
        (
            "---\nformat:\nhtml:\n  toc: true\n---\n",
            OPTIONS,
            r"index\.qmd:3: unknown option 'html'; write it below format:$",
        ),
        (
            "---\nexecute:\n  code-fold: true\n---\n",
            OPTIONS,
            r"index\.qmd:3: unknown option 'code-fold'; write it outside of execute:$",
        ),
        *(
            (
                f"{mark}\ntitle: x\n{mark}\n\n",
                OPTIONS,
                r"index\.qmd:1: options stand between two lines of ---, .*, and are read as text here$",
            )
            for mark in ("----", "--", "—", " ---", "***")
        ),
        (
            "title: x\nauthor: y\n---\n",
            OPTIONS,
            r"index\.qmd:1: options stand between two lines of ---",
        ),
        (
            "---\ndate:\n  value: 2024-03-05\n  format: long\n---\n",
            OPTIONS,
            r"index\.qmd:2: option date: .* is not text; write the day alone, and date-format: in a",
        ),
        (
            "---\nformat: [html, pdf]\n---\n",
            OPTIONS,
            r"index\.qmd:2: .*; write each in a line of its own below format:, as html: default$",
        ),
        (
            '---\ntoc-depth: "3"\n---\n',
            OPTIONS,
            r"index\.qmd:2: option toc-depth: '3' is not a whole number; leave out the quotes$",
        ),
        (
            "---\nfilters:\n- lightbox\n---\n",
            OPTIONS,
            r"index\.qmd:3: filter 'lightbox' is no file of this project; put it there, or leave",
        ),
        (
            "---\nauthor:\n- name: A\n  email: a@b.c\n  orcid: 0\n---\n",
            OPTIONS,
            r"index\.qmd:3: author has 'email', 'orcid', which .*; leave it out; known: ",
        ),
        (FRONT, OPTIONS + "  revealjs: {}\n", r"_quarto\.yml:13: unknown option 'revealjs'"),
        (
            FRONT,
            OPTIONS.replace("report/*.qmd", "report/other.qmd"),
            r"_quarto\.yml lists 'report/other\.qmd'",
        ),
    ],
)
def test_options_refused(front, options, said, tmp_path):
    with pytest.raises(ReportError, match=said):
        own(project(tmp_path, "Text.\n", front, options), ("html",))


@pytest.mark.parametrize(
    "name", ["_quarto.yml.local", "_environment", "report/_metadata.yml", "_brand.yml"]
)
def test_a_file_that_quarto_reads_is_not_passed_over_in_silence(name, tmp_path):
    folder = project(tmp_path, "Text.\n")
    (folder / name).write_text("author: A\n")
    with pytest.raises(ReportError, match=rf"^{re.escape(name)} is not read here; (write|set) "):
        own(folder, ("html",))


@pytest.mark.parametrize("pattern", ["report/notes.ipynb", "report/*.ipynb"])
def test_a_document_of_another_kind_is_not_left_out_in_silence(tmp_path, pattern):
    options = OPTIONS.replace("report/*.qmd", f"report/*.qmd, {pattern}")
    folder = project(tmp_path, "Text.\n", options=options)
    (folder / "report" / "notes.ipynb").write_text("{}")
    said = (
        r"_quarto\.yml lists 'report/notes\.ipynb', but this renderer reads \.qmd files only; make"
    )
    with pytest.raises(ReportError, match=said):
        own(folder, ("html",))


def test_a_formula_that_cannot_be_set_is_told_by_the_pdf_too(tmp_path):
    with pytest.raises(
        ReportError, match=r"index\.qmd:6: the formula 'a \\tag\{1\}' cannot be set"
    ):
        own(project(tmp_path, "$a \\tag{1}$\n"), ("typst",))


@pytest.mark.parametrize("key", ["title", "subtitle", "abstract"])
def test_words_of_the_title_block_are_not_lost_as_tags_or_tex(key, tmp_path):
    folder = project(tmp_path, "Text.\n")
    for words, said in (
        ("The <pad> token", "<pad> is read as HTML"),
        (r"By \LaTeX", r"\\LaTeX stands in"),
    ):
        front = f"---\nauthor: A\n{key}: {words}\n---\n\nText.\n"
        (folder / "report" / "index.qmd").write_text(front)
        with pytest.raises(ReportError, match=rf"index\.qmd:3: {said}"):
            own(folder, ("html",))


def test_picture_without_words(tmp_path):
    plot = "import matplotlib.pyplot as plt\nplt.plot([1]);"
    body = f"Text.\n\n```{{python}}\n#| label: fig-a\n#| fig-cap: Cap\n{plot}\n```\n"
    with pytest.raises(ReportError, match=r"index\.qmd:9: picture 'fig-a' needs fig-alt"):
        own(project(tmp_path, body), ("typst",))


def test_failure_leaves_old_files(tmp_path):
    folder = project(tmp_path, "One.\n")
    before = {p.name: p.read_bytes() for p in own(folder).iterdir()}
    assert set(before) == {"index.html", "index.pdf", "index.ipynb", ".render.json"}
    (folder / "report/index.qmd").write_text(FRONT + "See @sec-none.\n")
    with pytest.raises(ReportError):
        own(folder)
    assert {p.name: p.read_bytes() for p in (folder / "_report/report").iterdir()} == before


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_or_kill_while_cells_run_is_told_as_that_and_leaves_old_files(tmp_path, by):
    folder = project(tmp_path, "Old.\n", FRONT)
    before = (own(folder) / "index.html").read_bytes()
    started = tmp_path / "started"
    (folder / "report/index.qmd").write_text(
        FRONT
        + f"```{{python}}\nimport time; open({str(started)!r}, 'w').close(); time.sleep(60)\n```\n"
    )
    said = interrupted(folder, started, by)
    assert (
        "KeyboardInterrupt: the outputs of the last render are as they were" in said
        and "died" not in said
    )
    assert (folder / "_report/report/index.html").read_bytes() == before


def test_same_bytes_and_nothing_done_twice(tmp_path, monkeypatch, told):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    body = (
        "See @fig-p, made on `{python} 1 + 1`.\n\n```{python}\n#| label: fig-p\n#| fig-cap: A "
        "line\n"
        "#| fig-alt: up\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);\n```\n"
    )
    folder = project(tmp_path, body, FRONT.replace("2026-01-02", "today"))
    out = own(folder)
    first = {p.name: p.read_bytes() for p in out.iterdir()}
    assert "November 14, 2023" in first["index.html"].decode()
    assert not any("nothing changed" in line for line in told)
    render(folder)
    assert any("nothing changed" in line for line in told)
    own(folder, force=True)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == first
    (folder / "report/index.qmd").write_text(FRONT + "Other.\n")
    assert "Other." in (own(folder) / "index.html").read_text()


def test_other_data_another_model_or_run_is_a_reason_to_render_again(tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    folder = project(tmp_path, "```{python}\nimport lmreport\n```\n", FRONT)
    document = projects.read(folder, ("html",), None)[0]

    def now():
        return up_to_date.made_from(document, source.read(document), ("html",), {})

    monkeypatch.setattr(download, "at_hand", lambda name: None)
    monkeypatch.setattr(
        pretrained, "at_hand", lambda name: pretrained.Source("one", "/nowhere", "0" * 64)
    )
    before = now()
    assert before == now() and up_to_date.changes(before, now()) == []
    monkeypatch.setattr(
        download, "at_hand", lambda name: download.Corpus("nowhere", "real", "a test", "ab" * 32)
    )
    monkeypatch.setattr(
        pretrained, "at_hand", lambda name: pretrained.Source("other", "/nowhere", "0" * 64)
    )
    assert up_to_date.changes(before, now()) == [
        "data not here → abababababab",
        "model one → other",
    ]
    shown, other = (tmp_path / "cache" / "runs" / f"lstm-{digit * 16}.json" for digit in "12")
    shown.parent.mkdir(parents=True)
    shown.write_text("{}")
    document.output.parent.mkdir(parents=True)
    document.output.with_suffix(".html").write_text(f'<span data-run="{shown.stem}">1</span>')
    before = now()
    other.write_text("{}")
    assert up_to_date.changes(before, now()) == []
    os.utime(shown, (1, 1))
    assert up_to_date.changes(before, now())[0].startswith(f"{shown.stem} 20")
    before = now()
    (folder / "CITATION.cff").write_text("title: another")
    assert up_to_date.changes(before, now()) == ["CITATION.cff is new"]


def test_parameters_profile_and_notebook(tmp_path):
    body = (
        "```{python}\n#| tags: [parameters]\n#| label: given\nn = 1\n```\n\n"
        '`{python} n` texts.\n\n::: {.content-visible when-profile="long"}\nLong version.\n:::\n\n'
        "```{python}\n#| label: shown\nprint('n is', n)\n```\n"
    )
    folder = project(tmp_path, body)
    (folder / "_quarto-long.yml").write_text("title: Profile\n")
    out = own(folder, ("html",), params={"n": 7}, profile="long")
    words = (
        text(Page(out / "index.html").tags("main")[0])
        if Page(out / "index.html").tags("main")
        else ""
    )
    words = words or text(Page(out / "index.html").tree)
    assert "7 texts." in words and "n is 7" in words and "Long version." in words
    book = nbformat.read(out / "index.ipynb", as_version=4)
    nbformat.validate(book)
    assert [c.source for c in book.cells if "n = 7" in c.source] == [
        "# Injected Parameters\nn = 7\n"
    ]
    assert any(
        o.get("text") == "n is 7\n" for c in book.cells if c.cell_type == "code" for o in c.outputs
    )
    assert any("7 texts." in c.source for c in book.cells if c.cell_type == "markdown")
    assert "report" not in json.dumps([c.metadata for c in book.cells])
    with pytest.raises(ReportError, match="profile 'short'"):
        own(folder, profile="short")


def test_page_stands_alone(tmp_path):
    """Nothing is fetched from elsewhere, and a reader without script misses nothing."""
    body = "# A\n\n```{python}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);\n```\n"
    page = Page(own(project(tmp_path, body), ("html",)) / "index.html")
    loading = page.find(lambda e: e[0] in ("script", "img", "link", "source", "iframe"))
    fetched = [e[1].get("src") or e[1].get("href") for e in loading]
    assert [f for f in fetched if f and not f.startswith("data:")] == []
    assert "@import" not in page.source and "url(" not in page.source
    hidden = [e for e in page.find(lambda e: "hidden" in e[1])]
    assert hidden == [] and '<html lang="en"' in page.source
    skip = next(page.find(lambda e: e[0] == "a"))
    assert skip[1] == {"class": "skip", "href": "#content"}


def test_what_was_written_is_known_by_its_digest(tmp_path):
    page = own(project(tmp_path, "One.\n", FRONT)) / "index.html"
    assert verify.of_files(page, tmp_path) == ({}, {})
    page.write_text(page.read_text().replace("One.", "Two."))
    assert list(verify.of_files(page, tmp_path)[1]) == ["index.html"]


def test_what_cells_read_besides_the_sources_is_watched(tmp_path, monkeypatch):
    body = (
        "```{python}\n#| include: false\nimport os, sys\nfrom pathlib import "
        "Path\nsys.path.insert(0, '..')\n"
        "import helper\nnames = sorted(p.name for p in Path('../data').iterdir())\n"
        "try:\n    flag = open('../flag').read()\nexcept OSError:\n    flag = 'none'\n```\n\n"
        "`{python} Path('../data/n.txt').read_text()` `{python} helper.n` "
        "`{python} os.environ.get('ASKED', 'unset')` `{python} len(names)` `{python} flag`\n"
    )
    (tmp_path / "data").mkdir()
    changes = [
        lambda: (tmp_path / "data/n.txt").write_text("two"),
        lambda: (tmp_path / "helper.py").write_text("n = 22"),
        lambda: monkeypatch.setenv("ASKED", "yes"),
        lambda: (tmp_path / "data/more").write_text(""),
        lambda: (tmp_path / "flag").write_text("up"),
    ]
    (tmp_path / "data/n.txt").write_text("one")
    (tmp_path / "helper.py").write_text("n = 1")
    folder = project(tmp_path, body)

    def shown() -> str:
        with listening.lines() as said:
            render(folder, ("html",))
        with listening.lines() as fresh_again:
            render(folder, ("html",))
        assert ["nothing changed" in line for line in fresh_again] == [True]
        assert not any("nothing changed" in line for line in said)
        return text(list(Page(folder / "_report/report/index.html").tags("p"))[-1])

    monkeypatch.delenv("ASKED", raising=False)
    assert shown() == "one 1 unset 1 none"
    found = []
    for change in changes:
        change()
        found.append(shown())
    assert found == [
        "two 1 unset 1 none",
        "two 22 unset 1 none",
        "two 22 yes 1 none",
        "two 22 yes 2 none",
        "two 22 yes 2 up",
    ]


MISSED = {
    "pathlib": "from pathlib import Path\nn = Path('../data/a.csv').exists()",
    "a variable": "from pathlib import Path\npath = Path('..', 'data', 'a.csv')\nn = path.is_file()",
    "os": "import os\nn = os.path.isfile('../data/a.csv')",
    "a folder": "from pathlib import Path\nn = Path('../data').is_dir()",
}


@pytest.mark.parametrize("name", MISSED)
def test_a_file_that_a_cell_did_not_find_is_watched(name, tmp_path):
    cell = f"```{{python}}\n#| include: false\n{MISSED[name]}\n```\n\n"
    folder = project(tmp_path, cell + "Found: `{python} n`.\n")
    assert "Found: False." in text(Page(own(folder, ("html",)) / "index.html").tree)
    with listening.lines() as said:
        render(folder, ("html",))
    assert any("nothing changed" in line for line in said)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("n\n1\n")
    assert "Found: True." in text(Page(own(folder, ("html",)) / "index.html").tree)


READ_ELSEWHERE = {
    "parquet": "import pyarrow.parquet as pq\nn = pq.read_table('../data/a.parquet')['n'][0].as_py()",
    "a folder of it": (
        "import pyarrow.parquet as pq\nn = pq.read_table('../data')['n'][0].as_py()"
    ),
    "a variable": (
        "from pathlib import Path\nimport pyarrow.parquet as pq\n"
        "path = Path('..') / 'data' / 'a.parquet'\nn = pq.read_table(path)['n'][0].as_py()"
    ),
    "another process": (
        'import subprocess, sys\ncode = "import pyarrow.parquet as p; '
        "print(p.read_table('../data/a.parquet')['n'][0])\"\n"
        "n = int(subprocess.run([sys.executable, '-c', code], capture_output=True).stdout)"
    ),
}


@pytest.mark.parametrize("name", READ_ELSEWHERE)
def test_what_is_read_past_python_is_watched_by_its_name_in_the_cells(name, tmp_path):
    import pyarrow
    import pyarrow.parquet

    (tmp_path / "data").mkdir()
    cell = f"```{{python}}\n#| include: false\n{READ_ELSEWHERE[name]}\n```\n\n"
    folder = project(tmp_path, cell + "It is `{python} n`.\n")
    for number in (1, 2):
        table = pyarrow.table({"n": [number]})
        pyarrow.parquet.write_table(table, tmp_path / "data" / "a.parquet")
        shown = text(Page(own(folder, ("html",)) / "index.html").tree)
        assert f"It is {number}." in shown
    with listening.lines() as said:
        render(folder, ("html",))
    assert any("nothing changed" in line for line in said)


@pytest.mark.parametrize(
    "name, at", [(".env", "report/.env"), ("../.env", ".env"), ("../.data/a.txt", ".data/a.txt")]
)
def test_a_hidden_file_that_a_cell_reads_is_watched(name, at, tmp_path):
    cell = f"```{{python}}\n#| include: false\nword = open('{name}').read()\n```\n\n"
    folder = project(tmp_path, cell + "The word is `{python} word`.\n")
    (folder / at).parent.mkdir(exist_ok=True)
    for word in ("one", "two"):
        (folder / at).write_text(word)
        assert f"The word is {word}." in text(Page(own(folder, ("html",)) / "index.html").tree)
    with listening.lines() as said:
        render(folder, ("html",))
    assert any("nothing changed" in line for line in said)


@pytest.mark.parametrize("out", ["_out", "."])
def test_outputs_beside_the_document_are_no_sources_of_it(out, tmp_path):
    """Else it would be rendered anew for ever, since each PDF has its own time in it."""
    (tmp_path / "_quarto.yml").write_text(f"project: {{output-dir: {out}}}\n")
    for words in ("One.", "Two."):
        (tmp_path / "index.qmd").write_text(f"---\ntitle: T\n---\n\n{words}\n")
        with listening.lines() as said:
            render(tmp_path, ("html", "typst"))
        assert not any("nothing changed" in line for line in said)
        with listening.lines() as said:
            render(tmp_path, ("html", "typst"))
        assert any("nothing changed" in line for line in said)


def test_what_libraries_write_past_python_is_not_on_the_screen(tmp_path, capfd):
    own(
        project(
            tmp_path,
            "```{python}\n#| include: false\nimport os, subprocess\nos.write(2, b'FOREIGN')\n"
            "subprocess.run(['echo', 'FOREIGN'])\n```\n",
        ),
        ("html",),
    )
    assert "FOREIGN" not in "".join(capfd.readouterr())


def test_the_last_words_of_a_kernel_that_died_are_told(tmp_path):
    body = "```{python}\nimport os, sys\nprint('out of luck', file=sys.__stderr__, flush=True)\nos._exit(3)\n```\n"
    said = r"^report/index\.qmd:\d+: the Python kernel died .*it said last: out of luck"
    with pytest.raises(ReportError, match=said):
        own(project(tmp_path, body), ("html",))
