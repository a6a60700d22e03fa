"""The study of the SVM that `make svm-study` made: its kernel, its C and the size of its input, on one split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field

from genres.core.columns import Natural, Sha256, Share
from genres.core.errors import InputError
from genres.core.files import file_sha256, read_csv
from genres.report.paper import PARAMETERS
from genres.report.results import Row

COLUMNS: dict[str, Any] = {
    "split_sha256": Sha256,
    "kernel": Literal["linear", "rbf"],
    "C": Annotated[float, Field(gt=0)],
    "height": Natural,
    "width": Natural,
    "train_accuracy": Share,
    "test_accuracy": Share,
    "n_test": Natural,
}


@dataclass(frozen=True)
class SvmStudy:
    """The settings that were tried, and what stands out."""

    settings: pd.DataFrame  # with COLUMNS, a row for each setting
    best: Row  # the row of the highest test accuracy, the first of equals
    papers: Row | None  # the row of the paper's setting, None if it was not tried
    best_by_kernel: dict[str, Row]


def read_svm_study(path: Path, split: Path) -> SvmStudy | None:
    """Read the study, or return None if there is none of the clips and subsets of ``split``.

    An InputError says how to make the table again if it is damaged.
    """
    if not path.exists():
        return None
    try:
        settings = read_csv(path, COLUMNS, "report")
    except InputError as error:
        raise InputError(f"{path} is not a table of `make svm-study`. Run that, or `git restore {path}`.") from error
    settings = settings[settings.split_sha256 == file_sha256(split)]
    if settings.empty:
        return None
    rows: Sequence[Row] = settings.to_dict("records")
    papers = dict(PARAMETERS["svm"]) | {name: PARAMETERS["input"][name] for name in ("height", "width")}
    by_kernel = {kernel: [row for row in rows if row["kernel"] == kernel] for kernel in dict.fromkeys(settings.kernel)}
    return SvmStudy(
        settings,
        _best(rows),
        next((row for row in rows if papers.items() <= row.items()), None),
        {kernel: _best(of_kernel) for kernel, of_kernel in by_kernel.items()},
    )


def _best(rows: Sequence[Row]) -> Row:
    return max(rows, key=lambda row: float(row["test_accuracy"]))
