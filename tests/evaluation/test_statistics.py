"""Intervals, tests and calibration, against their formulas."""

import numpy as np
import pytest
from scipy.special import comb

from genres.evaluation.statistics import expected_calibration_error, mcnemar, wilson_interval


@pytest.mark.parametrize(("n_correct", "n_clips"), [(125, 200), (0, 20), (3, 20), (20, 20)])
def test_wilson_interval_is_that_of_the_formula(n_correct: int, n_clips: int) -> None:
    z, accuracy = 1.959963984540054, n_correct / n_clips
    middle = (accuracy + z**2 / (2 * n_clips)) / (1 + z**2 / n_clips)
    half = z / (1 + z**2 / n_clips) * np.sqrt(accuracy * (1 - accuracy) / n_clips + z**2 / (4 * n_clips**2))
    low, high = wilson_interval(n_correct, n_clips)
    assert (low, high) == pytest.approx((middle - half, middle + half))
    assert 0 <= low <= accuracy <= high <= 1


def test_wilson_interval_of_no_clips_is_an_error() -> None:
    with pytest.raises(ValueError, match="no clip"):
        wilson_interval(0, 0)


def test_mcnemar_is_the_exact_two_sided_test_on_the_clips_that_differ() -> None:
    # Worked by hand: 12 clips differ, 2 to 10; p = 2 * (C(12,0) + C(12,1) + C(12,2)) / 2^12.
    first, second = np.repeat([[True, False, True, False], [False, True, True, False]], [2, 10, 50, 5], axis=1)
    by_hand = 2 * sum(comb(12, k) for k in range(3)) / 2**12
    assert mcnemar(first, second) == (2, 10, pytest.approx(by_hand))
    assert mcnemar(second, first) == (10, 2, pytest.approx(by_hand))
    assert mcnemar(first, first) == (0, 0, 1.0)


@pytest.mark.parametrize(
    ("confidence", "correct", "expected"),
    [
        # 0.9 and 0.95 in the last range, one of two correct: gap |1.85 - 1|; 0.35 in another, wrong: gap 0.35.
        ([0.9, 0.95, 0.35], [True, False, False], (0.85 + 0.35) / 3),
        ([1.0, 0.9], [False, True], 0.9 / 2),  # 1 is in the last range too
        ([0.75] * 4, [True, True, True, False], 0),
    ],
)
def test_the_calibration_error_is_that_worked_out_by_hand(
    confidence: list[float], correct: list[bool], expected: float
) -> None:
    assert expected_calibration_error(np.array(confidence), np.array(correct)) == pytest.approx(expected)
