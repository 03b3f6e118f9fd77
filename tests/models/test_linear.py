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
