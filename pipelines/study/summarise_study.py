"""Summarise the study that `train_study.py` made: metrics/study.json, and its tables where git keeps them."""

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import run_stage

from genres.core.dataset import read_dataset
from genres.core.files import atomic_write, write_json
from genres.report.models import in_order
from genres.report.table import format_summary
from genres.study.summary import summarise, summary_as_json
from genres.study.tables import read_tables

STAGE = "pipelines/study/dvc.yaml:train_study"
DATASET = Path("data/dataset.json")
RUNS = Path("data/study/runs.csv")
CURVES = Path("data/study/curves.csv")
CONFUSION = Path("data/study/confusion.csv")
FOLDER = Path("pipelines/study")  # written: the same tables, and the file below
METRICS = Path("metrics/study.json")


def main() -> None:
    """Write the files, and print the summary as a Markdown table."""
    tables = read_tables(RUNS, CURVES, CONFUSION, STAGE)
    summary = summarise(tables.runs, in_order(tables.runs.model))
    title = read_dataset(DATASET)["title"]
    for path in (RUNS, CURVES, CONFUSION):
        with atomic_write(FOLDER / path.name) as partial:
            shutil.copyfile(path, partial)
    write_json(METRICS, {"dataset": title} | summary_as_json(summary))
    print(format_summary(summary, title))


if __name__ == "__main__":
    run_stage(main)
