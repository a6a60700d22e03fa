"""The training clips with the most similar probabilities."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.core.columns import OK, TRAIN, clip_name
from genres.core.dataset import read_dataset
from genres.core.errors import InputError
from genres.core.tables import read_clips
from genres.models.base.predictions import read_predictions
from genres.models.base.weights import Description
from genres.prediction.song import Song
from genres.report.mp3 import clip_as_mp3

N_NEAREST = 3
LEAST_PROBABILITY = 1e-12  # so that a probability of 0 has a logarithm


@dataclass(frozen=True)
class TrainClips:
    """The clips that a model was trained on, with its answers."""

    clips: pd.DataFrame  # with clip_id, genre, and path relative to `audio`
    probabilities: NDArray[np.float64]  # (clips, classes)
    audio: Path


@dataclass(frozen=True)
class NearClip:
    """A training clip to listen to."""

    name: str
    genre: str
    mp3: bytes


def nearest(probabilities: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the indices of the rows of ``others`` (clips, classes) nearest to ``probabilities`` (classes,), in order.

    Near is a small angle between the logarithms of the probabilities, less their mean. Every model with probabilities
    has them, whatever it sees. The angle does not change if a model is surer of all its answers by a factor, as it is
    of clips that it was trained on.
    """
    directions = np.log(np.maximum(np.vstack([probabilities, others]), LEAST_PROBABILITY))
    directions -= directions.mean(axis=1, keepdims=True)
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), LEAST_PROBABILITY)
    return np.argsort(-(directions[1:] @ directions[0]), kind="stable")[:N_NEAREST]


def read_train_clips(description: Description, data: Path) -> TrainClips | None:
    """Return the clips that a model was trained on, or None if they are not in the folder ``data``, or not its own."""
    files = [folder / f"{description.model}.csv" for folder in (data / "predictions", data / "transfer/predictions")]
    try:
        if read_dataset(data / "dataset.json") != description.dataset:
            return None
        clips = read_clips(data / "clips.csv")
        predictions = read_predictions(next((path for path in files if path.exists()), files[0]))
    except InputError:
        return None
    is_train = (predictions.clips.subset == TRAIN).to_numpy()
    if (
        predictions.probabilities is None
        or tuple(sorted(predictions.clips.genre.unique())) != description.class_names
        or is_train.sum() != description.n_train_clips
    ):
        return None
    found = predictions.clips[is_train].merge(clips[clips.status == OK], on=["clip_id", "genre", "sha256"])
    if len(found) != is_train.sum():
        return None
    return TrainClips(found, predictions.probabilities[is_train], data / "audio")


def nearest_clips(song: Song, train: TrainClips) -> list[NearClip]:
    """Return the training clips that are answered most like a song, without those whose file is gone.

    There are none for what is not music.
    """
    if song.probabilities is None or song.not_music is not None:
        return []
    near = []
    for index in nearest(song.probabilities, train.probabilities):
        clip = train.clips.iloc[index]
        try:
            near.append(NearClip(clip_name(clip.clip_id), clip.genre, clip_as_mp3(train.audio / clip.path)))
        except InputError:
            continue
    return near
