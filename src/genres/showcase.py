"""Which clips are shown one by one: the paper's two examples, and those that were misjudged most confidently."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from genres.evaluation import Evaluation
from genres.tables import TEST, TRAIN

PAPER_EXAMPLES = {TRAIN: "jazz", TEST: "blues"}  # its figures 3 and 4
MISJUDGED_CLIPS = 10


class Example(NamedTuple):
    """A clip of a subset."""

    genre: str
    clip: str
    subset: str


class Misjudged(NamedTuple):
    """A test clip that a network was sure of (confidence from 0 to 1) and wrong about."""

    genre: str
    clip: str
    predicted: str
    confidence: float


def choose_examples(split: pd.DataFrame) -> list[Example]:
    """Return a train and a test clip: of the genre that the paper shows, or of the first there is."""
    examples = []
    for subset, genre in PAPER_EXAMPLES.items():
        clips = split[split.subset == subset]
        papers = clips[clips.genre == genre]
        first = (clips if papers.empty else papers).iloc[0]
        examples.append(Example(str(first.genre), str(first["clip"]), subset))
    return examples


def most_confidently_misjudged(evaluation: Evaluation) -> list[Misjudged]:
    """Return the ten test clips that the evaluation's judge got wrong with the greatest confidence, the surest first.

    The list is shorter if fewer are wrong, and empty without a network.
    """
    if evaluation.judge is None:
        return []
    predicted, confidence = evaluation.predictions[evaluation.judge]
    if confidence is None:
        return []
    test = evaluation.test
    wrong = np.flatnonzero(predicted != evaluation.actual)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISJUDGED_CLIPS]
    return [
        Misjudged(
            str(test.genre[row]), str(test["clip"][row]), evaluation.genres[predicted[row]], float(confidence[row])
        )
        for row in surest
    ]
