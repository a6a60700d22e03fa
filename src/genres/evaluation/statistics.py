"""Confidence intervals of accuracies, tests of their differences, and calibration."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05


def wilson_interval(n_correct: int, n_clips: int) -> tuple[float, float]:
    """Return the ends of the Wilson score interval (95 %) of the accuracy ``n_correct / n_clips``.

    Unlike the usual plus or minus, it never leaves [0, 1] and holds for few clips and accuracies near the ends
    (Wilson 1927; Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", 2001). Without a clip, it
    raises a ValueError.
    """
    if n_clips < 1:  # some versions of scipy give NaN
        raise ValueError("there is no clip")
    interval = binomtest(n_correct, n_clips).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(first_correct: NDArray[np.bool_], second_correct: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Compare two models by McNemar's exact test, two-sided, given which test clips each predicted correctly, (clips,).

    Only the clips count that one model predicted correctly and the other did not; if the models are equally good, each
    such clip falls to either side like a coin (McNemar 1947; Dietterich, "Approximate statistical tests for comparing
    supervised classification learning algorithms", 1998). Returned are how many clips only the first and only the
    second predicted correctly, and the p-value, which is 1 if there is no such clip.
    """
    only_first = int((first_correct & ~second_correct).sum())
    only_second = int((second_correct & ~first_correct).sum())
    differing = only_first + only_second
    return only_first, only_second, float(binomtest(only_first, differing).pvalue) if differing else 1.0


def expected_calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Return how far confidence and accuracy lie apart, averaged over the clips.

    The clips are sorted into ten equal ranges of confidence (the last includes 1); in each, the mean confidence is
    compared with the accuracy, weighted by the number of clips (Guo and others, "On calibration of modern neural
    networks", 2017). Both have shape (clips,); ``confidence`` is the probability of the predicted class, from 0 to 1.
    """
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [abs(confidence[bins == index].sum() - correct[bins == index].sum()) for index in np.unique(bins)]
    return float(math.fsum(gaps) / confidence.size)
