"""What a model is trained and tested on: inputs, labels and subsets of the clips of a split."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.core.columns import TRAIN
from genres.core.dataset import read_dataset
from genres.core.errors import InputError
from genres.core.files import damaged
from genres.core.tables import find_clips, read_clip_array, read_split


@dataclass(frozen=True)
class TrainingData:
    """The clips of a split, in its order."""

    clips: pd.DataFrame  # with `columns.SPLIT`
    inputs: NDArray[np.float32]  # what a model sees, shape (clips, height, width); perhaps mapped, and then read-only
    labels: NDArray[np.int64]  # each clip's class as its index in class_names, shape (clips,)
    class_names: tuple[str, ...]  # the genres, sorted
    dataset: Mapping[str, Any]  # the content of dataset.json

    def subset(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return inputs and labels of the clips of one subset."""
        indices = np.flatnonzero(self.clips.subset == name)
        return self.inputs[indices], self.labels[indices]


def read_training_data(
    inputs: Path, input_rows: Path, split: Path, dataset: Path, size: tuple[int, int] | None, stage: str
) -> TrainingData:
    """Read the inputs of a split's clips from the array and the rows that ``stage`` wrote.

    An InputError is raised if a clip has no input, or if the inputs are of another ``size`` than the parameters ask
    for (None if these do not say), are not finite, or are all the same.
    """
    array, rows = read_clip_array(inputs, input_rows, stage)
    if size is not None and array.shape[1:] != size:
        raise InputError(
            f"{inputs} has inputs of size {array.shape[1:]}, but by params.yaml they have size {size}. "
            f"Run `dvc repro {stage}` to make them."
        )
    clips = read_split(split)
    indices = find_clips(input_rows, rows, clips.clip_id.to_list(), stage)
    # Most splits have all clips in the order of the array, which then stays in the file.
    found = array if np.array_equal(indices, np.arange(len(array))) else array[indices]
    lowest, highest = found.min(axis=(1, 2)), found.max(axis=(1, 2))  # (clips,); both are NaN if a value is
    finite = np.isfinite(lowest) & np.isfinite(highest)
    if not finite.all():
        raise damaged(inputs, stage, f"the input of {clips.clip_id[finite.argmin()]!r} is not finite everywhere")
    in_train = clips.subset == TRAIN
    if lowest[in_train].min() == highest[in_train].max():
        raise damaged(inputs, stage, "all values of the train clips are the same, so that nothing can be learned")
    class_names, labels = np.unique(clips.genre.to_numpy(str), return_inverse=True)
    return TrainingData(clips, found, labels.astype(np.int64), tuple(class_names.tolist()), read_dataset(dataset))
