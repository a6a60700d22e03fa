"""One audio file as mono float32 samples, or the reason why it is unusable."""

import math
import re
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from genres.core.files import damaged, require_file

FloatArray = NDArray[np.float32]

SILENCE = 1e-5  # peak below which a clip counts as silent: -100 dBFS, less than one step of 16-bit audio
LOUDEST = 1e9  # peak above which samples are not sound, and their power would overflow; full scale is 1
MIN_DECODED = 0.95  # share of the announced samples below which a file is truncated; MP3 headers may be slightly off
UNKNOWN_LENGTH = 0x7FFFF000  # data sizes from here on mean "unknown", in headers that were written to a pipe
BLOCK = 1 << 20  # samples of each channel that are decoded at a time


class UnreadableAudioError(Exception):
    """A file has no usable audio; the message is the reason, as given in ``clips.csv``."""


def decode(path: Path) -> tuple[FloatArray, int]:
    """Decode a wav, au, flac, ogg or mp3 file, whatever its name, and average its channels.

    Returns:
        The samples, shape (samples,), full scale from -1 to 1, and their sample rate in Hz.

    Raises:
        UnreadableAudioError: the file is empty, not audio or truncated, or its samples are silent, NaN, infinite or
            far above full scale.
    """
    if path.stat().st_size == 0:
        raise UnreadableAudioError("the file is empty (0 bytes)")
    try:
        with soundfile.SoundFile(path) as file:
            samples = _read_mono(file)
            sample_rate, announced, log = file.samplerate, file.frames, file.extra_info
    except soundfile.LibsndfileError as error:
        raise UnreadableAudioError(f"no readable audio (libsndfile: {error.error_string.strip()})") from None
    _refuse_truncated(path, samples.size, announced, log)
    if samples.size == 0:
        raise UnreadableAudioError("a header without samples")
    peak = max(samples.max(), -samples.min())  # NaN if any sample is
    if not np.isfinite(peak):
        raise UnreadableAudioError("samples that are NaN or infinite")
    if peak > LOUDEST:
        raise UnreadableAudioError(f"samples of up to {peak:.0e}, where full scale is 1")
    if peak < SILENCE:
        raise UnreadableAudioError("digital silence")
    return samples, sample_rate


def read_clip(path: Path, sample_rate: int) -> FloatArray:
    """Decode an audio file as mono samples at ``sample_rate`` Hz, shape (samples,).

    Equal to ``librosa.load(path, sr=sample_rate)``: resampled with soxr's high quality where the rates differ.

    Raises:
        UnreadableAudioError: as in `decode`.
    """
    samples, native_rate = decode(path)
    if native_rate == sample_rate:
        return samples
    resampled: FloatArray = soxr.resample(samples, native_rate, sample_rate, quality="HQ")
    length = math.ceil(samples.size * sample_rate / native_rate)
    return np.pad(resampled[:length], (0, max(0, length - resampled.size)))


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


def _read_mono(file: soundfile.SoundFile) -> FloatArray:
    # A block at a time, so that ten minutes of six channels are never in memory at once. Not with file.blocks(), which
    # pads with garbage where the file has fewer samples than it announces.
    # 16-bit samples are scaled here: the same values in a quarter of libsndfile's time.
    kind, scale = ("int16", 2**-15) if file.subtype == "PCM_16" else ("float32", 1)
    blocks: list[FloatArray] = []
    while (block := file.read(BLOCK, dtype=kind, always_2d=True)).size:
        mono = block[:, 0] if file.channels == 1 else block.mean(axis=1, dtype=np.float32)
        blocks.append(mono * np.float32(scale))
    if len(blocks) == 1:
        return blocks[0]  # a clip of the usual length is not copied
    return np.concatenate(blocks) if blocks else np.empty(0, np.float32)


def _refuse_truncated(path: Path, decoded: int, announced: int, log: str) -> None:
    """Raise if the file ends earlier than its header or its stream says, which libsndfile itself ignores."""
    # wav and au: libsndfile corrects the size of the header and notes that in its log.
    for header, actual in re.findall(r"data(?: size)?\s*:\s*(\d+) \(should be (\d+)\)", log, re.IGNORECASE):
        if int(actual) < int(header) < UNKNOWN_LENGTH:
            raise UnreadableAudioError(f"truncated: {actual} of {header} bytes of samples")
    # mp3: fewer samples than its first frame announces.
    if decoded < MIN_DECODED * announced:
        raise UnreadableAudioError(f"truncated: {decoded} of {announced} samples")
    # ogg: the last page of a complete stream is marked as such.
    if _ends_within_ogg_stream(path):
        raise UnreadableAudioError("truncated: the Ogg stream has no last page")


def _ends_within_ogg_stream(path: Path) -> bool:
    """Return whether a file is Ogg and its last page is truncated or not the stream's last (RFC 3533, section 6)."""
    largest_page = 65_307  # bytes
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return False
        file.seek(max(0, path.stat().st_size - largest_page))
        tail = file.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    header, end_of_stream = 27, 0x04  # bytes; a bit of byte 5. Byte 26 is the number of segment lengths that follow
    if len(page) < header or not page[5] & end_of_stream:
        return True
    lengths = page[header : header + page[26]]
    return len(page) < header + page[26] + sum(lengths)
