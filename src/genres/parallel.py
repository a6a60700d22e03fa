"""The same function for many items, on many processes, with the results in the items' order."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import TypeVar

from threadpoolctl import threadpool_limits

from genres.memory import keep_freed_memory
from genres.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

TASKS_AHEAD_PER_PROCESS = 4


def map_in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    processes: int,
    description: str,
    unit: str = "clips",
) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in order, computed on ``processes`` worker processes.

    The results do not depend on ``processes``: every item is computed in a worker whose numerical libraries
    run on one thread, even where a single worker does them all. Only a few items are in flight at a time, so
    memory does not grow with their number. Workers end with this process, even where it is killed.

    ``function`` must be importable by name, and ``function``, items and results must be picklable.
    """
    executor = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=start_worker)
    pending: deque[Future[Result]] = deque()
    with Progress(len(items), description, unit) as progress, executor:
        try:
            for item in items:
                pending.append(executor.submit(function, item))
                if len(pending) > TASKS_AHEAD_PER_PROCESS * processes:
                    yield pending.popleft().result()
                    progress.advance()
            while pending:
                yield pending.popleft().result()
                progress.advance()
        finally:
            executor.shutdown(cancel_futures=True)


def start_worker() -> None:
    """Prepare a worker process: one thread, memory kept, and an end when its parent ends."""
    # More threads than cores are slow, and a matrix product's last bits depend on how many share it.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # for libraries that are loaded later
    threadpool_limits(1)  # for libraries that are loaded already
    keep_freed_memory()
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
