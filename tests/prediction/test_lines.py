"""What is printed of a song."""

import csv
import json
import os

import numpy as np

from genres.prediction.lines import csv_header, format_csv, format_json, format_text
from genres.prediction.song import Song, Window, sum_up

NAMES = ("blues", "jazz", "pop, rock", "reggae")


def song(*labels: int | str, probability: float = 0.9) -> Song:
    """Return a song of windows of half a minute, each of a genre or not music."""
    windows = []
    for number, label in enumerate(labels):
        index = label if isinstance(label, int) else 0
        probabilities = np.full(4, (1 - probability) / 3)
        probabilities[index] = probability
        not_music = None if isinstance(label, int) else label
        windows.append(Window(30.0 * number, 30.0 * number + 30, not_music, index, probabilities))
    return sum_up(windows)


def test_text_has_the_best_three_and_the_course() -> None:
    text = format_text("a.mp3", song(1, 1, 2, "speech", 1), NAMES)
    first, second = text.splitlines()
    assert first == "a.mp3: jazz 68%, pop, rock 25%, blues 3%"
    assert second == "  0:00-1:00 jazz, 1:00-1:30 pop, rock, 1:30-2:00 speech, 2:00-2:30 jazz"


def test_an_improbable_genre_is_not_sure() -> None:
    assert format_text("a.mp3", song(1, probability=0.59), NAMES).startswith("a.mp3: not sure: jazz 59%, ")
    assert format_text("a.mp3", song(1, probability=0.6), NAMES).startswith("a.mp3: jazz 60%, ")


def test_of_equal_genres_the_first_is_shown_first_as_it_is_predicted() -> None:
    equal = sum_up([Window(0, 30, None, 1, np.array([0, 0.5, 0.5, 0]))])
    assert format_text("a.mp3", equal, NAMES).startswith("a.mp3: not sure: jazz 50%, pop, rock 50%, ")


def test_what_is_not_music_is_named() -> None:
    assert format_text("a.mp3", song("silence"), NAMES) == "a.mp3: silence, not music\n  0:00-0:30 silence"


def test_hours_are_shown() -> None:
    assert format_text("a.mp3", song(*[1] * 140), NAMES).endswith("0:00-1:10:00 jazz")


def test_a_model_without_probabilities_shows_the_genre_alone() -> None:
    silent = sum_up([Window(0, 30, None, 3, None)])
    assert format_text("a", silent, NAMES).startswith("a: reggae (this model has no probabilities)\n")
    assert json.loads(format_json("a", silent, NAMES, "svm", False))["probabilities"] is None
    assert json.loads(format_json("a", silent, NAMES, "svm", False))["sure"] is None
    assert format_csv("a", silent, NAMES) == "a,reggae,,,,,,"


def test_json_holds_every_digit_and_any_name() -> None:
    name = os.fsdecode(b"caf\xe9\n.mp3")
    found = song(1, 2)
    line = format_json(name, found, NAMES, "musicnn", True)
    assert "\n" not in line
    content = json.loads(line)
    assert content["file"] == name
    assert list(content["probabilities"].values()) == found.probabilities.tolist()
    assert (content["genre"], content["sure"], content["not_music"]) == ("jazz", False, None)
    assert (content["model"], content["trained_on_synthetic_clips"]) == ("musicnn", True)
    assert [window["genre"] for window in content["windows"]] == ["jazz", "pop, rock"]
    assert json.loads(format_json(name, song("noise"), NAMES, "musicnn", True))["genre"] is None


def test_csv_has_a_column_for_each_genre() -> None:
    found = song(2)
    lines = [csv_header(NAMES), format_csv('a "b",c', found, NAMES), format_csv("d", song("speech"), NAMES)]
    rows = list(csv.DictReader(lines))
    assert [rows[0][name] for name in ("file", "genre", "sure", "not_music")] == ['a "b",c', "pop, rock", "yes", ""]
    assert [float(rows[0][name]) for name in NAMES] == found.probabilities.tolist()
    assert (rows[1]["genre"], rows[1]["sure"], rows[1]["not_music"]) == ("", "no", "speech")
