"""The tables that several stages read: what cannot be right is refused with its line."""

import re
from pathlib import Path

import numpy as np
import pytest

from genres.core.errors import InputError
from genres.core.files import write_array
from genres.core.tables import find_clips, read_clip_array, read_clips, read_split, require_keys

CLIPS = f"""clip_id,genre,path,seconds,sample_rate,sha256,status,reason
blues/1,blues,blues/1.wav,1.000,8000,{"a" * 64},ok,
NA/1,NA,NA/1.wav,,,{"b" * 64},unreadable,digital silence
NA/2,NA,NA/2.wav,1.000,8000,{"c" * 64},ok,
"""
SPLIT = """clip_id,genre,sha256,subset
blues/1,blues,aa,train
NA/1,NA,bb,test
blues/2,blues,cc,valid
NA/2,NA,dd,train
"""


def test_good_lists_are_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text(CLIPS)
    (tmp_path / "split.csv").write_text(SPLIT)
    assert read_clips(tmp_path / "clips.csv").genre.tolist() == ["blues", "NA", "NA"]
    assert read_split(tmp_path / "split.csv").subset.tolist() == ["train", "test", "valid", "train"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (",ok,", ",fine,", "line 2: the status 'fine' is not one of ok, unreadable"),
        ("a" * 64, "", "sha256, line 2: Input should be a valid string, but found None"),
        ("b" * 64, "B" * 64, "sha256, line 3: String should match pattern '^[0-9a-f]{64}$', but found '" + "B" * 59),
        (",ok,", ",unreadable,", "it does not have readable clips of two genres"),
        (",unreadable,", ",,", "line 3: the status '' is not one of ok, unreadable"),
        (",digital silence", "", "not a readable table (line 3 has 7 values, the header has 8)"),
        ("NA/1,NA", "blues/1,blues", "line 3: the clip_id 'blues/1' is there a second time"),
        ("NA/1,NA", "NA/1,rock", "line 3: the clip_id 'NA/1' is not <genre>/<clip> with the genre of its row"),
        ("NA/1,NA", "NA/,NA", "line 3: the clip_id 'NA/' is not <genre>/<clip> with the genre of its row"),
    ],
)
def test_clips_that_cannot_be_right_are_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(CLIPS.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(f"{path} is damaged: {why}") + ".* Run `dvc repro -f download`"):
        read_clips(path)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("blues/2,blues,cc,valid", "blues/1,blues,aa,test", "line 4: the clip_id 'blues/1' is there a second time"),
        (",valid", ",validate", "line 4: the subset 'validate' is not one of train, valid, test"),
        ("NA/1,NA,bb,test", "NA/1,NA,bb,valid", "it has no test clip"),
        ("blues/1,blues,aa,train", "blues/1,blues,aa,test", "it has no train clip of the genre 'blues'"),
        ("NA/1,NA,bb,test\nblues/2,blues,cc,valid\nNA/2,NA,dd,train\n", "", "it has one genre only"),
    ],
)
def test_a_split_that_cannot_be_right_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    path = tmp_path / "split.csv"
    path.write_text(SPLIT.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(f"{path} is damaged: {why}. Run `dvc repro -f split`")):
        read_split(path)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("blues/1,blues,80", "line 3: the clip_id 'blues/1' is there a second time"),
        ("rock/1,blues,80", "line 3: the clip_id 'rock/1' is not <genre>/<clip> with the genre of its row"),
    ],
)
def test_rows_of_an_array_that_cannot_be_right_are_refused(tmp_path: Path, row: str, why: str) -> None:
    path = tmp_path / "mel.csv"
    path.write_text(f"clip_id,genre,frames\nblues/1,blues,80\n{row}\n")
    write_array(tmp_path / "mel.npy", (2, 1, 1), np.zeros((2, 1, 1), np.float32))
    with pytest.raises(InputError, match=re.escape(f"{path} is damaged: {why}. Run `dvc repro -f featurize`")):
        read_clip_array(tmp_path / "mel.npy", path, "featurize")


def test_clips_are_found_in_a_table_or_named(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(CLIPS)
    clips = read_clips(path)
    assert find_clips(path, clips, ["NA/2", "blues/1"], "download").tolist() == [2, 0]
    assert find_clips(path, clips, [], "download").tolist() == []
    with pytest.raises(InputError, match=r"clips\.csv has no row for 'NA/3', .* `dvc repro -f download split`"):
        find_clips(path, clips, ["NA/2", "NA/3"], "download")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (["ab"], "it has 0 entries of c and d, not 1"),
        (["ab", "cd", "ab"], "it has 2 entries of a and b, not 1"),
        (["ab", "xy", "cd"], "it has 1 entries of x and y, not 0"),
    ],
)
def test_each_key_is_there_once(found: list[str], why: str) -> None:
    expected = [("a", "b"), ("c", "d")]
    require_keys(Path("x.csv"), reversed(expected), expected, "evaluate")
    with pytest.raises(InputError, match=re.escape(f"x.csv is damaged: {why}. Run `dvc repro -f evaluate`")):
        require_keys(Path("x.csv"), map(tuple, found), expected, "evaluate")
