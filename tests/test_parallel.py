"""The ordered map on processes, on threads and on any executor."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from project import ROOT, environment
from threadpoolctl import threadpool_info

from genres.core.errors import InputError
from genres.core.processor import available_cores
from genres.parallel import ITEMS_IN_FLIGHT, local_processes, ordered_map, workers


class CountingExecutor(Executor):
    """Calls each function at once and counts the calls."""

    def __init__(self) -> None:
        self.calls = 0

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        future: Future[Any] = Future()
        future.set_result(function(*args, **kwargs))
        return future


@pytest.fixture(scope="module")
def two_processes() -> Iterator[Executor]:
    with local_processes(2) as executor:
        yield executor


@pytest.fixture(params=["processes", "threads", "another executor"])
def executor(request: pytest.FixtureRequest, two_processes: Executor) -> Iterator[Executor]:
    if request.param == "processes":
        yield two_processes
    else:
        with ThreadPoolExecutor(2) if request.param == "threads" else CountingExecutor() as executor:
            yield executor


def slow_first(number: int) -> int:
    time.sleep(0.3 if number == 0 else 0)
    return number * number


def fail_from_two(number: int) -> int:
    if number == 2:
        raise InputError("two is damaged")
    if number > 2:
        raise ZeroDivisionError
    return number


def process_and_threads(_: int) -> tuple[int, set[int]]:
    """Return the number of this process, and on how many threads its numerical libraries run."""
    import scipy.linalg  # noqa: F401  # loaded after the worker has been prepared, while NumPy was loaded before

    libraries = threadpool_info()
    assert len(libraries) >= 2
    return os.getpid(), {library["num_threads"] for library in libraries}


def cores_of_seven(_: int) -> int:
    """Return how many of seven cores this process may use."""
    with patch.object(os, "sched_getaffinity", lambda _: set(range(7)), create=True):
        return available_cores()


def touch(path: Path) -> None:
    """Leave a trace of this call."""
    path.touch()
    time.sleep(0.05)


def touch_and_fail(path: Path) -> None:
    touch(path)
    raise InputError("damaged")


# --- results


@pytest.mark.parametrize("n_items", [0, 1, ITEMS_IN_FLIGHT + 10])
def test_results_come_in_the_order_of_the_items(executor: Executor, n_items: int) -> None:
    assert list(ordered_map(slow_first, range(n_items), executor, "")) == [number**2 for number in range(n_items)]


def test_even_a_single_worker_is_another_process_and_each_library_in_it_runs_on_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("genres.parallel.available_cores", lambda: 1)  # as many workers by default
    with local_processes() as executor:
        processes, threads = zip(*ordered_map(process_and_threads, range(5), executor, ""), strict=True)
    assert len(set(processes)) == 1
    assert os.getpid() not in processes
    assert list(threads) == [{1}] * 5  # the last bits of a matrix product depend on their number


def test_a_worker_uses_one_core_as_its_siblings_use_the_others(two_processes: Executor) -> None:
    assert cores_of_seven(0) == 7
    assert list(ordered_map(cores_of_seven, range(4), two_processes, "")) == [1] * 4


def test_the_number_of_items_in_flight_is_bounded() -> None:
    executor = CountingExecutor()
    results = ordered_map(slow_first, range(1, 1000), executor, "")
    for n_taken in range(1, 5):
        next(results)
        assert executor.calls == ITEMS_IN_FLIGHT + n_taken - 1


def test_progress_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    list(ordered_map(abs, [-1, -2], CountingExecutor(), "measuring"))
    list(ordered_map(abs, [-1], CountingExecutor(), "trying", "parts"))
    assert capsys.readouterr().err.splitlines() == ["measuring: 2 of 2 clips", "trying: 1 of 1 parts"]


# --- errors and early ends


def test_an_error_is_raised_after_the_results_before_it_and_keeps_its_type(two_processes: Executor) -> None:
    results = ordered_map(fail_from_two, range(100), two_processes, "")
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(InputError, match="^two is damaged$"):
        next(results)
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(fail_from_two, [3], two_processes, ""))


@pytest.mark.parametrize("function", [touch, touch_and_fail], ids=["the consumer", "a worker"])
def test_when_the_consumer_or_a_worker_raises_the_pool_ends_without_the_calls_that_have_not_begun(
    tmp_path: Path, function: Callable[[Path], None]
) -> None:
    results: Iterator[None]
    with pytest.raises(InputError), local_processes(1) as executor:
        # The traceback, like this name, keeps the iterator from being closed before the pool.
        results = ordered_map(function, [tmp_path / str(number) for number in range(60)], executor, "")
        next(results)
        raise InputError("the consumer's")
    assert len(list(tmp_path.iterdir())) < 20


def test_calls_that_have_not_begun_are_cancelled_when_the_iterator_is_closed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:  # which completes all calls that are not cancelled
        results = ordered_map(touch, [tmp_path / str(number) for number in range(60)], executor, "")
        next(results)
        results.close()
    assert len(list(tmp_path.iterdir())) < 20


def announce_and_sleep(_: int) -> None:
    os.write(1, b"!")
    time.sleep(60)


# --- the choice


@pytest.mark.parametrize("named", [None, ""])
def test_unless_the_environment_names_a_cluster_the_workers_are_local(
    named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GENRES_DASK", raising=False)
    if named is not None:
        monkeypatch.setenv("GENRES_DASK", named)
    with workers() as executor:
        assert isinstance(executor, ProcessPoolExecutor)


def test_without_dask_a_named_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENRES_DASK", "tcp://127.0.0.1:8786")
    monkeypatch.setattr("genres.parallel.find_spec", lambda _: None)
    with (
        pytest.raises(InputError, match="Dask is not installed. `make .venv/extras` installs it; or unset GENRES_DASK"),
        workers(),
    ):
        raise AssertionError


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_workers_exit_when_their_parent_is_killed() -> None:
    code = (
        "from genres.parallel import local_processes, ordered_map; from test_parallel import announce_and_sleep\n"
        "with local_processes(2) as executor: list(ordered_map(announce_and_sleep, [1, 2], executor, ''))"
    )
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    with subprocess.Popen(command, env=environment(PYTHONPATH=paths), stdout=pipe, stderr=pipe) as parent:
        assert parent.stdout is not None
        assert parent.stdout.read(2) == b"!!"
        parent.kill()
        parent.communicate(timeout=30)  # the pipes, which the workers have inherited, end with the last of them
