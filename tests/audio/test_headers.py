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


@pytest.mark.parametrize("riff_size", [0, 36])
@pytest.mark.parametrize("chunk_before", [b"", b"LIST" + struct.pack("<I", 5) + b"abcde\0"])
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


def test_the_lengths_of_other_files_are_those_of_their_headers(tmp_path: Path) -> None:
    for extension in ("wav", "au", "flac", "ogg", "mp3"):
        with open_audio(write(tmp_path / f"x.{extension}", music(SAMPLES))) as (file, announced):
            assert (announced, file.frames) == (SAMPLES, SAMPLES)


@pytest.mark.parametrize("content", [b"fLaC", b"fLaC" + bytes(30), b"RIFF\0\0\0\0WAVE", b".snd", b"ID3", b"\xff\xfb"])
def test_the_beginning_of_a_header_is_no_audio(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises((soundfile.LibsndfileError, UnreadableAudioError)):
        decode(path)
