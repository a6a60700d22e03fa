"""The list of clips, and which lists nothing can be learned from."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from genres.core.columns import CLIPS
from genres.core.errors import InputError
from genres.core.files import file_sha256, write_csv
from genres.datasets.clips import list_clips, list_skipped, require_genres
from genres.datasets.layout import Skipped


def test_every_file_is_listed_by_genre_and_clip_whether_it_can_be_read_or_not(tmp_path: Path) -> None:
    for genre in ("rock", "blues"):
        (tmp_path / genre).mkdir()
    sound = np.sin(np.arange(12000))
    soundfile.write(tmp_path / "rock" / "10.wav", sound, 8000)
    soundfile.write(tmp_path / "rock" / "9.flac", np.stack([sound, sound], axis=1), 44100)
    (tmp_path / "blues" / "b.a.mp3").touch()
    (tmp_path / "blues" / "b.wav").write_text("no sound")
    with ThreadPoolExecutor(1) as executor:
        clips = list_clips(tmp_path, 22050, executor)
    assert tuple(clips.columns) == CLIPS
    assert clips.drop(columns=["sha256", "reason"]).to_numpy().tolist() == [
        ["blues/b", "blues", "blues/b.wav", "", "", "unreadable"],
        ["blues/b.a", "blues", "blues/b.a.mp3", "", "", "unreadable"],
        ["rock/10", "rock", "rock/10.wav", "1.500", "8000", "ok"],
        ["rock/9", "rock", "rock/9.flac", "0.272", "44100", "ok"],
    ]
    assert list(clips.sha256) == [file_sha256(tmp_path / path) for path in clips.path]
    assert list(clips.reason) == [
        "no readable audio (libsndfile: Format not recognised.)",
        "the file is empty (0 bytes)",
        "",
        "",
    ]


def test_a_clip_of_which_nothing_is_left_at_the_rate_in_use_is_silent_and_an_odd_one_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for genre in ("blues", "rock"):
        (tmp_path / genre).mkdir()
        soundfile.write(tmp_path / genre / "a.wav", np.sin(np.arange(12000) / 10), 96000, subtype="PCM_16")
    soundfile.write(tmp_path / "rock/b.wav", np.sin(2 * np.pi * 30_000 / 96_000 * np.arange(96_000)), 96_000)
    content = (tmp_path / "blues/a.wav").read_bytes()
    (tmp_path / "blues/a.wav").write_bytes(content[:-2])
    with ThreadPoolExecutor(1) as executor:
        clips = list_clips(tmp_path, 22050, executor)
    assert clips.status.tolist() == ["ok", "ok", "unreadable"]
    assert clips.reason.tolist() == ["11999 of 12000 samples", "", "digital silence below 11025 Hz"]
    require_genres(clips)
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "note: 1 clips are used though they are odd (blues/a.wav: 11999 of 12000 samples)"


def test_bytes_of_a_skipped_files_name_that_are_no_utf8_are_escaped(tmp_path: Path) -> None:
    skipped = [Skipped("blues/caf\udce9.txt", "not audio"), Skipped("blues/café.txt", "not audio")]
    write_csv(tmp_path / "skipped.csv", list_skipped(skipped))
    lines = (tmp_path / "skipped.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["path,reason", "blues/café.txt,not audio", "blues/caf\\udce9.txt,not audio"]
    assert list_skipped([]).columns.tolist() == ["path", "reason"]


def listed(*rows: str) -> pd.DataFrame:
    """A list of clips, given each one's genre and status."""
    clips = pd.DataFrame([row.split() for row in rows], columns=["genre", "status"])
    paths = [f"{genre}/{number}.wav" for number, genre in enumerate(clips.genre)]
    return clips.assign(path=paths, reason=clips.status.map({"ok": "", "unreadable": "digital silence"}))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["rock ok", "rock ok"], "Only one genre was found: 'rock'.*at least two folders"),
        (
            ["blues ok", "rock unreadable", "rock unreadable"],
            "None of the 2 clips of the genre 'rock'.*rock/1.wav: digital silence",
        ),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(rows: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        require_genres(listed(*rows))


def test_unreadable_clips_are_counted_in_one_warning(capsys: pytest.CaptureFixture[str]) -> None:
    require_genres(listed("blues ok", "rock ok"))
    assert capsys.readouterr().err == ""
    require_genres(listed("blues ok", "blues unreadable", "rock ok", "rock unreadable"))
    message = capsys.readouterr().err
    assert message.startswith("warning: 2 of 4 clips are unreadable and left out (blues/1.wav: digital silence)")
    assert message.count("\n") == 1
