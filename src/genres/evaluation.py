"""How good a model's predictions are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix


def confusion_counts(actual: Sequence[str], predicted: Sequence[str], genres: Sequence[str]) -> NDArray[np.int64]:
    """Count the clips of each actual genre (rows) that were taken for each genre (columns)."""
    return np.asarray(confusion_matrix(actual, predicted, labels=list(genres)), np.int64)


def score(counts: NDArray[np.int64], genres: Sequence[str]) -> dict[str, Any]:
    """Return accuracy, macro F1 and each genre's recall, as they stand in ``metrics/evaluate.json``.

    Args:
        counts: a confusion matrix, shape (genres, genres), actual genres in rows.
        genres: the names of its rows.

    Returns:
        ``{"accuracy": ..., "macro_f1": ..., "recall": {genre: ...}}``. Recall is None for a genre without a
        test clip. F1 is 2 TP / (2 TP + FP + FN); macro F1 is its mean over the genres that are in the test set
        or were predicted, as in scikit-learn's ``f1_score(average="macro")``.
    """
    right = counts.diagonal()
    actual, predicted = counts.sum(axis=1), counts.sum(axis=0)
    met = (actual + predicted) > 0
    f1 = 2 * right[met] / (actual + predicted)[met]
    return {
        "accuracy": float(right.sum() / counts.sum()),
        "macro_f1": float(f1.mean()),
        "recall": {
            genre: float(hits / clips) if clips else None
            for genre, hits, clips in zip(genres, right, actual, strict=True)
        },
    }
