"""Silence, speech and noise, named so that no genre is given to what is not music.

Two measures distinguish them from music, both within the band of the fundamentals and first harmonics of voices and of
most instruments, and both independent of the level at which a clip was recorded:

- The level fluctuates in speech, where syllables alternate with pauses. That is why speech has more frames of low
  energy and more modulation at 4 Hz than music (Scheirer and Slaney, "Construction and evaluation of a robust
  multifeature speech/music discriminator", ICASSP 1997), and why the variance of its level is larger (Panagiotakis and
  Tziritas, "A speech/music discriminator based on RMS and zero-crossings", IEEE Transactions on Multimedia, 2005).
- Tones last in music: the peaks of a spectrum were there one window before. Pitch glides in speech, and the peaks of
  noise are random. After Seyerlehner, Pohle, Schedl and Widmer, "Automatic music detection in television productions",
  DAFx 2007.

Measured on excerpts of up to 30 s (and on their pieces of 10 s), a quarter of which served to choose the thresholds: of
the 100 clips of gtzan-mini, none is named (297 pieces: none), of 50 synthetic clips none (147: none), of 338 other
recordings of music, most of them from games, 1 (970: 9, and 1 that is silent); of 185 recordings of speech in 20
languages, 182 are named speech (518: 505); of 24 of white, pink, brown or blue noise, all are named noise (72: all), of
62 recordings of wind, rain, fire, engines, cities and crowds, 37 (78: 51). The others pass as music, where an engine or
a crowd has tones, or are named speech, where noise comes in bursts. Drums alone are named speech, too, if they pause.
Speech over noise passes as music, or is named noise, from an SNR of 10 dB down.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len, rfft
from scipy.ndimage import uniform_filter1d

from genres.audio.decoding import FloatArray

SILENCE = 10 ** (-70 / 20)  # RMS, -70 dBFS: above 16-bit dither (-96 dBFS), below a quiet passage (-50 dBFS)

BAND = (100, 3000)  # Hz
QUIETEST = 1e-20  # power in the band that is added to digital silence, so that it has a logarithm

# Speech: the level varies by more than `SPEECH_FLUCTUATION` in most sections, and tones last no longer than in speech.
LEVEL_WINDOW = 0.03  # s, shorter than a syllable
LEVEL_RANGE = 1e-6  # 60 dB, as a ratio of powers; pauses are no deeper, whether digital silence or room noise
SECTION = 3  # s: contains a pause if it is speech, and seldom the end of a song; what is shorter is not measured
SPEECH_FLUCTUATION = 9.5  # dB, standard deviation; 10 s of music seldom exceed 8, 10 s of speech seldom fall below 10
SPEECH_PERSISTENCE = 0.3  # correlation; speech with reverberation reaches 0.28, half of the music exceeds 0.45

# Noise: no tones last.
TONE_WINDOW = 0.186  # s, resolves semitones from 150 Hz on and is shorter than most notes
NEIGHBOURS = 15  # bins of 5.4 Hz; a peak exceeds the mean of the 80 Hz around it
LOUD = 0.01  # -20 dB, as a ratio of powers; frames that are quieter than the loud ones by more are pauses
NOISE_PERSISTENCE = 0.04  # correlation; 10 s of wind or rain seldom exceed 0.03, and of music seldom fall below 0.08


def name_not_music(samples: FloatArray, sample_rate: int) -> Literal["silence", "speech", "noise"] | None:
    """Return what a clip is if it is not music, else None; of less than `SECTION` seconds, only silence is named.

    Args:
        samples: mono, shape (samples,), full scale from -1 to 1; at least one, none NaN or infinite.
        sample_rate: in Hz, at least 8000.
    """
    if np.std(samples, dtype=np.float64) < SILENCE:  # the RMS without a constant offset
        return "silence"
    if samples.size < SECTION * sample_rate:
        return None
    persistence = measure_persistence(samples, sample_rate)
    if persistence < SPEECH_PERSISTENCE and measure_fluctuation(samples, sample_rate) > SPEECH_FLUCTUATION:
        return "speech"
    return "noise" if persistence < NOISE_PERSISTENCE else None


def measure_fluctuation(samples: FloatArray, sample_rate: int) -> float:
    """Return the standard deviation of the level in dB within a section, the median of all sections.

    The samples are as in `name_not_music`, and last `SECTION` seconds or longer.
    """
    power = _spectrogram(samples, sample_rate, LEVEL_WINDOW).sum(axis=1)
    level = 10 / np.log(10) * np.log(np.maximum(power, LEVEL_RANGE * power.max()))
    sections = np.array_split(level, samples.size // (SECTION * sample_rate))
    return float(np.median([section.std() for section in sections]))


def measure_persistence(samples: FloatArray, sample_rate: int) -> float:
    """Return the mean correlation between the peaks of a spectrum and those of the spectrum one window before.

    It is 1 for tones that do not change and 0 for white noise. The samples are as in `measure_fluctuation`.
    """
    power = _spectrogram(samples, sample_rate, TONE_WINDOW)
    loudness = power.sum(axis=1)
    loud = loudness > LOUD * np.percentile(loudness, 95)
    spectra = np.log(power)
    peaks = np.maximum(spectra - uniform_filter1d(spectra, NEIGHBOURS, axis=1), 0)
    peaks -= peaks.mean(axis=1, keepdims=True)
    peaks /= np.linalg.norm(peaks, axis=1, keepdims=True) + QUIETEST
    # Windows overlap by half, so that the last one that shares no samples is two frames before.
    correlation = (peaks[2:] * peaks[:-2]).sum(axis=1)[loud[2:] & loud[:-2]]
    return float(correlation.mean()) if correlation.size else 0.0


def _spectrogram(samples: FloatArray, sample_rate: int, seconds: float) -> NDArray[np.float32]:
    """Return the power in `BAND`, in windows that overlap by half, shape (frames, bins)."""
    window = next_fast_len(round(seconds * sample_rate), real=True)
    first, end = (round(frequency / sample_rate * window) for frequency in BAND)
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[:: window // 2]
    spectra = rfft(frames * np.hanning(window + 1)[:-1].astype(np.float32), axis=1)[:, first:end]
    power: NDArray[np.float32] = np.square(spectra.real) + np.square(spectra.imag) + np.float32(QUIETEST)
    return power
