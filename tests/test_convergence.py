import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from genres import convergence
from genres.convergence import Convergence, Course


def describe_convergence(
    train_loss: NDArray[np.float64],
    test_loss: NDArray[np.float64],
    train_accuracy: NDArray[np.float64],
    test_accuracy: NDArray[np.float64],
) -> Convergence:
    curves = {
        "train_loss": train_loss,
        "test_loss": test_loss,
        "train_accuracy": train_accuracy,
        "test_accuracy": test_accuracy,
    }
    return convergence.describe_convergence(pd.DataFrame(curves, index=range(1, len(test_loss) + 1)))


FLAT = np.full(5, 0.5)


def test_converged_is_the_epoch_from_which_the_loss_stays_near_its_minimum() -> None:
    test_loss = np.array([2.0, 1.01, 1.5, 1.015, 1.0, 1.02])
    found = describe_convergence(test_loss, test_loss, test_loss, test_loss)
    assert found.converged_epoch == 4  # epoch 2 was near it too, but did not stay
    assert (found.best_epoch, found.best_test_loss) == (5, 1.0)


def test_a_loss_that_is_not_near_its_minimum_at_the_end_has_no_such_epoch() -> None:
    test_loss = np.array([2.0, 1.0, 1.1, 1.3])
    assert describe_convergence(test_loss, test_loss, test_loss, test_loss).converged_epoch is None


def test_a_loss_that_is_always_near_its_minimum_is_so_from_epoch_1() -> None:
    assert describe_convergence(FLAT, FLAT, FLAT, FLAT).converged_epoch == 1


def test_gaps_are_positive_for_an_overfitted_model() -> None:
    found = describe_convergence(
        np.array([1.0, 0.3]), np.array([1.2, 1.3]), np.array([0.5, 0.98]), np.array([0.4, 0.5])
    )
    assert found.loss_gap == pytest.approx(1.0)
    assert found.accuracy_gap == pytest.approx(0.48)


def test_a_steady_trend_is_no_fluctuation() -> None:
    falling = np.linspace(2, 1, 30)
    shaking = falling + 0.1 * (-1) ** np.arange(30)
    assert describe_convergence(falling, falling, falling, falling).loss_fluctuation == pytest.approx(0, abs=1e-12)
    assert describe_convergence(falling, shaking, falling, shaking).loss_fluctuation == pytest.approx(0.1, rel=0.05)


EPOCHS = np.arange(1, 151)
DECAY = 1.2 + 1.1 * np.exp(-EPOCHS / 100)


def noise(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=EPOCHS.size)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("smooth", [DECAY, 2.5 - 0.006 * EPOCHS], ids=["decaying", "straight"])
def test_a_loss_that_falls_to_the_end_is_still_improving(smooth: NDArray[np.float64], seed: int) -> None:
    test_loss = smooth + 0.004 * noise(seed)
    found = describe_convergence(test_loss - 0.3, test_loss, test_loss, test_loss)
    assert found.converged_epoch is not None  # as the last epochs of a falling curve always are near its minimum
    assert found.course == Course.IMPROVING
    assert found.loss_slope == pytest.approx((smooth[-1] - smooth[-10]) / 9, abs=0.0015)


@pytest.mark.parametrize("seed", range(5))
def test_a_flat_noisy_loss_has_converged(seed: int) -> None:
    test_loss = 1 + 0.015 * noise(seed)
    assert describe_convergence(test_loss, test_loss, test_loss, test_loss).course == Course.CONVERGED


@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_rises_from_its_minimum_to_the_end_overfits(seed: int) -> None:
    test_loss = 1 + 0.004 * np.abs(EPOCHS - 60) + 0.01 * noise(seed)
    found = describe_convergence(DECAY - 1.1, test_loss, DECAY, DECAY)
    assert found.course == Course.OVERFITTED
    assert found.loss_rise == pytest.approx(0.004 * (85.5 - 2.5), abs=0.015)  # mean distances from epoch 60


def test_a_rise_without_a_gap_is_no_overfitting() -> None:
    test_loss = 1 + 0.004 * np.abs(EPOCHS - 60)
    assert describe_convergence(test_loss, test_loss, test_loss, test_loss).course == Course.CONVERGED


def test_a_few_epochs_tell_of_a_fall_and_nothing_else() -> None:
    falling = np.linspace(2, 1, 12)
    assert describe_convergence(falling, falling, falling, falling).course == Course.IMPROVING
    assert describe_convergence(FLAT, FLAT, FLAT, FLAT).course == Course.TOO_SHORT


def test_one_epoch_is_enough_to_be_described() -> None:
    one = np.array([1.0])
    found = describe_convergence(one, one, one, one)
    assert (found.converged_epoch, found.best_epoch, found.loss_fluctuation) == (1, 1, 0.0)
    assert (found.loss_slope, found.late_loss, found.loss_rise, found.course) == (0.0, 1.0, 0.0, Course.TOO_SHORT)


def test_curves_that_do_not_change_at_all_are_described() -> None:
    flat = np.full(150, 0.7)
    found = describe_convergence(flat, flat, flat, flat)
    assert found.loss_slope == pytest.approx(0, abs=1e-12)
    assert found.loss_fluctuation == found.accuracy_fluctuation == pytest.approx(0, abs=1e-12)
