"""Collect the experiments of `make svm-study` into pipelines/svm_study.csv, which the page shows as a heat map.

DVC keeps experiments in any order, and others beside them: those count that differ from the working files in the SVM's
parameters and the size of its input alone, and each of these settings once.
"""

import io
import sys
from pathlib import Path
from typing import Any

import dvc.api
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from genres.core.columns import TEST, TRAIN
from genres.core.files import DECIMALS, file_sha256, write_csv
from genres.evaluation.scores import is_correct

SPLIT = Path("data/split.csv")
PREDICTIONS = Path("data/predictions/svm.csv")
STUDY = Path("pipelines/svm_study.csv")  # written


def take_setting(params: dict[str, Any]) -> dict[str, Any]:
    """Take the studied parameters out of all ``params``."""
    svm, size = params["svm"], params["input"]
    return {"kernel": svm.pop("kernel"), "C": svm.pop("C"), "height": size.pop("height"), "width": size.pop("width")}


def main() -> None:
    """Read the predictions of each experiment from DVC's cache, and write a row for each setting."""
    here = dvc.api.params_show("params.yaml")
    take_setting(here)
    split = file_sha256(SPLIT)
    settings: dict[tuple[Any, ...], dict[str, Any]] = {}
    for experiment in dvc.api.exp_show():
        name = experiment.get("Experiment")
        if not name or experiment.get("State") not in (None, "Success"):
            continue
        params = dvc.api.params_show("params.yaml", rev=name)
        setting = take_setting(params)
        if params == here:
            text = dvc.api.read(str(PREDICTIONS), rev=name, encoding="utf-8")
            clips = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
            correct = pd.Series(is_correct(clips)).groupby(clips.subset)
            settings[tuple(setting.values())] = {
                "split_sha256": split,
                **setting,
                "train_accuracy": round(float(correct.mean()[TRAIN]), DECIMALS),
                "test_accuracy": round(float(correct.mean()[TEST]), DECIMALS),
                "n_test": int(correct.size()[TEST]),
            }
    write_csv(STUDY, pd.DataFrame([settings[key] for key in sorted(settings)]))
    print(f"{len(settings)} settings are in {STUDY}; `dvc repro` shows them on the page")


if __name__ == "__main__":
    main()
