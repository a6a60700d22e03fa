"""Collect the experiments of `make cnn-study` into two tables in pipelines/, which the page shows."""

import io
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import dvc.api
import pandas as pd
from experiments import find_experiments

from genres.core.columns import TEST, TRAIN
from genres.core.files import write_csv
from genres.evaluation.convergence import describe_all
from genres.evaluation.curves import read_curves
from genres.report.cnn_study import COLUMNS, PAPER, SIMPLE
from genres.report.paper import PARAMETERS

STUDIED = {
    "channels": "complex.channels",
    "hidden": "complex.hidden",
    "dropout": "complex.dropout",
    "crop": "complex.crop",
    "width": "input.width",
    "epochs": "train.epochs",
    "test_size": "split.test_size",
}
SPLIT = Path("data/split.csv")
TRAINING = Path("metrics/train_complex")
STUDY = Path("pipelines/cnn_study.csv")  # written, like the one below
STUDY_CURVES = Path("pipelines/cnn_study_curves.csv")


def main() -> None:
    """Read the curves of each experiment from DVC's cache, and write a row for each setting, and one for each epoch."""
    papers = [PARAMETERS[group][key] for group, key in (name.split(".") for name in STUDIED.values())]
    rows, curves = [], {}
    for values, name in find_experiments(list(STUDIED.values())).items():
        parameters = dict(zip(STUDIED, values, strict=True))
        changes = [
            f"{key}={value}"
            for (key, value), of_paper in zip(parameters.items(), papers, strict=True)
            if value != of_paper
        ]
        setting = " ".join(changes) or PAPER
        experiment = dvc.api.DVCFileSystem(rev=name)
        subsets = pd.read_csv(io.BytesIO(experiment.cat(str(SPLIT)))).subset.value_counts()
        with TemporaryDirectory() as folder:
            experiment.get(str(TRAINING), folder, recursive=True)
            curves[setting] = read_curves(Path(folder) / TRAINING.name)
        n_parameters = json.loads(experiment.cat(str(TRAINING / "metrics.json")))["parameters"]
        parameters |= {"parameters": n_parameters, "n_train": subsets[TRAIN], "n_test": subsets[TEST]}
        rows.append({"setting": setting} | parameters)
    if missing := {PAPER, SIMPLE} - curves.keys():
        sys.exit(
            f"error: there is no experiment with the setting {min(missing)!r} that differs from params.yaml in studied "
            "parameters alone. Run `make cnn-study`; those that failed stand in `dvc exp show`."
        )
    table = pd.DataFrame(rows).merge(describe_all(curves).rename(columns={"model": "setting"}))
    write_csv(STUDY, table[list(COLUMNS)].sort_values("setting"))
    every = pd.concat(curves, names=["setting", "epoch"])[["train_loss", "test_loss"]]
    write_csv(STUDY_CURVES, every.sort_index().reset_index())
    print(f"{len(rows)} settings are in {STUDY}; `dvc repro` shows them on the page")


if __name__ == "__main__":
    main()
