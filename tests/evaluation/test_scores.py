"""Scores of predictions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from genres.evaluation.scores import COMPARISONS, compare_models, confusion_counts, score_by_genre, score_models
from genres.models.base.predictions import Predictions


def predictions(actual: Sequence[str], predicted: Sequence[str], confidence: float | None = None) -> Predictions:
    """Predictions for test clips, and for one train clip of each of the genres a, b and c, all of them correct."""
    subsets = ["test"] * len(actual) + ["train"] * 3
    clips = pd.DataFrame({"genre": [*actual, *"abc"], "subset": subsets, "predicted": [*predicted, *"abc"]})
    probabilities = None if confidence is None else np.full((len(clips), 3), [confidence, 0, 1 - confidence])
    return Predictions(clips, probabilities)


def by_genre(found: Predictions) -> pd.DataFrame:
    return score_by_genre({"m": found}).set_index("genre")


def test_actual_genres_are_rows_and_predicted_ones_columns() -> None:
    clips = pd.DataFrame({"genre": list("aaab"), "predicted": list("abbc")})
    assert confusion_counts(clips, list("abc")).tolist() == [[1, 2, 0], [0, 0, 1], [0, 0, 0]]


def test_scores_are_those_worked_out_by_hand() -> None:
    # a: 3 of 4 correct, predicted 4 times; b: 1 of 2, predicted twice; c has no test clip and is never predicted
    found = predictions("aaaabb", "aaabab")
    scores = score_models({"m": found})["m"]
    assert scores["accuracy"] == pytest.approx(4 / 6, abs=5e-5)
    assert scores["macro_f1"] == 0.625
    assert scores["calibration_error"] is None
    assert scores["accuracy_low"] < scores["accuracy"] < scores["accuracy_high"]
    table = by_genre(found)
    for name in ("precision", "recall", "f1"):
        assert table[name].to_list() == pytest.approx([0.75, 0.5, np.nan], nan_ok=True)


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    actual, predicted = random.choice(list("abc"), (2, 60))
    predicted[:30] = actual[:30]
    found = predictions(actual, predicted)
    scores, table = score_models({"m": found})["m"], by_genre(found)
    assert scores["accuracy"] == pytest.approx(accuracy_score(actual, predicted), abs=5e-5)
    assert scores["macro_f1"] == pytest.approx(f1_score(actual, predicted, average="macro"), abs=1e-4)
    for name, function in (("recall", recall_score), ("precision", precision_score), ("f1", f1_score)):
        expected = function(actual, predicted, average=None, zero_division=np.nan, labels=list("abc"))
        assert table[name].to_list() == pytest.approx(list(expected), abs=5e-5, nan_ok=True)


def test_a_genre_without_test_clips_has_no_recall_but_a_precision_if_it_was_predicted() -> None:
    found = predictions("aab", "acb")
    scores = by_genre(found).loc["c"]
    assert np.isnan(scores.recall)
    assert (scores.precision, scores.f1) == (0, 0)
    assert score_models({"m": found})["m"]["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3, abs=5e-5)


def test_the_calibration_error_is_the_distance_of_confidence_and_accuracy_on_test_clips() -> None:
    found = predictions("aaaa", "aaab", confidence=0.95)
    assert score_models({"m": found})["m"]["calibration_error"] == pytest.approx(0.2)


def test_each_two_models_are_compared_once_and_few_differences_are_not_significant() -> None:
    linear, svm = predictions("aab", "aaa"), predictions("aab", "aba")
    table = compare_models({"linear": linear, "svm": svm})
    assert table.to_numpy().tolist() == [["linear", "svm", 1, 0, 1.0, "no"]]
    assert compare_models({"svm": svm}).to_csv(index=False) == ",".join(COMPARISONS) + "\n"


def test_significance_takes_the_number_of_pairs_into_account() -> None:
    # Six clips differ, all to one side: p = 2 / 2^6 = 0.03125, which is below 5 %, and above a third of it.
    better, worse = predictions("a" * 6, "a" * 6), predictions("a" * 6, "b" * 6)
    assert compare_models({"x": better, "y": worse}).significant.to_list() == ["yes"]
    assert set(compare_models({"x": better, "y": worse, "z": worse}).significant) == {"no"}
