"""Ordered map over any executor, and the executor that is used by default: processes on this machine."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import wait
from typing import TypeVar

from threadpoolctl import threadpool_limits

from genres.core.memory import keep_freed_memory
from genres.core.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_IN_FLIGHT = 64


def ordered_map(
    function: Callable[[Item], Result], items: Sequence[Item], executor: Executor, description: str
) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in order, and show progress under ``description``.

    At most `ITEMS_IN_FLIGHT` items are submitted ahead, so memory does not grow with the number of items. When a call
    raises, or the iterator is closed early, calls that have not begun are cancelled.

    If the executor uses processes, ``function`` must be importable by name, and ``function``, items and results must
    be picklable.
    """
    futures = (executor.submit(function, item) for item in items)
    pending: deque[Future[Result]] = deque()
    with Progress(len(items), description, "clips") as progress:
        try:
            pending.extend(islice(futures, ITEMS_IN_FLIGHT))
            while pending:
                yield pending.popleft().result()
                progress.advance()
                pending.extend(islice(futures, 1))
        finally:
            for future in pending:
                future.cancel()


@contextmanager
def local_processes(processes: int | None = None) -> Iterator[Executor]:
    """Yield an executor of worker processes on this machine, as many as there are cores by default.

    Results do not depend on their number: the numerical libraries of each worker run on one thread, even if there is
    only one worker. Workers exit with this process, even if it is killed.
    """
    executor = ProcessPoolExecutor(processes or available_cores(), multiprocessing.get_context("spawn"), start_worker)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def available_cores() -> int:
    """Return how many cores this process may use; a container or a batch system may allow fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_worker() -> None:
    """Prepare a worker process: one thread, freed memory is kept, exit with the parent."""
    # More threads than cores are slow, and the last bits of a matrix product depend on the number of threads.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # for libraries loaded later
    threadpool_limits(1)  # for libraries already loaded
    keep_freed_memory()
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
