"""What the training stages logged with DVCLive: a loss and an accuracy for every epoch."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from genres.core.columns import Epoch, NonNegative, Share
from genres.core.files import damaged, read_csv

CURVES = {"train_loss": NonNegative, "test_loss": NonNegative, "train_accuracy": Share, "test_accuracy": Share}
"""The columns of a training run's curves, a row for each epoch, with their types."""


def read_all_curves(metrics: Path, models: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Read the curves of those of ``models`` that have a folder ``train_<model>`` in ``metrics``."""
    return {model: read_curves(folder) for model in models if (folder := metrics / f"train_{model}").is_dir()}


def read_curves(folder: Path) -> pd.DataFrame:
    """Read the curves below a training stage's folder, which has the stage's name.

    The columns are ``train_loss``, ``test_loss``, ``train_accuracy`` and ``test_accuracy``; the index is the epoch, and
    starts at 1. An InputError is raised if a curve is missing, or is not one value for each epoch.
    """
    curves: dict[str, pd.Series[float]] = {}
    for name, kind in CURVES.items():
        subset, _, column = name.partition("_")
        path = folder / "plots" / "metrics" / subset / f"{column}.tsv"
        curve = read_csv(path, {"step": Epoch, column: kind}, folder.name).set_index("step")[column]
        n_epochs = len(next(iter(curves.values()), curve))
        if list(curve.index) != list(range(1, n_epochs + 1)):
            raise damaged(path, folder.name, "not one value for each epoch from 1")
        curves[name] = curve
    return pd.DataFrame(curves)
