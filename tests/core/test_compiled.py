"""Compiled code is kept in the user's cache folder, shared between copies of a source, and healed."""

from collections.abc import Callable
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
import common, importlib, pathlib, sys
sys.path.insert(0, sys.argv[1])
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    double = importlib.import_module(path.stem).double
    assert double(21) == 42
    print(path.stem, sum(double.stats.cache_hits.values()), sum(double.stats.cache_misses.values()))
"""
HIT, MISS = "1 0", "0 1"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "twice.py").write_text(SOURCE)
    return folder


def hits_and_misses(source: Path) -> dict[str, str]:
    """Call the function of every module in a process of its own, and return what came from the cache, and what not."""
    lines = run_code(CODE, str(source), XDG_CACHE_HOME=str(source.parent / "cache")).splitlines()
    return dict(line.split(" ", 1) for line in lines)


def test_compiled_code_is_kept_in_the_users_cache_and_found_from_another_copy(source: Path) -> None:
    assert hits_and_misses(source) == {"twice": MISS}
    assert hits_and_misses(source) == {"twice": HIT}
    copy = source.rename(source.with_name("copy"))
    assert hits_and_misses(copy) == {"twice": HIT}
    assert [path.suffix for path in copy.rglob("*.nb*")] == []
    (copy / "twice.py").write_text(SOURCE + "\n")
    assert hits_and_misses(copy) == {"twice": MISS}


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda content: content[: int(share * len(content))]


def flip(position: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]


DAMAGES = [(suffix, cut(share)) for suffix in (".nbi", ".nbc") for share in (0, 0.5, 0.99)]
DAMAGES += [(".nbi", flip(0)), (".nbi", flip(25)), (".nbc", flip(1)), (".nbc", flip(10))]


def test_compiled_code_that_was_cut_off_or_changed_is_compiled_again(source: Path) -> None:
    damages = {f"damaged_{number}": damage for number, damage in enumerate(DAMAGES)}
    for name in damages:
        (source / f"{name}.py").write_text(f"# {name}\n{SOURCE}")  # the cache goes by content
    names = ["twice", *damages]
    assert hits_and_misses(source) == dict.fromkeys(names, MISS)
    for name, (suffix, damage) in damages.items():
        (path,) = (source.parent / "cache").rglob(f"{name}.*{suffix}")
        path.write_bytes(damage(path.read_bytes()))
    assert hits_and_misses(source) == {"twice": HIT} | dict.fromkeys(damages, MISS)
    assert hits_and_misses(source) == dict.fromkeys(names, HIT)


def test_without_a_folder_that_can_be_written_to_it_is_compiled_for_one_run(source: Path) -> None:
    (source.parent / "cache").write_text("no folder")
    assert hits_and_misses(source) == {"twice": MISS}
    assert hits_and_misses(source) == {"twice": MISS}
