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


def build_network(network: Network | None, input_params: Input, n_classes: int) -> nn.Module:
    """Build a network with fresh weights, drawn from torch's global generator.

    It maps (clips, height, width) to one logit a class, (clips, classes). No ``network`` means the linear model. A
    ValueError is raised if the crops would be wider than the input.
    """
    height, width = input_params.size
    if network is None:
        return nn.Sequential(nn.Flatten(), nn.Linear(height * width, n_classes))
    if network.crop is None:
        return _build_cnn(network, height, width, n_classes)
    if network.crop > width:
        raise ValueError(f"crops of {network.crop} frames are wider than the input, {width}")
    return Crops(_build_cnn(network, height, network.crop, n_classes), network.crop)


def _build_cnn(network: Network, height: int, width: int, n_classes: int) -> nn.Sequential:
    channels = [1, *(network.channels * 2**block for block in range(BLOCKS))]
    pooled_height, pooled_width = (math.ceil(size / POOLING**BLOCKS) for size in (height, width))
    return nn.Sequential(
        nn.Unflatten(1, (1, height)),  # (clips, height, width) -> (clips, 1, height, width)
        *(_block(inputs, outputs) for inputs, outputs in pairwise(channels)),
        nn.Flatten(),  # (clips, 4 x channels, height / 64, width / 64) -> (clips, 8 x channels by default)
        nn.Linear(channels[-1] * pooled_height * pooled_width, network.hidden),
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


class Crops(nn.Module):
    """A CNN that sees ``crop`` of a clip's frames: at random in training, which makes more of few clips.

    Otherwise it sees crops that overlap by at least half, evenly spaced from the first frame to the last, and
    gives the mean of their logits.
    """

    def __init__(self, cnn: nn.Sequential, crop: int) -> None:
        super().__init__()
        self.cnn = cnn
        self.crop = crop

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (clips, classes) of inputs (clips, height, width)."""
        n_clips, height, width = inputs.shape
        if self.training:
            starts = torch.randint(width - self.crop + 1, (n_clips, 1, 1), device=inputs.device)
            frames = starts + torch.arange(self.crop, device=inputs.device)
            return self._logits(inputs.gather(2, frames.expand(-1, height, -1)))
        evenly = torch.linspace(0, width - self.crop, 2 * math.ceil(width / self.crop) - 1).round().int().tolist()
        return torch.stack([self._logits(inputs[:, :, start : start + self.crop]) for start in evenly]).mean(dim=0)

    def _logits(self, crops: Tensor) -> Tensor:
        logits: Tensor = self.cnn(crops)
        return logits


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
    # Clip by clip, so that the bits do not depend on which clips come together. Copied, as the inputs may be read-only.
    logits = torch.cat([predict_logits(model, torch.tensor(clip[None])) for clip in inputs])
    probabilities = torch.softmax(logits.double(), dim=1)
    return ModelOutput(probabilities.argmax(dim=1).numpy(), probabilities.numpy())


def load_predict(arrays: Arrays, description: Description) -> Predict:
    """Return a function that predicts on the CPU; a ValueError or RuntimeError says that the weights do not fit."""
    sizes = {key: value for key, value in description.architecture.items() if key != "kind"}
    network = Network.model_validate(sizes) if sizes else None
    model = build_network(network, Input.model_validate(description.input), len(description.class_names))
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return partial(predict_network, model)
