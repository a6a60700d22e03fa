"""What a study says: means, intervals, differences and components, worked out by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from genres.core.files import write_csv, write_json
from genres.report.table import format_summary
from genres.study.summary import Difference, Spread, summarise, summary_as_json
from genres.study.tables import CONFUSION, MEAN_CURVES, RUNS, read_tables

LINEAR, SVM, COMPLEX = [0.40, 0.50, 0.60], [0.42, 0.55, 0.62], [0.70, 0.75, 0.85]


def run(model: str, split_seed: int, init_seed: int, accuracy: float | None, **values: Any) -> dict[str, Any]:
    """A row of a run with 800 train and 200 test clips; one without an accuracy has failed."""
    if accuracy is None:
        values["error"] = "it failed,\non two lines"
    else:
        values = {"n_train": 800, "n_test": 200, "accuracy": accuracy, "macro_f1": accuracy / 2} | values
        values["predictions_sha256"] = "0" * 64
    key = {"model": model, "split_seed": split_seed, "init_seed": init_seed, "fold": 0, "retraining": "no"}
    return key | {"error": ""} | values


def on_splits(model: str, accuracies: Sequence[float | None]) -> list[dict[str, Any]]:
    return [run(model, seed, seed, accuracy) for seed, accuracy in enumerate(accuracies)]


@pytest.fixture
def table(tmp_path: Path) -> Any:
    """Makes a table of runs, as it is read from its file."""

    def make(*groups: list[dict[str, Any]]) -> pd.DataFrame:
        paths = [tmp_path / f"{name}.csv" for name in ("runs", "curves", "confusion")]
        rows = pd.DataFrame([row for group in groups for row in group], columns=list(RUNS))
        write_csv(paths[0], rows.astype({"n_train": "Int64", "n_test": "Int64"}))
        write_csv(paths[1], pd.DataFrame(columns=list(MEAN_CURVES)))
        write_csv(paths[2], pd.DataFrame([("linear", "a", "a", 1)], columns=list(CONFUSION)))
        return read_tables(*paths, "study").runs

    return make


def test_means_deviations_and_intervals_are_those_worked_out_by_hand(table: Any) -> None:
    summary = summarise(table(on_splits("linear", LINEAR)), ["linear"])
    assert (summary.n_train, summary.n_test, summary.n_splits) == (800, 200, 3)
    # The variance is 0.01, that of the mean (1/3 + 200/800) 0.01. The 97.5 % point of t with 2 degrees of freedom is
    # 4.3027.
    margin = 4.302653 * (0.01 * (1 / 3 + 1 / 4)) ** 0.5
    spread = summary.models["linear"].scores["accuracy"]
    assert spread == pytest.approx((3, 0.5, 0.1, 0.5 - margin, 0.5 + margin), abs=1e-6)
    macro_f1 = summary.models["linear"].scores["macro_f1"]
    assert macro_f1 == pytest.approx((3, 0.25, 0.05, 0.25 - margin / 2, 0.25 + margin / 2), abs=1e-6)
    assert summary.models["linear"].scores["calibration_error"] is None
    assert summary.models["linear"].components is None  # no split was trained on twice
    assert summary.differences == []


def test_differences_are_tested_on_the_same_splits_and_corrected_for_their_number(table: Any) -> None:
    runs = table(on_splits("complex", COMPLEX), on_splits("linear", LINEAR), on_splits("svm", SVM))
    pairs = {(pair.first, pair.second): pair for pair in summarise(runs, ["linear", "svm", "complex"]).differences}
    assert list(pairs) == [("linear", "svm"), ("linear", "complex"), ("svm", "complex")]
    # Differences of linear and SVM: -0.02, -0.05, -0.02; their variance is 0.0003.
    margin = 4.302653 * (0.0003 * (1 / 3 + 1 / 4)) ** 0.5
    accuracy = pairs["linear", "svm"].accuracy
    assert accuracy == pytest.approx((3, -0.03, 0.0003**0.5, -0.03 - margin, -0.03 + margin), abs=1e-6)
    # With 2 degrees of freedom p is 1 - t / sqrt(2 + t^2): t = 2.26779, 12.0948 and 7.66727. Holm multiplies the
    # smallest of the three by three, the next by two.
    p_values = [pair.p_value for pair in pairs.values()]
    assert p_values == pytest.approx([0.151472, 3 * 0.006766, 2 * 0.016588], abs=2e-5)
    assert [pair.significant for pair in pairs.values()] == [False, True, True]


def test_the_components_are_those_of_the_two_trainings_on_each_split_which_count_once_in_the_mean(table: Any) -> None:
    again = [run("linear", seed, seed + 1, value, retraining="yes") for seed, value in enumerate([0.42, 0.5, 0.56])]
    found = summarise(table(on_splits("linear", LINEAR), again), ["linear"]).models["linear"]
    # Within: 0.0002, 0 and 0.0008, mean 0.00033333. Means 0.41, 0.5 and 0.58: variance 0.00723333, less half of that.
    within = 0.001 / 3
    assert found.components == pytest.approx(((0.0217 / 3 - within / 2) ** 0.5, within**0.5))
    accuracy = found.scores["accuracy"]
    assert accuracy is not None
    assert accuracy[:3] == pytest.approx((3, 0.5, 0.1))


def test_a_single_run_has_a_mean_and_nothing_else(table: Any) -> None:
    again = [run("linear", 0, 1, 0.7, retraining="yes")]
    summary = summarise(table(on_splits("linear", [0.4]), again, on_splits("svm", [0.5])), ["linear", "svm"])
    assert summary.models["linear"].scores["accuracy"] == Spread(1, 0.4, None, None, None)
    assert summary.models["linear"].components is None
    assert summary.differences == [Difference("linear", "svm", (1, pytest.approx(-0.1), None, None, None), None)]
    assert not summary.differences[0].significant
    printed = format_summary(summary, "data")
    assert "| Linear | 1 | 0 | 40.0 | n/a | n/a | 0.200 |" in printed
    assert "| Linear - SVM | -10.0 | n/a | n/a |" in printed


def test_failed_runs_are_counted_and_left_out_and_models_are_compared_on_the_splits_that_both_have(table: Any) -> None:
    again = [run("linear", seed, seed + 1, value, retraining="yes") for seed, value in enumerate([0.42, None, 0.56])]
    runs = table(on_splits("linear", LINEAR), again, on_splits("svm", [0.42, None, 0.62]))
    summary = summarise(runs, ["linear", "svm"])
    assert {model: found.failed for model, found in summary.models.items()} == {"linear": 0, "svm": 1}
    counts = {model: found.scores["accuracy"] for model, found in summary.models.items()}
    assert {model: spread and spread.runs for model, spread in counts.items()} == {"linear": 3, "svm": 2}
    assert counts["svm"] == pytest.approx((2, 0.52, 0.02**0.5, 0, 1), abs=1e-6)
    assert summary.n_splits == 3  # the second one is linear's
    (pair,) = summary.differences
    assert pair.accuracy[:3] == pytest.approx((2, -0.02, 0), abs=1e-9)  # not that on the second split
    within = (0.0002 + 0.0008) / 2
    assert summary.models["linear"].components == pytest.approx((((0.17**2) / 2 - within / 2) ** 0.5, within**0.5))
    assert "| SVM | 2 | 1 | 52.0 |" in format_summary(summary, "data")


def test_a_model_of_which_every_run_failed_is_printed(table: Any) -> None:
    summary = summarise(table(on_splits("linear", LINEAR), on_splits("svm", [None] * 3)), ["linear", "svm"])
    assert "| SVM | 0 | 3 | n/a | n/a | n/a | n/a |" in format_summary(summary, "data")
    assert summary.differences == []


def test_a_split_on_which_every_run_failed_does_not_count(table: Any) -> None:
    runs = table(on_splits("linear", [0.4, None, 0.6]), on_splits("svm", [0.5, None, None]))
    assert summarise(runs, ["linear", "svm"]).n_splits == 2


def test_with_one_split_a_model_without_a_random_start_is_compared_with_every_run_of_another(table: Any) -> None:
    linear = [run("linear", 7, seed, value) for seed, value in enumerate(LINEAR)]
    simple = [run("simple", 7, seed, value) for seed, value in enumerate([0.5, 0.6, 0.7])]
    summary = summarise(table(linear, simple, [run("svm", 7, 7, 0.45)]), ["linear", "simple", "svm"])
    assert summary.n_splits == 1
    assert {model: found.components for model, found in summary.models.items()} == dict.fromkeys(summary.models)
    # One split: the runs differ in their initialisation alone, so this is Student's interval, without a correction.
    margin = 4.302653 * (0.01 / 3) ** 0.5
    assert summary.models["linear"].scores["accuracy"] == pytest.approx(
        (3, 0.5, 0.1, 0.5 - margin, 0.5 + margin), abs=1e-6
    )
    pairs = {(pair.first, pair.second): pair for pair in summary.differences}
    assert pairs["linear", "simple"].accuracy[:3] == pytest.approx((3, -0.1, 0), abs=1e-9)  # by initialisation
    assert pairs["linear", "svm"].accuracy == pytest.approx((3, 0.05, 0.1, 0.05 - margin, 0.05 + margin), abs=1e-6)
    assert pairs["simple", "svm"].accuracy[:3] == pytest.approx((3, 0.15, 0.1))


def test_a_run_that_is_left_of_several_initialisations_is_compared_with_the_same_one_of_another_model(
    table: Any,
) -> None:
    linear = [run("linear", 7, seed, value) for seed, value in enumerate(LINEAR)]
    simple = [run("simple", 7, seed, value) for seed, value in enumerate([None, 0.6, None])]
    summary = summarise(table(linear, simple), ["linear", "simple"])
    assert [(pair.accuracy.runs, pair.p_value) for pair in summary.differences] == [(1, None)]
    assert summary.differences[0].accuracy.mean == pytest.approx(-0.1)


def test_each_fold_is_a_split_like_any_other(table: Any) -> None:
    folds = [
        run(model, seed, seed, accuracy, fold=fold)
        for model, of_model in (("linear", [0.4, 0.5, 0.6, 0.7]), ("svm", [0.5, 0.6, 0.7, 0.8]))
        for (seed, fold), accuracy in zip([(0, 0), (0, 1), (1, 0), (1, 1)], of_model, strict=True)
    ]
    summary = summarise(table(folds), ["linear", "svm"])
    assert summary.n_splits == 4
    assert summary.differences[0].accuracy[:3] == pytest.approx((4, -0.1, 0), abs=1e-9)


def test_several_initialisations_on_each_fold_are_no_further_folds(table: Any) -> None:
    linear = [run("linear", 7, seed, 0.4 + fold / 10 + seed / 50, fold=fold) for fold in range(3) for seed in range(5)]
    svm = [run("svm", 7, 7, 0.5, fold=fold) for fold in range(3)]
    summary = summarise(table(linear, svm), ["linear", "svm"])
    # Each fold's mean is 0.04 above its first: 0.44, 0.54 and 0.64, as if there were three runs. Between the 15 runs,
    # the squares of the deviations are 5 x 2 x 0.01 of the folds and 3 x 0.004 within them.
    margin = 4.302653 * (0.01 * (1 / 3 + 1 / 4)) ** 0.5
    spread = summary.models["linear"].scores["accuracy"]
    assert spread == pytest.approx((15, 0.54, (0.112 / 14) ** 0.5, 0.54 - margin, 0.54 + margin), abs=1e-6)
    assert summary.differences[0].accuracy[:3] == pytest.approx((3, 0.04, 0.1), abs=1e-6)


def test_models_that_are_not_asked_for_do_not_count(table: Any) -> None:
    runs = table(on_splits("linear", LINEAR), [run("svm", 9, 9, 0.5, n_train=10, n_test=10)])
    assert summarise(runs, ["linear"]) == summarise(table(on_splits("linear", LINEAR)), ["linear"])


def test_intervals_stay_where_scores_and_their_differences_can_be(table: Any) -> None:
    runs = table(on_splits("linear", [0.0, 0.1, 0.5]), on_splits("svm", [1.0, 0.9, 0.5]))
    summary = summarise(runs, ["linear", "svm"])
    of_linear, of_svm = (summary.models[model].scores["accuracy"] for model in ("linear", "svm"))
    assert of_linear is not None
    assert of_svm is not None
    assert (of_linear.low, of_svm.high) == (0, 1)
    assert (summary.differences[0].accuracy.low, summary.differences[0].accuracy.high) == (-1, 1)


def test_json_has_four_decimals_and_no_nan(table: Any, tmp_path: Path) -> None:
    again = [run("linear", seed, seed + 1, value, retraining="yes") for seed, value in enumerate([0.42, 0.5, None])]
    runs = table(on_splits("linear", LINEAR), again, on_splits("svm", SVM), on_splits("complex", [0.5, None, None]))
    write_json(tmp_path / "study.json", summary_as_json(summarise(runs, ["linear", "complex", "svm"])))
    content = json.loads((tmp_path / "study.json").read_bytes(), parse_constant=pytest.fail)
    assert content["clips"] == {"train": 800, "test": 200}
    assert content["splits"] == 3
    assert content["models"]["linear"] == {
        "failed": 0,  # second trainings aside
        "accuracy": {"runs": 3, "mean": 0.5, "standard_deviation": 0.1, "low": 0.1714, "high": 0.8286},
        "macro_f1": {"runs": 3, "mean": 0.25, "standard_deviation": 0.05, "low": 0.0857, "high": 0.4143},
        "calibration_error": None,
        # 0.41 and 0.5: variance 0.00405, less half of 0.0001.
        "accuracy_deviation": {"between_splits": 0.0632, "within_splits": 0.01},
    }
    assert content["models"]["complex"]["accuracy"] == dict.fromkeys(("standard_deviation", "low", "high")) | {
        "runs": 1,
        "mean": 0.5,
    }
    assert set(content["differences"]) == {"linear - complex", "linear - svm", "complex - svm"}
    assert content["differences"]["linear - svm"] == {
        "runs": 3, "mean": -0.03, "standard_deviation": 0.0173, "low": -0.0869, "high": 0.0269, "p_value": 0.1515,
        "significant": False,
    }  # fmt: skip
    assert content["differences"]["linear - complex"]["p_value"] is None
