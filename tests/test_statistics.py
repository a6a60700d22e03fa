import numpy as np
import pytest
from scipy.special import comb

from genres.statistics import expected_calibration_error, mcnemar, wilson_interval


def test_wilson_interval_is_that_of_the_formula() -> None:
    right, clips, z = 125, 200, 1.959963984540054
    share = right / clips
    middle = (share + z**2 / (2 * clips)) / (1 + z**2 / clips)
    half = z / (1 + z**2 / clips) * np.sqrt(share * (1 - share) / clips + z**2 / (4 * clips**2))
    assert wilson_interval(right, clips) == pytest.approx((middle - half, middle + half))


@pytest.mark.parametrize("right", [0, 3, 20])
def test_wilson_interval_stays_within_0_and_1_and_holds_the_share(right: int) -> None:
    low, high = wilson_interval(right, 20)
    assert 0 <= low <= right / 20 <= high <= 1
    assert high - low > 0.1  # 20 clips say little


def test_wilson_interval_of_no_clips_is_an_error() -> None:
    with pytest.raises(ValueError, match="n"):
        wilson_interval(0, 0)


def test_mcnemar_is_the_exact_two_sided_test_on_the_clips_that_differ() -> None:
    # Worked by hand: 12 clips differ, 2 to 10; p = 2 * (C(12,0) + C(12,1) + C(12,2)) / 2^12.
    first = np.array([True] * 2 + [False] * 10 + [True] * 50 + [False] * 5)
    second = np.array([False] * 2 + [True] * 10 + [True] * 50 + [False] * 5)
    by_hand = 2 * sum(comb(12, k) for k in range(3)) / 2**12
    assert mcnemar(first, second) == (2, 10, pytest.approx(by_hand))
    assert mcnemar(second, first) == (10, 2, pytest.approx(by_hand))


def test_mcnemar_of_models_that_agree_everywhere_says_nothing() -> None:
    right = np.array([True, False, True])
    assert mcnemar(right, right) == (0, 0, 1.0)


def test_calibration_error_worked_by_hand() -> None:
    # 0.9 and 0.95 in the last range, one of two right: gap |1.85 - 1|; 0.35 in another, wrong: gap 0.35.
    confidence = np.array([0.9, 0.95, 0.35])
    right = np.array([True, False, False])
    assert expected_calibration_error(confidence, right) == pytest.approx((0.85 + 0.35) / 3)


def test_calibration_error_is_zero_for_certainty_that_is_right() -> None:
    assert expected_calibration_error(np.ones(5), np.ones(5, bool)) == 0.0


def test_calibration_error_is_zero_where_confidence_is_the_share_judged_right() -> None:
    assert expected_calibration_error(np.full(4, 0.75), np.array([True, True, True, False])) == pytest.approx(0)
