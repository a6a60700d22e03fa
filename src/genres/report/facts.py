"""What the results say, as numbers and names, and the notes that page and figures share.

The other words of the page stand in its template, in the caveats of the data sets and in `models.MODELS`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from genres.core.columns import SUBSETS, TEST, TRAIN
from genres.evaluation.convergence import LAST_EPOCHS, TOLERANCE, TrainingOutcome
from genres.evaluation.scores import clips_in_test, confusion_counts, is_correct
from genres.evaluation.statistics import SIGNIFICANCE
from genres.report.results import Results, Row
from genres.report.run_study import RunStudy


class Pair(NamedTuple):
    """Two models on the same test clips, in the order of `models.MODELS`."""

    first: str
    second: str
    only_first_correct: int
    only_second_correct: int
    p_value: float
    significant: bool


class Confusion(NamedTuple):
    """How many clips of a genre were predicted as another one."""

    actual: str
    predicted: str
    n_clips: int


@dataclass(frozen=True)
class Facts:
    """What the page says of the results. Mappings are by model, in the order of `models.MODELS`; shares are 0 to 1."""

    n_clips: Mapping[str, int]  # by subset
    baseline: float  # accuracy of always predicting the most frequent genre
    half_width: float  # half the width of the widest interval of an accuracy
    difference: float  # by how much two accuracies have to differ to be significant
    near_baseline: list[str]  # the models whose intervals include the baseline
    below_baseline: list[str]  # the models whose intervals lie below it
    train_accuracy: Mapping[str, float]  # of a network in its last epoch, of any other model after its training
    pairs: list[Pair]
    p_value_limit: float  # below which the difference of a pair is significant
    different: list[list[str]]  # the pairs that differ significantly, the more accurate model first
    similar: list[list[str]]  # the other pairs, likewise
    n_disputed: int  # test clips that some models predicted correctly, and others did not
    largest_confusions: Mapping[str, Confusion | None]  # None where every clip was predicted correctly
    genre_scores: Mapping[tuple[str, str], Row]  # by model and genre, None for a share of no clips


def collect_facts(results: Results, run_study: RunStudy | None) -> Facts:
    """Collect what the page says of the results.

    How much accuracies differ by chance is measured if there is a ``run_study``, by the model that varies most, and
    follows from the number of test clips if there is none.
    """
    intervals = {model: (scores["accuracy_low"], scores["accuracy_high"]) for model, scores in results.scores.items()}
    measured = run_study.chance_difference if run_study else None
    half_width = max(high - low for low, high in intervals.values()) / 2
    baseline = baseline_accuracy(results.clips)
    test_clips = {model: clips_in_test(found) for model, found in results.predictions.items()}
    n_correct = np.sum([is_correct(clips) for clips in test_clips.values()], axis=0)
    models = list(results.predictions)
    pairs = [_pair(row, models) for row in results.comparisons.to_dict("records")]
    pairs.sort(key=lambda pair: (models.index(pair.first), models.index(pair.second)))
    ranked = [sorted(pair[:2], key=lambda model: -results.scores[model]["accuracy"]) for pair in pairs]
    return Facts(
        n_clips={subset: int((results.clips.subset == subset).sum()) for subset in SUBSETS},
        baseline=baseline,
        half_width=half_width,
        difference=math.sqrt(2) * half_width if measured is None else measured,
        near_baseline=[model for model, (low, high) in intervals.items() if low <= baseline <= high],
        below_baseline=[model for model, (_, high) in intervals.items() if high < baseline],
        train_accuracy={model: _train_accuracy(results, model) for model in models},
        pairs=pairs,
        p_value_limit=SIGNIFICANCE / max(1, len(pairs)),
        different=[ranking for ranking, pair in zip(ranked, pairs, strict=True) if pair.significant],
        similar=[ranking for ranking, pair in zip(ranked, pairs, strict=True) if not pair.significant],
        n_disputed=int(((n_correct > 0) & (n_correct < len(test_clips))).sum()),
        largest_confusions={
            model: _largest_confusion(clips, results.class_names) for model, clips in test_clips.items()
        },
        genre_scores={(row["model"], row["genre"]): row for row in results.per_genre.to_dict("records")},
    )


def baseline_accuracy(clips: pd.DataFrame) -> float:
    """Return the accuracy of always predicting the most frequent genre among the test clips of a split."""
    return float(clips.genre[clips.subset == TEST].value_counts(normalize=True).max())


def _train_accuracy(results: Results, model: str) -> float:
    if model in results.training:
        return float(results.training[model]["train"]["accuracy"])
    clips = results.predictions[model].clips
    return float(is_correct(clips[clips.subset == TRAIN]).mean())


def _pair(row: Row, order: list[str]) -> Pair:
    models = [(row["first"], row["only_first_correct"]), (row["second"], row["only_second_correct"])]
    (first, only_first), (second, only_second) = sorted(models, key=lambda model: order.index(model[0]))
    return Pair(first, second, only_first, only_second, row["p_value"], row["significant"] == "yes")


def _largest_confusion(test_clips: pd.DataFrame, class_names: list[str]) -> Confusion | None:
    counts = confusion_counts(test_clips, class_names)
    np.fill_diagonal(counts, 0)
    actual, predicted = divmod(int(counts.argmax()), len(class_names))
    n_clips = int(counts.max())
    return Confusion(class_names[actual], class_names[predicted], n_clips) if n_clips else None


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share as it is shown: "40.0 %", or "n/a" for a share of no clips, which is None or NaN."""
    return "n/a" if share is None or math.isnan(share) else f"{100 * share:.{decimals}f}\N{NO-BREAK SPACE}%"


def leakage_note(n_leaked: int) -> str:
    """Return what has to be said beside accuracies if some test clips have a copy in train, else nothing."""
    clips = "1 test clip has" if n_leaked == 1 else f"{n_leaked} test clips have"
    return f"{clips} a copy in the training set: accuracies are too high" if n_leaked else ""


def curve_note(title: str, row: Row) -> str:
    """Say in one line how a network's training ended and how far it overfits, by its row of `Results.convergence`."""
    epoch = row["converged_epoch"]
    near = f" (within {percent(TOLERANCE, 0)} of its minimum from epoch {epoch})" if epoch else ""
    outcome = {
        TrainingOutcome.OVERFITTED: f"overfitted after epoch {row['best_epoch']}",
        TrainingOutcome.IMPROVING: "still improving at the end",
        TrainingOutcome.TOO_SHORT: "too few epochs to tell whether it converged",
        TrainingOutcome.CONVERGED: f"converged{near}",
    }[TrainingOutcome(row["outcome"])]
    return (
        f"{title}: {outcome}; final gap: loss {row['loss_gap']:+.2f}, "
        f"accuracy {100 * row['accuracy_gap']:+.1f} points; fluctuation over the last {LAST_EPOCHS} epochs: "
        f"loss {row['loss_fluctuation']:.4f}, accuracy {100 * row['accuracy_fluctuation']:.1f} points"
    )
