"""Mel spectrogram to modulations: what is put in is found where it belongs."""

import numpy as np
import pytest
from numpy.typing import NDArray

from genres.scattering import (
    EXCERPT_SECONDS,
    N_EXCERPTS,
    RATES,
    REGIONS,
    SCALES,
    excerpt_features,
    group_sizes,
    log_covariance,
    scatter,
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


def test_a_filter_is_the_product_of_two_gaussians_in_frequency() -> None:
    """The same by the definition, with a transform of the whole reflected level and no point left out."""
    level = np.random.default_rng(0).normal(40, 10, (N_MELS, 400)).astype(np.float32)
    tall = np.concatenate([level, level[::-1]])
    spectrum = np.fft.fft2(np.concatenate([tall, tall[:, ::-1]], axis=1).astype(float))
    rates, scales = np.fft.fftfreq(800, 1 / FRAME_RATE), np.fft.fftfreq(2 * N_MELS)[:, None]
    times = np.arange(400) / FRAME_RATE
    found = energies(level)
    for rate, scale in [(1.0, 1 / 16), (4.0, -1 / 4)]:
        gains = np.exp(-0.5 * ((rates - rate) / (0.35 * rate)) ** 2)
        gains = gains * np.exp(-0.5 * ((scales - scale) / (0.4 * abs(scale))) ** 2)
        modulus = np.abs(np.fft.ifft2(spectrum * 2 * gains))[:N_MELS, :400]
        within = times < EXCERPT_SECONDS
        expected = modulus[:, within].reshape(REGIONS, -1).mean(axis=1)
        # A Gaussian has no end, but the filter has; and few points stand for all.
        assert found[0, filters().index((rate, scale))] == pytest.approx(expected, rel=0.06)


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
