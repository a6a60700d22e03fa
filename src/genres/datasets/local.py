"""The user's own clips, copied out of a folder or an archive that is laid out <genre>/<clip>.<extension>."""

import os
import stat
from concurrent.futures import Executor
from pathlib import Path, PurePosixPath
from typing import NoReturn

from genres.core.errors import InputError
from genres.core.files import expand_home
from genres.core.progress import Progress
from genres.datasets.archives import extract_clips
from genres.datasets.description import DatasetDescription
from genres.datasets.layout import Roster, Skipped, is_hidden, naming
from genres.schema import Dataset

SOURCES = "a folder, or a tar, tar.gz or zip file"
CHUNK_BYTES = 2**20


def copy_clips(source: Path, folder: Path, depth: int | None = None) -> list[Skipped]:
    """Copy the clips of ``source`` to the empty ``folder`` as <genre>/<clip>.<extension>, their bytes untouched.

    ``source`` is a folder, or a tar or zip file; it is only ever read. The ``depth`` of the genres is as in
    `layout.clip_at`. Returned are the files that were skipped.

    Raises:
        InputError: ``source`` cannot be read or breaks the layout, or one of the two folders lies in the other.
            ``folder`` may then hold some of the clips.
    """
    with naming(source):
        try:
            mode = source.stat().st_mode
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
            why = getattr(error, "strerror", None) or error
            raise InputError(f"cannot be found ({why}); expected {SOURCES}") from error
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            raise InputError(f"is neither a folder nor a file; expected {SOURCES}")
    if stat.S_ISREG(mode):
        return extract_clips(source, folder, depth)
    with naming(source):
        read, written = source.resolve(), folder.resolve()
        if read.is_relative_to(written) or written.is_relative_to(read):  # a copy would be found again, or overwritten
            raise InputError(
                f"overlaps with {folder}, where its clips are to be copied; keep them in a folder apart from it"
            )
        clips, skipped = _find_clips(source, depth)
        with Progress(len(clips), "copy", "clips") as progress:
            for original, clip in clips:
                _copy(original, folder / clip)
                progress.advance()
    return skipped


def _find_clips(source: Path, depth: int | None) -> tuple[list[tuple[Path, PurePosixPath]], list[Skipped]]:
    """Return the clips below ``source``, sorted by folder, with where they are copied to; and what is skipped."""
    roster = Roster(depth)
    clips = []
    for parent, folders, names in os.walk(source, onerror=_refuse_unreadable):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for inner in (here / name for name in folders):
            if inner.is_symlink():
                raise InputError(f"{str(inner)!r} links to a folder and is not followed; put the folder itself there")
        for file in (here / name for name in sorted(names)):
            clip = roster.add(file.relative_to(source).as_posix())
            if clip is None:
                continue
            try:
                mode = file.stat().st_mode
            except OSError as error:
                _refuse_unreadable(error)
            if not stat.S_ISREG(mode):  # reading a pipe would never end
                raise InputError(f"{str(file)!r} is a pipe, a device or the like; remove or rename it")
            clips.append((file, clip))
    roster.close()
    return clips, roster.skipped


def _refuse_unreadable(error: OSError) -> NoReturn:
    raise InputError(f"{error.filename!r} cannot be read ({error.strerror}); make it readable") from error


def _copy(original: Path, file: Path) -> None:
    """Copy the bytes of ``original``, and nothing else of it, to the new ``file``: no more than it has at first."""
    try:
        file.parent.mkdir(exist_ok=True)
        with original.open("rb") as source, file.open("wb") as copy:
            missing = os.fstat(source.fileno()).st_size
            while chunk := source.read(min(missing, CHUNK_BYTES)):
                missing -= copy.write(chunk)
            grown = source.read(1)
    except OSError as error:
        raise InputError(
            f"{str(original)!r} cannot be copied to {file} ({error.strerror}); it must be readable, "
            "and there must be room on the disk"
        ) from error
    if missing or grown:
        raise InputError(f"{str(original)!r} changes while it is copied; try again when nothing writes to it")


def _obtain(dataset: Dataset, folder: Path, executor: Executor) -> list[Skipped]:
    if dataset.path is None:
        raise InputError(
            "`dataset.path` is null. With `dataset.name: local` it is the folder or the archive (tar, tar.gz, zip) "
            "with your clips."
        )
    return copy_clips(expand_home(dataset.path, "dataset.path"), folder, dataset.depth)


DESCRIPTION = DatasetDescription(
    title="your own clips",
    source=lambda dataset: f"your own: {Path(dataset.path or '').name}",
    obtain=_obtain,
)
