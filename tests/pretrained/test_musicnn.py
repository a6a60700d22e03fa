"""MusiCNN against its authors' layers, written out with random weights, and, with the real ones, on real music."""

import tarfile
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from genres.audio.decoding import read_listed_clip
from genres.core.errors import InputError
from genres.parallel import local_processes
from genres.pretrained.musicnn import (
    EPSILON,
    FRONT_FILTERS,
    SAMPLE_RATE,
    TAGS,
    FloatArray,
    load_network,
    log_mel_windows,
    mean_features,
    write_features,
)
from genres.pretrained.weights import convert_checkpoint, obtain_musicnn, write_weights

Tensors = dict[str, NDArray[np.float32]]


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    """Weights in the layout of the checkpoint: a third of the filters is dead, and half of the scales is negative."""
    random = np.random.default_rng(0)
    shapes = [(frames, bands, 1, filters) for filters, frames, bands in FRONT_FILTERS]
    shapes += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
    found = {}
    for number, shape in enumerate(shapes):
        name = f"conv2d_{number}" if number else "conv2d"
        found[f"{name}/kernel"] = random.normal(0, 0.05, shape).astype(np.float32)
        found[f"{name}/bias"] = random.normal(0, 0.1, shape[-1]).astype(np.float32)
        if number < len(FRONT_FILTERS):
            found[f"{name}/kernel"][..., ::3] = 1e-31
    for number, size in enumerate([1, *(shape[-1] for shape in shapes), 1506, 200]):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        found[f"{name}/gamma"] = random.normal(0, 1, size).astype(np.float32)
        found[f"{name}/beta"] = random.normal(0, 1, size).astype(np.float32)
        found[f"{name}/moving_mean"] = random.normal(0, 1, size).astype(np.float32)
        found[f"{name}/moving_variance"] = random.uniform(0.5, 2, size).astype(np.float32)
    for name, shape in (("dense", (1506, 200)), ("dense_1", (200, 50))):
        found[f"{name}/kernel"] = random.normal(0, 0.03, shape).astype(np.float32)
        found[f"{name}/bias"] = random.normal(0, 0.1, shape[1]).astype(np.float32)
    return found


@pytest.fixture(scope="module")
def weights(tensors: Tensors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("musicnn") / "weights.safetensors"
    write_weights(path, convert_checkpoint(tensors))
    return path


def layers(tensors: Tensors, windows: FloatArray) -> tuple[Tensor, Tensor]:
    """Return the penultimate layer and the tags as the authors' code computes them, in double precision."""
    at = {name: torch.from_numpy(array).double() for name, array in tensors.items()}

    def name_of(kind: str, number: int) -> str:
        return f"{kind}_{number}" if number else kind

    def norm(x: Tensor, number: int) -> Tensor:  # over the last axis
        name = name_of("batch_normalization", number)
        scaled = (x - at[f"{name}/moving_mean"]) / torch.sqrt(at[f"{name}/moving_variance"] + EPSILON)
        return scaled * at[f"{name}/gamma"] + at[f"{name}/beta"]

    def conv(x: Tensor, number: int) -> Tensor:  # x is (windows, frames, bands); "same" in time, "valid" across bands
        name = name_of("conv2d", number)
        kernel = at[f"{name}/kernel"].permute(3, 2, 0, 1)
        n_around = kernel.shape[2] - 1
        padded = functional.pad(x[:, None], (0, 0, n_around // 2, n_around - n_around // 2))
        y = functional.conv2d(padded, kernel, at[f"{name}/bias"]).relu()
        return norm(y.permute(0, 2, 3, 1), number + 1)  # (windows, frames, bands, filters)

    x = norm(torch.from_numpy(windows).double()[..., None], 0)[..., 0]
    front = torch.cat([conv(x, number).amax(dim=2) for number in range(5)], dim=2)
    first = conv(front, 5)[:, :, 0]
    second = conv(first, 6)[:, :, 0] + first
    third = conv(second, 7)[:, :, 0] + second
    maps = torch.cat([front, first, second, third], dim=2)
    pooled = torch.stack([maps.amax(dim=1), maps.mean(dim=1)], dim=2).flatten(1)
    dense = (norm(pooled, 9) @ at["dense/kernel"] + at["dense/bias"]).relu()
    penultimate = norm(dense, 10)
    return penultimate, torch.sigmoid(penultimate @ at["dense_1/kernel"] + at["dense_1/bias"])


def test_the_layers_are_those_of_the_authors(tensors: Tensors, weights: Path) -> None:
    windows = np.random.default_rng(1).uniform(0, 3, (2, 187, 96)).astype(np.float32)
    network = load_network(load_file(weights))
    assert sum(parameter.numel() for parameter in network.parameters()) == 787_159  # as published
    with torch.inference_mode():
        found = network(torch.from_numpy(windows))
    penultimate, tags = layers(tensors, windows)
    np.testing.assert_allclose(found.penultimate, penultimate, atol=2e-4)
    np.testing.assert_allclose(found.tags, tags, atol=1e-4)


def test_a_clip_is_the_mean_of_its_windows(weights: Path) -> None:
    windows = np.random.default_rng(2).uniform(0, 3, (12, 187, 96)).astype(np.float32)  # more than are taken at once
    network = load_network(load_file(weights))
    with torch.inference_mode():
        alone = [network(torch.from_numpy(window[None])).penultimate[0].numpy() for window in windows]
    np.testing.assert_allclose(mean_features(network, windows), np.mean(alone, axis=0), atol=1e-5)


def test_windows_are_levels_of_mel_bands_one_after_another() -> None:
    sound = np.random.default_rng(3).normal(0, 0.1, 7 * SAMPLE_RATE).astype(np.float32)
    windows = log_mel_windows(sound)
    assert windows.shape == (2, 187, 96)  # the second that is left over is dropped
    assert windows.dtype == np.float32
    power = np.abs(librosa.stft(sound.astype(np.float64), n_fft=512, hop_length=256, pad_mode="reflect")) ** 2
    levels = np.log10(1 + 10_000 * librosa.filters.mel(sr=16_000, n_fft=512, n_mels=96) @ power)
    np.testing.assert_allclose(np.concatenate(windows), levels.T[:374], atol=1e-4)


@pytest.mark.parametrize("n_samples", [1, 100, 16_000, 47_000])
def test_a_sound_shorter_than_a_window_is_repeated(n_samples: int) -> None:
    windows = log_mel_windows(np.random.default_rng(4).normal(0, 0.1, n_samples).astype(np.float32))
    n_frames = 1 + max(n_samples, 512) // 256
    assert windows.shape == (1, 187, 96)
    assert np.isfinite(windows).all()
    if n_frames < 187:
        np.testing.assert_array_equal(windows[0, n_frames], windows[0, 0])


def test_the_features_of_files_are_those_of_each_by_itself(tmp_path: Path, weights: Path) -> None:
    random = np.random.default_rng(5)
    for name, seconds in (("a", 3.5), ("b", 6.5)):
        soundfile.write(tmp_path / f"{name}.wav", random.normal(0, 0.1, int(22_050 * seconds)), 22_050)
    clips = pd.DataFrame({"clip_id": ["x/a", "x/b"], "genre": "x", "path": ["a.wav", "b.wav"]})
    with local_processes(2) as executor:
        rows = write_features(tmp_path / "features.npy", clips, tmp_path, weights, executor)
    assert rows.to_dict("list") == {"clip_id": ["x/a", "x/b"], "genre": ["x", "x"], "frames": [187, 2 * 187]}
    found, network = np.load(tmp_path / "features.npy"), load_network(load_file(weights))
    assert found.shape == (2, 1, 200)
    for row, name in zip(found, "ab", strict=True):
        windows = log_mel_windows(read_listed_clip(tmp_path / f"{name}.wav", SAMPLE_RATE))
        np.testing.assert_array_equal(row[0], mean_features(network, windows))


def test_a_missing_layer_is_named(tensors: Tensors) -> None:
    with pytest.raises(KeyError, match="conv2d_6/kernel"):
        convert_checkpoint({name: tensor for name, tensor in tensors.items() if name != "conv2d_6/kernel"})


@pytest.mark.slow
def test_real_music_names_itself(tmp_path: Path, real_data: Path) -> None:
    try:
        write_weights(tmp_path / "weights.safetensors", obtain_musicnn())
    except InputError as error:
        pytest.skip(f"no weights: {error}")
    network = load_network(load_file(tmp_path / "weights.safetensors"))
    own_tag = {"blues": "blues", "hiphop": "Hip-Hop", "jazz": "jazz", "metal": "metal"}
    mean_of = {}
    with tarfile.open(real_data / "gtzan-mini/genres.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    for genre in own_tag:
        tags = []
        for path in sorted((tmp_path / "genres" / genre).iterdir()):
            windows = torch.from_numpy(log_mel_windows(read_listed_clip(path, SAMPLE_RATE)))
            with torch.inference_mode():
                tags.append(network(windows).tags.mean(dim=0).numpy())
        mean_of[genre] = dict(zip(TAGS, np.mean(tags, axis=0), strict=True))
    for genre, tag in own_tag.items():
        assert max(mean_of, key=lambda other: mean_of[other][tag]) == genre, tag
    assert mean_of["jazz"]["jazz"] == pytest.approx(0.74, abs=0.03)
    assert mean_of["hiphop"]["Hip-Hop"] == pytest.approx(0.50, abs=0.03)
    assert mean_of["blues"]["blues"] == pytest.approx(0.45, abs=0.03)
    assert mean_of["metal"]["metal"] == pytest.approx(0.26, abs=0.03)
