"""When a training converged, and how far it overfitted: the paper's open question, from the curves."""

from dataclasses import asdict, dataclass
from enum import Enum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.artifacts import DECIMALS

TOLERANCE = 0.02
"""Share above its minimum within which a test loss counts as near it."""

LAST_EPOCHS = 10
"""Epochs at the end over which slope, fluctuation and mean are taken."""

STEADY = 0.01
"""Share of the test loss by which it has to fall over the last epochs to count as falling."""


class Course(Enum):
    """How a training stands at its end."""

    IMPROVING = "improving"
    OVERFITTED = "overfitted"
    CONVERGED = "converged"
    TOO_SHORT = "too short"


@dataclass(frozen=True)
class Convergence:
    """What the curves of a training say.

    Attributes:
        epochs: how many there were.
        converged_epoch: the first epoch from which the test loss stays within 2 % of its minimum, or None if it is
            not there at the end. The last epochs of a falling curve are always there, and those of a noisy flat one
            seldom: what the training came to is for `course` to say.
        best_epoch: the epoch of the smallest test loss.
        best_test_loss: that loss.
        loss_gap: test loss minus train loss at the last epoch.
        accuracy_gap: train accuracy minus test accuracy at the last epoch.
        loss_fluctuation: standard deviation of the test loss over the last epochs, about its straight line.
        accuracy_fluctuation: the same of the test accuracy.
        loss_slope: that straight line's slope per epoch.
        late_loss: mean test loss over the last epochs.
        loss_rise: how far that lies above the smallest mean of as many epochs in a row.
    """

    epochs: int
    converged_epoch: int | None
    best_epoch: int
    best_test_loss: float
    loss_gap: float
    accuracy_gap: float
    loss_fluctuation: float
    accuracy_fluctuation: float
    loss_slope: float
    late_loss: float
    loss_rise: float

    @property
    def course(self) -> Course:
        """Say how the training stands at its end. What does not exceed twice the fluctuation counts as noise."""
        noise = 2 * self.loss_fluctuation
        fall = -self.loss_slope * min(LAST_EPOCHS, self.epochs)
        smallest = self.late_loss - self.loss_rise
        if self.loss_rise > max(noise, TOLERANCE * smallest) and self.loss_gap > 0:
            return Course.OVERFITTED
        if fall > max(noise, STEADY * self.late_loss):
            return Course.IMPROVING
        if self.epochs < 2 * LAST_EPOCHS:  # there are no earlier epochs to hold the last ones against
            return Course.TOO_SHORT
        return Course.CONVERGED

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
    last = test_loss[-LAST_EPOCHS:]
    means = np.convolve(test_loss, np.full(last.size, 1 / last.size), mode="valid")
    first_within = int(outside[-1]) + 1 if outside.size else 0  # as an index: behind the last one outside
    return Convergence(
        epochs=test_loss.size,
        converged_epoch=first_within + 1 if first_within < test_loss.size else None,
        best_epoch=int(test_loss.argmin()) + 1,
        best_test_loss=float(test_loss.min()),
        loss_gap=float(test_loss[-1] - history.train_loss.iloc[-1]),
        accuracy_gap=float(history.train_accuracy.iloc[-1] - test_accuracy[-1]),
        loss_fluctuation=_fluctuation(last),
        accuracy_fluctuation=_fluctuation(test_accuracy[-LAST_EPOCHS:]),
        loss_slope=_line(last)[1],
        late_loss=float(means[-1]),
        loss_rise=float(means[-1] - means.min()),
    )


def _fluctuation(curve: NDArray[np.float64]) -> float:
    """Return the standard deviation of a piece of a curve about its straight line, so that a trend does not count."""
    if curve.size < 3:  # a line goes through any two points
        return 0.0
    start, slope = _line(curve)
    return float(np.std(curve - (start + slope * np.arange(curve.size))))


def _line(curve: NDArray[np.float64]) -> tuple[float, float]:
    """Return the straight line through a piece of a curve: its height in the first epoch, and its slope per epoch."""
    if curve.size < 2:
        return float(curve[0]), 0.0
    # Not with numpy.polynomial, which gives a constant curve a single coefficient.
    slope, start = np.polyfit(np.arange(curve.size), curve, deg=1)
    return float(start), float(slope)
