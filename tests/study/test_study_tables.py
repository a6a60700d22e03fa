"""The tables of a study, from small files of predictions and curves."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from genres.core.columns import SPLIT
from genres.core.errors import InputError
from genres.core.files import file_sha256, write_csv
from genres.models.base.predictions import ModelOutput, write_predictions
from genres.study.runs import CURVES_FILE, Run
from genres.study.tables import StudyTables, read_tables, tabulate

NAMES = ("a", "b")
CLIPS = pd.DataFrame(
    [(f"{genre}/{n}", genre, "0", "train" if n < 3 else "test") for genre in NAMES for n in range(5)],
    columns=list(SPLIT),
)
FIRST, SECOND = Run("linear", 0, 0, 0, False), Run("linear", 1, 1, 0, False)
AGAIN = Run("linear", 0, 1, 0, True)
SVM, FAILED = Run("svm", 0, 0, 0, False), Run("svm", 1, 1, 0, False)
ERROR = 'ValueError: Traceback (most recent call last):\n  "a", b\nValueError: x'


def write_run(folder: Path, run: Run, predicted: str, test_losses: list[float] | None) -> Path:
    """Write what a run gives: the genres ``predicted`` for the test clips a, a, b, b, and the curves of a network."""
    labels = np.array([NAMES.index(genre) for genre in CLIPS.genre])
    labels[(CLIPS.subset == "test").to_numpy()] = [NAMES.index(genre) for genre in predicted]
    probabilities = None
    if test_losses:
        probabilities = np.full((len(CLIPS), 2), 0.25)
        probabilities[np.arange(len(CLIPS)), labels] = 0.75
        curves = pd.DataFrame({"train_loss": 0.5, "test_loss": test_losses, "train_accuracy": 1.0})
        write_csv(folder / CURVES_FILE, curves.assign(test_accuracy=0.25))
    write_predictions(folder / f"{run.model}.csv", CLIPS, NAMES, ModelOutput(labels, probabilities))
    return folder


@pytest.fixture
def tables(tmp_path: Path) -> StudyTables:
    return tabulate(
        {
            FIRST: write_run(tmp_path / "first", FIRST, "aaba", [1.0, 0.5, 0.6]),
            AGAIN: write_run(tmp_path / "again", AGAIN, "bbaa", [9.0, 9.0, 9.0]),
            SECOND: write_run(tmp_path / "second", SECOND, "aabb", [0.8, 0.7, 0.6]),
            SVM: write_run(tmp_path / "svm", SVM, "bbbb", None),
            FAILED: tmp_path / "nothing",
        },
        {FAILED: ERROR},
    )


def write_tables(folder: Path, tables: StudyTables) -> tuple[Path, Path, Path]:
    paths = folder / "runs.csv", folder / "curves.csv", folder / "confusion.csv"
    for path, table in zip(paths, tables, strict=True):
        write_csv(path, table)
    return paths


def rows(table: pd.DataFrame, columns: list[str]) -> list[tuple[Any, ...]]:
    """Return some columns of a table by row, with None where a field is empty."""
    return list(table[columns].astype(object).where(table[columns].notna(), None).itertuples(index=False, name=None))


def test_every_run_has_a_row_with_its_scores_or_its_error(tmp_path: Path, tables: StudyTables) -> None:
    assert rows(tables.runs, ["model", "split_seed", "init_seed", "fold", "retraining", "error"]) == [
        ("linear", 0, 0, 0, "no", ""),
        ("linear", 0, 1, 0, "yes", ""),
        ("linear", 1, 1, 0, "no", ""),
        ("svm", 0, 0, 0, "no", ""),
        ("svm", 1, 1, 0, "no", "ValueError"),
    ]
    # F1 in the first run: 2 x 2 / (2 + 3) and 2 / (2 + 1); its confidences are 0.75, its accuracy is 0.75.
    assert rows(tables.runs, ["n_train", "n_test", "accuracy", "macro_f1", "calibration_error"]) == [
        (6, 4, 0.75, pytest.approx((0.8 + 2 / 3) / 2, abs=1e-4), 0),
        (6, 4, 0, 0, 0.75),
        (6, 4, 1, 1, 0.25),
        (6, 4, 0.5, pytest.approx((0 + 2 / 3) / 2, abs=1e-4), None),
        (None,) * 5,
    ]
    # The loss stays within 2 % of its minimum from the second epoch, but for the last; from the first; from the last.
    assert rows(tables.runs, ["best_epoch", "converged_epoch", "epochs"]) == [
        (2, None, 3),
        (1, 1, 3),
        (3, 3, 3),
        (None,) * 3,
        (None,) * 3,
    ]
    files = ["first/linear.csv", "again/linear.csv", "second/linear.csv", "svm/svm.csv"]
    assert list(tables.runs.predictions_sha256)[:4] == [file_sha256(tmp_path / file) for file in files]


def test_curves_are_means_over_runs_without_second_trainings(tables: StudyTables) -> None:
    assert list(zip(tables.curves.model, tables.curves.epoch, strict=True)) == [("linear", n) for n in (1, 2, 3)]
    assert tables.curves.test_loss_mean.tolist() == pytest.approx([0.9, 0.6, 0.6])
    deviation = [0.2 / 2**0.5, 0.2 / 2**0.5, 0]
    assert tables.curves.test_loss_deviation.tolist() == pytest.approx(deviation, abs=1e-4)
    assert set(tables.curves.train_accuracy_mean) == {1}
    assert set(tables.curves.test_accuracy_deviation) == {0}


def test_confusions_are_sums_over_runs_without_second_trainings(tables: StudyTables) -> None:
    assert rows(tables.confusion, ["model", "actual", "predicted", "n_clips"]) == [
        ("linear", "a", "a", 4),
        ("linear", "a", "b", 0),
        ("linear", "b", "a", 1),
        ("linear", "b", "b", 3),
        ("svm", "a", "a", 0),
        ("svm", "a", "b", 2),
        ("svm", "b", "a", 0),
        ("svm", "b", "b", 2),
    ]


def test_the_tables_are_read_as_they_were_written(tmp_path: Path, tables: StudyTables) -> None:
    read = read_tables(*write_tables(tmp_path, tables), "study")
    for found, written in zip(read, tables, strict=True):
        columns = list(written.columns)
        assert list(found.columns) == columns
        assert rows(found, columns) == rows(written, columns)


def test_a_study_without_networks_has_no_curves_and_one_run_no_deviation(tmp_path: Path) -> None:
    svm = {SVM: write_run(tmp_path / "svm", SVM, "bbbb", None)}
    paths = write_tables(tmp_path, tabulate(svm, {}))
    assert read_tables(*paths, "study").curves.empty
    linear = {FIRST: write_run(tmp_path / "first", FIRST, "aaba", [1.0, 0.5, 0.6])}
    assert tabulate(svm | linear, {}).curves.test_loss_deviation.tolist() == [0, 0, 0]


def test_a_damaged_result_is_named_with_what_helps(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "svm", SVM, "bbbb", None)
    text = (folder / "svm.csv").read_text()
    (folder / "svm.csv").write_text(text[: len(text) // 2])
    what_helps = "Remove that folder, and run `make study` again."
    with pytest.raises(InputError, match=rf"^{folder} is damaged, the result of a run \(.*\). {what_helps}$"):
        tabulate({SVM: folder}, {})


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        (0, ",0.75,", ",1.75,"),
        (0, ",0.75,", ",nan,"),
        (0, ",yes,", ",maybe,"),
        (0, "linear,0,0", "linear,-1,0"),
        (0, ",6,4,", ",6,,4,"),
        (0, "best_epoch", "best"),
        (1, "linear,1,", "linear,0,"),
        (1, ",0.9,", ",-0.9,"),
        (1, ",0.9,", ",inf,"),
        (2, ",4\n", ",-4\n"),
        (2, ",4\n", ",\n"),
        (2, "svm", "svm,svm"),
    ],
)
def test_damaged_tables_are_refused_with_what_helps(
    tmp_path: Path, tables: StudyTables, table: int, old: str, new: str
) -> None:
    paths = write_tables(tmp_path, tables)
    text = paths[table].read_text()
    assert old in text
    paths[table].write_text(text.replace(old, new))
    with pytest.raises(InputError, match=f"^{paths[table]} is damaged: .* Run `dvc repro -f study`"):
        read_tables(*paths, "study")


@pytest.mark.parametrize("table", [0, 1, 2])
def test_a_missing_table_is_refused(tmp_path: Path, tables: StudyTables, table: int) -> None:
    paths = write_tables(tmp_path, tables)
    paths[table].unlink()
    with pytest.raises(InputError, match=f"^{paths[table]} is not there"):
        read_tables(*paths, "study")
