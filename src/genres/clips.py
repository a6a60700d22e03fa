"""The list of clips: what each file in the audio folder holds, and whether it can be used."""

import sys
from pathlib import Path

import pandas as pd

from genres.artifacts import file_sha256
from genres.audio import UnreadableAudioError, decode
from genres.errors import InputError
from genres.parallel import map_in_processes
from genres.tables import CLIPS, OK, UNREADABLE


def list_clips(folder: Path, processes: int) -> pd.DataFrame:
    """Decode every ``<genre>/<clip>.<ext>`` in ``folder`` and describe it.

    Returns:
        A row for each file, sorted by genre and clip, with `tables.CLIPS` as text. ``path`` is relative to
        ``folder``. Where ``status`` is "unreadable", ``reason`` says why, and ``seconds`` and ``sample_rate``
        (Hz) are empty.
    """
    files = sorted(
        ((folder, path.relative_to(folder)) for path in folder.glob("*/*")),
        key=lambda file: (file[1].parent.name, file[1].stem),
    )
    return pd.DataFrame(map_in_processes(_describe, files, processes, "checking"), columns=CLIPS)


def _describe(file: tuple[Path, Path]) -> dict[str, str]:
    folder, path = file
    row = {
        "clip": path.stem,
        "genre": path.parent.name,
        "path": path.as_posix(),
        "seconds": "",
        "sample_rate": "",
        "sha256": file_sha256(folder / path),
        "status": OK,
        "reason": "",
    }
    try:
        samples, sample_rate = decode(folder / path)
    except UnreadableAudioError as error:
        return row | {"status": UNREADABLE, "reason": str(error)}
    return row | {"seconds": f"{samples.size / sample_rate:.3f}", "sample_rate": str(sample_rate)}


def require_genres(clips: pd.DataFrame) -> None:
    """Refuse a list of clips that nothing can be learned from, and warn of the unreadable ones in it.

    Raises:
        InputError: there are fewer than two genres, or one has no readable clip.
    """
    for genre, rows in clips.groupby("genre"):
        if not (rows.status == OK).any():
            first = rows.iloc[0]
            raise InputError(
                f"None of the {len(rows)} clips of the genre {genre!r} can be read: {first.path}, for one, has "
                f"{first.reason}. Mend them, or leave the genre out."
            )
    if clips.genre.nunique() < 2:
        raise InputError(
            f"Only one genre was found: {clips.genre.iloc[0]!r}. To tell genres apart takes at least two folders, "
            "<genre>/<clip>.<ext>."
        )
    unreadable = clips[clips.status == UNREADABLE]
    if len(unreadable):
        first = unreadable.iloc[0]
        print(
            f"warning: {len(unreadable)} of {len(clips)} clips are unreadable and left out ({first.path}: "
            f"{first.reason}); clips.csv has the reasons",
            file=sys.stderr,
        )
