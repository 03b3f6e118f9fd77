"""Training, validation and test of 2 to 200 classes, rare ones among them: each part has each
class, and what was drawn before is drawn as before.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmreport.core import files
from lmreport.core.settings import load, resolved
from lmreport.data import download
from lmreport.data.splits import each_class_in_both, splits_for, subset
from lmreport.models import stacking


def dataset(labels, classes):
    from datasets import ClassLabel, Dataset

    found = Dataset.from_dict({"text": [f"text {i}" for i in range(len(labels))], "labels": labels})
    return found.cast_column("labels", ClassLabel(num_classes=classes))


def test_texts_are_drawn_as_datasets_draws_them_where_each_class_has_room():
    labels = [i % 4 for i in range(200)]
    whole = dataset(labels, 4)
    drawn = whole.add_column("row", range(200)).train_test_split(
        train_size=60, stratify_by_column="labels", seed=7
    )["train"]["row"]
    assert subset(whole, 60, 7)["text"] == whole.select(sorted(drawn))["text"]
    assert subset(whole, 0, 7) is whole and subset(whole, 200, 7) is whole


@given(st.lists(st.integers(1, 40), min_size=2, max_size=30), st.integers(0, 9), st.data())
def test_each_class_keeps_a_text_where_there_is_room(counts, seed, data):
    labels = [label for label, number in enumerate(counts) for _ in range(number)]
    size = data.draw(st.integers(len(counts), len(labels)))
    found = subset(dataset(labels, len(counts)), size, seed)
    assert len(found) == size and set(found["labels"]) == set(range(len(counts)))
    assert len(set(found["text"])) == size


def test_fewer_texts_than_classes_are_drawn_too():
    assert len(set(subset(dataset(list(range(50)) * 3, 50), 32, 1)["labels"])) > 15


def test_a_class_that_fell_to_one_side_is_divided_and_other_data_are_left_alone():
    from datasets import DatasetDict

    def parts(train, validation):
        named = {"train": train, "validation": validation, "test": [0, 1, 2]}
        return DatasetDict({name: dataset(labels, 3) for name, labels in named.items()})

    whole = parts([0, 1, 2] * 8, [0, 1, 2] * 2)
    assert each_class_in_both(whole, 1) is whole
    found = each_class_in_both(parts([0] * 8 + [1] * 10, [0, 0, 2, 2]), 1)
    assert np.bincount(found["train"]["labels"]).tolist() == [8, 8, 1]
    assert np.bincount(found["validation"]["labels"]).tolist() == [2, 2, 1]
    assert found["test"]["labels"] == [0, 1, 2]


@pytest.mark.parametrize("classes", [2, 200])
def test_the_quick_splits_of_few_and_of_many_classes_have_each_class(
    classes, tmp_path, monkeypatch
):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path / "cache"))
    for split, number in (("train", 1200), ("test", 400)):
        for i in range(number):
            inner = tmp_path / "data" / split / f"class {i % classes:03}"
            inner.mkdir(parents=True, exist_ok=True)
            (inner / f"{i}.txt").write_text(f"text {i} of {i % classes}", encoding="utf-8")
    for path in sorted((tmp_path / "data" / "train" / "class 000").iterdir())[2:]:
        path.unlink()  # two texts of a class are enough
    found = download.obtain(str(tmp_path / "data"))
    splits = splits_for(resolved(load(scale="quick")), found)
    for split in splits.values():
        assert set(split["labels"]) == set(range(classes))
    if classes > 2:  # of two, one has but two of the texts
        assert len(splits["train"]) == 800 and len(splits["validation"]) == 200


def test_classes_above_127_are_kept_as_they_are():
    assert files.small([3, 127]).dtype == np.int8
    assert files.small([np.array([3, 128]), np.array([0, 199])]).tolist() == [[3, 128], [0, 199]]


@pytest.mark.parametrize("labels", [[0, 1] * 20, list(range(40))])
def test_a_stack_is_cross_fitted_on_classes_of_one_text(labels):
    rng, number = np.random.default_rng(0), max(labels) + 1
    scores = stacking.normalised(rng.normal(size=(2, 40, number)))
    found = stacking.cross_fitted(scores, np.array(labels), 1)
    assert found.shape == (40, number) and np.isfinite(found).all()
