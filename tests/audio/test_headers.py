"""Files whose headers do not say how much audio follows are decoded to their end all the same."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from test_decoding import RATE, music, write

from genres.audio.decoding import UnreadableAudioError, decode
from genres.audio.headers import open_audio

SAMPLES = 2 * RATE + 77


def change(path: Path, **bytes_at: bytes) -> Path:
    """Overwrite bytes of a file, at offsets like ``at_21``."""
    content = bytearray(path.read_bytes())
    for name, new in bytes_at.items():
        offset = int(name.removeprefix("at_"))
        content[offset : offset + len(new)] = new
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("zeroed", ["at_22", "at_21"])  # the length alone, and with four bits of the sample size
@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_a_flac_of_unknown_length_is_decoded_to_its_end(
    tmp_path: Path, channels: int, zeroed: str, subtype: str
) -> None:
    path = write(tmp_path / "x.flac", music(SAMPLES, channels), subtype=subtype)
    expected = decode(path).samples
    found = decode(change(path, **{zeroed: bytes(26 - int(zeroed[3:]))}))
    np.testing.assert_array_equal(found.samples, expected, strict=True)
    assert found.note == ""


def test_a_flac_of_unknown_length_that_ends_early_is_what_was_decoded(tmp_path: Path) -> None:
    path = write(tmp_path / "x.flac", music(SAMPLES))
    expected = decode(path).samples
    content = change(path, at_22=bytes(4)).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    found = decode(path).samples
    assert 0.4 * SAMPLES < found.size < 0.6 * SAMPLES
    assert np.array_equal(found, expected[: found.size])


def test_a_flac_whose_length_is_known_says_how_much_of_it_was_found(tmp_path: Path) -> None:
    path = write(tmp_path / "x.flac", music(SAMPLES))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableAudioError, match=rf"^truncated or damaged: [12]\d{{4}} of {SAMPLES} samples$"):
        decode(path)


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_a_flac_that_announces_too_little_is_decoded_to_its_end_and_noted(tmp_path: Path, subtype: str) -> None:
    path = write(tmp_path / "x.flac", music(SAMPLES), subtype=subtype)
    expected = decode(path).samples
    found = decode(change(path, at_22=struct.pack(">I", RATE)))
    np.testing.assert_array_equal(found.samples, expected, strict=True)
    assert found.note == f"{SAMPLES} instead of {RATE} samples"


def id3(size: int) -> bytes:
    """Return an ID3v2 tag with so many bytes in it."""
    return b"ID3\x03\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)


def picture(size: int) -> bytes:
    """Return a FLAC's block with a cover of so many bytes, not the last block."""
    content = struct.pack(">II", 3, 10) + b"image/jpeg" + bytes(20) + struct.pack(">I", size) + bytes(size)
    return b"\x06" + len(content).to_bytes(3, "big") + content


@pytest.mark.parametrize(("before", "cover"), [(b"", 200_000), (id3(300), 0), (id3(200_000), 0), (id3(300) * 2, 100)])
@pytest.mark.parametrize("zeroed", ["at_22", "at_21"])
def test_a_flac_of_unknown_length_with_a_cover_or_tags_is_decoded_to_its_end(
    tmp_path: Path, before: bytes, cover: int, zeroed: str
) -> None:
    path = write(tmp_path / "x.flac", music(SAMPLES), subtype="PCM_24")
    expected = decode(path).samples
    content = change(path, **{zeroed: bytes(26 - int(zeroed[3:]))}).read_bytes()
    path.write_bytes(before + content[:42] + (picture(cover) if cover else b"") + content[42:])
    found = decode(path)
    np.testing.assert_array_equal(found.samples, expected, strict=True)
    assert found.note == ""


@pytest.mark.parametrize("behind", [b"TAG" + bytes(125), bytes(5000), b"notes on the music\n" * 1000])
def test_what_is_no_flac_behind_a_flac_changes_nothing(tmp_path: Path, behind: bytes) -> None:
    path = write(tmp_path / "x.flac", music(SAMPLES))
    expected = decode(path)
    path.write_bytes(path.read_bytes() + behind)
    found = decode(path)
    np.testing.assert_array_equal(found.samples, expected.samples, strict=True)
    assert found.note == expected.note == ""


METADATA = [
    b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf58.29.100\0",
    b"LIST" + struct.pack("<I", 4) + b"INFO" + b"id3 " + struct.pack("<I", 3) + b"ID3\0",
    b"id3 " + struct.pack("<I", 3) + b"ID3",  # without the byte that makes it even
]


@pytest.mark.parametrize("metadata", METADATA)
@pytest.mark.parametrize("n_samples", [0, 1000, SAMPLES])
@pytest.mark.parametrize("has_size", [True, False])
def test_metadata_behind_the_samples_of_a_wav_is_not_decoded(
    tmp_path: Path, metadata: bytes, n_samples: int, has_size: bool
) -> None:
    path = write(tmp_path / "x.wav", music(n_samples), subtype="PCM_16")
    expected, _ = soundfile.read(path, dtype="float32")
    content = path.read_bytes()
    data = content.index(b"data")
    if not has_size:
        content = content[: data + 4] + bytes(4) + content[data + 8 :]
    path.write_bytes(content + metadata)
    if n_samples:
        found = decode(path)
        np.testing.assert_array_equal(found.samples, expected, strict=True)
        assert found.note == ""
    else:
        with pytest.raises(UnreadableAudioError, match="^a header that announces no samples or is not followed by"):
            decode(path)


@pytest.mark.parametrize(("extension", "size"), [("wav", struct.pack("<I", 20_000)), ("au", struct.pack(">I", 20_000))])
def test_samples_behind_those_that_are_announced_are_noted(tmp_path: Path, extension: str, size: bytes) -> None:
    path = write(tmp_path / f"x.{extension}", music(66_150), subtype="PCM_16")
    expected = decode(path)
    assert expected.note == ""
    offset = path.read_bytes().index(b"data") + 4 if extension == "wav" else 8
    found = decode(change(path, **{f"at_{offset}": size}))
    np.testing.assert_array_equal(found.samples, expected.samples[:10_000], strict=True)
    assert found.note == "112300 bytes behind the announced samples are not used"


@pytest.mark.parametrize("extension", ["ogg", "opus"])
def test_a_second_ogg_stream_behind_the_first_is_noted(tmp_path: Path, extension: str) -> None:
    path = write(tmp_path / f"x.{extension}", music(48_000), 24_000)
    expected = decode(path).samples
    path.write_bytes(path.read_bytes() + write(tmp_path / f"y.{extension}", music(24_000), 24_000).read_bytes())
    found = decode(path)
    np.testing.assert_array_equal(found.samples, expected, strict=True)
    assert found.note == "several Ogg streams, of which the first is used"


@pytest.mark.parametrize("riff_size", [0, 36])
@pytest.mark.parametrize(
    "chunk_before",
    [b"", b"LIST" + struct.pack("<I", 5) + b"abcde\0", b"LIST" + struct.pack("<I", 100_000) + bytes(100_000)],
)
def test_a_wav_of_which_the_size_was_never_written_is_decoded(
    tmp_path: Path, riff_size: int, chunk_before: bytes
) -> None:
    path = write(tmp_path / "x.wav", music(SAMPLES, 2), subtype="PCM_16")
    expected = decode(path).samples
    content = path.read_bytes()
    data = content.index(b"data")
    head = content[:4] + struct.pack("<I", riff_size) + content[8:data]
    path.write_bytes(head + chunk_before + b"data" + bytes(4) + content[data + 8 :])
    np.testing.assert_array_equal(decode(path).samples, expected, strict=True)


def test_an_au_of_which_the_size_was_never_written_is_decoded(tmp_path: Path) -> None:
    path = write(tmp_path / "x.au", music(SAMPLES))
    expected = decode(path).samples
    np.testing.assert_array_equal(decode(change(path, at_8=bytes(4))).samples, expected, strict=True)


def without_length(content: bytes) -> bytes:
    """Cut off an MP3's first frame, which says how many follow."""
    mark = max(content.find(b"Xing"), content.find(b"Info"))
    return content[content.index(b"\xff", mark) :]


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize(
    "tagged",
    [
        lambda content: content,
        lambda content: b"ID3\x03\0\0\0\0\x02\x00" + bytes(256) + content + b"TAG" + bytes(125),
    ],
    ids=["plain", "with tags"],
)
def test_an_mp3_that_does_not_say_its_length_is_decoded_to_its_end(
    tmp_path: Path, mode: str, tagged: Callable[[bytes], bytes]
) -> None:
    # Its first frames are quiet, so an estimate of the length by them and the size of the file is wrong.
    samples = np.concatenate([music(RATE) * 0.001, music(2 * RATE)])
    path = write(tmp_path / "x.mp3", samples, bitrate_mode=mode, compression_level=0.5)
    expected = decode(path).samples
    path.write_bytes(tagged(without_length(path.read_bytes())))
    with open_audio(path) as (_, announced):
        assert announced is None
    found = decode(path).samples
    delay = 1105  # of encoder and decoder, which the first frame would have told to drop
    assert expected.size <= found.size <= expected.size + 2 * 1152
    # The first frame may refer to bits of the one before, which is gone.
    assert np.allclose(found[delay + 3000 : delay + expected.size], expected[3000:], atol=1e-4)


def without_mark(content: bytes) -> bytes:
    """Overwrite what marks an MP3's first frame as one that says how many follow."""
    mark = max(content.find(b"Xing"), content.find(b"Info"))
    return content[:mark] + bytes(4) + content[mark + 4 :]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [1, 60])  # less than a block, and more
def test_an_mp3_without_its_length_that_ends_within_a_frame_is_what_was_decoded(
    tmp_path: Path, channels: int, seconds: int
) -> None:
    path = write(tmp_path / "x.mp3", music(seconds * RATE, channels))
    content = without_mark(path.read_bytes())
    path.write_bytes(content)
    whole = decode(path).samples
    assert seconds * RATE <= whole.size <= seconds * RATE + 4 * 576
    for end in (*(len(content) - cut for cut in (1, 5, 100, 200)), *(int(0.1 * n * len(content)) for n in (5, 8, 9))):
        path.write_bytes(content[:end])
        found = decode(path)
        assert found.note == ""
        assert np.array_equal(found.samples, whole[: found.samples.size])
        assert whole.size * end / len(content) == pytest.approx(found.samples.size, abs=2 * 576 + 0.01 * whole.size)


@pytest.mark.parametrize("behind", [bytes(4096), b"LYRICSBEGININD0000211EAL00007My album000040LYRICS200"])
def test_what_follows_an_mp3_without_its_length_changes_nothing(tmp_path: Path, behind: bytes) -> None:
    path = write(tmp_path / "x.mp3", music(SAMPLES))
    content = without_mark(path.read_bytes())
    path.write_bytes(content)
    expected = decode(path).samples
    path.write_bytes(content + behind)
    np.testing.assert_array_equal(decode(path).samples, expected, strict=True)


@pytest.mark.parametrize("count", [0, 1, 10])
@pytest.mark.parametrize("flags", [0xE, 0xF])  # without and with a number of frames
def test_an_mp3_that_announces_far_too_few_frames_is_decoded_to_its_end(tmp_path: Path, count: int, flags: int) -> None:
    path = write(tmp_path / "x.mp3", music(30 * RATE))
    expected = decode(path).samples
    content = path.read_bytes()
    mark = max(content.find(b"Xing"), content.find(b"Info"))
    found = decode(change(path, **{f"at_{mark + 4}": struct.pack(">II", flags, count)}))
    assert found.note == ""
    assert found.samples.size <= expected.size + 4 * 576
    delay = 576 + 1105  # the frame with the number, and what encoder and decoder put before
    assert np.allclose(found.samples[delay : delay + expected.size], expected, atol=1e-6)


@pytest.mark.parametrize("end", [1, 4, 7, 10])
def test_an_mp3_that_ends_within_its_number_of_frames_is_refused(tmp_path: Path, end: int) -> None:
    path = write(tmp_path / "x.mp3", music(SAMPLES))
    content = path.read_bytes()
    path.write_bytes(content[: max(content.find(b"Xing"), content.find(b"Info")) + end])
    with pytest.raises(UnreadableAudioError):
        decode(path)


@pytest.mark.parametrize("before", [bytes(1), bytes(5000), id3(300) + bytes(1000), id3(300) + id3(0)])
@pytest.mark.parametrize("extension", ["mp3", "wav"])
@pytest.mark.parametrize("hide", [without_mark, bytes])
def test_zeros_and_tags_before_an_mp3_change_nothing(
    tmp_path: Path, before: bytes, extension: str, hide: Callable[[bytes], bytes]
) -> None:
    content = hide(write(tmp_path / "x.mp3", music(SAMPLES)).read_bytes())
    path = tmp_path / f"x.{extension}"
    path.write_bytes(content)
    expected = decode(path)
    path.write_bytes(before + content)
    found = decode(path)
    np.testing.assert_array_equal(found.samples, expected.samples, strict=True)
    assert found.note == expected.note == ""


def test_the_lengths_of_other_files_are_those_of_their_headers(tmp_path: Path) -> None:
    for extension in ("wav", "au", "flac", "ogg", "mp3"):
        with open_audio(write(tmp_path / f"x.{extension}", music(SAMPLES))) as (_, announced):
            assert announced == SAMPLES


@pytest.mark.parametrize("content", [b"fLaC", b"fLaC" + bytes(30), b"RIFF\0\0\0\0WAVE", b".snd", b"ID3", b"\xff\xfb"])
def test_the_beginning_of_a_header_is_no_audio(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises((soundfile.LibsndfileError, UnreadableAudioError)):
        decode(path)
