"""Results without any training: files as the stages write them, and what is read from them."""

import math
import shutil
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from genres.core.columns import SPLIT, TEST, TRAIN
from genres.core.files import file_sha256, write_csv, write_json
from genres.evaluation.convergence import describe_all
from genres.evaluation.scores import compare_models, score_by_genre, score_models
from genres.models.base.predictions import ModelOutput, read_all_predictions, write_predictions
from genres.report import cnn_study, svm_study
from genres.report.cnn_study import PAPER, SIMPLE, CnnStudy, read_cnn_study
from genres.report.results import Results, read_results
from genres.report.run_study import RunStudy, read_run_study
from genres.report.svm_study import SvmStudy, read_svm_study
from genres.study.runs import CURVES_FILE, Run
from genres.study.tables import StudyTables, tabulate

CORRECT = {"linear": 0.3, "simple": 0.5, "complex": 0.7, "svm": 0.6}  # share of the test clips, by model

DATASET: dict[str, Any] = {
    "name": "local",
    "title": "your own clips",
    "description": "your own: clips",
    "synthetic": False,
    "caveats": [],
    "split_caveats": {},
    "paper": False,
}
GTZAN: dict[str, Any] = DATASET | {
    "name": "gtzan",
    "title": "GTZAN",
    "description": "gtzan",
    "split_caveats": {"stratified": "GTZAN is known to flatter.", "grouped": "Artists are shared."},
    "paper": True,
}


def clips_of(genres: Sequence[str], n_train: int = 4, n_test: int = 6) -> pd.DataFrame:
    """The clips of a split, with so many train and test clips of each genre."""
    rows = [
        (f"{genre}/{genre}.{number:05}", genre, f"{number:x}", TRAIN if number < n_train else TEST)
        for genre in genres
        for number in range(n_train + n_test)
    ]
    return pd.DataFrame(rows, columns=SPLIT)


def example_curves(epochs: int, best: int) -> pd.DataFrame:
    """Curves of an overfitting network, whose test loss is smallest in one epoch."""
    epoch = np.arange(1, epochs + 1)
    losses = {"train_loss": 2 / epoch, "test_loss": 1 + np.abs(epoch - best) / epochs}
    accuracies = {"train_accuracy": epoch / epochs, "test_accuracy": np.minimum(epoch, best) / epochs / 2}
    return pd.DataFrame(losses | accuracies, index=epoch)


def example_results(
    genres: Sequence[str],
    correct: Mapping[str, float] = CORRECT,
    dataset: Mapping[str, Any] = DATASET,
    clips: pd.DataFrame | None = None,
) -> Results:
    """The results of models that predict as many test clips correctly as ``correct`` says, and else the next genre."""
    with TemporaryDirectory() as folder:
        write_example(Path(folder), clips_of(genres) if clips is None else clips, correct, dataset)
        return read_example(Path(folder))


def write_example(
    project: Path, clips: pd.DataFrame, correct: Mapping[str, float] = CORRECT, dataset: Mapping[str, Any] = DATASET
) -> None:
    """Write the files of such results into a project's folder, under the names that the stages use."""
    n_test = int((clips.subset == TEST).sum())
    curves = {model: example_curves(30, best=12) for model in correct if model != "svm"}
    for model, share in correct.items():
        write_example_predictions(project / f"data/predictions/{model}.csv", clips, math.ceil(share * n_test))
    write_csv(project / "data/split.csv", clips)
    predictions = read_all_predictions([project / "data/predictions"], project / "data/split.csv")
    for model, of_model in curves.items():
        folder = project / f"metrics/train_{model}"
        scores: dict[str, Any] = {"train": {}, "test": {}, "parameters": 1234, "step": len(of_model)}
        for column in of_model.columns:
            subset, _, name = column.partition("_")
            scores[subset][name] = of_model[column].iloc[-1]
            path = folder / f"plots/metrics/{subset}/{name}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            of_model[column].rename(name).to_csv(path, sep="\t", index_label="step")
        write_json(folder / "metrics.json", scores)
    write_json(project / "data/dataset.json", dataset)
    n_clips = {subset: int((clips.subset == subset).sum()) for subset in (TRAIN, TEST)}
    write_json(project / "metrics/split.json", {"leaked": 0} | n_clips)
    write_json(project / "metrics/evaluate.json", score_models(predictions))
    write_csv(project / "plots/per_genre.csv", score_by_genre(predictions))
    write_csv(project / "plots/comparisons.csv", compare_models(predictions))
    write_csv(project / "plots/convergence.csv", describe_all(curves))


def write_example_predictions(path: Path, clips: pd.DataFrame, n_correct: int) -> None:
    """Write a model's predictions, of which the first so many of the test clips are correct, the others the next genre.

    The later a test clip, the greater the confidence. The SVM has no probabilities.
    """
    class_names = tuple(sorted(clips.genre.unique()))
    labels = np.array([class_names.index(genre) for genre in clips.genre])
    test = np.flatnonzero(clips.subset == TEST)
    predicted = labels.copy()
    wrong = test[n_correct:]
    predicted[wrong] = (labels[wrong] + 1) % len(class_names)
    probabilities = None
    if path.stem != "svm":
        confidence = np.full(labels.size, 0.99)
        confidence[test] = np.linspace(0.5, 0.95, test.size)
        probabilities = np.tile((1 - confidence[:, None]) / (len(class_names) - 1), len(class_names))
        probabilities[np.arange(labels.size), predicted] = confidence
    write_predictions(path, clips, class_names, ModelOutput(predicted, probabilities))


def example_svm_study(folder: Path) -> SvmStudy:
    """A study of the SVM with two kernels, three sizes and four values of C."""
    rows = [
        {"kernel": kernel, "C": c, "height": 16 * size, "width": 25 * size, "train_accuracy": 1.0}
        for kernel, size, c in product(("linear", "rbf"), (2, 4, 8), (0.01, 0.1, 1.0, 10.0))
    ]
    (folder / "split.csv").write_text("the split")
    table = pd.DataFrame(rows).assign(split_sha256=file_sha256(folder / "split.csv"), n_test=200)
    table["test_accuracy"] = np.linspace(0.4, 0.62, len(table))
    write_csv(folder / "svm_study.csv", table[list(svm_study.COLUMNS)])
    study = read_svm_study(folder / "svm_study.csv", folder / "split.csv")
    assert study is not None
    return study


def write_cnn_study(folder: Path) -> tuple[Path, Path, tuple[float, float]]:
    """Write a study of the CNN with five settings, and return its two tables and the complex CNN's last losses.

    A network with twice the speed has the loss of one with half of it in half the epochs; with fewer clips, the gap is
    twice as large.
    """
    settings = {PAPER: (2, 0.1), SIMPLE: (1, 0.1), f"{SIMPLE} epochs=600": (1, 0.1), "crop=50": (0.5, 0.1)}
    curves = {}
    for setting, (speed, gap) in (settings | {"test_size=0.6": (2, 0.2)}).items():
        epoch = np.arange(1, 601 if "600" in setting else 151)
        train_loss = 2 * np.exp(-speed * epoch / 100)
        losses = {"train_loss": train_loss, "test_loss": train_loss + gap * (2 - train_loss)}
        accuracies = {"train_accuracy": np.full(epoch.size, 0.9), "test_accuracy": np.full(epoch.size, 0.6)}
        curves[setting] = pd.DataFrame(losses | accuracies, index=epoch)
    table = (
        describe_all(curves).rename(columns={"model": "setting"}).assign(parameters=np.arange(5) + 10_000, n_test=200)
    )
    table = table.assign(channels=[16, 8, 8, 16, 16], hidden=[256, 128, 128, 256, 256], dropout=0.25)
    table = table.assign(crop=[None, None, None, 50, None], width=100, n_train=[800, 800, 800, 800, 400])
    paths = folder / "cnn_study.csv", folder / "cnn_study_curves.csv"
    write_csv(paths[0], table.astype({"crop": "Int64"})[list(cnn_study.COLUMNS)])
    rows = pd.concat(curves, names=["setting", "epoch"])[["train_loss", "test_loss"]]
    write_csv(paths[1], rows.reset_index())
    return *paths, (float(table.train_loss[0]), float(table.test_loss[0]))


def example_cnn_study(folder: Path) -> CnnStudy:
    """Such a study."""
    study = read_cnn_study(*write_cnn_study(folder))
    assert study is not None
    return study


class StudyPaths(NamedTuple):
    """The files of a study of many runs, as `read_run_study` takes them."""

    runs: Path
    curves: Path
    confusion: Path
    predictions: Path  # the folder of the present ones


def write_run_study(folder: Path, genres: Sequence[str] = ("a", "b")) -> StudyPaths:
    """Write a study of all five models on three splits, whose first runs made the present predictions.

    From split to split, a model predicts a test clip more correctly, the linear one two; a second training of a network
    on a split predicts one more than the first.
    """
    clips = clips_of(genres)
    n_test = int((clips.subset == TEST).sum())
    folders = {}
    for model, share in (CORRECT | {"scattering": 0.8}).items():
        has_curves = model not in ("svm", "scattering")
        for seed, again in product(range(3), (0, 1) if has_curves else (0,)):
            run = Run(model, seed, seed + again, 0, bool(again))
            folders[run] = folder / "results" / f"{model} {seed} {again}"
            n_correct = math.ceil(share * n_test) + (2 if model == "linear" else 1) * (seed - 1) + again
            write_example_predictions(folders[run] / f"{model}.csv", clips, n_correct)
            if has_curves:
                write_csv(folders[run] / CURVES_FILE, example_curves(30, best=10 + seed))
    paths = StudyPaths(*(folder / f"study_{name}.csv" for name in StudyTables._fields), folder / "predictions")
    for path, table in zip(paths, tabulate(folders, {}), strict=False):
        write_csv(path, table)
    paths.predictions.mkdir()
    for run, of_run in folders.items():
        if (run.split_seed, run.retraining) == (0, False):
            shutil.copy(of_run / f"{run.model}.csv", paths.predictions)
    return paths


def example_run_study(folder: Path, genres: Sequence[str] = ("a", "b")) -> RunStudy:
    """Such a study."""
    study = read_run_study(*write_run_study(folder, genres))
    assert study is not None
    return study


def read_example(project: Path) -> Results:
    """Read such files."""
    tables = {name: project / f"plots/{name}.csv" for name in ("per_genre", "comparisons", "convergence")}
    data, metrics = project / "data", project / "metrics"
    return read_results(
        dataset=data / "dataset.json",
        split=data / "split.csv",
        predictions=[data / "predictions"],
        scores=[metrics / "evaluate.json"],
        split_metrics=metrics / "split.json",
        training=metrics,
        **tables,
    )
