"""The mel power spectrum of a waveform: librosa's numbers, several times sooner.

Frames are transformed `LANES` at a time, each in its own lane of the processor's vectors, so that every operation of
the transform is one of whole vectors in consecutive memory. librosa's FFT goes through frame after frame.

The window has 2 n samples, all real. They are taken as n complex numbers z[m] = x[2 m] + i x[2 m + 1], whose spectrum Z
is that of the even samples E and that of the odd ones O at once, and with W = exp(-i pi k / n)

    E[k] = (Z[k] + conj Z[n - k]) / 2,    O[k] = (Z[k] - conj Z[n - k]) / 2 i
    X[k] = E[k] + W O[k],                 X[n - k] = conj(E[k] - W O[k])

(Sorensen, Jones, Heideman and Burrus 1987). Z is found by decimation in frequency in steps of 4, with a last step of 2
where n is no power of 4, and every step has the same geometry (Pease 1968): it reads four numbers that lie n / 4 apart,
and writes four neighbours. Hence the spectrum comes out in digit-reversed order, and is read by a table.

All this is in double precision, as in librosa: in single, a quiet band far from a loud tone is off by up to 0.006 dB.
The power is then summed, in single, under each mel band's triangle alone; librosa multiplies with a matrix of which
98 % is zeros.
"""

from functools import cache

import librosa
import numpy as np
from numba import njit
from numpy.typing import NDArray

LANES = 16  # frames at once: two vectors of AVX-512, four of AVX2, eight of NEON


def mel_power(
    samples: NDArray[np.float32], sample_rate: int, n_fft: int, hop_length: int, n_mels: int
) -> NDArray[np.float32]:
    """Return the power under each mel band in each frame, centred, the ends padded with zeros.

    The same as ``librosa.feature.melspectrogram(y=samples, sr=sample_rate, n_fft=n_fft, ...)`` with its periodic Hann
    window and Slaney's bands, but for the last bits; and that very function where ``n_fft`` is no power of two.

    Args:
        samples: shape (samples,); any length from 1.
        sample_rate: in Hz.
        n_fft: samples in a window.
        hop_length: samples between frames.
        n_mels: number of bands.

    Returns:
        Shape (n_mels, frames), frames being 1 + samples // hop_length for an even window.
    """
    if n_fft < 8 or n_fft & (n_fft - 1):
        power: NDArray[np.float32] = librosa.feature.melspectrogram(
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
    """Return half the window (n_fft,), the factors of Z's steps (n,) and of X (n,), and each Z[k]'s place (n,)."""
    n = n_fft // 2
    taper = librosa.filters.get_window("hann", n_fft) / 2  # the formulas' halves
    k = np.arange(n)
    order, digit = np.zeros(1, np.int64), 1
    while digit < n:
        step = min(4, n // digit)
        order = (order[:, None] + digit * np.arange(step)).ravel()
        digit *= step
    turns, half_turns = (np.exp(-1j * np.pi * factor * k / n) for factor in (2, 1))
    return taper, turns, half_turns, order.argsort()


@cache
def _bands(
    sample_rate: int, n_fft: int, n_mels: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Return the mel bands (n_mels, bins), each band's first bin and the one behind its last."""
    filters = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels)
    begins = (filters > 0).argmax(axis=1)
    return filters, begins, begins + (filters > 0).sum(axis=1)  # a triangle has no gaps


# "contract" lets a product and a sum become one instruction; numpy's error model spares a test before each division.
_compiled = njit(cache=True, error_model="numpy", fastmath={"contract"})


@_compiled
def _sum_bands_of_frames(  # type: ignore[no-untyped-def]
    samples, hop_length, taper, turns, half_turns, places, filters, begins, ends, power
):
    """Write the power of all frames into power (n_mels, frames), a multiple of `LANES`."""
    n = len(turns)
    stretches = np.empty((hop_length, LANES + (2 * n - 1) // hop_length), np.float32)
    x, y = np.empty(2 * n * LANES), np.empty(2 * n * LANES)
    squared = np.empty((n + 1) * LANES, np.float32)
    for first in range(0, power.shape[1], LANES):
        _load(samples[first * hop_length :], taper, stretches, x)
        z = _transform(x, y, turns)
        _square(z, half_turns, places, squared)
        _sum_bands(squared, filters, begins, ends, power[:, first : first + LANES])


@_compiled
def _load(samples, taper, stretches, x):  # type: ignore[no-untyped-def]
    """Write `LANES` frames, tapered, into x, flat (2 n, LANES).

    Sample m of frame t is sample m % hop of stretch t + m // hop. So each sample is put in its column once, though it
    is in several frames, and those read neighbours there.
    """
    hop_length, columns = stretches.shape
    for place in range(hop_length):
        for stretch in range(columns):
            stretches[place, stretch] = samples[stretch * hop_length + place]
    m = 0
    for stretch in range(columns - LANES + 1):
        for place in range(min(hop_length, taper.size - m)):
            weight, frames, x_m = taper[m], stretches[place, stretch:], x[LANES * m :]
            for lane in range(LANES):
                x_m[lane] = weight * frames[lane]
            m += 1


@_compiled
def _transform(x, y, turns):  # type: ignore[no-untyped-def]
    """Transform x, with y as working space, and return the one that holds Z in digit-reversed order.

    Both are flat (n, 2, LANES): real and imaginary parts. With flat arrays the distances between what is read and
    written are constants, so that the compiler sees that nothing overlaps, and uses vectors.
    """
    n = len(turns)
    done = 1
    while done <= n // 4:
        _step_of_four(x, y, turns, done)
        x, y = y, x
        done *= 4
    if done < n:
        _step_of_two(x, y)
        x, y = y, x
    return x


@_compiled
def _step_of_four(x, y, turns, done):  # type: ignore[no-untyped-def]
    quarter = len(turns) // 4
    for i in range(quarter):
        k = i // done * done
        real1, imag1 = turns[k].real, turns[k].imag
        real2, imag2 = turns[2 * k].real, turns[2 * k].imag
        real3, imag3 = turns[3 * k].real, turns[3 * k].imag
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
def _step_of_two(x, y):  # type: ignore[no-untyped-def]
    half = len(x) // 2
    for start in range(0, half, 2 * LANES):
        x0, x1, out = x[start:], x[half + start :], y[2 * start :]
        for part in range(2 * LANES):
            out[part] = x0[part] + x1[part]
            out[2 * LANES + part] = x0[part] - x1[part]


@_compiled
def _square(z, half_turns, places, squared):  # type: ignore[no-untyped-def]
    """Write the squared magnitudes of X, flat (n + 1, LANES)."""
    n = len(places)
    for k in range(n // 2 + 1):
        real, imag = half_turns[k].real, half_turns[k].imag
        here, there = z[2 * LANES * places[k] :], z[2 * LANES * places[(n - k) % n] :]
        low, high = squared[LANES * k :], squared[LANES * (n - k) :]
        for re in range(LANES):
            im = LANES + re
            even_re, even_im = here[re] + there[re], here[im] - there[im]
            odd_re, odd_im = here[im] + there[im], there[re] - here[re]
            turned_re, turned_im = real * odd_re - imag * odd_im, real * odd_im + imag * odd_re
            low[re] = (even_re + turned_re) ** 2 + (even_im + turned_im) ** 2
            high[re] = (even_re - turned_re) ** 2 + (even_im - turned_im) ** 2


@_compiled
def _sum_bands(squared, filters, begins, ends, power):  # type: ignore[no-untyped-def]
    """Write the power under each band into power (n_mels, LANES)."""
    total = np.empty(LANES, np.float32)
    for band in range(len(filters)):
        weights = filters[band]
        total[:] = 0
        bin_ = begins[band]
        while bin_ + 4 <= ends[band]:  # so that the total is read and written once for four bins
            frames = squared[LANES * bin_ :]
            weight0, weight1, weight2, weight3 = weights[bin_], weights[bin_ + 1], weights[bin_ + 2], weights[bin_ + 3]
            for lane in range(LANES):
                low = weight0 * frames[lane] + weight1 * frames[LANES + lane]
                high = weight2 * frames[2 * LANES + lane] + weight3 * frames[3 * LANES + lane]
                total[lane] += low + high
            bin_ += 4
        for rest in range(bin_, ends[band]):
            frames = squared[LANES * rest :]
            for lane in range(LANES):
                total[lane] += weights[rest] * frames[lane]
        power[band] = total
