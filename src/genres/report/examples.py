"""Which clips are shown one by one: the paper's two examples, and those that were misclassified most confidently."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.core.columns import TEST, TRAIN
from genres.core.tables import find_clips, read_clip_array
from genres.evaluation.scores import clips_in_test, is_correct
from genres.report.results import Results

PAPER_EXAMPLES = {TRAIN: "jazz", TEST: "blues"}  # its figures 3 and 4
N_MISCLASSIFIED = 10


class ExampleClip(NamedTuple):
    """A clip of a subset."""

    clip_id: str
    genre: str
    subset: str


class MisclassifiedClip(NamedTuple):
    """A test clip for which a network predicted another genre, with its confidence in that, from 0 to 1."""

    clip_id: str
    genre: str
    predicted: str
    confidence: float


def choose_examples(clips: pd.DataFrame) -> list[ExampleClip]:
    """Return a train and a test clip of a split: of the genre that the paper shows, or of the first there is."""
    examples = []
    for subset, genre in PAPER_EXAMPLES.items():
        in_subset = clips[clips.subset == subset]
        first = in_subset.iloc[(in_subset.genre == genre).argmax()]  # where none is, the first of all
        examples.append(ExampleClip(first.clip_id, first.genre, subset))
    return examples


def most_confidently_misclassified(results: Results) -> list[MisclassifiedClip]:
    """Return the ten test clips that the reference model misclassified with the greatest confidence, in that order.

    The list is shorter if fewer are wrong, and empty without a reference model or its probabilities.
    """
    if results.reference_model is None:
        return []
    predictions = results.predictions[results.reference_model]
    if predictions.probabilities is None:
        return []
    test = clips_in_test(predictions)
    confidence = predictions.probabilities[test.index].max(axis=1)
    wrong = test.assign(confidence=confidence)[~is_correct(test)]
    most_confident = wrong.sort_values("confidence", ascending=False, kind="stable")[:N_MISCLASSIFIED]
    rows = most_confident[list(MisclassifiedClip._fields)].itertuples(index=False)
    return [MisclassifiedClip(*row) for row in rows]


def read_spectrograms(
    mel: Path, mel_rows: Path, clips: Sequence[ExampleClip | MisclassifiedClip]
) -> list[NDArray[np.float32]]:
    """Read spectrograms (n_mels, frames) in dB from featurize's array; an InputError names a clip that has no row."""
    array, rows = read_clip_array(mel, mel_rows, "featurize")
    return [array[index] for index in find_clips(mel_rows, rows, [clip.clip_id for clip in clips], "featurize")]
