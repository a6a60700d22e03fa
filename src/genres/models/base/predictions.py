"""The predictions file: what a model makes of every clip of a split, and all that evaluate needs to know of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.core.columns import PREDICTIONS, SPLIT, SUBSETS
from genres.core.errors import InputError
from genres.core.files import damaged, read_csv, write_csv
from genres.core.tables import read_split, require_clips


@dataclass(frozen=True)
class ModelOutput:
    """What a model gives for some clips."""

    labels: NDArray[np.int64]  # the predicted classes as indices, shape (clips,)
    probabilities: NDArray[np.float64] | None = None  # shape (clips, classes), or None where the model has none


Predict = Callable[[NDArray[np.float32]], ModelOutput]
"""What a trained model is used as: it takes inputs of shape (clips, height, width), or what its kind sees instead."""


@dataclass(frozen=True)
class Predictions:
    """A model's predictions file: the clips of the split, and the genre predicted for each."""

    clips: pd.DataFrame  # with `columns.PREDICTIONS`
    probabilities: NDArray[np.float64] | None  # (clips, classes in the order of their names); None if it has none


def write_predictions(path: Path, clips: pd.DataFrame, class_names: tuple[str, ...], output: ModelOutput) -> None:
    """Write a model's predictions for all clips of a split, with `columns.SPLIT`, the probabilities with every digit.

    The file has the model's name. ``class_names`` are in the order of the model's outputs.
    """
    table = clips.assign(model=path.stem, predicted=np.array(class_names)[output.labels])
    if output.probabilities is not None:
        table = pd.concat([table, pd.DataFrame(output.probabilities, columns=list(class_names))], axis="columns")
    write_csv(path, table)


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file; an InputError says if it is missing, damaged, of other classes or of another model."""
    stage = f"train_{path.stem}"
    table = read_csv(path, PREDICTIONS, stage, more_columns=True)
    clips = table.iloc[:, : len(PREDICTIONS)]
    require_clips(path, clips, {"model": (path.stem,), "subset": SUBSETS}, stage)
    class_names = sorted(clips.genre.unique())
    if unknown := set(clips.predicted) - set(class_names):
        raise damaged(path, stage, f"it predicts {min(unknown)!r}, which is not a genre of its clips")
    columns = table.columns[len(PREDICTIONS) :]
    if columns.empty:
        return Predictions(clips, None)
    if list(columns) != class_names:
        raise damaged(path, stage, f"it has probabilities for {', '.join(columns)}, not {', '.join(class_names)}")
    try:
        probabilities = table.iloc[:, len(PREDICTIONS) :].to_numpy(np.float64)
    except ValueError as error:
        raise damaged(path, stage, f"a probability is not a number ({error})") from None
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise damaged(path, stage, "a probability is not between 0 and 1")
    of_predicted = probabilities[np.arange(len(clips)), np.searchsorted(class_names, clips.predicted.to_numpy(str))]
    for wrong, why in (
        (np.abs(probabilities.sum(axis=1) - 1) > 0.001, "its probabilities do not sum to 1"),
        (of_predicted < probabilities.max(axis=1), "another genre than the predicted one has the largest probability"),
    ):
        if wrong.any():
            raise damaged(path, stage, f"line {wrong.argmax() + 2}: {why}")
    return Predictions(clips, probabilities)


def read_all_predictions(folders: Sequence[Path], split: Path) -> Mapping[str, Predictions]:
    """Read the predictions of all models in some folders, sorted by folder and name.

    An InputError says if there are none, or if some are not of the clips and subsets of ``split``.
    """
    files = [path for folder in folders for path in sorted(folder.glob("*.csv"))]
    paths = {path.stem: path for path in files}
    if len(paths) < len(files):
        raise InputError(f"Two models have the same name: {', '.join(map(str, files))}. Remove or rename one.")
    if not paths:
        raise InputError(f"{folders[0]} has no predictions. Run `dvc repro` to train the models.")
    predictions = {model: read_predictions(path) for model, path in paths.items()}
    expected = read_split(split)
    for model, found in predictions.items():
        if not found.clips[list(SPLIT)].equals(expected):
            raise InputError(
                f"{paths[model]} has predictions for other clips or other subsets than {split}. Run `dvc repro` "
                "to train the model on this split, or remove the file if the model is gone."
            )
    return predictions
