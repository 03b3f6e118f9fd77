"""The words that last week's LSTM reads, in English and in other scripts."""

import pytest

from lmreport.core import progress
from lmreport.models import lstm


def words(texts: list[str]) -> list[str]:
    progress.load_keras()
    return lstm.standardization(texts)(texts[:1]).numpy()[0].decode("utf-8").split()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("if (a<B) return x_1;", "if ( a < b ) return x_1 ;"),
        ("Für die Größe: straße", "für die größe : straße"),
        ("Привет, МИР!", "привет , мир !"),
        ("你好，世界 hello", "你 好 ， 世 界 hello"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
        ("हिन्दी में", "हिन्दी में"),
    ],
)
def test_words_of_each_script_stay_whole(text, said):
    assert words([text]) == said.split()


def test_few_letters_of_another_script_leave_english_as_it_was():
    texts = ["naïve café", *["plain english words, and many of them"] * 30]
    assert words(texts) == "na ï ve caf é".split()


def test_a_layer_learns_the_same_words_from_a_list_and_from_batches():
    progress.load_keras()
    import tensorflow as tf

    texts = ["Größe ä", "über Größe"]
    batches = tf.data.Dataset.from_tensor_slices(texts).batch(1)
    known = [lstm.vectorization(given).get_vocabulary() for given in (texts, batches)]
    assert known[0] == known[1] and "größe" in known[0]
