"""The temperature of a model's probabilities, from training clips that are left out of a training."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

FOLDS = 5
INVERSE_TEMPERATURES = (0.1, 20.0)

Indices = NDArray[np.int64]


def draw_folds(labels: NDArray[np.int64], seed: int) -> list[tuple[Indices, Indices]]:
    """Return the indices of the clips that each fold keeps and leaves out; no fold if a class has a single clip.

    There are at most `FOLDS`, and no more than the smallest class has clips. ``labels`` has shape (clips,).
    """
    from sklearn.model_selection import StratifiedKFold  # takes a second to import, which predicting does not need

    n_folds = min(FOLDS, int(np.bincount(labels).min()))
    if n_folds < 2:
        return []
    return list(StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(labels, labels))


def fit_temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return the smallest cross entropy (in nats) of clips left out, and the inverse temperature that gives it.

    The probabilities are the softmax of the ``scores`` (clips, classes) times the inverse temperature.
    """
    from scipy.optimize import minimize_scalar

    def cross_entropy(inverse_temperature: float) -> float:
        return -float(log_softmax(inverse_temperature * scores, axis=1)[np.arange(len(labels)), labels].mean())

    best = minimize_scalar(cross_entropy, bounds=INVERSE_TEMPERATURES, method="bounded")
    return float(best.fun), float(best.x)
