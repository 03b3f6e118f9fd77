"""Last week's LSTM, trained from scratch in Keras: standardize → TextVectorization → Embedding →
LSTM → softmax.
"""

from __future__ import annotations

import logging
import time

import numpy as np

from lmreport.core import progress
from lmreport.data.words import UNSPACED

log = logging.getLogger(__name__)

EMBEDDING = 128  # numbers per word
FOREIGN = 0.01  # share of letters beyond a to z from which on texts are not standardized as English
# The configurations that were compared on validation; nothing else was tried.
CONFIGURATIONS = {
    "last state": dict(units=64, bidirectional=False, max_pooling=False, dropout=0.3),
    "bidirectional, max over time": dict(
        units=64, bidirectional=True, max_pooling=True, dropout=0.3
    ),
    "wider, more dropout": dict(units=96, bidirectional=True, max_pooling=True, dropout=0.5),
}


def standardize(texts):
    """Lower case, and every mark of punctuation a token of its own: in code, `{` and `;` are
    words.
    """
    import tensorflow as tf

    return tf.strings.regex_replace(tf.strings.lower(texts), r"([^a-z0-9_\s])", r" \1 ")


def standardize_unicode(texts):
    """The same for letters of all scripts; characters of scripts that are written without blanks
    between words are tokens of their own.
    """
    import tensorflow as tf

    lower = tf.strings.lower(texts, encoding="utf-8")
    apart = tf.strings.regex_replace(lower, UNSPACED, r" \1 ")
    return tf.strings.regex_replace(apart, r"([^\p{L}\p{M}\p{N}_\s])", r" \1 ")


def standardization(texts):
    """`standardize`, or `standardize_unicode` where a share of FOREIGN or more of the letters is
    not among a to z; texts: a list of strings, or a `tf.data.Dataset` of batches.
    """
    batches = [texts] if isinstance(texts, list) else texts.as_numpy_iterator()
    letters = foreign = 0
    for batch in batches:
        for text in batch:
            text = text.decode("utf-8") if isinstance(text, bytes) else text
            letters += sum(map(str.isalpha, text))
            foreign += sum(c.isalpha() for c in text if not c.isascii())
    return standardize_unicode if foreign >= FOREIGN * max(letters, 1) else standardize


def vectorization(texts, vocabulary: int = 10_000, length: int = 250):
    """A `TextVectorization` layer adapted to `texts`: (batch,) strings → (batch, length) word
    numbers.
    """
    from keras.layers import TextVectorization

    layer = TextVectorization(
        max_tokens=vocabulary,
        standardize=standardization(texts),
        output_sequence_length=length,
    )
    layer.adapt(texts)
    return layer


def build(
    units: int,
    bidirectional: bool,
    max_pooling: bool,
    dropout: float,
    classes: int,
    vocabulary: int = 10_000,
):
    """The network from word numbers (batch, length) to logits (batch, classes)."""
    import keras
    from keras import layers

    recurrent = layers.LSTM(units, return_sequences=max_pooling)
    return keras.Sequential(
        [
            layers.Embedding(vocabulary, EMBEDDING, mask_zero=not max_pooling),
            layers.SpatialDropout1D(dropout),
            layers.Bidirectional(recurrent) if bidirectional else recurrent,
            *([layers.GlobalMaxPooling1D()] if max_pooling else []),
            layers.Dropout(dropout),
            layers.Dense(classes),
        ]
    )


def train(
    configuration: dict,
    train_data,
    validation_data,
    classes: int,
    epochs: int,
    seed: int,
    callbacks=(),
):
    """Define the loss → compile → fit, stopped when the validation accuracy has not grown for three
    epochs.
    """
    import keras

    keras.utils.set_random_seed(seed)
    model = build(**configuration, classes=classes)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        metrics=["accuracy"],
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    stop = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=3, restore_best_weights=True
    )
    history = model.fit(
        *train_data,
        validation_data=validation_data,
        epochs=epochs,
        batch_size=32,
        verbose=0,
        callbacks=[stop, *callbacks],
    )
    return model, {k: [float(x) for x in v] for k, v in history.history.items()}


def lines(name: str, every: float = 5.0):
    """A Keras callback that tells of each epoch of the configuration `name`, and `every` seconds
    how far the training is.
    """
    import keras

    class Lines(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.begun = self.told = time.perf_counter()
            self.step = 0

        def on_train_batch_end(self, batch, logs=None):
            self.step, now = self.step + 1, time.perf_counter()
            if now - self.told > every:
                self.told, total = now, self.params["epochs"] * self.params["steps"]
                left = (now - self.begun) * (total / self.step - 1)
                log.info(
                    f"lstm: {name}, step {self.step}/{total}, loss {logs['loss']:.3f}, at most "
                    f"{left:.0f} s left",
                    extra=progress.LIVE,
                )

        def on_epoch_end(self, epoch, logs=None):
            log.info(
                f"lstm: {name}, epoch {epoch + 1}, loss {logs['loss']:.3f}, "
                f"validation accuracy {logs['val_accuracy']:.4f}"
            )

    return Lines()


def fit(splits, settings) -> tuple[object, dict]:
    """Train the configurations, keep the best on validation, predict validation and test with it
    alone.

    Returns (layer, model) and what to record. `train_seconds` is that of the kept one;
    `search_seconds` of all. At the scale "quick" only the second configuration is trained.
    """
    texts = {name: np.array(split["text"], dtype=object) for name, split in splits.items()}
    labels = {name: np.array(split["labels"]) for name, split in splits.items()}
    start = time.perf_counter()
    layer = vectorization(list(texts["train"]))
    ids = {name: layer(list(t)).numpy() for name, t in texts.items()}  # (n, length)
    vectorized = time.perf_counter() - start
    classes = splits["train"].features["labels"].num_classes
    names = list(CONFIGURATIONS) if settings.scale == "full" else [list(CONFIGURATIONS)[1]]
    tried, best = {}, None
    for name in names:
        begun = time.perf_counter()
        model, history = train(
            CONFIGURATIONS[name],
            (ids["train"], labels["train"]),
            (ids["validation"], labels["validation"]),
            classes,
            settings.lstm_epochs,
            settings.seed,
            [lines(name)],
        )
        tried[name] = {
            "seconds": time.perf_counter() - begun + vectorized,
            "history": history,
            "validation_accuracy": max(history["val_accuracy"]),
        }
        if (
            best is None
            or tried[name]["validation_accuracy"] > tried[best[0]]["validation_accuracy"]
        ):
            best = name, model
    name, model = best  # type: ignore[misc]  # one was tried
    begun = time.perf_counter()
    logits = model.predict(ids["test"], batch_size=256, verbose=0)
    seconds = time.perf_counter() - begun
    return (layer, model), {
        "logits": logits.astype(np.float32),
        "labels": labels["test"],
        "validation_logits": model.predict(ids["validation"], batch_size=256, verbose=0).astype(
            np.float32
        ),
        "validation_labels": labels["validation"],
        "configuration": name,
        "tried": tried,
        "history": tried[name]["history"],
        "train_seconds": tried[name]["seconds"],
        "search_seconds": sum(t["seconds"] for t in tried.values()),
        "predict_seconds": seconds,
        "epochs": len(tried[name]["history"]["loss"]),
        "train_texts": len(labels["train"]),
        "test_texts": len(labels["test"]),
        "parameters": int(model.count_params()),
        "device": "cpu",
    }


def make(splits, settings, source=None, folder=None) -> dict:
    """What to record of the LSTM that `fit` keeps."""
    progress.load_keras()
    return fit(splits, settings)[1]
