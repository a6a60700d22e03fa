"""Score the pre-trained models, and compare them with each other and with those of the main pipeline."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import run_stage

from genres.core.files import write_csv, write_json
from genres.evaluation.scores import compare_models, score_by_genre, score_models
from genres.models.base.predictions import read_all_predictions

PREDICTIONS = Path("data/transfer/predictions")
MAIN_PREDICTIONS = Path("data/predictions")
SPLIT = Path("data/split.csv")
SCORES = Path("metrics/transfer.json")  # written, like the two below
PER_GENRE = Path("data/transfer/per_genre.csv")
COMPARISONS = Path("data/transfer/comparisons.csv")


def main() -> None:
    """Write the scores of the pre-trained models, and the tables of all models."""
    pre_trained = read_all_predictions([PREDICTIONS], SPLIT)
    predictions = {**read_all_predictions([MAIN_PREDICTIONS], SPLIT), **pre_trained}
    write_json(SCORES, score_models(pre_trained))
    write_csv(PER_GENRE, score_by_genre(predictions))
    write_csv(COMPARISONS, compare_models(predictions))


if __name__ == "__main__":
    run_stage(main)
