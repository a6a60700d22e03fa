"""The lists of clips and of the split: what cannot be right is refused with its line."""

import re
from pathlib import Path

import pytest

from genres.core.errors import InputError
from genres.core.tables import read_clips, read_split

CLIPS = """clip_id,genre,path,seconds,sample_rate,sha256,status,reason
blues/1,blues,blues/1.wav,1.000,8000,aa,ok,
NA/1,NA,NA/1.wav,,,bb,unreadable,digital silence
"""
SPLIT = """clip_id,genre,sha256,subset
blues/1,blues,aa,train
NA/1,NA,bb,test
blues/2,blues,cc,valid
"""


def test_good_lists_are_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text(CLIPS)
    (tmp_path / "split.csv").write_text(SPLIT)
    assert read_clips(tmp_path / "clips.csv").genre.tolist() == ["blues", "NA"]
    assert read_split(tmp_path / "split.csv").subset.tolist() == ["train", "test", "valid"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (",ok,", ",fine,", "line 2: its status is 'fine', not one of ok, unreadable"),
        (",unreadable,", ",,", "line 3: its status is '', not one of ok, unreadable"),
        (",digital silence", "", "not a readable table (line 3 has 7 values, the header has 8)"),
        ("NA/1,NA", "blues/1,blues", "line 3: the clip 'blues/1' is there a second time"),
        ("NA/1,NA", "NA/1,rock", "line 3: the clip 'NA/1' has the genre 'rock'"),
    ],
)
def test_clips_that_cannot_be_right_are_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(CLIPS.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(f"{path} is damaged: {why}. Run `dvc repro -f download`")):
        read_clips(path)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("blues/2,blues,cc,valid", "blues/1,blues,aa,test", "line 4: the clip 'blues/1' is there a second time"),
        (",valid", ",validate", "line 4: its subset is 'validate', not one of train, valid, test"),
        ("NA/1,NA,bb,test", "NA/1,NA,bb,valid", "it has no test clip"),
        ("blues/1,blues,aa,train", "blues/1,blues,aa,test", "it has no train clip"),
    ],
)
def test_a_split_that_cannot_be_right_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    path = tmp_path / "split.csv"
    path.write_text(SPLIT.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(f"{path} is damaged: {why}. Run `dvc repro -f split`")):
        read_split(path)
