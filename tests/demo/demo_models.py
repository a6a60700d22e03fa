"""Models for the demo that nothing trained: their files are read like those of real ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genres.models.base.weights import Description, write_weights
from genres.models.networks.architectures import build_network, describe_architecture
from genres.models.svm import train_svm
from genres.schema import Featurize, Input, Network, Svm

CLASS_NAMES = ("blues", "jazz", "<i>rock</i>")
DATASET = {
    "name": "toy", "title": "a toy", "description": "", "synthetic": True, "paper": False, "caveats": [],
    "split_caveats": {},
}  # fmt: skip
FEATURIZE = Featurize(sample_rate=22_050, n_fft=2048, hop_length=512, n_mels=32, top_db=80.0, n_frames=86)  # 2 s
NETWORK = Network(channels=2, hidden=8, dropout=0.25, crop=None)
INPUT = Input(height=32, width=40, mean=-40.0, std=20.0)


def write_models(folder: Path, synthetic: bool = True) -> None:
    """Write a network, which has probabilities, and a support vector machine, which has none."""
    torch.manual_seed(0)
    network = build_network(NETWORK, INPUT, len(CLASS_NAMES))
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    inputs = np.random.default_rng(0).normal(size=(30, 32, 40)).astype(np.float32)
    machine = train_svm(inputs, np.arange(30) % 3, Svm(kernel="linear", C=1.0))
    dataset = DATASET | {"synthetic": synthetic}
    folder.mkdir(parents=True)
    _write(folder, "simple", weights, describe_architecture(NETWORK), dataset, 0.9)
    _write(folder, "svm", machine._asdict(), {"kind": "svm", "kernel": "linear", "C": 1.0}, dataset, 0.8)


def _write(
    folder: Path,
    name: str,
    arrays: Mapping[str, Any],
    architecture: Mapping[str, Any],
    dataset: Mapping[str, Any],
    accuracy: float,
) -> None:
    featurize, input_params = FEATURIZE.model_dump(), INPUT.model_dump()
    description = Description(
        name, architecture, CLASS_NAMES, featurize, input_params, dataset, 24, test_accuracy=accuracy, seed=0
    )
    write_weights(folder / f"{name}.safetensors", arrays, description)
