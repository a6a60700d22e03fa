"""What is printed of a song: text for people, JSON and CSV for programs."""

import csv
import io
import json
from collections.abc import Sequence
from itertools import groupby

from genres.prediction.song import Song, Window, best_first
from genres.prediction.sources import shown_name

N_SHOWN = 3  # genres, the most probable ones


def format_text(name: str, song: Song, class_names: Sequence[str]) -> str:
    """Return the genre, the probabilities of the best three, and how the prediction changes over the song."""
    return f"{shown_name(name)}: {_verdict(song, class_names)}\n  {course(song.windows, class_names)}"


def _verdict(song: Song, class_names: Sequence[str]) -> str:
    if song.not_music is not None:
        return f"{song.not_music}, not music"
    if song.probabilities is None:
        return f"{class_names[song.label]} (this model has no probabilities)"
    genres = ", ".join(f"{class_names[label]} {song.probabilities[label]:.0%}" for label in best_first(song)[:N_SHOWN])
    return f"not sure: {genres}" if song.is_unsure else genres


def course(windows: Sequence[Window], class_names: Sequence[str]) -> str:
    """Return which genre was predicted from when to when, as "0:00-1:30 jazz, 1:30-3:12 blues"."""
    parts = []
    for what, group in groupby(windows, lambda window: window.not_music or class_names[window.label]):
        first, *rest = group
        parts.append(f"{clock(first.start)}-{clock((rest or [first])[-1].end)} {what}")
    return ", ".join(parts)


def clock(seconds: float) -> str:
    """Return a time as "3:12" or "1:03:12"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def format_json(name: str, song: Song, class_names: Sequence[str], model: str, is_synthetic: bool) -> str:
    """Return one line of JSON; a name that is no text has lone surrogates, as Python's file names do."""

    def by_genre(item: Song | Window) -> dict[str, float] | None:
        if item.probabilities is None:
            return None
        return dict(zip(class_names, item.probabilities.tolist(), strict=True))

    windows = [
        {
            "start": window.start,
            "end": window.end,
            "genre": None if window.not_music else class_names[window.label],
            "not_music": window.not_music,
            "probabilities": by_genre(window),
        }
        for window in song.windows
    ]
    return json.dumps(
        {
            "file": name,
            "genre": None if song.not_music else class_names[song.label],
            "sure": _is_sure(song),
            "not_music": song.not_music,
            "probabilities": by_genre(song),
            "windows": windows,
            "model": model,
            "trained_on_synthetic_clips": is_synthetic,
        }
    )


def _is_sure(song: Song) -> bool | None:
    """Return whether a genre is named without doubt; None if the model has no probabilities to tell."""
    if song.not_music is None and song.probabilities is None:
        return None
    return song.not_music is None and not song.is_unsure


def csv_header(class_names: Sequence[str]) -> str:
    """Return the header of the lines of `format_csv`."""
    return _csv_line(["file", "genre", "sure", "not_music", *class_names])


def format_csv(name: str, song: Song, class_names: Sequence[str]) -> str:
    """Return one line of CSV, with the probability of each genre where the model has them."""
    genre = "" if song.not_music else class_names[song.label]
    sure = {True: "yes", False: "no", None: ""}[_is_sure(song)]
    probabilities = [""] * len(class_names) if song.probabilities is None else map(repr, song.probabilities.tolist())
    return _csv_line([shown_name(name), genre, sure, song.not_music or "", *probabilities])


def _csv_line(values: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()
