"""Audio files whose headers do not say how much audio follows, as streams and interrupted recordings leave them.

libsndfile decodes what a header announces. Here the header's bytes are corrected while it reads them; the file stays as
it is.
"""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import soundfile

HEAD_BYTES = 1 << 16
UNKNOWN_LENGTH = 2**62  # samples from here on are libsndfile's way to say that a FLAC does not tell its length
ENDLESS = 2**40  # bytes
ID3V1_BYTES = 128  # of tags at the end of an MP3


@contextmanager
def open_audio(path: Path) -> Iterator[tuple[soundfile.SoundFile, int | None]]:
    """Open an audio file so that all of it can be decoded, and yield it and its number of samples by its header.

    The number is None where the header has none. soundfile's LibsndfileError is raised for what is no audio.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    size = path.stat().st_size
    if lengthless := _is_lengthless_mp3(path, head):
        # libsndfile estimates its length from its size and its first frames, and decodes no more than that.
        source: io.FileIO | Path = _CorrectedFile(path, {}, ENDLESS)
    elif corrections := _wav_size(head, size) or _au_size(head, size) or _flac_sample_size(head):
        source = _CorrectedFile(path, corrections, size)
    else:
        source = path
    try:
        with soundfile.SoundFile(source) as sound:
            yield sound, None if lengthless or sound.frames >= UNKNOWN_LENGTH else sound.frames
    finally:
        if isinstance(source, io.FileIO):
            source.close()


class _CorrectedFile(io.FileIO):
    """A file that is read with other bytes at some offsets, and with another size."""

    def __init__(self, path: Path, corrections: Mapping[int, bytes], size: int) -> None:
        super().__init__(path)
        self._corrections, self._size = corrections, size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return super().seek(offset + self._size) if whence == os.SEEK_END else super().seek(offset, whence)

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        start, view = self.tell(), memoryview(buffer).cast("B")
        if self._size == ENDLESS and start >= ENDLESS - ID3V1_BYTES:  # the decoder wants to see that there are no tags
            view[:] = bytes(len(view))
            return len(view)
        count = super().readinto(buffer)
        for offset, correct in self._corrections.items():
            for index, byte in enumerate(correct, offset - start):
                if 0 <= index < count:
                    view[index] = byte
        return count


def _wav_size(head: bytes, size: int) -> dict[int, bytes]:
    """Return what corrects a wav that says to hold no samples, though bytes follow."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return {}
    chunk = 12
    while chunk + 8 <= len(head):
        length = int.from_bytes(head[chunk + 4 : chunk + 8], "little")
        if head[chunk : chunk + 4] == b"data":
            following = min(size - chunk - 8, 2**32 - 1)
            return {chunk + 4: following.to_bytes(4, "little")} if length == 0 < following else {}
        chunk += 8 + length + length % 2
    return {}


def _au_size(head: bytes, size: int) -> dict[int, bytes]:
    """Return what corrects an au that says to hold no samples, though bytes follow: 2^32 - 1 means unknown."""
    start, length = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big")
    return {8: b"\xff" * 4} if head[:4] == b".snd" and length == 0 and start < size else {}


def _flac_sample_size(head: bytes) -> dict[int, bytes]:
    """Return what corrects a FLAC whose first block has another sample size than its first frame (RFC 9639)."""
    if head[:4] != b"fLaC":
        return {}
    block = frame = 4
    while block + 4 <= len(head):
        frame = block + 4 + int.from_bytes(head[block + 1 : block + 4], "big")
        if head[block] & 0x80:  # the last block before the first frame
            break
        block = frame
    if frame + 4 > len(head) or head[frame] != 0xFF or head[frame + 1] & 0xFE != 0xF8:
        return {}
    bits = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}.get(head[frame + 3] >> 1 & 7)
    if bits is None:
        return {}
    correct = bytes([head[20] & 0xFE | (bits - 1) >> 4, ((bits - 1) & 0xF) << 4 | head[21] & 0xF])  # minus 1, in 5 bits
    return {20: correct} if correct != head[20:22] else {}


def _is_lengthless_mp3(path: Path, head: bytes) -> bool:
    """Return whether a file is an MP3 whose first frame does not hold the number of frames."""
    if head[:3] == b"ID3":
        size = 0
        for byte in head[6:10]:  # 7 bits each
            size = size << 7 | byte & 0x7F
        with path.open("rb") as file:
            file.seek(10 + size)
            head = file.read(HEAD_BYTES)
    head = head.lstrip(b"\0")
    is_mpeg = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)  # sync, and layer 3, 2 or 1
    return is_mpeg and not any(mark in head[:256] for mark in (b"Xing", b"Info", b"VBRI"))


def ends_within_ogg_stream(path: Path) -> bool:
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
