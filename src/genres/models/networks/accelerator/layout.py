"""How arrays lie in memory: the inputs as the first block's loops take them, and what passes between the blocks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from genres.models.networks.architectures import POOLING

PATCH_SIZE = 9  # pixels under a 3x3 kernel

Array = NDArray[Any]  # float32, or float64 in the tests of gradients


@dataclass(frozen=True)
class PatchedClips:
    """Inputs, laid out for the first block, and the sums over their patches.

    A clip is kept as 16 planes, one for each position in a pooling window: plane 4 r + c holds the pixels
    (4 y + r, 4 x + c), and has a border of zeros, one window wide. The same pixel of all windows' patches thus lies in
    one run of memory, and a loop over windows runs along it. To keep it one run, windows are counted across the
    border: (pooled height) x (pooled width + 2).
    """

    planes: Array  # (all clips, 16 x plane), where a plane is (pooled height + 2, pooled width + 2)
    offsets: NDArray[np.int64]  # (16, 9): of a patch's pixels in a clip's planes, for each position in the first window
    mask: Array  # (16, windows): 0, or -inf where the position lies outside the clip
    gram: NDArray[np.float64]  # (all clips, 9, 9): the sum of p p' over a clip's patches p
    patch_sum: NDArray[np.float64]  # (all clips, 9): the sum of p
    size: int  # height x width of an input
    pooled: tuple[int, int]  # height and width after pooling
    indices: NDArray[np.int64]  # (clips,): which of all clips are meant

    @classmethod
    def of(cls, inputs: Tensor) -> "PatchedClips":
        """Lay out inputs (clips, height, width)."""
        n_clips, height, width = inputs.shape
        rows, columns = math.ceil(height / POOLING), math.ceil(width / POOLING)
        padded = inputs.new_zeros(rows + 2, POOLING, columns + 2, POOLING)
        pixels = padded.view(POOLING * (rows + 2), POOLING * (columns + 2))
        planes = inputs.new_empty(n_clips, pixels.numel()).numpy()
        for clip, clip_planes in zip(inputs, planes, strict=True):
            pixels[POOLING : POOLING + height, POOLING : POOLING + width] = clip
            clip_planes[:] = padded.permute(1, 3, 0, 2).reshape(-1).numpy()
        gram, patch_sum = map(np.stack, zip(*map(_sum_patches, inputs.numpy()), strict=True))
        index = np.arange(planes.shape[1]).reshape(POOLING, POOLING, rows + 2, columns + 2)
        index = index.transpose(2, 0, 3, 1).reshape(pixels.shape)  # of each pixel in planes
        covered = index[POOLING - 1 :, POOLING - 1 :][: POOLING + 2, : POOLING + 2]  # by the first window's patches
        ys = np.arange(POOLING)[:, None, None, None] + POOLING * np.arange(rows)[:, None]
        xs = np.arange(POOLING)[:, None, None] + POOLING * np.arange(columns + 2)
        mask = np.where((ys < height) & (xs < width), 0.0, -np.inf).reshape(POOLING**2, -1)
        return cls(
            planes=planes,
            offsets=sliding_window_view(covered, (3, 3)).reshape(POOLING**2, PATCH_SIZE),
            mask=mask.astype(planes.dtype),
            gram=gram,
            patch_sum=patch_sum,
            size=height * width,
            pooled=(rows, columns),
            indices=np.arange(n_clips),
        )

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, batch: Tensor | slice) -> "PatchedClips":
        """Return some of the clips, without copying them."""
        return replace(self, indices=self.indices[batch.numpy() if isinstance(batch, Tensor) else batch])

    def split(self, size: int) -> Sequence["PatchedClips"]:
        """Cut them into batches, as ``Tensor.split`` does."""
        return [self[start : start + size] for start in range(0, len(self), size)]


def _sum_patches(clip: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    padded = np.pad(clip.astype(np.float64), 1)
    patches = sliding_window_view(padded, (3, 3)).reshape(-1, PATCH_SIZE)
    return patches.T @ patches, patches.sum(0)


def channels_first(array: Array) -> Tensor:
    """Return (clips, height, width, channels) as (clips, channels, height, width), on the same memory."""
    return torch.from_numpy(array).permute(0, 3, 1, 2)


def channels_last(tensor: Tensor) -> Array:
    """Return (clips, channels, height, width) as (clips, height, width, channels), copied only if it lies otherwise."""
    array: Array = tensor.permute(0, 2, 3, 1).contiguous().numpy()
    return array
