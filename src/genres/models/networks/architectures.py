"""The paper's networks: a linear model, and a CNN in two sizes."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genres.models.base.predictions import ModelOutput, Predict
from genres.models.base.weights import Arrays, Description
from genres.schema import Input, Network

BLOCKS = 3
POOLING = 4
PREDICTION_BATCH_SIZE = 64  # the paper's, for evaluation


def build_network(network: Network | None, input_params: Input, n_classes: int) -> nn.Sequential:
    """Build a network with fresh weights, drawn from torch's global generator.

    It maps (clips, height, width) to one logit a class, (clips, classes). No ``network`` means the linear model.
    """
    height, width = input_params.height, input_params.width
    if network is None:
        return nn.Sequential(nn.Flatten(), nn.Linear(height * width, n_classes))
    channels = [1, *(network.channels * 2**block for block in range(BLOCKS))]
    height, width = (math.ceil(size / POOLING**BLOCKS) for size in (height, width))
    return nn.Sequential(
        nn.Unflatten(1, (1, input_params.height)),  # (clips, height, width) -> (clips, 1, height, width)
        *(_block(inputs, outputs) for inputs, outputs in pairwise(channels)),
        nn.Flatten(),  # (clips, 4 x channels, height / 64, width / 64) -> (clips, 8 x channels by default)
        nn.Linear(channels[-1] * height * width, network.hidden),
        nn.ReLU(),
        nn.Dropout(network.dropout),
        nn.Linear(network.hidden, n_classes),
    )


def _block(inputs: int, outputs: int) -> nn.Sequential:
    # Rounding the pooled size up is what gives the paper's parameter counts: 64x100 -> 16x25 -> 4x7 -> 1x2.
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(POOLING, ceil_mode=True),
    )


def describe_architecture(network: Network | None) -> dict[str, Any]:
    """Return what `load_predict` needs to build the network again, as it stands in its weights file."""
    return {"kind": "networks"} | (network.model_dump() if network else {})


class Batchable(Protocol):
    """Inputs that can be cut into batches: a tensor, or what the faster form of a network takes instead."""

    def __getitem__(self, indices: Tensor, /) -> Any:
        """Return the batch of some clips."""

    def split(self, size: int, /) -> Sequence[Any]:
        """Cut them into batches of ``size`` clips, the last perhaps smaller."""


def predict_logits(model: nn.Module, inputs: Batchable) -> Tensor:
    """Return the logits (clips, classes) of ``inputs`` (clips, height, width), without training anything."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(batch) for batch in inputs.split(PREDICTION_BATCH_SIZE)])


def predict_network(model: nn.Module, inputs: NDArray[np.float32]) -> ModelOutput:
    """Predict the classes of inputs (clips, height, width); the probabilities are the softmax of the logits."""
    logits = predict_logits(model, torch.from_numpy(inputs))
    probabilities = torch.softmax(logits.double(), dim=1)
    return ModelOutput(probabilities.argmax(dim=1).numpy(), probabilities.numpy())


def load_predict(arrays: Arrays, description: Description) -> Predict:
    """Return what predicts on the CPU with a network's weights; a ValueError or RuntimeError says they do not fit."""
    sizes = {key: value for key, value in description.architecture.items() if key != "kind"}
    network = Network.model_validate(sizes) if sizes else None
    model = build_network(network, Input.model_validate(description.input), len(description.class_names))
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return partial(predict_network, model)
