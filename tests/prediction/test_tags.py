"""The genre in a file's tags."""

import shutil
import subprocess
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile

from genres.core.errors import InputError
from genres.prediction.tags import write_genre

FORMATS = ["mp3", "flac", "ogg", "wav", "aiff"]


def write(path: Path) -> Path:
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 22050), 22050)
    return path


def genre_of(path: Path) -> list[str]:
    tags = mutagen.File(path)
    key = next(key for key in ("TCON", "genre", "\xa9gen") if key in tags.keys())  # noqa: SIM118
    return list(tags[key].text if key == "TCON" else tags[key])


@pytest.mark.parametrize("extension", FORMATS)
def test_the_genre_is_written_and_replaced_and_the_sound_stays(tmp_path: Path, extension: str) -> None:
    path = write(tmp_path / f"x.{extension}")
    before, _ = soundfile.read(path)
    for earlier, genre in (("", "jazz"), ("jazz", "hip-hop")):
        untagged = path.read_bytes()
        assert write_genre(path, genre, is_confirmed=False) == earlier
        assert path.read_bytes() == untagged
        assert write_genre(path, genre, is_confirmed=True) == earlier
        assert genre_of(path) == [genre]
    after, _ = soundfile.read(path)
    np.testing.assert_array_equal(before, after)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_m4a_has_tags_too(tmp_path: Path) -> None:
    source, path = write(tmp_path / "x.wav"), tmp_path / "x.m4a"
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, path], check=True)
    write_genre(path, "jazz", is_confirmed=True)
    assert genre_of(path) == ["jazz"]


def test_other_tags_and_permissions_stay(tmp_path: Path) -> None:
    path = write(tmp_path / "x.mp3")
    tags = mutagen.File(path, easy=True)
    tags.add_tags()
    tags["title"] = "So what"
    tags.save()
    path.chmod(0o640)
    write_genre(path, "jazz", is_confirmed=True)
    assert mutagen.File(path, easy=True)["title"] == ["So what"]
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_a_link_points_to_is_written_and_the_link_stays(tmp_path: Path) -> None:
    path, link = write(tmp_path / "x.flac"), tmp_path / "link.flac"
    link.symlink_to(path)
    write_genre(link, "jazz", is_confirmed=True)
    assert link.is_symlink()
    assert genre_of(path) == ["jazz"]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_wma_is_refused(tmp_path: Path) -> None:
    source, path = write(tmp_path / "x.wav"), tmp_path / "x.wma"
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, path], check=True)
    with pytest.raises(InputError, match="no tags"):
        write_genre(path, "jazz", is_confirmed=True)


@pytest.mark.parametrize("extension", ["au", "xyz"])
def test_a_format_without_tags_is_refused_and_the_file_stays(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"x.{extension}"
    write(tmp_path / "x.au").rename(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="no tags"):
        write_genre(path, "jazz", is_confirmed=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_tags_are_refused_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    path.write_bytes(b"fLaC" + bytes(40))
    with pytest.raises(InputError, match="tags cannot be written"):
        write_genre(path, "jazz", is_confirmed=True)
    assert path.read_bytes() == b"fLaC" + bytes(40)
