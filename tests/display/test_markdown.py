"""What cells print: foreign text stays text, numbers read as they are."""

import subprocess

import pypandoc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmreport.check.numbers import writing
from lmreport.display import escape
from lmreport.display import markdown as markdown_output
from lmreport.display.escape import MarkdownText
from lmreport.display.traced import fill

HOSTILE = [
    "<script>alert(1)</script>",
    "{{< include /etc/passwd >}}",
    "`x`{=html}",
    '```{=typst}\n#eval("1")\n```',
    "@fig-x and [@nobody]",
    "$x^2$ and \\(y\\)",
    "a | b \\| c",
    "--- *not* _this_ --",
    "![x](http://example.com/y)",
    "\x1b[31m \x00 \u202e desrever",
    "::: {.callout-note}\n:::",
    "^up^ ~down~ ~~out~~ [^1]",
    "\\newpage &lt; &#60;",
    "wait ... for [...] and ....",
]


def plain_of(markdown, fmt="plain"):
    return subprocess.run(
        [pypandoc.get_pandoc_path(), "-f", "markdown", "-t", fmt, "--wrap=none"],
        input=markdown,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_nothing_else(text):
    expected = " ".join("".join(escape.visible(c) for c in text).split())
    assert " ".join(plain_of(markdown_output.plain(text)).split()) == expected
    cell = markdown_output.table([[text, "1"]], ["text", "n"]).data
    tree = plain_of(cell, "native")
    assert not [kind for kind in ("Raw", "Math", "Cite", "Image", "Link", "Note") if kind in tree]
    assert cell.count("\n") == 3  # header, rule, one row


@settings(max_examples=8)
@given(st.lists(st.text(max_size=60), min_size=20, max_size=20))
def test_any_text_comes_out_as_it_went_in(texts):
    shown = plain_of("\n\n".join(f"x{markdown_output.plain(text)}x" for text in texts)).split(
        "\n\n"
    )
    expected = ["x" + "".join(escape.visible(c) for c in text) + "x" for text in texts]
    assert [" ".join(t.split()) for t in shown] == [" ".join(t.split()) for t in expected]


def test_long_text_is_cut_with_a_note():
    assert "(99,700 more characters)" in markdown_output.plain("x" * 100_000)


@pytest.mark.parametrize("value, text", [(0.81249, "81.2%"), (1, "100.0%"), (-0.5, "−50.0%")])
def test_pct(value, text):
    assert markdown_output.pct(value) == text


@pytest.mark.parametrize(
    "value, text",
    [
        (12345.6, "12,300"),
        (0.01234, "0.0123"),
        (9.996, "10.0"),
        (0, "0"),
        (1.5e-7, "1.50 × 10⁻⁷"),
        (7, "7.00"),
        (-0.4, "−0.400"),
        (-2.5e-7, "−2.50 × 10⁻⁷"),
    ],
)
def test_num(value, text):
    assert markdown_output.num(value) == text


@given(st.floats(0, 1e12))
def test_numbers_are_printable_as_inline_code_needs(value):
    assert all(
        text.isprintable()
        for text in (
            markdown_output.pct(value),
            markdown_output.num(value),
            markdown_output.duration(value),
        )
    )


@pytest.mark.parametrize(
    "seconds, text", [(0.0123, "12.3 ms"), (5, "5 s"), (75, "1 min 15 s"), (4000, "1 h 7 min")]
)
def test_duration(seconds, text):
    assert markdown_output.duration(seconds) == text


def test_every_character_that_is_shown_as_itself_can_be_set_in_an_accessible_pdf(tmp_path):
    import typst

    kept = [chr(c) for c in range(0x20, 0x30000) if escape.in_fonts(chr(c)) == chr(c)]
    assert {"é", "Ω", "ж", "→", "√", "✓"} <= set(kept) and not {"漢", "😀", "\u202e"} & set(kept)
    head = '#set document(title: "t")\n#set text(lang: "en")\n'
    quoted = "".join(kept).replace("\\", "\\\\").replace('"', '\\"')
    (tmp_path / "a.typ").write_text(head + f'#"{quoted}"\n', encoding="utf-8")
    assert typst.compile(
        str(tmp_path / "a.typ"), pdf_standards=["ua-1"], ignore_system_fonts=True
    ).startswith(b"%PDF")
    (tmp_path / "a.typ").write_text(head + "漢\n", encoding="utf-8")
    with pytest.raises(typst.TypstError):
        typst.compile(str(tmp_path / "a.typ"), pdf_standards=["ua-1"], ignore_system_fonts=True)


def test_the_source_of_a_function_has_its_docstring_short_and_as_wide_as_a_page():
    shown = markdown_output.source(markdown_output.source)
    compile(shown, "shown", "exec")
    assert (
        max(map(len, markdown_output.source(markdown_output.table).split('"""')[1].splitlines()))
        <= markdown_output.CODE_WIDTH
    )
    # the summary alone, without the next paragraph
    assert markdown_output.source(markdown_output.table).split('"""')[1].count(".") == 1


@pytest.mark.parametrize(
    "value, said",
    [
        (0.0009996, "1 ms"),
        (0.9996, "1 s"),
        (59.96, "1 min 0 s"),
        (0, "0 µs"),
        (0.5, "500 ms"),
        (75, "1 min 15 s"),
    ],
)
def test_a_duration_takes_its_unit_once_it_is_rounded(value, said):
    assert markdown_output.duration(value) == said == writing.duration(value)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (110.4453, "1 min 51 s"),
        (110.0, "1 min 50 s"),
        (14045.0, "3 h 55 min"),
        (8.171, "8.18 s"),
        (59.96, "1 min 0 s"),
        (0.99991, "1 s"),
        (0.5, "500 ms"),
        (0, "0 µs"),
    ],
)
def test_an_upper_bound_is_never_rounded_to_less_than_it_is(seconds, said):
    shown = markdown_output.duration(seconds, up=True)
    assert shown == said and writing.agrees(shown, shown.form, seconds)


@given(st.floats(1e-6, 1e6))
def test_bounds_are_computed_a_second_way(seconds):
    for shown in (
        markdown_output.duration(seconds, up=True),
        markdown_output.num(seconds, 2, "down"),
        markdown_output.num(seconds, way="up"),
    ):
        assert writing.agrees(shown, shown.form, seconds)


def test_a_bound_is_rounded_to_its_own_side():
    assert markdown_output.num(15.87, 2, "down") == "15"
    assert markdown_output.num(15.12, 2, "up") == "16"
    assert markdown_output.num(347.68, way="down") == "347"


def test_zero_has_no_sign_and_counts_are_rounded():
    assert (
        markdown_output.pct(-0.0002) == "0.0%"
        and markdown_output.fixed(-0.04, 1) == "0.0"
        and markdown_output.fixed(-0.06, 1) == "−0.1"
    )
    assert (
        markdown_output.count(22.7) == "23"
        and markdown_output.count(100 * 0.29) == "29"
        and markdown_output.count(1234.4) == "1,234"
    )
    assert all(
        writing.agrees(text, text.form, float(text.value))
        for text in (
            markdown_output.pct(-0.0002),
            markdown_output.fixed(-0.04, 1),
            markdown_output.count(22.7),
            markdown_output.count(100 * 0.29),
        )
    )


def test_an_empty_sentence_shows_nothing():
    """Quarto, and so our renderer, leaves the code of an inline value that is empty."""
    assert (
        MarkdownText("")._repr_markdown_() == "<!-- -->"
        and MarkdownText("a")._repr_markdown_() == "a"
    )


def test_a_name_in_a_figure_is_short_and_no_mathematics():
    assert (
        escape.label("x$_{") == r"x\$_{"
        and escape.label("a" * 30) == "a" * 19 + "…"
        and "U+13000" in escape.label("\U00013000")
    )


NAMES = [
    "snake_case_x",
    "C$",
    "a`b",
    "two|three",
    "中文",
    "R&amp;D",
    "<b>",
    "{{x}}",
    'say "hi"',
    "back\\slash",
    "ناهيد",
    "*x*",
    *(name for name in HOSTILE if "\x00" not in name),
]


@settings(max_examples=15)
@given(st.permutations(NAMES))
def test_names_in_computed_words_stand_in_a_table_as_they_are_and_carry_their_choices(names):
    from lxml import html

    row = [markdown_output.word(place, *names) for place in range(4)]
    page = html.fromstring(plain_of(markdown_output.table([row], list("abcd")).data, "html"))
    seen = ["".join(escape.visible(c) for c in name) for name in names]
    spans = page.xpath("//td/span")
    assert [" ".join(span.text_content().split()) for span in spans] == [
        " ".join(name.split()) for name in seen[:4]
    ]
    assert {" ".join(span.get("data-as").split()) for span in spans} == {
        " ".join(("one:" + "¦".join(names)).split())
    }


def test_a_name_is_escaped_once_however_often_it_is_passed_on():
    from lmreport.display.traced import fill

    assert (
        markdown_output.plain(markdown_output.plain("a_b"))
        == markdown_output.plain("a_b")
        == "a&#95;b"
    )
    assert plain_of(fill("{} x", fill("{}", markdown_output.plain("a_b")))).strip() == "a_b x"
    assert (
        plain_of(
            markdown_output.table(
                [[markdown_output.plain("a_b")]], [markdown_output.plain("c_d")]
            ).data
        ).split()[0]
        == "c_d"
    )


@pytest.mark.parametrize("base, text", [("typst", "⟨U+4E2D⟩"), ("html", "中")])
def test_letters_without_a_font_become_marks_in_the_pdf_of_genuine_quarto_only(
    tmp_path, monkeypatch, base, text
):
    assert plain_of(markdown_output.plain("中")).strip() == "中"
    (tmp_path / "info.json").write_text(
        f'{{"format": {{"identifier": {{"base-format": "{base}"}}}}}}'
    )
    monkeypatch.setenv("QUARTO_EXECUTE_INFO", str(tmp_path / "info.json"))
    assert plain_of(markdown_output.plain("中")).strip() == text


def test_what_is_not_defined_is_a_dash_and_a_quotient_by_zero_stops_nothing():
    from lmreport.check.numbers import recompute
    from lmreport.runs.quantity import Quantity

    share = Quantity(1, "texts(a)") / (Quantity(2, "x") - 2)
    for shown in (
        markdown_output.pct(share),
        markdown_output.num(share),
        markdown_output.fixed(share, 1),
        markdown_output.count(share),
        markdown_output.duration(share),
    ):
        assert shown == "–" and writing.agrees(shown, shown.form, float("nan"))
    assert (
        not writing.agrees("–", "pct:1", 0.5)
        and markdown_output.pct(0.5).form == markdown_output.pct(share).form
    )
    again = recompute.evaluated("1 / (2 - 2)", {})
    assert again != again and markdown_output.more_or_less(share, 0.1, "more", "less") in (
        "more",
        "less",
    )


def test_a_word_to_choose_holds_no_computed_number_of_its_own():
    with pytest.raises(ValueError, match="choose it by an if"):
        told = str(fill("{} texts", markdown_output.count(3)))
        markdown_output.more_or_less(2, 1, told, "none")
