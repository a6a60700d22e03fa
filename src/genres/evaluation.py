"""How good each model's predictions are, and whether two models can be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from genres.artifacts import DECIMALS
from genres.convergence import Convergence, describe_convergence
from genres.predictions import Predictions
from genres.statistics import expected_calibration_error, mcnemar, wilson_interval
from genres.tables import TEST


def confusion_counts(actual: NDArray[np.int64], predicted: NDArray[np.int64], genres: int) -> NDArray[np.int64]:
    """Count the clips of each actual genre (rows) that were taken for each genre (columns)."""
    return np.asarray(confusion_matrix(actual, predicted, labels=range(genres)), np.int64)


def score(actual: NDArray[np.int64], predictions: Predictions, genres: Sequence[str]) -> dict[str, Any]:
    """Score a model, in the form that stands in ``metrics/evaluate.json``.

    Args:
        actual: each test clip's genre as its place in ``genres``, shape (clips,).
        predictions: what the model made of the same clips.
        genres: their names.

    Returns:
        ``accuracy`` with the ends of its Wilson 95 % interval, ``macro_f1`` (the mean over the genres that are in
        the test set or were predicted, as scikit-learn's ``f1_score(average="macro")``), ``calibration_error`` (None
        without probabilities), and ``precision``, ``recall`` and ``f1`` by genre. None stands for a share of no clips:
        the precision of a genre that was never predicted, the recall of one without a test clip, the F1 of one that
        is neither.
    """
    counts = confusion_counts(actual, predictions.genres, len(genres))
    right, of_genre, taken_for = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    f1 = _shares(2 * right, of_genre + taken_for, genres)
    low, high = wilson_interval(int(right.sum()), int(counts.sum()))
    confidence = predictions.confidence
    calibration_error = (
        None if confidence is None else expected_calibration_error(confidence, predictions.genres == actual)
    )
    return {
        "accuracy": round(float(right.sum() / counts.sum()), DECIMALS),
        "accuracy_low": round(low, DECIMALS),
        "accuracy_high": round(high, DECIMALS),
        "macro_f1": round(float(np.mean([share for share in f1.values() if share is not None])), DECIMALS),
        "calibration_error": None if calibration_error is None else round(calibration_error, DECIMALS),
        "precision": _shares(right, taken_for, genres),
        "recall": _shares(right, of_genre, genres),
        "f1": f1,
    }


def _shares(parts: NDArray[np.int64], wholes: NDArray[np.int64], genres: Sequence[str]) -> dict[str, float | None]:
    return {
        genre: round(float(part / whole), DECIMALS) if whole else None
        for genre, part, whole in zip(genres, parts, wholes, strict=True)
    }


def compare_models(right: Mapping[str, NDArray[np.bool_]]) -> dict[str, dict[str, float]]:
    """Hold each pair of models against each other with McNemar's exact test, as in ``metrics/comparisons.json``.

    Args:
        right: for each model, whether it judged each test clip right, shape (clips,).

    Returns:
        ``{"linear_simple": {"only_linear_right": ..., "only_simple_right": ..., "p_value": ...}, ...}``.
    """
    found = {}
    for first, second in combinations(right, 2):
        comparison = mcnemar(right[first], right[second])
        found[f"{first}_{second}"] = {
            f"only_{first}_right": comparison.only_first_right,
            f"only_{second}_right": comparison.only_second_right,
            "p_value": round(comparison.p_value, DECIMALS),
        }
    return found


@dataclass(frozen=True)
class Evaluation:
    """What was evaluated, and what came out; mappings are by model.

    Attributes:
        dataset_name: as in the parameters.
        genres: names, in the order of their numbers.
        split: all clips that were used, with ``clip``, ``genre`` and ``subset``.
        test: the test clips among them.
        actual: the test clips' genres as numbers, shape (clips,).
        predictions: for the test clips.
        metrics: as `score` gives them.
        comparisons: as `compare_models` gives them, by pair.
        training: as the training stages wrote them, the contents of ``metrics.json``.
        histories: the curves of the networks.
        convergence: what these say.
        leaked: how many test clips have a copy in train.
    """

    dataset_name: str
    genres: tuple[str, ...]
    split: pd.DataFrame
    test: pd.DataFrame
    actual: NDArray[np.int64]
    predictions: Mapping[str, Predictions]
    metrics: Mapping[str, Mapping[str, Any]]
    comparisons: Mapping[str, Mapping[str, float]]
    training: Mapping[str, Mapping[str, Any]]
    histories: Mapping[str, pd.DataFrame]
    convergence: Mapping[str, Convergence]
    leaked: int

    @property
    def judge(self) -> str | None:
        """The most elaborate network that was evaluated, whose mistakes are looked into; None if there is none."""
        return list(self.histories)[-1] if self.histories else None


def evaluate(
    dataset_name: str,
    genres: tuple[str, ...],
    split: pd.DataFrame,
    predictions: Mapping[str, Predictions],
    training: Mapping[str, Mapping[str, Any]],
    histories: Mapping[str, pd.DataFrame],
    leaked: int,
) -> Evaluation:
    """Work out all that follows from the predictions for the test clips and from the curves; see `Evaluation`."""
    test = split[split.subset == TEST].reset_index(drop=True)
    numbers = {genre: number for number, genre in enumerate(genres)}
    actual = np.array([numbers[genre] for genre in test.genre])
    return Evaluation(
        dataset_name,
        genres,
        split,
        test,
        actual,
        predictions,
        metrics={model: score(actual, predicted, genres) for model, predicted in predictions.items()},
        comparisons=compare_models({model: predicted.genres == actual for model, predicted in predictions.items()}),
        training=training,
        histories=histories,
        convergence={model: describe_convergence(history) for model, history in histories.items()},
        leaked=leaked,
    )
