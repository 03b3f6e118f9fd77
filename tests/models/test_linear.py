"""The linear models: what they record, for any number of classes."""

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict

from lmreport.core.settings import load, resolved
from lmreport.models import linear

WORDS = ("loop", "table", "thread", "socket")


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_logits_have_a_column_for_each_class_and_the_largest_is_the_prediction(classes):
    names = list(WORDS[:classes])
    rows = {
        "text": [f"a {name} number {n} {name}" for n in range(6) for name in names],
        "labels": [*range(classes)] * 6,
    }
    one = Dataset.from_dict(rows).cast_column("labels", ClassLabel(names=names))
    splits = DatasetDict(train=one, validation=one, test=one)
    settings = resolved(load(scale="quick"), "cpu")
    model, _ = linear.fit(linear.tfidf_svm(settings.seed), splits)
    for make in (linear.make_bag_of_words, linear.make_tfidf_svm):
        made = make(splits, settings)
        assert made["logits"].shape == made["validation_logits"].shape == (6 * classes, classes)
        assert (made["logits"].argmax(-1) == made["labels"]).all()
    assert (
        linear.distances(model, list(one["text"])).argmax(-1) == model.predict(list(one["text"]))
    ).all()
    assert made["logits"].dtype == np.float32


SUMS = [f"{a} + {b} - {c}" for a in range(1, 7) for b in range(1, 7) for c in (1, 2)]
ODD = {
    "sums": (
        SUMS,
        [sum(map(int, s.replace(" +", "").replace("- ", "").split())) % 2 for s in SUMS],
    ),
    "emoji": (["😀 😂", "😡 😭"] * 30, [0, 1] * 30),
    "a word each": ([f"{'anna' if i % 2 else 'otto'}{i}" for i in range(60)], [0, 1] * 30),
}


@pytest.mark.parametrize("texts", ODD)
@pytest.mark.parametrize("make", [linear.bag_of_words, linear.tfidf_svm])
def test_texts_without_words_of_two_letters_are_learned_too(make, texts):
    given, labels = ODD[texts]
    data = Dataset.from_dict({"text": given, "labels": labels})
    model, found = linear.fit(make(1), {"train": data, "validation": data, "test": data})
    right = (found["logits"].argmax(-1) == found["labels"]).mean()
    assert right > (0.5 if texts == "sums" else 0.9) and found["parameters"] > 4
