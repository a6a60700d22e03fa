"""Clips out of tar and zip archives, which are taken as hostile: no member is written that was not checked.

What is written lies at a place computed from genre and file name alone, and is never more than the archive claimed
and the disk had room for. What an archive takes of memory and time is bounded, too.
"""

import posixpath
import re
import stat
import struct
import zipfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from io import BufferedIOBase, BufferedReader
from pathlib import Path
from typing import IO, NamedTuple

from genres.core.errors import InputError
from genres.core.files import NoRoomError, require_space
from genres.core.progress import Progress
from genres.datasets.layout import Roster, Skipped, naming, split_path
from genres.datasets.tar import CHUNK_BYTES, UNPACK_ERRORS, open_tar, read_tar

MAX_CLIP_BYTES = 2 * 1024**3  # over three hours of stereo as on a CD: more is a mistake or an attack
MAX_MEMBERS = 200_000  # FMA, the largest collection of music to be had, has 106,574 clips
MAX_NAME_CHARACTERS = 64 * 1024**2  # in all paths of an archive together
MAX_EXPANSION = 1000  # times the archive's size, and one largest clip: about what zip makes of digital silence
MAX_DIRECTORY_BYTES = 16 * 1024**2  # the list of files in a zip, which zipfile reads into memory at once
ZIP_ENCRYPTED, ZIP_UTF8 = 0x1, 0x800  # flags of a member
# Of bzip2 and LZMA, zipfile unpacks what it has read without a limit: 4 kB may become 4 GB.
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MEGABYTE = 10**6  # progress counts the archive's megabytes: how many members a tar has shows only at its end

# What damaged or hostile input raises; RuntimeError is something that zipfile lacks.
READ_ERRORS = (*UNPACK_ERRORS, OverflowError, RuntimeError, struct.error, zipfile.BadZipFile)


class Member(NamedTuple):
    """One entry of an archive: a folder, a file with ``content``, a link with ``target`` or none of these."""

    path: str
    size: int  # bytes, as the archive claims
    is_folder: bool = False
    content: Iterator[bytes] | None = None  # to be read before the next member is asked for
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
            stream = _BoundedReader(archive.open("rb", buffering=0))
        except OSError as error:
            raise InputError(f"cannot be opened ({error.strerror}); make it readable") from error
        with stream, closing(_with_progress(stream, archive)) as members:
            return _extract(members, folder, depth)


def _extract(members: Iterable[Member], folder: Path, depth: int | None) -> list[Skipped]:
    roster = Roster(depth)
    files: dict[str, Path] = {}  # path in the archive -> what was written
    links: list[tuple[Member, Path]] = []
    for member in members:
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
                f"the link {link.path!r} leads to {link.target!r}, which is not a clip of this archive; "
                "put the file itself in its place"
            )
        original = files[link.target]
        with original.open("rb") as content:
            _write(link._replace(size=original.stat().st_size, content=_chunks(content)), file)
        files[posixpath.normpath(link.path)] = file
    roster.close()
    return roster.skipped


def _checked(members: Iterable[Member], archive_bytes: int) -> Iterator[Member]:
    """Pass on ``members``; raise InputError if one is hostile, or all together are more than an archive can be."""
    characters = unpacked = 0
    for count, member in enumerate(members, start=1):
        _refuse_hostile(member)
        characters += len(member.path) + len(member.target or "")
        unpacked += member.size
        for number, limit, unit in (
            (count, MAX_MEMBERS, "files and folders"),
            (characters, MAX_NAME_CHARACTERS, "characters of names"),
            (unpacked, MAX_CLIP_BYTES + MAX_EXPANSION * archive_bytes, f"bytes, in an archive of {archive_bytes}"),
        ):
            if number > limit:
                raise InputError(
                    f"holds more than {limit} {unit}; if that is meant, unpack it and set `dataset.path` to the folder"
                )
        yield member


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
        require_space(member.size, file.parent, repr(member.path))
        with file.open("xb") as copy:
            written = sum(copy.write(chunk) for chunk in _content(member))
    except OSError as error:
        raise NoRoomError(f"{member.path!r} cannot be written to {file} ({error.strerror})") from error
    if written != member.size:
        raise InputError(f"{member.path!r} claims {member.size} bytes but has {written}; get it anew")


def _content(member: Member) -> Iterator[bytes]:
    with _blaming(repr(member.path)):
        yield from member.content or ()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    return iter(partial(file.read, CHUNK_BYTES), b"")


def _with_progress(stream: BufferedReader, archive: Path) -> Generator[Member, None, None]:
    """Yield the members of the tar or zip ``stream`` in their order while showing how much of it is read."""
    size = archive.stat().st_size
    megabytes = size // MEGABYTE + 1
    done = 0
    with Progress(megabytes, f"extract {archive.name}", "MB") as progress:
        for member in _checked(_read(stream), size):
            yield member
            reached = max(done, stream.tell() // MEGABYTE)
            progress.advance(amount=reached - done)
            done = reached
        progress.advance(amount=megabytes - done)


def _read(stream: BufferedReader) -> Iterator[Member]:
    """Yield the members of the tar or zip ``stream``, which is told by its content."""
    with _blaming("its beginning"):
        tar = open_tar(stream)
        if tar is None and not zipfile.is_zipfile(stream):
            raise InputError("is neither a tar (plain or compressed) nor a zip, or its beginning is damaged")
        members = _read_zip(stream) if tar is None else _read_tar(tar)
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


class _BoundedReader(BufferedReader):
    """A file that refuses to be read at once where that would fill the memory: zipfile does so with a zip's end."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise InputError(f"its list of files takes {size} bytes; expected at most {MAX_DIRECTORY_BYTES}")
        return super().read(size)


def _read_tar(tar: BufferedIOBase) -> Iterator[Member]:
    with tar:
        for info, content in read_tar(tar):
            target = posixpath.normpath(info.linkname) if info.islnk() else None
            if info.issym():
                target = posixpath.normpath(posixpath.join(posixpath.dirname(info.name), info.linkname))
            yield Member(info.name, info.size, info.isdir(), content if info.isreg() else None, target)


def _read_zip(stream: BufferedReader) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            path = info.filename
            if not info.flag_bits & ZIP_UTF8:
                with suppress(UnicodeError):  # macOS writes UTF-8 without setting the flag that says so
                    path = path.encode("cp437").decode("utf-8")
            member = Member(path, info.file_size, is_folder=path.endswith("/"))
            if info.flag_bits & ZIP_ENCRYPTED:
                raise InputError(f"{path!r} is encrypted; make the archive anew without a password")
            if info.compress_type not in ZIP_METHODS:
                raise InputError(
                    f"{path!r} is compressed by the method {info.compress_type}; make the archive anew with deflate, "
                    "which zip uses by default"
                )
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the zip was not made on Unix
            if member.is_folder or kind not in (0, stat.S_IFREG):
                yield member
            else:
                with archive.open(info) as content:
                    yield member._replace(content=_chunks(content))
