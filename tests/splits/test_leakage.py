"""Which clips are one recording, and how many test clips leak."""

import numpy as np
import pandas as pd
import pytest

from genres.core.columns import TEST, TRAIN, UNASSIGNED, VALID
from genres.core.errors import InputError
from genres.splits.leakage import count_clips, number_recordings


def pairs(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame([(*row, "0.5") for row in rows], columns=["clip_id_a", "clip_id_b", "similarity"])


def test_copies_of_copies_are_one_recording() -> None:
    clips = pd.DataFrame({"clip_id": ["a/1", "a/2", "b/1", "b/2", "b/3", "c/1"]})
    recordings = number_recordings(clips, pairs(("a/1", "b/2"), ("b/2", "c/1"), ("b/1", "b/3")))
    assert recordings[0] == recordings[3] == recordings[5]
    assert recordings[2] == recordings[4]
    assert len(set(recordings)) == 3
    assert len(set(number_recordings(clips, pairs()))) == 6


def test_a_pair_of_an_unknown_clip_is_refused() -> None:
    with pytest.raises(InputError, match=r"names 'a/9'.*dvc repro -f find_duplicates"):
        number_recordings(pd.DataFrame({"clip_id": ["a/1", "b/1"]}), pairs(("a/1", "a/9")))


def test_leaked_counts_test_clips_and_not_pairs() -> None:
    subsets = np.array([TRAIN, TRAIN, TEST, TEST, TEST, VALID, UNASSIGNED, TEST])
    recordings = np.array([0, 0, 0, 0, 1, 2, 3, 3])
    assert count_clips(subsets, recordings) == {"train": 2, "test": 4, "valid": 1, "leaked": 2}
    assert count_clips(subsets, np.arange(8))["leaked"] == 0
