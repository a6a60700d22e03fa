"""The user's own clips, copied out of a folder or an archive that is laid out <genre>/<clip>.<extension>."""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from genres.datasets.archives import extract_clips
from genres.datasets.layout import Clip, Roster, is_hidden, naming
from genres.errors import InputError
from genres.progress import Progress

SOURCES = "a folder, or a tar, tar.gz or zip file"
CHUNK_BYTES = 2**30  # a multiple of every file system's block, below which nothing can be shared


def copy_clips(source: Path, folder: Path) -> None:
    """Copy the clips of ``source`` to ``folder``/<genre>/<clip>.<extension>, their bytes untouched.

    ``source`` is a folder, or a tar or zip file; it is only ever read. ``folder`` exists and is empty.

    Raises:
        InputError: ``source`` cannot be read or breaks the layout, or one of the two folders lies in the
            other. ``folder`` may then hold some of the clips.
    """
    with naming(source):
        try:
            kind = stat.S_IFMT(source.stat().st_mode)
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
            why = getattr(error, "strerror", None) or error
            raise InputError(f"cannot be found ({why}); expected {SOURCES}") from error
        if kind not in (stat.S_IFDIR, stat.S_IFREG):
            raise InputError(f"is neither a folder nor a file; expected {SOURCES}")
    if kind == stat.S_IFREG:
        extract_clips(source, folder)
        return
    with naming(source):
        _refuse_overlap(source, folder)
        clips = _find_clips(source)
        with Progress(len(clips), "copy", "clips") as progress:
            for original, clip in clips:
                _copy(original, folder / clip.genre / clip.name)
                progress.advance()


def _refuse_overlap(source: Path, folder: Path) -> None:
    """Raise InputError if a copy into ``folder`` would be found again in ``source``, or the reverse."""
    read, written = source.resolve(), folder.resolve()
    if read.is_relative_to(written) or written.is_relative_to(read):
        raise InputError(
            f"overlaps with {folder}, where its clips are to be copied; keep them in a folder apart from it"
        )


def _find_clips(source: Path) -> list[tuple[Path, Clip]]:
    """Return the clips below ``source``, sorted by folder, with where they lie."""
    roster = Roster()
    clips = []
    for parent, folders, names in os.walk(source, onerror=_refuse_unreadable):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in folders:
            if (here / name).is_symlink():
                raise InputError(
                    f"{str(here / name)!r} links to a folder and is not followed; put the folder itself there"
                )
        for name in sorted(names):
            file = here / name
            clip = roster.add(file.relative_to(source).as_posix())
            if clip is not None:
                _refuse_special(file)
                clips.append((file, clip))
    roster.close()
    return clips


def _refuse_unreadable(error: OSError) -> NoReturn:
    raise InputError(f"{error.filename!r} cannot be read ({error.strerror}); make it readable") from error


def _refuse_special(file: Path) -> None:
    """Raise InputError unless ``file`` is a regular file or a link to one; a pipe would never end."""
    try:
        kind = stat.S_IFMT(file.stat().st_mode)
    except OSError as error:
        _refuse_unreadable(error)
    if kind != stat.S_IFREG:
        raise InputError(f"{str(file)!r} is a pipe, a device or the like; remove or rename it")


def _copy(original: Path, file: Path) -> None:
    """Copy the bytes of ``original``, and nothing else of it, to the new ``file``."""
    try:
        file.parent.mkdir(exist_ok=True)
        with original.open("rb") as source, file.open("xb") as copy:
            if hasattr(os, "copy_file_range"):
                # The kernel shares the blocks between both files where the file system can.
                with suppress(OSError):
                    while os.copy_file_range(source.fileno(), copy.fileno(), CHUNK_BYTES):
                        pass
            shutil.copyfileobj(source, copy)  # what is left, which is all where the kernel cannot
    except OSError as error:
        raise InputError(
            f"{str(original)!r} cannot be copied to {file} ({error.strerror}); it must be readable, "
            "and there must be room on the disk"
        ) from error
