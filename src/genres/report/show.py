"""The figures and the page of some results, with the clips that they let one see and hear."""

from pathlib import Path

from genres.core.files import atomic_folder
from genres.core.tables import find_clips, read_clips
from genres.report.examples import choose_examples, most_confidently_misclassified, read_spectrograms
from genres.report.figures import draw_figures
from genres.report.mp3 import clip_as_mp3
from genres.report.page import write_page
from genres.report.results import Results
from genres.report.studies import Studies
from genres.schema import Params


def show_results(
    figures: Path,
    page: Path,
    results: Results,
    audio: Path,
    clips: Path,
    mel: Path,
    mel_rows: Path,
    studies: Studies,
    params: Params,
) -> None:
    """Write the folder of ``figures`` and the ``page``; nothing is written if a clip cannot be read.

    ``audio`` is the folder of clips, ``clips`` their list, ``mel`` and ``mel_rows`` are their spectrograms.
    """
    examples, misclassified = choose_examples(results.clips), most_confidently_misclassified(results)
    spectrograms = read_spectrograms(mel, mel_rows, [*examples, *misclassified])
    table = read_clips(clips)
    indices = find_clips(clips, table, [clip.clip_id for clip in misclassified], "download")
    sounds = [clip_as_mp3(audio / path) for path in table.path[indices]]
    with atomic_folder(figures) as folder:
        draw_figures(folder, results, examples, misclassified, spectrograms, studies, params)
    write_page(page, figures, results, misclassified, sounds, studies, params)
