"""The training loop, the same for every network, and its device and seed."""

import math
import os
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from genres.core.errors import InputError
from genres.core.memory import keep_freed_memory
from genres.models.networks.accelerator import faster_on_cpu
from genres.models.networks.architectures import predict_logits
from genres.schema import Train


class LabelledClips(NamedTuple):
    """What a network is trained or tested on, on its device."""

    inputs: Tensor  # float32 of shape (clips, height, width)
    labels: Tensor  # each clip's class, int64 of shape (clips,)


class Scores(NamedTuple):
    """Mean cross entropy (in nats) and accuracy."""

    loss: float
    accuracy: float


class Epoch(NamedTuple):
    """The scores of an epoch. ``train`` is averaged over its batches, each measured before its step."""

    number: int
    train: Scores
    test: Scores


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``, "cpu", "cuda" or "mps", or raise an InputError if it is not there."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available[name]:
        raise InputError(f"There is no device {name!r} here, or torch was built without it. Set `train.device: cpu`.")
    return torch.device(name)


def seed_torch(seed: int) -> None:
    """Seed torch's generators on every device, and allow only algorithms that repeat their results."""
    # cuBLAS reads this when it starts; without it, deterministic algorithms exclude matrix products on a GPU.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)


def train(
    model: nn.Module, train_clips: LabelledClips, test_clips: LabelledClips, train_params: Train, seed: int
) -> Iterator[Epoch]:
    """Train ``model`` in place with Adam on the cross entropy, and yield the scores after every epoch.

    The train scores are the running ones, taken from each batch before its step and with dropout active, as most
    training loops keep them: only then are the paper's figures reproduced. The test scores are taken after the epoch,
    without dropout. The test clips decide nothing. The model must be on the clips' device. ``seed`` sets the order
    of the batches. An InputError is raised if the loss is no longer finite.
    """
    order = torch.Generator().manual_seed(seed)
    labels = train_clips.labels
    optimizer = torch.optim.Adam(model.parameters(), lr=train_params.learning_rate, fused=True)
    keep_freed_memory()  # every step allocates a batch's memory anew
    # On a CPU, `network` is the same network in its faster form.
    with faster_on_cpu(model, train_clips.inputs, test_clips.inputs) as (network, train_inputs, test_inputs):
        for number in range(1, train_params.epochs + 1):
            network.train()
            # Tensors, not numbers: the host waits for a GPU once an epoch, not at every step.
            loss_sum = torch.zeros((), device=labels.device)
            n_correct = torch.zeros((), device=labels.device, dtype=torch.int64)
            for batch in torch.randperm(len(labels), generator=order).to(labels.device).split(train_params.batch_size):
                logits = network(train_inputs[batch])
                loss = functional.cross_entropy(logits, labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                loss_sum += loss.detach() * len(batch)
                n_correct += (logits.argmax(dim=1) == labels[batch]).sum()

            running = Scores(loss_sum.item() / len(labels), n_correct.item() / len(labels))
            logits = predict_logits(network, test_inputs)
            loss = functional.cross_entropy(logits, test_clips.labels)
            n_correct = (logits.argmax(dim=1) == test_clips.labels).sum()
            tested = Scores(loss.item(), n_correct.item() / len(test_clips.labels))
            for name, scores in (("train", running), ("test", tested)):
                if not math.isfinite(scores.loss):
                    raise InputError(
                        f"The {name} loss is {scores.loss} in epoch {number}. Lower `train.learning_rate`, "
                        f"which is {train_params.learning_rate}."
                    )
            yield Epoch(number, running, tested)
