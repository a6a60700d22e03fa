"""How a training stands at its end, by its curves."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike, NDArray

from genres.evaluation.convergence import Convergence, TrainingOutcome, describe_all, describe_convergence

EPOCHS = np.arange(1, 151)
DECAY = 1.2 + 1.1 * np.exp(-EPOCHS / 100)
FLAT = np.full(5, 0.5)


def describe(test_loss: ArrayLike, **others: ArrayLike) -> Convergence:
    """Describe a training in which all curves but the ``others`` are as the test loss."""
    names = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    table = pd.DataFrame(dict.fromkeys(names, test_loss) | others)
    return describe_convergence(table.set_index(table.index + 1))


def noise(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=EPOCHS.size)


@pytest.mark.parametrize(
    ("test_loss", "converged_epoch", "best_epoch", "best"),
    [
        ([2.0, 1.01, 1.5, 1.015, 1.0, 1.02], 4, 5, 1.0),  # epoch 2 was near it too, but did not stay
        ([2.0, 1.0, 1.1, 1.3], None, 2, 1.0),
        (FLAT, 1, 1, 0.5),
    ],
)
def test_converged_is_the_epoch_from_which_the_loss_stays_near_its_minimum(
    test_loss: ArrayLike, converged_epoch: int | None, best_epoch: int, best: float
) -> None:
    found = describe(test_loss)
    assert (found.converged_epoch, found.best_epoch, found.best_test_loss) == (converged_epoch, best_epoch, best)


def test_gaps_are_positive_for_an_overfitted_model() -> None:
    found = describe([1.2, 1.3], train_loss=[1.0, 0.3], train_accuracy=[0.5, 0.98], test_accuracy=[0.4, 0.5])
    assert found.loss_gap == pytest.approx(1.0)
    assert found.accuracy_gap == pytest.approx(0.48)


def test_a_steady_trend_is_no_fluctuation() -> None:
    falling, flat = np.linspace(2, 1, 30), describe(np.full(150, 0.7))
    assert describe(falling).loss_fluctuation == pytest.approx(0, abs=1e-12)
    assert describe(falling + 0.1 * (-1) ** np.arange(30)).loss_fluctuation == pytest.approx(0.1, rel=0.05)
    assert (flat.loss_slope, flat.loss_fluctuation, flat.accuracy_fluctuation) == pytest.approx((0, 0, 0), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("smooth", [DECAY, 2.5 - 0.006 * EPOCHS], ids=["decaying", "straight"])
def test_a_loss_that_falls_to_the_end_is_still_improving(smooth: NDArray[np.float64], seed: int) -> None:
    test_loss = smooth + 0.004 * noise(seed)
    found = describe(test_loss, train_loss=test_loss - 0.3)
    assert found.converged_epoch is not None  # as the last epochs of a falling curve always are near its minimum
    assert found.outcome == TrainingOutcome.IMPROVING
    assert found.loss_slope == pytest.approx((smooth[-1] - smooth[-10]) / 9, abs=0.0015)


@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_rises_from_its_minimum_to_the_end_overfits_and_a_flat_noisy_one_has_converged(seed: int) -> None:
    found = describe(1 + 0.004 * np.abs(EPOCHS - 60) + 0.01 * noise(seed), train_loss=DECAY - 1.1)
    assert found.outcome == TrainingOutcome.OVERFITTED
    assert found.loss_rise == pytest.approx(0.004 * (85.5 - 2.5), abs=0.015)  # mean distances from epoch 60
    assert describe(1 + 0.015 * noise(seed)).outcome == TrainingOutcome.CONVERGED


def test_a_rise_without_a_gap_is_no_overfitting() -> None:
    assert describe(1 + 0.004 * np.abs(EPOCHS - 60)).outcome == TrainingOutcome.CONVERGED


def test_a_few_epochs_tell_of_a_fall_and_nothing_else() -> None:
    assert describe(np.linspace(2, 1, 12)).outcome == TrainingOutcome.IMPROVING
    assert describe(FLAT).outcome == TrainingOutcome.TOO_SHORT
    one = describe([1.0])
    assert (one.converged_epoch, one.best_epoch, one.outcome) == (1, 1, TrainingOutcome.TOO_SHORT)
    assert (one.loss_fluctuation, one.loss_slope, one.late_loss, one.loss_rise) == (0.0, 0.0, 1.0, 0.0)


def test_all_networks_are_described_in_a_table_with_four_decimals() -> None:
    loss = np.array([1.23456789, 1.0, 1.5])
    columns = {"train_loss": loss, "test_loss": loss, "train_accuracy": loss / 2, "test_accuracy": loss / 3}
    curves = pd.DataFrame(columns, index=[1, 2, 3])
    table = describe_all({"b": curves, "a": curves[:2]})
    assert table.to_csv(index=False).splitlines()[1:] == [
        "b,3,,2,1.0,1.5,1.5,0.75,0.5,0.0,0.25,0.1731,0.0577,0.1327,1.2449,0.0,too short",
        "a,2,2,2,1.0,1.0,1.0,0.5,0.3333,0.0,0.1667,0.0,0.0,-0.2346,1.1173,0.0,improving",
    ]
    assert describe_all({}).empty
    assert describe_all({}).columns.equals(table.columns)
