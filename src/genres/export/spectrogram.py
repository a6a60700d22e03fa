"""The spectrogram that a model's graph takes, in numbers: what the example computes with NumPy alone."""

from typing import NamedTuple

import numpy as np

from genres.audio.decoding import FloatArray
from genres.features.mel import mel_db
from genres.models.base.weights import Description
from genres.pretrained import musicnn
from genres.schema import Featurize


class Spectrogram(NamedTuple):
    """Mel bands of the power in frames, as a level: in dB, or MusiCNN's log10(1 + 10000 x power)."""

    sample_rate: int  # Hz
    n_fft: int  # samples in one window, a periodic Hann window
    hop_length: int  # samples between frames, which are centred
    n_mels: int  # Slaney's mel bands
    pad_mode: str  # np.pad's, at both ends
    top_db: float | None  # dB kept below the loudest point of the clip; None for MusiCNN's level


def describe_spectrogram(description: Description) -> Spectrogram:
    """Return the spectrogram that a model was trained on."""
    if description.featurize is None:
        sizes = (musicnn.SAMPLE_RATE, musicnn.N_FFT, musicnn.HOP_LENGTH, musicnn.N_MELS)
        return Spectrogram(*sizes, pad_mode="reflect", top_db=None)
    featurize = Featurize.model_validate(description.featurize)
    sizes = (featurize.sample_rate, featurize.n_fft, featurize.hop_length, featurize.n_mels)
    return Spectrogram(*sizes, pad_mode="constant", top_db=featurize.top_db)


def compute_spectrogram(samples: FloatArray, description: Description) -> FloatArray:
    """Return the spectrogram (1, n_mels, frames) of samples as the pipeline computes it; of MusiCNN, whole windows."""
    if description.featurize is None:
        return np.ascontiguousarray(musicnn.log_mel_windows(samples).reshape(-1, musicnn.N_MELS).T[None])
    return mel_db(samples, Featurize.model_validate(description.featurize))[None]
