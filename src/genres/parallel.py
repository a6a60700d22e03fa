"""Ordered map over any executor, and the executor that is used by default: processes on this machine."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import wait
from typing import TypeVar

from genres.core.memory import keep_freed_memory
from genres.core.processor import available_cores
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

    Results do not depend on their number: the workers' numerical libraries are settled as this process's are
    (`processor.settle_arithmetic`). Workers exit with this process, even if it is killed.
    """
    executor = ProcessPoolExecutor(processes or available_cores(), multiprocessing.get_context("spawn"), start_worker)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def start_worker() -> None:
    """Prepare a worker process: freed memory is kept, exit with the parent, and only with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed_memory()
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
