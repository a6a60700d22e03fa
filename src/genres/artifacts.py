"""Files that stages hand to each other: written whole or not at all, the same bytes each time, checked on reading."""

import hashlib
import json
import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from numpy.lib.format import read_array_header_1_0, read_magic, write_array_header_1_0
from numpy.typing import NDArray

from genres.errors import InputError

DECIMALS = 4
"""Of the figures in ``metrics/``, so that a diff shows changes and no noise."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; it takes the name ``path`` once the block has ended well.

    A run that is killed in between leaves ``path`` as it was. The name beside it is always the same, so that
    the next run overwrites what a killed one has left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path``, which takes the place of ``path`` once the block has ended well."""
    partial, replaced = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.replaced")
    for left_by_killed_run in (partial, replaced):
        shutil.rmtree(left_by_killed_run, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if path.exists():
            path.rename(replaced)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def damaged(path: Path, stage: str, why: str) -> InputError:
    """Return the error that says which file is damaged, why, and which stage makes it again."""
    return InputError(f"{path} is damaged: {why}. Run `dvc repro -f {stage}` to make it again.")


def require_file(path: Path, stage: str) -> None:
    """Raise an InputError that names the stage to run if ``path`` is not there."""
    if not path.is_file():
        raise InputError(f"{path} is not there. Run `dvc repro {stage}` to make it.")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with sorted keys; NaN and infinity are refused with a ValueError."""
    with whole_file(path) as partial:
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        partial.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path, stage: str) -> dict[str, Any]:
    """Read a JSON object that ``stage`` wrote, or raise an InputError."""
    require_file(path, stage)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise damaged(path, stage, f"no valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise damaged(path, stage, "no JSON object")
    return content


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index."""
    with whole_file(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")


def read_csv(path: Path, columns: tuple[str, ...], stage: str, *, may_be_empty: bool = False) -> pd.DataFrame:
    """Read a table that ``stage`` wrote, every value as text, or raise an InputError.

    A table without rows counts as damaged unless it ``may_be_empty``.
    """
    require_file(path, stage)
    try:
        # A genre may be called "NA" and a clip "007": nothing is guessed.
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, pd.errors.ParserError) as error:
        raise damaged(path, stage, f"no readable table ({str(error).strip()})") from None
    if tuple(table.columns) != columns:
        raise damaged(path, stage, f"its columns are {', '.join(table.columns)}, not {', '.join(columns)}")
    if table.empty and not may_be_empty:
        raise damaged(path, stage, "it has no rows")
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes the surplus for row names
        raise damaged(path, stage, "its rows have more values than there are columns")
    return table


def sha256(content: bytes | memoryview) -> str:
    """Return the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, without holding the file in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_rows(path: Path, shape: tuple[int, int, int], rows: Iterable[NDArray[np.float32]]) -> list[str]:
    """Write an npy file (rows, height, width) of float32 row by row, and return each row's SHA-256."""
    checksums = []
    with whole_file(path) as partial, partial.open("wb") as file:
        write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for row in rows:
            content = np.ascontiguousarray(row, "<f4").data.cast("B")
            file.write(content)
            checksums.append(sha256(content))
    return checksums


def read_rows(
    path: Path, checksums: Sequence[str], stage: str, wanted: Sequence[int] | None = None
) -> Iterator[NDArray[np.float32]]:
    """Yield rows (height, width) of an npy file from `write_rows`, each held against its SHA-256.

    Args:
        path: the file.
        checksums: those of all its rows.
        stage: what wrote it.
        wanted: the rows to yield, in this order; all of them by default.

    Raises:
        InputError: the file is missing, or not the one that the checksums were taken of.
    """
    require_file(path, stage)
    with path.open("rb") as file:
        shape = _read_header(file, path, stage)
        if shape[0] != len(checksums):
            raise damaged(path, stage, f"it has {shape[0]} rows, not {len(checksums)}")
        first, row_bytes = file.tell(), 4 * shape[1] * shape[2]
        for number in range(len(checksums)) if wanted is None else wanted:
            file.seek(first + number * row_bytes)
            content = file.read(row_bytes)
            if len(content) < row_bytes:
                raise damaged(path, stage, f"it ends within row {number} of {shape[0]}")
            if sha256(content) != checksums[number]:
                raise damaged(path, stage, f"row {number} is not what was written")
            yield np.frombuffer(content, "<f4").reshape(shape[1:])


def _read_header(file: BinaryIO, path: Path, stage: str) -> tuple[int, int, int]:
    try:
        if read_magic(file) != (1, 0):
            raise ValueError("another version of the format")
        shape, fortran_order, dtype = read_array_header_1_0(file)
    except (ValueError, TypeError, TokenError) as error:
        raise damaged(path, stage, f"no npy file ({error})") from None
    if fortran_order or dtype != np.dtype("<f4") or len(shape) != 3 or min(shape) < 0:
        raise damaged(path, stage, f"{dtype} of shape {shape}, not float32 (clips, bands, frames)")
    announced, actual = file.tell() + 4 * math.prod(shape), path.stat().st_size
    if actual != announced:
        raise damaged(path, stage, f"it has {actual} bytes, not the {announced} that its header announces")
    return shape
