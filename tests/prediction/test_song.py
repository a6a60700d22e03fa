"""A song of any length: its windows, and what they say together."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from genres.audio.decoding import Decoded, UnreadableAudioError
from genres.models.base.predictions import ModelOutput
from genres.models.base.weights import Description
from genres.prediction.classifier import Classifier
from genres.prediction.song import Window, classify_song, cut_windows, sum_up

RATE = 1000


def blocks_of(samples: NDArray[np.float32], sizes: list[int], note: str = "") -> Iterator[Decoded]:
    """Yield samples in blocks of these sizes, which repeat, and then the empty block."""
    start = number = 0
    while start < samples.size:
        size = sizes[number % len(sizes)]
        yield Decoded(samples[start : start + size], RATE, "")
        start, number = start + size, number + 1
    yield Decoded(np.empty(0, np.float32), RATE, note)


@given(st.integers(1, 3000), st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_the_windows_cover_a_song_without_gaps_however_it_comes(n_samples: int, sizes: list[int]) -> None:
    samples = np.arange(n_samples, dtype=np.float32)
    length = 200
    windows = list(cut_windows(blocks_of(samples, sizes), seconds=length / RATE))
    if n_samples < 1.1 * length:
        ((start, window, rate),) = windows
        assert (start, rate) == (0, RATE)
        np.testing.assert_array_equal(window, samples)
        return
    heard = np.zeros(n_samples, bool)
    for number, (start, window, rate) in enumerate(windows):
        first = round(start * RATE)
        assert rate == RATE
        np.testing.assert_array_equal(window, samples[first : first + length])
        heard[first : first + length] = True
        assert first == number * length or number == len(windows) - 1
    unheard = n_samples - np.count_nonzero(heard)
    assert unheard < 0.1 * length
    assert heard[: n_samples - unheard].all()


def test_a_song_in_other_blocks_has_the_same_windows() -> None:
    samples = np.random.default_rng(0).normal(size=1130).astype(np.float32)
    whole, pieces = (list(cut_windows(blocks_of(samples, sizes), 0.2)) for sizes in ([2000], [7, 300]))
    assert [start for start, *_ in whole] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 0.93])
    for (_, first, _), (_, second, _) in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(first, second)


def window(label: int, probabilities: list[float] | None, not_music: str | None = None) -> Window:
    return Window(0.0, 1.0, not_music, label, None if probabilities is None else np.array(probabilities))


def test_the_probabilities_of_a_song_are_the_mean_over_its_windows() -> None:
    song = sum_up([window(0, [0.6, 0.4]), window(1, [0.1, 0.9])])
    assert song.label == 1
    np.testing.assert_allclose(song.probabilities, [0.35, 0.65])
    assert not song.is_unsure
    assert sum_up([window(0, [0.59, 0.2, 0.21])]).is_unsure


def test_what_is_not_music_has_no_say_where_there_is_music() -> None:
    song = sum_up([window(0, [0.9, 0.1], "speech"), window(1, [0.2, 0.8]), window(0, [0.9, 0.1], "silence")])
    assert (song.label, song.not_music) == (1, None)
    np.testing.assert_array_equal(song.probabilities, [0.2, 0.8])


def test_a_song_without_music_is_what_most_of_it_is() -> None:
    windows = [window(0, [1, 0], "noise"), window(0, [1, 0], "speech"), window(0, [1, 0], "speech")]
    assert sum_up(windows).not_music == "speech"


def test_without_probabilities_most_windows_decide() -> None:
    song = sum_up([window(2, None), window(1, None), window(2, None)])
    assert (song.label, song.probabilities, song.is_unsure) == (2, None, False)


def loudness_classifier() -> Classifier:
    """Return a classifier of 2 kHz that calls a window by whether its mean is above 0."""

    def classify(samples: NDArray[np.float32]) -> ModelOutput:
        label = int(samples.mean() > 0)
        return ModelOutput(np.array([label]), np.eye(2)[[label]])

    description = Description("loud", {"kind": "any"}, ("low", "high"), None, None, {}, 1, 1.0, 0)
    return Classifier(description, 2 * RATE, 1.0, classify)


def test_a_song_is_resampled_for_the_model_and_its_times_are_its_own() -> None:
    samples = np.repeat(np.float32([-0.5, 0.5, 0.5, 0.5]), RATE) + np.random.default_rng(0).normal(0, 0.1, 4 * RATE)
    song = classify_song(blocks_of(samples.astype(np.float32), [900], note="odd"), loudness_classifier())
    assert [(window.start, window.end, window.label) for window in song.windows] == [
        (0, 1, 0),
        (1, 2, 1),
        (2, 3, 1),
        (3, 4, 1),
    ]
    assert (song.label, song.note) == (1, "odd")


def test_what_is_wrong_at_the_end_of_a_file_is_not_hidden() -> None:
    def blocks() -> Iterator[Decoded]:
        yield Decoded(np.ones(5 * RATE, np.float32), RATE, "")
        raise UnreadableAudioError("truncated")

    with pytest.raises(UnreadableAudioError, match="truncated"):
        classify_song(blocks(), loudness_classifier())
