"""How sure a comparison of classifiers on a few test clips can be."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


class Comparison(NamedTuple):
    """Two models on the same clips: how many only the first or only the second judged right, and McNemar's p."""

    only_first_right: int
    only_second_right: int
    p_value: float


def wilson_interval(right: int, clips: int) -> Interval:
    """Return the Wilson score interval (95 %) of the share ``right / clips``.

    Unlike the usual plus or minus, it never leaves [0, 1] and holds for few clips and shares near the ends
    (Wilson 1927; Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", 2001). The same as
    ``scipy.stats.binomtest(...).proportion_ci(method="wilson")``.

    Raises:
        ValueError: there is no clip, or more are right than there are.
    """
    interval = binomtest(right, clips).proportion_ci(CONFIDENCE, method="wilson")
    return Interval(float(interval.low), float(interval.high))


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> Comparison:
    """Compare two models by McNemar's exact test, two-sided.

    Only the clips count that one judged right and the other wrong; if the models are equally good, each such clip
    falls to either side like a coin (McNemar 1947; Dietterich, "Approximate statistical tests for comparing
    supervised classification learning algorithms", 1998). The p-value is 1 if there is no such clip.

    Args:
        first_right: for each test clip, whether the first model judged it right, shape (clips,).
        second_right: the same for the second.
    """
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing).pvalue) if differing else 1.0
    return Comparison(only_first, only_second, p_value)


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Return how far confidence and accuracy lie apart, averaged over the clips.

    The clips are sorted into ``bins`` equal ranges of confidence (the last includes 1); in each, the mean confidence
    is held against the share judged right, weighted by the number of clips (Guo and others, "On calibration of
    modern neural networks", 2017).

    Args:
        confidence: the probability given to the predicted genre, shape (clips,), from 0 to 1.
        right: whether it was the right one, shape (clips,).
        bins: number of ranges.
    """
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[places == place].sum() - right[places == place].sum()) for place in np.unique(places)]
    return float(math.fsum(gaps) / confidence.size)
