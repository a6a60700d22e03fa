"""Clips out of tar and zip archives, which are taken as hostile: no member is written that was not checked.

What is written lies at a place computed from genre and file name alone, and is never more than the archive claimed
and the disk had room for.
"""

import lzma
import posixpath
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple, Self

from genres.core.errors import InputError
from genres.core.progress import Progress
from genres.datasets.layout import Roster, Skipped, naming, split_path

MAX_CLIP_BYTES = 2 * 1024**3  # over three hours of stereo as on a CD: more is a mistake or an attack
MAX_NOTE_BYTES = 1024**2  # of a long name or comment in a tar, which tarfile reads into memory at once
NOTES = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
CHUNK_BYTES = 1024**2
ZIP_ENCRYPTED, ZIP_UTF8 = 0x1, 0x800  # flags of a member
MEGABYTE = 10**6  # progress counts the archive's megabytes: how many members a tar has shows only at its end

# What tarfile, zipfile and the decompressors raise on damaged or hostile input. RuntimeError is a compression
# that zipfile lacks, or a tar of endlessly nested headers.
READ_ERRORS = (
    EOFError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class NoRoomError(InputError):
    """A clip cannot be written, which is no fault of the archive."""


class Member(NamedTuple):
    """One entry of an archive: a folder, a file with ``content``, a link with ``target`` or none of these."""

    path: str
    size: int  # bytes, as the archive claims
    is_folder: bool = False
    content: IO[bytes] | None = None  # to be read before the next member is asked for
    target: str | None = None  # the path in the archive that a link leads to


def extract_clips(archive: Path, folder: Path, depth: int | None = None) -> list[Skipped]:
    """Write the clips of the tar or zip file ``archive`` to the empty ``folder`` as <genre>/<clip>.<extension>.

    The ``depth`` of the genres is as in `layout.clip_at`. In a tar, a link to another clip of it becomes a copy of that
    clip. Returned are the files that were skipped.

    Raises:
        InputError: the archive cannot be read, is damaged or hostile, or breaks the layout. ``folder`` may then hold
            some of the clips.
    """
    with naming(archive):
        try:
            stream = archive.open("rb")
        except OSError as error:
            raise InputError(f"cannot be opened ({error.strerror}); make it readable") from error
        with stream, closing(_with_progress(stream, archive)) as members:
            return _extract(members, folder, depth)


def _extract(members: Iterable[Member], folder: Path, depth: int | None) -> list[Skipped]:
    roster = Roster(depth)
    files: dict[str, Path] = {}  # path in the archive -> what was written
    links: list[tuple[Member, Path]] = []
    for member in members:
        _refuse_hostile(member)
        clip = None if member.is_folder else roster.add(member.path)
        if clip is None:
            continue
        file = folder / clip
        if member.content is None:
            links.append((member, file))
        else:
            _write(member, file)
            files[posixpath.normpath(member.path)] = file
    for link, file in links:  # last, as a symbolic link may stand before the clip that it leads to
        if link.target not in files:
            raise InputError(
                f"the link {link.path!r} leads to {link.target!r}, which is no clip of this archive; "
                "put the file itself in its place"
            )
        original = files[link.target]
        with original.open("rb") as content:
            _write(link._replace(size=original.stat().st_size, content=content), file)
        files[posixpath.normpath(link.path)] = file
    roster.close()
    return roster.skipped


def _refuse_hostile(member: Member) -> None:
    """Raise InputError if ``member`` escapes the archive, is a device or the like, or is too large."""
    for path in (member.path, member.target or ""):
        # On Windows, and in zips that some tools make there, these are a separator and a drive.
        if "\\" in path or re.match("[A-Za-z]:", path):
            raise InputError(f"{path!r} holds a backslash or a drive; expected a relative path with '/'")
        split_path(path)
    if not member.is_folder and member.content is None and member.target is None:
        raise InputError(f"{member.path!r} is neither file nor folder (a device, a pipe, or a link in a zip)")
    if not 0 <= member.size <= MAX_CLIP_BYTES:
        raise InputError(f"{member.path!r} claims {member.size} bytes; expected at most {MAX_CLIP_BYTES}")


def _write(member: Member, file: Path) -> None:
    """Write the content of ``member`` to the new ``file``, if the disk has room for what it claims."""
    try:
        file.parent.mkdir(exist_ok=True)
        free = shutil.disk_usage(file.parent).free
        if member.size > free:
            raise NoRoomError(f"{member.path!r} takes {member.size} bytes but only {free} are free; make room")
        with file.open("xb") as copy:
            written = sum(copy.write(chunk) for chunk in _chunks(member))
    except OSError as error:
        raise NoRoomError(f"{member.path!r} cannot be written to {file} ({error.strerror})") from error
    if written != member.size:
        raise InputError(f"{member.path!r} claims {member.size} bytes but has {written}; get it anew")


def _chunks(member: Member) -> Iterator[bytes]:
    with _blaming(repr(member.path)):
        while member.content is not None and (chunk := member.content.read(CHUNK_BYTES)):
            yield chunk


def _with_progress(stream: IO[bytes], archive: Path) -> Generator[Member, None, None]:
    """Yield the members of the tar or zip ``stream`` in their order while showing how much of it is read."""
    megabytes = archive.stat().st_size // MEGABYTE + 1
    done = 0
    with Progress(megabytes, f"extract {archive.name}", "MB") as progress:
        for member in _read(stream):
            yield member
            reached = max(done, stream.tell() // MEGABYTE)
            progress.advance(amount=reached - done)
            done = reached
        progress.advance(amount=megabytes - done)


def _read(stream: IO[bytes]) -> Iterator[Member]:
    """Yield the members of the tar or zip ``stream``, which is told by its content."""
    with _blaming("its beginning"):
        try:
            # Bytes that are not UTF-8 become surrogates, and these are refused by name. _read_tar closes the archive.
            members = _read_tar(tarfile.open(fileobj=stream, encoding="utf-8", tarinfo=_TarHeader))  # noqa: SIM115
        except tarfile.ReadError as error:
            if not zipfile.is_zipfile(stream):
                why = "is neither a tar (plain or compressed) nor a zip, or its beginning is damaged"
                raise InputError(why) from error
            members = _read_zip(stream)
    place = "its first file"
    while True:
        with _blaming(place):
            member = next(members, None)
        if member is None:
            return
        yield member
        place = f"what follows {member.path!r}"


@contextmanager
def _blaming(place: str) -> Iterator[None]:
    """Turn what reading a damaged archive raises into an InputError that names the ``place`` in it."""
    try:
        yield
    except READ_ERRORS as error:
        why = str(error) or type(error).__name__
        raise InputError(f"{place} cannot be read ({why}); get the archive anew") from error


class _TarHeader(tarfile.TarInfo):
    """A header that refuses to have tarfile read a name or a comment that would fill the memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in NOTES and not 0 <= header.size <= MAX_NOTE_BYTES:
            raise InputError(f"the note {header.name!r} claims {header.size} bytes; expected a short one")
        return header


def _read_tar(tar: tarfile.TarFile) -> Iterator[Member]:
    with tar:
        for info in tar:
            target = posixpath.normpath(info.linkname) if info.islnk() else None
            if info.issym():
                target = posixpath.normpath(posixpath.join(posixpath.dirname(info.name), info.linkname))
            content = tar.extractfile(info) if info.isreg() else None
            yield Member(info.name, info.size, info.isdir(), content, target)
        # tarfile takes a damaged header, and the end of a file that was cut between two members, for the end of the
        # archive, and stops reading before gzip compares its checksum. Nothing but zeros may follow.
        if tar.fileobj is None or tar.fileobj.tell() != tar.offset + tarfile.BLOCKSIZE:
            raise tarfile.ReadError("the mark of the end is missing")
        while rest := tar.fileobj.read(CHUNK_BYTES):
            if rest.strip(b"\0"):
                raise tarfile.ReadError("a header is damaged, or a second archive follows")


def _read_zip(stream: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            path = info.filename
            if not info.flag_bits & ZIP_UTF8:
                with suppress(UnicodeError):  # macOS writes UTF-8 without setting the flag that says so
                    path = path.encode("cp437").decode("utf-8")
            member = Member(path, info.file_size, is_folder=path.endswith("/"))
            if info.flag_bits & ZIP_ENCRYPTED:
                raise InputError(f"{path!r} is encrypted; make the archive anew without a password")
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the zip was not made on Unix
            if member.is_folder or kind not in (0, stat.S_IFREG):
                yield member
            else:
                with archive.open(info) as content:
                    yield member._replace(content=content)
