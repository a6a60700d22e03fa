"""The epoch loop, the same for every network."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from genres.errors import InputError
from genres.inputs import LabelledClips
from genres.models import predict
from genres.params import Train


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
    optimizer = torch.optim.Adam(model.parameters(), lr=train_params.learning_rate)
    for number in range(1, train_params.epochs + 1):
        shuffled = torch.randperm(len(train_clips.genres), generator=order)
        running = _train_epoch(model, train_clips, shuffled.split(train_params.batch_size), optimizer)
        if not torch.isfinite(torch.tensor(running.loss)):
            raise InputError(
                f"The training loss is {running.loss} in epoch {number}. Lower `train.learning_rate`, "
                f"which is {train_params.learning_rate}."
            )
        yield Epoch(number, running, evaluate(model, test_clips))


def evaluate(model: nn.Module, clips: LabelledClips) -> Scores:
    """Score a model on clips that it does not learn from."""
    logits = predict(model, clips.inputs)
    loss = functional.cross_entropy(logits, clips.genres)
    return Scores(loss.item(), (logits.argmax(dim=1) == clips.genres).double().mean().item())


def _train_epoch(
    model: nn.Module, clips: LabelledClips, batches: tuple[Tensor, ...], optimizer: torch.optim.Optimizer
) -> Scores:
    model.train()
    # Sums stay on the device, so that a GPU is not made to wait for the host after every batch.
    loss_sum = torch.zeros((), device=clips.inputs.device)
    right = torch.zeros((), device=clips.inputs.device, dtype=torch.int64)
    for batch in batches:
        inputs, genres = clips.inputs[batch], clips.genres[batch]
        logits = model(inputs)
        loss = functional.cross_entropy(logits, genres)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach() * len(batch)
        right += (logits.detach().argmax(dim=1) == genres).sum()
    return Scores(loss_sum.item() / len(clips.genres), right.item() / len(clips.genres))
