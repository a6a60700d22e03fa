"""One audio file as mono float32 samples, or the reason why it is unusable."""

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from genres.audio import NOT_AUDIO
from genres.audio.headers import open_audio, unread_rest
from genres.core.files import damaged, require_file

FloatArray = NDArray[np.float32]

SILENCE = 1e-5  # peak below which a clip counts as silent: -100 dBFS, less than one step of 16-bit audio
MIN_POWER = 1e-4  # share of its power below which a resampled clip is only rounding: it lay above the Nyquist frequency
MAX_PEAK = 1e9  # peak above which samples are not sound, and their power would overflow; full scale is 1
MIN_MONO_PEAK = 1e-3  # mono peak as a share of the loudest channel's, below which the channels cancel out
FORMATS = ("WAV", "WAVEX", "RF64", "AIFF", "AU", "FLAC", "OGG", "MP3")  # by libsndfile's names
MIN_DECODED = 0.95  # share of the announced samples below which a file is truncated
SAMPLE_RATES = (1_000, 768_000)  # Hz, lowest and highest
MAX_SECONDS = 1800
MAX_SAMPLES = MAX_SECONDS * 48_000  # of one channel: at higher sample rates, fewer seconds are decoded
BLOCK_SAMPLES = 1 << 20  # of all channels together, that are decoded at a time
UNKNOWN_SIZE = 0x7FFFF000  # data sizes from here on mean "unknown", in headers that were written to a pipe


class UnreadableAudioError(Exception):
    """A file has no usable audio; the message is the reason, as given in ``clips.csv``."""


class Decoded(NamedTuple):
    """The audio of a file, or a block of it."""

    samples: FloatArray  # mono, shape (samples,), full scale from -1 to 1
    sample_rate: int  # Hz
    note: str  # what is odd about the file although it is usable, or empty


def decode(path: Path) -> Decoded:
    """Decode an audio file, whatever its name says of its format, and average its channels.

    The length is what was decoded. A file with fewer than `MIN_DECODED` of the samples that its header announces is
    refused; any other difference is noted. Audio is not decoded behind damage in a FLAC or MP3 file, behind the
    announced samples of a wav, au or MP3 file, or behind the first stream of an Ogg file; except for MP3, that is noted
    too. Damage in the middle is noticed where samples are missing, and not where the decoder conceals it;
    a wrong MD5 in a FLAC file is not noticed. Memory is bounded by `MAX_SECONDS` and `MAX_SAMPLES`.

    Raises:
        UnreadableAudioError: the file is silent, longer than these, or unreadable as in `decode_blocks`.
    """
    *blocks, last = decode_blocks(path, MAX_SECONDS, MAX_SAMPLES)
    # A clip of the usual length is not copied.
    samples = np.concatenate([block.samples for block in blocks]) if len(blocks) > 1 else blocks[0].samples
    if max(samples.max(), -samples.min()) < SILENCE:
        raise UnreadableAudioError("digital silence")
    return last._replace(samples=samples)


def decode_blocks(path: Path, max_seconds: float = math.inf, max_samples: float = math.inf) -> Iterator[Decoded]:
    """Yield the audio of a file, its channels averaged, a block at a time, so that its length needs no memory.

    The last block is empty and has the note. What is wrong with a file may show only at its end, after most blocks.
    Silence is not refused.

    Raises:
        UnreadableAudioError: the file is empty, not audio, truncated or too long, its format is none of `FORMATS`, its
            sample rate is out of bounds, its samples are NaN, infinite or far above full scale, or its channels cancel
            each other out.
    """
    if path.stat().st_size == 0:
        raise UnreadableAudioError("the file is empty (0 bytes)")
    n_samples = 0
    try:
        with open_audio(path) as (file, announced):
            if file.format not in FORMATS:  # a missing end would not be noticed
                raise UnreadableAudioError(f"the format {file.format}, {NOT_AUDIO}")
            rate = file.samplerate
            for block in check_blocks(_read_mono(file), rate, max_seconds, max_samples):
                n_samples += block.samples.size
                yield block
            n_expected = _expected_by_header(file.extra_info, n_samples) or announced
    except soundfile.LibsndfileError as error:
        why = error.error_string.strip().removeprefix("Error : ")
        # libsndfile says this of bytes that its MP3 decoder cannot decode.
        why = "not MP3" if why.startswith("File does not exist") else why
        raise UnreadableAudioError(f"no readable audio (libsndfile: {why})") from None
    if n_expected is not None and n_samples < MIN_DECODED * n_expected:
        raise UnreadableAudioError(f"truncated or damaged: {n_samples} of {n_expected} samples")
    if n_samples == 0:
        raise UnreadableAudioError("a header that announces no samples or is not followed by any")
    note = unread_rest(path)
    if not note and n_expected is not None and n_samples != n_expected:
        note = f"{n_samples} {'of' if n_samples < n_expected else 'instead of'} {n_expected} samples"
    yield Decoded(np.empty(0, np.float32), rate, note)


def check_blocks(
    blocks: Iterable[tuple[FloatArray, float]], rate: int, max_seconds: float = math.inf, max_samples: float = math.inf
) -> Iterator[Decoded]:
    """Pass on what a decoder yields, and refuse what is not sound.

    Args:
        blocks: mono samples (samples,), and the peak of their loudest channel, or 0 if there is a single one.
        rate: their sample rate in Hz.
        max_seconds: at most so long.
        max_samples: at most so many.

    Raises:
        UnreadableAudioError: they are too many, NaN, infinite or far above full scale, their rate is out of bounds, or
            their channels cancel each other out.
    """
    if not SAMPLE_RATES[0] <= rate <= SAMPLE_RATES[1]:
        raise UnreadableAudioError(f"a sample rate of {rate} Hz, not {SAMPLE_RATES[0]} to {SAMPLE_RATES[1]}")
    longest = min(max_seconds, max_samples / rate)
    n_samples, peak, loudest = 0, 0.0, 0.0
    for samples, loudest_channel in blocks:
        n_samples += samples.size
        if n_samples > longest * rate:
            limit = f"{longest:g} s" if longest == max_seconds else f"{longest:g} s at {rate} Hz"
            raise UnreadableAudioError(f"longer than {limit}; cut it into clips")
        block_peak = max(samples.max(initial=0), -samples.min(initial=0))  # NaN if any sample is
        if not np.isfinite(block_peak):
            raise UnreadableAudioError("samples that are NaN or infinite")
        if block_peak > MAX_PEAK:
            raise UnreadableAudioError(f"samples of up to {block_peak:.0e}, where full scale is 1")
        peak, loudest = max(peak, float(block_peak)), max(loudest, loudest_channel)
        yield Decoded(samples, rate, "")
    if peak < MIN_MONO_PEAK * loudest and loudest >= SILENCE:
        raise UnreadableAudioError("channels that cancel each other out")


def resample(samples: FloatArray, native_rate: int, sample_rate: int) -> FloatArray:
    """Resample from ``native_rate`` to ``sample_rate`` Hz with soxr's high quality, as librosa does."""
    if native_rate == sample_rate:
        return samples
    resampled: FloatArray = soxr.resample(samples, native_rate, sample_rate, quality="HQ")
    length = math.ceil(samples.size * sample_rate / native_rate)
    return np.pad(resampled[:length], (0, max(0, length - resampled.size)))


def require_sound_at(samples: FloatArray, native_rate: int, sample_rate: int) -> None:
    """Raise an UnreadableAudioError if resampling removes the sound, which lies above the new Nyquist frequency."""
    # Not by the peak: where a tone that is gone began and ended, clicks are left.
    if native_rate > sample_rate and (
        np.mean(resample(samples, native_rate, sample_rate) ** 2) < MIN_POWER * np.mean(samples**2)
    ):
        raise UnreadableAudioError(f"digital silence below {sample_rate / 2:g} Hz")


def read_clip(path: Path, sample_rate: int) -> FloatArray:
    """Decode an audio file as mono samples at ``sample_rate`` Hz, shape (samples,).

    Equal to ``librosa.load(path, sr=sample_rate)``.

    Raises:
        UnreadableAudioError: as in `decode`.
    """
    samples, native_rate, _ = decode(path)
    return resample(samples, native_rate, sample_rate)


def read_listed_clip(path: Path, sample_rate: int) -> FloatArray:
    """Read a clip that is listed as readable, as `read_clip` does.

    Raises:
        InputError: the file is missing or no longer readable.
    """
    require_file(path, "download")
    try:
        return read_clip(path, sample_rate)
    except UnreadableAudioError as error:
        raise damaged(path, "download", f"it is listed as readable, but reading it fails: {error}") from None


def _read_mono(file: soundfile.SoundFile) -> Iterator[tuple[FloatArray, float]]:
    """Yield the samples of a file, a block at a time, up to where it ends or is damaged, and each block's peak.

    The samples are the mean of the channels, the peak that of the loudest one; of a single one, it is 0.
    """
    # Only until a block is not filled: where a file has fewer samples than it announces, garbage follows.
    # 16-bit samples are scaled here: the same values in a quarter of libsndfile's time. But where a FLAC or MP3 file
    # ends or is damaged within a block, only the NaNs that are left in it tell how much of it was decoded.
    is_int16 = file.subtype == "PCM_16" and file.format != "FLAC"
    kind, scale = ("int16", 2**-15) if is_int16 else ("float32", 1)
    block = np.empty((max(BLOCK_SAMPLES // file.channels, 1), file.channels), kind)
    at_end = False
    while not at_end:
        if not is_int16:
            block.fill(np.nan)
        try:
            part = file.read(out=block)
        except soundfile.LibsndfileError:
            part = block[:0] if is_int16 else block[: len(block) - int(np.isnan(block[:, 0]).sum())]
        at_end = len(part) < len(block)
        if file.channels == 1:
            mono, loudest = part[:, 0], 0.0
        else:
            mono = part.mean(axis=1, dtype=np.float32)
            loudest = float(max(part.max(initial=0) * scale, part.min(initial=0) * -scale))
        yield mono * np.float32(scale), loudest


def _expected_by_header(log: str, n_decoded: int) -> int | None:
    """Return how many samples the header of a wav, RF64, AIFF or au announces if these are more than follow it.

    libsndfile corrects the size in bytes, and notes that in its log.
    """
    for header, actual in re.findall(r"data(?: size)?\s*:\s*(\d+) \(should be (\d+)\)", log, re.IGNORECASE):
        if int(actual) < int(header) < UNKNOWN_SIZE:
            return -(-int(header) * n_decoded // int(actual)) if n_decoded else None  # rounded up
    frames = re.search(r"^ *Frames *: (\d+)$", log, re.MULTILINE)  # of RF64 and AIFF
    if frames and "(should be " in log and n_decoded < int(frames[1]) < UNKNOWN_SIZE:
        return int(frames[1])
    return None
