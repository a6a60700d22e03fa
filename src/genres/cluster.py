"""The workers of a Dask cluster, as an executor. Only those that compute what this process would compute are used.

Dask does the rest: it hands out the calls, repeats those of a worker that is lost, and drops those of a client that is.
"""

import asyncio
import hashlib
import logging
import os
import shlex
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

from dask.utils import funcname
from distributed import Client, Status, WorkerPlugin
from distributed.cfexecutor import ClientExecutor
from distributed.core import rpc
from distributed.scheduler import KilledWorker, NoValidWorkerError
from distributed.security import Security
from distributed.versions import VersionMismatchWarning

from genres.core.errors import InputError
from genres.core.files import sources_sha256
from genres.core.memory import keep_freed_memory
from genres.core.processor import describe_process

CONNECT_SECONDS = 4.0  # for the scheduler to answer, and again to accept this client
RELEASE_SECONDS = 600.0  # for a worker to end a call of a client that is gone, as the training of a model
NOTICE_SECONDS = 10.0  # after which it is said that workers are waited for
WAITING = f"waiting for the Dask workers, which end the calls of a stopped run first: at most {RELEASE_SECONDS:.0f} s"
CHATTY = ("distributed", "distributed.client", "tornado.application")  # loggers that print what is raised here anyway
DIFFERENCES_SHOWN = 3


# Not when it is asked for: a worker that has run since before a change has the older code in its memory.
CODE = sources_sha256(Path(__file__).parent)


def describe_worker() -> dict[str, str]:
    """Return what the results of this process depend on: its code, and what `describe_process` says."""
    return {"src/genres": f"the code {CODE[:12]}", "distributed": version("distributed")} | describe_process()


class Check(WorkerPlugin):  # type: ignore[misc]  # the same with and without the extra
    """Accepts a worker, by giving it a resource that every call asks for, if it would compute the same as the client.

    Dask runs `setup` on the workers that are there, where an error reaches the client, and on those that join later,
    where it ends in the worker's log: without the resource they get no calls.
    """

    def __init__(self, expected: Mapping[str, str], shared: Path) -> None:
        self.expected = expected
        self.shared = shared  # a file that the client has made
        identity = repr((sorted(expected.items()), str(shared)))
        self.name = f"genres-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"

    async def setup(self, worker: Any) -> None:
        """Accept the worker that this runs on, or raise an InputError."""
        place = f"the Dask worker {worker.address} on {socket.gethostname()}"
        found = describe_worker() | {"threads": str(worker.state.nthreads)}
        expected = {**self.expected, "threads": "1"}
        differing = [name for name in expected | found if expected.get(name) != found.get(name)]
        if differing:
            shown, more = differing[:DIFFERENCES_SHOWN], len(differing[DIFFERENCES_SHOWN:])
            listed = [f"{name} is {found.get(name)} instead of {expected.get(name)}" for name in shown]
            raise InputError(
                f"{place} would compute something else than this process: {'; '.join(listed)}"
                f"{f'; and {more} more' if more else ''}. Stop it, and start it with the code and the packages of this "
                f"checkout: {start_command(worker.scheduler.address)}"
            )
        if not self.shared.is_file():
            raise InputError(
                f"{place} does not see the files in {self.shared.parent}, which has to be on a file system that all "
                "machines share, under the same path. Start workers only where it is."
            )
        await _wait_for_cancelled(worker, place)
        keep_freed_memory()
        await worker.set_resources(**{self.name: 1})
        if worker.status == Status.running:
            # The scheduler looks for calls that no worker could take when one starts to run, and not on new resources.
            worker.status = Status.paused
            worker.status = Status.running


async def _wait_for_cancelled(worker: Any, place: str) -> None:
    """Wait for calls that nobody waits for any more, which might write into the files of the next run."""
    for _ in range(round(10 * RELEASE_SECONDS)):
        if not any(task.state == "cancelled" for task in worker.state.executing):
            return
        await asyncio.sleep(0.1)
    raise InputError(
        f"{place} is still busy with a call whose client is gone, after {RELEASE_SECONDS:.0f} s. Run this again later, "
        "or stop that worker and start another one."
    )


class FolderExecutor(ClientExecutor):  # type: ignore[misc]
    """Dask's own executor, whose calls run in the folder that is the current one here."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Submit a call, like any executor."""
        key = f"{funcname(function)}-{uuid4()}"  # by whose first part Dask learns how long such calls take
        # Without a `fifo_timeout`, calls begin in the order in which results are waited for.
        return super().submit(_call_in, Path.cwd(), function, *args, key=key, fifo_timeout=0, **kwargs)


def _call_in(folder: Path, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function in a folder; not set once for a worker, because clients with other folders may use it as well."""
    os.chdir(folder)
    return function(*args, **kwargs)


@contextmanager
def cluster_executor(address: str) -> Iterator[Executor]:
    """Yield an executor of the workers of the Dask scheduler at ``address`` (``tcp://host:8786``).

    Calls run in the folder that is the current one here, which the workers' machines share. Workers that differ in what
    results depend on are refused. Calls that are running when the block ends by an error run on to their end.

    Raises:
        InputError: the scheduler does not answer or is another version, there are no workers, one is refused; or, while
            calls run, the scheduler is lost or a call ends its workers.
    """
    _require_scheduler(address)
    with _quiet(), _connected(address) as client, NamedTemporaryFile(dir=Path.cwd(), prefix=".shared-") as shared:
        if not client.nthreads():
            raise InputError(
                f"the Dask scheduler at {address} has no workers. Start some, on any machine that shares this folder: "
                f"{start_command(address)}"
            )
        check = Check(describe_worker(), Path(shared.name))
        executor = FolderExecutor(client, pure=False, resources={check.name: 1})
        try:
            _register(client, check)
            yield executor
        except KilledWorker as error:
            raise InputError(
                f"a call ended {error.allowed_failures + 1} Dask workers in turn, the last one at "
                f"{error.last_worker.address}, most likely because memory ran out. Their logs may say more. Start "
                "workers with more memory each, or fewer a machine."
            ) from error
        except NoValidWorkerError as error:
            raise InputError(
                f"all workers of the Dask scheduler at {address} are gone, for longer than its configuration allows. "
                f"Start some, and run this again: {start_command(address)}"
            ) from error
        except CancelledError as error:
            raise InputError(
                f"the Dask scheduler at {address} was lost while it ran. Start it and its workers again, and run this "
                "again."
            ) from error
        finally:
            executor.shutdown(wait=False)
            with suppress(KeyError, OSError):  # of a worker that could not load it, or that is lost
                if client.status == "running":
                    client.unregister_worker_plugin(check.name)


def start_command(address: str) -> str:
    """Return the command that starts a worker."""
    return f"`python -m genres.worker {shlex.quote(address)}`"


def _require_scheduler(address: str) -> None:
    """Raise an InputError unless a scheduler of this Dask's version answers."""

    async def ask() -> Any:
        options = Security().get_connection_args("client")
        async with rpc(address, timeout=CONNECT_SECONDS, connection_args=options) as scheduler:
            return await scheduler.versions()

    start = f"`dask scheduler --port 8786`, and workers: {start_command(address)}"
    answer: Future[Any] = Future()

    def wait_for_answer() -> None:
        try:
            answer.set_result(asyncio.run(ask()))
        except BaseException as error:
            answer.set_exception(error)

    # In a thread, which is left alone if it takes too long: looking up the host's name cannot be broken off, and Dask
    # waits without end for a peer that is silent.
    threading.Thread(target=wait_for_answer, daemon=True).start()
    try:
        versions = answer.result(CONNECT_SECONDS + 0.5)["packages"]
    except (ValueError, TypeError) as error:
        if address.startswith("tls:"):
            raise InputError(
                f"GENRES_DASK is {address!r}, but no certificates are configured here ({error}). Set Dask's "
                "`distributed.comm.tls`, as its documentation says under TLS/SSL, on each machine."
            ) from error
        raise InputError(
            f"GENRES_DASK is {address!r}, which is no address of a Dask scheduler ({error}). Write it as "
            "tcp://host:8786, or unset it to use this machine's cores."
        ) from error
    except OSError as error:  # of which a TimeoutError is one
        raise InputError(
            f"no Dask scheduler answers at {address}, which GENRES_DASK names ({str(error) or 'it is silent'}). Check "
            f"the host's name and the port; or start one, {start}; or unset GENRES_DASK to use this machine's cores."
        ) from error
    except (KeyError, MemoryError) as error:  # bytes of another protocol, taken for a size
        raise InputError(
            f"what answers at {address}, which GENRES_DASK names, is no Dask scheduler. Correct the address, or start "
            f"one: {start}"
        ) from error
    ours = version("distributed")
    if versions["distributed"] != ours:
        raise InputError(
            f"the Dask scheduler at {address} is version {versions['distributed']}, but {ours} is installed here. "
            f"Start it with the packages of this checkout: {start}"
        )


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VersionMismatchWarning)  # what matters is checked, and refused
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from printing the tracebacks of errors that are raised here as well."""
    loggers = [logging.getLogger(name) for name in CHATTY]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _register(client: Any, check: Check) -> None:
    """Check the workers that are there, and those that will join."""
    notice = threading.Timer(NOTICE_SECONDS, print, [WAITING], {"file": sys.stderr, "flush": True})
    notice.start()
    try:
        client.register_plugin(check, check.name)
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"a Dask worker does not answer ({error}). Stop it, or wait until the scheduler has noticed that it is "
            "lost, and run this again."
        ) from error
    except Exception as error:
        raise InputError(
            f"a Dask worker could not be asked what it has ({type(error).__name__}: {error}), most likely because it "
            f"does not have this project's code. Stop it, and start it from this checkout: "
            f"{start_command(client.scheduler.address)}"
        ) from error
    finally:
        notice.cancel()
