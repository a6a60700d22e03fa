"""What the training stages wrote besides the models: the scores at the end, and the curves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from genres.artifacts import damaged, read_json, require_file
from genres.errors import InputError

CURVES = ("train/loss", "test/loss", "train/accuracy", "test/accuracy")


def read_final_scores(folder: Path, stage: str) -> dict[str, Any]:
    """Read ``metrics.json``, which holds at least the train and test accuracy at the end of training.

    Raises:
        InputError: it is missing, or lacks one of them.
    """
    path = folder / "metrics.json"
    scores = read_json(path, stage)
    for subset in ("train", "test"):
        of_subset = scores.get(subset)
        if not isinstance(of_subset, Mapping) or not isinstance(of_subset.get("accuracy"), int | float):
            raise damaged(path, stage, f"it has no number under {subset}.accuracy")
    return scores


def read_history(folder: Path, stage: str, epochs: int) -> pd.DataFrame:
    """Read the curves that ``stage`` wrote below ``folder`` with DVCLive.

    Returns:
        A table with ``train_loss``, ``test_loss``, ``train_accuracy`` and ``test_accuracy``; its index is the epoch,
        from 1 to ``epochs``.

    Raises:
        InputError: a curve is missing, or is not one value for each epoch.
    """
    curves = {}
    for name in CURVES:
        path = folder / "plots" / "metrics" / f"{name}.tsv"
        require_file(path, stage)
        column = name.split("/")[1]
        try:
            curve = pd.read_csv(path, sep="\t").set_index("step")[column].astype(float)
        except (ValueError, KeyError, pd.errors.ParserError) as error:
            raise damaged(path, stage, f"no curve ({error})") from None
        if list(curve.index) != list(range(1, len(curve) + 1)) or curve.isna().any():
            raise damaged(path, stage, "not one value for each epoch from 1")
        if len(curve) != epochs:
            raise InputError(
                f"{path} has {len(curve)} epochs, but `train.epochs` is {epochs}. Run `dvc repro -f {stage}` to train "
                "again."
            )
        curves[name.replace("/", "_")] = curve
    return pd.DataFrame(curves)
