"""The paper's figures and some more, as PNG files whose bytes depend on nothing but what they show."""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import librosa
import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from genres.core.columns import clip_name
from genres.evaluation.scores import clips_in_test, confusion_counts, is_correct
from genres.report.canvas import new_figure, shortened, tick_labels
from genres.report.cnn_study import PAPER, SIMPLE, CnnStudy
from genres.report.examples import ExampleClip, MisclassifiedClip
from genres.report.facts import baseline_accuracy, curve_note, leakage_note
from genres.report.models import MODELS
from genres.report.paper import comparable_results
from genres.report.results import Results, Row
from genres.report.run_study_figures import draw_accuracies_of_runs, draw_epochs, draw_mean_curves
from genres.report.studies import Studies
from genres.report.svm_study import SvmStudy
from genres.schema import Featurize, Params

MARKED_HZ = (256, 1024, 4096, 16384)
MAX_LINE = 84  # characters of a note below curves

Mel = NDArray[np.float32]  # a clip's spectrogram in dB, (n_mels, frames)


def draw_figures(
    folder: Path,
    results: Results,
    examples: Sequence[ExampleClip],
    misclassified: Sequence[MisclassifiedClip],
    spectrograms: Sequence[Mel],
    studies: Studies,
    params: Params,
) -> None:
    """Draw every figure into an existing folder; ``spectrograms`` are those of the examples, then the misclassified."""
    data_title = "\n".join(filter(None, (results.dataset["title"], leakage_note(results.n_leaked))))
    test = clips_in_test(next(iter(results.predictions.values())))
    title = f"{len(test)} test clips, {data_title}"

    papers = comparable_results(results.dataset, params.split.method)
    paper_accuracies = {model: result.test_accuracy for model, result in papers.items()}
    baseline = baseline_accuracy(results.clips)
    draw_accuracies(folder / "accuracy.png", results.scores, baseline, paper_accuracies, title)

    n_correct = np.sum([is_correct(clips_in_test(found)) for found in results.predictions.values()], axis=0)
    draw_agreement(folder / "agreement.png", n_correct, list(test.genre), len(results.predictions), title)

    for model, predictions in results.predictions.items():
        counts = confusion_counts(clips_in_test(predictions), results.class_names)
        path = folder / f"confusion_{model}.png"
        draw_confusion(path, counts, results.class_names, f"{MODELS[model].full_title}\n{title}")

    together = {"": results.curves} if len(results.curves) > 1 else {}
    each = {f"_{model}": {model: curves} for model, curves in results.curves.items()}
    for suffix, curves in (together | each).items():
        notes = [curve_note(MODELS[model].title, results.convergence[model]) for model in curves]
        names = ", ".join(MODELS[model].title for model in curves)
        draw_curves(folder / f"curves{suffix}.png", curves, notes, f"{names}\n{data_title}")

    if studies.svm:
        draw_svm_study(folder / "svm_study.png", studies.svm, title)
    if studies.cnn:
        draw_cnn_study(folder / "cnn_study.png", studies.cnn, results.curves.get("linear"), data_title)
    if studies.runs:
        draw_accuracies_of_runs(folder / "study_accuracy.png", studies.runs, baseline, paper_accuracies, data_title)
        if studies.runs.curves:
            draw_mean_curves(folder / "study_curves.png", studies.runs.curves, f"mean of all runs\n{data_title}")
            draw_epochs(folder / "study_epochs.png", studies.runs, data_title)
        for model, means in studies.runs.confusion.items():
            name = f"{MODELS[model].full_title}, mean of {studies.runs.count(model)} runs"
            path = folder / f"study_confusion_{model}.png"
            draw_confusion(path, means, studies.runs.class_names, f"{name}\n{data_title}")

    for (clip_id, genre, subset), mel in zip(examples, spectrograms, strict=False):
        title = f"{shortened(clip_name(clip_id))} ({shortened(genre)}, {subset})"
        draw_spectrogram(folder / f"spectrogram_{subset}.png", title, mel, params.featurize)
    titles = [
        f"{place}. {shortened(clip_name(clip.clip_id))}\n{shortened(clip.genre)}, "
        f"predicted as {shortened(clip.predicted)}"
        for place, clip in enumerate(misclassified, start=1)
    ]
    shown = dict(zip(titles, spectrograms[len(examples) :], strict=True))
    draw_misclassified(folder / "misclassified.png", shown, params.featurize)


def draw_spectrogram(path: Path, title: str, mel: Mel, featurize: Featurize) -> None:
    """Draw one clip's spectrogram with a bar for the dB (figures 3 and 4)."""
    with new_figure(path, 5, 2.6) as figure:
        axes = figure.subplots()
        image = _show_spectrogram(axes, title, mel, featurize)
        axes.set(xlabel="time (s)", ylabel="frequency (Hz)")
        figure.colorbar(image, ax=axes, label="dB, 0 is the loudest point")


def draw_misclassified(path: Path, spectrograms: Mapping[str, Mel], featurize: Featurize) -> None:
    """Draw the spectrograms of misclassified clips, by title, in two columns; without any, say so."""
    rows = max(1, (len(spectrograms) + 1) // 2)
    with new_figure(path, 5, 0.7 + 1.15 * rows) as figure:
        if not spectrograms:
            figure.text(0.5, 0.5, "no clip to show", ha="center", va="center")
            return
        grid = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
        for axes, (title, mel) in zip(grid.flat, spectrograms.items(), strict=False):
            _show_spectrogram(axes, title, mel, featurize)
        for axes in grid.flat[len(spectrograms) :]:
            axes.set_axis_off()
        figure.supxlabel("time (s)")
        figure.supylabel("frequency (Hz)")


def _show_spectrogram(axes: Axes, title: str, mel: Mel, featurize: Featurize) -> AxesImage:
    n_mels, frames = mel.shape
    seconds = frames * featurize.hop_length / featurize.sample_rate
    image = axes.imshow(mel, extent=(0, seconds, 0, n_mels), vmin=-featurize.top_db, vmax=0)
    highest = featurize.sample_rate / 2
    marks = np.array([frequency for frequency in MARKED_HZ if frequency < highest])
    bands = n_mels * librosa.hz_to_mel(marks) / librosa.hz_to_mel(highest)
    axes.set_yticks(bands, [str(mark) for mark in marks])
    axes.set_title(title, fontsize="small")
    return image


def draw_accuracies(
    path: Path, scores: Mapping[str, Mapping[str, Any]], baseline: float, papers: Mapping[str, float], title: str
) -> None:
    """Draw each model's test accuracy with its 95 % interval, and the paper's where given (figure 5).

    ``baseline`` is the accuracy of always predicting the most frequent genre; like all accuracies, from 0 to 1.
    """
    names = ("accuracy", "accuracy_low", "accuracy_high")
    accuracies, low, high = (np.array([100 * found[name] for found in scores.values()]) for name in names)
    # The marks below the bars take more room than the names.
    width = 5 if len(scores) <= 5 else 1.25 * len(scores)
    with new_figure(path, width, 3.4) as figure:
        axes = figure.subplots()
        x = np.arange(len(scores))
        axes.bar(x, accuracies, color=[MODELS[model].colour for model in scores], width=0.6)
        axes.errorbar(x, accuracies, np.abs([low, high] - accuracies), fmt="none", ecolor="black", capsize=5)
        for bar, accuracy, top in zip(x, accuracies, high, strict=True):
            axes.annotate(f"{accuracy:.1f} %", (bar, top), (0, 4), textcoords="offset points", ha="center")
        if papers:
            heights = [100 * papers.get(model, np.nan) for model in scores]  # the paper does not have every model
            axes.scatter(x - 0.2, heights, marker="D", color="black", zorder=3, label="the paper's (one run)")
        label = "always predicting the most frequent genre"
        axes.axhline(100 * baseline, color="grey", linestyle="dotted", label=label)
        axes.set_xticks(x, tick_labels(scores))
        axes.set(ylim=(0, 105), ylabel="test accuracy (%), with 95 % interval", title=title)
        figure.legend(ncols=2, loc="outside lower center")


def draw_curves(path: Path, curves: Mapping[str, pd.DataFrame], notes: Sequence[str], title: str) -> None:
    """Draw loss over accuracy, train and test, for each epoch of some networks, above a note on each (figures 6 to 9).

    A dot marks each network's smallest test loss.
    """
    lines = [textwrap.fill(note, MAX_LINE, subsequent_indent="    ") for note in notes]
    below = "\n".join([*lines, "Dots mark the smallest test loss."])
    with new_figure(path, 5, 4.8 + 0.16 * (below.count("\n") + 1)) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True)
        for model, of_model in curves.items():
            colour, name = MODELS[model].colour, MODELS[model].title
            for subset, line in (("train", "dashed"), ("test", "solid")):
                style = {"color": colour, "linestyle": line, "label": f"{name}, {subset}"}
                upper.plot(of_model.index, of_model[f"{subset}_loss"], **style)
                lower.plot(of_model.index, 100 * of_model[f"{subset}_accuracy"], **style)
            best = of_model.test_loss.nsmallest(1)  # the first of equals
            upper.scatter(best.index, best, color=colour, edgecolor="black", zorder=3)
        upper.set(ylabel="cross entropy (nats)", title=title, ylim=(0, None))
        lower.set(ylabel="accuracy (%)", ylim=(0, 100), xlabel="epoch")
        figure.supxlabel(below, x=0.01, ha="left", fontsize="small")
        upper.legend(ncols=max(1, len(curves)), fontsize="small")


def draw_confusion(
    path: Path, counts: NDArray[np.int64] | NDArray[np.float64], class_names: Sequence[str], title: str
) -> None:
    """Draw a confusion matrix with its counts, which may be means, and behind each genre its recall (figure 10)."""
    names = [shortened(name) for name in class_names]
    side = 1.2 + 0.3 * len(names) + 0.08 * max(len(name) for name in names)
    with new_figure(path, side + 0.4, side) as figure:
        axes = figure.subplots()
        n_actual = counts.sum(axis=1)
        shares = counts / np.where(n_actual, n_actual, 1)[:, None]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, origin="upper", aspect="equal")
        for (row, column), count in np.ndenumerate(counts):
            if shown := round(float(count), 1):
                colour = "white" if shares[row, column] > 0.5 else "black"
                text = f"{shown:g}"
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
        for row, (correct, actual) in enumerate(zip(counts.diagonal(), n_actual, strict=True)):
            recall = f"{correct / actual:.0%}" if actual else "n/a"
            axes.text(len(names) - 0.35, row, recall, va="center", fontsize=8)
        axes.text(len(names) - 0.35, -0.9, "recall", va="center", fontsize=8)
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="predicted", ylabel="actual", title=title)


def draw_svm_study(path: Path, study: SvmStudy, title: str) -> None:
    """Draw the test accuracy of each setting of the SVM, a heat map for each kernel."""
    settings = study.settings
    lowest, highest = 100 * settings.test_accuracy.min(), 100 * settings.test_accuracy.max()
    with new_figure(path, 6.5, 2.2) as figure:
        grid = figure.subplots(1, len(study.best_by_kernel), sharey=True, squeeze=False)
        for axes, kernel in zip(grid.flat, study.best_by_kernel, strict=True):
            of_kernel = settings[settings.kernel == kernel]
            table = 100 * of_kernel.pivot_table("test_accuracy", ["height", "width"], "C")
            axes.imshow(table, vmin=lowest, vmax=max(highest, lowest + 1))
            for (row, column), accuracy in np.ndenumerate(table.to_numpy()):
                colour = "white" if accuracy < (lowest + highest) / 2 else "black"
                axes.text(column, row, f"{accuracy:.1f}", ha="center", va="center", color=colour, fontsize=8)
            axes.set_xticks(range(table.shape[1]), [f"{c:g}" for c in table.columns])
            axes.set_yticks(range(table.shape[0]), [f"{height} x {width}" for height, width in table.index])
            axes.set(xlabel="C", title=f"{kernel} kernel")
        grid[0, 0].set_ylabel("input")
        figure.suptitle(f"SVM, test accuracy (%), {title}", fontsize="small")


def draw_cnn_study(path: Path, study: CnnStudy, linear: pd.DataFrame | None, title: str) -> None:
    """Draw the test loss of CNNs of different sizes by epoch, over the gap to the train loss by that train loss.

    The gap is shown for less data and for the linear model, too, whose curves are ``linear``.
    """
    papers = study.settings[PAPER]
    kept = [
        (setting, row) for setting, row in study.settings.items() if _differ_in(row, papers) <= {"channels", "hidden"}
    ]
    sizes = [setting for setting, row in kept if row["n_train"] == papers["n_train"]]
    fewer_clips = [setting for setting, row in kept if row["n_train"] < papers["n_train"]]
    # The longer of two trainings of the same network first, so that the shorter is seen on top.
    by_size = sorted(
        sizes, key=lambda setting: (study.settings[setting]["parameters"], -study.settings[setting]["epochs"])
    )
    colours = dict(zip(by_size, matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(by_size))), strict=True))
    names = {PAPER: MODELS["complex"].title, SIMPLE: MODELS["simple"].title}
    with new_figure(path, 5, 6.2) as figure:
        upper, lower = figure.subplots(2, 1)
        for setting in by_size:
            curves, style = study.curves[setting], {"color": colours[setting], "label": names.get(setting, setting)}
            upper.plot(curves.index, curves.test_loss, **style)
            lower.plot(curves.train_loss, curves.test_loss - curves.train_loss, **style)
        others = {f"{study.settings[setting]['n_train']} clips": study.curves[setting] for setting in fewer_clips}
        if linear is not None:
            others[MODELS["linear"].title] = linear
        for (label, curves), line in zip(others.items(), cycle(("dashed", "dotted", "dashdot")), strict=False):
            gap = curves.test_loss - curves.train_loss
            lower.plot(curves.train_loss, gap, color="black", linestyle=line, label=label)
        upper.set(xlabel="epoch", ylabel="test loss (nats)", title=title)
        lower.invert_xaxis()
        lower.set(xlabel="train loss (nats), falling with the epochs", ylabel="test loss - train loss (nats)")
        lower.axvline(study.settings[SIMPLE]["train_loss"], color="grey", linewidth=0.8)
        handles, labels = lower.get_legend_handles_labels()
        figure.legend(handles, labels, ncols=2, loc="outside lower center", fontsize="small")


def _differ_in(first: Row, second: Row) -> set[str]:
    return {name for name in ("channels", "hidden", "dropout", "crop", "width") if first[name] != second[name]}


def draw_agreement(path: Path, n_correct: NDArray[np.int64], actual: Sequence[str], n_models: int, title: str) -> None:
    """Draw for how many test clips of each genre none, some or all of the models are correct.

    Of each test clip, ``actual`` is the genre and ``n_correct``, shape (clips,), how many models predicted it.
    """
    genres = sorted(set(actual), reverse=True)
    counts = pd.crosstab(pd.Series(actual), n_correct).reindex(genres, columns=range(n_models + 1), fill_value=0)
    with new_figure(path, 5, 1.6 + 0.26 * len(genres)) as figure:
        axes = figure.subplots()
        left = np.zeros(len(genres), int)
        colours = matplotlib.colormaps["cividis"](np.linspace(0, 1, n_models + 1))
        for number, colour in enumerate(colours):
            label = {0: "none", n_models: "all"}.get(number, str(number))
            widths = counts[number].to_numpy()
            bars = axes.barh(range(len(genres)), widths, left=left, color=colour, label=label)
            ink = "white" if number <= n_models // 2 else "black"
            shown = [str(count) if count else "" for count in widths]
            axes.bar_label(bars, shown, label_type="center", color=ink, fontsize=8)
            left += widths
        axes.set_yticks(range(len(genres)), [shortened(genre) for genre in genres])
        axes.set(xlabel="test clips", title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        legend = "number of models that are correct"
        figure.legend(title=legend, ncols=n_models + 1, loc="outside lower center")
