"""Which training clips are nearest to a song."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from project import write_noise

from genres.core.columns import CLIPS
from genres.core.files import write_csv
from genres.demo.nearest import N_NEAREST, nearest, nearest_clips, read_train_clips
from genres.models.base.predictions import ModelOutput, write_predictions
from genres.models.base.weights import Description
from genres.prediction.song import Window, sum_up

CLASS_NAMES = ("blues", "jazz")
DATASET: dict[str, Any] = {
    "name": "toy", "title": "a toy", "description": "", "synthetic": False, "paper": False, "caveats": [],
    "split_caveats": {},
}  # fmt: skip
MODEL = Description("simple", {}, CLASS_NAMES, {}, {}, DATASET, n_train_clips=6, test_accuracy=0.5, seed=0)


def probabilities_of(share: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([share, 1 - share])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight clips, six of them train clips, the later ones more probably blues."""
    rows, shares = [], np.linspace(0.1, 0.9, 8)
    for number in range(8):
        genre = CLASS_NAMES[number < 4]
        name = f"{genre}/{number}"
        write_noise(tmp_path / f"audio/{name}.wav", seed=number)
        rows.append((name, genre, f"{name}.wav", "0.5", "22050", f"{number}" * 64, "ok", ""))
    clips = pd.DataFrame(rows, columns=list(CLIPS))
    split = clips[["clip_id", "genre", "sha256"]].assign(subset=["train", "train", "train", "test"] * 2)
    write_csv(tmp_path / "clips.csv", clips)
    (tmp_path / "dataset.json").write_text(json.dumps(DATASET))
    (tmp_path / "predictions").mkdir()
    output = ModelOutput((shares < 0.5).astype(np.int64), np.stack([shares, 1 - shares], axis=1))
    write_predictions(tmp_path / "predictions/simple.csv", split, CLASS_NAMES, output)
    return tmp_path


def test_the_same_answer_is_nearest_however_sure_it_is() -> None:
    answer = np.array([0.6, 0.3, 0.1])
    surer = answer**3 / (answer**3).sum()
    others = np.array([[0.3, 0.6, 0.1], [0.1, 0.3, 0.6], surer, [0.6, 0.1, 0.3], [1.0, 0.0, 0.0], np.full(3, 1 / 3)])
    assert nearest(answer, others).tolist()[0] == 2
    assert len(nearest(answer, others)) == N_NEAREST
    assert nearest(answer, others[:1]).tolist() == [0]


def test_only_train_clips_are_near_and_they_can_be_heard(data: Path) -> None:
    train = read_train_clips(MODEL, data)
    assert train is not None
    near = nearest_clips(sum_up([Window(0, 30, None, 0, probabilities_of(0.8))]), train)
    # Of two classes, there are two directions, so all of a genre are as near; 7 is a test clip.
    assert sorted((clip.genre, clip.name) for clip in near) == [("blues", "4"), ("blues", "5"), ("blues", "6")]
    assert all(len(clip.mp3) > 1000 for clip in near)


def test_what_is_not_music_or_has_no_probabilities_has_none(data: Path) -> None:
    train = read_train_clips(MODEL, data)
    assert train is not None
    assert nearest_clips(sum_up([Window(0, 30, "speech", 0, probabilities_of(0.8))]), train) == []
    assert nearest_clips(sum_up([Window(0, 30, None, 0, None)]), train) == []


def test_a_clip_that_is_gone_is_left_out(data: Path) -> None:
    train = read_train_clips(MODEL, data)
    assert train is not None
    (data / "audio/blues/5.wav").unlink()
    near = nearest_clips(sum_up([Window(0, 30, None, 0, probabilities_of(0.8))]), train)
    assert {clip.name for clip in near} == {"4", "6"}


@pytest.mark.parametrize(
    "other",
    [
        replace(MODEL, model="complex"),
        replace(MODEL, class_names=("blues", "rock")),
        replace(MODEL, dataset=DATASET | {"title": "another"}),
        replace(MODEL, n_train_clips=5),
    ],
)
def test_data_that_a_model_was_not_trained_on_give_none(data: Path, other: Description) -> None:
    assert read_train_clips(other, data) is None


@pytest.mark.parametrize("missing", ["clips.csv", "dataset.json", "predictions/simple.csv"])
def test_missing_or_changed_data_give_none(data: Path, missing: str) -> None:
    if missing == "clips.csv":  # the audio is another one since
        (data / missing).write_text((data / missing).read_text().replace("0" * 64, "a" * 64))
        assert read_train_clips(MODEL, data) is None
    (data / missing).unlink()
    assert read_train_clips(MODEL, data) is None
