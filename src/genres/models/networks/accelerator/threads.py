"""Threads that share out the clips of a batch. Their number changes no bit of a result."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

CLIPS_PER_TASK = 32  # fixed, so that a batch is cut the same way for any number of threads

Result = TypeVar("Result")


@contextmanager
def clip_workers() -> Iterator[ThreadPoolExecutor]:
    """Give torch's threads to the loops over clips.

    Meanwhile torch itself uses one thread: its others would wait for work by spinning, on the cores that the loops
    need. And its results depend on its number of threads, while these loops' do not.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as workers:
            yield workers
    finally:
        torch.set_num_threads(threads)


def map_clips(workers: Executor, function: Callable[[slice], Result], n_clips: int) -> list[Result]:
    """Call ``function`` with slices that cover all clips, and return the results in the clips' order."""
    parts = [slice(start, start + CLIPS_PER_TASK) for start in range(0, n_clips, CLIPS_PER_TASK)]
    return list(workers.map(function, parts)) if len(parts) > 1 else [function(parts[0])]
