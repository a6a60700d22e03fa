"""Show what came out: the confusion matrices, all figures, and the page that holds them; print the table of results."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import load_params, run_stage

from genres.core.files import atomic_folder, write_csv
from genres.evaluation.scores import clips_in_test
from genres.report.cnn_study import read_cnn_study
from genres.report.results import read_results
from genres.report.run_study import read_run_study
from genres.report.show import show_results
from genres.report.studies import Studies
from genres.report.svm_study import read_svm_study
from genres.report.table import format_table

AUDIO = Path("data/audio")
CLIPS = Path("data/clips.csv")
DATASET = Path("data/dataset.json")
MEL = Path("data/mel.npy")
MEL_ROWS = Path("data/mel.csv")
PREDICTIONS = Path("data/predictions")
SCORES = Path("metrics/evaluate.json")
SPLIT = Path("data/split.csv")
SPLIT_METRICS = Path("metrics/split.json")
TRAINING = Path("metrics")
PER_GENRE = Path("plots/per_genre.csv")
COMPARISONS = Path("plots/comparisons.csv")
CONVERGENCE = Path("plots/convergence.csv")
SVM_STUDY = Path("pipelines/svm_study.csv")
CNN_STUDY = Path("pipelines/cnn_study.csv")
CNN_STUDY_CURVES = Path("pipelines/cnn_study_curves.csv")
STUDY_RUNS = Path("pipelines/study/runs.csv")
STUDY_CURVES = Path("pipelines/study/curves.csv")
STUDY_CONFUSION = Path("pipelines/study/confusion.csv")
CONFUSION = Path("plots/confusion")  # written, like the two below
FIGURES = Path("plots/figures")
PAGE = Path("plots/report.html")


def main() -> None:
    """Write the pairs of actual and predicted genres, the figures and the page."""
    params = load_params("complex", "featurize", "input", "seed", "simple", "split", "svm", "train")
    results = read_results(
        DATASET, SPLIT, [PREDICTIONS], [SCORES], SPLIT_METRICS, TRAINING, PER_GENRE, COMPARISONS, CONVERGENCE
    )
    studies = Studies(
        read_svm_study(SVM_STUDY, SPLIT),
        read_cnn_study(CNN_STUDY, CNN_STUDY_CURVES, results.last_losses("complex")),
        read_run_study(STUDY_RUNS, STUDY_CURVES, STUDY_CONFUSION, PREDICTIONS),
    )
    show_results(FIGURES, PAGE, results, AUDIO, CLIPS, MEL, MEL_ROWS, studies, params)
    with atomic_folder(CONFUSION) as folder:
        for model, predictions in results.predictions.items():
            table = clips_in_test(predictions)[["genre", "predicted"]].set_axis(["actual", "predicted"], axis="columns")
            write_csv(folder / f"{model}.csv", table)
    print(format_table(results.scores, results.dataset, results.n_leaked, params.split.method))


if __name__ == "__main__":
    run_stage(main)
