"""Which clips are shown one by one."""

from dataclasses import replace

import numpy as np
from invented import invent, split_of

from genres.predictions import Predictions
from genres.showcase import Example, Misjudged, choose_examples, most_confidently_misjudged

GENRES = ("blues", "jazz", "rock")


def test_the_examples_are_of_the_papers_genres() -> None:
    assert choose_examples(split_of(GENRES)) == [
        Example("jazz", "jazz.00000", "train"),
        Example("blues", "blues.00004", "test"),
    ]


def test_without_the_papers_genres_the_first_clips_are_examples() -> None:
    assert choose_examples(split_of(["a", "b"])) == [Example("a", "a.00000", "train"), Example("a", "a.00004", "test")]


def test_the_surest_mistakes_of_the_most_elaborate_network_come_first() -> None:
    evaluation = invent(GENRES)
    actual = evaluation.actual
    predicted, confidence = actual.copy(), np.full(actual.size, 0.99)
    predicted[[3, 7, 9]], confidence[[3, 7, 9]] = (actual[[3, 7, 9]] + 1) % 3, (0.4, 0.9, 0.4)
    found = most_confidently_misjudged(
        replace(evaluation, predictions=dict(evaluation.predictions) | {"complex": Predictions(predicted, confidence)})
    )
    assert found == [
        Misjudged("jazz", "jazz.00005", "rock", 0.9),
        Misjudged("blues", "blues.00007", "jazz", 0.4),  # of equals the first in the split
        Misjudged("jazz", "jazz.00007", "rock", 0.4),
    ]


def test_ten_are_shown_at_most_and_all_are_wrong() -> None:
    evaluation = invent([f"g{number}" for number in range(10)], ["linear"])
    found = most_confidently_misjudged(evaluation)
    assert len(found) == 10
    assert all(clip.genre != clip.predicted for clip in found)
    assert [clip.confidence for clip in found] == sorted((clip.confidence for clip in found), reverse=True)


def test_without_a_network_nothing_is_shown() -> None:
    assert most_confidently_misjudged(invent(GENRES, ["svm"])) == []
