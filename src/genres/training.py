"""The epoch loop, the same for every network."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from genres.adam import Adam
from genres.captured_step import CapturedStep
from genres.errors import InputError
from genres.inputs import LabelledClips
from genres.memory import keep_freed_memory
from genres.models import predict
from genres.params import Train

if TYPE_CHECKING:
    from genres.fast_training import PatchedClips

    Inputs = Tensor | PatchedClips


@dataclass(frozen=True)
class Scores:
    """Mean cross entropy (in nats) and share of clips judged right."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Epoch:
    """What is known after an epoch. ``train`` is averaged over its batches, as they were trained on."""

    number: int
    train: Scores
    test: Scores


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``, where "auto" is CUDA or Apple's GPU if there is one, else the CPU.

    Raises:
        InputError: the device is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if there[device])
    if not there[name]:
        raise InputError(f"There is no device {name!r} here, or torch was built without it. Use `--device auto`.")
    return torch.device(name)


def train(
    model: nn.Module, train_clips: LabelledClips, test_clips: LabelledClips, train_params: Train, seed: int
) -> Iterator[Epoch]:
    """Train ``model`` in place with Adam on the cross entropy, and yield the scores after every epoch.

    The train scores are the running ones, taken from each batch before its step and with dropout at work, as
    the usual training function keeps them: only so do the paper's figures come out. The test scores are taken
    after the epoch, without dropout. The test clips decide nothing.

    Args:
        model: on the clips' device.
        train_clips: at least one clip.
        test_clips: at least one clip.
        train_params: epochs (from 1), batch size and learning rate.
        seed: of the order of the batches.

    Raises:
        InputError: the loss is no longer finite.
    """
    order = torch.Generator().manual_seed(seed)
    genres = train_clips.genres
    keep_freed_memory()  # a batch's, which is asked for anew in each step
    with _fastest(model, train_clips.inputs, test_clips.inputs) as (network, train_inputs, test_inputs):
        step = _Step(network, train_inputs, genres, Adam(model.parameters(), train_params.learning_rate))
        take_step = CapturedStep(step, step.changed) if genres.is_cuda else step
        for number in range(1, train_params.epochs + 1):
            network.train()
            step.reset()
            for batch in torch.randperm(len(genres), generator=order).to(genres.device).split(train_params.batch_size):
                take_step(batch)
            running = step.scores()
            if not math.isfinite(running.loss):
                raise InputError(
                    f"The training loss is {running.loss} in epoch {number}. Lower `train.learning_rate`, "
                    f"which is {train_params.learning_rate}."
                )
            yield Epoch(number, running, _score(predict(network, test_inputs), test_clips.genres))


def evaluate(model: nn.Module, clips: LabelledClips) -> Scores:
    """Score a model on clips that it does not learn from."""
    return _score(predict(model, clips.inputs), clips.genres)


@contextmanager
def _fastest(
    model: nn.Module, train_inputs: Tensor, test_inputs: Tensor
) -> Iterator[tuple[nn.Module, "Inputs", "Inputs"]]:
    """Provide the model and its inputs in the form that trains fastest where they are; its weights are the model's."""
    if train_inputs.device.type != "cpu" or not any(isinstance(module, nn.Conv2d) for module in model.modules()):
        yield model, train_inputs, test_inputs
        return
    from genres.fast_training import FastCNN, PatchedClips, clip_workers

    with clip_workers() as workers:
        yield FastCNN(model, workers), PatchedClips.of(train_inputs), PatchedClips.of(test_inputs)


class _Step:
    """A step of the training, and the sums of an epoch's scores.

    A step never waits for the device, so that the host can run ahead of a GPU, and the step can be captured.
    """

    def __init__(self, network: nn.Module, inputs: "Inputs", genres: Tensor, optimizer: Adam) -> None:
        self.network, self.inputs, self.genres, self.optimizer = network, inputs, genres, optimizer
        self.loss_sum = torch.zeros((), device=genres.device)
        self.right = torch.zeros((), device=genres.device, dtype=torch.int64)
        self.changed = (*network.parameters(), *network.buffers(), *optimizer.state, self.loss_sum, self.right)

    def reset(self) -> None:
        """Begin an epoch."""
        self.loss_sum.zero_()
        self.right.zero_()

    def __call__(self, batch: Tensor) -> None:
        """Learn from the clips with the numbers in ``batch``."""
        # index_select copies several times sooner than inputs[batch] does.
        inputs = self.inputs.index_select(0, batch) if isinstance(self.inputs, Tensor) else self.inputs[batch]
        logits = self.network(inputs)
        genres = self.genres.index_select(0, batch)
        loss = functional.cross_entropy(logits, genres)
        loss.backward()
        self.optimizer.step()
        self.loss_sum += loss.detach() * len(batch)
        self.right += (logits.detach().argmax(dim=1) == genres).sum()

    def scores(self) -> Scores:
        """Return the scores of the epoch so far, taken before each batch was learnt from."""
        return Scores(self.loss_sum.item() / len(self.genres), self.right.item() / len(self.genres))


def _score(logits: Tensor, genres: Tensor) -> Scores:
    loss = functional.cross_entropy(logits, genres)
    return Scores(loss.item(), (logits.argmax(dim=1) == genres).double().mean().item())
