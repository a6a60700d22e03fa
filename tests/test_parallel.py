"""The same function for many items, on many processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from genres.errors import InputError
from genres.parallel import map_in_processes

ROOT = Path(__file__).parents[1]


def slow_first(number: int) -> int:
    time.sleep(0.3 if number == 0 else 0)
    return number * number


def fail_on_two(number: int) -> int:
    if number == 2:
        raise InputError("two is damaged")
    if number == 3:
        raise ZeroDivisionError
    return number


def product(seed: int) -> bytes:
    """A matrix product, the last bits of which depend on how many threads share it."""
    matrix = np.random.default_rng(seed).standard_normal((300, 300)).astype(np.float32)
    return (matrix @ matrix).tobytes()


def process_of(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("count", [0, 1, 30])
def test_results_come_in_the_order_of_the_items(count: int) -> None:
    assert list(map_in_processes(slow_first, range(count), 2, "")) == [number**2 for number in range(count)]


def test_results_do_not_depend_on_how_many_processes_work() -> None:
    one, three = (list(map_in_processes(product, range(6), processes, "")) for processes in (1, 3))
    assert one == three


def test_even_a_single_process_is_not_this_one() -> None:
    workers = set(map_in_processes(process_of, range(5), 1, ""))
    assert len(workers) == 1
    assert os.getpid() not in workers


def test_an_error_comes_through_after_the_results_before_it() -> None:
    results = map_in_processes(fail_on_two, range(100), 2, "")
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(InputError, match="^two is damaged$"):
        next(results)


def test_a_defect_is_not_taken_for_an_input_error() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_in_processes(fail_on_two, [3], 1, ""))


def test_progress_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    list(map_in_processes(abs, [-1, -2], 1, "measuring"))
    assert capsys.readouterr().err.splitlines()[-1] == "measuring: 2 of 2 clips"


SLEEPERS = """
import sys, time
sys.path[:0] = {paths!r}
from genres.parallel import map_in_processes
from test_parallel import write_process_and_sleep
if __name__ == "__main__":
    list(map_in_processes(write_process_and_sleep, [{folder!r}] * 2, 2, ""))
"""


def write_process_and_sleep(folder: str) -> None:
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)


def runs(process: int) -> bool:
    """Tell whether a process is there and no mere zombie."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no SIGKILL")
def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    folder, script = tmp_path / "workers", tmp_path / "parent.py"
    folder.mkdir()
    script.write_text(SLEEPERS.format(paths=[str(ROOT / "src"), str(ROOT / "tests")], folder=str(folder)))
    parent = subprocess.Popen([sys.executable, script], stderr=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: len(list(folder.iterdir())) == 2)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    workers = [int(file.name) for file in folder.iterdir()]
    try:
        assert wait_until(lambda: not any(map(runs, workers)), seconds=20)
    finally:
        for worker in filter(runs, workers):
            os.kill(worker, signal.SIGKILL)
