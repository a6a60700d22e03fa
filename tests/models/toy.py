"""Clips that a small network learns in seconds."""

import torch

from genres.models.networks.training import LabelledClips
from genres.schema import Input, Network

TOY_INPUT = Input(height=32, width=40, mean=0.0, std=1.0)
TOY_NETWORK = Network(channels=2, hidden=8, dropout=0.25, crop=None)
TOY_CROPS = TOY_NETWORK.model_copy(update={"crop": 34})


def toy_clips(n_clips: int, seed: int = 0, height: int = 32, width: int = 40) -> LabelledClips:
    """Return noise; the clips of each of three classes are louder in another third of the bands."""
    labels = torch.arange(n_clips) % 3
    inputs = torch.randn(n_clips, height, width, generator=torch.Generator().manual_seed(seed))
    bands = height // 3
    for clip, label in zip(inputs, labels, strict=True):
        clip[bands * label : bands * (label + 1)] += 1
    return LabelledClips(inputs, labels)
