"""A training step on a CUDA GPU as one graph, which the host starts with one call instead of a hundred."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM_UP = 3  # steps before a capture, as PyTorch's notes on CUDA graphs advise: libraries set themselves up in them


class CapturedStep:
    """Does what ``step(batch)`` does, from a graph that is captured for each size of batch when it first comes.

    After PyTorch's notes on CUDA graphs, "whole-network capture": what the warm-up changes is put back before the
    capture, which itself runs nothing, so that the first replay is the first step.

    Args:
        step: takes the numbers of a batch's clips (clips,) on the GPU, and never makes the host wait for the GPU.
        changed: all tensors that a step changes and the next one reads.
    """

    def __init__(self, step: Callable[[Tensor], None], changed: Sequence[Tensor]) -> None:
        self.step = step
        self.changed = changed
        self.captured: dict[int, tuple[torch.cuda.CUDAGraph, Tensor]] = {}

    def __call__(self, batch: Tensor) -> None:
        """Take a step on the clips with the numbers in ``batch``."""
        if len(batch) not in self.captured:
            self.captured[len(batch)] = self._capture(batch.clone())
        graph, numbers = self.captured[len(batch)]
        numbers.copy_(batch)
        graph.replay()

    @torch.no_grad()
    def _put_back(self, kept: Sequence[Tensor]) -> None:
        for tensor, before in zip(self.changed, kept, strict=True):
            tensor.copy_(before)

    def _capture(self, numbers: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        """Return the graph of a step that reads ``numbers``, and these."""
        kept, random_state = [tensor.detach().clone() for tensor in self.changed], torch.cuda.get_rng_state()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self.step(numbers)
        torch.cuda.current_stream().wait_stream(stream)
        self._put_back(kept)
        torch.cuda.set_rng_state(random_state)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(numbers)
        return graph, numbers
