"""An uploaded file as a song, with its spectrogram, and with a limit on its length."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from genres.audio.decoding import Decoded, FloatArray, UnreadableAudioError, resample
from genres.features.mel import QUIETEST
from genres.features.mel_power import mel_power
from genres.prediction.classifier import Classifier
from genres.prediction.song import Song, classify_song
from genres.prediction.sources import announced_seconds, read_blocks

MAX_MINUTES = 15
SAMPLE_RATE = 22_050  # Hz, of the spectrogram that is shown; what a model sees is its own affair
N_FFT = 2048
HOP = 1024  # samples
N_MELS = 96
TOP_DB = 80.0
MAX_COLUMNS = 1200  # of the spectrogram that is shown: more than a screen has room for


def hear(path: Path, classifier: Classifier) -> tuple[Song, FloatArray]:
    """Classify a file, and return its spectrogram (N_MELS, columns) in dB with the song.

    One window of it and the power of its frames are in memory at a time.

    Raises:
        UnreadableAudioError: it has no usable audio, or more than `MAX_MINUTES` of it.
        OSError: it cannot be read.
    """
    _require_short(path)
    powers: list[FloatArray] = []
    song = classify_song(_overheard(read_blocks(str(path)), powers), classifier)
    return song, spectrogram_db(np.concatenate(powers, axis=1))


def _require_short(path: Path) -> None:
    """Refuse a file that says itself that it is too long, before it is decoded."""
    if announced_seconds(path) > MAX_MINUTES * 60:
        raise _too_long()


def _too_long() -> UnreadableAudioError:
    return UnreadableAudioError(f"it is longer than {MAX_MINUTES} minutes. Cut out a part of it.")


def _overheard(blocks: Iterable[Decoded], powers: list[FloatArray]) -> Iterator[Decoded]:
    """Pass on the blocks of a file, append the mel power (N_MELS, frames) of each, and stop if there are too many."""
    seconds = 0.0
    for block in blocks:
        seconds += block.samples.size / block.sample_rate
        if seconds > MAX_MINUTES * 60:
            raise _too_long()
        if block.samples.size:
            samples = resample(block.samples, block.sample_rate, SAMPLE_RATE)
            powers.append(mel_power(samples, SAMPLE_RATE, N_FFT, HOP, N_MELS))
        yield block


def spectrogram_db(power: FloatArray) -> FloatArray:
    """Return mel power (N_MELS, frames) as at most `MAX_COLUMNS` means over frames, in dB from -TOP_DB to 0."""
    n_together = -(-power.shape[1] // MAX_COLUMNS)
    starts = np.arange(0, power.shape[1], n_together)
    means = np.add.reduceat(power, starts, axis=1) / np.diff([*starts, power.shape[1]])
    decibels = 10 * np.log10(np.maximum(means, QUIETEST))
    shown: FloatArray = np.maximum(decibels - decibels.max(), -TOP_DB)
    return shown
