"""A small trained model of every kind, in files, and clips to try them on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genres.features.mel import fit_frames, mel_db
from genres.inputs import model_input
from genres.models.base.weights import Arrays, Description, write_weights
from genres.models.fine_tuned import FineTuned
from genres.models.networks.architectures import build_network, describe_architecture
from genres.models.scattering import train_scattering
from genres.models.svm import train_svm
from genres.models.transfer import NETWORK, train_transfer
from genres.pretrained import imagenet, musicnn
from genres.pretrained.imagenet import BACKBONES, spectrogram_features
from genres.scattering_features import excerpt_features, group_sizes
from genres.schema import Featurize, Input, Network, Scattering, Svm

SAMPLE_RATE = 16_000  # Hz, which MusiCNN takes, too
FEATURIZE = Featurize(sample_rate=SAMPLE_RATE, n_fft=1024, hop_length=512, n_mels=64, top_db=80.0, n_frames=313)
SECONDS = FEATURIZE.n_frames * FEATURIZE.hop_length / SAMPLE_RATE
INPUT = Input(height=32, width=40, mean=-43.0, std=15.5)
CNN = Network(channels=2, hidden=8, dropout=0.25, crop=None)
CLASS_NAMES = ("blues", "jazz", "rock")
LABELS = np.arange(12) % 3
DATASET: dict[str, Any] = {
    "name": "tones",
    "title": "Tones",
    "description": "tones: twelve of them",
    "synthetic": True,
    "paper": False,
    "caveats": ["Tones are not music."],
    "split_caveats": {},
}

FloatArray = NDArray[np.float32]
Trained = tuple[Arrays, dict[str, Any]]  # and the architecture


def tones(seed: int, seconds: float = SECONDS) -> FloatArray:
    """Return notes of a few partials that come and go, with a beat, in a little noise: shape (samples,)."""
    random = np.random.default_rng(seed)
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    samples = 0.003 * random.normal(size=times.size)
    for partial in range(1, 6):
        pitch = 110 * 2 ** (random.integers(0, 24) / 12) * partial
        samples += 0.1 / partial * np.sin(2 * np.pi * pitch * times) * np.sin(np.pi * random.uniform(0.2, 3) * times)
    beat = np.exp(-30 * (times % random.uniform(0.3, 0.8)))
    return (samples + 0.1 * beat * random.normal(size=times.size)).astype(np.float32)


def noise(seconds: float = SECONDS) -> FloatArray:
    """Return white noise, shape (samples,)."""
    return np.random.default_rng(1).normal(scale=0.1, size=round(seconds * SAMPLE_RATE)).astype(np.float32)


def _spectrograms() -> FloatArray:
    mels = [mel_db(tones(seed), FEATURIZE) for seed in range(len(LABELS))]
    return np.stack([fit_frames(mel, FEATURIZE.n_frames, -FEATURIZE.top_db) for mel in mels])


def _network(size: Network | None) -> Trained:
    """Return a network that differs from a fresh one in batch norm's running statistics."""
    torch.manual_seed(0)
    model = build_network(size, INPUT, 3).train()
    model(torch.randn(8, *INPUT.size))
    return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}, describe_architecture(size)


def _svm(svm: Svm) -> Trained:
    inputs = np.stack([model_input(mel, INPUT) for mel in _spectrograms()])
    return train_svm(inputs, LABELS, svm)._asdict(), {"kind": "svm", **svm.model_dump()}


def _scattering() -> Trained:
    params = Scattering(shrinkage=0.1, gamma=0.3, alpha=0.03, ridge_weight=6.0)
    features = np.stack([excerpt_features(mel, FEATURIZE) for mel in _spectrograms()])
    trained = train_scattering(features, LABELS, list(group_sizes(FEATURIZE).values()), params, seed=0)
    return trained._asdict(), {"kind": "scattering", **params.model_dump()}


def _transfer(features: FloatArray, network: torch.nn.Module, name: str) -> Trained:
    weights = {NETWORK + name: tensor.numpy() for name, tensor in network.state_dict().items()}
    trained = train_transfer(features, LABELS, "logistic", seed=0)
    return trained._asdict() | weights, {"kind": "transfer", "network": name, "classifier": "logistic"}


def _musicnn() -> Trained:
    """Return MusiCNN with random weights, of which some front filters do nothing, as in the real one."""
    torch.manual_seed(0)
    network = musicnn.MusiCNN()
    for filters in network.front:
        filters.conv.weight.data[::3] = 1e-31
        torch.nn.init.normal_(filters.norm.weight)
    network.eval()
    features = [musicnn.mean_features(network, musicnn.log_mel_windows(tones(seed))) for seed in range(len(LABELS))]
    arrays, architecture = _transfer(np.stack(features), network, "musicnn")
    return {name: array for name, array in arrays.items() if not name.endswith("num_batches_tracked")}, architecture


def _imagenet(name: str) -> Trained:
    backbone = BACKBONES[name]
    network = imagenet.load_network(imagenet.random_weights(backbone), backbone)
    features = [spectrogram_features(network, mel, FEATURIZE.top_db, backbone) for mel in _spectrograms()]
    return _transfer(np.stack(features), network, name)


def _fine_tuned() -> Trained:
    torch.manual_seed(0)
    model = FineTuned(BACKBONES["resnet18"].network(), 3)
    torch.nn.init.normal_(model.head.weight, std=0.1)
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return arrays, {"kind": "fine_tuned", "network": "resnet18"}


TOY_MODELS: dict[str, Callable[[], Trained]] = {
    "linear": lambda: _network(None),
    "cnn": lambda: _network(CNN),
    "crops": lambda: _network(CNN.model_copy(update={"crop": 34})),
    "svm": lambda: _svm(Svm(kernel="linear", C=1.0)),
    "svm-rbf": lambda: _svm(Svm(kernel="rbf", C=1.0)),
    "scattering": _scattering,
    "musicnn": _musicnn,
    "resnet18": lambda: _imagenet("resnet18"),
    "efficientnet-lite0": lambda: _imagenet("efficientnet-lite0"),
    "fine-tuned": _fine_tuned,
}


def write_toy_model(path: Path, name: str) -> Description:
    """Train a model, or draw its weights, write it, and return its description."""
    arrays, architecture = TOY_MODELS[name]()
    featurize = None if name == "musicnn" else FEATURIZE.model_dump()
    input_params = INPUT.model_dump() if architecture["kind"] in ("networks", "svm") else None
    described = Description(
        name, architecture, CLASS_NAMES, featurize, input_params, DATASET, len(LABELS), test_accuracy=0.625, seed=3
    )
    write_weights(path, arrays, described)
    return described
