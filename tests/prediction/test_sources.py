"""Which files a user means, and what comes out of them."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from project import write_noise

from genres.audio.decoding import UnreadableAudioError, decode_blocks
from genres.prediction.sources import announced_seconds, list_files, read_blocks, shown_name


def test_folders_are_searched_below_and_files_taken_whatever_their_name(tmp_path: Path) -> None:
    names = ["b/2.WAV", "b/1.mp3", "b/notes.txt", "b/.hidden.wav", "b/deep/er/3.m4a", "a.xyz"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files, problems = list_files([f"{tmp_path}/a.xyz", f"{tmp_path}/b", f"{tmp_path}/missing.wav", "-"])
    found = ["a.xyz", "b/1.mp3", "b/2.WAV", "b/deep/er/3.m4a", "missing.wav"]
    assert files == [*(f"{tmp_path}/{name}" for name in found), "-"]
    assert not problems


def test_a_loop_of_links_ends_and_no_file_comes_twice(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    (folder / "a").mkdir(parents=True)
    (folder / "a/1.wav").touch()
    (folder / "a/up").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    files, problems = list_files([str(folder), str(folder / "a/1.wav")])
    assert files == [f"{folder}/a/1.wav"]
    assert not problems


def test_a_linked_folder_is_searched(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/1.wav").touch()
    (tmp_path / "music").mkdir()
    (tmp_path / "music/link").symlink_to(tmp_path / "elsewhere")
    assert list_files([str(tmp_path / "music")]) == ([f"{tmp_path}/music/link/1.wav"], {})


def test_a_folder_without_audio_is_a_problem(tmp_path: Path) -> None:
    assert list_files([str(tmp_path)]) == ([], {str(tmp_path): "a folder without audio files"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    assert list_files([str(tmp_path)])[1] == {str(tmp_path): "Permission denied"}
    tmp_path.chmod(0o700)


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    sound, pipe = tmp_path / "x.wav", tmp_path / "pipe"
    write_noise(sound, seconds=3)
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(sound.read_bytes()))
    writer.start()
    found = [block.samples for block in read_blocks(str(pipe))]
    writer.join()
    expected = [block.samples for block in decode_blocks(sound)]
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate(expected))


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere")
    files, problems = list_files([str(tmp_path)])
    assert files == [f"{tmp_path}/gone.wav"]  # which is refused when it is read
    assert problems == {f"{tmp_path}/pipe.wav": "not a regular file"}


def test_standard_input_may_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UnreadableAudioError, match="standard input is closed"):
        list(read_blocks("-"))


def test_the_length_that_a_file_announces_is_read_whatever_its_name(tmp_path: Path) -> None:
    write_noise(tmp_path / "x.wav", seconds=2)
    path = (tmp_path / "x.wav").rename(tmp_path / "x.raw")
    assert announced_seconds(path) == 2
    path.write_bytes(b"no audio")
    assert announced_seconds(path) == 0
    path.write_bytes(b"")
    assert announced_seconds(path) == 0


def test_what_is_neither_file_nor_pipe_is_refused() -> None:
    with pytest.raises(UnreadableAudioError, match="neither a file nor a pipe"):
        list(read_blocks("/dev/zero"))


def test_an_empty_file_is_refused_and_a_missing_one_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "x.mp3").touch()
    with pytest.raises(UnreadableAudioError, match="empty"):
        list(read_blocks(str(tmp_path / "x.mp3")))
    with pytest.raises(FileNotFoundError):
        list(read_blocks(str(tmp_path / "y.mp3")))


def test_a_file_that_grows_while_it_is_read_is_read_as_it_was_opened(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 3 << 20), 44100)
    expected = sum(block.samples.size for block in decode_blocks(path))
    blocks = read_blocks(str(path))
    first = next(blocks)
    with path.open("ab") as file:
        file.write(bytes(1 << 20))
    assert first.samples.size + sum(block.samples.size for block in blocks) == expected


def test_a_file_that_is_removed_while_it_is_read_is_an_error_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 3 << 20), 44100)
    blocks = read_blocks(str(path))
    next(blocks)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        list(blocks)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Motörhead/live [1].mp3", "Motörhead/live [1].mp3"),
        ("a\nb\x1b[31m.wav", "a\\nb\\x1b[31m.wav"),
        (os.fsdecode(b"caf\xe9.mp3"), "caf\\xe9.mp3"),
        ("right\u202eto left", "right\\u202eto left"),
    ],
)
def test_a_name_is_shown_on_one_line_and_controls_no_terminal(name: str, shown: str) -> None:
    assert shown_name(name) == shown
