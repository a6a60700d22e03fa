"""Mel spectrogram to modulations: what is put in is found where it belongs."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from genres.core.files import write_array
from genres.parallel import local_processes
from genres.scattering_features import (
    EXCERPT_SECONDS,
    N_EXCERPTS,
    RATES,
    REGIONS,
    SCALES,
    count_bands,
    excerpt_features,
    excerpt_statistics,
    group_sizes,
    log_covariance,
    scatter,
    write_features,
)
from genres.schema import Featurize, Params

FRAME_RATE = 22050 / 512
N_MELS = 128


def modulated(rate: float, scale: float, n_frames: int = 1291) -> NDArray[np.float32]:
    """Return a level of 40 dB that goes up and down by 10 dB, in time ``rate`` times a second, and across bands."""
    bands, times = np.arange(N_MELS)[:, None], np.arange(n_frames) / FRAME_RATE
    return (40 + 10 * np.cos(2 * np.pi * (rate * times + scale * bands))).astype(np.float32)


def filters() -> list[tuple[float, float]]:
    """Return rate and scale of each filter, in order; with a negative scale it rises through the bands in time."""
    order = [(0.0, scale) for scale in SCALES]
    for rate in RATES:
        order += [(rate, scale) for scale in (0.0, *SCALES)] + [(rate, -scale) for scale in SCALES]
    return order


def energies(level: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the features in order as (excerpts, filters, regions), without their logarithm."""
    return np.exp(scatter(level, FRAME_RATE).reshape(N_EXCERPTS, len(filters()), REGIONS).astype(float)) - 0.02


@pytest.mark.parametrize(
    ("rate", "scale"), [(0.0, 1 / 16), (2.0, 0.0), (0.25, 1 / 64), (1.0, 1 / 8), (4.0, -1 / 8), (8.0, 1 / 4)]
)
def test_a_modulation_has_most_energy_in_the_filter_of_its_rate_and_scale(rate: float, scale: float) -> None:
    found = energies(modulated(rate, scale)).mean(axis=(0, 2))
    assert filters()[found.argmax()] == (rate, scale)
    if rate and scale:
        assert found.max() > 4 * found[filters().index((rate, -scale))]


def test_the_energy_of_a_modulation_is_its_amplitude() -> None:
    found = energies(modulated(2.0, 1 / 8))[:, filters().index((2.0, 1 / 8))]
    assert found[1:-1, 2:-2] == pytest.approx(10, rel=0.05)  # at the edges, it is reflected


def test_a_constant_level_has_no_modulation_and_a_louder_clip_the_same_ones() -> None:
    assert np.abs(energies(np.full((N_MELS, 1291), 40, np.float32))).max() < 1e-3
    level = modulated(2.0, 1 / 8)
    assert scatter(level + 20, FRAME_RATE) == pytest.approx(scatter(level, FRAME_RATE), abs=2e-3)


def test_a_modulation_is_found_in_its_excerpt_and_its_bands_only() -> None:
    level = np.full((N_MELS, 1291), 40, np.float32)
    excerpt = slice(0, round(EXCERPT_SECONDS * FRAME_RATE))
    level[: N_MELS // 2, excerpt] = modulated(4.0, 0.0)[: N_MELS // 2, excerpt]
    found = energies(level)[:, filters().index((4.0, 0.0))]
    assert found[0, : REGIONS // 2 - 2].min() > 7
    assert found[0, -(REGIONS // 4) :].max() < 1  # the filter of scale 0 is wide
    assert found[-2:].max() < 0.2


@pytest.mark.parametrize(
    ("rate", "scale"), [(0.0, 1 / 64), (0.0, 1 / 16), (1.0, 0.0), (1.0, 1 / 16), (4.0, -1 / 4), (8.0, 1 / 8)]
)
def test_a_filter_is_the_product_of_two_gaussians_in_frequency(rate: float, scale: float) -> None:
    """The same by the definition: a transform of the whole reflected level, and no point left out."""
    n_frames = 1000
    level = np.random.default_rng(0).normal(-40, 10, (N_MELS, n_frames)) + np.linspace(-30, 30, n_frames)
    tall = np.concatenate([level, level[::-1]])
    spectrum = np.fft.fft2(np.concatenate([tall, tall[:, ::-1]], axis=1))
    rates, scales = np.fft.fftfreq(2 * n_frames, 1 / FRAME_RATE), np.fft.fftfreq(2 * N_MELS)[:, None]
    deviations = (rates - rate) / (0.35 * rate or 0.12)
    in_time = np.exp(-0.5 * deviations**2) * (np.abs(deviations) <= 2.5) * (2 if rate else 1)
    across = np.exp(-0.5 * ((scales - scale) / (0.4 * abs(scale) or 0.4 / 64)) ** 2) * ((scales != 0) | (scale == 0))
    across = across * (1 if rate else 2)  # of a real signal, half of the amplitude is at the opposite frequency
    modulus = np.abs(np.fft.ifft2(spectrum * in_time * across))[:N_MELS, :n_frames]
    times, starts = np.arange(n_frames) / FRAME_RATE, np.linspace(0, n_frames / FRAME_RATE - 8, 6)
    found = energies(level.astype(np.float32))[:, filters().index((rate, scale))]
    for excerpt, start in zip(found, starts, strict=True):
        within = (times >= start) & (times < start + EXCERPT_SECONDS)
        expected = modulus[:, within].reshape(REGIONS, -1, within.sum()).mean(axis=(1, 2))
        assert excerpt == pytest.approx(expected, rel=0.1, abs=0.01)  # few points stand for all


def test_statistics_are_of_each_excerpt() -> None:
    level = np.random.default_rng(0).normal(-40, 10, (64, 700)).cumsum(axis=0) / 5
    level[:, 350:] *= 0.5
    found = excerpt_statistics(level.astype(np.float32), FRAME_RATE)
    length = round(EXCERPT_SECONDS * FRAME_RATE)
    weights = np.exp(-0.5 * (np.subtract.outer(np.arange(64), np.arange(64)) / 3) ** 2)
    smooth = weights / weights.sum(axis=1, keepdims=True) @ level
    for row, start in zip(found, np.linspace(0, 700 - length, N_EXCERPTS).astype(int), strict=True):
        excerpt = slice(start, start + length)
        bands = level[:, excerpt].reshape(32, 2, -1).mean(axis=1)
        peaks = (level - smooth)[:, excerpt]
        variances, axes = np.linalg.eigh(np.cov(bands, bias=True))
        variances = np.log(variances + 1e-3 * variances.mean() + 1e-6)
        logarithm = (axes * variances) @ axes.T
        logarithm = np.where(np.eye(32) > 0, logarithm, np.sqrt(2) * logarithm)[np.triu_indices(32)]
        expected = [logarithm, bands.mean(axis=1), peaks.mean(axis=1), np.log(peaks.std(axis=1) + 0.1)]
        assert row == pytest.approx(np.concatenate(expected), abs=2e-3)
    assert np.abs(found[0] - found[-1]).max() > 1


def test_padding_is_left_out(featurize: Featurize, tmp_path: Path) -> None:
    mel = np.random.default_rng(0).uniform(-80, 0, (2, 128, 500)).astype(np.float32)
    padded = np.concatenate([mel, np.full((2, 128, 200), -80, np.float32)], axis=2)
    write_array(tmp_path / "mel.npy", padded.shape, padded)
    with local_processes(1) as executor:
        write_features(tmp_path / "features.npy", tmp_path / "mel.npy", [500, 400], featurize, executor)
    found = np.load(tmp_path / "features.npy")
    np.testing.assert_array_equal(found[0], excerpt_features(mel[0], featurize))
    np.testing.assert_array_equal(found[1], excerpt_features(mel[1, :, :400], featurize))


@pytest.mark.parametrize(("sample_rate", "n_bands"), [(22050, 125), (44100, 103), (16000, 128)])
def test_bands_up_to_the_highest_frequency_are_used_at_any_sample_rate(
    featurize: Featurize, sample_rate: int, n_bands: int
) -> None:
    assert count_bands(featurize.model_copy(update={"sample_rate": sample_rate})) == n_bands


@pytest.fixture
def featurize(params: Params) -> Featurize:
    return params.featurize


@pytest.mark.parametrize("n_mels", [1, 8, 40, 128, 300])
@pytest.mark.parametrize("n_frames", [1, 2, 10, 400, 1291])
def test_every_size_of_spectrogram_has_its_features(featurize: Featurize, n_mels: int, n_frames: int) -> None:
    featurize = featurize.model_copy(update={"n_mels": n_mels})
    mel = np.random.default_rng(0).uniform(-80, 0, (n_mels, n_frames)).astype(np.float32)
    features = excerpt_features(mel, featurize)
    assert features.dtype == np.float32
    assert features.shape == (N_EXCERPTS, sum(group_sizes(featurize).values()))
    assert np.isfinite(features).all()


def test_what_lies_above_the_highest_frequency_is_not_heard(featurize: Featurize) -> None:
    mel = np.random.default_rng(0).uniform(-80, 0, (128, 400)).astype(np.float32)
    muffled = mel.copy()
    muffled[125:] = -80  # above 10.2 kHz
    np.testing.assert_array_equal(excerpt_features(mel, featurize), excerpt_features(muffled, featurize))
    muffled[124] = -80
    assert not np.array_equal(excerpt_features(mel, featurize), excerpt_features(muffled, featurize))


def test_frames_that_are_too_coarse_for_a_rate_have_none_of_it(featurize: Featurize) -> None:
    mel = np.random.default_rng(0).uniform(-80, 0, (128, 40)).astype(np.float32)
    coarse = excerpt_features(mel, featurize.model_copy(update={"hop_length": 16_384}))[
        :, : group_sizes(featurize)["scattering"]
    ]
    fastest = coarse.reshape(N_EXCERPTS, len(filters()), REGIONS)[:, -2 * len(SCALES) - 1 :]
    assert fastest == pytest.approx(np.log(0.02))


def test_the_logarithm_of_a_covariance_is_that_of_its_eigenvalues() -> None:
    values = np.array([[2.0, -2, 2, -2], [1, 1, -1, -1]])  # variances 4 and 1, and no covariance
    assert log_covariance(values.astype(np.float32)) == pytest.approx([np.log(4), 0, 0], abs=0.01)
    angle = 0.3
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ values
    c, s = np.cos(angle), np.sin(angle)
    expected = [np.log(4) * c * c, np.sqrt(2) * np.log(4) * c * s, np.log(4) * s * s]
    assert log_covariance(turned.astype(np.float32)) == pytest.approx(expected, abs=0.01)
