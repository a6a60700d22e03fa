"""Confidence intervals of accuracies, tests of their differences, the spread between runs, and calibration."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from scipy.stats import t as student_t

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


class MeanInterval(NamedTuple):
    """The mean of the results of several runs, its 95 % interval, and whether it may be zero."""

    mean: float
    standard_deviation: float  # between runs
    low: float
    high: float
    p_value: float  # of the mean being zero


def corrected_interval(values: NDArray[np.float64], overlap: float) -> MeanInterval:
    """Return the mean of the results of several runs, shape (runs,), with its 95 % interval and p-value.

    Training sets of different splits share most of their clips, so the results are not independent, and the usual
    t-test would be too sure. Nadeau and Bengio ("Inference for the generalization error", Machine Learning 52, 2003)
    take ``1 / runs + overlap`` times the variance as that of the mean, where ``overlap`` is the number of test clips
    divided by that of train clips. Bouckaert and Frank ("Evaluating the replicability of significance tests for
    comparing learning algorithms", 2004) do the same with repeated folds. An ``overlap`` of 0 gives Student's t-test,
    which is right if the runs differ in nothing but their initialisation.

    A ValueError is raised if there are fewer than two runs.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"{n} runs have no spread")
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    error = deviation * math.sqrt(1 / n + overlap)
    margin = float(student_t.ppf((1 + CONFIDENCE) / 2, n - 1)) * error
    p_value = 2 * float(student_t.sf(abs(mean) / error, n - 1)) if error > 0 else float(mean == 0)
    return MeanInterval(mean, deviation, mean - margin, mean + margin, p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that are corrected for their number, in the same order.

    Those below a level are significant at it in all comparisons together (Holm, "A simple sequentially rejective
    multiple test procedure", 1979): the smallest of m is multiplied by m, the next by m - 1, and so on. None is smaller
    than the one before it, or above 1.
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = min(1.0, max(largest, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def variance_components(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return how much of the variance of results lies between splits, and how much within them.

    ``values`` has shape (splits, initialisations): the results of each split's runs, which differ in their
    initialisation. The components are those of a one-way random-effects analysis of variance (Searle, Casella and
    McCulloch, "Variance components", 1992, chapter 3). An estimate for the splits that is negative, as it may be by
    chance, is 0. A ValueError is raised if there are fewer than two splits or initialisations.
    """
    if min(values.shape) < 2:
        raise ValueError(f"{values.shape} is too few to compare")
    within = float(values.var(axis=1, ddof=1).mean())
    between = float(values.mean(axis=1).var(ddof=1)) - within / values.shape[1]
    return max(0.0, between), within
