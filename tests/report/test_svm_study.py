"""The study of the SVM, as the page shows it."""

import hashlib
import re
from pathlib import Path

import pytest

from genres.core.errors import InputError
from genres.report.svm_study import COLUMNS, read_svm_study

SPLIT = hashlib.sha256(b"the split").hexdigest()
TABLE = f"""{",".join(COLUMNS)}
{SPLIT},linear,0.1,64,100,1.0,0.5,200
{SPLIT},linear,1.0,64,100,1.0,0.45,200
{SPLIT},rbf,1.0,32,50,0.9,0.6,200
{SPLIT},rbf,10.0,32,50,1.0,0.6,200
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "svm_study.csv"
    path.write_text(TABLE)
    (tmp_path / "split.csv").write_text("the split")
    return path


def test_the_best_settings_and_the_papers_stand_out(table: Path) -> None:
    study = read_svm_study(table, table.with_name("split.csv"))
    assert study is not None
    assert len(study.settings) == 4
    assert (study.best["kernel"], study.best["C"]) == ("rbf", 1)  # the first of equals
    assert study.papers is not None
    assert study.papers["test_accuracy"] == 0.45
    assert {kernel: row["test_accuracy"] for kernel, row in study.best_by_kernel.items()} == {"linear": 0.5, "rbf": 0.6}


def test_the_papers_setting_need_not_be_among_them(table: Path) -> None:
    table.write_text(TABLE.replace("linear,1.0,64,100", "linear,2.0,64,100"))
    study = read_svm_study(table, table.with_name("split.csv"))
    assert study is not None
    assert study.papers is None


def test_a_study_of_another_split_is_not_shown(table: Path) -> None:
    table.with_name("split.csv").write_text("another split")
    assert read_svm_study(table, table.with_name("split.csv")) is None


def test_without_a_study_there_is_none(tmp_path: Path) -> None:
    assert read_svm_study(tmp_path / "svm_study.csv", tmp_path / "split.csv") is None


@pytest.mark.parametrize(
    ("old", "new"), [("rbf", "poly"), ("0.45", "1.45"), (",200\n", "\n"), ("linear,0.1", "linear,0")]
)
def test_a_damaged_table_is_refused_with_what_helps(table: Path, old: str, new: str) -> None:
    table.write_text(TABLE.replace(old, new))
    with pytest.raises(InputError, match=re.escape(f"{table} is not a table of `make svm-study`. Run that, or `git ")):
        read_svm_study(table, table.with_name("split.csv"))
