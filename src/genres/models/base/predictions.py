"""The predictions file: what a model makes of every clip of a split, and all that evaluate needs to know of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.core.columns import PREDICTIONS, SPLIT
from genres.core.errors import InputError
from genres.core.files import damaged, read_csv, write_csv


@dataclass(frozen=True)
class ModelOutput:
    """What a model gives for some clips."""

    labels: NDArray[np.int64]  # the predicted classes as indices, shape (clips,)
    probabilities: NDArray[np.float64] | None = None  # shape (clips, classes), or None where the model has none


Predict = Callable[[NDArray[np.float32]], ModelOutput]
"""What a trained model is used as: it takes inputs of shape (clips, height, width)."""


@dataclass(frozen=True)
class Predictions:
    """A model's predictions file: the clips of the split, and the genre predicted for each."""

    clips: pd.DataFrame  # with `columns.PREDICTIONS`
    probabilities: NDArray[np.float64] | None  # (clips, classes in the order of their names); None if it has none


def write_predictions(path: Path, clips: pd.DataFrame, class_names: tuple[str, ...], output: ModelOutput) -> None:
    """Write a model's predictions for all clips of a split, with `columns.SPLIT`, the probabilities with every digit.

    ``class_names`` are in the order of the model's outputs.
    """
    table = clips.assign(predicted=np.array(class_names)[output.labels])
    if output.probabilities is not None:
        table = pd.concat([table, pd.DataFrame(output.probabilities, columns=list(class_names))], axis="columns")
    write_csv(path, table)


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file; an InputError says if it is missing, damaged or of other classes than its clips."""
    stage = f"train_{path.stem}"
    table = read_csv(path, PREDICTIONS, stage, more_columns=True)
    clips = table.iloc[:, : len(PREDICTIONS)]
    class_names = sorted(clips.genre.unique())
    if unknown := set(clips.predicted) - set(class_names):
        raise damaged(path, stage, f"it predicts {min(unknown)!r}, which is no genre of its clips")
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
    return Predictions(clips, probabilities)


def read_all_predictions(folder: Path) -> Mapping[str, Predictions]:
    """Read the predictions of all models, sorted by name; an InputError says if there are none, or of other splits."""
    predictions = {path.stem: read_predictions(path) for path in sorted(folder.glob("*.csv"))}
    if not predictions:
        raise InputError(f"{folder} has no predictions. Run `dvc repro` to train the models.")
    split = list(SPLIT)
    (first, reference), *others = predictions.items()
    for model, found in others:
        if not found.clips[split].equals(reference.clips[split]):
            raise InputError(
                f"{folder / model}.csv and {folder / first}.csv have different splits. Run `dvc repro` to train "
                "both models on the same one, or remove the file of a model that is gone."
            )
    return predictions
