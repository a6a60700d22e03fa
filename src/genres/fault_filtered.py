"""The fault-filtered split of GTZAN: lists of clips without replicas, distortions and artists on both sides.

Kereliuk, Sturm and Larsen, "Deep learning and music adversaries", IEEE Transactions on Multimedia 17 (11), 2015, after
the faults that Sturm found. Three text files, ``train_filtered.txt``, ``valid_filtered.txt`` and ``test_filtered.txt``,
name 443, 197 and 290 clips, one a line: ``blues/blues.00012.wav``.
"""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.attempts import SourceError
from genres.errors import InputError
from genres.fetching import fetch
from genres.remotes import FAULT_FILTERED_LISTS
from genres.tables import LEFT_OUT, TEST, TRAIN, VALID

LINE = re.compile(r"(?P<genre>[^/]+)/(?P<clip>[^/]+)\.[^./]+")

Key = tuple[str, str]  # genre, clip


def listed_split(clips: pd.DataFrame, lists: str | None) -> NDArray[np.str_]:
    """Give each clip the subset that the lists name it in, and say on standard error how far they fit the data.

    Args:
        clips: with ``clip`` and ``genre``. File extensions do not matter.
        lists: the folder of the three lists. Any in that format will do; None stands for the published ones.

    Returns:
        "train", "valid", "test" or, where no list names the clip, `tables.LEFT_OUT`, shape (clips,).

    Raises:
        InputError: the lists cannot be had or read, or leave a genre without training or test clips.
    """
    subset_of = read_lists(Path(lists).expanduser() if lists is not None else _fetch_lists())
    keys = list(zip(clips.genre, clips["clip"], strict=True))
    _say_misfits(keys, subset_of)
    subsets = np.array([subset_of.get(key, LEFT_OUT) for key in keys])
    for subset in (TRAIN, TEST):
        if missing := set(clips.genre) - set(clips.genre[subsets == subset]):
            raise InputError(
                f"The lists of `split.method: fault-filtered` name no {subset} clip of the genre {min(missing)!r} that "
                f"is among the {len(clips)} clips. They are made for the whole of GTZAN: use another `split.method`."
            )
    return subsets


def read_lists(folder: Path) -> dict[Key, str]:
    """Return the subset of each clip that the three lists in a folder name.

    Raises:
        InputError: a list is missing or has a line of another form, or a clip is named twice.
    """
    subset_of: dict[Key, str] = {}
    for subset in (TRAIN, VALID, TEST):
        path = folder / f"{subset}_filtered.txt"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
            raise InputError(
                f"{path} cannot be read ({why}). `split.lists` should be a folder with train_filtered.txt, "
                "valid_filtered.txt and test_filtered.txt."
            ) from None
        for number, line in enumerate(lines, start=1):
            found = LINE.fullmatch(line.strip())
            if found is None:
                raise InputError(f"{path}, line {number}: expected <genre>/<clip>.<extension>, but found {line!r}.")
            key = found["genre"], found["clip"]
            if key in subset_of:
                raise InputError(
                    f"{path}, line {number}: {line!r} is named a second time; it is in the {subset_of[key]} list "
                    "already. Every clip has one subset: remove one of the two lines."
                )
            subset_of[key] = subset
    return subset_of


def _fetch_lists() -> Path:
    """Return the folder that the published lists are kept in, after fetching those that were not there."""
    try:
        lists = [fetch(remote) for remote in FAULT_FILTERED_LISTS]
    except SourceError as failure:
        raise InputError(
            f"The lists of the fault-filtered split cannot be fetched. Tried {failure}. Try again later, or set "
            "`split.lists` to a folder with train_filtered.txt, valid_filtered.txt and test_filtered.txt."
        ) from failure
    return lists[0].parent


def _say_misfits(keys: list[Key], subset_of: dict[Key, str]) -> None:
    left_out = [key for key in keys if key not in subset_of]
    lacking = sorted(subset_of.keys() - set(keys))
    if left_out:
        print(
            f"{len(left_out)} of {len(keys)} clips are in none of the lists and left out ({'/'.join(left_out[0])}, "
            "for one)",
            file=sys.stderr,
        )
    if lacking:
        print(
            f"{len(lacking)} of {len(subset_of)} clips of the lists are not among the data ({'/'.join(lacking[0])}, "
            "for one)",
            file=sys.stderr,
        )
