"""Any trained model from its file alone."""

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from toy import TOY_CROPS, TOY_INPUT, TOY_NETWORK

from genres.core.errors import InputError
from genres.models.base.predictions import Predict, read_predictions, write_predictions
from genres.models.base.weights import Arrays, Description, write_weights
from genres.models.fine_tuned import FineTuned, predict_fine_tuned
from genres.models.networks.architectures import build_network, describe_architecture, predict_network
from genres.models.saved import load_model
from genres.models.scattering import predict_scattering, train_scattering
from genres.models.svm import predict_svm, train_svm
from genres.models.transfer import predict_transfer, train_transfer
from genres.pretrained.imagenet import BACKBONES
from genres.schema import Network, Params, Scattering, Svm

Trained = tuple[Arrays, dict[str, Any], Predict]

DATASET = {"name": "any", "title": "Any", "description": "any: 30 clips", "synthetic": True, "paper": False}
DATASET |= {"caveats": [], "split_caveats": {}}
INPUTS = np.random.default_rng(0).normal(size=(30, 32, 40)).astype(np.float32)


def network(size: Network | None) -> Trained:
    """Return a network that differs from a fresh one in its weights and in batch norm's running statistics."""
    torch.manual_seed(0)
    model = build_network(size, TOY_INPUT, 3).train()
    model(torch.randn(8, 32, 40))
    arrays = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    return arrays, describe_architecture(size), lambda inputs: predict_network(model, inputs)


def machine(svm: Svm) -> Trained:
    trained = train_svm(INPUTS, np.arange(30) % 3, svm)
    return trained._asdict(), {"kind": "svm", **svm.model_dump()}, lambda inputs: predict_svm(trained, inputs)


def scattering() -> Trained:
    params = Scattering(shrinkage=0.1, gamma=0.3, alpha=0.1, ridge_weight=1.0)
    trained = train_scattering(INPUTS, np.arange(30) % 3, (30, 10), params, seed=0)
    architecture = {"kind": "scattering", **params.model_dump()}
    return trained._asdict(), architecture, lambda inputs: predict_scattering(trained, inputs)


def transfer() -> Trained:
    trained = train_transfer(INPUTS[:, 0], np.arange(30) % 3, "logistic", seed=0)
    return trained._asdict(), {"kind": "transfer"}, lambda inputs: predict_transfer(trained, inputs)


def fine_tuned() -> Trained:
    torch.manual_seed(0)
    backbone = BACKBONES["resnet18"]
    model = FineTuned(backbone.network(), 3).eval()
    torch.nn.init.normal_(model.head.weight)
    arrays = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    architecture = {"kind": "fine_tuned", "network": "resnet18"}
    return arrays, architecture, lambda inputs: predict_fine_tuned(model, 80.0, backbone, inputs)


MODELS: dict[str, Callable[[], Trained]] = {
    "linear": lambda: network(None),
    "cnn": lambda: network(TOY_NETWORK),
    "crops": lambda: network(TOY_CROPS),
    "svm": lambda: machine(Svm(kernel="linear", C=1.0)),
    "svm-rbf": lambda: machine(Svm(kernel="rbf", C=1.0)),
    "scattering": scattering,
    "transfer": transfer,
    "fine-tuned": fine_tuned,
}
FEATURES = {"scattering", "transfer", "fine-tuned"}  # what these see is not resized


@pytest.fixture
def description(params: Params) -> Description:
    featurize, shape = params.featurize.model_dump(), TOY_INPUT.model_dump()
    return Description("any", {}, ("blues", "jazz", "rock"), featurize, shape, DATASET, 30, 0.5, seed=3)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_gives_the_predictions_of_its_stage_from_its_file_alone_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, description: Description, model: str
) -> None:
    arrays, architecture, predict = MODELS[model]()
    inputs = INPUTS[:, 0] if model == "transfer" else INPUTS
    described = replace(description, architecture=architecture)
    stage, elsewhere = tmp_path / "stage", tmp_path / "elsewhere"
    genres = np.array(description.class_names)[np.arange(30) % 3]
    clips = pd.DataFrame({"clip_id": [f"{genre}/{n}" for n, genre in enumerate(genres)], "genre": genres})
    clips = clips.assign(sha256="0", subset="test")
    write_weights(stage / "mine.safetensors", arrays, described)
    write_predictions(stage / "mine.csv", clips, described.class_names, predict(inputs))
    written = read_predictions(stage / "mine.csv")

    elsewhere.mkdir()
    (stage / "mine.safetensors").rename(elsewhere / "mine.safetensors")
    shutil.rmtree(stage)
    monkeypatch.chdir(elsewhere)
    torch.manual_seed(1)
    loaded = load_model(Path("mine.safetensors"))
    assert loaded.description == described
    output = loaded.predict(inputs)
    assert [described.class_names[label] for label in output.labels] == written.clips.predicted.tolist()
    assert (output.probabilities is None) == model.startswith("svm")
    np.testing.assert_equal(output.probabilities, written.probabilities)


CHANGES: list[dict[str, Any]] = [
    {"class_names": ("blues", "jazz")},
    {"featurize": {"n_mels": 0}},
    {"architecture": {"kind": ["svm"]}},
    {"architecture": {"kind": "cnn", "channels": 2, "hidden": 5, "dropout": 0.25, "crop": None}},
    {"architecture": {"kind": "networks", "channels": 2, "hidden": 8, "dropout": 0.25, "crop": 41}},
    {"architecture": {}},
    {"architecture": "svm"},
    {"dataset": {}},
    {"test_accuracy": "high"},
]
OTHER_INPUTS: list[dict[str, Any]] = [
    {"input": {**TOY_INPUT.model_dump(), "height": 160}},
    {"input": {**TOY_INPUT.model_dump(), "std": 0.0}},
    {"input": {}},
    {"input": None},
]
OTHER_KINDS = [
    ("svm", "linear"),
    ("svm", "scattering"),
    ("scattering", "svm"),
    ("linear", "svm"),
    ("cnn", "linear"),
    ("cnn", "svm"),
]


@pytest.mark.parametrize(
    ("model", "change", "missing"),
    [
        *((model, change, None) for model, change in product(MODELS, CHANGES)),
        *((model, change, None) for model, change in product(sorted(MODELS.keys() - FEATURES), OTHER_INPUTS)),
        ("fine-tuned", {"featurize": None}, None),
        *((model, {"architecture": {"kind": kind}}, None) for model, kind in OTHER_KINDS),
        *(("cnn", {}, array) for array in ("1.0.weight", "8.bias")),
    ],
    ids=str,
)
def test_a_model_that_does_not_fit_its_description_is_refused(
    tmp_path: Path, description: Description, model: str, change: dict[str, Any], missing: str | None
) -> None:
    path = tmp_path / "mine.safetensors"
    arrays, architecture, _ = MODELS[model]()
    kept = {name: array for name, array in arrays.items() if name != missing}
    write_weights(path, kept, replace(description, **{"architecture": architecture, **change}))
    message = re.escape(f"{path} is damaged, or not a model of this version of the project (")
    with pytest.raises(InputError, match=message):
        load_model(path)


@pytest.mark.parametrize(
    ("array", "value"),
    [
        ("group_sizes", np.array(40)),
        ("group_sizes", np.array([30, 11])),
        ("mean", np.zeros(7, np.float32)),
        ("intercepts", np.zeros(5)),
        ("shares", np.zeros(1)),
        ("gamma", np.zeros(2)),
        ("inverse_temperature", np.array(np.nan)),
    ],
)
def test_a_damaged_array_of_the_model_beyond_the_paper_is_refused(
    tmp_path: Path, description: Description, array: str, value: NDArray[Any]
) -> None:
    arrays, architecture, _ = MODELS["scattering"]()
    path = tmp_path / "mine.safetensors"
    write_weights(path, dict(arrays) | {array: value}, replace(description, architecture=architecture))
    with pytest.raises(InputError, match="not a model of this version of the project"):
        load_model(path)


@pytest.mark.parametrize(
    "kind",
    [
        "forest",
        "os",
        "base",
        "saved",
        "base.weights",
        "networks.run",
        "networks.accelerator",
        "..schema",
        "",
        "svm ",
        None,
    ],
)
def test_a_file_can_name_no_module_but_that_of_a_model(tmp_path: Path, description: Description, kind: object) -> None:
    path = tmp_path / "mine.safetensors"
    write_weights(path, {}, replace(description, architecture={"kind": kind}))
    before = set(sys.modules)
    with pytest.raises(
        InputError, match=re.escape(f"not a model of this version of the project (a model of the kind {kind!r} is not")
    ):
        load_model(path)
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    ("array", "value"),
    [
        ("dual_coefficients", np.zeros(())),
        ("dual_coefficients", np.zeros((2, 3))),
        ("intercepts", np.zeros(2)),
        ("gamma", np.zeros(1)),
        ("vectors_per_class", np.array([1, 1, 1])),
    ],
)
def test_a_support_vector_machine_with_arrays_of_other_shapes_is_refused(
    tmp_path: Path, description: Description, array: str, value: NDArray[Any]
) -> None:
    arrays, architecture, _ = MODELS["svm"]()
    described = replace(description, architecture=architecture)
    write_weights(tmp_path / "mine.safetensors", {**arrays, array: value}, described)
    with pytest.raises(InputError, match="arrays of other shapes"):
        load_model(tmp_path / "mine.safetensors")
