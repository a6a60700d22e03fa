"""The tables that several stages read, checked when read: a row that cannot be right is refused with its line."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.core.columns import (
    ARRAY_ROWS,
    CLIPS,
    DUPLICATES,
    OK,
    SPLIT,
    SUBSETS,
    TEST,
    TRAIN,
    UNREADABLE,
    Natural,
    Sha256,
)
from genres.core.errors import InputError
from genres.core.files import damaged, read_array, read_csv


def read_clips(path: Path) -> pd.DataFrame:
    """Read ``clips.csv``, or raise an InputError if it is missing or damaged, or has no two genres to distinguish."""
    clips = read_csv(path, dict.fromkeys(CLIPS, str) | {"sha256": Sha256}, "download")
    require_clips(path, clips, {"status": (OK, UNREADABLE)}, "download")
    if clips.genre[clips.status == OK].nunique() < 2:
        raise damaged(path, "download", "it does not have readable clips of two genres")
    return clips


def read_duplicates(path: Path) -> pd.DataFrame:
    """Read ``duplicates.csv``, or raise an InputError if it is missing or damaged."""
    return read_csv(path, DUPLICATES, "find_duplicates", may_be_empty=True)


def read_split(path: Path) -> pd.DataFrame:
    """Read ``split.csv``, or raise an InputError if it is missing or damaged, or one cannot train or test by it."""
    split = read_csv(path, SPLIT, "split")
    require_clips(path, split, {"subset": SUBSETS}, "split")
    genres = set(split.genre)
    if len(genres) < 2:
        raise damaged(path, "split", "it has one genre only")
    if untrained := genres - set(split.genre[split.subset == TRAIN]):
        raise damaged(path, "split", f"it has no train clip of the genre {min(untrained)!r}")
    if TEST not in set(split.subset):
        raise damaged(path, "split", "it has no test clip")
    return split


def read_clip_array(path: Path, rows_path: Path, stage: str) -> tuple[NDArray[np.float32], pd.DataFrame]:
    """Map an array that ``stage`` wrote, and read the table of its rows, with `columns.ARRAY_ROWS`."""
    rows = read_csv(rows_path, dict.fromkeys(ARRAY_ROWS, str) | {"frames": Natural}, stage)
    require_clips(rows_path, rows, {}, stage)
    return read_array(path, len(rows), stage), rows


def find_clips(path: Path, table: pd.DataFrame, clip_ids: Sequence[str], stage: str) -> NDArray[np.int64]:
    """Return the indices of clips of the split in a table that ``stage`` wrote; an InputError names one without."""
    indices = pd.Index(table.clip_id).get_indexer(pd.Index(clip_ids))
    if (indices < 0).any():
        raise InputError(
            f"{path} has no row for {clip_ids[indices.argmin()]!r}, which is in the split. Run "
            f"`dvc repro -f {stage} split` to make both again."
        )
    return np.asarray(indices, np.int64)


def require_clips(path: Path, table: pd.DataFrame, allowed: Mapping[str, Collection[str]], stage: str) -> None:
    """Refuse a table that ``stage`` wrote if a clip is in it twice or without its genre, or a value is not allowed.

    ``allowed`` has the values of some columns.
    """
    genre, name = (table.clip_id.str.partition("/")[part] for part in (0, 2))
    problems = [
        (table.clip_id.duplicated(), "clip_id", "is there a second time"),
        ((genre != table.genre) | (name == ""), "clip_id", "is not <genre>/<clip> with the genre of its row"),
        *(
            (~table[column].isin(values), column, f"is not one of {', '.join(values)}")
            for column, values in allowed.items()
        ),
    ]
    for wrong, column, why in problems:
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            # Line 1 has the columns.
            raise damaged(path, stage, f"line {row + 2}: the {column} {table[column].iloc[row]!r} {why}")


def require_keys(path: Path, found: Iterable[tuple[str, ...]], expected: Iterable[tuple[str, ...]], stage: str) -> None:
    """Refuse what ``stage`` wrote unless the keys of its entries are the expected ones, in any order, each once."""
    n_found, n_expected = Counter(found), Counter(expected)
    for key in sorted(n_found | n_expected):
        if n_found[key] != n_expected[key]:
            what = " and ".join(key)
            raise damaged(path, stage, f"it has {n_found[key]} entries of {what}, not {n_expected[key]}")
