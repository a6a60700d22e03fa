"""Scores of predictions."""

import numpy as np
import pytest
from invented import invent, split_of
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from genres.evaluation import compare_models, confusion_counts, score
from genres.predictions import Predictions

GENRES = ("a", "b", "c")


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def unsure(*predicted: int) -> Predictions:
    return Predictions(numbers(*predicted), None)


def test_actual_genres_are_rows_and_predicted_ones_columns() -> None:
    counts = confusion_counts(numbers(0, 0, 0, 1), numbers(0, 1, 1, 2), 3)
    assert counts.tolist() == [[1, 2, 0], [0, 0, 1], [0, 0, 0]]


def test_scores_are_those_worked_out_by_hand() -> None:
    # a: 3 of 4 recognised, 4 taken for it; b: 1 of 2, 1 taken for it; c is never met and never predicted
    found = score(numbers(0, 0, 0, 0, 1, 1), unsure(0, 0, 0, 1, 0, 1), GENRES)
    assert found["accuracy"] == pytest.approx(4 / 6, abs=5e-5)
    assert found["recall"] == {"a": 0.75, "b": 0.5, "c": None}
    assert found["precision"] == {"a": 0.75, "b": 0.5, "c": None}
    assert found["f1"] == {"a": 0.75, "b": 0.5, "c": None}
    assert found["macro_f1"] == 0.625
    assert found["calibration_error"] is None
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    genres = [f"g{number}" for number in range(random.integers(2, 11))]
    actual, predicted = random.integers(0, len(genres), (2, 60))
    predicted[:30] = actual[:30]
    found = score(actual, Predictions(predicted, random.uniform(0.1, 1, 60)), genres)
    assert found["accuracy"] == pytest.approx(accuracy_score(actual, predicted), abs=5e-5)
    assert found["macro_f1"] == pytest.approx(f1_score(actual, predicted, average="macro"), abs=5e-5)
    for name, function in (("recall", recall_score), ("precision", precision_score), ("f1", f1_score)):
        shares = function(actual, predicted, average=None, zero_division=np.nan, labels=range(len(genres)))
        expected = {genre: None if np.isnan(share) else share for genre, share in zip(genres, shares, strict=True)}
        assert found[name] == pytest.approx(expected, abs=5e-5)


def test_a_genre_without_test_clips_has_no_recall_but_a_precision_if_it_was_predicted() -> None:
    found = score(numbers(0, 0, 1), unsure(0, 2, 1), GENRES)
    assert (found["recall"]["c"], found["precision"]["c"], found["f1"]["c"]) == (None, 0.0, 0.0)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3, abs=5e-5)


def test_the_calibration_error_is_the_confidence_s_distance_from_the_accuracy() -> None:
    sure = Predictions(numbers(0, 0, 0, 1), np.full(4, 0.95))
    assert score(numbers(0, 0, 0, 0), sure, GENRES)["calibration_error"] == pytest.approx(0.2)


def test_nothing_has_more_than_four_decimals() -> None:
    evaluation = invent([f"g{number}" for number in range(7)])
    found = [share for scores in evaluation.metrics.values() for share in scores["f1"].values()]
    found += [
        scores[name] for scores in evaluation.metrics.values() for name in ("accuracy", "accuracy_low", "macro_f1")
    ]
    found += [comparison["p_value"] for comparison in evaluation.comparisons.values()]
    found += [
        value for each in evaluation.convergence.values() for value in each.rounded().values() if value is not None
    ]
    assert all(value == round(value, 4) for value in found)


def test_each_two_models_are_compared_once() -> None:
    right = {"linear": np.array([True, True, False]), "svm": np.array([True, False, False])}
    assert compare_models(right) == {"linear_svm": {"only_linear_right": 1, "only_svm_right": 0, "p_value": 1.0}}
    assert compare_models({"svm": right["svm"]}) == {}


def test_the_judge_is_the_most_elaborate_network() -> None:
    assert invent(GENRES).judge == "complex"
    assert invent(GENRES, ["linear", "simple", "svm"]).judge == "simple"
    assert invent(GENRES, ["svm"]).judge is None


def test_a_genre_without_test_clips_stays_in_the_evaluation() -> None:
    split = split_of(GENRES)
    evaluation = invent(GENRES, split=split[(split.genre != "c") | (split.subset == "train")])
    assert evaluation.metrics["linear"]["recall"]["c"] is None
    assert evaluation.genres == GENRES
