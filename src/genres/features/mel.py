"""Waveform to mel spectrogram in dB, and all clips to one array on disk."""

from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.audio import FloatArray, read_listed_clip
from genres.core.files import write_array
from genres.features.mel_power import mel_power
from genres.parallel import ordered_map
from genres.schema import Featurize

QUIETEST = 1e-10
"""Lower bound of the power, librosa's ``amin``, so that silence has a level in dB."""


def mel_db(samples: FloatArray, featurize: Featurize) -> NDArray[np.float32]:
    """Return the mel spectrogram of a clip in dB relative to its maximum.

    Within 1e-3 dB of ``librosa.power_to_db(librosa.feature.melspectrogram(y=samples, ...), ref=np.max,
    top_db=...)``, centred and padded with zeros.

    Args:
        samples: shape (samples,), at least one, at ``featurize.sample_rate``.
        featurize: window, hop, mel bands and dynamic range.

    Returns:
        Shape (n_mels, frames), frames being 1 + samples // hop_length for an even window; from -top_db to 0 dB.
    """
    power = mel_power(samples, featurize.sample_rate, featurize.n_fft, featurize.hop_length, featurize.n_mels)
    decibels = 10 * np.log10(np.maximum(power, QUIETEST))
    below: NDArray[np.float32] = np.maximum(decibels - decibels.max(), -featurize.top_db)
    return below


def fit_frames(mel: NDArray[np.float32], n_frames: int, floor_db: float) -> NDArray[np.float32]:
    """Cut a spectrogram (n_mels, frames) to ``n_frames``, or pad its end with ``floor_db``."""
    fitted = np.full((mel.shape[0], n_frames), floor_db, np.float32)
    kept = min(n_frames, mel.shape[1])
    fitted[:, :kept] = mel[:, :kept]
    return fitted


def write_spectrograms(
    path: Path, clips: pd.DataFrame, audio: Path, featurize: Featurize, executor: Executor
) -> pd.DataFrame:
    """Write the spectrograms of all clips to one float32 array (clips, n_mels, n_frames) in dB, row by row.

    Args:
        path: the npy file to write.
        clips: readable clips, with ``clip_id``, ``genre`` and ``path``; one for each row of the array.
        audio: the folder that ``path`` is relative to.
        featurize: window, hop, mel bands, dynamic range and frames.
        executor: runs the transforms; the bytes do not depend on it.

    Returns:
        A table of the array's rows, with `columns.ARRAY_ROWS`; ``frames`` is counted before cutting or padding.

    Raises:
        InputError: an audio file is missing or not readable.
    """
    frames = []

    def rows() -> Iterator[NDArray[np.float32]]:
        read = partial(_featurize, featurize=featurize)
        for row, row_frames in ordered_map(read, [audio / name for name in clips.path], executor, "featurizing"):
            frames.append(row_frames)
            yield row

    write_array(path, (len(clips), featurize.n_mels, featurize.n_frames), rows())
    return clips[["clip_id", "genre"]].assign(frames=frames)


def _featurize(path: Path, featurize: Featurize) -> tuple[NDArray[np.float32], int]:
    mel = mel_db(read_listed_clip(path, featurize.sample_rate), featurize)
    return fit_frames(mel, featurize.n_frames, -featurize.top_db), mel.shape[1]
