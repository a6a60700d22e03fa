"""Freed memory is kept where glibc is the C library."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

# A page fault is what each 4096 bytes cost that come from the operating system.
CODE = """if True:
    import resource
    import sys
    import numpy as np
    from genres.memory import keep_freed_memory

    def work():
        arrays = [np.ones(3 << 20, np.uint8) for _ in range(5)]  # 3,840 pages
        return sum(int(array[-1]) for array in arrays)

    if sys.argv[1] == "keep":
        keep_freed_memory()
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        work()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(mode: str) -> int:
    command = [sys.executable, "-c", CODE, mode]
    root = Path(__file__).parents[1]
    return int(subprocess.run(command, check=True, capture_output=True, cwd=root, env={"PYTHONPATH": "src"}).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_arrays_get_the_memory_of_those_that_are_gone() -> None:
    assert page_faults("keep") < 100 < page_faults("leave")
