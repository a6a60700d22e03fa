"""The study of many runs, as the page shows it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from example_results import StudyPaths, write_run_study

from genres.core.errors import InputError
from genres.report.models import MODELS
from genres.report.run_study import read_run_study

STUDIED = ["linear", "simple", "complex", "svm", "scattering"]


@pytest.fixture
def paths(tmp_path: Path) -> StudyPaths:
    return write_run_study(tmp_path)


def test_all_models_are_shown_whose_predictions_are_those_of_a_run(paths: StudyPaths) -> None:
    study = read_run_study(*paths)
    assert study is not None
    assert list(study.summary.models) == STUDIED
    assert study.outdated == []
    assert [study.count(model) for model in STUDIED] == [3] * 5
    assert set(study.runs.retraining) == {"no"}
    assert list(study.curves) == ["linear", "simple", "complex"]
    assert list(study.curves["linear"].index) == list(range(1, 31))
    assert study.epochs("complex") == (10, 12)
    assert study.class_names == ["a", "b"]
    # SVM predicts 7, 8 and 9 of 12 clips correctly, those of a first.
    np.testing.assert_allclose(study.confusion["svm"], [[6, 0], [4, 2]])
    assert study.deviations == pytest.approx([1 / 12] * 4 + [1 / 6], abs=1e-4)


def test_it_may_be_any_run_of_the_model(paths: StudyPaths) -> None:
    (paths.predictions.parent / "results/linear 2 0/linear.csv").replace(paths.predictions / "linear.csv")
    study = read_run_study(*paths)
    assert study is not None
    assert study.outdated == []


@pytest.mark.parametrize("outdated", [["svm"], ["linear", "scattering"], STUDIED[1:]])
def test_models_with_other_predictions_are_named_and_not_shown(paths: StudyPaths, outdated: list[str]) -> None:
    for model in outdated:
        path = paths.predictions / f"{model}.csv"
        path.write_text(path.read_text().replace("0.5", "0.6") + "\n")
    study = read_run_study(*paths)
    assert study is not None
    assert study.outdated == outdated
    shown = [model for model in STUDIED if model not in outdated]
    assert list(study.summary.models) == list(study.confusion) == shown
    assert set(study.runs.model) == set(shown)
    assert set(study.curves) <= set(shown)
    assert {model for pair in study.summary.differences for model in (pair.first, pair.second)} <= set(shown)


def test_a_model_that_is_not_trained_here_is_neither_shown_nor_outdated(paths: StudyPaths) -> None:
    (paths.predictions / "svm.csv").unlink()
    study = read_run_study(*paths)
    assert study is not None
    assert "svm" not in study.summary.models
    assert study.outdated == []


def test_a_model_that_was_not_studied_is_not_outdated(paths: StudyPaths) -> None:
    assert "musicnn" in MODELS
    (paths.predictions / "musicnn.csv").write_text("predictions")
    study = read_run_study(*paths)
    assert study is not None
    assert study.outdated == []


def test_where_no_model_has_the_predictions_of_a_run_there_is_no_study(paths: StudyPaths) -> None:
    for path in paths.predictions.iterdir():
        path.write_text("others")
    assert read_run_study(*paths) is None


def test_a_project_without_a_study_shows_none(paths: StudyPaths) -> None:
    paths.runs.unlink()
    assert read_run_study(*paths) is None


def test_failed_runs_are_not_shown(paths: StudyPaths) -> None:
    table = pd.read_csv(paths.runs, dtype=str, keep_default_na=False)
    failed = (table.model == "svm") & (table.split_seed == "2")
    table.loc[failed, "n_train":"predictions_sha256"] = ""
    table.loc[failed, "error"] = "out of memory"
    table.to_csv(paths.runs, index=False)
    with pytest.raises(InputError, match="not of the same runs"):
        read_run_study(*paths)
    counts = pd.read_csv(paths.confusion)
    counts.loc[(counts.model == "svm") & (counts.actual == counts.predicted), "n_clips"] -= 6
    counts.to_csv(paths.confusion, index=False)
    study = read_run_study(*paths)
    assert study is not None
    assert study.count("svm") == 2
    assert study.summary.models["svm"].failed == 1


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("runs", "linear,", "forest,"),
        ("runs", ",no,", ",maybe,"),
        ("curves", "linear,1,", "linear,0,"),
        ("confusion", "n_clips", "n"),
        ("confusion", None, ""),
    ],
)
def test_damaged_tables_are_refused_with_what_helps(paths: StudyPaths, table: str, old: str | None, new: str) -> None:
    path = getattr(paths, table)
    text = path.read_text()
    assert old is None or old in text
    path.write_text(text.replace(old, new) if old else new)
    message = (
        f"{paths.runs}, {paths.curves} and {paths.confusion} are not the tables of `make study`. Run that, or `git "
        "restore` them."
    )
    with pytest.raises(InputError, match=re.escape(message)):
        read_run_study(*paths)
