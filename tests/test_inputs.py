"""Mel spectrogram to model input."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from genres.core.files import read_array, write_array
from genres.inputs import make_inputs, model_input
from genres.schema import Input

PAPER = Input(height=64, width=100, mean=-42.88, std=15.5)


def spectrogram(bands: int, frames: int) -> np.ndarray:
    return np.random.default_rng(frames).uniform(-80, 0, (bands, frames)).astype(np.float32)


@pytest.mark.parametrize("value", [-80.0, -42.88, 0.0])
def test_a_level_is_normalised_by_mean_and_deviation(value: float) -> None:
    image = model_input(np.full((128, 1291), value, np.float32), PAPER)
    assert (image.shape, image.dtype) == ((64, 100), np.float32)
    assert image == pytest.approx((value + 42.88) / 15.5, abs=1e-5)


@pytest.mark.parametrize("shape", [(128, 1291), (40, 60), (64, 100), (1, 1)])
def test_resizing_is_torchs_antialiased_interpolation(shape: tuple[int, int]) -> None:
    mel = spectrogram(*shape)
    expected = functional.interpolate(torch.tensor(mel)[None, None], (64, 100), mode="bilinear", antialias=True)
    assert np.array_equal(model_input(mel, PAPER), ((expected[0, 0] + 42.88) / 15.5).numpy())


def test_a_click_between_two_pixels_of_the_input_is_not_lost() -> None:
    mel = np.zeros((128, 1291), np.float32)
    mel[64, 600:601] = -80  # without antialiasing, 4 of 1291 frames would count for each of 100
    darkened = model_input(np.zeros((128, 1291), np.float32), PAPER) - model_input(mel, PAPER)
    assert darkened.sum() == pytest.approx(80 / 15.5 * (64 * 100) / (128 * 1291), rel=0.02)


def test_inputs_of_a_memory_mapped_array_are_those_of_its_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mel.npy"
    mel = np.stack([spectrogram(16, 40) / number for number in (1, 2, 3)])
    write_array(path, mel.shape, mel)
    inputs = np.stack(list(make_inputs(read_array(path, 3, "featurize"), PAPER)))
    assert inputs.shape == (3, 64, 100)
    assert np.array_equal(inputs, np.stack([model_input(row, PAPER) for row in mel]))
    assert np.array_equal(np.load(path), mel)
    assert capsys.readouterr().err == "resizing: 3 of 3 clips\n"
