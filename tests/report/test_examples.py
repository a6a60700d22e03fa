"""Which clips are shown one by one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from example_results import clips_of, example_results

from genres.core.errors import InputError
from genres.core.files import write_array, write_csv
from genres.models.base.predictions import Predictions
from genres.report.examples import (
    ExampleClip,
    MisclassifiedClip,
    choose_examples,
    most_confidently_misclassified,
    read_spectrograms,
)

GENRES = ("blues", "jazz", "rock")


@pytest.mark.parametrize(
    ("genres", "train", "test"),
    [(GENRES, "jazz/jazz.00000", "blues/blues.00004"), (["a", "b"], "a/a.00000", "a/a.00004")],
)
def test_the_examples_are_of_the_papers_genres_or_else_the_first_clips(
    genres: Sequence[str], train: str, test: str
) -> None:
    assert choose_examples(clips_of(genres)) == [
        ExampleClip(clip_id, clip_id.partition("/")[0], subset)
        for clip_id, subset in ((train, "train"), (test, "test"))
    ]


def test_the_most_confident_mistakes_of_the_reference_model_come_first() -> None:
    results = example_results(GENRES, {"complex": 1.0, "svm": 0.5})
    clips = results.predictions["complex"].clips.copy()
    probabilities = np.full((len(clips), 3), 0.005)
    probabilities[:, 0] = 0.99
    mistakes = {"blues/blues.00007": (0.4, "jazz"), "jazz/jazz.00005": (0.9, "rock"), "jazz/jazz.00007": (0.4, "rock")}
    mistakes["blues/blues.00000"] = (0.95, "jazz")  # a train clip
    for clip_id, (confidence, predicted) in mistakes.items():
        row = clips.index[clips.clip_id == clip_id][0]
        clips.loc[row, "predicted"] = predicted
        probabilities[row] = [0.05, confidence, 0.1]
    found = most_confidently_misclassified(replace(results, predictions={"complex": Predictions(clips, probabilities)}))
    assert found == [
        MisclassifiedClip("jazz/jazz.00005", "jazz", "rock", 0.9),
        MisclassifiedClip("blues/blues.00007", "blues", "jazz", 0.4),  # of equals the first in the split
        MisclassifiedClip("jazz/jazz.00007", "jazz", "rock", 0.4),
    ]


def test_ten_are_shown_at_most_and_all_are_wrong() -> None:
    found = most_confidently_misclassified(example_results([f"g{number}" for number in range(10)], {"linear": 0.3}))
    assert len(found) == 10
    assert all(clip.genre != clip.predicted for clip in found)
    assert [clip.confidence for clip in found] == sorted((clip.confidence for clip in found), reverse=True)


@pytest.mark.parametrize("correct", [{"svm": 0.6}, {"simple": 1.0}])
def test_without_a_network_or_a_mistake_nothing_is_shown(correct: dict[str, float]) -> None:
    assert most_confidently_misclassified(example_results(GENRES, correct)) == []


def test_spectrograms_are_found_by_clip_in_any_order(tmp_path: Path) -> None:
    clips = clips_of(["a", "b"], n_train=1, n_test=1)
    mel = np.arange(4, dtype=np.float32)[:, None, None] * np.ones((4, 2, 3), np.float32)
    write_array(tmp_path / "mel.npy", (4, 2, 3), mel)
    rows = pd.DataFrame({"clip_id": clips.clip_id, "genre": clips.genre, "frames": 3})
    write_csv(tmp_path / "mel.csv", rows)
    chosen = [ExampleClip(clip_id, "", "") for clip_id in ("b/b.00001", "a/a.00000")]
    found = read_spectrograms(tmp_path / "mel.npy", tmp_path / "mel.csv", chosen)
    assert np.array_equal(found, mel[[3, 0]])
    with pytest.raises(InputError, match="mel.csv has no row for 'c/c.00000'.*`dvc repro -f featurize split`"):
        read_spectrograms(tmp_path / "mel.npy", tmp_path / "mel.csv", [*chosen, ExampleClip("c/c.00000", "", "")])
