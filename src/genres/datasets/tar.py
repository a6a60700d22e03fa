"""Tar files, read once from front to back and in little memory, whatever they claim.

Of Python's `tarfile`, only the parser of headers is used. Its reader keeps every header and every extended header (PAX
or GNU), reads the map of a sparse file however long it is, and up to Python 3.11.9 and 3.12.5 takes a quarter of an
hour for an extended header of a million digits (CVE-2024-6232).
"""

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from io import SEEK_SET, BufferedIOBase, BufferedReader, RawIOBase
from typing import TYPE_CHECKING

from genres.core.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_EXTENDED_HEADER_BYTES = 1024**2  # of all extended headers of one member, the headers before them included
MAX_PADDING_BYTES = 16 * 1024**2  # after the mark of the end: tar fills up its last block, of 10 kB by default
MAX_XZ_BYTES = 128 * 1024**2  # of memory to decompress xz: `xz -9` makes files that take 65 MiB
CHUNK_BYTES = 2**16
TEXT = ("utf-8", "surrogateescape")  # names that are not UTF-8 get surrogates, and these are refused by name
UNPACK_ERRORS = (EOFError, MemoryError, OSError, ValueError, lzma.LZMAError, tarfile.TarError, zlib.error)


def open_tar(stream: BufferedReader) -> BufferedIOBase | None:
    """Return the tar in ``stream``, decompressed if it is compressed, or None if its content does not begin as one."""
    formats: tuple[Callable[[], BufferedIOBase], ...] = (
        lambda: stream,
        lambda: gzip.GzipFile(fileobj=stream),
        lambda: bz2.BZ2File(stream),
        lambda: BufferedReader(_XzReader(stream), CHUNK_BYTES),
    )
    for unpack in formats:
        stream.seek(0)
        try:
            _read_header(unpack())
        except UNPACK_ERRORS:
            continue
        stream.seek(0)
        return unpack()
    return None


class _XzReader(RawIOBase):
    """The content of an xz file, read and sought in forwards alone; `lzma.LZMAFile` has no limit of memory."""

    def __init__(self, packed: BufferedReader) -> None:
        self._packed, self._unpacker = packed, lzma.LZMADecompressor(memlimit=MAX_XZ_BYTES)
        self._position = 0  # in the content

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        content = b""
        while not content:
            packed = b""
            if self._unpacker.eof:
                packed = self._unpacker.unused_data or self._packed.read(CHUNK_BYTES)
                if not packed:
                    return 0
                self._unpacker = lzma.LZMADecompressor(memlimit=MAX_XZ_BYTES)  # of the next of several streams
            elif self._unpacker.needs_input and not (packed := self._packed.read(CHUNK_BYTES)):
                raise EOFError("the mark of the end of xz is missing")
            content = self._decompress(packed, len(view))
        view[: len(content)] = content
        self._position += len(content)
        return len(content)

    def _decompress(self, packed: bytes, size: int) -> bytes:
        try:
            return self._unpacker.decompress(packed, size)
        except lzma.LZMAError as error:
            if "Memory usage limit" not in str(error):
                raise
            raise InputError(
                f"takes over {MAX_XZ_BYTES // 1024**2} MiB of memory to decompress; make it anew with at most `xz -9`"
            ) from error

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        missing = offset - (self._position if whence == SEEK_SET else 0)
        while missing > 0 and (skipped := len(self.read(min(missing, CHUNK_BYTES)) or b"")):
            missing -= skipped
        return self._position


def read_tar(tar: BufferedIOBase) -> Iterator[tuple[tarfile.TarInfo, Iterator[bytes]]]:
    """Yield the header and the content of each member, which is to be read before the next one is asked for.

    Raises:
        InputError: a member is sparse, or its extended headers are too long.
        One of UNPACK_ERRORS: the tar is damaged, cut, or goes on after its end.
    """
    shared: dict[str, str] = {}  # fields of the extended headers that hold for all members after them
    while (info := _next_header(tar, shared)) is not None:
        has_content = info.isreg() or info.type not in tarfile.SUPPORTED_TYPES
        size = info.size if has_content else 0
        end = tar.tell() + _padded(size)
        yield info, _content(tar, size)
        tar.seek(end)


def _next_header(tar: BufferedIOBase, shared: dict[str, str]) -> tarfile.TarInfo | None:
    """Return the next member's header with the fields of its extended headers, or None at the end of the tar."""
    start = tar.tell()
    fields: dict[str, str] = {}
    while (info := _read_header(tar)) is not None:
        if info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            fields |= _pax_fields(_read_extended_header(tar, info, start))
        elif info.type == tarfile.XGLTYPE:
            shared |= _pax_fields(_read_extended_header(tar, info, start))
        elif info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            field = "path" if info.type == tarfile.GNUTYPE_LONGNAME else "linkpath"
            fields[field] = _read_extended_header(tar, info, start).split(b"\0")[0].decode(*TEXT)
        else:
            return _with_fields(info, shared | fields)
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


def _read_extended_header(tar: BufferedIOBase, info: tarfile.TarInfo, start: int) -> bytes:
    """Return the extended header that follows ``info``; the first one of the same member began at byte ``start``."""
    if not 0 <= info.size <= MAX_EXTENDED_HEADER_BYTES - (tar.tell() - start):
        raise InputError(
            f"the extended header {info.name!r} claims {info.size} bytes; "
            f"expected at most {MAX_EXTENDED_HEADER_BYTES} in all extended headers of a file"
        )
    return tar.read(_padded(info.size))[: info.size]


def _pax_fields(extended: bytes) -> dict[str, str]:
    """Return the fields of path, link, size and sparseness; a line of PAX is ``<length> <key>=<value>``."""
    fields = {}
    start = 0
    while start < len(extended):
        space = extended.find(b" ", start, start + 20)
        length = extended[start:space]
        end = start + int(length) if length.isdigit() else 0
        if not start < space < end <= len(extended):
            raise tarfile.ReadError("an extended header is damaged")
        key, _, value = extended[space + 1 : end - 1].partition(b"=")
        if key in (b"path", b"linkpath", b"size") or key.startswith(b"GNU.sparse."):
            fields[key.decode(*TEXT)] = value.decode(*TEXT)
        start = end
    return fields


def _with_fields(info: tarfile.TarInfo, fields: dict[str, str]) -> tarfile.TarInfo:
    """Return the header ``info`` with name, link and size as the ``fields`` have them; raise InputError if sparse."""
    info.name = fields["path"].rstrip("/") if "path" in fields else info.name
    info.linkname = fields.get("linkpath", info.linkname)
    info.size = int(fields.get("size", info.size))
    if info.type == tarfile.GNUTYPE_SPARSE or any(field.startswith("GNU.sparse.") for field in fields):
        name = fields.get("GNU.sparse.name", info.name)
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
