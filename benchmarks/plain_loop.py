"""Training as most projects write it in PyTorch: what the project's own loop is measured against.

A ``Dataset`` of tensors, a shuffling ``DataLoader``, the usual training function, and an evaluation of the test
clips after every epoch. Nothing here is made slow on purpose, and nothing is tuned.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from genres.inputs import LabelledClips
from genres.models import PREDICTION_BATCH_SIZE
from genres.params import Train
from genres.training import Epoch, Scores


class ClipDataset(Dataset[tuple[Tensor, Tensor]]):
    """Clips one by one, as a ``DataLoader`` asks for them."""

    def __init__(self, clips: LabelledClips) -> None:
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips.genres)

    def __getitem__(self, clip: int) -> tuple[Tensor, Tensor]:
        return self.clips.inputs[clip], self.clips.genres[clip]


def train_plainly(
    model: nn.Module, train_clips: LabelledClips, test_clips: LabelledClips, train_params: Train, order: torch.Generator
) -> Iterator[Epoch]:
    """Train ``model`` in place, and yield the scores after every epoch.

    Args:
        model: maps (clips, height, width) to logits.
        train_clips: the clips to learn from.
        test_clips: the clips to evaluate.
        train_params: epochs, batch size and learning rate.
        order: draws the order of the clips, as the project's own loop does.
    """
    unused = torch.Generator()  # a DataLoader draws from torch's own otherwise, and dropout would differ
    train_loader = DataLoader(
        ClipDataset(train_clips),
        batch_size=train_params.batch_size,
        sampler=_Shuffled(len(train_clips.genres), order),
        generator=unused,
    )
    test_loader = DataLoader(ClipDataset(test_clips), batch_size=PREDICTION_BATCH_SIZE, generator=unused)
    optimizer = torch.optim.Adam(model.parameters(), lr=train_params.learning_rate)
    for number in range(1, train_params.epochs + 1):
        model.train()
        train_loss, train_right = 0.0, 0
        for inputs, genres in train_loader:
            optimizer.zero_grad()
            logits = model(inputs)
            loss = functional.cross_entropy(logits, genres)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(genres)
            train_right += int((logits.argmax(dim=1) == genres).sum().item())
        model.eval()
        test_loss, test_right = 0.0, 0
        with torch.no_grad():
            for inputs, genres in test_loader:
                logits = model(inputs)
                test_loss += functional.cross_entropy(logits, genres).item() * len(genres)
                test_right += int((logits.argmax(dim=1) == genres).sum().item())
        yield Epoch(
            number,
            Scores(train_loss / len(train_clips.genres), train_right / len(train_clips.genres)),
            Scores(test_loss / len(test_clips.genres), test_right / len(test_clips.genres)),
        )


class _Shuffled(torch.utils.data.Sampler[int]):
    """What ``shuffle=True`` does, with a permutation that another loop can draw too."""

    def __init__(self, clips: int, order: torch.Generator) -> None:
        self.clips, self.order = clips, order

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self.clips, generator=self.order).tolist())

    def __len__(self) -> int:
        return self.clips
