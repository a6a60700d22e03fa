import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genres.core.columns import SPLIT
from genres.core.errors import InputError
from genres.core.files import write_array, write_csv, write_json
from genres.models.base.training_data import TrainingData, read_training_data
from genres.schema import Input

ARRAY = np.arange(5 * 32 * 40, dtype=np.float32).reshape(5, 32, 40)
DATASET = {"name": "a", "title": "A", "description": "a: clips", "synthetic": False, "paper": False}
DATASET |= {"caveats": [], "split_caveats": {}}
SIZE = Input(height=32, width=40, mean=0.0, std=1.0)
ROWS = ("rock/1", "rock/2", "NA/1", "jazz/1", "jazz/2")  # two genres have a clip of the same name


def read(folder: Path, array: np.ndarray = ARRAY, input_params: Input = SIZE, **split: str) -> TrainingData:
    """Write an array, its rows, and a split of clips ("rock_1") by subset, and read them."""
    write_array(folder / "inputs.npy", array.shape, array)
    rows = [(clip_id, clip_id.partition("/")[0], 1291) for clip_id in ROWS]
    write_csv(folder / "inputs.csv", pd.DataFrame(rows, columns=["clip_id", "genre", "frames"]))
    clips = [(clip.replace("_", "/"), clip.partition("_")[0], "0", subset) for clip, subset in split.items()]
    write_csv(folder / "split.csv", pd.DataFrame(clips, columns=SPLIT))
    write_json(folder / "dataset.json", DATASET)
    return read_training_data(
        folder / "inputs.npy",
        folder / "inputs.csv",
        folder / "split.csv",
        folder / "dataset.json",
        (input_params.height, input_params.width),
        "resize",
    )


def test_inputs_and_labels_come_in_the_order_of_the_split(tmp_path: Path) -> None:
    data = read(tmp_path, jazz_2="train", rock_1="train", NA_1="train", jazz_1="valid", rock_2="test")
    assert data.class_names == ("NA", "jazz", "rock")
    assert data.clips.clip_id.tolist() == ["jazz/2", "rock/1", "NA/1", "jazz/1", "rock/2"]
    np.testing.assert_array_equal(data.inputs, ARRAY[[4, 0, 2, 3, 1]], strict=True)
    np.testing.assert_array_equal(data.labels, np.array([1, 2, 0, 1, 2]), strict=True)
    for subset, rows in (("train", [4, 0, 2]), ("test", [1]), ("valid", [3])):
        np.testing.assert_array_equal(data.subset(subset)[0], ARRAY[rows], strict=True)
    np.testing.assert_array_equal(data.subset("train")[1], np.array([1, 2, 0]), strict=True)


def test_a_split_of_all_clips_in_their_order_leaves_the_inputs_in_the_file(tmp_path: Path) -> None:
    data = read(tmp_path, rock_1="train", rock_2="test", NA_1="train", jazz_1="test", jazz_2="train")
    assert isinstance(data.inputs, np.memmap)
    np.testing.assert_array_equal(data.inputs, ARRAY, strict=True)
    np.testing.assert_array_equal(data.subset("train")[0], ARRAY[[0, 2, 4]], strict=True)


def test_a_clip_without_an_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(f"{tmp_path}/inputs.csv has no row for 'jazz/3', which is in the")):
        read(tmp_path, jazz_2="train", rock_1="train", jazz_3="test")


def test_an_array_of_other_clips_than_its_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(f"{tmp_path}/inputs.npy is damaged") + r".*`dvc repro -f resize`"):
        read(tmp_path, ARRAY[:4], jazz_2="train", jazz_1="test")


def test_inputs_of_another_size_are_refused(tmp_path: Path) -> None:
    wider = SIZE.model_copy(update={"width": 41})
    with pytest.raises(
        InputError, match=r"inputs of size \(32, 40\), but by .* have size \(32, 41\)\. Run `dvc repro resize`"
    ):
        read(tmp_path, ARRAY, wider, jazz_2="train", rock_1="train", jazz_1="test")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_input_that_is_not_finite_is_named(tmp_path: Path, value: float) -> None:
    array = ARRAY.copy()
    array[[3, 4], 1, 2] = value
    with pytest.raises(InputError, match=r"inputs\.npy is damaged: the input of 'jazz/1' is .*`dvc repro -f resize`"):
        read(tmp_path, array, rock_1="train", jazz_1="test", jazz_2="train")


def test_inputs_without_any_difference_are_refused(tmp_path: Path) -> None:
    array = np.full_like(ARRAY, 0.5)
    array[3] = 0
    with pytest.raises(InputError, match=r"inputs\.npy is damaged: all values of the train clips are the same"):
        read(tmp_path, array, rock_1="train", jazz_1="test", jazz_2="train")
