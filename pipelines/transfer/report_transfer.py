"""Show the pre-trained models beside those of the main pipeline: figures, page and table."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import load_params, run_stage

from genres.report.results import read_results
from genres.report.show import show_results
from genres.report.studies import Studies
from genres.report.table import format_table

AUDIO = Path("data/audio")
CLIPS = Path("data/clips.csv")
DATASET = Path("data/dataset.json")
MEL = Path("data/mel.npy")
MEL_ROWS = Path("data/mel.csv")
PREDICTIONS = Path("data/predictions"), Path("data/transfer/predictions")
SCORES = Path("metrics/evaluate.json"), Path("metrics/transfer.json")
SPLIT = Path("data/split.csv")
SPLIT_METRICS = Path("metrics/split.json")
TRAINING = Path("metrics")
PER_GENRE = Path("data/transfer/per_genre.csv")
COMPARISONS = Path("data/transfer/comparisons.csv")
CONVERGENCE = Path("plots/convergence.csv")
FIGURES = Path("data/transfer/figures")  # written, like the one below
PAGE = Path("plots/transfer.html")


def main() -> None:
    """Write the figures and the page."""
    params = load_params("complex", "featurize", "input", "seed", "simple", "split", "svm", "train")
    results = read_results(
        DATASET, SPLIT, PREDICTIONS, SCORES, SPLIT_METRICS, TRAINING, PER_GENRE, COMPARISONS, CONVERGENCE
    )
    show_results(FIGURES, PAGE, results, AUDIO, CLIPS, MEL, MEL_ROWS, Studies(), params)
    print(format_table(results.scores, results.dataset, results.n_leaked, params.split.method))


if __name__ == "__main__":
    run_stage(main)
