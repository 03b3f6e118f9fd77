"""Questions 1b and 1c: train, validation and test as last week, then as a Hugging Face `DatasetDict`."""

from __future__ import annotations

VALIDATION_SHARE = 0.2


def tf_splits(folder: str, seed: int, batch_size: int = 256):
    """The three splits as batched tf.data sets of (texts, labels): last week's code.

    `seed` fixes which fifth of train/ is held out for validation; the three splits are disjoint by construction.
    """
    from keras.utils import text_dataset_from_directory

    held_out = dict(validation_split=VALIDATION_SHARE, seed=seed, batch_size=batch_size,
                    verbose=False)
    train = text_dataset_from_directory(f"{folder}/train", subset="training", **held_out)
    validation = text_dataset_from_directory(
        f"{folder}/train", subset="validation", **held_out)
    test = text_dataset_from_directory(
        f"{folder}/test", batch_size=batch_size, shuffle=False, verbose=False)
    return train, validation, test


def to_dataset(batches, split: str, class_names: list[str]):
    """One tf.data split as a Hugging Face `Dataset` of `text` (str) and `labels` (class index): the handout's code."""
    import numpy as np
    from datasets import ClassLabel, Dataset

    texts, labels = [], []
    for text_batch, label_batch in batches:
        texts += [text.decode("utf-8") for text in text_batch.numpy()]
        labels.append(label_batch.numpy())
    dataset = Dataset.from_dict(
        {"text": texts, "labels": np.concatenate(labels).astype(int)}, split=split)
    return dataset.cast_column("labels", ClassLabel(names=class_names))


def dataset_dict(folder: str, seed: int):
    """All three splits: `DatasetDict` train / validation / test; features `text` and `labels` (a `ClassLabel`)."""
    from datasets import DatasetDict

    train, validation, test = tf_splits(folder, seed)
    named = {"train": train, "validation": validation, "test": test}
    return DatasetDict({name: to_dataset(split, name, train.class_names)
                        for name, split in named.items()})


def subset(dataset, size: int, seed: int):
    """`size` examples, stratified by class and drawn with `seed`, in the order of the data set; all of them if 0."""
    if not size or size >= len(dataset):
        return dataset
    drawn = dataset.add_column("row", list(range(len(dataset)))).train_test_split(
        train_size=size, stratify_by_column="labels", seed=seed)["train"]["row"]
    return dataset.select(sorted(drawn))
