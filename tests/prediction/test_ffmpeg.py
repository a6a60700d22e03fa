"""Formats that need ffmpeg."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from genres.audio.decoding import UnreadableAudioError
from genres.prediction.ffmpeg import decode_with_ffmpeg, find_format
from genres.prediction.sources import read_blocks

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
RATE = 44_100


def tone(seconds: float) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)


def convert(path: Path, seconds: float = 2.0, *options: str) -> Path:
    """Write a tone of 440 Hz through ffmpeg, by the extension of ``path``."""
    soundfile.write(path.with_suffix(".source.wav"), np.stack([tone(seconds), 0 * tone(seconds)], axis=1), RATE)
    command = ["ffmpeg", "-v", "error", "-i", path.with_suffix(".source.wav"), *options, path]
    subprocess.run(command, check=True)
    return path


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "file_format"),
    [
        ("x.m4a", "mov"),
        ("x.mka", "matroska"),
        ("x.wma", "asf"),
        ("x.aac", "aac"),
        ("x.wv", "wv"),
        ("x.caf", "caf"),
        ("x.mp4", "mov"),
    ],
)
def test_a_format_that_libsndfile_does_not_know_is_read_through_ffmpeg(
    tmp_path: Path, name: str, file_format: str
) -> None:
    path = convert(tmp_path / name)
    assert find_format(path) == file_format
    path = path.rename(tmp_path / "[odd]: %name")  # the content decides
    blocks = list(read_blocks(str(path)))
    samples = np.concatenate([block.samples for block in blocks])
    assert {block.sample_rate for block in blocks} == {RATE}
    assert blocks[-1].note == ""
    assert samples.size / RATE == pytest.approx(2, abs=0.15)
    # The mean of the two channels, one of which is silent.
    middle = samples[RATE // 2 : RATE]
    assert np.abs(middle).max() == pytest.approx(0.25, rel=0.1)
    assert np.abs(np.fft.rfft(middle)).argmax() == 220  # bins of 2 Hz


@needs_ffmpeg
def test_a_video_gives_its_sound(tmp_path: Path) -> None:
    path = convert(tmp_path / "x.mp4", 2.0, "-f", "lavfi", "-i", "color=size=32x32:duration=2", "-shortest")
    assert sum(block.samples.size for block in read_blocks(str(path))) == pytest.approx(2 * RATE, rel=0.1)


@needs_ffmpeg
@pytest.mark.parametrize("content", [b"\0\0\0\x20ftypM4A ", b"\x1a\x45\xdf\xa3" * 9, b"wvpk"])
def test_what_ffmpeg_cannot_decode_is_refused_with_its_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.m4a"
    path.write_bytes(content)
    with pytest.raises(UnreadableAudioError, match=r"^no readable audio \(ffmpeg: (?!.*x\.m4a)"):
        list(read_blocks(str(path)))


@needs_ffmpeg
@pytest.mark.parametrize(
    ("samples", "rate", "reason"),
    [
        (np.full(RATE, 1e30), RATE, "samples of up to 1e\\+30"),
        (np.full(RATE, np.nan), RATE, "NaN"),
        (np.outer(tone(1), [1, -1]), RATE, "channels that cancel"),
        (tone(1), 900, "a sample rate of 900 Hz"),
    ],
)
def test_what_is_no_sound_is_refused_as_from_libsndfile(
    tmp_path: Path, samples: NDArray[np.float64], rate: int, reason: str
) -> None:
    soundfile.write(tmp_path / "x.caf", samples, rate, "FLOAT")
    with pytest.raises(UnreadableAudioError, match=reason):
        list(read_blocks(str(tmp_path / "x.caf")))


@needs_ffmpeg
def test_a_truncated_file_is_refused_or_noted(tmp_path: Path) -> None:
    path = convert(tmp_path / "x.m4a", 20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableAudioError, match="ffmpeg: "):
        list(read_blocks(str(path)))


@needs_ffmpeg
def test_a_reader_that_stops_early_leaves_no_process(tmp_path: Path) -> None:
    blocks = decode_with_ffmpeg(convert(tmp_path / "x.m4a", 120), "mov")
    next(blocks)
    blocks.close()
    children = Path(f"/proc/self/task/{Path('/proc/thread-self').resolve().name}/children")
    if children.exists():
        assert "ffmpeg" not in "".join(
            Path(f"/proc/{child}/comm").read_text() for child in children.read_text().split()
        )


def test_without_ffmpeg_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreadableAudioError, match="needs ffmpeg, but ffmpeg is not installed"):
        list(read_blocks(str(path)))


@pytest.mark.parametrize("extension", ["wav", "flac", "mp3", "ogg", "au", "aiff"])
def test_what_libsndfile_knows_is_left_to_it(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"x.{extension}"
    soundfile.write(path, tone(0.5), RATE)
    assert find_format(path) is None


@pytest.mark.parametrize("content", [b"#EXTM3U\nhttp://127.0.0.1/x.m4a\n", b"ffconcat version 1.0\nfile /etc/passwd\n"])
def test_a_playlist_is_never_given_to_ffmpeg(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.m4a"
    path.write_bytes(content)
    with pytest.raises(UnreadableAudioError, match="libsndfile"):
        list(read_blocks(str(path)))
