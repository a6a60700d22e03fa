"""The figure of a song."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from genres.demo.figure import NARROW, RESOLUTION, WIDE, course_of, draw_song
from genres.prediction.song import Song, Window, best_first, sum_up

CLASS_NAMES = ("blues", "$x$ jazz", "r" * 60)


def song_of(labels: list[int], with_probabilities: bool = True, not_music: tuple[int, ...] = ()) -> Song:
    windows = []
    for number, label in enumerate(labels):
        probabilities = np.full(3, 0.2)
        probabilities[label] = 0.6
        windows.append(
            Window(
                30.0 * number,
                30.0 * number + 30,
                "speech" if number in not_music else None,
                label,
                probabilities if with_probabilities else None,
            )
        )
    return sum_up(windows)


@pytest.mark.parametrize("with_probabilities", [True, False])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("n_windows", [1, 3, 30])
@pytest.mark.parametrize("not_music", [(), (0,), range(30)])
def test_any_song_is_drawn(width: float, n_windows: int, not_music: tuple[int, ...], with_probabilities: bool) -> None:
    song = song_of([number % 3 for number in range(n_windows)], with_probabilities, not_music)
    spectrogram = np.random.default_rng(0).uniform(-80, 0, (96, 50)).astype(np.float32)
    image = imread(io.BytesIO(draw_song(song, spectrogram, CLASS_NAMES, width)))
    assert image.shape[1] == round(width * RESOLUTION)


def test_the_course_is_that_of_the_probabilities_and_empty_where_there_is_no_music() -> None:
    song = song_of([1, 2, 2], not_music=(0,))
    assert best_first(song) == [2, 0, 1]
    np.testing.assert_allclose(course_of(song, [2, 0]), [[np.nan, 0.6, 0.6], [np.nan, 0.2, 0.2]])


def test_without_probabilities_the_predicted_genres_are_shown() -> None:
    song = song_of([1, 2, 2], with_probabilities=False)
    assert best_first(song) == [2, 1]
    np.testing.assert_array_equal(course_of(song, [2, 1]), [[0, 1, 1], [1, 0, 0]])
