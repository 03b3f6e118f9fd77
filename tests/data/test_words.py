"""Words of texts with and without blanks between them."""

from hypothesis import given, strategies

from lmreport.data.words import unit, words


@given(strategies.text(strategies.characters(max_codepoint=0x0DFF)))
def test_where_words_are_parted_by_blanks_they_are_what_stands_between(text):
    """From Latin to Sinhala, before the first script without blanks."""
    assert words(text) == text.split()


def test_scripts_without_blanks_have_a_word_for_each_character():
    assert words("我喜欢 Python编程") == ["我", "喜", "欢", "Python", "编", "程"]
    assert [len(words(text)) for text in ("日本語テキスト", "ภาษาไทย")] == [7, 7]
    assert unit("Python编程") == "character" and unit("naïve Straße, 한국어") == "word"
