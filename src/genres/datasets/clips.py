"""The list of clips: what each file in the audio folder holds, and whether it can be used."""

import sys
from collections.abc import Collection
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import pandas as pd

from genres.audio.decoding import UnreadableAudioError, decode, require_sound_at
from genres.core.columns import CLIPS, OK, SKIPPED, UNREADABLE
from genres.core.errors import InputError
from genres.core.files import file_sha256
from genres.datasets.layout import Skipped
from genres.parallel import ordered_map


def list_clips(folder: Path, sample_rate: int, executor: Executor) -> pd.DataFrame:
    """Decode every ``<genre>/<clip>.<ext>`` in ``folder`` and describe it.

    A clip counts as silent if nothing is left of it at ``sample_rate`` Hz, at which it will be used.

    Returns:
        A row for each file, sorted by genre and clip, with `columns.CLIPS` as text. ``path`` is relative to
        ``folder``. Where ``status`` is "unreadable", ``reason`` says why, and ``seconds`` and ``sample_rate`` (Hz)
        are empty; otherwise ``reason`` says what is odd about the file, if anything is.
    """
    files = (file.relative_to(folder) for file in folder.glob("*/*"))
    paths = sorted(files, key=lambda path: (path.parent.name, path.stem))
    return pd.DataFrame(
        ordered_map(partial(_describe, folder, sample_rate), paths, executor, "checking"), columns=CLIPS
    )


def _describe(folder: Path, used_rate: int, path: Path) -> dict[str, str]:
    row = {
        "clip_id": f"{path.parent.name}/{path.stem}",
        "genre": path.parent.name,
        "path": path.as_posix(),
        "seconds": "",
        "sample_rate": "",
        "sha256": file_sha256(folder / path),
        "status": OK,
        "reason": "",
    }
    try:
        samples, sample_rate, note = decode(folder / path)
        require_sound_at(samples, sample_rate, used_rate)
    except UnreadableAudioError as error:
        return row | {"status": UNREADABLE, "reason": str(error)}
    return row | {"seconds": f"{samples.size / sample_rate:.3f}", "sample_rate": str(sample_rate), "reason": note}


def list_skipped(skipped: Collection[Skipped]) -> pd.DataFrame:
    """Return a table of the files that are no clips, with `columns.SKIPPED`, sorted by path.

    Bytes of a path that are no UTF-8 are escaped.
    """
    table = pd.DataFrame(sorted(skipped), columns=SKIPPED)
    return table.assign(path=[path.encode("utf-8", "backslashreplace").decode("utf-8") for path in table.path])


def require_genres(clips: pd.DataFrame) -> None:
    """Refuse a list of clips that nothing can be learned from, and warn of the unreadable ones in it.

    Raises:
        InputError: there are fewer than two genres, or one has no readable clip.
    """
    for genre, rows in clips.groupby("genre"):
        if not (rows.status == OK).any():
            first = rows.iloc[0]
            raise InputError(
                f"None of the {len(rows)} clips of the genre {genre!r} can be read; for example, {first.path}: "
                f"{first.reason}. Repair them, or leave the genre out."
            )
    if clips.genre.nunique() < 2:
        raise InputError(
            f"Only one genre was found: {clips.genre.iloc[0]!r}. Classification takes at least two folders, "
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
    odd = clips[(clips.status == OK) & (clips.reason != "")]
    if len(odd):
        first = odd.iloc[0]
        print(f"note: {len(odd)} clips are used though they are odd ({first.path}: {first.reason})", file=sys.stderr)
