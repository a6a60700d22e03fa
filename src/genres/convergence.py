"""When a training converged, and how far it overfitted: the paper's open question, from the curves."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.artifacts import DECIMALS

TOLERANCE = 0.02
"""Share above its minimum within which a test loss counts as converged."""

LAST_EPOCHS = 10
"""Epochs at the end over which the fluctuation is taken."""


@dataclass(frozen=True)
class Convergence:
    """What the curves of a training say.

    Attributes:
        epochs: how many there were.
        converged_epoch: the first epoch from which the test loss stays within 2 % of its minimum, or None if it is
            not there at the end (the minimum is passed and left: overfitting).
        best_epoch: the epoch of the smallest test loss.
        best_test_loss: that loss.
        loss_gap: test loss minus train loss at the last epoch.
        accuracy_gap: train accuracy minus test accuracy at the last epoch.
        loss_fluctuation: standard deviation of the test loss over the last epochs, about its straight line.
        accuracy_fluctuation: the same of the test accuracy.
    """

    epochs: int
    converged_epoch: int | None
    best_epoch: int
    best_test_loss: float
    loss_gap: float
    accuracy_gap: float
    loss_fluctuation: float
    accuracy_fluctuation: float

    def rounded(self) -> dict[str, float | int | None]:
        """Return the same as it stands in ``metrics/convergence.json``."""
        return {
            name: round(value, DECIMALS) if isinstance(value, float) else value for name, value in asdict(self).items()
        }


def describe_convergence(history: pd.DataFrame) -> Convergence:
    """Describe a training by its curves, as `histories.read_history` gives them: the index is the epoch, from 1."""
    test_loss = history.test_loss.to_numpy(float)
    test_accuracy = history.test_accuracy.to_numpy(float)
    within = test_loss <= (1 + TOLERANCE) * test_loss.min()
    outside = np.flatnonzero(~within)
    first_within = int(outside[-1]) + 1 if outside.size else 0  # as an index: behind the last one outside
    return Convergence(
        epochs=test_loss.size,
        converged_epoch=first_within + 1 if first_within < test_loss.size else None,
        best_epoch=int(test_loss.argmin()) + 1,
        best_test_loss=float(test_loss.min()),
        loss_gap=float(test_loss[-1] - history.train_loss.iloc[-1]),
        accuracy_gap=float(history.train_accuracy.iloc[-1] - test_accuracy[-1]),
        loss_fluctuation=_fluctuation(test_loss[-LAST_EPOCHS:]),
        accuracy_fluctuation=_fluctuation(test_accuracy[-LAST_EPOCHS:]),
    )


def _fluctuation(curve: NDArray[np.float64]) -> float:
    """Return the standard deviation of a piece of a curve about its straight line, so that a trend does not count."""
    if curve.size < 3:  # a line goes through any two points
        return 0.0
    epochs = np.arange(curve.size)
    line = np.polynomial.Polynomial.fit(epochs, curve, deg=1)
    return float(np.std(curve - line(epochs)))
