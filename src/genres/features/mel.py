"""Waveform to mel spectrogram in dB, and all clips to one array on disk."""

import math
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from genres.audio.decoding import FloatArray, read_listed_clip
from genres.core.errors import InputError
from genres.core.files import LaidOutArray, lay_out_array, write_row
from genres.features.mel_power import mel_power
from genres.parallel import ordered_map
from genres.schema import Featurize

QUIETEST = 1e-10  # lower bound of the power, librosa's ``amin``, so that silence has a level in dB
MAX_BYTES = 2**28  # of a clip's whole spectrogram, before it is cut; computing it takes four times as much


def mel_db(samples: FloatArray, featurize: Featurize) -> FloatArray:
    """Return the mel spectrogram of a clip in dB relative to its maximum, from -top_db to 0.

    Within 1e-3 dB of ``librosa.power_to_db(librosa.feature.melspectrogram(y=samples, ...), ref=np.max,
    top_db=...)``, centred and padded with zeros. Shapes are as in `mel_power`.
    """
    power = mel_power(samples, featurize.sample_rate, featurize.n_fft, featurize.hop_length, featurize.n_mels)
    # Not log10, which NumPy leaves to the C library: glibc 2.41 rounds it differently from earlier ones.
    decibels = 10 / math.log(10) * np.log(np.maximum(power, QUIETEST))
    below: FloatArray = np.maximum(decibels - decibels.max(), -featurize.top_db)
    return below


def fit_frames(mel: FloatArray, n_frames: int, floor_db: float) -> FloatArray:
    """Cut a spectrogram (n_mels, frames) to ``n_frames``, or pad its end with ``floor_db``."""
    cut = mel[:, :n_frames]
    return np.pad(cut, ((0, 0), (0, n_frames - cut.shape[1])), constant_values=floor_db)


def write_spectrograms(
    path: Path, clips: pd.DataFrame, audio: Path, featurize: Featurize, executor: Executor
) -> pd.DataFrame:
    """Write the spectrograms of all readable ``clips`` to an npy file of float32 (clips, n_mels, n_frames) in dB.

    Workers write the rows in place, and the bytes do not depend on the executor. ``clips`` has `columns.CLIPS`;
    ``path`` is relative to ``audio``.

    Returns:
        A table of the array's rows, with `columns.ARRAY_ROWS`; ``frames`` is counted before cutting or padding.

    Raises:
        InputError: an audio file is missing or not readable, or a spectrogram would be above `MAX_BYTES`.
    """
    _require_memory(clips, featurize)
    files = [audio / name for name in clips.path]
    with lay_out_array(path, (len(clips), featurize.n_mels, featurize.n_frames)) as array:
        write = partial(_write_spectrogram, array=array, featurize=featurize)
        frames = list(ordered_map(write, list(enumerate(files)), executor, "featurizing"))
    return clips[["clip_id", "genre"]].assign(frames=frames)


def _require_memory(clips: pd.DataFrame, featurize: Featurize) -> None:
    """Refuse a clip whose spectrogram would be above `MAX_BYTES`."""
    frames = pd.to_numeric(clips.seconds, errors="coerce") * featurize.sample_rate / featurize.hop_length
    sizes = frames * featurize.n_mels * np.dtype(np.float32).itemsize
    too_large = (sizes > MAX_BYTES).to_numpy()
    if too_large.any():
        row = int(too_large.argmax())
        raise InputError(
            f"the spectrogram of {clips.path.iloc[row]} ({clips.seconds.iloc[row]} s) would take "
            f"{sizes.iloc[row] / 2**20:.0f} MiB, of which {MAX_BYTES >> 20} are allowed. Raise `featurize.hop_length` "
            f"({featurize.hop_length}), lower `featurize.n_mels` ({featurize.n_mels}) or `featurize.sample_rate` "
            f"({featurize.sample_rate}), or cut the clip."
        )


def _write_spectrogram(clip: tuple[int, Path], array: LaidOutArray, featurize: Featurize) -> int:
    """Write the spectrogram of a file into its row of the array, and return how many frames it has."""
    index, path = clip
    mel = mel_db(read_listed_clip(path, featurize.sample_rate), featurize)
    write_row(array, index, fit_frames(mel, featurize.n_frames, -featurize.top_db))
    n_frames: int = mel.shape[1]
    return n_frames
