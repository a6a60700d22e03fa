"""The mel power spectrum of a waveform: librosa's numbers, several times sooner.

A few dozen windows are transformed at a time, so that their spectra stay in the processor's cache, and a compiled loop
then squares each spectrum and sums it under each band's triangle in one go. librosa multiplies the whole spectrogram
with a matrix of filters of which 98 % is zeros.
"""

from functools import cache

import librosa
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.fft import rfft

FRAMES_AT_A_TIME = 32


def mel_power(
    samples: NDArray[np.float32], sample_rate: int, n_fft: int, hop_length: int, n_mels: int
) -> NDArray[np.float32]:
    """Return the power under each mel band in each frame, centred, the ends padded with zeros.

    The same as ``librosa.feature.melspectrogram(y=samples, sr=sample_rate, n_fft=n_fft, ...)`` with its periodic Hann
    window and Slaney's bands, but for the last bits.

    Args:
        samples: shape (samples,); any length from 1.
        sample_rate: in Hz.
        n_fft: samples in a window.
        hop_length: samples between frames.
        n_mels: number of bands.

    Returns:
        Shape (n_mels, frames), frames being 1 + samples // hop_length for an even window.
    """
    padded = np.zeros(samples.size + 2 * (n_fft // 2), np.float32)
    padded[n_fft // 2 :][: samples.size] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]  # (frames, n_fft)
    taper, filters, begins, ends = _window_and_bands(sample_rate, n_fft, n_mels)
    power = np.empty((n_mels, len(windows)), np.float32)
    for first in range(0, len(windows), FRAMES_AT_A_TIME):
        spectra = rfft(windows[first : first + FRAMES_AT_A_TIME] * taper, axis=1)
        _sum_bands(spectra, filters, begins, ends, power[:, first : first + FRAMES_AT_A_TIME])
    return power


@cache
def _window_and_bands(
    sample_rate: int, n_fft: int, n_mels: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Return the window (n_fft,), the bands (n_mels, bins), each band's first bin and the one behind its last."""
    taper = librosa.filters.get_window("hann", n_fft).astype(np.float32)
    filters = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels)
    begins = (filters > 0).argmax(axis=1)
    return taper, filters, begins, begins + (filters > 0).sum(axis=1)  # a triangle has no gaps


# "reassoc" lets the sums be taken in several parts at once, which costs nothing but the last bits.
@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _sum_bands(spectra, filters, begins, ends, power):  # type: ignore[no-untyped-def]
    """Write the power of spectra (frames, bins) under filters (n_mels, bins) into power (n_mels, frames)."""
    frames, bins = spectra.shape
    squared = np.empty(bins, np.float32)
    for frame in range(frames):
        spectrum = spectra[frame]
        for bin_ in range(bins):
            squared[bin_] = spectrum[bin_].real ** 2 + spectrum[bin_].imag ** 2
        for band in range(len(filters)):
            weights = filters[band, begins[band] : ends[band]]
            under = squared[begins[band] : ends[band]]
            total = np.float32(0)
            for place in range(weights.size):
                total += weights[place] * under[place]
            power[band, frame] = total
