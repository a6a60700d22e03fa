"""Show the pre-trained models beside those of the main pipeline: figures, page and table."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import load_params, run_stage

from genres.core.files import atomic_folder
from genres.core.tables import find_clips, read_clips
from genres.report.examples import choose_examples, most_confidently_misclassified, read_spectrograms
from genres.report.figures import draw_figures
from genres.report.mp3 import clip_as_mp3
from genres.report.page import write_page
from genres.report.results import read_results
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
    examples, misclassified = choose_examples(results.clips), most_confidently_misclassified(results)
    spectrograms = read_spectrograms(MEL, MEL_ROWS, [*examples, *misclassified])
    clips = read_clips(CLIPS)
    indices = find_clips(CLIPS, clips, [clip.clip_id for clip in misclassified], "download")
    sounds = [clip_as_mp3(AUDIO / path) for path in clips.path[indices]]
    with atomic_folder(FIGURES) as folder:
        draw_figures(folder, results, examples, misclassified, spectrograms, None, None, params)
    write_page(PAGE, FIGURES, results, misclassified, sounds, None, None, params)
    print(format_table(results.scores, results.dataset, results.n_leaked, params.split.method))


if __name__ == "__main__":
    run_stage(main)
