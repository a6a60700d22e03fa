"""Clips as sound for a web page."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genres.errors import InputError
from genres.players import SAMPLE_RATE, clip_as_mp3


def write_noise(path: Path, seconds: float, sample_rate: int = SAMPLE_RATE, channels: int = 1) -> Path:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (int(seconds * sample_rate), channels))
    soundfile.write(path, samples, sample_rate)
    return path


def test_a_clip_is_mp3_of_its_own_length(tmp_path: Path) -> None:
    sound = clip_as_mp3(write_noise(tmp_path / "a.wav", 2.5, 44_100, channels=2))
    with soundfile.SoundFile(io.BytesIO(sound)) as file:
        assert (file.format, file.channels, file.samplerate) == ("MP3", 1, SAMPLE_RATE)
        assert file.frames / SAMPLE_RATE == pytest.approx(2.5, abs=0.3)


def test_a_long_clip_is_cut_so_that_ten_of_them_stay_small(tmp_path: Path) -> None:
    sound = clip_as_mp3(write_noise(tmp_path / "a.wav", 35))
    with soundfile.SoundFile(io.BytesIO(sound)) as file:
        assert file.frames / SAMPLE_RATE == pytest.approx(30, abs=0.3)  # mp3 pads
    assert len(sound) < 160_000  # noise is what compresses worst


def test_the_same_clip_is_the_same_bytes(tmp_path: Path) -> None:
    clip = write_noise(tmp_path / "a.wav", 1)
    assert clip_as_mp3(clip) == clip_as_mp3(clip)


def test_a_missing_or_damaged_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a.wav is not there.*`dvc repro download`"):
        clip_as_mp3(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(InputError, match="a.wav is damaged.*`dvc repro -f download`"):
        clip_as_mp3(tmp_path / "a.wav")
