"""Which files of a folder or an archive are clips, and of which genre: rules on their paths alone."""

import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from genres.errors import InputError

AUDIO_EXTENSIONS = frozenset({".wav", ".au", ".flac", ".ogg", ".mp3"})
EXPECTED = "<genre>/<clip>.<extension>, the extension one of wav, au, flac, ogg, mp3"

# Control characters, halves of surrogate pairs (bytes that are no UTF-8) and the two Unicode line ends: they
# would break the rows of clips.csv and what a terminal shows.
REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Clip(NamedTuple):
    """Where a clip belongs: in the folder ``genre``, under the file name ``name``."""

    genre: str
    name: str


class LeftOut(Enum):
    """Why a file is no clip, though nothing is wrong with it."""

    HIDDEN = "hidden"
    NOT_AUDIO = "no audio"


def split_path(path: str) -> list[str]:
    """Return the names that make up the relative POSIX path ``path``, without the empty ones and ".".

    Raises:
        InputError: the path is absolute or climbs with ``..``.
    """
    names = [name for name in path.split("/") if name not in ("", ".")]
    if path.startswith("/") or ".." in names:
        raise InputError(f"{path!r} leads out of the place it is in; expected a relative path without '..'")
    return names


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder of this name is not meant to be seen, or is what macOS adds to a zip."""
    return name.startswith(".") or name == "__MACOSX"


def clip_at(path: str) -> Clip | LeftOut:
    """Return the clip that the file at the relative POSIX path ``path`` is, or why it is none.

    The genre is the name of the folder that directly holds the file, at whatever depth.

    Raises:
        InputError: the file is audio without a genre, or its genre or name cannot be kept.
    """
    names = split_path(path)
    if not names:
        raise InputError(f"a file has the name {path!r}; expected {EXPECTED}")
    if any(is_hidden(name) for name in names):
        return LeftOut.HIDDEN
    if PurePosixPath(names[-1]).suffix.lower() not in AUDIO_EXTENSIONS:
        return LeftOut.NOT_AUDIO
    if len(names) == 1:
        raise InputError(f"{path!r} lies in no genre's folder; expected {EXPECTED}")
    clip = Clip(*names[-2:])
    if any(unicodedata.category(character) in REFUSED_CATEGORIES for character in clip.genre + clip.name):
        raise InputError(
            f"{path!r} has control characters or bytes that are no UTF-8 in its name; rename file or folder"
        )
    return clip


class Roster:
    """All that one source holds: it is shown every file once, and refuses what could be mixed up later.

    Upper and lower case and Unicode's several ways to write one character tell no two names apart, for on
    many file systems they do not.
    """

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._genres: dict[str, tuple[str, str]] = {}  # folded genre -> genre, path of its first clip
        self._clips: dict[tuple[str, str], str] = {}  # folded genre, folded clip name -> path
        self._left_out: dict[LeftOut, list[str]] = {}  # reason -> paths

    def add(self, path: str) -> Clip | None:
        """Return the clip at ``path``, or None after noting that the file is left out.

        Raises:
            InputError: the path breaks the layout, or another file is this clip already.
        """
        clip = clip_at(path)
        if isinstance(clip, LeftOut):
            self._left_out.setdefault(clip, []).append(path)
            return None
        genre, first = self._genres.setdefault(_fold(clip.genre), (clip.genre, path))
        if genre != clip.genre:
            raise InputError(
                f"the genres {genre!r} (of {first!r}) and {clip.genre!r} (of {path!r}) differ only by case "
                "or by how Unicode writes them; rename one of the two folders"
            )
        key = _fold(clip.genre), _fold(PurePosixPath(clip.name).stem)
        if key in self._clips:
            raise InputError(
                f"{self._clips[key]!r} and {path!r} would be the same clip of the genre {genre!r}, as "
                "neither extension nor case nor folders above the genre tell clips apart; rename one"
            )
        self._clips[key] = path
        return clip

    def close(self) -> None:
        """Print in one line on standard error what was left out and why, if anything was.

        Raises:
            InputError: there was no clip at all.
        """
        left_out = ", ".join(
            f"{len(paths)} as {reason.value}, e.g. {paths[0]!r}" for reason, paths in self._left_out.items()
        )
        if not self._clips:
            raise InputError(f"holds no clip; expected {EXPECTED}; found {left_out or 'no file'}")
        if left_out:
            print(f"files left out: {left_out}", file=sys.stderr)


@contextmanager
def naming(source: Path) -> Iterator[None]:
    """Put the folder or archive ``source`` in front of the message of an InputError that is raised within."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{source}: {error}") from error


def _fold(name: str) -> str:
    """Return what is left of ``name`` when case and the way that Unicode writes it do not count."""
    return unicodedata.normalize("NFC", name.casefold())
