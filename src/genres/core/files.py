"""Files that stages pass to each other: written atomically, the same bytes each time, checked when read."""

import csv
import hashlib
import json
import math
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap, write_array_header_1_0
from numpy.typing import NDArray

from genres.core.errors import InputError

DECIMALS = 4  # of the numbers in ``metrics/`` and ``plots/``, so that a diff shows changes and no noise


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` to write to, which is renamed to ``path`` if the block raises nothing.

    A run that is killed before that leaves ``path`` as it was. The temporary name is always the same, so the next run
    overwrites what a killed one has left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)  # never written through: it might be a link or a pipe
    try:
        with _naming(path):
            yield partial
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``path``, which replaces ``path`` if the block raises nothing."""
    partial, replaced = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.replaced")
    for left_by_killed_run in (partial, replaced):
        shutil.rmtree(left_by_killed_run, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with _naming(path):
            yield partial
            if path.exists():
                path.rename(replaced)
            partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if not path.exists() and replaced.exists():  # the second of the two failed
            replaced.rename(path)
        shutil.rmtree(replaced, ignore_errors=True)


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
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # no such user, or one without a home
        raise InputError(
            f"`{parameter}` is {path!r}, whose home folder is not known; write the path in full"
        ) from error


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


def read_json(path: Path, stage: str) -> dict[str, Any]:
    """Read a JSON object that ``stage`` wrote, or raise an InputError."""
    require_file(path, stage)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise damaged(path, stage, f"not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise damaged(path, stage, "not a JSON object")
    return content


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index."""
    with atomic_write(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")


def read_csv(
    path: Path, columns: Collection[str], stage: str, *, may_be_empty: bool = False, more_columns: bool = False
) -> pd.DataFrame:
    """Read a table that ``stage`` wrote, its values separated by tabs in a ``.tsv`` file, or raise an InputError.

    Values are text, unless ``columns`` maps the names to types: except for ``str``, an empty field is then a missing
    value, which ``int`` refuses and "Int64" accepts. A table without rows counts as damaged unless it ``may_be_empty``.
    After ``columns`` there may be ``more_columns``.
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
    numeric = {name: kind for name, kind in columns.items() if kind is not str} if isinstance(columns, Mapping) else {}
    for name, kind in numeric.items():
        try:
            table[name] = table[name].replace("", None).astype(kind)
        except (ValueError, OverflowError) as error:
            raise damaged(path, stage, f"its column {name} has a value of another type ({error})") from None
    return table


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, without loading the file into memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_array(path: Path, shape: tuple[int, int, int], rows: Iterable[NDArray[np.float32]]) -> None:
    """Write an npy file of float32 (clips, height, width) row by row, so it need not fit into memory.

    An InputError is raised before anything is computed if the disk has no room for it.
    """
    with atomic_write(path) as partial, partial.open("wb") as file:
        size, free = math.prod(shape) * 4, shutil.disk_usage(partial.parent).free
        if size > free:
            raise InputError(
                f"{path} would take {size / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free. Free some space, or lower "
                f"the sizes in params.yaml: it has {shape[0]} clips of {shape[1]} x {shape[2]}."
            )
        write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for row in rows:
            file.write(np.ascontiguousarray(row, "<f4").data)


def read_array(path: Path, n_rows: int, stage: str) -> NDArray[np.float32]:
    """Map the npy file of float32 (``n_rows`` clips, height, width) that ``stage`` wrote, or raise an InputError."""
    require_file(path, stage)
    try:
        array = open_memmap(path, mode="r")
    except (ValueError, TypeError, TokenError) as error:  # what NumPy's parser of headers raises
        raise damaged(path, stage, f"not a readable npy file ({error})") from None
    if array.dtype != np.float32 or array.ndim != 3 or len(array) != n_rows:
        raise damaged(path, stage, f"{array.dtype} of shape {array.shape}, not float32 ({n_rows} clips, height, width)")
    if not array.flags.c_contiguous or array.offset + array.nbytes != path.stat().st_size:
        raise damaged(path, stage, "its values are in Fortran order, or more bytes follow them")
    return array
