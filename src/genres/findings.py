"""What the numbers say, in plain words."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from genres.convergence import LAST_EPOCHS, TOLERANCE, Convergence, Course
from genres.params import Split
from genres.results import TITLES, leakage_note, percent

SIGNIFICANCE = 0.05


def accuracy_findings(metrics: Mapping[str, Mapping[str, Any]], test_clips: int, chance: float) -> list[str]:
    """Say how wide one run's uncertainty is, and which models may be guessing.

    Args:
        metrics: as `evaluation.score` gives them, by model.
        test_clips: how many there are.
        chance: the accuracy of always naming the most frequent genre.
    """
    half_width = max(scores["accuracy_high"] - scores["accuracy_low"] for scores in metrics.values()) / 2
    sentences = [
        f"With {test_clips} test clips an accuracy is known to about ± {100 * half_width:.0f} points. Two runs that "
        f"differ by less than {100 * math.sqrt(2) * half_width:.0f} points may well be equally good."
    ]
    guessing = [
        model for model, scores in metrics.items() if scores["accuracy_low"] <= chance <= scores["accuracy_high"]
    ]
    worse = [model for model, scores in metrics.items() if scores["accuracy_high"] < chance]
    said = [f"Guessing, by always naming the most frequent genre, would be right in {percent(chance)} of cases."]
    if guessing:
        said.append(
            f"That lies within the interval of {_listed(TITLES[model] for model in guessing)}: these clips cannot tell "
            "whether anything was learned."
        )
    if worse:
        said.append(f"Worse than guessing: {_listed(TITLES[model] for model in worse)}.")
    if not guessing and not worse:
        said.append("Every model is better than guessing.")
    return [*sentences, " ".join(said)]


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
    shakes = f"{convergence.loss_fluctuation:.4f}, {100 * convergence.accuracy_fluctuation:.1f} points"
    return f"{TITLES[model]}: {_verdict(convergence)}; gap at the end {gaps}; still shakes by {shakes}"


def convergence_finding(model: str, convergence: Convergence) -> str:
    """Say in full when a network converged, and how far it overfits."""
    best = f"smallest in epoch {convergence.best_epoch} of {convergence.epochs}"
    near = f", within {TOLERANCE:.0%} of that from epoch {convergence.converged_epoch} on"
    course = {
        Course.OVERFITTED: f"{best}, and its mean over the last {LAST_EPOCHS} epochs lies {convergence.loss_rise:.3f} "
        "above the smallest such mean: it overfits",
        Course.IMPROVING: f"{best}, and still falls by {-convergence.loss_slope:.4f} an epoch: more epochs might help",
        Course.TOO_SHORT: f"{best}: too few epochs to tell whether it has converged",
        Course.CONVERGED: f"{best}{near if convergence.converged_epoch else ''}; it no longer falls nor rises by more "
        "than its noise: it has converged",
    }[convergence.course]
    gap = 100 * convergence.accuracy_gap
    more = "more" if gap >= 0 else "less"
    return (
        f"{TITLES[model]}: its test loss was {course}. At the end it is {abs(gap):.1f} points {more} often right about "
        "train clips than about test clips."
    )


def _verdict(convergence: Convergence) -> str:
    near = f" (within {TOLERANCE:.0%} of its minimum from epoch {convergence.converged_epoch})"
    return {
        Course.OVERFITTED: f"past its best (epoch {convergence.best_epoch})",
        Course.IMPROVING: "still improving at the end",
        Course.TOO_SHORT: "too few epochs to tell",
        Course.CONVERGED: f"converged{near if convergence.converged_epoch else ''}",
    }[convergence.course]


def warnings(dataset_name: str, split: Split, test_clips: int, leaked: int) -> list[str]:
    """Say what keeps the figures from meaning what they seem to mean."""
    said = [f"{leakage_note(leaked)}. `split.method: grouped` keeps copies on one side."] if leaked else []
    if dataset_name == "synthetic":
        said += [
            "These clips are synthetic: small procedural bands under GTZAN's names. The figures say that the pipeline "
            "works, and nothing about GTZAN or about music."
        ]
    if dataset_name == "gtzan-mini":
        said += [
            f"gtzan-mini is 100 of GTZAN's 1000 clips, and {test_clips} test clips say little: the intervals are wide, "
            "and nothing here says how well the models do on GTZAN."
        ]
    if dataset_name == "gtzan":
        said += [_split_warning(split)]
    return said


def _split_warning(split: Split) -> str:
    """Say what a split of GTZAN leaves in the accuracies."""
    elsewhere = "Accuracies compare models here; they do not say how well genres are recognised elsewhere."
    if split.method == "fault-filtered" and split.lists is None:
        return (
            "This is the fault-filtered split of GTZAN (Kereliuk, Sturm and Larsen, 2015), without copies, distorted "
            "clips and artists on both sides: its accuracies do not stand beside those of a random split."
        )
    if split.method == "fault-filtered":
        return f"GTZAN is split by your own lists: whether artists are on both sides is theirs to say. {elsewhere}"
    shared = "artists" if split.method == "grouped" else "artists and recordings"
    return (
        f"GTZAN is known to flatter: its clips share {shared} across this split, and networks trained from scratch "
        "lose 10 to 15 points on one that keeps artists and recordings apart (Kereliuk, Sturm and Larsen, 2015). "
        f"{elsewhere}"
    )


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
