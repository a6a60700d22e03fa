"""The scores of each model on the test clips, by genre too, and every pair of models compared."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, model_validator
from sklearn.metrics import confusion_matrix

from genres.core.columns import TEST, Natural, Share
from genres.core.files import DECIMALS
from genres.evaluation.statistics import SIGNIFICANCE, expected_calibration_error, mcnemar, wilson_interval
from genres.models.base.predictions import Predictions

# The columns of the tables, with their types.
PER_GENRE: dict[str, Any] = {"model": str, "genre": str, **dict.fromkeys(("precision", "recall", "f1"), Share | None)}
COMPARISONS: dict[str, Any] = {
    "first": str,
    "second": str,
    "only_first_correct": Natural,
    "only_second_correct": Natural,
    "p_value": Share,
    "significant": Literal["yes", "no"],
}


class Scores(BaseModel):
    """A model's entry in ``evaluate.json``."""

    accuracy: Share
    accuracy_low: Share
    accuracy_high: Share
    macro_f1: Share
    calibration_error: Share | None

    @model_validator(mode="after")
    def _is_in_its_interval(self) -> Self:
        if not self.accuracy_low <= self.accuracy <= self.accuracy_high:
            raise ValueError("the accuracy should lie in its interval")
        return self


def is_correct(clips: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether each clip's genre was predicted, shape (clips,)."""
    return (clips.genre == clips.predicted).to_numpy(bool)


def confusion_counts(clips: pd.DataFrame, class_names: list[str]) -> NDArray[np.int64]:
    """Count the clips of each actual genre (rows) by the genre predicted for them (columns)."""
    return np.asarray(confusion_matrix(clips.genre, clips.predicted, labels=class_names), np.int64)


def clips_in_test(predictions: Predictions) -> pd.DataFrame:
    """Return the rows of the test clips, under their old index."""
    return predictions.clips[predictions.clips.subset == TEST]


def score_models(predictions: Mapping[str, Predictions]) -> dict[str, dict[str, float | None]]:
    """Score each model on its test clips, in the form that stands in ``metrics/evaluate.json``.

    These are ``accuracy`` with the ends of its Wilson 95 % interval, ``macro_f1`` (the mean over the genres that are in
    the test set or were predicted, as scikit-learn's ``f1_score(average="macro")``) and ``calibration_error`` (None
    without probabilities).
    """
    return {model: _score(found) for model, found in predictions.items()}


def _score(predictions: Predictions) -> dict[str, float | None]:
    clips = clips_in_test(predictions)
    correct = is_correct(clips)
    low, high = wilson_interval(int(correct.sum()), correct.size)
    calibration_error = None
    if predictions.probabilities is not None:
        confidence = predictions.probabilities[clips.index].max(axis=1)
        calibration_error = round(expected_calibration_error(confidence, correct), DECIMALS)
    return {
        "accuracy": round(float(correct.mean()), DECIMALS),
        "accuracy_low": round(low, DECIMALS),
        "accuracy_high": round(high, DECIMALS),
        "macro_f1": round(float(_genre_scores(predictions).f1.mean()), DECIMALS),
        "calibration_error": calibration_error,
    }


def score_by_genre(predictions: Mapping[str, Predictions]) -> pd.DataFrame:
    """Return precision, recall and F1 of each model and genre on the test clips, with the columns `PER_GENRE`.

    NaN stands for a share of no clips: the precision of a genre that was never predicted, the recall of one without a
    test clip, the F1 of one that is neither.
    """
    tables = [_genre_scores(found).assign(model=model) for model, found in predictions.items()]
    return pd.concat(tables)[list(PER_GENRE)]


def _genre_scores(predictions: Predictions) -> pd.DataFrame:
    class_names = sorted(predictions.clips.genre.unique())
    counts = confusion_counts(clips_in_test(predictions), class_names)
    correct, actual, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        precision, recall, f1 = correct / predicted, correct / actual, 2 * correct / (actual + predicted)
    table = {"genre": class_names, "precision": precision, "recall": recall, "f1": f1}
    return pd.DataFrame(table).round(DECIMALS)


def compare_models(predictions: Mapping[str, Predictions]) -> pd.DataFrame:
    """Compare every pair of models on the test clips with McNemar's exact test, a row with `COMPARISONS` each.

    ``significant`` is "yes" where the p-value is below 5 % divided by the number of pairs (Bonferroni), as several
    comparisons have several chances to find a difference where there is none.
    """
    correct = {model: is_correct(clips_in_test(found)) for model, found in predictions.items()}
    pairs = list(combinations(correct, 2))
    rows = []
    for first, second in pairs:
        only_first, only_second, p_value = mcnemar(correct[first], correct[second])
        significant = "yes" if p_value < SIGNIFICANCE / len(pairs) else "no"
        rows.append((first, second, only_first, only_second, round(p_value, DECIMALS), significant))
    return pd.DataFrame(rows, columns=list(COMPARISONS))
