"""Files that stages pass to each other: written atomically, the same bytes each time, checked when read."""

import csv
import glob
import hashlib
import json
import math
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from types import GenericAlias
from typing import Any, BinaryIO, NamedTuple
from uuid import uuid4

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap, write_array_header_1_0
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from genres.core.errors import InputError

MEGABYTE = 10**6
DECIMALS = 4  # of the numbers in ``metrics/`` and ``plots/``, so that a diff shows changes and no noise


class NoRoomError(InputError):
    """A file cannot be written, which is no fault of what it is made from."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` to write to, which is renamed to ``path`` if the block raises nothing.

    A run that is killed before that leaves ``path`` as it was. The temporary name is always the same, so the next run
    overwrites what a killed one has left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    _remove(partial)  # never written through: it might be a link or a pipe
    with _renamed(partial, path):
        yield partial


@contextmanager
def _renamed(partial: Path, path: Path) -> Iterator[None]:
    """Rename ``partial`` to ``path`` if the block raises nothing, else remove it."""
    try:
        with _naming(path):
            yield
            partial.replace(path)
    finally:
        _remove(partial)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``path``, which replaces ``path`` if the block raises nothing."""
    partial, replaced = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.replaced")
    for left_by_killed_run in (partial, replaced):
        _remove(left_by_killed_run)
    partial.mkdir(parents=True)
    try:
        with _naming(path):
            yield partial
            if path.exists():
                path.rename(replaced)
            partial.rename(path)
    finally:
        _remove(partial)
        if not path.exists() and replaced.exists():  # the second of the two failed
            replaced.rename(path)
        _remove(replaced)


def _remove(path: Path) -> None:
    """Remove a file, a link or a folder with what is in it, if it is there and can be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Give the path to an error of the operating system that names none, as a full disk does."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def expand_home(path: str, parameter: str) -> Path:
    """Return the value of ``parameter`` with a home folder in place of "~"; raise InputError if there is none."""
    if "\0" in path:
        raise InputError(f"`{parameter}` is {path!r}, but no path has a null character; write another one")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # no such user, or one without a home
        raise InputError(
            f"`{parameter}` is {path!r}, whose home folder is not known; write the path in full"
        ) from error


def require_space(size: int, folder: Path, what: str, *alternatives: str) -> None:
    """Raise a NoRoomError, before anything is computed, if ``size`` bytes for ``what`` are not free in ``folder``.

    The ``alternatives`` say what else helps than to free some space.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise NoRoomError(
            f"{what} takes {size / MEGABYTE:,.1f} MB in {folder}, where only {free / MEGABYTE:,.1f} MB are free. "
            f"{', or '.join(['Free some space', *alternatives])}."
        )


def damaged(path: Path, stage: str, why: str) -> InputError:
    """Return the error that says which file is damaged, why, and which stage to run again."""
    return InputError(f"{path} is damaged: {why}. Run `dvc repro -f {stage}` to make it again.")


def require_file(path: Path, stage: str) -> None:
    """Raise an InputError that names the stage to run if ``path`` is missing."""
    if not path.is_file():
        raise InputError(f"{path} is not there. Run `dvc repro {stage}` to make it.")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with sorted keys; NaN and infinity are refused with a ValueError."""
    with atomic_write(path) as partial:
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        partial.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path, kind: Any, stage: str) -> dict[str, Any]:
    """Read a JSON object of a ``kind`` that pydantic checks, which ``stage`` wrote, or raise an InputError."""
    require_file(path, stage)
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise damaged(path, stage, f"not valid JSON ({error})") from None
    _checked(content, kind, path, stage, strict=True)
    return content  # not what pydantic makes of it


def _checked(content: Any, kind: Any, path: Path, stage: str, *where: str, strict: bool = False) -> Any:
    """Return what pydantic makes of the ``content`` of a file, or of a part of it, as ``kind``."""
    try:
        return TypeAdapter(kind).validate_python(content, strict=strict)
    except ValidationError as error:
        first = error.errors()[0]
        place = ", ".join([*where, *map(str, first["loc"])]) or "the whole"
        raise damaged(path, stage, f"{place}: {first['msg']}, but found {first['input']!r:.60}") from None


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index."""
    with atomic_write(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")


def read_csv(
    path: Path, columns: Collection[str], stage: str, *, may_be_empty: bool = False, more_columns: bool = False
) -> pd.DataFrame:
    """Read a table that ``stage`` wrote, its values separated by tabs in a ``.tsv`` file, or raise an InputError.

    Values are text, unless ``columns`` maps the names to types, by which pydantic checks them: except for ``str``, an
    empty field is then None, which a type may accept. A table without rows counts as damaged unless it
    ``may_be_empty``. After ``columns`` there may be ``more_columns``.
    """
    require_file(path, stage)
    try:
        # Not with pandas, which guesses: a genre may be called "NA", a clip "007", and a row may be too short.
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
            header = tuple(next(reader, ()))
            rows = []
            for row in reader:
                if len(row) != len(header):
                    raise ValueError(f"line {reader.line_num} has {len(row)} values, the header has {len(header)}")
                rows.append(row)
    except (ValueError, csv.Error) as error:
        raise damaged(path, stage, f"not a readable table ({error})") from None
    if (header[: len(columns)] if more_columns else header) != tuple(columns):
        raise damaged(path, stage, f"its columns are {', '.join(header)}, not {', '.join(columns)}")
    if not rows and not may_be_empty:
        raise damaged(path, stage, "it has no rows")
    table = pd.DataFrame(rows, columns=list(header), dtype=str)
    typed = {name: kind for name, kind in columns.items() if kind is not str} if isinstance(columns, Mapping) else {}
    for name, kind in typed.items():
        lines = {f"line {line}": value or None for line, value in enumerate(table[name], start=2)}
        values = _checked(lines, GenericAlias(dict, (str, kind)), path, stage, name).values()
        # With None, pandas would make floating-point numbers of integers.
        table[name] = pd.Series(list(values), dtype=object if None in values else None)
    return table


def sources_sha256(path: Path) -> str:
    """Return what changes with a file, or with the name or content of any file in a folder of sources.

    A FileNotFoundError is raised if there is neither.
    """
    if not path.is_dir():
        return file_sha256(path)
    files = [file for file in path.rglob("*") if file.is_file() and file.parent.name != "__pycache__"]
    found = {file.relative_to(path).as_posix(): file_sha256(file) for file in files if not file.name.startswith(".")}
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, without loading the file into memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_array(path: Path, shape: tuple[int, int, int], rows: Iterable[NDArray[np.float32]]) -> None:
    """Write an npy file of float32 (clips, height, width) row by row, so it need not fit into memory.

    A NoRoomError is raised before anything is computed if the disk has no room for it.
    """
    with atomic_write(path) as partial, partial.open("wb") as file:
        _begin_array(file, path, shape)
        for row in rows:
            file.write(np.ascontiguousarray(row, "<f4").data)


class LaidOutArray(NamedTuple):
    """An npy file of float32 (clips, height, width) that is being written."""

    path: Path  # its temporary one
    shape: tuple[int, int, int]
    offset: int  # of the first row, in bytes


@contextmanager
def lay_out_array(path: Path, shape: tuple[int, int, int]) -> Iterator[LaidOutArray]:
    """Yield a temporary npy file of float32 (clips, height, width), into which `write_row` writes.

    It has its full size and is all zeros. Rows may come in any order, from any process that shares the file system.
    Otherwise as `atomic_write` and `write_array`, whose bytes it has once all rows are written. The temporary name is
    another one each time: a process that an earlier run has left behind must not write into this array.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_by_killed_run in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        _remove(left_by_killed_run)
    partial = path.with_name(f".{path.name}.{uuid4().hex}.partial")
    with _renamed(partial, path):
        with partial.open("wb") as file:
            _begin_array(file, path, shape)
            offset = file.tell()
            # Sparse: where a file system cannot reserve space, as NFS 3, reserving means to write all of it twice.
            file.truncate(offset + math.prod(shape) * 4)
        yield LaidOutArray(partial, shape, offset)


def _begin_array(file: BinaryIO, path: Path, shape: tuple[int, int, int]) -> None:
    """Write the header of an array that will be ``path``, if there is room for the whole."""
    sizes = f"lower the sizes in params.yaml: it has {shape[0]} clips of {shape[1]} x {shape[2]}"
    require_space(math.prod(shape) * 4, path.parent, str(path), sizes)
    write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})


def write_row(array: LaidOutArray, index: int, row: NDArray[np.float32]) -> None:
    """Write one row (height, width) into its place; doing so twice changes nothing.

    A ValueError is raised if the row has another shape. The file is closed on return, which is when NFS shows what has
    been written to other machines.
    """
    n_rows, *shape = array.shape
    if list(row.shape) != shape or not 0 <= index < n_rows:
        raise ValueError(f"row {index} of shape {row.shape} does not fit into {n_rows} rows of shape {shape}")
    # For writing alone, which no mode of Python's `open` is, and nothing reads the file before it is complete: pages
    # that were read from NFS are written as a whole, with old bytes where another machine has written its row since.
    with os.fdopen(os.open(array.path, os.O_WRONLY), "wb") as file:
        file.seek(array.offset + index * math.prod(shape) * 4)
        file.write(np.ascontiguousarray(row, "<f4").data)


def read_row(path: Path, index: int) -> NDArray[np.float32]:
    """Return one row (height, width) of an array that `read_array` has accepted."""
    return np.array(open_memmap(path, mode="r")[index])


def read_array(path: Path, n_rows: int, stage: str) -> NDArray[np.float32]:
    """Map the npy file of float32 (``n_rows`` clips, height, width) that ``stage`` wrote, or raise an InputError."""
    require_file(path, stage)
    try:
        with np.errstate(over="ignore"):  # in the product of enormous dimensions
            array = open_memmap(path, mode="r")
    except (ValueError, TypeError, OverflowError, TokenError) as error:  # what NumPy's parser of headers raises
        raise damaged(path, stage, f"not a readable npy file ({error})") from None
    if array.dtype != np.float32 or array.ndim != 3 or len(array) != n_rows or not array.size:
        raise damaged(path, stage, f"{array.dtype} of shape {array.shape}, not float32 ({n_rows} clips, height, width)")
    if not array.flags.c_contiguous or array.offset + array.nbytes != path.stat().st_size:
        raise damaged(path, stage, "its values are in Fortran order, or more bytes follow them")
    return array
