"""Every figure of an evaluation, and the page that holds them all."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genres import figures, findings, paper
from genres.evaluation import Evaluation, confusion_counts
from genres.figures import Spectrogram, shortened
from genres.params import Featurize, Split
from genres.report import Shown, data_uri, write_page
from genres.results import MODELS, TITLES, data_title, leakage_note, paper_accuracies, percent
from genres.showcase import Example, Misjudged
from genres.tables import TRAIN, VALID


def draw_results(plots: Path, evaluation: Evaluation, split_method: str) -> dict[str, Any]:
    """Draw the accuracies, where the models agree, the curves and the confusion matrices; return them for the page."""
    title = f"{len(evaluation.test)} test clips, {_data_title(evaluation)}"
    papers = paper_accuracies(evaluation.dataset_name, split_method)

    accuracy = Shown(
        plots / "accuracy.png",
        "Bar chart of test accuracies: "
        + ", ".join(f"{TITLES[model]} {percent(scores['accuracy'])}" for model, scores in evaluation.metrics.items()),
        "Test accuracy of each model. The lines on the bars are 95 % intervals, the dotted line is what always "
        "naming the most frequent genre would reach"
        + (", the diamonds are what the paper reports." if papers else "."),
    )
    figures.draw_accuracies(accuracy.path, evaluation.metrics, _chance(evaluation), papers, title)

    right = [predictions.genres == evaluation.actual for predictions in evaluation.predictions.values()]
    models_right = np.sum(right, axis=0)
    disputed = int(((models_right > 0) & (models_right < len(right))).sum())
    agreement = Shown(
        plots / "agreement.png",
        f"Stacked bars for each genre. On {disputed} of {len(evaluation.test)} test clips the models disagree.",
        f"How many models are right about each test clip, by genre. On {disputed} of {len(evaluation.test)} clips some "
        "are right and others wrong.",
    )
    figures.draw_agreement(agreement.path, models_right, list(evaluation.test.genre), len(right), title)

    confusions = []
    for model, predictions in evaluation.predictions.items():
        counts = confusion_counts(evaluation.actual, predictions.genres, len(evaluation.genres))
        confusion = Shown(
            plots / f"confusion_{model}.png",
            f"Confusion matrix of the {TITLES[model]}. {_largest_confusion(counts, evaluation.genres)}",
            f"{TITLES[model]}: rows are actual genres, columns what their clips were taken for. "
            f"{_largest_confusion(counts, evaluation.genres)}",
        )
        figures.draw_confusion(confusion.path, counts, evaluation.genres, f"{TITLES[model]}\n{title}")
        confusions.append(confusion)
    return {
        "accuracy": accuracy,
        "agreement": agreement,
        "confusions": confusions,
        "curves": _draw_curves(plots, evaluation),
    }


def _data_title(evaluation: Evaluation) -> str:
    """Return what data are shown, and below it what has to be said beside accuracies of them."""
    return "\n".join(filter(None, (data_title(evaluation.dataset_name), leakage_note(evaluation.leaked))))


def _chance(evaluation: Evaluation) -> float:
    """Return the accuracy of always naming the most frequent genre among the test clips."""
    return float(np.bincount(evaluation.actual).max() / evaluation.actual.size)


def _draw_curves(plots: Path, evaluation: Evaluation) -> list[Shown]:
    notes = {
        model: findings.convergence_note(model, convergence) for model, convergence in evaluation.convergence.items()
    }
    together = {"": evaluation.histories} if len(evaluation.histories) > 1 else {}
    each = {f"_{model}": {model: history} for model, history in evaluation.histories.items()}
    shown = []
    for suffix, histories in (together | each).items():
        own_notes = {model: notes[model] for model in histories}
        names = ", ".join(TITLES[model] for model in histories)
        curves = Shown(
            plots / f"curves{suffix}.png",
            f"Loss and accuracy per epoch. {'; '.join(own_notes.values())}.",
            f"{names}: loss (top) and accuracy (bottom) of each epoch, dashed for train clips, solid for test clips. "
            "The dots mark the smallest test loss.",
        )
        title = f"{names}\n{_data_title(evaluation)}"
        figures.draw_curves(curves.path, histories, own_notes, title)
        shown.append(curves)
    return shown


def _largest_confusion(counts: NDArray[np.int64], genres: Sequence[str]) -> str:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return "No clip is misjudged."
    actual, predicted = divmod(int(wrong.argmax()), len(genres))
    times = "once" if wrong.max() == 1 else f"{wrong.max()} times"
    return f"Most often confused: {genres[actual]}, taken for {genres[predicted]} {times}."


def draw_clips(
    plots: Path,
    examples: Sequence[Example],
    misjudged: Sequence[Misjudged],
    spectrograms: Sequence[NDArray[np.float32]],
    featurize: Featurize,
) -> dict[str, Any]:
    """Draw the example clips and the misjudged ones; return them for the page.

    Args:
        plots: the folder to draw into.
        examples: a train and a test clip.
        misjudged: test clips.
        spectrograms: of the examples, then of the misjudged clips.
        featurize: how they were made.
    """
    shown = []
    for (genre, clip, subset), mel in zip(examples, spectrograms, strict=False):
        spectrogram = Shown(
            plots / f"spectrogram_{subset}.png",
            f"Mel spectrogram of the {subset} clip {clip}, {genre}: frequency over time, brighter is louder.",
            f"{clip}, a {subset} clip of {genre}, before it is resized to what the models see.",
        )
        figures.draw_spectrogram(
            spectrogram.path, Spectrogram(f"{shortened(clip)} ({shortened(genre)}, {subset})", mel), featurize
        )
        shown.append(spectrogram)
    wrong = Shown(
        plots / "misjudged.png",
        "Mel spectrograms of the clips listed above, row by row in their order.",
        "The spectrograms of the clips above, row by row in their order.",
    )
    titles = [
        f"{place}. {shortened(clip.clip)}\n{shortened(clip.genre)}, not {shortened(clip.predicted)}"
        for place, clip in enumerate(misjudged, start=1)
    ]
    drawn = [Spectrogram(title, mel) for title, mel in zip(titles, spectrograms[len(examples) :], strict=True)]
    figures.draw_misjudged(wrong.path, drawn, featurize)
    return {"spectrograms": shown, "misjudged": wrong}


def write_report(
    path: Path,
    evaluation: Evaluation,
    split: Split,
    shown: Mapping[str, Any],
    misjudged: Sequence[Misjudged],
    sounds: Sequence[bytes],
    deviations: Mapping[str, tuple[Any, Any]],
    run: Mapping[str, str],
) -> None:
    """Write the page.

    Args:
        path: the html file.
        evaluation: what came out.
        split: how the clips were split.
        shown: what `draw_results` and `draw_clips` returned.
        misjudged: the clips to listen to.
        sounds: their sound as mp3.
        deviations: parameters that differ from the paper's, as `paper.deviations` gives them.
        run: what was run, a line each.
    """
    chance, test_clips = _chance(evaluation), len(evaluation.test)
    sentences = [
        *findings.accuracy_findings(evaluation.metrics, test_clips, chance),
        *findings.comparison_findings(evaluation.comparisons, evaluation.metrics),
    ]
    write_page(
        path,
        {
            "data_title": data_title(evaluation.dataset_name),
            "genres": evaluation.genres,
            "train_clips": int((evaluation.split.subset == TRAIN).sum()),
            "test_clips": test_clips,
            "valid_clips": int((evaluation.split.subset == VALID).sum()),
            "warnings": findings.warnings(evaluation.dataset_name, split, test_clips, evaluation.leaked),
            "metrics": evaluation.metrics,
            "training": evaluation.training,
            "titles": TITLES,
            "papers": paper.RESULTS if paper_accuracies(evaluation.dataset_name, split.method) else {},
            "chance": chance,
            "guessing_loss": math.log(len(evaluation.genres)),
            "missing": [model for model in MODELS if model not in evaluation.metrics],
            "sentences": sentences,
            "pairs": _pairs(evaluation),
            "convergence": evaluation.convergence,
            "convergence_sentences": [
                findings.convergence_finding(model, convergence)
                for model, convergence in evaluation.convergence.items()
            ],
            "judge": evaluation.judge,
            "misjudged": [
                {"clip": clip, "source": data_uri("audio/mpeg", sound)}
                for clip, sound in zip(misjudged, sounds, strict=True)
            ],
            "figures": shown,
            "deviations": deviations,
            "run": run,
        },
    )


def _pairs(evaluation: Evaluation) -> list[dict[str, Any]]:
    pairs = []
    for name, comparison in evaluation.comparisons.items():
        first, second = name.split("_")
        pairs.append(
            {
                "first": first,
                "second": second,
                "only_first": comparison[f"only_{first}_right"],
                "only_second": comparison[f"only_{second}_right"],
                "p_value": comparison["p_value"],
                "told_apart": findings.told_apart(comparison, len(evaluation.comparisons)),
            }
        )
    return pairs
