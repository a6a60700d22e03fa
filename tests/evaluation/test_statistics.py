"""Intervals, tests and calibration, against their formulas."""

import numpy as np
import pytest
from scipy.special import comb
from scipy.stats import f_oneway, ttest_1samp

from genres.evaluation.statistics import (
    corrected_interval,
    expected_calibration_error,
    holm,
    mcnemar,
    variance_components,
    wilson_interval,
)


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


def test_the_corrected_interval_is_that_worked_out_by_hand() -> None:
    # Mean 0.03; deviations -0.02, 0, 0.02: variance 0.0004. With 200 test and 800 train clips, the variance of the mean
    # is (1/3 + 1/4) 0.0004 = 0.00023333, its root 0.0152753. The 97.5 % point of t with 2 degrees of freedom is 4.3027.
    found = corrected_interval(np.array([0.01, 0.03, 0.05]), 200 / 800)
    assert found.mean == pytest.approx(0.03)
    assert found.standard_deviation == pytest.approx(0.02)
    assert (found.low, found.high) == pytest.approx((0.03 - 0.065725, 0.03 + 0.065725), abs=1e-5)
    # t = 0.03 / 0.0152753 = 1.96396; with 2 degrees of freedom, p = 1 - t / sqrt(2 + t^2).
    assert found.p_value == pytest.approx(1 - 1.963961 / np.sqrt(2 + 1.963961**2), abs=1e-6)


def test_without_overlap_the_corrected_interval_is_that_of_students_t_test() -> None:
    values = np.random.default_rng(0).normal(0.1, 0.2, 7)
    found, reference = corrected_interval(values, 0), ttest_1samp(values, 0)
    assert found.p_value == pytest.approx(reference.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(reference.confidence_interval()))
    with_overlap = corrected_interval(values, 0.25)
    assert with_overlap.low < found.low
    assert with_overlap.p_value > found.p_value


def test_runs_without_spread_differ_from_zero_surely_or_not_at_all() -> None:
    assert corrected_interval(np.full(3, 0.5), 0.25) == (0.5, 0, 0.5, 0.5, 0)
    assert corrected_interval(np.zeros(3), 0.25).p_value == 1
    with pytest.raises(ValueError, match="1 runs"):
        corrected_interval(np.zeros(1), 0.25)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # as R's p.adjust(..., "holm") gives
        ([0.01, 0.02, 0.03, 0.04], [0.04, 0.06, 0.06, 0.06]),  # a later one is no smaller than those before
        ([0.5, 0.6], [1.0, 1.0]),
        ([], []),
    ],
)
def test_holms_correction_is_that_worked_out_by_hand(p_values: list[float], expected: list[float]) -> None:
    assert holm(p_values) == pytest.approx(expected)


def test_the_variance_components_are_those_worked_out_by_hand() -> None:
    # Within: 0.5, 0.5 and 2, mean 1. Means 1.5, 4.5 and 6: variance 5.25, less 1 / 2.
    assert variance_components(np.array([[1.0, 2.0], [4.0, 5.0], [5.0, 7.0]])) == pytest.approx((4.75, 1.0))
    # The same data's F is (2 x 5.25) / 1.
    assert f_oneway([1, 2], [4, 5], [5, 7]).statistic == pytest.approx(10.5)
    assert variance_components(np.array([[1.0, 3.0], [1.0, 3.0]])) == (0, 2)  # none below 0
    with pytest.raises(ValueError, match="too few"):
        variance_components(np.ones((3, 1)))
