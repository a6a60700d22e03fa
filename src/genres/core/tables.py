"""The lists of clips and of the split, checked when read: a row that cannot be right is refused with its line."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from genres.core.columns import CLIPS, OK, SPLIT, SUBSETS, TEST, TRAIN, UNREADABLE
from genres.core.files import damaged, read_csv


def read_clips(path: Path) -> pd.DataFrame:
    """Read ``clips.csv``, or raise an InputError if it is missing or damaged."""
    clips = read_csv(path, CLIPS, "download")
    require_clips(path, clips, {"status": (OK, UNREADABLE)}, "download")
    return clips


def read_split(path: Path) -> pd.DataFrame:
    """Read ``split.csv``, or raise an InputError if it is missing or damaged, or has no train or no test clips."""
    split = read_csv(path, SPLIT, "split")
    require_clips(path, split, {"subset": SUBSETS}, "split")
    for subset in (TRAIN, TEST):
        if subset not in set(split.subset):
            raise damaged(path, "split", f"it has no {subset} clip")
    return split


def require_clips(path: Path, table: pd.DataFrame, allowed: Mapping[str, Collection[str]], stage: str) -> None:
    """Refuse a table that ``stage`` wrote if a clip is in it twice or without its genre, or a value is not allowed.

    ``allowed`` has the values of some columns.
    """
    problems = [
        (table.clip_id.duplicated(), "the clip {0.clip_id!r} is there a second time"),
        (table.clip_id.str.partition("/")[0] != table.genre, "the clip {0.clip_id!r} has the genre {0.genre!r}"),
        *(
            (~table[column].isin(values), f"its {column} is {{0.{column}!r}}, not one of {', '.join(values)}")
            for column, values in allowed.items()
        ),
    ]
    for wrong, message in problems:
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise damaged(path, stage, f"line {row + 2}: {message.format(table.iloc[row])}")  # line 1 has the columns
