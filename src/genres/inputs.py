"""Mel spectrogram to model input: a small, normalised image."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from genres.core.progress import Progress
from genres.schema import Input


def model_input(mel: NDArray[np.float32], input_params: Input) -> NDArray[np.float32]:
    """Resize a spectrogram (n_mels, n_frames) in dB to (height, width), and normalise it.

    Bilinear with antialiasing, like torchvision's ``Resize``; then (x - mean) / std.
    """
    image = torch.from_numpy(np.array(mel))[None, None]
    resized = functional.interpolate(image, input_params.size, mode="bilinear", antialias=True)[0, 0]
    normalised: NDArray[np.float32] = ((resized - input_params.mean) / input_params.std).numpy()
    return normalised


def make_inputs(mel: NDArray[np.float32], input_params: Input) -> Iterator[NDArray[np.float32]]:
    """Yield the model input (height, width) of each spectrogram in ``mel`` (clips, n_mels, n_frames)."""
    with Progress(len(mel), "resizing", "clips") as progress:
        for spectrogram in mel:
            yield model_input(spectrogram, input_params)
            progress.advance()
