"""The mel bands: Slaney's scale and its triangular filters.

They are those of ``librosa.mel_frequencies`` and ``librosa.filters.mel`` to the last bit. librosa takes most of a
second to import: too long before the answer about a single song.
"""

import numpy as np
from numpy.typing import NDArray

LINEAR_STEP = 200 / 3  # Hz a mel, below `FIRST_LOGARITHMIC`
FIRST_LOGARITHMIC = 1000.0  # Hz
LOGARITHMIC_STEP = np.log(6.4) / 27  # of the logarithm of the frequency, a mel


def mel_frequencies(n_points: int, highest: float) -> NDArray[np.float64]:
    """Return ``n_points`` frequencies in Hz from 0 to ``highest``, evenly spaced in mels (Slaney 1998)."""
    first_logarithmic = FIRST_LOGARITHMIC / LINEAR_STEP  # mels
    highest_mel = highest / LINEAR_STEP
    if highest >= FIRST_LOGARITHMIC:
        highest_mel = first_logarithmic + np.log(highest / FIRST_LOGARITHMIC) / LOGARITHMIC_STEP
    mels = np.linspace(0, highest_mel, n_points)
    frequencies = LINEAR_STEP * mels
    is_logarithmic = mels >= first_logarithmic
    frequencies[is_logarithmic] = FIRST_LOGARITHMIC * np.exp(
        LOGARITHMIC_STEP * (mels[is_logarithmic] - first_logarithmic)
    )
    return frequencies


def mel_filters(sample_rate: int, n_fft: int, n_mels: int) -> NDArray[np.float32]:
    """Return the triangular filters of the bands up to half of ``sample_rate`` in Hz, of equal area.

    Each weighs the bins of a spectrum of ``n_fft`` samples, shape (n_mels, 1 + n_fft // 2). A band that lies between
    two bins is zero.
    """
    edges = mel_frequencies(n_mels + 2, sample_rate / 2)
    ramps = np.subtract.outer(edges, np.fft.rfftfreq(n_fft, 1 / sample_rate))
    widths = np.diff(edges)[:, None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]))
    filters: NDArray[np.float32] = triangles.astype(np.float32)
    # In place, so that the product is rounded once.
    filters *= (2 / (edges[2:] - edges[:-2]))[:, None]
    return filters
