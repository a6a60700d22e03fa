"""Training as most projects write it in PyTorch: what the project's own loop is measured against.

A ``Dataset`` of tensors, a shuffling ``DataLoader``, the usual training function, and an evaluation of the test
clips after every epoch. Nothing here is made slow on purpose, and nothing is tuned.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from genres.models.networks.architectures import PREDICTION_BATCH_SIZE
from genres.models.networks.training import Epoch, LabelledClips, Scores
from genres.schema import Train


def train_plainly(
    model: nn.Module, train_clips: LabelledClips, test_clips: LabelledClips, train_params: Train, seed: int
) -> Iterator[Epoch]:
    """Train ``model`` in place, and yield the scores after every epoch, as `training.train` does."""
    order = torch.Generator().manual_seed(seed)
    unused = torch.Generator()  # with torch's global one, a DataLoader would change the dropout
    train_set = TensorDataset(train_clips.inputs, train_clips.labels)
    test_set = TensorDataset(test_clips.inputs, test_clips.labels)
    test_batches = DataLoader(test_set, PREDICTION_BATCH_SIZE, generator=unused)
    optimizer = torch.optim.Adam(model.parameters(), lr=train_params.learning_rate)
    for number in range(1, train_params.epochs + 1):
        # What shuffle=True does, with the permutations of the project's own loop.
        shuffled = torch.randperm(len(train_set), generator=order).tolist()
        train_batches = DataLoader(train_set, train_params.batch_size, sampler=shuffled, generator=unused)
        yield Epoch(number, _run_epoch(model, train_batches, optimizer), _run_epoch(model, test_batches))


def _run_epoch(
    model: nn.Module, batches: DataLoader[tuple[Tensor, ...]], optimizer: torch.optim.Optimizer | None = None
) -> Scores:
    """Train on all clips once, or evaluate them if there is no optimizer."""
    model.train(optimizer is not None)
    loss_sum, n_correct, n_clips = 0.0, 0, len(batches.dataset)
    with torch.set_grad_enabled(optimizer is not None):
        for inputs, labels in batches:
            logits = model(inputs)
            loss = functional.cross_entropy(logits, labels)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(labels)
            n_correct += int((logits.argmax(dim=1) == labels).sum().item())
    return Scores(loss_sum / n_clips, n_correct / n_clips)
