"""When training converged, and how far it overfitted: the paper's open question, answered from the curves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from genres.core.columns import Epoch, NonNegative, Share
from genres.core.files import DECIMALS

TOLERANCE = 0.02  # share above its minimum within which a test loss counts as near it
LAST_EPOCHS = 10  # at the end, over which slope, fluctuation and mean are taken
STEADY = 0.01  # share of the test loss by which it has to fall over the last epochs to count as falling


class TrainingOutcome(StrEnum):
    """The state of a training run at its end."""

    IMPROVING = "improving"
    OVERFITTED = "overfitted"
    CONVERGED = "converged"
    TOO_SHORT = "too short"


@dataclass(frozen=True)
class Convergence:
    """What the curves of a training run say. Losses are in nats, accuracies from 0 to 1, epochs counted from 1."""

    epochs: Epoch  # their number
    # The first epoch from which the test loss stays within 2 % of its minimum, or None if it is not there at the end.
    # The last epochs of a falling curve always do; those of a noisy, flat one rarely do.
    converged_epoch: Epoch | None
    best_epoch: Epoch  # of the smallest test loss
    best_test_loss: NonNegative
    train_loss: NonNegative  # of the last epoch, like the next five
    test_loss: NonNegative
    train_accuracy: Share
    test_accuracy: Share
    loss_gap: FiniteFloat  # test minus train
    accuracy_gap: Annotated[float, Field(ge=-1, le=1)]  # train minus test
    loss_fluctuation: NonNegative  # standard deviation over the last epochs, about the straight line through them
    accuracy_fluctuation: NonNegative
    loss_slope: FiniteFloat  # per epoch, of that line
    late_loss: NonNegative  # mean over the last epochs
    loss_rise: NonNegative  # how far that lies above the smallest mean of as many epochs in a row

    @property
    def outcome(self) -> TrainingOutcome:
        """Return the state of the training run at its end. Up to twice the fluctuation counts as noise."""
        noise = 2 * self.loss_fluctuation
        fall = -self.loss_slope * min(LAST_EPOCHS, self.epochs)
        smallest = self.late_loss - self.loss_rise
        if self.loss_rise > max(noise, TOLERANCE * smallest) and self.loss_gap > 0:
            return TrainingOutcome.OVERFITTED
        if fall > max(noise, STEADY * self.late_loss):
            return TrainingOutcome.IMPROVING
        if self.epochs < 2 * LAST_EPOCHS:  # there are no earlier epochs to compare the last ones with
            return TrainingOutcome.TOO_SHORT
        return TrainingOutcome.CONVERGED


CONVERGENCE = {"model": str, **{field.name: field.type for field in fields(Convergence)}, "outcome": TrainingOutcome}
"""The columns of the table of all networks, with their types."""


def describe_all(curves: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Describe the training of each network that has curves, a row each: ``model``, `Convergence`, ``outcome``."""
    found = {model: describe_convergence(of_model) for model, of_model in curves.items()}
    rows = [{"model": model, **asdict(of_model), "outcome": of_model.outcome} for model, of_model in found.items()]
    return pd.DataFrame(rows, columns=list(CONVERGENCE)).astype({"converged_epoch": "Int64"}).round(DECIMALS)


def describe_convergence(curves: pd.DataFrame) -> Convergence:
    """Describe a training run by its curves, as `curves.read_curves` gives them: the index is the epoch, from 1."""
    loss, accuracy = curves.test_loss.to_numpy(float), curves.test_accuracy.to_numpy(float)
    at_end = {str(name): float(curve.iloc[-1]) for name, curve in curves.items()}
    epochs_outside = curves.index[loss > (1 + TOLERANCE) * loss.min()]
    converged_epoch = int(epochs_outside.max()) + 1 if len(epochs_outside) else 1
    last = loss[-LAST_EPOCHS:]
    loss_slope, loss_fluctuation = _trend(last)
    means = np.convolve(loss, np.full(last.size, 1 / last.size), mode="valid")
    return Convergence(
        **at_end,
        epochs=loss.size,
        converged_epoch=converged_epoch if converged_epoch <= loss.size else None,
        best_epoch=int(loss.argmin()) + 1,
        best_test_loss=float(loss.min()),
        loss_gap=at_end["test_loss"] - at_end["train_loss"],
        accuracy_gap=at_end["train_accuracy"] - at_end["test_accuracy"],
        loss_fluctuation=loss_fluctuation,
        accuracy_fluctuation=_trend(accuracy[-LAST_EPOCHS:])[1],
        loss_slope=loss_slope,
        late_loss=float(means[-1]),
        loss_rise=float(means[-1] - means.min()),
    )


def _trend(curve: NDArray[np.float64]) -> tuple[float, float]:
    """Return the slope per epoch of the straight line through part of a curve, and the standard deviation from it."""
    if curve.size < 2:
        return 0.0, 0.0
    epochs = np.arange(curve.size)
    # Not with numpy.polynomial, which gives a constant curve a single coefficient.
    slope, start = np.polyfit(epochs, curve, deg=1)
    return float(slope), float(np.std(curve - (start + slope * epochs)))
