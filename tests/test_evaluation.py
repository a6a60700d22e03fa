"""Scores of predictions."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

from genres.evaluation import confusion_counts, score

GENRES = ("a", "b", "c")


def test_actual_genres_are_rows_and_predicted_ones_columns() -> None:
    counts = confusion_counts(["a", "a", "a", "b"], ["a", "b", "b", "c"], GENRES)
    assert counts.tolist() == [[1, 2, 0], [0, 0, 1], [0, 0, 0]]


def test_the_order_of_the_genres_is_the_one_given() -> None:
    assert confusion_counts(["a", "a", "b"], ["b", "b", "b"], ("b", "a")).tolist() == [[1, 0], [2, 0]]


def test_scores_are_those_worked_out_by_hand() -> None:
    # a: recall 3/4, F1 2*3 / (4 + 5); b: recall 1/2, F1 2*1 / (2 + 1); c: never met, left out
    assert score(np.array([[3, 0, 1], [1, 1, 0], [1, 0, 3]]), GENRES) == {
        "accuracy": pytest.approx(7 / 10),
        "macro_f1": pytest.approx((6 / 9 + 2 / 3 + 6 / 8) / 3),
        "recall": {"a": pytest.approx(3 / 4), "b": pytest.approx(1 / 2), "c": pytest.approx(3 / 4)},
    }


@pytest.mark.parametrize("seed", range(20))
def test_scores_are_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    names = np.array([f"g{number}" for number in range(random.integers(2, 11))])
    actual, predicted = random.choice(names, 40), random.choice(names, 40)
    predicted[:20] = actual[:20]
    found = score(confusion_counts(actual, predicted, names), names)
    assert found["accuracy"] == pytest.approx(accuracy_score(actual, predicted))
    assert found["macro_f1"] == pytest.approx(f1_score(actual, predicted, average="macro"))
    recalls = recall_score(actual, predicted, labels=np.unique(actual), average=None)
    assert [found["recall"][name] for name in np.unique(actual)] == pytest.approx(list(recalls))


def test_a_genre_without_test_clips_has_no_recall_and_counts_only_if_it_was_predicted() -> None:
    never_met = score(np.array([[2, 0, 0], [0, 2, 0], [0, 0, 0]]), GENRES)
    assert never_met == {"accuracy": 1, "macro_f1": 1, "recall": {"a": 1, "b": 1, "c": None}}
    predicted = score(np.array([[1, 0, 1], [0, 2, 0], [0, 0, 0]]), GENRES)
    assert predicted["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert predicted["recall"]["c"] is None


def test_a_model_that_is_always_wrong_scores_zero() -> None:
    assert score(np.array([[0, 2], [3, 0]]), ("a", "b")) == {
        "accuracy": 0,
        "macro_f1": 0,
        "recall": {"a": 0, "b": 0},
    }
