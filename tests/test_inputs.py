"""What a model sees."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from genres.artifacts import write_rows
from genres.errors import InputError
from genres.inputs import label_clips, model_input, read_inputs
from genres.params import Input

PAPER = Input(64, 100, -42.88, 15.5)


def spectrogram(bands: int, frames: int) -> np.ndarray:
    return np.random.default_rng(frames).uniform(-80, 0, (bands, frames)).astype(np.float32)


@pytest.mark.parametrize("value", [-80.0, -42.88, 0.0])
def test_a_level_is_normalised_by_mean_and_deviation(value: float) -> None:
    image = model_input(np.full((128, 1291), value, np.float32), PAPER)
    assert (image.shape, image.dtype) == ((64, 100), torch.float32)
    assert image.numpy() == pytest.approx((value + 42.88) / 15.5, abs=1e-5)


@pytest.mark.parametrize("shape", [(128, 1291), (40, 60), (64, 100), (1, 1)])
def test_resizing_is_torchs_antialiased_interpolation(shape: tuple[int, int]) -> None:
    mel = spectrogram(*shape)
    expected = functional.interpolate(torch.tensor(mel)[None, None], (64, 100), mode="bilinear", antialias=True)
    assert torch.allclose(model_input(mel, PAPER) * 15.5 - 42.88, expected[0, 0], atol=1e-4)


def test_a_click_between_two_points_of_the_input_is_not_lost() -> None:
    mel = np.zeros((128, 1291), np.float32)
    mel[64, 600:601] = -80  # without antialiasing, 4 of 1291 frames would count for each of 100
    darkened = model_input(np.zeros((128, 1291), np.float32), PAPER) - model_input(mel, PAPER)
    assert darkened.sum().item() == pytest.approx(80 / 15.5 * (64 * 100) / (128 * 1291), rel=0.02)


def test_a_read_only_row_is_left_as_it_is() -> None:
    mel = spectrogram(16, 40)
    mel.flags.writeable = False
    before = mel.copy()
    model_input(mel, PAPER)
    assert np.array_equal(mel, before)


@pytest.fixture
def mel(tmp_path: Path) -> tuple[Path, pd.DataFrame, np.ndarray]:
    """The array, its rows and its content: two genres have a clip of the same name."""
    array = np.stack([spectrogram(16, 40) + number for number in range(4)])
    checksums = write_rows(tmp_path / "mel.npy", array.shape, array)
    rows = pd.DataFrame({"clip": list("1213"), "genre": list("aabb"), "sha256": checksums})
    return tmp_path / "mel.npy", rows, array


def test_inputs_come_in_the_order_in_which_they_are_wanted(mel: tuple[Path, pd.DataFrame, np.ndarray]) -> None:
    path, rows, array = mel
    wanted = pd.DataFrame({"clip": ["3", "1", "1"], "genre": ["b", "b", "a"]}, index=[7, 0, 3])
    inputs = read_inputs(path, rows, wanted, PAPER)
    assert torch.equal(inputs, torch.stack([model_input(array[row], PAPER) for row in (3, 2, 0)]))


def test_a_clip_without_a_spectrogram_is_named(mel: tuple[Path, pd.DataFrame, np.ndarray]) -> None:
    path, rows, _ = mel
    wanted = pd.DataFrame({"clip": ["1", "3"], "genre": ["a", "a"]})
    message = f"The split names '3' of the genre 'a', of which {path} has no spectrogram. Run `dvc repro -f split`"
    with pytest.raises(InputError, match=re.escape(message)):
        read_inputs(path, rows, wanted, PAPER)


def test_a_damaged_row_is_refused_even_where_its_clip_is_not_wanted(mel: tuple[Path, pd.DataFrame, np.ndarray]) -> None:
    path, rows, _ = mel
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(InputError, match="row 3 is not what was written"):
        read_inputs(path, rows, rows[:1], PAPER)


def test_a_label_is_the_genres_place_in_the_list() -> None:
    clips = label_clips(torch.zeros(4, 1, 1), ["rock", "blues", "rock", "pop"], ("blues", "pop", "rock"))
    assert clips.genres.tolist() == [2, 0, 2, 1]
    assert clips.genres.dtype == torch.int64
