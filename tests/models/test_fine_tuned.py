"""A backbone that is trained on, with random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from genres.models.base.predictions import ModelOutput
from genres.models.fine_tuned import FineTuned, fine_tune, predict_fine_tuned
from genres.pretrained.imagenet import BACKBONES, random_weights
from genres.pretrained.weights import write_weights

TOP_DB = 80.0
EACH_BACKBONE = pytest.mark.parametrize("name", BACKBONES)


def toy(n_clips: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return noise; that of class 1 is louder than that of class 0."""
    labels = np.arange(n_clips) % 2
    mel = np.random.default_rng(seed).uniform(-60, -40, (n_clips, 16, 300)).astype(np.float32)
    return mel + 30 * labels[:, None, None].astype(np.float32), labels


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    for name, backbone in BACKBONES.items():
        write_weights(folder / f"{name}.safetensors", random_weights(backbone))
    return {name: folder / f"{name}.safetensors" for name in BACKBONES}


def predicted(name: str, model: FineTuned, mel: NDArray[np.float32]) -> ModelOutput:
    return predict_fine_tuned(model, TOP_DB, BACKBONES[name], mel)


@EACH_BACKBONE
def test_what_can_be_learned_is_learned(name: str, weights: dict[str, Path]) -> None:
    model = fine_tune(*toy(8, seed=0), TOP_DB, name, weights[name], epochs=2, seed=0)
    mel, labels = toy(6, seed=1)
    output = predicted(name, model, mel)
    assert output.labels.tolist() == labels.tolist()
    assert output.probabilities is not None
    np.testing.assert_allclose(output.probabilities.sum(axis=1), 1)


def test_the_whole_network_is_trained_on_but_its_statistics(weights: dict[str, Path]) -> None:
    before = random_weights(BACKBONES["resnet18"])
    after = fine_tune(*toy(4, seed=0), TOP_DB, "resnet18", weights["resnet18"], epochs=3, seed=0).network.state_dict()
    unchanged = {key for key, tensor in after.items() if torch.equal(tensor, before[key])}
    statistics = {key for key in before if key.endswith(("running_mean", "running_var", "num_batches_tracked"))}
    assert unchanged == statistics | {"fc.weight", "fc.bias"}


def test_a_seed_gives_the_same_model_again_bit_for_bit(weights: dict[str, Path]) -> None:
    mel, labels = toy(20, seed=0)
    models = [
        fine_tune(mel, labels, TOP_DB, "resnet18", weights["resnet18"], epochs=1, seed=seed) for seed in (0, 0, 1)
    ]
    first, again, other = (model.state_dict() for model in models)
    assert all(torch.equal(tensor, again[key]) for key, tensor in first.items())
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_all_classes_are_equally_likely_before_training(weights: dict[str, Path]) -> None:
    mel, labels = toy(4, seed=0)
    model = fine_tune(mel, labels, TOP_DB, "resnet18", weights["resnet18"], epochs=0, seed=0)
    probabilities = predicted("resnet18", model, mel).probabilities
    np.testing.assert_array_equal(probabilities, np.full((4, 2), 0.5))
