"""Any trained model from its file alone."""

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from toy import TOY_INPUT, TOY_NETWORK

from genres.core.errors import InputError
from genres.models.base.predictions import ModelOutput
from genres.models.base.weights import Arrays, Description, write_weights
from genres.models.networks.architectures import build_network, describe_architecture, predict_network
from genres.models.saved import load_model
from genres.models.svm import predict_svm, train_svm
from genres.schema import Network, Params, Svm

Trained = tuple[Arrays, dict[str, Any], Callable[[NDArray[np.float32]], ModelOutput]]

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


MODELS: dict[str, Callable[[], Trained]] = {
    "linear": lambda: network(None),
    "cnn": lambda: network(TOY_NETWORK),
    "svm": lambda: machine(Svm(kernel="linear", C=1.0)),
    "svm-rbf": lambda: machine(Svm(kernel="rbf", C=1.0)),
}


@pytest.fixture
def description(params: Params) -> Description:
    featurize, shape = params.featurize.model_dump(), TOY_INPUT.model_dump()
    return Description("any", {}, ("blues", "jazz", "rock"), featurize, shape, seed=3)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_predicts_the_same_from_its_file_alone(tmp_path: Path, description: Description, model: str) -> None:
    arrays, architecture, predict = MODELS[model]()
    described = replace(description, architecture=architecture)
    write_weights(tmp_path / "mine.safetensors", arrays, described)
    torch.manual_seed(1)
    loaded = load_model(tmp_path / "mine.safetensors")
    assert loaded.description == described
    np.testing.assert_equal(asdict(loaded.predict(INPUTS)), asdict(predict(INPUTS)))


CHANGES: list[dict[str, Any]] = [
    {"class_names": ("blues", "jazz")},
    {"input": {**TOY_INPUT.model_dump(), "width": 160}},
    {"input": {**TOY_INPUT.model_dump(), "std": 0.0}},
    {"input": {}},
    {"featurize": {"n_mels": 0}},
    {"architecture": {"kind": "unknown"}},
    {"architecture": {"kind": "cnn", "channels": 2, "hidden": 5, "dropout": 0.25}},
    {"architecture": {}},
    {"architecture": "svm"},
]
OTHER_KINDS = [("svm", "linear"), ("linear", "svm"), ("cnn", "linear"), ("cnn", "svm")]


@pytest.mark.parametrize(
    ("model", "change", "missing"),
    [
        *((model, change, None) for model, change in product(MODELS, CHANGES)),
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
    message = re.escape(f"{path} is damaged: no model of this project") + r"(.|\n)+`dvc repro -f train_mine`"
    with pytest.raises(InputError, match=message):
        load_model(path)
