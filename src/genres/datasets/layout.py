"""Which files of a folder or an archive are clips, and of which genre: rules on their paths alone."""

import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from genres.audio import AUDIO_EXTENSIONS, NOT_AUDIO
from genres.core.errors import InputError

EXPECTED = f"<genre>/<clip>.<extension>, the extension one of {', '.join(AUDIO_EXTENSIONS)}"

# Control characters, halves of surrogate pairs (bytes that are no UTF-8) and the two Unicode line ends: they would
# break the rows of clips.csv and what a terminal shows.
REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Skipped(NamedTuple):
    """A file of a data set that is no clip, though nothing is wrong with it: a row of ``skipped.csv``."""

    path: str  # in the folder or archive; of an excluded clip, ``<genre>/<clip>.<ext>``
    reason: str


def split_path(path: str) -> list[str]:
    """Return the names that make up the relative POSIX path ``path``, without the empty ones and ".".

    Raises:
        InputError: the path is absolute or climbs with ``..``.
    """
    names = [name for name in path.split("/") if name not in ("", ".")]
    if path.startswith("/") or ".." in names:
        raise InputError(f"{path!r} escapes its folder; expected a relative path without '..'")
    return names


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder of this name is not meant to be seen, or is what macOS adds to a zip."""
    return name.startswith(".") or name == "__MACOSX"


def clip_at(path: str, depth: int | None) -> PurePosixPath | Skipped:
    """Return ``<genre>/<clip>.<extension>`` for the file at the relative POSIX path ``path``, or why it is no clip.

    The genre is the folder at ``depth``, counted from 1, and the names of folders between it and the file become part
    of the clip's name. If the depth is None, the genre is the folder that directly holds the file.

    Raises:
        InputError: the file is audio without a genre, or its genre or name cannot be kept.
    """
    names = split_path(path)
    if not names:
        raise InputError(f"a file has the name {path!r}; expected {EXPECTED}")
    if any(is_hidden(name) for name in names):
        return Skipped(path, "hidden")
    if PurePosixPath(names[-1]).suffix.lower().removeprefix(".") not in AUDIO_EXTENSIONS:
        return Skipped(path, NOT_AUDIO)
    level = len(names) - 1 if depth is None else depth
    if not 1 <= level < len(names):
        where = "in no genre's folder" if depth is None else f"above the level {depth} that `dataset.depth` says"
        raise InputError(f"{path!r} lies {where}; expected {EXPECTED}")
    clip = PurePosixPath(names[level - 1], " - ".join(names[level:]))
    if any(unicodedata.category(character) in REFUSED_CATEGORIES for character in str(clip)):
        raise InputError(
            f"{path!r} has control characters or bytes that are not UTF-8 in its name; rename file or folder"
        )
    return clip


class Roster:
    """All that one source holds: it is shown every file once, and refuses what could be mixed up later.

    Upper and lower case and Unicode's several ways to write one character tell no two names apart, for on many file
    systems they do not.
    """

    def __init__(self, depth: int | None = None) -> None:
        self.skipped: list[Skipped] = []
        self._depth = depth
        self._genres: dict[str, tuple[str, str]] = {}  # folded genre -> genre, path of its first clip
        self._clips: dict[str, str] = {}  # folded <genre>/<clip> -> path

    def add(self, path: str) -> PurePosixPath | None:
        """Return <genre>/<clip>.<extension> for the clip at ``path``, or None after noting that it is skipped.

        Raises:
            InputError: the path breaks the layout, or another file is this clip already.
        """
        clip = clip_at(path, self._depth)
        if isinstance(clip, Skipped):
            self.skipped.append(clip)
            return None
        beginning = next(iter(self._clips.values()), path)
        if self._depth is None and _folders(path)[:-1] != _folders(beginning)[:-1]:
            levels = ", ".join(f"{level} for {name!r}" for level, name in enumerate(_folders(path), 1))
            raise InputError(
                f"{beginning!r} and {path!r} lie in folders that are not side by side, so it is not clear which "
                f"folders are the genres. Set `dataset.depth` to the level of the genres: {levels}"
            )
        genre, first = self._genres.setdefault(_fold(clip.parent.name), (clip.parent.name, path))
        if genre != clip.parent.name:
            raise InputError(
                f"the genres {genre!r} (of {first!r}) and {clip.parent.name!r} (of {path!r}) differ only by case "
                "or by how Unicode writes them; rename one of the two folders"
            )
        key = _fold(str(clip.with_suffix("")))
        if key in self._clips:
            raise InputError(
                f"{self._clips[key]!r} and {path!r} would be the same clip of the genre {genre!r}, as "
                "neither extension nor case nor folders above the genre distinguish clips; rename one"
            )
        self._clips[key] = path
        return clip

    def close(self) -> None:
        """Print in one line on standard error what was skipped and why, if anything was.

        Raises:
            InputError: there was no clip at all.
        """
        paths: defaultdict[str, list[str]] = defaultdict(list)
        for path, reason in self.skipped:
            paths[reason].append(path)
        skipped = "; ".join(f"{len(found)} {reason}, e.g. {found[0]!r}" for reason, found in paths.items())
        if not self._clips:
            raise InputError(f"holds no clip; expected {EXPECTED}; found {skipped or 'no file'}")
        if skipped:
            print(f"files skipped, all listed in skipped.csv: {skipped}", file=sys.stderr)


@contextmanager
def naming(source: Path) -> Iterator[None]:
    """Put the folder or archive ``source`` in front of the message of an InputError that is raised within."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{source}: {error}") from error


def _folders(path: str) -> list[str]:
    return split_path(path)[:-1]


def _fold(name: str) -> str:
    """Return what is left of ``name`` when case and the way that Unicode writes it do not count."""
    return unicodedata.normalize("NFC", name.casefold())
