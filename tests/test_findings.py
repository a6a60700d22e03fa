"""Sentences that say what the numbers say."""

from dataclasses import replace
from typing import Any

import pytest

from genres import findings
from genres.convergence import Convergence
from genres.params import Split

CONVERGED = Convergence(150, 90, 120, 1.2, 0.35, 0.4, 0.01, 0.012, loss_slope=0.0, late_loss=1.21, loss_rise=0.0)
STRATIFIED = Split("stratified", 0.2, None, 5, 0)


def scores(accuracy: float, low: float, high: float) -> dict[str, Any]:
    return {"accuracy": accuracy, "accuracy_low": low, "accuracy_high": high}


def plain(sentences: list[str]) -> str:
    return " ".join(sentences).replace("\N{NO-BREAK SPACE}", " ")


def test_the_width_of_the_widest_interval_is_told() -> None:
    models = {"linear": scores(0.5, 0.43, 0.57), "svm": scores(0.9, 0.85, 0.93)}
    told = plain(findings.accuracy_findings(models, 200, 0.1))
    assert "With 200 test clips an accuracy is known to about ± 7 points." in told
    assert "Two runs that differ by less than 10 points may" in told  # both are off by 7, at right angles
    assert "frequent genre, would be right in 10.0 % of cases. Every model is better than guessing." in told


def test_models_that_may_be_guessing_are_named() -> None:
    models = {name: scores(0.5, 0.2, 0.8) for name in ("linear", "simple", "svm")}
    told = plain(findings.accuracy_findings(models | {"complex": scores(0.9, 0.7, 0.95)}, 9, 0.5))
    assert "within the interval of Linear, Simple CNN and SVM: these clips cannot tell" in told
    assert "worse" not in told


def test_models_that_are_worse_than_guessing_are_named() -> None:
    models = {"linear": scores(0.3, 0.2, 0.4), "svm": scores(0.9, 0.7, 0.95)}
    told = plain(findings.accuracy_findings(models, 50, 0.5))
    assert "right in 50.0 % of cases. Worse than guessing: Linear." in told
    assert "within the interval" not in told
    assert "better than guessing" not in told


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.7), (0.3, 0.5)])
def test_an_interval_that_ends_at_chance_may_be_guessing(low: float, high: float) -> None:
    told = plain(findings.accuracy_findings({"svm": scores(0.5, low, high)}, 50, 0.5))
    assert "within the interval of SVM" in told


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
        (
            CONVERGED,
            "smallest in epoch 120 of 150, within 2% of that from epoch 90 on; it no longer falls",
            "converged (within 2% of its minimum from epoch 90); gap",
        ),
        (
            replace(CONVERGED, converged_epoch=None),
            "smallest in epoch 120 of 150; it no longer falls",
            "converged; gap",
        ),
        (
            replace(CONVERGED, best_epoch=40, late_loss=1.5, loss_rise=0.3),
            "40 of 150, and its mean over the last 10 epochs lies 0.300 above the smallest such mean: it overfits",
            "past its best (epoch 40); gap",
        ),
        (
            replace(CONVERGED, loss_slope=-0.0025),
            "epoch 120 of 150, and still falls by 0.0025 an epoch: more epochs might help",
            "still improving at the end; gap",
        ),
        (
            replace(CONVERGED, epochs=12),
            "too few epochs to tell whether it has converged",
            "too few epochs to tell; gap",
        ),
    ],
)
def test_the_courses_of_a_training(convergence: Convergence, told: str, note: str) -> None:
    finding = findings.convergence_finding("simple", convergence)
    assert finding.startswith("Simple CNN: its test loss was smallest")
    assert told in finding
    assert finding.endswith("At the end it is 40.0 points more often right about train clips than about test clips.")
    assert note in findings.convergence_note("simple", convergence)
    numbers = "gap at the end +0.35, +40.0 points; still shakes by 0.0100, 1.2 points"
    assert numbers in findings.convergence_note("simple", convergence)


def test_a_negative_gap_is_put_in_words() -> None:
    assert "16.0 points less often right about train clips" in findings.convergence_finding(
        "simple", replace(CONVERGED, accuracy_gap=-0.16)
    )


def test_test_clips_with_a_copy_in_train_are_warned_of() -> None:
    assert "2 test clips have a copy in train" in plain(findings.warnings("local", STRATIFIED, 200, 2))
    assert "2 test clips have a copy in train" in plain(findings.warnings("gtzan", STRATIFIED, 200, 2))


def test_synthetic_clips_and_gtzan_s_faults_are_warned_of() -> None:
    assert "nothing about GTZAN" in plain(findings.warnings("synthetic", STRATIFIED, 200, 0))
    assert "share artists and recordings across" in plain(findings.warnings("gtzan", STRATIFIED, 200, 0))
    assert "20 test clips say little" in plain(findings.warnings("gtzan-mini", STRATIFIED, 20, 0))
    assert findings.warnings("local", STRATIFIED, 200, 0) == []


@pytest.mark.parametrize(
    ("split", "said", "unsaid"),
    [
        (STRATIFIED, "share artists and recordings across this split", "fault-filtered"),
        (replace(STRATIFIED, method="kfold"), "share artists and recordings across this split", "fault-filtered"),
        (replace(STRATIFIED, method="grouped"), "share artists across this split", "fault-filtered"),
        (replace(STRATIFIED, method="fault-filtered"), "This is the fault-filtered split", "10 to 15 points"),
        (replace(STRATIFIED, method="fault-filtered", lists="a"), "by your own lists", "fault-filtered"),
    ],
)
def test_what_is_said_of_gtzan_fits_the_split(split: Split, said: str, unsaid: str) -> None:
    warning = plain(findings.warnings("gtzan", split, 200, 0))
    assert said in warning
    assert unsaid not in warning
    assert ("10 to 15 points" in warning) == (split.method != "fault-filtered")
