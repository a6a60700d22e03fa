"""Freed memory is kept where glibc is the C library."""

import platform

import pytest
from project import run_code

# A page fault is what each 4096 bytes cost that come from the operating system.
CODE = """if True:
    import resource
    import sys
    import numpy as np
    from genres.core.memory import keep_freed_memory

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_arrays_get_the_memory_of_those_that_are_gone() -> None:
    assert int(run_code(CODE, "keep")) < 100 < int(run_code(CODE, "leave"))
