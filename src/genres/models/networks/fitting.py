"""A network on the clips of a split: built with a seed, trained on their train clips, tested on their test clips."""

import sys
from collections.abc import Iterator

import torch
from torch import nn

from genres.core.columns import TEST, TRAIN
from genres.core.errors import InputError
from genres.models.base.training_data import TrainingData
from genres.models.networks.architectures import build_network
from genres.models.networks.training import Epoch, LabelledClips, choose_device, seed_torch, train
from genres.schema import Network, Params


def start_network(name: str, network: Network | None, data: TrainingData, params: Params) -> nn.Module:
    """Return an untrained network, or the linear model if there is none, on its device; ``seed`` draws its weights.

    The ``params`` need ``seed``, ``input`` and ``train``. An InputError is raised if the device is not there, or if
    the crops are wider than the input; ``name`` is the group of parameters that it names.
    """
    device = choose_device(params.train.device)
    if device.type != "cpu":
        print(f"note: on {device.type}, results differ slightly from those on a CPU", file=sys.stderr)
    seed_torch(params.seed)
    try:
        return build_network(network, params.input, len(data.class_names)).to(device)
    except ValueError as error:
        raise InputError(f"`{name}.crop`: {error}. Lower it, or raise `input.width`.") from None


def fit_network(model: nn.Module, data: TrainingData, params: Params) -> Iterator[Epoch]:
    """Train a network of `start_network` in place, and yield the scores after every epoch; it ends on the CPU.

    Errors are those of `training.train`.
    """
    device = choose_device(params.train.device)
    train_clips, test_clips = (
        LabelledClips(torch.from_numpy(inputs).to(device), torch.from_numpy(labels).to(device))
        for inputs, labels in (data.subset(TRAIN), data.subset(TEST))
    )
    yield from train(model, train_clips, test_clips, params.train, params.seed)
    model.cpu()
