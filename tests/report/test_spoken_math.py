"""What a screen reader says of an equation in the PDF, derived from its TeX source by the Lua
filter.
"""

import re
import subprocess
from pathlib import Path

import pypandoc
import pytest

FILTER = Path(__file__).resolve().parents[2] / "report" / "filters" / "spoken-math.lua"
CASES = {
    r"h_{t-1} + 1": "h sub t minus 1 end sub plus 1",
    r"W_V^\top": "capital W sub capital V transpose",
    r"\operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right) V": (
        "softmax of open parenthesis the fraction capital Q capital K transpose over the square "
        "root of d sub k end "
        "root end fraction close parenthesis capital V"
    ),
    r"\frac{\frac{a}{b}}{c+d}": "the fraction the fraction a over b end fraction over c plus d end fraction",
    r"\frac12 x": "the fraction 1 over 2 end fraction x",
    r"\sum_{i=0}^{n} x_i^2": "the sum from i equals 0 to n of x sub i squared",
    r"\sum_j a_{Tj}": "the sum over j of a sub capital T j end sub",
    r"\lVert \partial h / \partial x \rVert": "the norm of partial h over partial x end norm",
    r"\|x\|": "the norm of x end norm",
    r"x \in \mathbb{R}^{n \times d}": "x in the real numbers to the power n by d",
    r"f'(x) = f''(x)": "f prime open parenthesis x close parenthesis equals f double prime open parenthesis x close "
    "parenthesis",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}": "the 2 by 2 matrix with row 1: a, b; row 2: c, d; end matrix",
    r"\begin{cases} 0 & j \le i \\ -\infty & \text{if } j > i \end{cases}": (
        "one of 2 cases: 0, if j is at most i; minus infinity, if j is greater than i; end cases"
    ),
    r"\underbrace{2n^2d}_{QK^\top} = 8": "2 n squared d (braced as: capital Q capital K transpose) equals 8",
    r"\sin\left(p / 10{,}000^{2i/d}\right)": (
        "the sine of open parenthesis p over 10,000 to the power 2 i over d end power close "
        "parenthesis"
    ),
    r"\operatorname{Var}(q \cdot k)": "the variance of open parenthesis q times k close parenthesis",
    r"\hat{y}, \mathbf{x}^\top, A^{-1}, \Delta x": "y hat, bold x transpose, capital A inverse, capital delta x",
    r"a \neq b \Rightarrow a \sim b": "a is not b, which implies, a is distributed as b",
    r"p(y \mid x)": "p open parenthesis y given x close parenthesis",
    r"x_{i_j}": "x sub i sub j end sub",
}


def alternatives(markdown: str) -> list[str]:
    done = subprocess.run(
        [
            pypandoc.get_pandoc_path(),
            "-f",
            "markdown",
            "-t",
            "typst",
            "--wrap=none",
            f"--lua-filter={FILTER}",
        ],
        input=markdown,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return re.findall(r'alt: "((?:[^"\\]|\\.)*)"', done.stdout)


@pytest.fixture(scope="module")
def said():
    return dict(zip(CASES, alternatives("\n\n".join(f"${tex}$" for tex in CASES)), strict=True))


@pytest.mark.parametrize("tex", CASES)
def test_an_equation_is_read_aloud(said, tex):
    assert said[tex] == CASES[tex]


def test_no_equation_of_the_report_is_read_with_a_backslash_or_a_brace():
    text = "\n".join(p.read_text("utf-8") for p in sorted((FILTER.parents[1]).glob("_*.qmd")))
    equations = re.findall(
        r"\$\$.+?\$\$|\$[^$\n]+\$", re.sub(r"```.*?```", "", text, flags=re.S), re.S
    )
    found = alternatives("\n\n".join(equations))
    assert len(found) == len(equations) > 40
    assert not [words for words in found if not words or re.search(r"[\\{}_^$&]", words)]


def test_what_the_author_wrote_as_alternative_stays_and_one_is_derived_where_none_was_written():
    raw = "`#math.equation(block: true, {}[ `{{=typst}}$$a = b$$`  ])<eq-x>`{{=typst}}"
    assert alternatives(raw.format('alt: "by hand", ')) == ["by hand"]
    assert alternatives(raw.format("")) == ["a equals b"]
