"""What the runs of a study gave, as three tables: a row a run, the mean curves, and the sums of confusion matrices."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from genres.core.columns import TEST, TRAIN, Epoch, Natural, NonNegative, Sha256, Share
from genres.core.errors import InputError
from genres.core.files import DECIMALS, file_sha256, read_csv
from genres.evaluation.convergence import describe_convergence
from genres.evaluation.curves import CURVES
from genres.evaluation.scores import clips_in_test, confusion_counts, score_models
from genres.models.base.predictions import Predictions, read_predictions
from genres.study.runs import CURVES_FILE, Run

SCORES = ("accuracy", "macro_f1", "calibration_error")

# The columns of the tables, with their types. A run that failed has an error, and no numbers.
RUNS: dict[str, Any] = {
    "model": str,
    "split_seed": Natural,
    "init_seed": Natural,
    "fold": Natural,
    "retraining": Literal["yes", "no"],
    "n_train": Natural | None,
    "n_test": Natural | None,
    **dict.fromkeys(SCORES, Share | None),
    "best_epoch": Epoch | None,  # of a network, like the next two; see `convergence.Convergence`
    "converged_epoch": Epoch | None,
    "epochs": Epoch | None,
    # Of the predictions file, which is that of the training stage with these seeds.
    "predictions_sha256": Sha256 | None,
    "error": str,  # the kind of error, if it failed
}
MEAN_CURVES: dict[str, Any] = {
    "model": str,
    "epoch": Epoch,
    **{f"{name}_{what}": NonNegative for name in CURVES for what in ("mean", "deviation")},
}
CONFUSION: dict[str, Any] = {"model": str, "actual": str, "predicted": str, "n_clips": Annotated[int, Field(ge=0)]}


class StudyTables(NamedTuple):
    """The tables of a study; those of curves and confusions leave out second trainings on a split."""

    runs: pd.DataFrame  # with RUNS
    curves: pd.DataFrame  # with MEAN_CURVES
    confusion: pd.DataFrame  # with CONFUSION


def read_tables(runs: Path, curves: Path, confusion: Path, stage: str) -> StudyTables:
    """Read the tables, or raise an InputError if one is missing or damaged."""
    return StudyTables(
        read_csv(runs, RUNS, stage),
        read_csv(curves, MEAN_CURVES, stage, may_be_empty=True),
        read_csv(confusion, CONFUSION, stage),
    )


def tabulate(folders: Mapping[Run, Path], errors: Mapping[Run, str]) -> StudyTables:
    """Read the results of runs from their folders; those that have an error have none.

    Some run must have no error. An InputError names a folder that is damaged.
    """
    rows = []
    curves: dict[str, list[pd.DataFrame]] = {}  # by model, like the next one
    confusion: dict[str, list[pd.DataFrame]] = {}
    for run, folder in folders.items():
        kind = errors.get(run, "").partition(":")[0]  # not the message, which may name paths
        row = run._asdict() | {"retraining": "yes" if run.retraining else "no", "error": kind}
        rows.append(row)
        if run in errors:
            continue
        path, curves_path = folder / f"{run.model}.csv", folder / CURVES_FILE
        try:
            predictions = read_predictions(path)
            of_run = _read_curves(curves_path) if curves_path.exists() else None
        except InputError as error:
            raise InputError(
                f"{folder} is damaged, the result of a run ({run}). Remove that folder, and run `make study` again."
            ) from error
        row |= _scores(predictions) | {"predictions_sha256": file_sha256(path)}
        if of_run is not None:
            convergence = describe_convergence(of_run)
            row |= {name: getattr(convergence, name) for name in ("best_epoch", "converged_epoch", "epochs")}
        if not run.retraining:
            confusion.setdefault(run.model, []).append(_confusions(predictions))
            if of_run is not None:
                curves.setdefault(run.model, []).append(of_run)
    integers = [name for name, kind in RUNS.items() if kind in (Natural | None, Epoch | None)]
    return StudyTables(
        pd.DataFrame(rows, columns=list(RUNS)).astype(dict.fromkeys(integers, "Int64")),
        pd.concat([pd.DataFrame(columns=list(MEAN_CURVES)), *(_mean_curves(*found) for found in curves.items())]),
        pd.concat([_sum(*found) for found in confusion.items()]),
    )


def _scores(predictions: Predictions) -> dict[str, Any]:
    (scores,) = score_models({"": predictions}).values()
    sizes = predictions.clips.subset.value_counts()
    return {name: scores[name] for name in SCORES} | {f"n_{subset}": int(sizes[subset]) for subset in (TRAIN, TEST)}


def _read_curves(path: Path) -> pd.DataFrame:
    curves = read_csv(path, CURVES, "train_study")
    return curves.set_index(pd.RangeIndex(1, len(curves) + 1))


def _mean_curves(model: str, curves: list[pd.DataFrame]) -> pd.DataFrame:
    values = np.stack([of_run[list(CURVES)].to_numpy(float) for of_run in curves])
    deviation = values.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(values.shape[1:])
    columns = np.stack([values.mean(axis=0), deviation], axis=2).reshape(values.shape[1], -1).round(DECIMALS)
    table = pd.DataFrame(columns, columns=list(MEAN_CURVES)[2:])
    table.insert(0, "epoch", range(1, len(table) + 1))
    table.insert(0, "model", model)
    return table


def _confusions(predictions: Predictions) -> pd.DataFrame:
    """Return the counts of test clips by actual and predicted genre, with these two as index."""
    class_names = sorted(predictions.clips.genre.unique())
    pairs = pd.MultiIndex.from_product([class_names, class_names], names=["actual", "predicted"])
    counts = confusion_counts(clips_in_test(predictions), class_names)
    return pd.DataFrame({"n_clips": counts.ravel()}, pairs)


def _sum(model: str, confusions: list[pd.DataFrame]) -> pd.DataFrame:
    total = pd.concat(confusions).groupby(level=["actual", "predicted"]).sum().reset_index()
    return total.assign(model=model)[list(CONFUSION)]
