"""What a model is trained and tested on: inputs, labels and subsets of the clips of a split."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.core.columns import ARRAY_ROWS
from genres.core.errors import InputError
from genres.core.files import read_array, read_csv
from genres.core.tables import read_split


@dataclass(frozen=True)
class TrainingData:
    """The clips of a split, in its order."""

    clips: pd.DataFrame  # with `columns.SPLIT`
    inputs: NDArray[np.float32]  # what a model sees, shape (clips, height, width)
    labels: NDArray[np.int64]  # each clip's class as its index in class_names, shape (clips,)
    class_names: tuple[str, ...]  # the genres, sorted

    def subset(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return inputs and labels of the clips of one subset."""
        indices = np.flatnonzero(self.clips.subset == name)
        return self.inputs[indices], self.labels[indices]


def read_training_data(inputs: Path, input_rows: Path, split: Path) -> TrainingData:
    """Read the inputs of a split's clips from resize's array and rows; an InputError names a clip that has no input."""
    rows = read_csv(input_rows, ARRAY_ROWS, "resize")
    clips = read_split(split)
    array = read_array(inputs, len(rows), "resize")
    indices = pd.Index(rows.clip_id).get_indexer(clips.clip_id)
    if (indices < 0).any():
        raise InputError(
            f"{split} names {clips.clip_id[indices.argmin()]!r}, of which {inputs} has no input. "
            "Run `dvc repro -f split` to draw the split again."
        )
    class_names, labels = np.unique(clips.genre.to_numpy(str), return_inverse=True)
    return TrainingData(clips, array[indices], labels.astype(np.int64), tuple(class_names.tolist()))
