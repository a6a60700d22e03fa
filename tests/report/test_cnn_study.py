"""The study of the CNN, as the page shows it."""

import re
from pathlib import Path

import pandas as pd
import pytest
from example_results import write_cnn_study

from genres.core.errors import InputError
from genres.report.cnn_study import PAPER, SIMPLE, SameLoss, find_loss, read_cnn_study


def test_the_papers_networks_come_first_and_every_setting_has_its_curves(tmp_path: Path) -> None:
    study = read_cnn_study(*write_cnn_study(tmp_path))
    assert study is not None
    assert list(study.settings)[:2] == [PAPER, SIMPLE]
    assert {setting: len(curves) for setting, curves in study.curves.items()} == {
        setting: row["epochs"] for setting, row in study.settings.items()
    }
    assert study.curves[SIMPLE].index[0] == 1


def test_the_first_epoch_with_as_low_a_train_loss_counts() -> None:
    curves = pd.DataFrame({"train_loss": [2, 1, 1.5, 0.5], "test_loss": [2, 1.25, 9, 9]}, index=[1, 2, 3, 4])
    assert find_loss(curves, 1.2) == SameLoss(2, 0.25)
    assert find_loss(curves, 1) == SameLoss(2, 0.25)
    assert find_loss(curves, 0.4) is None


def test_a_study_without_the_present_complex_cnn_is_not_shown(tmp_path: Path) -> None:
    table, curves, (train_loss, test_loss) = write_cnn_study(tmp_path)
    assert read_cnn_study(table, curves, (train_loss, test_loss + 0.0001)) is None
    assert read_cnn_study(table, curves, None) is None


def test_without_a_study_there_is_none(tmp_path: Path) -> None:
    assert read_cnn_study(tmp_path / "a.csv", tmp_path / "b.csv", (1.0, 1.0)) is None


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        (0, ",150,", ",0,"),
        (0, f"{SIMPLE},", "channels=9,"),
        (1, f"{PAPER},", "other,"),
        (1, ",150,", ",150,-"),
        (1, "setting,", "name,"),
    ],
)
def test_damaged_tables_are_refused_with_what_helps(tmp_path: Path, table: int, old: str, new: str) -> None:
    *paths, losses = write_cnn_study(tmp_path)
    text = paths[table].read_text()
    assert old in text
    paths[table].write_text(text.replace(old, new))
    message = f"{paths[0]} and {paths[1]} are not the tables of `make cnn-study`. Run that, or `git restore` them."
    with pytest.raises(InputError, match=re.escape(message)):
        read_cnn_study(*paths, losses)


def test_a_missing_table_of_curves_is_refused_too(tmp_path: Path) -> None:
    table, curves, losses = write_cnn_study(tmp_path)
    curves.unlink()
    with pytest.raises(InputError, match="Run that"):
        read_cnn_study(table, curves, losses)
