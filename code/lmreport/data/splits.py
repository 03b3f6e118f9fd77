"""Questions 1b and 1c: train, validation and test as last week, then as a Hugging Face
`DatasetDict`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lmreport.core import lock, progress
from lmreport.core.errors import ReportError
from lmreport.core.settings import Settings, cache_root
from lmreport.data import download

VALIDATION_SHARE = 0.2


# As the report shows it, in little room.
# fmt: off
def tf_splits(folder: str, seed: int, batch_size: int = 256):
    """The three splits as batched tf.data sets of texts and labels: last week's code.

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
# fmt: on


def to_dataset(batches, split: str, class_names: list[str]):
    """One tf.data split as a `Dataset` of `text` and `labels`: the handout's code."""
    import numpy as np
    from datasets import ClassLabel, Dataset

    texts, labels = [], []
    for text_batch, label_batch in batches:
        texts += [text.decode("utf-8") for text in text_batch.numpy()]
        labels.append(label_batch.numpy())
    dataset = Dataset.from_dict(
        {"text": texts, "labels": np.concatenate(labels).astype(int)}, split=split
    )
    return dataset.cast_column("labels", ClassLabel(names=class_names))


def dataset_dict(folder: str, seed: int):
    """All three splits as a `DatasetDict` train / validation / test."""
    from datasets import DatasetDict

    train, validation, test = tf_splits(folder, seed)
    named = {"train": train, "validation": validation, "test": test}
    return DatasetDict(
        {name: to_dataset(split, name, train.class_names) for name, split in named.items()}
    )


def subset(dataset, size: int, seed: int):
    """`size` examples, stratified by class and drawn with `seed`, in the order of the data set; all
    of them if 0.

    Each class keeps one, where `size` has room for that: rare ones, which the draw left out, take
    the place of others.
    """
    import numpy as np

    if not size or size >= len(dataset):
        return dataset
    labels = np.array(dataset["labels"])
    counts = np.unique(labels, return_counts=True)[1]
    if counts.min() > 1 and len(counts) <= size <= len(dataset) - len(counts):
        drawn = dataset.add_column("row", list(range(len(dataset)))).train_test_split(
            train_size=size, stratify_by_column="labels", seed=seed
        )["train"]["row"]
    else:  # Datasets refuses to stratify
        drawn = np.random.default_rng(seed).permutation(len(dataset))[:size].tolist()
    return dataset.select(sorted(with_each_class(list(drawn), labels, seed)))


def with_each_class(drawn: list[int], labels, seed: int) -> list[int]:
    """The row numbers `drawn` of rows with `labels` (n,), where each class that was left out has
    taken the place of a row of the class with the most of them, as long as that has two.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    for left_out in sorted(set(labels.tolist()) - set(labels[drawn].tolist())):
        counts = np.bincount(labels[drawn])
        if counts.max() > 1:
            of_most = [row for row in drawn if labels[row] == counts.argmax()]
            drawn.remove(rng.choice(of_most))
            drawn.append(int(rng.choice(np.flatnonzero(labels == left_out))))
    return drawn


def load_splits(corpus, seed: int):
    """The `DatasetDict` of a `data.Corpus`, converted once and then read from the cache (no
    TensorFlow needed).
    """
    from datasets import load_from_disk

    folder = cache_root() / "splits" / f"{corpus.digest[:16]}-{seed}"
    if not (folder / "dataset_dict.json").is_file():
        with lock.only_one(f"splits-{folder.name}"):
            if not (folder / "dataset_dict.json").is_file():
                convert(corpus, seed, folder)
    try:
        return load_from_disk(str(folder))
    except (OSError, ValueError):  # damaged
        with lock.only_one(f"splits-{folder.name}"):
            convert(corpus, seed, folder)
        return load_from_disk(str(folder))


def convert(corpus, seed: int, folder: Path) -> None:
    """Save the splits of a corpus in `folder`, which appears when they are whole."""
    download.unchanged(corpus)
    progress.load_keras()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as part:
        splits = each_class_in_both(dataset_dict(corpus.folder, seed), seed)
        splits.save_to_disk(f"{part}/splits")
        shutil.rmtree(folder, ignore_errors=True)
        Path(part, "splits").rename(folder)


def each_class_in_both(splits, seed: int):
    """The same splits, but that of a class whose texts all fell to training or all to validation,
    VALIDATION_SHARE of them, and at least one, go to validation and the others to training.
    """
    import numpy as np
    from datasets import DatasetDict, concatenate_datasets

    both = concatenate_datasets([splits["train"], splits["validation"]])
    labels, border = np.array(both["labels"]), len(splits["train"])
    held_out, rng = np.arange(len(both)) >= border, np.random.default_rng(seed)
    before = held_out.copy()
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) > 1 and len(set(held_out[rows].tolist())) == 1:
            rows = rng.permutation(rows)
            held_out[rows] = np.arange(len(rows)) < max(1, round(VALIDATION_SHARE * len(rows)))
    if (held_out == before).all():
        return splits
    parts = {"train": ~held_out, "validation": held_out}
    found = {name: both.select(np.flatnonzero(rows)) for name, rows in parts.items()}
    return DatasetDict(found | {"test": splits["test"]})


def splits_for(settings: Settings, corpus: download.Corpus):
    """Train, validation and test of the size that the settings ask for.

    Raises ReportError for a size that leaves a split without a text of each class.
    """
    splits = load_splits(corpus, settings.seed)
    sizes = {
        "train": settings.train_size,
        "validation": settings.train_size // 4,  # type: ignore[operator]  # resolved settings
        "test": settings.test_size,
    }
    for name, size in sizes.items():
        whole, classes = len(splits[name]), splits[name].features["labels"].num_classes
        asked = "test_size" if name == "test" else "train_size"
        if getattr(settings, asked) and size < classes:
            raise ReportError(
                f"{asked}: {getattr(settings, asked)} gives {size} of {whole:,} texts for {name}, "
                f"where each of the {classes} classes must have one; choose more, or 0 for all"
            )
        splits[name] = subset(splits[name], size, settings.seed)  # type: ignore[arg-type]
    return splits
