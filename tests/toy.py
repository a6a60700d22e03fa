"""Clips that a small network learns in seconds: what the tests of training share."""

import torch

from genres.inputs import LabelledClips


def toy_clips(clips: int, seed: int = 0, height: int = 32, width: int = 40) -> LabelledClips:
    """Noise; the clips of one of three genres are louder in a third of the bands."""
    random = torch.Generator().manual_seed(seed)
    genres = torch.arange(clips) % 3
    inputs = torch.randn(clips, height, width, generator=random)
    bands = height // 3
    for number, genre in enumerate(genres):
        inputs[number, bands * genre : bands * (genre + 1)] += 1
    return LabelledClips(inputs, genres)
