"""Formulas with rows and columns in the PDF, as the page has them."""

import re
import unicodedata

import pytest

from browser import chromium, opened
from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast, typst_math
from rendering import OPTIONS, own, pdf_text, project, squeezed

SPOKEN = r"\begin{cases} 0 & j \le i \\ 1 & j > i \end{cases}"
ROOMY = r"\frac{a}{b} \; \! \hspace{0.5em} + c"
ROWS = "mat(delim: #none, row-gap: #0.5em, "
CASES = {
    "two equations in a row": (
        r"\begin{aligned}x &= 5&y &= 10\end{aligned}",
        "x & = 5 quad & y & = 10",
    ),
    "reasons behind equations": (
        r"\begin{align*}x &= 5 && \text{by (1)}\\ y &= 6\end{align*}",
        'x & = 5 quad & & upright("by (1)")\\ y & = 6',
    ),
    "equations one below the other": (
        r"\begin{aligned} a &= b \\ c &= d\end{aligned}.",
        "a & = b\\ c & = d .",
    ),
    "equations behind a term": (
        r"f = \begin{aligned} a &= b, c \\ d &= e\end{aligned}",
        f"f = {ROWS}a & = b \\, c; d & = e)",
    ),
    "equations with one brace": (
        r"\left\{\begin{aligned} a &= b \\ c &= d\end{aligned}\right.",
        f"lr(\\{{{ROWS}a & = b; c & = d))",
    ),
    "brace behind equations": (
        r"\left.\begin{aligned} a &= b \\ c &= d\end{aligned}\right\} e",
        f"lr({ROWS}a & = b; c & = d)\\}}) e",
    ),
    "cases": (
        r"\begin{cases} 1 & \text{if } x > 0 \\ 0\end{cases}",
        'cases(delim: "{", 1 quad & upright("if ") x > 0, 0)',
    ),
    "cases of three columns": (
        r"\begin{cases} 1 & a & b \\ 0\end{cases}",
        f"lr(\\{{{ROWS}& 1, & a, & b; & 0))",
    ),
    "matrix without brackets": (
        r"A = \begin{matrix} 1 & 2 \\ \frac{3}{4} & \{5\}\end{matrix} B",
        f"A = {ROWS}1, 2; 3 / 4, {{ 5 }}) B",
    ),
    "columns at their sides": (
        r"\begin{array}{lr} 1 & 2 \\ & 4\end{array}",
        f"{ROWS}& 1, 2 &; &, 4 &)",
    ),
    "matrix in a fraction": (
        r"\frac{\begin{matrix} 1 \\ 2 \end{matrix}}{3}",
        f"frac({ROWS}1; 2), 3)",
    ),
    "matrix in a matrix": (
        r"\begin{pmatrix} \begin{matrix} 1 & 2 \end{matrix} & 3\end{pmatrix}",
        f'mat(delim: "(", {ROWS}1, 2), 3)',
    ),
    "determinant": (r"\begin{vmatrix} 1 & 2\end{vmatrix}", 'mat(delim: "|", 1, 2)'),
    "norm": (r"\begin{Vmatrix} 1 & 2\end{Vmatrix}", 'mat(delim: "‖", 1, 2)'),
    "no rows": (r"\text{a, b} = \{1, 2\}", 'upright("a, b") = {1 \\, 2}'),
}


@pytest.mark.parametrize("name", CASES)
def test_rows_and_columns_do_not_run_together_in_the_pdf(name):
    tex, wanted = CASES[name]
    marked = typst_math.marked(tex)
    assert typst_math.unmarked(marked) == tex
    source, _ = pandoc_ast.pandoc(f"$${marked}$$\n", "-f", "markdown", "-t", "typst")
    assert squeezed(typst_math.set_apart(source)) == squeezed(f"${wanted}$")


def test_each_formula_with_rows_is_set_in_the_pdf(tmp_path):
    body = "\n\n".join(f"$$\n{tex}\n$$\n\nIn line ${tex}$." for tex, _ in CASES.values())
    words = pdf_text(own(project(tmp_path, body), ("typst",)) / "index.pdf")
    assert words.count("Inline") == len(CASES)
    assert "U+" not in words


def test_a_row_ends_behind_a_space_and_a_large_bracket_in_the_pdf(tmp_path):
    tables = ["{pmatrix} %s{pmatrix}", "{matrix} %s{matrix}", "{array}{lr} %s{array}"]
    ends = [r"\!", r"\;", r"\hspace{1em}", r"\big)", r"\\"]
    rows = [table % rf"a & b {end} \\ c & d \end" for table in tables for end in ends]
    body = "".join(f"$$\n\\begin{row}\n$$\n\n" for row in rows)
    words = pdf_text(own(project(tmp_path, body), ("typst",)) / "index.pdf")
    letters = re.sub("[^a-d]", "", unicodedata.normalize("NFKC", words.partition("2026")[2]))
    assert letters == "acbd" * len(rows)  # as typst writes them: column by column


@pytest.mark.parametrize(
    "tex, wanted",
    [
        (
            r"\begin{aligned} a &= \frac{1}{2} \\ &= {x^2}^3 \end{aligned}",
            "a & = frac(1, 2)\\ & = scripts(x^2)^3",
        ),
        (
            r"\begin{gathered} \underset{x}{y} \\ a\; \end{gathered}\;\hspace{1em}.",
            "limits(y)_x\\ a #h(0.278em) #h(0.278em) #h(1em) .",
        ),
        (r"\begin{split} a &= \overset{x}{y} \end{split}", "a & = limits(y)^x"),
    ],
)
def test_equations_alone_are_as_large_as_others_in_the_pdf(tex, wanted):
    is_set_as(wanted, tex, typst_math.visit(pandoc_ast.node("Math", {}, tex))["c"][1])


def test_a_formula_of_the_abstract_is_told_by_its_own_line(tmp_path):
    folder = project(tmp_path, "Text.\n")
    start = "---\ntitle: T\nabstract: |\n  We test $1+1$ and\n  $\\ket{j}$.\n---\n\n"
    defined = "\\newcommand{\\ket}[1]{|#1\\rangle}\n\nHere $\\ket{j}$ works.\n"
    for text in ("Here $|j\\rangle$.\n", defined):
        (folder / "report" / "index.qmd").write_text(start + text)
        with pytest.raises(ReportError, match=r"index\.qmd:5: the formula .*; write it out here"):
            own(folder, ("html",))


def test_wide_accents_and_negative_space_are_set_in_the_pdf(tmp_path):
    body = "Here $\\widehat{abc}$ and $\\overrightarrow{AB}$, where $x\\!\\!y$.\n"
    words = unicodedata.normalize(
        "NFKC", pdf_text(own(project(tmp_path, body), ("typst",)) / "index.pdf")
    )
    assert "rgb" not in words and "Hereab" in words and "AB" in words and "wherexy." in words


def is_set_as(wanted: str, tex: str, marked: str) -> None:
    """Typst gets the formula `wanted` for `tex`, whose marks are taken away again for messages."""
    assert typst_math.unmarked(marked) == tex
    source, _ = pandoc_ast.pandoc(f"${marked}$\n", "-f", "markdown", "-t", "typst")
    assert squeezed(typst_math.set_apart(source)) == squeezed(f"${wanted}$")


def test_fractions_in_fractions_and_with_a_power_keep_what_is_over_what(tmp_path):
    for tex, wanted in (
        (r"\frac{a}{\frac bc}", "frac(a, frac(b, c))"),
        (r"\frac{x}{y}^2 + {\dfrac 12}^n", "frac(x, y)^2 + frac(1, 2)^n"),
        (r"\frac\alpha b_i", "frac(alpha, b)_i"),
    ):
        is_set_as(wanted, tex, typst_math.with_fractions(tex))


def test_what_stands_above_or_below_does_so_in_the_pdf(tmp_path):
    for tex, wanted in (
        (r"\overset{a}{BC} = x", "limits(B C)^a = x"),
        (r"\underset{\theta}{\operatorname{argmin}} f", 'limits("argmin")_theta f'),
        (r"\stackrel{\text{def}}{=}", 'limits(=)^(upright("def"))'),
        (r"\underset{x}{\overset{a}{B}}", "limits(limits(B)^a)_x"),
    ):
        is_set_as(wanted, tex, typst_math.with_limits(tex))
    body = r"In $\underset{x \in X}{\operatorname{arg\,max}}$ and $\overset{a}{B}$." + "\n"
    assert "In" in pdf_text(own(project(tmp_path, body), ("typst",)) / "index.pdf")


def test_a_power_of_a_power_is_none_of_the_exponent_in_the_pdf(tmp_path):
    for tex, wanted in (
        (r"{x^2}^3 + {a_i}_j", "scripts(x^2)^3 + scripts(a_i)_j"),
        (r"{{x_i}^2}^3", "scripts(scripts(x_i)^2)^3"),
        (r"\mathbf{x_i}^\top", "upright(bold(scripts(x_i)))^top"),
        (r"\text{a_b}^2 + \{x^2\}^3", 'upright("a_b")^2 + { x^2 }^3'),
    ):
        is_set_as(wanted, tex, typst_math.with_scripts(tex))
    body = r"In $\overset{a}{B^2}^3 + {\overset{a}{B}}_i + \{{x^2}^3\}^{n_i}$." + "\n"
    assert "In" in pdf_text(own(project(tmp_path, body), ("typst",)) / "index.pdf")


def test_empty_arguments_do_not_stop_the_pdf(tmp_path):
    tex = r"a \frac{}{b} + \frac{a}{} + \sqrt{} \text{} \sqrt[3]{} + \mathbf{} \hat{} + \alpha{}"
    assert typst_math.unmarked(typst_math.with_nothing(tex)) == tex
    words = pdf_text(own(project(tmp_path, f"In ${tex}$ end.\n"), ("typst",)) / "index.pdf")
    assert words.count("+") == 4 and "end." in words and "U+" not in words


def test_spaces_of_formulas_have_their_width_in_the_pdf():
    tex = r"a \hspace{0.5em} b \hspace{-2pt} c"
    is_set_as("a #h(0.5em) b #h(-2pt) c", tex, typst_math.with_letters(tex))


def test_symbols_that_typst_names_otherwise_are_set_in_the_pdf(tmp_path):
    tex = r"A \cap B \otimes C \odot D \ominus E \sqcap F \bigcap_i \bigotimes_i \llbracket x \rrbracket"
    others = r"\dot{x} \ddot{y} a \cdot b \times c \mp d \boxtimes e \boxdot f ⊜ ⊝ g ≠ h ħ"
    body = f"${tex}$ and ${others}$.\n"
    plain = (
        "project: {output-dir: _report, render: [report/*.qmd]}\n"  # without the report's filters
    )
    for name, options in (("with", OPTIONS), ("without", plain)):
        out = own(project(tmp_path / name, body, options=options), ("typst",))
        words = pdf_text(out / "index.pdf")
        assert all(sign in words for sign in "∩⊗⊙⊖⊓⋂⨂⟦⟧⋅×∓⊠⊡⊜⊝≠ℏ")


def test_signs_and_letters_without_a_font_do_not_stop_or_leave_the_pdf(tmp_path):
    body = (
        r"The $R\&D$ of $x_{\U000f0000}$ is $\begin{aligned}a&=\text{b \& c}\end{aligned}$." + "\n"
    )
    words = pdf_text(
        own(project(tmp_path, body.replace("\\U000f0000", "\u4e2d")), ("typst",)) / "index.pdf"
    )
    assert "R&D" in unicodedata.normalize("NFKC", words) and "b&c" in words
    assert "中" in words or "U+4E2D" in words
    tex = r"R\&D + \ket{中} \!\! x \; y"
    assert typst_math.unmarked(typst_math.with_letters(tex)) == tex


@pytest.mark.parametrize("tex", [r"\color{blue}", r"\textcolor{red}", r"\colorbox{#eee}"])
def test_a_colour_in_a_formula_is_not_lost(tex, tmp_path):
    folder = project(tmp_path, f"Text.\n\nThe term ${{{tex} {{x}}}} + y$ is new.\n")
    with pytest.raises(ReportError, match=r"index\.qmd:8: \\\w*color\w*\{.* in a formula would be"):
        own(folder, ("html",))


def test_a_screen_reader_hears_nothing_of_how_columns_are_set_apart(tmp_path):
    """The filter that says formulas aloud reads them as they are marked for the PDF."""
    import pikepdf

    body = "".join(
        f"$$\n{tex}\n$$\n\n" for tex in (SPOKEN, ROOMY, *(tex for tex, _ in CASES.values()))
    )
    with pikepdf.open(own(project(tmp_path, body), ("typst",)) / "index.pdf") as pdf:
        said = [
            str(o.Alt) for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and "/Alt" in o
        ]
    assert len(said) == len(CASES) + 2
    assert "the fraction a over b end fraction plus c" in said
    assert "one of 2 cases: 0, if j is at most i; 1, if j is greater than i; end cases" in said
    assert not [one for one in said if re.search(r"U\+|[\ufdd0-\ufdef]| ,|  ", one)]


@pytest.mark.parametrize(
    "body, line",
    [
        ("It is $x^2$ here.\n", 9),
        ('$$\ny\n$$ {#eq-a alt="y"}\n\n- As in @eq-a it is\n  $\\frac{a}{b}\n  + c$.\n', 14),
        ("", 3),
    ],
)
def test_a_formula_without_spoken_text_is_told_with_the_filter_that_gives_it(body, line, tmp_path):
    front = "---\ntitle: A test\nabstract: Of $z$.\ndate: 2026-01-02\n---\n\nWords.\n\n"
    front = front.replace("Of $z$", "Words") if body else front
    without = OPTIONS.replace("report/filters/spoken-math.lua, ", "")
    folder = project(tmp_path, body, front, without)
    with pytest.raises(ReportError) as refused:
        own(folder, ("typst",))
    assert str(refused.value).startswith(f"report/index.qmd:{line}: the formula ")
    remedies = "filters: report/filters/spoken-math.lua", "or leave out pdf-standard"
    assert all(remedy in str(refused.value) for remedy in remedies)
    for options in (OPTIONS, without.replace(", pdf-standard: ua-1", "")):
        (folder / "_quarto.yml").write_text(options)
        assert (own(folder, ("typst",)) / "index.pdf").is_file()


def test_boxes_and_strikes_are_drawn_on_the_page(tmp_path):
    body = r"$\boxed{x}$ $\cancel{x}$ $\bcancel{x}$ $\xcancel{x}$" + "\n"
    drawn = """[...document.querySelectorAll("menclose")].map(one => {
      const style = getComputedStyle(one)
      return [style.borderTopStyle, style.backgroundImage.split("gradient").length - 1] })"""
    made = own(project(tmp_path, body), ("html",)) / "index.html"
    with chromium() as browser, opened(browser, made) as page:
        assert page.evaluate(drawn) == [["solid", 0], ["none", 1], ["none", 1], ["none", 2]]
