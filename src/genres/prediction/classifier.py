"""A trained model with all that lies before it, from samples to probabilities, as in the pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genres.audio.decoding import FloatArray
from genres.models.base.predictions import ModelOutput
from genres.models.base.weights import Description
from genres.models.saved import SavedModel, load_model, refused_model
from genres.schema import Featurize, Input

CLIP_SECONDS = 30.0  # of GTZAN's clips: what a model hears at a time whose input may have any length

Prepare = Callable[[FloatArray], NDArray[np.float32]]
"""From the samples of one clip to what a model of some kind sees of it, without the axis of clips."""

# What takes long to import is imported by the models that use it: the one for scattering features needs no PyTorch.


@dataclass(frozen=True)
class Classifier:
    """A model that hears samples."""

    description: Description
    sample_rate: int  # Hz
    seconds: float  # of a clip that it was made for
    classify: Callable[[FloatArray], ModelOutput]  # of one clip's samples (samples,); its axis of clips has length 1


def load_classifier(path: Path) -> Classifier:
    """Load a model from its file alone, ready to hear: what it gives for a clip is what its training stage wrote.

    An InputError is raised as by `load_model`, and if the file lacks what must be known of the model's input.
    """
    model = load_model(path)
    description = model.description
    try:
        if description.featurize is None:
            sample_rate, seconds, prepare = _prepare_musicnn(model)
        else:
            featurize = Featurize.model_validate(description.featurize)
            sample_rate = featurize.sample_rate
            seconds = featurize.n_frames * featurize.hop_length / sample_rate
            prepare = _prepare_spectrogram(model, featurize)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise refused_model(path, error) from None
    return Classifier(description, sample_rate, seconds, lambda samples: model.predict(prepare(samples)[None]))


def _prepare_musicnn(model: SavedModel) -> tuple[int, float, Prepare]:
    from genres.models.transfer import network_tensors
    from genres.pretrained.musicnn import SAMPLE_RATE, load_network, log_mel_windows, mean_features

    network = load_network(network_tensors(model.arrays))
    return SAMPLE_RATE, CLIP_SECONDS, lambda samples: mean_features(network, log_mel_windows(samples))


def _prepare_spectrogram(model: SavedModel, featurize: Featurize) -> Prepare:
    from genres.features.mel import fit_frames, mel_db

    see = _VIEWS.get(model.description.architecture["kind"], _resized_input)(model, featurize)

    def prepare(samples: FloatArray) -> NDArray[np.float32]:
        mel = mel_db(samples, featurize)
        return see(fit_frames(mel, featurize.n_frames, -featurize.top_db), mel.shape[1])

    return prepare


View = Callable[[FloatArray, int], NDArray[np.float32]]
"""From a spectrogram (n_mels, n_frames) in dB, of which so many frames are no padding, to what a model sees of it."""


def _resized_input(model: SavedModel, _: Featurize) -> View:
    from genres.inputs import model_input

    input_params = Input.model_validate(model.description.input)
    return lambda mel, _: model_input(mel, input_params)


def _scattering_features(_: SavedModel, featurize: Featurize) -> View:
    from genres.scattering_features import excerpt_features

    return lambda mel, frames: excerpt_features(mel[:, :frames], featurize)


def _whole_spectrogram(_: SavedModel, __: Featurize) -> View:
    return lambda mel, _: mel


def _backbone_features(model: SavedModel, featurize: Featurize) -> View:
    from genres.models.transfer import network_tensors
    from genres.pretrained.imagenet import BACKBONES, load_network, spectrogram_features

    backbone = BACKBONES[model.description.architecture["network"]]
    network = load_network(network_tensors(model.arrays), backbone)
    return lambda mel, frames: spectrogram_features(network, mel[:, :frames], featurize.top_db, backbone)


_VIEWS: dict[str, Callable[[SavedModel, Featurize], View]] = {
    "scattering": _scattering_features,
    "fine_tuned": _whole_spectrogram,
    "transfer": _backbone_features,
}
