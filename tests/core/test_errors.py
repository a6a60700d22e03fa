"""Which errors are said in one message, and which are bugs."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from project import ROOT, environment

from genres.core.errors import InputError, explain
from genres.core.files import atomic_folder, atomic_write
from genres.parallel import local_processes, ordered_map


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), RuntimeError("x"), FileNotFoundError(2, "x", "y")])
def test_a_bug_is_not_explained(error: Exception) -> None:
    assert explain(error) is None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EMFILE, errno.EIO, errno.EISDIR])
def test_what_the_system_refuses_is_said_with_its_file_and_what_helps(code: int) -> None:
    message = explain(OSError(code, os.strerror(code), "data/x.csv"))
    assert message is not None
    assert message.startswith(f"data/x.csv: {os.strerror(code)}. ")
    assert message.endswith(", and run this again")


def test_a_mistake_keeps_its_message_and_an_interruption_is_called_one() -> None:
    assert explain(InputError("so")) == "so"
    assert explain(KeyboardInterrupt()) == "interrupted"


@pytest.mark.parametrize("allocate", [lambda: np.empty(2**46), lambda: torch.empty(2**46)])
def test_a_lack_of_memory_is_explained(allocate: object) -> None:
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        allocate()  # type: ignore[operator]
    assert str(explain(caught.value)).startswith("memory ran out (")


@pytest.mark.parametrize("words", ["CUDA out of memory. Tried to allocate 20.00 MiB", "can't start new thread"])
def test_what_a_gpu_or_a_full_machine_says_is_explained(words: str) -> None:
    assert (
        explain(RuntimeError(words)) == f"memory ran out ({words}). Close other programs, or lower sizes in params.yaml"
    )


@pytest.mark.parametrize("atomic", [atomic_write, atomic_folder])
def test_a_full_disk_names_the_file_that_was_written(tmp_path: Path, atomic: object) -> None:
    with pytest.raises(OSError, match="No space left") as caught, atomic(tmp_path / "x"):  # type: ignore[operator]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert explain(caught.value) == f"{tmp_path / 'x'}: No space left on device. Free some space, and run this again"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        ("InputError('so')", 1, "error: so\n"),
        ("BrokenPipeError(32, 'Broken pipe')", 1, ""),
        ("KeyError('bug')", 1, "Traceback (most recent call last):\n"),
    ],
)
def test_a_process_ends_with_one_line_or_for_a_bug_with_a_traceback(raised: str, status: int, message: str) -> None:
    code = "from genres.core.errors import *; install_excepthook(); print('x'); raise "
    command = [sys.executable, "-c", code + raised]
    path = environment(PYTHONPATH=str(ROOT / "src"))
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=path)
    assert result.returncode == status
    assert result.stderr.startswith(message)
    assert (result.stderr == message) != ("bug" in raised)


def be_killed(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_the_system_kills_is_explained() -> None:
    with local_processes(1) as executor, pytest.raises(Exception, match="terminated abruptly") as caught:
        list(ordered_map(be_killed, [1], executor, "being killed"))
    assert "memory ran out" in str(explain(caught.value))
