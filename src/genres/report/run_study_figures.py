"""The figures of the study that `make study` made: accuracies of all runs, mean curves, and epochs to convergence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genres.evaluation.convergence import TOLERANCE
from genres.report.canvas import new_figure, tick_labels
from genres.report.facts import percent
from genres.report.models import MODELS
from genres.report.run_study import RunStudy


def draw_accuracies_of_runs(
    path: Path, study: RunStudy, baseline: float, papers: Mapping[str, float], title: str
) -> None:
    """Draw the test accuracy of every run of each model, their mean with its 95 % interval, and the paper's if given.

    Accuracies are from 0 to 1, as in `draw_accuracies`.
    """
    models = study.summary.models
    with new_figure(path, max(5, 1.25 * len(models)), 3.6) as figure:
        axes = figure.subplots()
        label: str | None = "mean, with 95 % interval"
        for x, (model, of_model) in enumerate(models.items()):
            values = 100 * study.of(model).accuracy.to_numpy(float)
            # Side by side, so that equal values are seen.
            places = x - 0.25 + 0.3 * np.arange(len(values)) / max(1, len(values) - 1)
            axes.scatter(places, values, color=MODELS[model].colour, edgecolor="black", linewidth=0.4, s=18)
            spread = of_model.scores["accuracy"]
            if spread and spread.low is not None and spread.high is not None:
                ends = [[100 * (spread.mean - spread.low)], [100 * (spread.high - spread.mean)]]
                style: dict[str, Any] = {"fmt": "_", "color": "black", "capsize": 4, "label": label}
                axes.errorbar(x + 0.22, 100 * spread.mean, ends, **style)
                label = None  # once is enough
                axes.annotate(
                    f"{100 * spread.mean:.1f} %", (x + 0.22, 100 * spread.high), (0, 4), textcoords="offset points",
                    ha="center", fontsize="small",
                )  # fmt: skip
        if papers:
            heights = [100 * papers.get(model, np.nan) for model in models]
            axes.scatter(range(len(models)), heights, marker="D", color="black", label="the paper's (one run)")
        baseline_label = "always predicting the most frequent genre"
        axes.axhline(100 * baseline, color="grey", linestyle="dotted", label=baseline_label)
        axes.set_xticks(range(len(models)), tick_labels(models))
        axes.set(ylim=(0, 105), ylabel="test accuracy (%), a dot a run", title=title)
        figure.legend(ncols=2, loc="outside lower center", fontsize="small")


def draw_mean_curves(path: Path, curves: Mapping[str, pd.DataFrame], title: str) -> None:
    """Draw the mean loss over the mean accuracy of all runs for each epoch of some networks.

    A band reaches a standard deviation to either side of the test curves. ``curves`` are those of `RunStudy`.
    """
    with new_figure(path, 5, 4.8) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True)
        for model, of_model in curves.items():
            colour, name = MODELS[model].colour, MODELS[model].title
            for axes, score, factor in ((upper, "loss", 1), (lower, "accuracy", 100)):
                for subset, line in (("train", "dashed"), ("test", "solid")):
                    mean = factor * of_model[f"{subset}_{score}_mean"]
                    axes.plot(of_model.index, mean, color=colour, linestyle=line, label=f"{name}, {subset}")
                    if subset == "test":
                        deviation = factor * of_model[f"{subset}_{score}_deviation"]
                        band = mean - deviation, mean + deviation
                        axes.fill_between(of_model.index, *band, color=colour, alpha=0.25, linewidth=0)
        upper.set(ylabel="cross entropy (nats)", title=title, ylim=(0, None))
        lower.set(ylabel="accuracy (%)", ylim=(0, 100), xlabel="epoch")
        handles, labels = lower.get_legend_handles_labels()
        figure.legend(handles, labels, ncols=max(1, len(curves)), loc="outside lower center", fontsize="small")


def draw_epochs(path: Path, study: RunStudy, title: str) -> None:
    """Draw for every run of each network the epoch of the lowest test loss, and from which one it stays near that."""
    networks = list(study.curves)
    with new_figure(path, 5, 1.2 + 0.6 * len(networks)) as figure:
        axes = figure.subplots()
        for y, model in enumerate(networks):
            of_model = study.of(model)
            for column, marker, offset, label in (
                ("best_epoch", "o", 0.15, "lowest test loss"),
                ("converged_epoch", "|", -0.15, f"within {percent(TOLERANCE, 0)} of it from there to the end"),
            ):
                epochs = of_model[column].dropna().to_numpy(float)
                axes.scatter(
                    epochs, np.full(len(epochs), y + offset), marker=marker, color=MODELS[model].colour,
                    edgecolor="black" if marker == "o" else None, linewidth=0.5 if marker == "o" else 1.5,
                    label=label if y == 0 else None,
                )  # fmt: skip
        axes.set_yticks(range(len(networks)), [MODELS[model].title for model in networks])
        limits = {"xlim": (0, 1.03 * int(study.runs.epochs.max())), "ylim": (len(networks) - 0.5, -0.5)}
        axes.set(xlabel="epoch", title=title, **limits)
        figure.legend(ncols=2, loc="outside lower center", fontsize="small")
