"""The list of clips, and which lists nothing can be learned from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from genres.clips import list_clips, require_genres
from genres.errors import InputError
from genres.tables import CLIPS

SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_every_file_is_listed_by_genre_and_clip_whether_it_can_be_read_or_not(tmp_path: Path) -> None:
    for genre in ("rock", "blues"):
        (tmp_path / genre).mkdir()
    sound = np.sin(np.arange(12000))
    soundfile.write(tmp_path / "rock" / "10.wav", sound, 8000)
    soundfile.write(tmp_path / "rock" / "9.flac", np.stack([sound, sound], axis=1), 44100)
    (tmp_path / "blues" / "b.x.mp3").touch()
    (tmp_path / "blues" / "a.wav").write_text("no sound")
    clips = list_clips(tmp_path, processes=2)
    assert tuple(clips.columns) == CLIPS
    assert clips.drop(columns=["sha256", "reason"]).to_numpy().tolist() == [
        ["a", "blues", "blues/a.wav", "", "", "unreadable"],
        ["b.x", "blues", "blues/b.x.mp3", "", "", "unreadable"],
        ["10", "rock", "rock/10.wav", "1.500", "8000", "ok"],
        ["9", "rock", "rock/9.flac", "0.272", "44100", "ok"],
    ]
    assert clips.sha256[1] == SHA256_OF_NOTHING
    assert list(clips.reason) == [
        "no readable audio (libsndfile: Format not recognised.)",
        "the file is empty (0 bytes)",
        "",
        "",
    ]


def listed(*rows: tuple[str, str]) -> pd.DataFrame:
    """A list of clips, given each one's genre and status."""
    return pd.DataFrame(
        {
            "genre": [genre for genre, _ in rows],
            "path": [f"{genre}/{number}.wav" for number, (genre, _) in enumerate(rows)],
            "status": [status for _, status in rows],
            "reason": ["" if status == "ok" else "digital silence" for _, status in rows],
        }
    )


def test_a_single_genre_is_refused() -> None:
    with pytest.raises(InputError, match="Only one genre was found: 'rock'.*at least two folders"):
        require_genres(listed(("rock", "ok"), ("rock", "ok")))


def test_a_genre_without_a_readable_clip_is_refused_with_a_reason() -> None:
    clips = listed(("blues", "ok"), ("rock", "unreadable"), ("rock", "unreadable"))
    with pytest.raises(InputError, match="None of the 2 clips of the genre 'rock'.*rock/1.wav, .*digital silence"):
        require_genres(clips)


def test_unreadable_clips_are_counted_in_one_warning(capsys: pytest.CaptureFixture[str]) -> None:
    require_genres(listed(("blues", "ok"), ("blues", "unreadable"), ("rock", "ok"), ("rock", "unreadable")))
    message = capsys.readouterr().err
    assert message.startswith("warning: 2 of 4 clips are unreadable and left out (blues/1.wav: digital silence)")
    assert message.count("\n") == 1


def test_a_list_without_a_fault_is_passed_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    require_genres(listed(("blues", "ok"), ("rock", "ok")))
    assert capsys.readouterr().err == ""
