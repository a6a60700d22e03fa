"""Audio files whose headers do not say, or say wrongly, how much audio follows, as interrupted recordings leave them.

libsndfile decodes what a header announces. Here the header's bytes are corrected while it reads them; the file stays as
it is.
"""

import io
import mmap
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import soundfile

METADATA_BYTES = 1 << 16  # at the end of a wav, in which the beginning of its metadata is looked for
FLAC_HEAD_BYTES = 42  # with the first block, which has the length
UNKNOWN_LENGTH = 2**62  # samples from here on are libsndfile's way to say that a FLAC does not tell its length
ENDLESS = 2**40  # bytes
BARE = ".raw"  # soundfile takes a file of this name for bare samples, and asks for their rate
ID3V1_BYTES = 128  # of tags at the end of an MP3
LARGEST_MP3_FRAME = 2881  # bytes: 640 kbit/s at 32 kHz
OGG_STREAM = slice(14, 18)  # of a page: the number of its stream
OGG_CHECKSUM = slice(22, 26)  # of a page
REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
CHUNK_NAME = re.compile(rb"(?=[ -~]{4}.{4})", re.DOTALL)  # of a wav, and 4 bytes for its length
MP3_FRAME = re.compile(rb"\0*(\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff])")  # behind tags, which zeros may follow
MP3_MARK = re.compile(rb"Xing|Info|VBRI")  # in the first frame, where that holds the number of frames


@contextmanager
def open_audio(path: Path) -> Iterator[tuple[soundfile.SoundFile, int | None]]:
    """Open an audio file so that it is decoded to its end, and yield it and its number of samples by its header.

    The number is None where the header has none, or an impossible one. What `unread_rest` notes is not decoded, nor is
    what follows the samples of an MP3 that says how many it has. soundfile's LibsndfileError is raised for what is no
    audio.
    """
    source: _CorrectedFile | None = None
    lengthless, flac_samples = False, None
    with _mapped(path) as content:
        start, size = _tags_end(content), len(content)
        if frame := MP3_FRAME.match(content, start):
            corrections = _mp3_mark(content, frame.start(1))
            lengthless = corrections is not None
            # libsndfile estimates its length from its size and its first frames, and decodes no more than that.
            source = _CorrectedFile(path, corrections or {}, ENDLESS if lengthless else size, frame.start(1))
        elif content[start : start + 4] == b"fLaC" and size >= start + FLAC_HEAD_BYTES:
            # libsndfile decodes no more samples than the header says, but all of them where it says none.
            flac_samples = int.from_bytes(content[start + 21 : start + 26], "big") & 0xFFFFFFFFF
            source = _CorrectedFile(path, _flac_head(content, start), size, start)
        elif corrections := _wav_size(content) or _au_size(content):
            source = _CorrectedFile(path, corrections, size)
    if source is None and path.suffix.lower() == BARE:
        source = _CorrectedFile(path, {}, size)
    try:
        # As bytes, because a name need not be text.
        with soundfile.SoundFile(source or os.fsencode(path)) as sound:
            is_unknown = lengthless or sound.frames >= UNKNOWN_LENGTH
            yield sound, flac_samples or (None if is_unknown else sound.frames)
    finally:
        if source is not None:
            source.close()


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    """Yield the bytes of a file, of which only those that are looked at are read."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


class _CorrectedFile(io.FileIO):
    """A file that is read from ``start`` on, with other bytes at some offsets, and with another size."""

    def __init__(self, path: Path, corrections: Mapping[int, bytes], size: int, start: int = 0) -> None:
        super().__init__(os.open(path, os.O_RDONLY))  # so that soundfile sees no name (see `BARE`)
        self._corrections, self._size, self._start = corrections, size, start
        self.seek(0)

    def tell(self) -> int:
        return super().tell() - self._start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: self._start, os.SEEK_CUR: super().tell(), os.SEEK_END: self._size}[whence]
        return super().seek(origin + offset) - self._start

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        start, view = super().tell(), memoryview(buffer).cast("B")
        if self._size == ENDLESS and start >= ENDLESS - ID3V1_BYTES:  # the decoder wants to see that there are no tags
            view[:] = bytes(len(view))
            return len(view)
        count = super().readinto(buffer)
        for offset, correct in self._corrections.items():
            for index, byte in enumerate(correct, offset - start):
                if 0 <= index < count:
                    view[index] = byte
        return count


def _tags_end(content: mmap.mmap) -> int:
    """Return where the ID3 tags at the beginning of a file end: at 0 if it has none."""
    end = 0
    while content[end : end + 3] == b"ID3":
        size = 0
        for byte in content[end + 6 : end + 10]:  # 7 bits each
            size = size << 7 | byte & 0x7F
        end += 10 + size
    return end


def _mp3_mark(content: mmap.mmap, start: int) -> dict[int, bytes] | None:
    """Return what hides a wrong number of frames in the first frame of an MP3; None if the number may be right."""
    mark = MP3_MARK.search(content, start, start + 256)
    if mark is None:
        return {}
    flags, count = mark.end(), mark.end() + (10 if mark[0] == b"VBRI" else 4)
    has_count = mark[0] == b"VBRI" or int.from_bytes(content[flags : flags + 4], "big") & 1
    n_frames = int.from_bytes(content[count : count + 4], "big") if has_count else 0
    # Only numbers that are far too small are found, as the frames' sizes vary.
    return None if n_frames * LARGEST_MP3_FRAME >= len(content) - start else {mark.start(): bytes(4)}


def _wav_data(content: mmap.mmap) -> tuple[int, int] | None:
    """Return where the samples of a wav begin and how many bytes of them it announces; None if it is no wav."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return None
    chunk = 12
    while CHUNK_NAME.match(content, chunk):
        length = int.from_bytes(content[chunk + 4 : chunk + 8], "little")
        if content[chunk : chunk + 4] == b"data":
            return chunk + 8, length
        chunk += 8 + length + length % 2
    return None


def _wav_size(content: mmap.mmap) -> dict[int, bytes]:
    """Return what corrects a wav that claims to hold no samples, though bytes follow that are no chunks of metadata."""
    start, length = _wav_data(content) or (0, None)
    if length != 0 or start == len(content):
        return {}
    names = CHUNK_NAME.finditer(content, max(start, len(content) - METADATA_BYTES))
    offsets = (start, *(name.start() for name in names))
    end = next((offset for offset in offsets if _are_chunks(content, offset)), len(content))
    return {start - 4: min(end - start, 2**32 - 1).to_bytes(4, "little")} if end > start else {}


def _are_chunks(content: mmap.mmap, start: int) -> bool:
    """Return whether the bytes from ``start`` on are chunks of a wav, the last of which ends where the file does."""
    while CHUNK_NAME.match(content, start):
        length = int.from_bytes(content[start + 4 : start + 8], "little")
        start += 8 + length + length % 2
    return start in (len(content), len(content) + 1)  # the last byte, of padding, is often forgotten


def _au_data(content: mmap.mmap) -> tuple[int, int] | None:
    """Return where the samples of an au begin and how many bytes of them it announces; None if it is no au."""
    if content[:4] != b".snd" or len(content) < 12:
        return None
    return int.from_bytes(content[4:8], "big"), int.from_bytes(content[8:12], "big")


def _au_size(content: mmap.mmap) -> dict[int, bytes]:
    """Return what corrects an au that claims to hold no samples, though bytes follow: 2^32 - 1 means unknown."""
    start, length = _au_data(content) or (len(content), 0)
    return {8: b"\xff" * 4} if length == 0 and start < len(content) else {}


def _flac_head(content: mmap.mmap, start: int) -> dict[int, bytes]:
    """Return what makes the length of a FLAC unknown, and its sample size that of its first frame (RFC 9639)."""
    block = frame = start + 4
    while block + 4 <= len(content):
        frame = block + 4 + int.from_bytes(content[block + 1 : block + 4], "big")
        if content[block] & 0x80:  # the last block before the first frame
            break
        block = frame
    bits = None
    if frame + 4 <= len(content) and content[frame] == 0xFF and content[frame + 1] & 0xFE == 0xF8:
        bits = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}.get(content[frame + 3] >> 1 & 7)
    rate, announced = content[start + 20], content[start + 21]
    size = bits - 1 if bits else (rate & 1) << 4 | announced >> 4  # minus 1, in 5 bits
    return {start + 20: bytes([rate & 0xFE | size >> 4, (size & 0xF) << 4]) + bytes(4)}


def unread_rest(path: Path) -> str:
    """Return what of a wav, au or Ogg file is missing at its end or is not decoded; empty if it is as it should be."""
    with _mapped(path) as content:
        if content[:4] == b"OggS":
            page = content[content.rfind(b"OggS") :]
            if not _is_last_page(page):
                return "an Ogg stream whose last page is missing or damaged"
            is_first = page[OGG_STREAM] == content[OGG_STREAM]
            return "" if is_first else "several Ogg streams, of which the first is used"
        start, length = _wav_data(content) or _au_data(content) or (len(content), 0)
        is_wav = content[:4] == b"RIFF"
        end = start + length + (length % 2 if is_wav else 0)
        if length == 0 or end >= len(content) or (is_wav and _are_chunks(content, end)):
            return ""
        return f"{len(content) - end} bytes behind the announced samples are not used"


def _is_last_page(page: bytes) -> bool:
    """Return whether the last page of an Ogg file is whole and ends its stream (RFC 3533, section 6)."""
    header, end_of_stream = 27, 0x04  # bytes; a bit of byte 5. Byte 26 is the number of segment lengths that follow
    if len(page) < header or not page[5] & end_of_stream:
        return False
    size = header + page[26] + sum(page[header : header + page[26]])
    if len(page) < size or page[6:14] == b"\xff" * 8:  # a position of -1 says that no packet ends here
        return False
    # It is zlib's with the bits in opposite order, and neither begun nor ended with ones.
    summed = page[: OGG_CHECKSUM.start] + bytes(4) + page[OGG_CHECKSUM.stop : size]
    reversed_sum = zlib.crc32(summed.translate(REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reversed_sum:032b}"[::-1], 2) == int.from_bytes(page[OGG_CHECKSUM], "little")
