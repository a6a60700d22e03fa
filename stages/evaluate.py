"""Score the predictions of every model, compare the models, and describe how the networks converged."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import run_stage

from genres.core.files import write_csv, write_json
from genres.evaluation.convergence import describe_all
from genres.evaluation.curves import read_all_curves
from genres.evaluation.scores import compare_models, score_by_genre, score_models
from genres.models.base.predictions import read_all_predictions

PREDICTIONS = Path("data/predictions")
SPLIT = Path("data/split.csv")
TRAINING = Path("metrics")  # with a folder train_<model> for each model that has curves
SCORES = Path("metrics/evaluate.json")  # written, like the three below
PER_GENRE = Path("plots/per_genre.csv")
COMPARISONS = Path("plots/comparisons.csv")
CONVERGENCE = Path("plots/convergence.csv")


def main() -> None:
    """Write the scores, and the tables of what is behind them."""
    predictions = read_all_predictions([PREDICTIONS], SPLIT)
    curves = read_all_curves(TRAINING, predictions)
    write_json(SCORES, score_models(predictions))
    write_csv(PER_GENRE, score_by_genre(predictions))
    write_csv(COMPARISONS, compare_models(predictions))
    write_csv(CONVERGENCE, describe_all(curves))


if __name__ == "__main__":
    run_stage(main)
