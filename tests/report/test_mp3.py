"""Clips as sound for a web page."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genres.core.errors import InputError
from genres.report.mp3 import SAMPLE_RATE, clip_as_mp3


@pytest.mark.parametrize(
    ("seconds", "sample_rate", "channels", "shown"), [(2.5, 44_100, 2, 2.5), (35, SAMPLE_RATE, 1, 30)]
)
def test_a_clip_is_small_mp3_of_half_a_minute_at_most_and_the_same_bytes_again(
    tmp_path: Path, seconds: float, sample_rate: int, channels: int, shown: float
) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (int(seconds * sample_rate), channels))
    soundfile.write(tmp_path / "a.wav", samples, sample_rate)
    sound = clip_as_mp3(tmp_path / "a.wav")
    with soundfile.SoundFile(io.BytesIO(sound)) as file:
        assert (file.format, file.channels, file.samplerate) == ("MP3", 1, SAMPLE_RATE)
        assert file.frames / SAMPLE_RATE == pytest.approx(shown, abs=0.3)  # mp3 pads
    assert len(sound) < 160_000  # noise is what compresses worst
    assert clip_as_mp3(tmp_path / "a.wav") == sound


def test_samples_in_the_range_of_integers_are_as_loud_as_others(tmp_path: Path) -> None:
    tone = np.sin(np.arange(SAMPLE_RATE) / 10).astype(np.float32)
    for name, scale in (("usual.wav", 1), ("integers.wav", 2**15)):
        soundfile.write(tmp_path / name, scale * tone, SAMPLE_RATE, subtype="FLOAT")
    assert clip_as_mp3(tmp_path / "integers.wav") == clip_as_mp3(tmp_path / "usual.wav")


def test_a_missing_or_damaged_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a.wav is not there.*`dvc repro download`"):
        clip_as_mp3(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(InputError, match="a.wav is damaged.*`dvc repro -f download`"):
        clip_as_mp3(tmp_path / "a.wav")
