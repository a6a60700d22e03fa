"""The fault-filtered split of GTZAN: lists of clips without replicas, distortions and artists on both sides.

Kereliuk, Sturm and Larsen, "Deep learning and music adversaries", IEEE Transactions on Multimedia 17 (11), 2015, after
the faults that Sturm found. The three lists name 443, 197 and 290 clips to train, to validate and to test, one a line:
``blues/blues.00012.wav``. They are gtzan/*_filtered.txt of https://github.com/coreyker/dnn-mgr, at commit
bdad579ea6cb37b665ea6019fe1026a6ce20cbc7, byte for byte.
"""

import re
import sys
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genres.core.columns import SUBSETS, TEST, TRAIN, UNASSIGNED
from genres.core.errors import InputError

PUBLISHED = Path(__file__).with_name("fault_filtered_lists")
LINE = re.compile(r"(?P<clip_id>[^/]+/[^/]+)\.[^./]+")


def listed_split(clips: pd.DataFrame, folder: Path) -> NDArray[np.str_]:
    """Give each clip the subset that the lists name it in, and say on standard error how far they fit the data.

    The lists lie in ``folder``, `PUBLISHED` or another. File extensions in them do not matter. The subset, shape
    (n_clips,), is `columns.UNASSIGNED` where no list names the clip.

    Raises:
        InputError: the lists cannot be read, or leave a genre without training or test clips.
    """
    subset_of = read_lists(folder)
    _report(clips.clip_id[~clips.clip_id.isin(subset_of)], len(clips), "clips are in none of the lists and left out")
    unknown = sorted(subset_of.keys() - set(clips.clip_id))
    _report(unknown, len(subset_of), "clips of the lists are not among the data")
    subsets = clips.clip_id.map(subset_of).fillna(UNASSIGNED)
    for subset in (TRAIN, TEST):
        if missing := set(clips.genre) - set(clips.genre[subsets == subset]):
            raise InputError(
                f"The lists of `split.method: fault-filtered` name no {subset} clip of the genre {min(missing)!r} that "
                f"is among the {len(clips)} clips. They are made for the whole of GTZAN: use another `split.method`."
            )
    return subsets.to_numpy(str)


def read_lists(folder: Path) -> dict[str, str]:
    """Return the subset of each ``clip_id`` that the three lists in a folder name.

    Raises:
        InputError: a list is missing or has a line of another form, or a clip is named twice.
    """
    subset_of: dict[str, str] = {}
    for subset in SUBSETS:
        path = folder / f"{subset}_filtered.txt"
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()  # some editors put a mark before the text
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise InputError(
                f"{path} cannot be read ({why}). `split.lists` should be a folder with train_filtered.txt, "
                "valid_filtered.txt and test_filtered.txt."
            ) from None
        for number, line in enumerate(lines, start=1):
            found = LINE.fullmatch(line.strip())
            if found is None:
                raise InputError(f"{path}, line {number}: expected <genre>/<clip>.<extension>, but found {line!r}.")
            clip_id = found["clip_id"]
            if clip_id in subset_of:
                raise InputError(
                    f"{path}, line {number}: {line!r} is named a second time; it is in the {subset_of[clip_id]} list "
                    "already. Every clip has one subset: remove one of the two lines."
                )
            subset_of[clip_id] = subset
    return subset_of


def _report(clip_ids: Collection[str], total: int, what: str) -> None:
    if len(clip_ids):
        print(f"{len(clip_ids)} of {total} {what} ({next(iter(clip_ids))}, for one)", file=sys.stderr)
