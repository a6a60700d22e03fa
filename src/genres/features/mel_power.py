"""The mel power spectrum of a waveform: librosa's values, several times faster.

Frames are transformed `LANES` at a time, each in its own SIMD lane, so that every operation of the transform works on
whole vectors in consecutive memory. librosa's FFT transforms one frame after another.

The window has 2 n real samples. They are taken as n complex numbers z[m] = x[2 m] + i x[2 m + 1], whose spectrum Z
combines that of the even samples, E, and that of the odd samples, O. With W = exp(-i pi k / n),

    E[k] = (Z[k] + conj Z[n - k]) / 2,    O[k] = (Z[k] - conj Z[n - k]) / 2 i
    X[k] = E[k] + W O[k],                 X[n - k] = conj(E[k] - W O[k])

(Sorensen, Jones, Heideman and Burrus 1987). Z is computed by decimation in frequency: radix-4 steps, and a last radix-2
step where n is not a power of 4. Every step has the same geometry (Pease 1968): it reads four values that are n / 4
apart and writes them side by side. The spectrum therefore comes out in digit-reversed order and is read through a table
of indices.

All this is in double precision, as in librosa: in single precision, a quiet band far from a loud tone is off by up to
0.006 dB. The power is then summed, in single precision, under each mel band's triangle only; librosa multiplies by a
matrix that is 98 % zeros.
"""

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from genres.audio.decoding import FloatArray
from genres.mel_bands import mel_filters

LANES = 16  # frames at a time: two vectors of AVX-512, four of AVX2, eight of NEON


def mel_power(samples: FloatArray, sample_rate: int, n_fft: int, hop_length: int, n_mels: int) -> FloatArray:
    """Return the power in each mel band of each frame; frames are centred, and both ends are padded with zeros.

    Equal to ``librosa.feature.melspectrogram(y=samples, sr=sample_rate, n_fft=n_fft, ...)`` with its periodic Hann
    window and Slaney's mel bands, except for rounding. Where ``n_fft`` is not a power of two, that function is called.

    There is at least one sample, at ``sample_rate`` Hz. A window has ``n_fft`` samples, and the next one begins
    ``hop_length`` samples later: shape (n_mels, frames), frames being 1 + samples // hop_length for an even window.
    """
    if n_fft < 8 or n_fft & (n_fft - 1):
        import librosa  # takes most of a second

        power: FloatArray = librosa.feature.melspectrogram(
            y=samples, sr=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, pad_mode="constant"
        )
        return power
    frames = 1 + samples.size // hop_length
    groups = -(-frames // LANES)
    padded = np.zeros(groups * LANES * hop_length + n_fft, np.float32)
    padded[n_fft // 2 :][: samples.size] = samples
    power = np.empty((n_mels, groups * LANES), np.float32)
    _sum_bands_of_frames(padded, hop_length, *_tables(n_fft), *_bands(sample_rate, n_fft, n_mels), power)
    return power[:, :frames]


@cache
def _tables(
    n_fft: int,
) -> tuple[NDArray[np.float64], NDArray[np.complex128], NDArray[np.complex128], NDArray[np.int64]]:
    """Return the halved window (n_fft,), the twiddle factors of Z and of X, and the index of each Z[k], all (n,)."""
    n = n_fft // 2
    window = (
        0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, n_fft + 1)[:-1])
    ) / 2  # halved for the division by 2 in E and O
    k = np.arange(n)
    order, stride = np.zeros(1, np.int64), 1
    while stride < n:
        radix = min(4, n // stride)
        order = (order[:, None] + stride * np.arange(radix)).ravel()
        stride *= radix
    digit_reversed = np.empty(n, np.int64)
    digit_reversed[order] = k
    z_twiddles, x_twiddles = (np.exp(-1j * np.pi * factor * k / n) for factor in (2, 1))
    return window, z_twiddles, x_twiddles, digit_reversed


@cache
def _bands(sample_rate: int, n_fft: int, n_mels: int) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.int64]]:
    """Return the mel filters (n_mels, bins), each band's first bin, and the bin after its last."""
    filters = mel_filters(sample_rate, n_fft, n_mels)
    starts = (filters > 0).argmax(axis=1)
    return filters, starts, starts + (filters > 0).sum(axis=1)  # a triangle has no gaps


# "contract" allows fused multiply-add; numpy's error model saves a test before each division.
_compiled = njit(cache=True, error_model="numpy", fastmath={"contract"})


@_compiled
def _sum_bands_of_frames(  # type: ignore[no-untyped-def]
    samples, hop_length, window, z_twiddles, x_twiddles, digit_reversed, filters, starts, ends, power
):
    """Write the power of all frames into power (n_mels, frames); the number of frames is a multiple of `LANES`."""
    n = len(z_twiddles)
    x, y = np.empty(2 * n * LANES), np.empty(2 * n * LANES)
    squared = np.empty((n + 1) * LANES, np.float32)
    for first in range(0, power.shape[1], LANES):
        _load(samples[first * hop_length :], hop_length, window, x)
        z = _transform(x, y, z_twiddles)
        _square(z, x_twiddles, digit_reversed, squared)
        _sum_bands(squared, filters, starts, ends, power[:, first : first + LANES])


@_compiled
def _load(samples, hop_length, window, x):  # type: ignore[no-untyped-def]
    """Write `LANES` windowed frames into x, flat (2 n, LANES)."""
    for m in range(window.size):
        for lane in range(LANES):
            x[LANES * m + lane] = window[m] * samples[lane * hop_length + m]


@_compiled
def _transform(x, y, z_twiddles):  # type: ignore[no-untyped-def]
    """Transform x, with y as scratch space, and return whichever of the two holds Z in digit-reversed order.

    Both are flat (n, 2, LANES): real and imaginary parts. In flat arrays all offsets between reads and writes are
    constants, so the compiler can tell that they do not overlap, and vectorises.
    """
    n = len(z_twiddles)
    done = 1
    while done <= n // 4:
        _radix_4_step(x, y, z_twiddles, done)
        x, y = y, x
        done *= 4
    if done < n:
        _radix_2_step(x, y)
        x, y = y, x
    return x


@_compiled
def _radix_4_step(x, y, z_twiddles, done):  # type: ignore[no-untyped-def]
    quarter = len(z_twiddles) // 4
    for i in range(quarter):
        k = i // done * done
        real1, imag1 = z_twiddles[k].real, z_twiddles[k].imag
        real2, imag2 = z_twiddles[2 * k].real, z_twiddles[2 * k].imag
        real3, imag3 = z_twiddles[3 * k].real, z_twiddles[3 * k].imag
        x0, x1 = x[2 * LANES * i :], x[2 * LANES * (i + quarter) :]
        x2, x3 = x[2 * LANES * (i + 2 * quarter) :], x[2 * LANES * (i + 3 * quarter) :]
        out = y[8 * LANES * i :]
        for re in range(LANES):
            im = LANES + re
            sum02_re, sum02_im = x0[re] + x2[re], x0[im] + x2[im]
            sum13_re, sum13_im = x1[re] + x3[re], x1[im] + x3[im]
            difference02_re, difference02_im = x0[re] - x2[re], x0[im] - x2[im]
            difference13_re, difference13_im = x1[re] - x3[re], x1[im] - x3[im]
            out[re] = sum02_re + sum13_re
            out[im] = sum02_im + sum13_im
            z_re, z_im = difference02_re + difference13_im, difference02_im - difference13_re
            out[2 * LANES + re] = z_re * real1 - z_im * imag1
            out[2 * LANES + im] = z_re * imag1 + z_im * real1
            z_re, z_im = sum02_re - sum13_re, sum02_im - sum13_im
            out[4 * LANES + re] = z_re * real2 - z_im * imag2
            out[4 * LANES + im] = z_re * imag2 + z_im * real2
            z_re, z_im = difference02_re - difference13_im, difference02_im + difference13_re
            out[6 * LANES + re] = z_re * real3 - z_im * imag3
            out[6 * LANES + im] = z_re * imag3 + z_im * real3


@_compiled
def _radix_2_step(x, y):  # type: ignore[no-untyped-def]
    half = len(x) // 2
    for start in range(0, half, 2 * LANES):
        x0, x1, out = x[start:], x[half + start :], y[2 * start :]
        for part in range(2 * LANES):
            out[part] = x0[part] + x1[part]
            out[2 * LANES + part] = x0[part] - x1[part]


@_compiled
def _square(z, x_twiddles, digit_reversed, squared):  # type: ignore[no-untyped-def]
    """Write the squared magnitudes of X, flat (n + 1, LANES)."""
    n = len(digit_reversed)
    for k in range(n // 2 + 1):
        real, imag = x_twiddles[k].real, x_twiddles[k].imag
        z_k, z_mirrored = z[2 * LANES * digit_reversed[k] :], z[2 * LANES * digit_reversed[(n - k) % n] :]
        low, high = squared[LANES * k :], squared[LANES * (n - k) :]
        for re in range(LANES):
            im = LANES + re
            even_re, even_im = z_k[re] + z_mirrored[re], z_k[im] - z_mirrored[im]
            odd_re, odd_im = z_k[im] + z_mirrored[im], z_mirrored[re] - z_k[re]
            rotated_re, rotated_im = real * odd_re - imag * odd_im, real * odd_im + imag * odd_re
            low[re] = (even_re + rotated_re) ** 2 + (even_im + rotated_im) ** 2
            high[re] = (even_re - rotated_re) ** 2 + (even_im - rotated_im) ** 2


@_compiled
def _sum_bands(squared, filters, starts, ends, power):  # type: ignore[no-untyped-def]
    """Write the power in each band into power (n_mels, LANES)."""
    total = np.empty(LANES, np.float32)
    for band in range(len(filters)):
        weights = filters[band]
        total[:] = 0
        for bin_index in range(starts[band], ends[band]):
            frames = squared[LANES * bin_index :]
            for lane in range(LANES):
                total[lane] += weights[bin_index] * frames[lane]
        power[band] = total
