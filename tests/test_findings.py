"""Sentences that say what the numbers say."""

from typing import Any

import pytest

from genres import findings
from genres.convergence import Convergence

CONVERGED = Convergence(150, 90, 120, 1.2, 0.35, 0.4, 0.01, 0.012)


def scores(accuracy: float, low: float, high: float, genres: int = 10) -> dict[str, Any]:
    return {
        "accuracy": accuracy,
        "accuracy_low": low,
        "accuracy_high": high,
        "recall": {str(number): 0.5 for number in range(genres)},
    }


def plain(sentences: list[str]) -> str:
    return " ".join(sentences).replace("\N{NO-BREAK SPACE}", " ")


def test_the_width_of_the_widest_interval_is_told() -> None:
    told = plain(findings.accuracy_findings({"linear": scores(0.5, 0.43, 0.57), "svm": scores(0.9, 0.85, 0.93)}, 200))
    assert "With 200 test clips an accuracy is known to about ± 7 points" in told
    assert "Every model is better than guessing, which would be right in 10.0 % of cases." in told


def test_models_that_may_be_guessing_are_named() -> None:
    models = {name: scores(0.5, 0.2, 0.8, genres=2) for name in ("linear", "simple", "svm")}
    told = plain(findings.accuracy_findings(models | {"complex": scores(0.9, 0.7, 0.95, genres=2)}, 9))
    assert "within the interval of Linear, Simple CNN and SVM: these clips cannot tell" in told


def comparison(p_value: float) -> dict[str, float]:
    return {"only_linear_right": 5, "only_complex_right": 30, "p_value": p_value}


def test_both_verdicts_name_the_better_model_first() -> None:
    metrics = {"linear": scores(0.5, 0.4, 0.6), "complex": scores(0.625, 0.5, 0.7), "svm": scores(0.57, 0.5, 0.6)}
    told = plain(
        findings.comparison_findings(
            {"linear_complex": comparison(0.001), "linear_svm": comparison(0.2), "complex_svm": comparison(0.9)},
            metrics,
        )
    )
    assert "tell apart: Complex CNN is better than Linear (62.5 % and 50.0 %)." in told
    assert "cannot tell apart: SVM and Linear (57.0 % and 50.0 %); Complex CNN and SVM (62.5 % and 57.0 %)." in told


@pytest.mark.parametrize(("pairs", "apart"), [(1, True), (2, False)])
def test_the_bar_is_lower_for_several_pairs(pairs: int, apart: bool) -> None:
    assert findings.told_apart(comparison(0.04), pairs) == apart


def test_one_model_has_nobody_to_be_compared_with() -> None:
    assert findings.comparison_findings({}, {"linear": scores(0.5, 0.4, 0.6)}) == []


@pytest.mark.parametrize(
    ("convergence", "told", "note"),
    [
        (CONVERGED, "stays within 2% of that from epoch 90 on: it has converged", "converged by epoch 90"),
        (
            Convergence(150, None, 40, 1.2, 0.35, 0.4, 0, 0),
            "smallest in epoch 40 of 150, and ends more than 2% above that: it overfits",
            "past its best (epoch 40)",
        ),
        (Convergence(150, 140, 150, 1.2, 0.35, 0.4, 0, 0), "in the very last epoch", "still improving"),
    ],
)
def test_the_three_courses_of_a_training(convergence: Convergence, told: str, note: str) -> None:
    finding = findings.convergence_finding("simple", convergence)
    assert finding.startswith("Simple CNN: its test loss was smallest")
    assert told in finding
    assert finding.endswith("At the end it is 40.0 points more often right about train clips than about test clips.")
    assert note in findings.convergence_note("simple", convergence)
    assert "gap at the end +0.35, +40.0 points" in findings.convergence_note("simple", convergence)


def test_a_negative_gap_is_put_in_words() -> None:
    assert "16.0 points less often right about train clips" in findings.convergence_finding(
        "simple", Convergence(9, 9, 9, 1.0, 0.0, -0.16, 0, 0)
    )


def test_test_clips_with_a_copy_in_train_are_warned_of() -> None:
    assert "2 test clips have a copy in train" in plain(findings.warnings("local", 2))
    assert "2 test clips have a copy in train" in plain(findings.warnings("gtzan", 2))


def test_synthetic_clips_and_gtzan_s_faults_are_warned_of() -> None:
    assert "nothing about GTZAN" in plain(findings.warnings("synthetic", 0))
    assert "10 to 15 points" in plain(findings.warnings("gtzan", 0))
    assert findings.warnings("local", 0) == []
