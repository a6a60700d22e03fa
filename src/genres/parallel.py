"""Ordered map over any executor, and the executors: processes on this machine, or the workers of a Dask cluster."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from multiprocessing.connection import wait
from typing import TypeVar

from genres.core.errors import InputError
from genres.core.memory import keep_freed_memory
from genres.core.processor import available_cores
from genres.core.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

CLUSTER = "GENRES_DASK"  # in the environment: the address of a Dask scheduler; no parameter, as it changes no result
ITEMS_IN_FLIGHT = 256  # twice as many as there may be workers, so that none waits for the next item


def ordered_map(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    executor: Executor,
    description: str,
    unit: str = "clips",
) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in order, and show progress in ``unit`` under ``description``.

    At most `ITEMS_IN_FLIGHT` items are submitted ahead, so memory does not grow with the number of items. When a call
    raises, or the iterator is closed early, calls that have not begun are cancelled.

    If the executor uses processes, ``function`` must be importable by name, and ``function``, items and results must
    be picklable, and small: workers read and write large arrays themselves. A cluster repeats the calls of a worker
    that is lost.
    """
    futures = (executor.submit(function, item) for item in items)
    pending: deque[Future[Result]] = deque()
    with Progress(len(items), description, unit) as progress:
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
def workers() -> Iterator[Executor]:
    """Yield an executor of the workers of the Dask cluster that the environment names, or of `local_processes`.

    Raises:
        InputError: the cluster cannot be used, or is lost meanwhile.
    """
    address = os.environ.get(CLUSTER)
    if not address:
        with local_processes() as executor:
            yield executor
        return
    if find_spec("distributed") is None:
        raise InputError(
            f"{CLUSTER} names a Dask cluster, but Dask is not installed. `make .venv/extras` installs it; or unset "
            f"{CLUSTER} to use this machine's cores."
        )
    from genres.cluster import cluster_executor

    with cluster_executor(address) as executor:
        yield executor


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
