"""Waveform to mel spectrogram in dB, and many clips to one array on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.artifacts import write_rows
from genres.audio import FloatArray, read_listed_clip
from genres.mel_power import mel_power
from genres.parallel import map_in_processes
from genres.params import Featurize
from genres.tables import MEL

QUIETEST = 1e-10
"""Power that all below counts as, librosa's ``amin``: silence has a level too."""


def mel_db(samples: FloatArray, featurize: Featurize) -> NDArray[np.float32]:
    """Return the mel spectrogram of a clip in dB below its own loudest point.

    The same within 1e-3 dB as ``librosa.power_to_db(librosa.feature.melspectrogram(y=samples, ...), ref=np.max,
    top_db=...)``, centred and padded with zeros.

    Args:
        samples: shape (samples,), at ``featurize.sample_rate``; any length from 1.
        featurize: window, hop, mel bands and dynamic range.

    Returns:
        Shape (n_mels, frames), frames being 1 + samples // hop_length for an even window; from -top_db to 0 dB.
    """
    power = mel_power(samples, featurize.sample_rate, featurize.n_fft, featurize.hop_length, featurize.n_mels)
    decibels = 10 * np.log10(np.maximum(power, QUIETEST))
    below: NDArray[np.float32] = np.maximum(decibels - decibels.max(), -featurize.top_db)
    return below


def fit_frames(mel: NDArray[np.float32], n_frames: int, floor_db: float) -> NDArray[np.float32]:
    """Cut a spectrogram (n_mels, frames) to ``n_frames``, or pad it behind with ``floor_db``."""
    fitted = np.full((mel.shape[0], n_frames), floor_db, np.float32)
    kept = min(n_frames, mel.shape[1])
    fitted[:, :kept] = mel[:, :kept]
    return fitted


def write_features(mel: Path, clips: pd.DataFrame, audio: Path, featurize: Featurize, processes: int) -> pd.DataFrame:
    """Write the spectrograms of all clips as one array (clips, n_mels, n_frames) of float32 dB, as they come.

    Args:
        mel: the npy file to write.
        clips: readable clips, with their ``clip``, ``genre``, ``path`` and ``sha256``; a row of the array each.
        audio: the folder that ``path`` is relative to.
        featurize: window, hop, mel bands, dynamic range and frames.
        processes: how many work at once; the bytes do not depend on it.

    Returns:
        The rows as a table with `tables.MEL`: ``frames`` is counted before padding or cutting, and ``sha256`` is
        that of the row's bytes.

    Raises:
        InputError: an audio file is missing, or is not the one that was listed.
    """
    jobs = [_Job(audio / path, sha256, featurize) for path, sha256 in zip(clips.path, clips.sha256, strict=True)]
    frames = []

    def rows() -> Iterator[NDArray[np.float32]]:
        for row, row_frames in map_in_processes(_featurize, jobs, processes, "featurizing"):
            frames.append(row_frames)
            yield row

    checksums = write_rows(mel, (len(jobs), featurize.n_mels, featurize.n_frames), rows())
    return pd.DataFrame(
        {"clip": clips["clip"], "genre": clips.genre, "frames": frames, "sha256": checksums}, columns=MEL
    )


@dataclass(frozen=True)
class _Job:
    path: Path
    sha256: str
    featurize: Featurize


def _featurize(job: _Job) -> tuple[NDArray[np.float32], int]:
    samples = read_listed_clip(job.path, job.sha256, job.featurize.sample_rate)
    mel = mel_db(samples, job.featurize)
    return fit_frames(mel, job.featurize.n_frames, -job.featurize.top_db), mel.shape[1]
