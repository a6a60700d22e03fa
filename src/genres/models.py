"""The paper's networks: a linear model, and a CNN in two sizes."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from genres.params import Input, Network

BLOCKS = 3
POOLING = 4
PREDICTION_BATCH_SIZE = 64  # the paper's, for evaluation


def build_model(network: Network | None, input_params: Input, genres: int) -> nn.Sequential:
    """Build a network with fresh weights, drawn from torch's global generator.

    It maps (clips, height, width) to one logit a genre, (clips, genres).

    Args:
        network: the size of a CNN, or None for the linear model.
        input_params: what an input looks like; only height and width matter here.
        genres: number of genres, at least 2.
    """
    height, width = input_params.height, input_params.width
    if network is None:
        return nn.Sequential(nn.Flatten(), nn.Linear(height * width, genres))
    channels = [1, *(network.channels * 2**block for block in range(BLOCKS))]
    for _ in range(BLOCKS):
        height, width = math.ceil(height / POOLING), math.ceil(width / POOLING)
    return nn.Sequential(
        nn.Unflatten(1, (1, input_params.height)),  # (clips, height, width) -> (clips, 1, height, width)
        *(_block(inputs, outputs) for inputs, outputs in pairwise(channels)),
        nn.Flatten(),  # (clips, 4 x channels, height / 64, width / 64) -> (clips, 8 x channels by default)
        nn.Linear(channels[-1] * height * width, network.hidden),
        nn.ReLU(),
        nn.Dropout(network.dropout),
        nn.Linear(network.hidden, genres),
    )


def _block(inputs: int, outputs: int) -> nn.Sequential:
    # Rounding the pooled size up is what gives the paper's parameter counts: 64x100 -> 16x25 -> 4x7 -> 1x2.
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(POOLING, ceil_mode=True),
    )


def trainable_parameters(model: nn.Module) -> int:
    """Count the numbers that training changes."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


class Batches(Protocol):
    """Inputs that can be cut into batches: a tensor, or what the faster form of a model takes instead."""

    def split(self, size: int, /) -> Sequence[Any]:
        """Cut them into batches of ``size`` clips, the last perhaps smaller."""


def predict(model: nn.Module, inputs: Batches) -> Tensor:
    """Return the logits (clips, genres) of ``inputs`` (clips, height, width), without training anything."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(batch) for batch in inputs.split(PREDICTION_BATCH_SIZE)])
