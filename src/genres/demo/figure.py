"""A song's spectrogram, and below it how probable each genre is over time."""

import io
from collections.abc import Sequence
from itertools import groupby

import librosa
import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from numpy.typing import NDArray

from genres.audio.decoding import FloatArray
from genres.demo.listening import SAMPLE_RATE, TOP_DB
from genres.prediction.lines import clock
from genres.prediction.song import Song, best_first
from genres.report.canvas import STYLE, shortened

WIDE, NARROW = 9.0, 3.6  # inches: the font is as large on a phone as on a screen
RESOLUTION = 160  # pixels an inch
MARKED_HZ = (256, 1024, 4096)
MAX_GENRES = 10  # the most probable ones, in rows of the lower part
ROW_INCHES = 0.22
MIN_CELL_INCHES = 0.5  # from which a percentage has room in a cell
DARK_FROM = 0.55  # probability from which a cell is so dark that its text is white
TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 300)  # seconds between marks
NOT_MUSIC_COLOUR = "#d9d9d9"


def draw_song(song: Song, spectrogram: FloatArray, class_names: Sequence[str], width: float) -> bytes:
    """Return the figure as PNG, ``width`` inches wide; ``spectrogram`` (n_mels, columns) is in dB."""
    rows = best_first(song)[:MAX_GENRES]
    height = 1.9 + ROW_INCHES * len(rows) + 0.9
    content = io.BytesIO()
    with mpl.style.context(STYLE, after_reset=True):  # whatever the user's matplotlibrc says
        figure = Figure(figsize=(width, height))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.9, ROW_INCHES * len(rows) + 0.3])
        _draw_spectrogram(above, spectrogram, song.windows[-1].end)
        _draw_course(below, song, rows, class_names, width)
        figure.savefig(content, format="png", dpi=RESOLUTION)
    return content.getvalue()


def _draw_spectrogram(axes: Axes, spectrogram: FloatArray, seconds: float) -> None:
    n_mels = len(spectrogram)
    axes.imshow(spectrogram, extent=(0, seconds, 0, n_mels), vmin=-TOP_DB, vmax=0)
    bands = n_mels * librosa.hz_to_mel(np.array(MARKED_HZ)) / librosa.hz_to_mel(SAMPLE_RATE / 2)
    axes.set_yticks(bands, [f"{frequency} Hz" for frequency in MARKED_HZ])
    axes.set_title("Spectrogram", loc="left", fontsize="medium")


def _draw_course(axes: Axes, song: Song, rows: Sequence[int], class_names: Sequence[str], width: float) -> None:
    """Draw a row for each genre and a column for each window; the last one begins where the one before it ends."""
    edges = np.array([0, *(window.end for window in song.windows)])
    shares = course_of(song, rows)
    axes.set_facecolor(NOT_MUSIC_COLOUR)
    axes.pcolormesh(edges, np.arange(len(rows) + 1), np.ma.masked_invalid(shares), cmap="Blues", vmin=0, vmax=1)
    has_room = width * 0.75 * np.diff(edges).min() / edges[-1] >= MIN_CELL_INCHES
    if has_room and song.probabilities is not None:
        for (row, column), share in np.ndenumerate(shares):
            if np.isfinite(share):
                middle, colour = edges[column : column + 2].mean(), "white" if share > DARK_FROM else "black"
                axes.text(middle, row + 0.5, f"{share:.0%}", color=colour, ha="center", va="center")
    column = 0
    for what, group in groupby(window.not_music for window in song.windows):
        next_column = column + len(list(group))
        if what is not None:
            middle, angle = (edges[column] + edges[next_column]) / 2, 0 if has_room else 90
            axes.text(middle, len(rows) / 2, what, rotation=angle, ha="center", va="center")
        column = next_column
    axes.set_yticks(np.arange(len(rows)) + 0.5, [shortened(class_names[row]) for row in rows])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, edges[-1])
    axes.xaxis.set_major_locator(
        MultipleLocator(next((step for step in TIME_STEPS if edges[-1] / step <= width), TIME_STEPS[-1]))
    )
    axes.xaxis.set_major_formatter(lambda seconds, _: clock(seconds))
    axes.set_xlabel("time (min:s)")
    title = "Predicted genre over time" if song.probabilities is None else "Probability over time, darker is more"
    axes.set_title(title, loc="left", fontsize="medium")


def course_of(song: Song, rows: Sequence[int]) -> NDArray[np.float64]:
    """Return how probable some classes are in each window (classes, windows), or 1 for the predicted one and else 0.

    It is NaN where there is no music.
    """
    columns = []
    for window in song.windows:
        one_hot = np.equal(rows, window.label).astype(np.float64)
        shares = one_hot if window.probabilities is None else window.probabilities[list(rows)]
        columns.append(shares if window.not_music is None else np.full(len(rows), np.nan))
    return np.stack(columns, axis=1)
