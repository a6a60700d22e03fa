"""The mel bands are librosa's."""

import warnings

import librosa
import numpy as np
import pytest

from genres.mel_bands import mel_filters, mel_frequencies


@pytest.mark.parametrize("highest", [11025.0, 8000.0, 24000.0, 1000.0, 999.9, 500.0, 96000.0])
@pytest.mark.parametrize("n_points", [3, 98, 130, 1026])
def test_the_frequencies_are_those_of_librosa(n_points: int, highest: float) -> None:
    expected = librosa.mel_frequencies(n_points, fmin=0, fmax=highest)
    np.testing.assert_array_equal(mel_frequencies(n_points, highest), expected, strict=True)


@pytest.mark.parametrize("sample_rate", [1000, 16000, 22050, 48000, 192000])
@pytest.mark.parametrize(("n_fft", "n_mels"), [(2048, 128), (512, 96), (2048, 1), (1000, 40), (64, 128)])
def test_the_filters_are_those_of_librosa(sample_rate: int, n_fft: int, n_mels: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa warns of empty bands
        expected = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels)
    np.testing.assert_array_equal(mel_filters(sample_rate, n_fft, n_mels), expected, strict=True)
