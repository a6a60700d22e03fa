"""One file to samples, or the reason why it is unusable."""

import re
import struct
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from genres.audio.decoding import UnreadableAudioError, decode, read_clip, read_listed_clip, require_sound_at
from genres.core.errors import InputError

FORMATS = ("wav", "au", "flac", "ogg", "opus", "mp3")
RATE = 22050


def music(samples: int, channels: int = 1) -> NDArray[np.float32]:
    """Return a tone with noise, shape (samples, channels), at most 0.6 of full scale."""
    random = np.random.default_rng(samples)
    tone = 0.3 * np.sin(2 * np.pi * 440 / RATE * np.arange(samples) + 1)
    return (tone[:, None] + random.uniform(-0.3, 0.3, (samples, channels))).astype(np.float32)


def write(path: Path, samples: NDArray[np.float32], rate: int = RATE, **options: object) -> Path:
    if path.suffix == ".opus":
        options = {"format": "OGG", "subtype": "OPUS"} | options
    soundfile.write(path, samples, rate, **options)
    return path


# --- unusable files


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.wav", b"", "the file is empty (0 bytes)"),
        ("x.wav", b"some notes on the music\n" * 100, "no readable audio (libsndfile: Format not recognised.)"),
        ("x.mp3", b"some notes on the music\n" * 100, "no readable audio (libsndfile: not MP3)"),
        ("x.mp3", b"\xff\xfb" + b"some notes on the music\n" * 100, "no readable audio (libsndfile: not MP3)"),
        ("x.wav", b"RIFF", "no readable audio (libsndfile: "),
    ],
)
def test_a_file_that_is_not_audio_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableAudioError) as caught:
        decode(path)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize("extension", ["wav", "au"])
def test_a_header_without_samples_is_refused_and_a_file_cut_down_to_it_is_truncated(
    tmp_path: Path, extension: str
) -> None:
    reason = "^a header that announces no samples or is not followed by any$"
    with pytest.raises(UnreadableAudioError, match=reason):
        decode(write(tmp_path / f"x.{extension}", music(0)))
    path = write(tmp_path / f"x.{extension}", music(1000))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UnreadableAudioError, match=reason):
        decode(path)


def test_a_flac_header_without_samples_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.flac", music(1000))
    marker_and_stream_info = bytearray(path.read_bytes()[:42])
    marker_and_stream_info[4] |= 0x80  # last metadata block
    marker_and_stream_info[21] &= 0xF0  # of unknown length
    marker_and_stream_info[22:26] = bytes(4)
    path.write_bytes(marker_and_stream_info)
    with pytest.raises(UnreadableAudioError):
        decode(path)


@pytest.mark.parametrize("extension", ["wav", "flac"])
def test_the_quietest_sound_in_16_bits_is_read(tmp_path: Path, extension: str) -> None:
    samples = np.zeros((1000, 1), np.float32)
    samples[500] = 2**-15
    assert decode(write(tmp_path / f"x.{extension}", samples, subtype="PCM_16"))[0].max() == 2**-15


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        *((value, "digital silence") for value in (0.0, 1.9e-5, -1.9e-5)),  # half of that is below 1e-5
        *((value, "samples that are NaN or infinite") for value in (np.nan, np.inf, -np.inf)),
        *((value, "samples of up to 1e+20, where full scale is 1") for value in (2e20, -2e20)),
    ],
)
@pytest.mark.parametrize("channel", [0, 1])
def test_samples_that_are_no_sound_are_refused(tmp_path: Path, value: float, reason: str, channel: int) -> None:
    samples = np.zeros((1000, 2), np.float32)
    samples[999, channel] = value
    with pytest.raises(UnreadableAudioError, match=f"^{re.escape(reason)}$"):
        decode(write(tmp_path / "x.wav", samples, subtype="FLOAT"))


@pytest.mark.parametrize("extension", ["wav", "au", "flac", "mp3"])
@pytest.mark.parametrize("share", [0.9, 0.6])
@pytest.mark.parametrize("seconds", [1, 5, 30])
def test_a_truncated_file_is_refused_with_how_much_was_found(
    tmp_path: Path, extension: str, share: float, seconds: int
) -> None:
    path = write(tmp_path / f"x.{extension}", music(seconds * RATE))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        UnreadableAudioError, match=rf"^truncated or damaged: \d+ of {seconds * RATE} samples$"
    ) as caught:
        decode(path)
    found = int(str(caught.value).split()[3])
    assert (share - 0.3) * seconds * RATE < found <= share * seconds * RATE + 2000


@pytest.mark.parametrize("extension", ["wav", "au", "flac", "mp3"])
def test_a_file_that_lacks_a_little_is_used_and_noted(tmp_path: Path, extension: str) -> None:
    samples = music(10 * RATE)
    path = write(tmp_path / f"x.{extension}", samples)
    expected = decode(path).samples
    content = path.read_bytes()
    path.write_bytes(content[: int(0.99 * len(content))])
    found, _, note = decode(path)
    assert note == f"{found.size} of {samples.size} samples"
    assert 0.95 * samples.size < found.size < samples.size
    assert np.array_equal(found[:-1152], expected[: found.size - 1152])


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("share", [0.5, 0.97])
@pytest.mark.parametrize("seconds", [30, 60])  # less than a block, and more
def test_what_precedes_the_damage_in_an_mp3_is_counted(
    tmp_path: Path, channels: int, share: float, seconds: int
) -> None:
    path = write(tmp_path / "x.mp3", music(seconds * RATE, channels))
    whole = decode(path).samples
    content = bytearray(path.read_bytes())
    damage = int(share * len(content))
    content[damage : damage + 2000] = bytes(2000)
    path.write_bytes(content)
    if share > 0.95:
        samples, _, note = decode(path)
        n_found = samples.size
        assert note == f"{n_found} of {whole.size} samples"
        assert np.array_equal(samples[:-1152], whole[: n_found - 1152])  # the last frame is damaged itself
    else:
        with pytest.raises(
            UnreadableAudioError, match=rf"^truncated or damaged: \d+ of {whole.size} samples$"
        ) as caught:
            decode(path)
        n_found = int(str(caught.value).split()[3])
    assert n_found == pytest.approx(share * whole.size, abs=3000)


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610"])  # less than a byte a sample
def test_a_truncated_file_of_compressed_samples_is_refused(tmp_path: Path, subtype: str) -> None:
    path = write(tmp_path / "x.wav", music(2 * RATE), subtype=subtype)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableAudioError, match="^truncated or damaged: "):
        decode(path)


def test_a_wav_whose_size_is_a_little_too_large_is_used_and_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", music(1000), subtype="PCM_16")
    content = bytearray(path.read_bytes())
    offset = content.index(b"data") + 4
    content[offset : offset + 4] = struct.pack("<I", 2016)
    path.write_bytes(content)
    assert decode(path)[0].size == 1000
    assert decode(path).note == "1000 of 1008 samples"


@pytest.mark.parametrize("extension", ["ogg", "opus"])
def test_an_ogg_without_its_last_page_is_used_and_noted(tmp_path: Path, extension: str) -> None:
    path = write(tmp_path / f"x.{extension}", music(5 * RATE if extension == "ogg" else 120_000), 24_000)
    expected = decode(path).samples
    content = path.read_bytes()
    for end in (len(content) - 1, content.rindex(b"OggS")):
        path.write_bytes(content[:end])
        found, _, note = decode(path)
        assert note == "an Ogg stream whose last page is missing or damaged"
        assert 0.5 * expected.size < found.size <= expected.size
        assert np.array_equal(found, expected[: found.size])


@pytest.mark.parametrize("extension", ["ogg", "opus"])
@pytest.mark.parametrize("position", [-1, 0, 2**60])
def test_an_ogg_whose_last_page_is_damaged_is_used_and_noted(tmp_path: Path, extension: str, position: int) -> None:
    path = write(tmp_path / f"x.{extension}", music(120_000), 24_000)
    expected = decode(path).samples
    content = bytearray(path.read_bytes())
    struct.pack_into("<q", content, content.rindex(b"OggS") + 6, position)
    path.write_bytes(content)
    found, _, note = decode(path)
    assert note == "an Ogg stream whose last page is missing or damaged"
    assert 0.5 * expected.size < found.size < expected.size
    assert np.array_equal(found, expected[: found.size])


@pytest.mark.parametrize("container", ["RF64", "AIFF"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_rf64_and_aiff_lack_is_noticed(tmp_path: Path, container: str, subtype: str, channels: int) -> None:
    path = write(tmp_path / "x.wav", music(RATE, channels), format=container, subtype=subtype)
    expected = decode(path)
    assert (expected.samples.size, expected.note) == (RATE, "")
    content = path.read_bytes()
    path.write_bytes(content[: int(0.99 * len(content))])
    found, _, note = decode(path)
    assert note == f"{found.size} of {RATE} samples"
    assert np.array_equal(found, expected.samples[: found.size])
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableAudioError, match=rf"^truncated or damaged: 1\d{{4}} of {RATE} samples$"):
        decode(path)


@pytest.mark.parametrize("container", ["W64", "VOC", "NIST"])
def test_a_format_of_which_a_missing_end_is_not_noticed_is_refused(tmp_path: Path, container: str) -> None:
    path = write(tmp_path / "x.wav", music(1000), format=container, subtype="PCM_16")
    with pytest.raises(UnreadableAudioError, match=f"^the format {container}, not wav, au, flac, ogg, opus or mp3$"):
        decode(path)


@pytest.mark.parametrize("extension", ["wav", "flac"])
@pytest.mark.parametrize("seconds", [1, 60])  # less than a block, and more
def test_channels_of_which_only_the_rounding_is_left_are_refused(tmp_path: Path, extension: str, seconds: int) -> None:
    left = np.round(music(seconds * RATE) * 2**15)
    left[0] = 2**15 - 1
    rounding = np.random.default_rng(0).integers(-1, 2, left.shape)
    samples = (np.hstack([left, rounding - left]) / 2**15).astype(np.float32)
    path = write(tmp_path / f"x.{extension}", samples, subtype="PCM_16")
    with pytest.raises(UnreadableAudioError, match="^channels that cancel each other out$"):
        decode(path)
    quiet = np.hstack([left, -0.98 * left]) / 2**15
    assert decode(write(path, quiet.astype(np.float32), subtype="PCM_16")).note == ""


def test_an_ogg_that_lacks_a_part_in_its_middle_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.ogg", music(4 * RATE))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 200] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(UnreadableAudioError, match=f"^truncated or damaged: .* of {4 * RATE} samples$"):
        decode(path)


@pytest.mark.parametrize(
    ("rate", "seconds", "reason"),
    [
        (1, 30_000, "a sample rate of 1 Hz, not 1000 to 768000"),
        (999, 1, "a sample rate of 999 Hz, not"),
        (2_000_000, 1, "a sample rate of 2000000 Hz, not"),
        (1000, 1801, "longer than 1800 s; cut it into clips"),
    ],
)
def test_what_would_take_too_much_memory_is_refused(tmp_path: Path, rate: int, seconds: int, reason: str) -> None:
    path = write(tmp_path / "x.wav", music(min(rate * seconds, 2_000_000)), rate)
    with pytest.raises(UnreadableAudioError, match=f"^{reason}"):
        decode(path)


def test_fewer_seconds_are_decoded_at_a_high_sample_rate(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", music(0), 768_000, subtype="PCM_U8")
    content = bytearray(path.read_bytes())
    content[-4:] = struct.pack("<I", 113 * 768_000)
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate(len(content) + 113 * 768_000)
    with pytest.raises(UnreadableAudioError, match="^longer than 112.5 s at 768000 Hz; cut it into clips$"):
        decode(path)


# --- usable files


@pytest.mark.parametrize("samples", [1, 2, 1151, 1153, 5000, 3 * RATE + 1])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("extension", FORMATS)
def test_a_complete_file_is_read_to_its_end(tmp_path: Path, extension: str, samples: int, channels: int) -> None:
    written_rate = 24_000 if extension == "opus" else RATE
    decoded, rate, note = decode(write(tmp_path / f"x.{extension}", music(samples, channels), written_rate))
    assert (decoded.shape, rate, note) == ((samples,), written_rate, "")


@pytest.mark.parametrize("mode", ["CONSTANT", "AVERAGE", "VARIABLE"])
@pytest.mark.parametrize("compression", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("rate", [16000, 22050, 44100, 48000])
def test_an_mp3_of_any_bit_rate_is_read_to_its_end(tmp_path: Path, mode: str, compression: float, rate: int) -> None:
    samples = np.concatenate([music(rate), music(rate) * 0.001])  # bit rates vary most between loud and quiet parts
    options = {"bitrate_mode": mode, "compression_level": compression}
    decoded = decode(write(tmp_path / "x.mp3", samples, rate, **options)).samples
    assert decoded.size >= 2 * rate  # at low rates there is no room for a header with the length of the padding


@pytest.mark.parametrize("compression", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seconds", [0.3, 4])
def test_an_ogg_file_of_any_bit_rate_is_read_to_its_end(tmp_path: Path, compression: float, seconds: float) -> None:
    samples = int(seconds * 44100)
    decoded = decode(write(tmp_path / "x.ogg", music(samples, 2), 44100, compression_level=compression)).samples
    assert decoded.size == samples


@pytest.mark.parametrize(
    "tagged",
    [
        lambda content: content + b"TAG" + bytes(125),  # ID3v1
        lambda content: b"ID3\x03\0\0\0\0\x02\x00" + bytes(256) + content,  # ID3v2
    ],
    ids=["behind", "before"],
)
def test_an_mp3_with_tags_does_not_count_as_truncated(tmp_path: Path, tagged: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path / "x.mp3", music(RATE))
    path.write_bytes(tagged(path.read_bytes()))
    assert decode(path)[0].size == RATE


@pytest.mark.parametrize(
    ("extension", "size"), [("wav", 0xFFFFFFFF), ("wav", 0x7FFFFFFF), ("wav", 0x7FFFF000), ("au", 0xFFFFFFFF)]
)
def test_a_file_written_to_a_pipe_without_the_length_is_read(tmp_path: Path, extension: str, size: int) -> None:
    samples = music(5000)
    path = write(tmp_path / f"x.{extension}", samples, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    if extension == "wav":
        content[4:8] = struct.pack("<I", size)
        offset = content.index(b"data") + 4
        content[offset : offset + 4] = struct.pack("<I", size)
    else:
        content[8:12] = struct.pack(">I", size)
    path.write_bytes(content)
    assert np.allclose(decode(path)[0], samples[:, 0], atol=2**-15)


@pytest.mark.parametrize(
    ("extension", "subtype", "step"),
    [
        ("wav", "PCM_U8", 2**-7),
        ("wav", "PCM_16", 2**-15),
        ("wav", "PCM_24", 2**-23),
        ("wav", "PCM_32", 2**-23),  # the precision of float32
        ("wav", "FLOAT", 0),
        ("wav", "DOUBLE", 0),
        ("au", "PCM_16", 2**-15),
        ("au", "PCM_24", 2**-23),
        ("flac", "PCM_S8", 2**-7),
        ("flac", "PCM_16", 2**-15),
        ("flac", "PCM_24", 2**-23),
    ],
)
def test_every_sample_format_has_the_same_scale(tmp_path: Path, extension: str, subtype: str, step: float) -> None:
    samples = music(3001)
    decoded = decode(write(tmp_path / f"x.{extension}", samples, subtype=subtype)).samples
    assert decoded.dtype == np.float32
    assert np.abs(decoded - samples[:, 0]).max() <= step


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_averaged(tmp_path: Path, channels: int) -> None:
    samples = music(5000, channels)
    decoded = decode(write(tmp_path / "x.wav", samples, subtype="FLOAT")).samples
    assert np.array_equal(decoded, samples.mean(axis=1))


def test_a_file_longer_than_a_block_is_read_without_gaps(tmp_path: Path) -> None:
    samples = np.tile(music(10007), (110, 1))  # 1.1 million samples, a block being 2 ** 20
    decoded = decode(write(tmp_path / "x.wav", samples, subtype="FLOAT")).samples
    assert np.array_equal(decoded, samples[:, 0])


def test_the_content_and_not_the_name_decides_the_format(tmp_path: Path) -> None:
    path = write(tmp_path / "x.flac", music(1000)).rename(tmp_path / "x.wav")
    assert decode(path)[0].size == 1000


# --- at another rate, and listed clips


@pytest.mark.filterwarnings("ignore:'?(aifc|audioop|sunau)'? (is deprecated|was removed):DeprecationWarning")
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [10, 100, 20001])
def test_a_clip_is_resampled_as_by_librosa(tmp_path: Path, rate: int, channels: int, samples: int) -> None:
    path = write(tmp_path / "x.wav", music(samples, channels), rate)
    expected, _ = librosa.load(path, sr=RATE)
    assert np.array_equal(read_clip(path, RATE), expected)


@pytest.mark.parametrize(("rate", "is_heard"), [(96_000, True), (48_000, False), (RATE, False)])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_tone_above_half_the_rate_is_silence(tmp_path: Path, rate: int, is_heard: bool, subtype: str) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 30_000 / 96_000 * np.arange(96_000))
    samples, native_rate, _ = decode(write(tmp_path / "x.wav", tone.astype(np.float32), 96_000, subtype=subtype))
    if is_heard:
        require_sound_at(samples, native_rate, rate)
    else:
        with pytest.raises(UnreadableAudioError, match=f"^digital silence below {rate // 2} Hz$"):
            require_sound_at(samples, native_rate, rate)


def short_noise(time: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(time < 0.2, np.random.default_rng(1).uniform(-0.5, 0.5, time.size), 0)


def quiet_noise(time: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.random.default_rng(1).uniform(-2.5e-5, 2.5e-5, time.size)


def click(time: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.arange(time.size) == time.size // 2, 0.5, 0)


def drum(time: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * 60 * time) * np.exp(-20 * time)


@pytest.mark.parametrize("sound", [short_noise, quiet_noise, click, drum])
@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_short_and_quiet_sounds_are_no_silence(tmp_path: Path, sound, rate: int) -> None:
    samples = sound(np.arange(30 * rate) / rate).astype(np.float32)
    decoded, native_rate, _ = decode(write(tmp_path / "x.wav", samples, rate, subtype="FLOAT"))
    require_sound_at(decoded, native_rate, RATE)


def test_a_listed_clip_that_is_missing_or_no_longer_readable_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with pytest.raises(InputError, match=re.escape(f"{path} is not there. Run `dvc repro download`")):
        read_listed_clip(path, RATE)
    path.write_bytes(b"")
    reason = re.escape(
        "is damaged: it is listed as readable, but reading it fails: the file is empty (0 bytes). Run `dvc"
    )
    with pytest.raises(InputError, match=reason):
        read_listed_clip(path, RATE)
