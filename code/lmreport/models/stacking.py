"""Models beside and on top of the Transformer: linear ones on other views of the texts, and a stack
of several.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import numpy as np

from lmreport.models.linear import distances, fitted_to

MARKS = r"[A-Za-z_]+|\d+|[^\w\s]"  # words, numbers, and each punctuation mark by itself
FOLDS = 10


@dataclass(frozen=True)
class Linear:
    """A linear SVM on TF-IDF features. view: one of VIEWS; words, characters: longest n-gram of
    each, 0: none.
    """

    view: str = "as it is"
    words: int = 2
    characters: int = 5
    c: float = 0.5


def without_punctuation(texts: list[str], tokenizer) -> list[str]:
    return [re.sub(r"[^\w\s]", " ", text) for text in texts]


def in_pieces(texts: list[str], tokenizer) -> list[str]:
    """Each text as the word pieces that the Transformer reads, parted by spaces; none is cut
    off.
    """
    ids = tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
    return [" ".join(tokenizer.convert_ids_to_tokens(row)) for row in ids]


VIEWS = {  # name: what becomes of the texts, and what counts as a word in them
    "as it is": (lambda texts, tokenizer: texts, r"(?u)\b\w\w+\b"),
    "no punctuation": (without_punctuation, r"(?u)\b\w\w+\b"),
    "marks as words": (lambda texts, tokenizer: texts, MARKS),
    "word pieces": (in_pieces, r"\S+"),
}


def fitted(linear: Linear, texts: list[str], labels, tokenizer):
    """The vectorizers and the SVM, fitted to texts and labels (n,)."""
    return fitted_to(pipeline(linear), VIEWS[linear.view][0](texts, tokenizer), labels)


def pipeline(linear: Linear):
    """The same, not fitted."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    parts = []
    if linear.words:
        parts.append(
            TfidfVectorizer(
                ngram_range=(1, linear.words),
                sublinear_tf=True,
                min_df=2,
                token_pattern=VIEWS[linear.view][1],
            )
        )
    if linear.characters:
        parts.append(
            TfidfVectorizer(
                analyzer="char_wb", ngram_range=(2, linear.characters), sublinear_tf=True, min_df=2
            )
        )
    return make_pipeline(make_union(*parts), LinearSVC(C=linear.c, random_state=0))


def scores_of(model, linear: Linear, texts: list[str], tokenizer) -> np.ndarray:
    """Distances from the class borders (n, classes), which a stack takes as logits."""
    return distances(model, VIEWS[linear.view][0](texts, tokenizer))


def normalised(logits: np.ndarray) -> np.ndarray:
    """Logits (n, classes) as logarithms of probabilities, so that only differences between classes
    count.
    """
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def fit_stack(
    scores: np.ndarray, labels: np.ndarray, strength: float = 1e-3
) -> tuple[np.ndarray, np.ndarray]:
    """One weight for each model and one bias for each class: the least cross-entropy of Σ weight ·
    score + bias.

    scores: (models, n, classes). The square of the weights costs `strength`, so that equal models
    share.
    """
    from scipy.optimize import minimize

    models, n, classes = scores.shape
    right = np.eye(classes)[labels]

    def loss(numbers):
        weights, bias = numbers[:models], numbers[models:]
        found = normalised(stacked(scores, weights, bias))
        wrong = (np.exp(found) - right) / n  # (n, classes)
        gradient = np.concatenate(
            [
                np.einsum("mnc,nc->m", scores, wrong) + 2 * strength * weights,
                wrong.sum(0) + 2 * strength * bias,
            ]
        )
        return -(right * found).sum() / n + strength * (numbers**2).sum(), gradient

    found = minimize(
        loss, np.concatenate([np.ones(models), np.zeros(classes)]), jac=True, method="L-BFGS-B"
    ).x
    return found[:models], found[models:]


def stacked(scores: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Logits (n, classes) of the stack from scores (models, n, classes)."""
    return np.einsum("m,mnc->nc", weights, scores) + bias


def cross_fitted(scores: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Logits (n, classes) of the stack, each text's from weights that were fitted without the texts
    of its fold.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    found, counts = np.empty(scores.shape[1:]), np.bincount(labels)
    folds = max(2, min(FOLDS, counts.min()))
    kind = StratifiedKFold if counts.max() >= folds else KFold  # as the former refuses
    with warnings.catch_warnings():  # a class of one text is in one fold only, as it must be
        warnings.filterwarnings("ignore", "The least populated class")
        parts = list(kind(folds, shuffle=True, random_state=seed).split(labels, labels))
    for rest, fold in parts:
        found[fold] = stacked(scores[:, fold], *fit_stack(scores[:, rest], labels[rest]))
    return found
