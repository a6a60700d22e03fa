"""The files that a user names: alone, in folders, or on standard input, each with audio or with a reason why not."""

import os
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import soundfile

from genres.audio import AUDIO_EXTENSIONS
from genres.audio.decoding import Decoded, UnreadableAudioError, decode_blocks
from genres.audio.headers import open_audio
from genres.prediction.ffmpeg import EXTENSIONS, decode_with_ffmpeg, find_format

STANDARD_INPUT = "-"
SOUGHT = {f".{extension}" for extension in (*AUDIO_EXTENSIONS, "aif", "aiff", *EXTENSIONS)}  # in folders


def list_files(names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the audio files that are named or are in named folders, in order, and why some names give none.

    Folders are searched with all folders below them, links included, each folder once; in them, files are found by
    extension, and hidden ones are left out. A file that is named is taken whatever its name. A pipe is read only if it
    is named, because nobody may ever write into it.
    """
    files: list[str] = []
    problems: dict[str, str] = {}
    for name in names:
        if name == STANDARD_INPUT or not os.path.isdir(name):  # noqa: PTH112
            files.append(name)
        elif found := list(_search(name, problems)):
            files += found
        else:
            problems.setdefault(name, "a folder without audio files")
    return list(dict.fromkeys(files)), problems


def _search(top: str, problems: dict[str, str]) -> Iterator[str]:
    def note(error: OSError) -> None:
        problems[os.fspath(error.filename)] = error.strerror or str(error)

    seen = set()
    for folder, below, names in os.walk(top, onerror=note, followlinks=True):
        status = os.stat(folder)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            below.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        below.sort()
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SOUGHT:  # noqa: PTH122
                path = os.path.join(folder, name)  # noqa: PTH118
                if is_regular(path) or not os.path.exists(path):  # noqa: PTH110, whoever reads it says what is wrong
                    yield path
                else:
                    problems[path] = "not a regular file"


def is_regular(name: str) -> bool:
    """Return whether a name is that of a file that can be read from any place, and by any process."""
    return name != STANDARD_INPUT and os.path.isfile(name)  # noqa: PTH113


def announced_seconds(path: Path) -> float:
    """Return how long a file says that it is, or 0 if it does not say, or if libsndfile does not know it."""
    if path.stat().st_size == 0:
        return 0.0
    try:
        with open_audio(path) as (file, n_samples):
            return float((n_samples or 0) / file.samplerate)
    except soundfile.LibsndfileError:
        return 0.0


def read_blocks(name: str) -> Iterator[Decoded]:
    """Yield the audio of a file, or of standard input, as `decoding.decode_blocks` does.

    What libsndfile does not know is decoded by ffmpeg.

    Raises:
        UnreadableAudioError: it has no usable audio.
        OSError: it cannot be read.
    """
    with _regular_file(name) as path:
        file_format = find_format(path)
        if file_format is None:
            yield from decode_blocks(path)
        else:
            yield from decode_with_ffmpeg(path, file_format)


@contextmanager
def _regular_file(name: str) -> Iterator[Path]:
    """Yield the path of a file that can be read from any place: what a pipe brings is written to a temporary file."""
    if name != STANDARD_INPUT:
        mode = os.stat(name).st_mode  # noqa: PTH116
        if stat.S_ISREG(mode):
            yield Path(name)
            return
        if not stat.S_ISFIFO(mode):
            raise UnreadableAudioError("neither a file nor a pipe")
    with NamedTemporaryFile(prefix="genres-") as copy:
        if name == STANDARD_INPUT and sys.stdin is None:
            raise UnreadableAudioError("standard input is closed")
        if name == STANDARD_INPUT:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        else:
            with Path(name).open("rb") as pipe:
                shutil.copyfileobj(pipe, copy)
        copy.flush()
        yield Path(copy.name)


def shown_name(name: str) -> str:
    """Return a file's name as it can be printed on one line: bytes that are no text and control characters escaped."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
