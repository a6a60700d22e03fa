"""Mel spectrogram to modulations: how the energy in each region of the bands changes in time and across the bands.

This is one layer of joint time-frequency scattering (Andén, Lostanlen and Mallat, "Joint time-frequency scattering",
IEEE Transactions on Signal Processing 67, 2019) of a spectrogram in dB: band-pass filters, the modulus, an average.
Beside it stand statistics that need no filters. All are of excerpts, because a genre shows in a few seconds.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from genres.core.files import LaidOutArray, lay_out_array, read_row, write_row
from genres.mel_bands import mel_frequencies
from genres.parallel import ordered_map
from genres.schema import Featurize

FloatArray = NDArray[np.float32]

MAX_HZ = 10_200  # upper edge of the bands used; higher ones mostly reveal an MP3 encoder's low-pass filter
N_EXCERPTS = 6  # of a clip, evenly spaced
EXCERPT_SECONDS = 8.0

RATES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # modulations in time, in Hz: from a bar to a drum roll
SCALES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4)  # modulations across bands, in cycles a band: from timbre to partials
RATE_WIDTH = 0.35  # standard deviation of a Gaussian filter, as a share of its rate
SCALE_WIDTH = 0.4  # and of its scale
SLOWEST_WIDTH = 0.12  # Hz, of the low-pass filter in time
REACH = 2.5  # standard deviations after which a filter is zero
MIN_POINTS = 64  # in time, of a filtered clip: enough for excerpts of slow modulations
REGIONS = 16  # of bands, in each of which a modulation's energy is averaged
ENERGY_OFFSET = 0.02  # dB, so that the logarithm of no energy is finite

BANDS = 32  # that the mel bands are averaged to
SMOOTH_BANDS = 3.0  # standard deviation of the envelope across bands that is subtracted to leave the spectrum's peaks
DEVIATION_OFFSET = 0.1  # dB
MIN_VARIANCE = 1e-3  # as a share of the mean variance, below which a direction is noise


def write_features(path: Path, mel: Path, frames: Sequence[int], featurize: Featurize, executor: Executor) -> None:
    """Write the features of each clip's excerpts to an npy file (clips, N_EXCERPTS, the sum of `group_sizes`).

    ``mel`` is a checked npy file of spectrograms (clips, n_mels, n_frames) in dB from -top_db to 0, of which ``frames``
    are not padding. Workers read and write the rows in place.
    """
    with lay_out_array(path, (len(frames), N_EXCERPTS, sum(group_sizes(featurize).values()))) as array:
        write = partial(_write_excerpts, mel=mel, array=array, featurize=featurize)
        for _ in ordered_map(write, list(enumerate(frames)), executor, "scattering"):
            pass


def _write_excerpts(clip: tuple[int, int], mel: Path, array: LaidOutArray, featurize: Featurize) -> None:
    index, n_frames = clip
    write_row(array, index, excerpt_features(read_row(mel, index)[:, :n_frames], featurize))


def group_sizes(featurize: Featurize) -> dict[str, int]:
    """Return the groups of features in their order, and how many of an excerpt's features each of them has."""
    n_filters = 2 * len(RATES) * len(SCALES) + len(RATES) + len(SCALES)
    return {
        "scattering": n_filters * REGIONS,
        "bands": BANDS * (BANDS + 1) // 2 + BANDS,
        "peaks": 2 * count_bands(featurize),
    }


def count_bands(featurize: Featurize) -> int:
    """Return how many mel bands end below `MAX_HZ`, at least one."""
    edges = mel_frequencies(featurize.n_mels + 2, featurize.sample_rate / 2)
    return max(1, int((edges[2:] <= MAX_HZ).sum()))


def excerpt_features(mel: FloatArray, featurize: Featurize) -> FloatArray:
    """Return the features (N_EXCERPTS, features) of one spectrogram (n_mels, frames) in dB."""
    level = np.asarray(mel[: count_bands(featurize)], np.float32)
    frame_rate = featurize.sample_rate / featurize.hop_length
    return np.concatenate([scatter(level, frame_rate), excerpt_statistics(level, frame_rate)], axis=1)


def scatter(level: FloatArray, frame_rate: float) -> FloatArray:
    """Return the logarithm of the energy of each modulation in each region of bands, (N_EXCERPTS, filters x REGIONS).

    ``level`` is in dB, (n_mels, frames), with ``frame_rate`` frames a second, and is reflected at its edges. A
    modulation's energy is the mean modulus of the filtered level: its amplitude. A constant level has none.
    """
    n_mels, n_frames = level.shape
    spectrum = fft.rfft(np.concatenate([level, level[:, ::-1]], axis=1), axis=1)
    across_bands, regions = scale_filters(n_mels), averaging_matrix(n_mels, REGIONS)
    energies = []
    for rate in (0.0, *RATES):
        filtered, step = filter_in_time(spectrum, 2 * n_frames, rate, frame_rate)
        averaging = excerpt_averaging(np.arange(filtered.shape[1]) * step, n_frames / frame_rate)
        # Conjugating swaps what rises through the bands and what falls; where rate or scale is 0, both are the same.
        directions = [(filtered, across_bands), (filtered.conj(), across_bands[n_mels:])]
        for in_time, filters in directions if rate else [(2 * filtered, across_bands[n_mels:])]:
            in_both = filters @ in_time
            modulus = np.sqrt(in_both.real**2 + in_both.imag**2)
            energies.append(regions @ (modulus @ averaging.T).reshape(-1, n_mels, N_EXCERPTS))
    return np.log(np.concatenate(energies).reshape(-1, N_EXCERPTS).T + np.float32(ENERGY_OFFSET))


def filter_in_time(
    spectrum: NDArray[np.complex64], length: int, rate: float, frame_rate: float
) -> tuple[NDArray[np.complex64], float]:
    """Filter a signal of ``length`` frames with a Gaussian around ``rate`` in Hz.

    ``spectrum`` is that of the real signal, (n_mels, length // 2 + 1). Returned are the first half of the filtered
    signal, (n_mels, points), and the seconds between its points: no more than the filter's width needs.
    """
    frequencies = np.arange(spectrum.shape[1]) * (frame_rate / length)
    width = RATE_WIDTH * rate or SLOWEST_WIDTH
    first, last = np.searchsorted(frequencies, (rate - REACH * width, rate + REACH * width))
    gains = np.exp(-0.5 * ((frequencies[first:last] - rate) / width) ** 2)
    n_points = fft.next_fast_len(max(MIN_POINTS, int(last - first) * (1 if rate else 2)))
    passed = np.zeros((len(spectrum), n_points), np.complex64)
    # Without its negative frequencies the signal is complex, and its modulus the envelope. Shifting the frequencies
    # down, so that few points suffice, changes the phase alone.
    passed[:, : last - first] = spectrum[:, first:last] * (2 * n_points / length * gains).astype(np.float32)
    passed[:, 0] /= 1 if rate else 2  # DC has no negative frequency
    filtered = fft.ifft(passed, axis=1, overwrite_x=True)[:, : (n_points + 1) // 2]
    return filtered if rate else filtered.real, length / n_points / frame_rate


@cache
def scale_filters(n_mels: int) -> NDArray[np.complex64]:
    """Return the filters of scale 0 and of each of SCALES as one matrix, ((1 + scales) x n_mels, n_mels)."""
    frequencies = np.fft.fftfreq(2 * n_mels)
    reflected = np.fft.fft(np.concatenate([np.eye(n_mels), np.eye(n_mels)[::-1]]), axis=0)
    filters = []
    for scale in (0.0, *SCALES):
        gains = np.exp(-0.5 * ((frequencies - scale) / (SCALE_WIDTH * (scale or SCALES[0]))) ** 2)
        gains[0] *= scale == 0  # a level that is the same in all bands is no modulation
        filters.append(np.fft.ifft(gains[:, None] * reflected, axis=0)[:n_mels])
    return np.concatenate(filters).astype(np.complex64)


@cache
def averaging_matrix(n_mels: int, n_groups: int) -> FloatArray:
    """Return the matrix (n_groups, n_mels) that averages neighbouring bands; fewer bands are repeated."""
    edges = np.linspace(0, n_mels, n_groups + 1).astype(np.int64)
    matrix = np.zeros((n_groups, n_mels), np.float32)
    for row, first, last in zip(matrix, edges, np.maximum(edges[1:], edges[:-1] + 1), strict=False):
        row[first:last] = 1 / (last - first)
    return matrix


def excerpt_averaging(times: NDArray[np.floating], seconds: float) -> FloatArray:
    """Return the matrix (N_EXCERPTS, points) that averages over each excerpt of a clip with points at these times."""
    starts = np.linspace(0, max(0, seconds - EXCERPT_SECONDS), N_EXCERPTS)[:, None]
    within = (times >= starts - 1e-6) & (times < starts + EXCERPT_SECONDS)
    return np.asarray(within / within.sum(axis=1, keepdims=True), np.float32)


def excerpt_statistics(level: FloatArray, frame_rate: float) -> FloatArray:
    """Return statistics of each excerpt of a level (n_mels, frames) in dB, (N_EXCERPTS, features).

    All groups of `group_sizes` except the first: how loud bands are, how they vary together, and the
    spectrum's peaks.
    """
    n_mels, n_frames = level.shape
    length = min(n_frames, max(2, round(EXCERPT_SECONDS * frame_rate)))
    all_bands = averaging_matrix(n_mels, BANDS) @ level
    all_peaks = level - smoothing(n_mels) @ level
    rows = []
    for start in np.linspace(0, n_frames - length, N_EXCERPTS).astype(np.int64):
        bands, peaks = (values[:, start : start + length] for values in (all_bands, all_peaks))
        deviation = np.log(peaks.std(axis=1) + np.float32(DEVIATION_OFFSET))
        rows.append(np.concatenate([log_covariance(bands), bands.mean(axis=1), peaks.mean(axis=1), deviation]))
    return np.array(rows, np.float32)


@cache
def smoothing(n_mels: int) -> FloatArray:
    """Return the matrix (n_mels, n_mels) that averages each band with its neighbours."""
    distance = np.subtract.outer(np.arange(n_mels), np.arange(n_mels))
    weights = np.exp(-0.5 * (distance / SMOOTH_BANDS) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def log_covariance(values: FloatArray) -> NDArray[np.float64]:
    """Return the matrix logarithm of the covariance of values (variables, times), its upper triangle as a vector.

    Euclidean distances between these vectors are the log-Euclidean distances between the covariances (Arsigny et al.,
    "Log-Euclidean metrics", 2006): a value off the diagonal stands for two, hence the factor sqrt(2).
    """
    variances, axes = np.linalg.eigh(np.cov(values.astype(np.float64), bias=True))
    variances = np.maximum(variances, 0)
    logarithms = np.log(variances + MIN_VARIANCE * variances.mean() + MIN_VARIANCE**2)
    matrix = (axes * logarithms) @ axes.T
    rows, columns = np.triu_indices(len(matrix))
    return np.asarray(matrix[rows, columns] * np.where(rows == columns, 1, np.sqrt(2)))
