"""Tar files, read once from front to back and in little memory, whatever they claim.

Of Python's `tarfile`, only the parser of headers is used. Its reader keeps every header and every comment, reads the
map of a sparse file however long it is, and up to Python 3.11.9 and 3.12.5 takes a quarter of an hour for a comment of
a million digits (CVE-2024-6232).
"""

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from io import BufferedIOBase, BufferedReader

from genres.core.errors import InputError

MAX_NOTE_BYTES = 1024**2  # of all long names and comments on one member, their headers included
MAX_PADDING_BYTES = 16 * 1024**2  # after the mark of the end: tar fills up its last block, of 10 kB if not told else
CHUNK_BYTES = 2**16
TEXT = ("utf-8", "surrogateescape")  # names that are not UTF-8 get surrogates, and these are refused by name
UNPACK_ERRORS = (EOFError, MemoryError, OSError, ValueError, lzma.LZMAError, tarfile.TarError, zlib.error)


def open_tar(stream: BufferedReader) -> BufferedIOBase | None:
    """Return the tar in ``stream``, decompressed if it is compressed, or None if its content does not begin as one."""
    formats = (stream, gzip.GzipFile(fileobj=stream), bz2.BZ2File(stream), lzma.LZMAFile(stream))  # noqa: SIM115
    for unpacked in formats:
        stream.seek(0)
        try:
            _read_header(unpacked)
        except UNPACK_ERRORS:
            continue
        unpacked.seek(0)
        return unpacked
    return None


def read_tar(tar: BufferedIOBase) -> Iterator[tuple[tarfile.TarInfo, Iterator[bytes]]]:
    """Yield the header and the content of each member, which is to be read before the next one is asked for.

    Raises:
        InputError: a member is sparse, or has more notes than fit into memory.
        One of UNPACK_ERRORS: the tar is damaged, cut, or goes on after its end.
    """
    shared: dict[str, str] = {}  # what notes say of all members after them
    while (info := _next_header(tar, shared)) is not None:
        has_content = info.isreg() or info.type not in tarfile.SUPPORTED_TYPES
        size = info.size if has_content else 0
        end = tar.tell() + _padded(size)
        yield info, _content(tar, size)
        tar.seek(end)


def _next_header(tar: BufferedIOBase, shared: dict[str, str]) -> tarfile.TarInfo | None:
    """Return the header of the next member with what the notes before it say, or None at the end of the tar."""
    start = tar.tell()
    notes: dict[str, str] = {}
    while (info := _read_header(tar)) is not None:
        if info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            notes |= _pax_fields(_read_note(tar, info, start))
        elif info.type == tarfile.XGLTYPE:
            shared |= _pax_fields(_read_note(tar, info, start))
        elif info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            field = "path" if info.type == tarfile.GNUTYPE_LONGNAME else "linkpath"
            notes[field] = _read_note(tar, info, start).split(b"\0")[0].decode(*TEXT)
        else:
            return _with_notes(info, shared | notes)
    _require_end(tar)
    return None


def _read_header(tar: BufferedIOBase) -> tarfile.TarInfo | None:
    """Return the header in the next block, or None if the block is zeros: the mark of the end."""
    block = tar.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE:
        raise tarfile.ReadError("the mark of the end is missing")
    try:
        return tarfile.TarInfo.frombuf(block, *TEXT) if block.strip(b"\0") else None
    except tarfile.HeaderError:
        raise tarfile.ReadError("a header is damaged") from None


def _read_note(tar: BufferedIOBase, info: tarfile.TarInfo, start: int) -> bytes:
    """Return the note that follows its header ``info``; the first note on the same member began at byte ``start``."""
    if not 0 <= info.size <= MAX_NOTE_BYTES - (tar.tell() - start):
        raise InputError(
            f"the note {info.name!r} claims {info.size} bytes; expected at most {MAX_NOTE_BYTES} in all notes on a file"
        )
    return tar.read(_padded(info.size))[: info.size]


def _pax_fields(note: bytes) -> dict[str, str]:
    """Return what a PAX note says of path, link, size and sparseness; its lines are ``<length> <key>=<value>``."""
    fields = {}
    start = 0
    while start < len(note):
        space = note.find(b" ", start, start + 20)
        length = note[start:space]
        end = start + int(length) if length.isdigit() else 0
        if not start < space < end <= len(note):
            raise tarfile.ReadError("a comment is damaged")
        key, _, value = note[space + 1 : end - 1].partition(b"=")
        if key in (b"path", b"linkpath", b"size") or key.startswith(b"GNU.sparse."):
            fields[key.decode(*TEXT)] = value.decode(*TEXT)
        start = end
    return fields


def _with_notes(info: tarfile.TarInfo, notes: dict[str, str]) -> tarfile.TarInfo:
    """Return the header ``info`` with name, link and size as the ``notes`` have them; raise InputError if sparse."""
    info.name = notes["path"].rstrip("/") if "path" in notes else info.name
    info.linkname = notes.get("linkpath", info.linkname)
    info.size = int(notes.get("size", info.size))
    if info.type == tarfile.GNUTYPE_SPARSE or any(field.startswith("GNU.sparse.") for field in notes):
        name = notes.get("GNU.sparse.name", info.name)
        raise InputError(f"{name!r} is packed as a sparse file; make the archive anew without `--sparse`")
    return info


def _content(tar: BufferedIOBase, size: int) -> Iterator[bytes]:
    while size > 0 and (chunk := tar.read(min(size, CHUNK_BYTES))):
        yield chunk
        size -= len(chunk)


def _require_end(tar: BufferedIOBase) -> None:
    """Read on to the end, where gzip compares its checksum; raise ReadError unless a few zeros are all that follows."""
    padding = 0
    while rest := tar.read(CHUNK_BYTES):
        padding += len(rest)
        if rest.strip(b"\0"):
            raise tarfile.ReadError("a second archive follows its end, or something else does")
        if padding > MAX_PADDING_BYTES:
            raise tarfile.ReadError(f"more than {MAX_PADDING_BYTES} zeros follow its end")


def _padded(size: int) -> int:
    """Return the bytes that ``size`` bytes take in a tar, which consists of blocks."""
    return size + -size % tarfile.BLOCKSIZE
