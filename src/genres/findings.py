"""What the numbers say, in plain words."""

from collections.abc import Iterable, Mapping
from typing import Any

from genres.convergence import TOLERANCE, Convergence
from genres.results import TITLES, leakage_note, percent

SIGNIFICANCE = 0.05


def accuracy_findings(metrics: Mapping[str, Mapping[str, Any]], test_clips: int) -> list[str]:
    """Say how wide one run's uncertainty is, and which models may be guessing."""
    widest = max(scores["accuracy_high"] - scores["accuracy_low"] for scores in metrics.values())
    sentences = [
        f"With {test_clips} test clips an accuracy is known to about ± {100 * widest / 2:.0f} points: two runs that "
        "differ by less than that may well be equally good."
    ]
    chance = 1 / len(next(iter(metrics.values()))["recall"])
    guessing = [model for model, scores in metrics.items() if scores["accuracy_low"] <= chance]
    if guessing:
        sentences.append(
            f"Guessing would be right in {percent(chance)} of cases, which lies within the interval of "
            f"{_listed(TITLES[model] for model in guessing)}: these clips cannot tell whether anything was learned."
        )
    else:
        sentences.append(f"Every model is better than guessing, which would be right in {percent(chance)} of cases.")
    return sentences


def comparison_findings(
    comparisons: Mapping[str, Mapping[str, float]], metrics: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Say which pairs of models these test clips tell apart, and which they do not."""
    apart, alike = [], []
    for name, comparison in comparisons.items():
        better, worse = sorted(name.split("_"), key=lambda model: -metrics[model]["accuracy"])
        accuracies = f"{percent(metrics[better]['accuracy'])} and {percent(metrics[worse]['accuracy'])}"
        if told_apart(comparison, len(comparisons)):
            apart.append(f"{TITLES[better]} is better than {TITLES[worse]} ({accuracies})")
        else:
            alike.append(f"{TITLES[better]} and {TITLES[worse]} ({accuracies})")
    sentences = []
    if apart:
        sentences.append(f"These clips tell apart: {'; '.join(apart)}.")
    if alike:
        sentences.append(f"These clips cannot tell apart: {'; '.join(alike)}.")
    return sentences


def told_apart(comparison: Mapping[str, float], comparisons: int) -> bool:
    """Say whether a pair of models differs by more than chance explains.

    The bar is Bonferroni's: 5 % divided by the number of pairs, as several comparisons have several chances to find a
    difference where there is none.
    """
    return comparison["p_value"] < SIGNIFICANCE / comparisons


def convergence_note(model: str, convergence: Convergence) -> str:
    """Say in one line when a network converged and how far it overfits, for below its curves."""
    gaps = f"{convergence.loss_gap:+.2f}, {100 * convergence.accuracy_gap:+.1f} points"
    return f"{TITLES[model]}: {_verdict(convergence)}; gap at the end {gaps}"


def convergence_finding(model: str, convergence: Convergence) -> str:
    """Say in full when a network converged, and how far it overfits."""
    best = f"smallest in epoch {convergence.best_epoch} of {convergence.epochs}"
    if convergence.converged_epoch is None:
        course = f"its test loss was {best}, and ends more than {TOLERANCE:.0%} above that: it overfits"
    elif convergence.best_epoch == convergence.epochs:
        course = "its test loss was smallest in the very last epoch: more epochs might help"
    else:
        course = (
            f"its test loss was {best}, and stays within {TOLERANCE:.0%} of that from epoch "
            f"{convergence.converged_epoch} on: it has converged"
        )
    gap = 100 * convergence.accuracy_gap
    more = "more" if gap >= 0 else "less"
    return (
        f"{TITLES[model]}: {course}. At the end it is {abs(gap):.1f} points {more} often right about train clips than "
        "about test clips."
    )


def _verdict(convergence: Convergence) -> str:
    if convergence.converged_epoch is None:
        return f"past its best (epoch {convergence.best_epoch})"
    if convergence.best_epoch == convergence.epochs:
        return "still improving in the last epoch"
    return f"converged by epoch {convergence.converged_epoch}"


def warnings(dataset_name: str, leaked: int) -> list[str]:
    """Say what keeps the figures from meaning what they seem to mean."""
    said = [f"{leakage_note(leaked)}. `split.method: grouped` keeps copies on one side."] if leaked else []
    if dataset_name == "synthetic":
        said += [
            "These clips are synthetic: small procedural bands under GTZAN's names. The figures say that the pipeline "
            "works, and nothing about GTZAN or about music."
        ]
    if dataset_name == "gtzan":
        said += [
            "GTZAN is known to flatter: its clips share artists and recordings across a random split, and networks "
            "trained from scratch lose 10 to 15 points on a split that keeps them apart (Kereliuk, Sturm and Larsen, "
            "2015). Accuracies compare models here; they do not say how well genres are recognised elsewhere."
        ]
    return said


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
