"""What a model sees: clips as small, normalised images, with their genres' numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from genres.artifacts import read_rows
from genres.errors import InputError
from genres.params import Input


@dataclass(frozen=True)
class LabelledClips:
    """Inputs (clips, height, width) in float32, and each clip's genre as a number (clips,) in int64."""

    inputs: Tensor
    genres: Tensor

    def to(self, device: torch.device) -> "LabelledClips":
        """Return the same clips on another device."""
        return LabelledClips(self.inputs.to(device), self.genres.to(device))


def model_input(mel: NDArray[np.float32], input_params: Input) -> Tensor:
    """Resize a spectrogram (n_mels, n_frames) in dB to (height, width), and normalise it.

    The resizing is bilinear and antialiased, as torchvision's ``Resize`` does it; then (x - mean) / std.
    """
    image = torch.from_numpy(np.array(mel))[None, None]
    size = (input_params.height, input_params.width)
    resized = functional.interpolate(image, size, mode="bilinear", antialias=True)[0, 0]
    return (resized - input_params.mean) / input_params.std


def read_inputs(mel: Path, mel_rows: pd.DataFrame, clips: pd.DataFrame, input_params: Input) -> Tensor:
    """Read the spectrograms of some clips and make inputs of them, one at a time.

    Args:
        mel: the array of spectrograms that featurize wrote.
        mel_rows: its rows, with ``clip``, ``genre`` and ``sha256``.
        clips: the wanted ones, with ``clip`` and ``genre``.
        input_params: height, width and normalisation.

    Returns:
        Shape (clips, height, width), in the order of ``clips``.

    Raises:
        InputError: the array is missing or damaged, or lacks one of the clips.
    """
    places = {row: place for place, row in enumerate(find_rows(mel, mel_rows, clips))}
    inputs = torch.empty(len(places), input_params.height, input_params.width)
    # All rows are read, so that a damaged file is told whichever clips are wanted.
    for row, spectrogram in enumerate(read_rows(mel, list(mel_rows.sha256), "featurize")):
        if row in places:
            inputs[places[row]] = model_input(spectrogram, input_params)
    return inputs


def find_rows(mel: Path, mel_rows: pd.DataFrame, clips: pd.DataFrame) -> list[int]:
    """Return the row of ``mel`` that each of ``clips`` has, or raise an InputError if one has none."""
    row_of = {key: row for row, key in enumerate(zip(mel_rows.genre, mel_rows["clip"], strict=True))}
    rows = []
    for genre, clip in zip(clips.genre, clips["clip"], strict=True):
        if (genre, clip) not in row_of:
            raise InputError(
                f"The split names {clip!r} of the genre {genre!r}, of which {mel} has no spectrogram. "
                "Run `dvc repro -f split` to draw it again."
            )
        rows.append(row_of[genre, clip])
    return rows


def label_clips(inputs: Tensor, clip_genres: Iterable[str], genres: Sequence[str]) -> LabelledClips:
    """Give each input its genre's place in ``genres``."""
    numbers = {genre: number for number, genre in enumerate(genres)}
    return LabelledClips(inputs, torch.tensor([numbers[genre] for genre in clip_genres]))
