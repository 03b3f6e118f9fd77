"""The two linear yardsticks: a binary bag of words, and TF-IDF of words and characters with a
linear SVM.
"""

from __future__ import annotations

import time

import numpy as np


def bag_of_words(seed: int):
    """Which words occur, order and number ignored, under logistic regression: the form of the
    published best.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        CountVectorizer(binary=True, min_df=2, max_features=10_000),
        LogisticRegression(C=0.1, max_iter=300, random_state=seed),
    )


def tfidf_svm(seed: int):
    """TF-IDF of words (1–2) and of characters inside words (2–5), punctuation kept, under a linear
    SVM.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    characters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2
    )
    return make_pipeline(make_union(words, characters), LinearSVC(C=0.5, random_state=seed))


def make_bag_of_words(splits, settings, source=None, folder=None) -> dict:
    """What to record of the binary bag of words."""
    return fit(bag_of_words(settings.seed), splits)[1]


def make_tfidf_svm(splits, settings, source=None, folder=None) -> dict:
    """What to record of the linear SVM on TF-IDF."""
    return fit(tfidf_svm(settings.seed), splits)[1]


def fit(model, splits) -> tuple[object, dict]:
    """Fit a linear model on splits["train"], score validation and test. Returns it and what to
    record.
    """
    start = time.perf_counter()
    fitted_to(model, splits["train"]["text"], splits["train"]["labels"])
    trained = time.perf_counter()
    logits = distances(model, list(splits["test"]["text"]))  # (n, classes), not normalised
    done = time.perf_counter()
    return model, {
        "logits": logits,
        "labels": np.array(splits["test"]["labels"]),
        "validation_logits": distances(model, list(splits["validation"]["text"])),
        "validation_labels": np.array(splits["validation"]["labels"]),
        "train_seconds": trained - start,
        "predict_seconds": done - trained,
        "epochs": 1,
        "device": "cpu",
        "train_texts": len(splits["train"]),
        "test_texts": len(splits["test"]),
        "parameters": int(model[-1].coef_.size + model[-1].intercept_.size),
    }


def fitted_to(model, texts, labels):
    """`model`, fitted. Where no word of two letters stands in two texts (emoji, sums, a name each),
    whatever stands between blanks counts as a word.
    """
    try:
        return model.fit(texts, labels)
    except ValueError as error:
        if not any(said in str(error) for said in ("empty vocabulary", "no terms remain")):
            raise
    given = model.get_params()
    words = [key for key in given if key.endswith("__analyzer") and given[key] == "word"]
    patterns = {key.replace("__analyzer", "__token_pattern"): r"\S+" for key in words}
    counts = {key: 1 for key in given if key.endswith("__min_df")}
    return model.set_params(**patterns, **counts).fit(texts, labels)


def distances(model, texts: list[str]) -> np.ndarray:
    """Distances from the class borders (n, classes); of two classes scikit-learn gives the second's
    only.
    """
    scores = model.decision_function(texts)
    return (np.stack([-scores, scores], 1) if scores.ndim == 1 else scores).astype(np.float32)
