"""The words that last week's LSTM reads, in English and in other scripts."""

import re

import numpy as np
import pytest

from lmreport.core import progress
from lmreport.data import words as in_any_script
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


@pytest.mark.parametrize("text", ["我喜欢编程", "ひらがな カタカナ", "ภาษาไทย", "für größe"])
def test_the_lstm_reads_the_words_that_are_shuffled_and_counted(text):
    assert lstm.standardize_unicode([text]).numpy()[0].decode().split() == in_any_script.words(text)


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


def test_a_training_tells_its_epochs_and_how_long_it_takes_at_most(told):
    progress.load_keras()
    data = np.ones((640, 8), int), np.zeros(640, int)
    small = dict(units=4, bidirectional=False, max_pooling=False, dropout=0.0)
    lstm.train(
        small, data, data, classes=2, epochs=2, seed=1, callbacks=[lstm.lines("small", every=0)]
    )
    said = [line for line in told if line.startswith("lstm: ")]
    assert re.fullmatch(r"lstm: small, step 1/40, loss \d\.\d{3}, at most \d+ s left", said[0]), (
        said[0]
    )
    epochs = [line for line in said if "epoch" in line]
    assert len(epochs) == 2 and "epoch 2, loss" in epochs[1] and "validation accuracy" in epochs[1]
    assert said[-2].startswith("lstm: small, step 40/40") and said[-2].endswith("most 0 s left")
