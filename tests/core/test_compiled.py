"""Compiled code is kept in the user's cache folder, shared between copies of a source, and healed."""

from pathlib import Path

import pytest
from project import run_code

SOURCE = """
from numba import njit

@njit(cache=True)
def double(x):
    return 2 * x
"""
CODE = """
import common, sys
sys.path.insert(0, sys.argv[1])
from twice import double
assert double(21) == 42
print(sum(double.stats.cache_hits.values()), sum(double.stats.cache_misses.values()))
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "twice.py").write_text(SOURCE)
    return folder


def hits_and_misses(source: Path) -> str:
    return run_code(CODE, str(source), XDG_CACHE_HOME=str(source.parent / "cache")).strip()


def test_compiled_code_is_kept_in_the_users_cache_and_found_from_another_copy(source: Path) -> None:
    assert hits_and_misses(source) == "0 1"
    assert hits_and_misses(source) == "1 0"
    assert hits_and_misses(source.rename(source.with_name("copy"))) == "1 0"
    assert [path.suffix for path in (source.parent / "copy").rglob("*.nb*")] == []
    (source.parent / "copy/twice.py").write_text(SOURCE + "\n")
    assert hits_and_misses(source.parent / "copy") == "0 1"


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_compiled_code_that_was_cut_off_is_compiled_again(source: Path, suffix: str, share: float) -> None:
    hits_and_misses(source)
    (damaged,) = (source.parent / "cache").rglob(f"*{suffix}")
    content = damaged.read_bytes()
    damaged.write_bytes(content[: int(share * len(content))])
    assert hits_and_misses(source) == "0 1"
    assert hits_and_misses(source) == "1 0"


@pytest.mark.parametrize(("suffix", "position"), [(".nbi", 0), (".nbi", 25), (".nbc", 1), (".nbc", 10)])
def test_compiled_code_with_a_changed_byte_is_compiled_again(source: Path, suffix: str, position: int) -> None:
    hits_and_misses(source)
    (damaged,) = (source.parent / "cache").rglob(f"*{suffix}")
    content = bytearray(damaged.read_bytes())
    content[position] ^= 0xFF
    damaged.write_bytes(content)
    assert hits_and_misses(source) == "0 1"
    assert hits_and_misses(source) == "1 0"


def test_without_a_folder_that_can_be_written_to_it_is_compiled_for_one_run(source: Path) -> None:
    (source.parent / "cache").write_text("no folder")
    assert hits_and_misses(source) == "0 1"
    assert hits_and_misses(source) == "0 1"
