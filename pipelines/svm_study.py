"""Collect the experiments of `make svm-study` into pipelines/svm_study.csv, which the page shows as a heat map."""

import io
import sys
from pathlib import Path

import dvc.api
import pandas as pd
from experiments import find_experiments

from genres.core.columns import TEST, TRAIN
from genres.core.files import DECIMALS, file_sha256, write_csv
from genres.evaluation.scores import is_correct

STUDIED = {"kernel": "svm.kernel", "C": "svm.C", "height": "input.height", "width": "input.width"}
SPLIT = Path("data/split.csv")
PREDICTIONS = Path("data/predictions/svm.csv")
STUDY = Path("pipelines/svm_study.csv")  # written


def main() -> None:
    """Read the predictions of each experiment from DVC's cache, and write a row for each setting."""
    split = file_sha256(SPLIT)
    rows = []
    for setting, name in sorted(find_experiments(list(STUDIED.values())).items()):
        text = dvc.api.read(str(PREDICTIONS), rev=name, encoding="utf-8")
        clips = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
        correct = pd.Series(is_correct(clips)).groupby(clips.subset)
        rows.append(
            {
                "split_sha256": split,
                **dict(zip(STUDIED, setting, strict=True)),
                "train_accuracy": round(float(correct.mean()[TRAIN]), DECIMALS),
                "test_accuracy": round(float(correct.mean()[TEST]), DECIMALS),
                "n_test": int(correct.size()[TEST]),
            }
        )
    if not rows:
        sys.exit("error: no experiment differs from params.yaml in the studied parameters alone. Run `make svm-study`.")
    write_csv(STUDY, pd.DataFrame(rows))
    print(f"{len(rows)} settings are in {STUDY}; `dvc repro` shows them on the page")


if __name__ == "__main__":
    main()
