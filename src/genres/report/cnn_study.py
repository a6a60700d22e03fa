"""The study of the CNN that `make cnn-study` made: its size, dropout and input, crops, and less data, on one seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pydantic import FiniteFloat

from genres.core.columns import Epoch, Natural, NonNegative, Share
from genres.core.errors import InputError
from genres.core.files import read_csv
from genres.evaluation.convergence import TrainingOutcome
from genres.report.results import Row

PAPER = "paper"  # the setting with the paper's complex CNN
SIMPLE = "channels=8 hidden=128"  # that with its simple one

COLUMNS: dict[str, Any] = {
    "setting": str,  # the parameters that differ from the paper's, or PAPER
    "channels": Natural,
    "hidden": Natural,
    "dropout": Share,
    "crop": Natural | None,
    "width": Natural,
    "parameters": Natural,  # how many the network has
    "n_train": Natural,
    "n_test": Natural,
    "epochs": Epoch,
    "converged_epoch": Epoch | None,  # like the next columns, of `convergence.Convergence`
    "best_epoch": Epoch,
    "best_test_loss": NonNegative,
    "train_loss": NonNegative,
    "test_loss": NonNegative,
    "test_accuracy": Share,
    "loss_gap": FiniteFloat,
    "accuracy_gap": FiniteFloat,
    "outcome": TrainingOutcome,
}
CURVES: dict[str, Any] = {"setting": str, "epoch": Epoch, "train_loss": NonNegative, "test_loss": NonNegative}


class SameLoss(NamedTuple):
    """Where a network's train loss first is as low as that of the simple CNN at its end."""

    epoch: int
    gap: float  # test loss minus train loss there


@dataclass(frozen=True)
class CnnStudy:
    """The settings that were tried, by name, the paper's two first."""

    settings: Mapping[str, Row]  # with COLUMNS
    curves: Mapping[str, pd.DataFrame]  # ``train_loss`` and ``test_loss``, indexed by the epoch
    same_loss: Mapping[str, SameLoss | None]  # None where the train loss stays higher


def read_cnn_study(path: Path, curves_path: Path, complex_losses: tuple[float, float] | None) -> CnnStudy | None:
    """Read the study, or return None if there is none of the present data, parameters and code.

    That is known by the complex CNN's last train and test loss, ``complex_losses``, which are in such a study. An
    InputError says how to make the tables again if one is damaged.
    """
    if not path.exists():
        return None
    try:
        table = read_csv(path, COLUMNS, "report").set_index("setting", drop=False)
        epochs = read_csv(curves_path, CURVES, "report").set_index("epoch")
        curves = {setting: of_setting.drop(columns="setting") for setting, of_setting in epochs.groupby("setting")}
        if {PAPER, SIMPLE} - set(table.index) or set(table.index) != curves.keys():
            raise InputError("a setting is missing")
    except InputError as error:
        raise InputError(
            f"{path} and {curves_path} are not the tables of `make cnn-study`. Run that, or `git restore` them."
        ) from error
    if complex_losses not in set(zip(table.train_loss, table.test_loss, strict=True)):
        return None
    target = curves[SIMPLE].train_loss.iloc[-1]
    order = [PAPER, SIMPLE, *(setting for setting in table.index if setting not in (PAPER, SIMPLE))]
    return CnnStudy(
        {setting: table.loc[setting].to_dict() for setting in order},
        {setting: curves[setting] for setting in order},
        {setting: find_loss(curves[setting], target) for setting in order},
    )


def find_loss(curves: pd.DataFrame, train_loss: float) -> SameLoss | None:
    """Return where the train loss of a network's curves first is ``train_loss`` or lower; None if it stays higher."""
    low_enough = curves[curves.train_loss <= train_loss]
    if low_enough.empty:
        return None
    first = low_enough.iloc[0]
    return SameLoss(int(low_enough.index[0]), float(first.test_loss - first.train_loss))
