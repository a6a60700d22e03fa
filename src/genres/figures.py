"""The paper's figures and some more, as PNG files whose bytes depend on nothing but what they show."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import librosa
import matplotlib
import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from genres.artifacts import whole_file
from genres.params import Featurize
from genres.results import MODELS, TITLES

STYLE = Path(__file__).with_name("figures.mplstyle")

COLOURS = dict(zip(MODELS, ("C0", "C1", "C2", "C3"), strict=True))
MARKED_HZ = (256, 1024, 4096, 16384)
LONGEST_NAME = 24  # characters
LONGEST_LINE = 84  # characters of a note below curves


@dataclass(frozen=True)
class Spectrogram:
    """A clip's spectrogram (n_mels, frames) in dB, with what is written above it."""

    title: str
    mel: NDArray[np.float32]


@contextmanager
def new_figure(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Yield a figure of a size in inches, and write it to ``path`` as PNG."""
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(width, height))
        yield figure
        with whole_file(path) as partial:
            # Matplotlib would write its own version into the file.
            figure.savefig(partial, format="png", metadata={"Software": None})


def shortened(name: str) -> str:
    """Return a genre's name, cut to what a figure has room for."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def draw_spectrogram(path: Path, spectrogram: Spectrogram, featurize: Featurize) -> None:
    """Draw one clip's spectrogram with a bar for the dB (figures 3 and 4)."""
    with new_figure(path, 5, 2.6) as figure:
        axes = figure.subplots()
        image = _show_spectrogram(axes, spectrogram, featurize)
        axes.set(xlabel="time (s)", ylabel="frequency (Hz)")
        figure.colorbar(image, ax=axes, label="dB, 0 is the loudest point")


def draw_misjudged(path: Path, spectrograms: Sequence[Spectrogram], featurize: Featurize) -> None:
    """Draw the spectrograms of misjudged clips in two columns; without any, say so."""
    rows = max(1, (len(spectrograms) + 1) // 2)
    with new_figure(path, 5, 0.7 + 1.15 * rows) as figure:
        if not spectrograms:
            figure.text(0.5, 0.5, "no clip to show", ha="center", va="center")
            return
        grid = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
        for axes, spectrogram in zip(grid.flat, spectrograms, strict=False):
            _show_spectrogram(axes, spectrogram, featurize)
        for axes in grid.flat[len(spectrograms) :]:
            axes.set_axis_off()
        figure.supxlabel("time (s)")
        figure.supylabel("frequency (Hz)")


def _show_spectrogram(axes: Axes, spectrogram: Spectrogram, featurize: Featurize) -> AxesImage:
    n_mels, frames = spectrogram.mel.shape
    seconds = frames * featurize.hop_length / featurize.sample_rate
    image = axes.imshow(spectrogram.mel, extent=(0, seconds, 0, n_mels), vmin=-featurize.top_db, vmax=0)
    highest = featurize.sample_rate / 2
    marks = np.array([frequency for frequency in MARKED_HZ if frequency < highest])
    bands = n_mels * librosa.hz_to_mel(marks) / librosa.hz_to_mel(highest)
    axes.set_yticks(bands, [str(mark) for mark in marks])
    axes.set_title(spectrogram.title, fontsize="small")
    return image


def draw_accuracies(
    path: Path, metrics: Mapping[str, Mapping[str, Any]], chance: float, papers: Mapping[str, float], title: str
) -> None:
    """Draw each model's test accuracy with its 95 % interval, and the paper's where given (figure 5).

    Args:
        path: the PNG file to write.
        metrics: as `evaluation.score` gives them, by model.
        chance: the accuracy of always naming the most frequent genre.
        papers: the paper's accuracies, or nothing.
        title: of the figure.
    """
    with new_figure(path, 5, 3.4) as figure:
        axes = figure.subplots()
        places = np.arange(len(metrics))
        accuracies = np.array([100 * scores["accuracy"] for scores in metrics.values()])
        ends = np.array([(100 * scores["accuracy_low"], 100 * scores["accuracy_high"]) for scores in metrics.values()])
        axes.bar(places, accuracies, color=[COLOURS[model] for model in metrics], width=0.6)
        axes.errorbar(places, accuracies, np.abs(ends.T - accuracies), fmt="none", ecolor="black", capsize=5)
        for place, accuracy, (_, high) in zip(places, accuracies, ends, strict=True):
            axes.annotate(f"{accuracy:.1f} %", (place, high), (0, 4), textcoords="offset points", ha="center")
        if papers:
            heights = [100 * papers[model] for model in metrics]
            axes.scatter(places - 0.2, heights, marker="D", color="black", zorder=3, label="the paper's (one run)")
        axes.axhline(100 * chance, color="grey", linestyle="dotted", label="always naming the most frequent genre")
        axes.set_xticks(places, [TITLES[model] for model in metrics])
        axes.set(ylim=(0, 105), ylabel="test accuracy (%), with 95 % interval", title=title)
        axes.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.1))


def draw_curves(path: Path, histories: Mapping[str, pd.DataFrame], notes: Mapping[str, str], title: str) -> None:
    """Draw loss over accuracy, train and test, for each epoch of some networks (figures 6 to 9).

    A dot marks each network's smallest test loss.

    Args:
        path: the PNG file to write.
        histories: for each network a table with ``train_loss``, ``test_loss``, ``train_accuracy`` and
            ``test_accuracy``, its index the epoch.
        notes: what is said of each network below the curves.
        title: of the figure.
    """
    said = [textwrap.fill(note, LONGEST_LINE, subsequent_indent="    ") for note in notes.values()]
    below = "\n".join([*said, "Dots mark the smallest test loss."])
    with new_figure(path, 5, 4.8 + 0.16 * (below.count("\n") + 1)) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True)
        for model, history in histories.items():
            for subset, line in (("train", "dashed"), ("test", "solid")):
                style = {"color": COLOURS[model], "linestyle": line, "label": f"{TITLES[model]}, {subset}"}
                upper.plot(history.index, history[f"{subset}_loss"], **style)
                lower.plot(history.index, 100 * history[f"{subset}_accuracy"], **style)
            best = int(history.test_loss.argmin())
            upper.scatter(
                history.index[best], history.test_loss.iloc[best], color=COLOURS[model], edgecolor="black", zorder=3
            )
        upper.set(ylabel="cross entropy (nats)", title=title, ylim=(0, None))
        lower.set(ylabel="accuracy (%)", ylim=(0, 100), xlabel="epoch")
        figure.supxlabel(below, x=0.01, ha="left", fontsize="small")
        upper.legend(ncols=max(1, len(histories)), fontsize="small")


def draw_confusion(path: Path, counts: NDArray[np.int64], genres: Sequence[str], title: str) -> None:
    """Draw a confusion matrix with its counts and, behind each actual genre, its recall (figure 10)."""
    names = [shortened(genre) for genre in genres]
    side = 1.2 + 0.3 * len(names) + 0.08 * max(len(name) for name in names)
    with new_figure(path, side + 0.4, side) as figure:
        axes = figure.subplots()
        clips = counts.sum(axis=1)
        shares = counts / np.maximum(clips, 1)[:, None]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, origin="upper", aspect="equal")
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
        for row, (right, of_genre) in enumerate(zip(counts.diagonal(), clips, strict=True)):
            recall = f"{right / of_genre:.0%}" if of_genre else "n/a"
            axes.text(len(genres) - 0.35, row, recall, va="center", fontsize=8)
        axes.text(len(genres) - 0.35, -0.9, "recall", va="center", fontsize=8)
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="predicted", ylabel="actual", title=title)


def draw_agreement(path: Path, models_right: NDArray[np.int64], actual: Sequence[str], models: int, title: str) -> None:
    """Draw, for each genre, how many of its test clips none, some or all of the models judged right.

    Args:
        path: the PNG file to write.
        models_right: for each test clip, the number of models that judged it right, shape (clips,).
        actual: for each test clip, its genre.
        models: number of models.
        title: of the figure.
    """
    genres = sorted(set(actual), reverse=True)
    table = pd.crosstab(pd.Series(list(actual)), models_right).reindex(index=genres, columns=range(models + 1))
    counts = table.fillna(0).to_numpy(int)
    with new_figure(path, 5, 1.6 + 0.26 * len(genres)) as figure:
        axes = figure.subplots()
        left = np.zeros(len(genres), int)
        colours = matplotlib.colormaps["cividis"](np.linspace(0, 1, models + 1))
        for number, colour in enumerate(colours):
            label = {0: "none", models: "all"}.get(number, str(number))
            bars = axes.barh(range(len(genres)), counts[:, number], left=left, color=colour, label=label)
            ink = "white" if number <= models // 2 else "black"
            axes.bar_label(
                bars,
                [str(count) if count else "" for count in counts[:, number]],
                label_type="center",
                color=ink,
                fontsize=8,
            )
            left += counts[:, number]
        axes.set_yticks(range(len(genres)), [shortened(genre) for genre in genres])
        axes.set(xlabel="test clips", title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(title="models that are right", ncols=models + 1, loc="upper center", bbox_to_anchor=(0.5, -0.18))
