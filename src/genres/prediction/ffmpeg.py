"""Formats that libsndfile does not know, such as m4a, through the program ffmpeg where it is installed."""

import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np

from genres.audio.decoding import BLOCK_SAMPLES, Decoded, FloatArray, UnreadableAudioError, check_blocks

# The first bytes of a file, from an offset on, and ffmpeg's name of the format. ffmpeg is told which one it is, so that
# no file can pass for a playlist, which would have it open others.
SIGNATURES = (
    (4, b"ftyp", "mov"),  # m4a, mp4, 3gp
    (0, b"\x1a\x45\xdf\xa3", "matroska"),  # mka, webm
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),  # wma
    (0, b"\xff\xf1", "aac"),
    (0, b"\xff\xf9", "aac"),
    (0, b"MAC ", "ape"),
    (0, b"wvpk", "wv"),
    (0, b"caff", "caf"),
)
EXTENSIONS = ("m4a", "mp4", "mka", "webm", "wma", "aac", "ape", "wv", "caf")  # that these files usually have
AU_HEADER = struct.Struct(">4s5I")  # ".snd", where samples begin, their bytes, encoding, rate, channels


def find_format(path: Path) -> str | None:
    """Return ffmpeg's name of a file's format if it is one of `SIGNATURES`, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(16)
    return next((name for offset, signature, name in SIGNATURES if head[offset:].startswith(signature)), None)


def decode_with_ffmpeg(path: Path, file_format: str) -> Iterator[Decoded]:
    """Yield the first sound track of a file, its channels averaged, a block at a time.

    The last block is empty and has what ffmpeg complains of although it goes on.

    Raises:
        UnreadableAudioError: ffmpeg is not installed or cannot decode the file, or what it decodes is refused by
            `decoding.check_blocks`.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise UnreadableAudioError(f"the format {file_format}, which needs ffmpeg, but ffmpeg is not installed")
    command = [program, "-v", "error", "-nostdin", "-protocol_whitelist", "file", "-f", file_format]
    command += ["-i", f"file:{path}", "-map", "0:a:0", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
    n_samples, rate = 0, 0
    with TemporaryFile() as complaints, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process:  # noqa: S603
        try:
            if header := _read_header(process.stdout):  # type: ignore[arg-type]
                rate, channels = header
                for block in check_blocks(_read_mono(process.stdout, channels), rate):  # type: ignore[arg-type]
                    n_samples += block.samples.size
                    yield block
        except BaseException:  # whoever reads has seen enough
            process.kill()
            raise
        status = process.wait()
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").replace(f"file:{path}: ", "").strip().splitlines()
    why = f"ffmpeg: {said[-1] if said else f'exit status {status}'}"
    if status or not n_samples:
        raise UnreadableAudioError(f"no readable audio ({why})")
    yield Decoded(np.empty(0, np.float32), rate, why if said else "")


def _read_header(stream: BinaryIO) -> tuple[int, int] | None:
    """Read an au stream up to its samples, and return their rate in Hz and the channels; None if there is nothing."""
    header = stream.read(AU_HEADER.size)
    if len(header) < AU_HEADER.size:
        return None
    _, start, _, _, rate, channels = AU_HEADER.unpack(header)
    stream.read(start - AU_HEADER.size)
    return rate, channels


def _read_mono(stream: BinaryIO, channels: int) -> Iterator[tuple[FloatArray, float]]:
    """Yield mono samples from the float32 samples of an au stream, and each block's peak as `check_blocks` takes it."""
    frame = 4 * channels
    while content := stream.read(max(1, BLOCK_SAMPLES // channels) * frame):
        frames = np.frombuffer(content[: len(content) // frame * frame], ">f4").reshape(-1, channels)
        loudest = float(max(frames.max(initial=0), -frames.min(initial=0))) if channels > 1 else 0.0
        yield frames.mean(axis=1, dtype=np.float32), loudest
