"""The figures, as PNG files whose bytes depend on nothing but what they show."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from genres.artifacts import whole_file
from genres.results import NETWORKS, TITLES, data_title, leakage_note, paper_accuracies

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS = {"linear": "#0072B2", "simple": "#E69F00", "complex": "#009E73"}

# A genre may be called "$x$". Texts look at this when they are made, not when they are drawn.
_in_plain_text = matplotlib.rc_context({"text.parse_math": False})

LONGEST_NAME = 24  # characters of a genre; longer ones would leave the matrix no room


@_in_plain_text
def draw_accuracies(
    path: Path, metrics: Mapping[str, Mapping[str, Any]], dataset_name: str, clips: int, leaked: int
) -> None:
    """Draw a bar for each network's test accuracy, with the paper's as a line where it may be compared (figure 5)."""
    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    accuracies = [100 * metrics[name]["accuracy"] for name in NETWORKS]
    bars = axes.bar([TITLES[name] for name in NETWORKS], accuracies, color=[COLOURS[name] for name in NETWORKS])
    axes.bar_label(bars, fmt="%.1f %%", padding=3)
    paper = paper_accuracies(dataset_name)
    if paper:
        places = np.arange(len(NETWORKS))
        heights = [100 * paper[name] for name in NETWORKS]
        axes.hlines(heights, places - 0.4, places + 0.4, "black", "dashed", label="the paper's")
    genres = len(metrics[NETWORKS[0]]["recall"])
    axes.axhline(100 / genres, color="grey", linestyle="dotted", label=f"chance ({genres} genres)")
    title = _titled(f"{clips} test clips of {data_title(dataset_name)}", leaked)
    axes.set(ylim=(0, 100), ylabel="test accuracy (%)", title=title)
    axes.legend()
    _save(figure, path)


@_in_plain_text
def draw_confusions(
    path: Path, confusions: Mapping[str, NDArray[np.int64]], genres: Sequence[str], dataset_name: str, leaked: int
) -> None:
    """Draw each network's confusion matrix with its counts, actual genres in rows (figure 10)."""
    names = [genre if len(genre) <= LONGEST_NAME else f"{genre[: LONGEST_NAME - 1]}…" for genre in genres]
    side = 1.1 + 0.08 * max(map(len, names)) + 0.32 * len(names)
    figure = Figure(figsize=(side * len(confusions), side + 0.6), layout="constrained")
    for axes, (name, counts) in zip(figure.subplots(1, len(confusions)), confusions.items(), strict=True):
        _draw_confusion(axes, counts, names)
        axes.set_title(TITLES[name])
    figure.suptitle(_titled(f"Test clips of {data_title(dataset_name)}", leaked))
    _save(figure, path)


def _titled(title: str, leaked: int) -> str:
    return f"{title}\n{leakage_note(leaked)}" if leaked else title


def _draw_confusion(axes: Axes, counts: NDArray[np.int64], genres: Sequence[str]) -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(genres)), genres, rotation=90)
    axes.set_yticks(range(len(genres)), genres)
    axes.set(xlabel="predicted", ylabel="actual")


def _save(figure: Figure, path: Path) -> None:
    with whole_file(path) as partial:
        # Matplotlib would write its own version into the file.
        figure.savefig(partial, format="png", dpi=120, metadata={"Software": None})
