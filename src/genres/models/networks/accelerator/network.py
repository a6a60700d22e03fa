"""A CNN of `architectures.build_network` that runs on the faster blocks."""

from concurrent.futures import Executor
from typing import Any

import torch
from torch import Tensor, nn

from genres.models.networks.accelerator.blocks import FirstBlock, LaterBlock, map_clips, pool_first_block
from genres.models.networks.accelerator.layout import PatchedClips, channels_first
from genres.models.networks.architectures import BLOCKS


class FastCNN(nn.Module):
    """The CNN ``plain``, whose weights and statistics it uses and trains."""

    def __init__(self, plain: nn.Module, workers: Executor) -> None:
        super().__init__()
        self.plain: Any = plain  # because torch's types call biases and statistics optional
        self.workers = workers

    def forward(self, clips: PatchedClips) -> Tensor:
        """Return the logits (clips, classes)."""
        if not self.training:
            return torch.cat(map_clips(self.workers, lambda part: self._evaluate(clips[part]), len(clips)))
        x: Any = clips
        for block in self.plain[1 : 1 + BLOCKS]:
            convolution, norm, *_ = block
            function: Any = FirstBlock if x is clips else LaterBlock
            x = function.apply(x, convolution.weight, norm.weight, norm.bias, block, self.workers)
        logits: Tensor = self.plain[1 + BLOCKS :](x)
        return logits

    @torch.no_grad()
    def _evaluate(self, clips: PatchedClips) -> Tensor:
        # Only the first block is faster: at fixed statistics, its batch norm is one more factor and summand.
        convolution, norm, *_ = self.plain[1]
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shift = norm.bias + scale * (convolution.bias - norm.running_mean)
        y, _ = pool_first_block(clips, convolution.weight, scale, shift)
        logits: Tensor = self.plain[2:](channels_first(y))
        return logits
