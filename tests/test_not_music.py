"""Silence, speech and noise are named; music is not, at any level and sample rate."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from genres.audio.decoding import read_clip, resample
from genres.datasets.bands import GENRES
from genres.datasets.synthetic import render_clip
from genres.not_music import measure_fluctuation, measure_persistence, name_not_music

RATE = 22050
SPEECH = Path("/usr/share/sounds/alsa")  # from Debian's alsa-utils: a voice, and noise

Samples = NDArray[np.float32]


def noise(exponent: float, seconds: float = 10, rate: int = RATE, seed: int = 0) -> Samples:
    """Return noise whose power falls with the frequency to the power of the exponent, at -20 dBFS."""
    white = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    frequencies = np.maximum(np.fft.rfftfreq(white.size, 1 / rate), 20)
    coloured = np.fft.irfft(np.fft.rfft(white) * frequencies ** (-exponent / 2), white.size)
    return (0.1 * coloured / coloured.std()).astype(np.float32)


def chords(seconds: float = 10, rate: int = RATE, decay: float = 0.5) -> Samples:
    """Return three chords in turn, two a second, plucked."""
    time = np.arange(round(seconds * rate)) / rate
    beat = (2 * time).astype(int)
    pitches = np.array([[60, 64, 67], [65, 69, 72], [67, 71, 74]])[beat % 3]  # (samples, 3)
    frequencies = 440 * 2 ** ((pitches - 69) / 12)
    tones = sum(np.sin(2 * np.pi * k * frequencies.T * time) / k for k in range(1, 6)).sum(axis=0)
    return (0.05 * tones * np.exp(-(time - beat / 2) / decay)).astype(np.float32)


def syllables(seconds: float = 10, rate: int = RATE) -> Samples:
    """Return a gliding voice at four syllables a second, with a pause after every fifth."""
    time = np.arange(round(seconds * rate)) / rate
    pitch = 120 * 2 ** (0.3 * np.sin(2 * np.pi * 0.7 * time) + 0.2 * np.sin(2 * np.pi * 2.3 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = np.sum([np.sin(k * phase) / k for k in range(1, 25)], axis=0)
    envelope = np.sin(np.pi * 4 * time) ** 4 * ((4 * time).astype(int) % 6 < 5)
    return (0.2 * envelope * voice).astype(np.float32) + noise(0, seconds, rate) * np.float32(0.003)


# --- silence


@pytest.mark.parametrize("seconds", [0.5, 30])
def test_zeros_and_dither_are_silence(seconds: float) -> None:
    zeros = np.zeros(round(seconds * RATE), np.float32)
    dither = np.random.default_rng(0).triangular(-1, 0, 1, zeros.size)
    assert name_not_music(zeros, RATE) == "silence"
    assert name_not_music((np.round(dither) / 32768).astype(np.float32), RATE) == "silence"
    assert name_not_music(zeros + np.float32(0.25), RATE) == "silence"  # a constant offset is not heard


def test_a_quiet_passage_is_not_silence_and_one_chord_in_a_silent_minute_is_not() -> None:
    assert name_not_music(chords() * np.float32(0.01), RATE) is None  # about -60 dBFS
    assert name_not_music(np.append(chords(1), np.zeros(59 * RATE, np.float32)), RATE) != "silence"


# --- noise


@pytest.mark.parametrize("exponent", [-1, 0, 1, 2], ids=["blue", "white", "pink", "brown"])
@pytest.mark.parametrize("rate", [8000, 22050, 48000, 192_000])
def test_noise_of_any_colour_is_noise(exponent: float, rate: int) -> None:
    assert name_not_music(noise(exponent, rate=rate), rate) == "noise"


def test_noise_that_swells_like_the_sea_is_noise() -> None:
    swell = 1 + 0.8 * np.sin(2 * np.pi * np.arange(20 * RATE) / (7 * RATE))
    assert name_not_music((noise(1, 20) * swell).astype(np.float32), RATE) == "noise"


def test_noise_through_which_a_chord_is_heard_is_not_noise() -> None:
    assert name_not_music(noise(1) + chords(), RATE) is None


# --- speech


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_a_gliding_voice_with_pauses_is_speech(rate: int) -> None:
    assert name_not_music(syllables(rate=rate), rate) == "speech"


def test_a_voice_that_holds_its_notes_is_not_speech() -> None:
    envelope = np.sin(np.pi * 0.5 * np.arange(10 * RATE) / RATE) ** 2
    tone = np.sum([np.sin(2 * np.pi * 220 * k * np.arange(10 * RATE) / RATE) / k for k in range(1, 10)], axis=0)
    assert name_not_music((0.1 * envelope * tone).astype(np.float32), RATE) is None


@pytest.mark.skipif(not SPEECH.is_dir(), reason="needs the recordings of Debian's alsa-utils")
def test_a_recorded_voice_is_speech() -> None:
    words = [read_clip(path, RATE) for path in sorted(SPEECH.glob("*.wav")) if path.stem != "Noise"]
    assert name_not_music(np.concatenate(words), RATE) == "speech"
    assert name_not_music(np.tile(read_clip(SPEECH / "Noise.wav", RATE), 5), RATE) == "noise"


# --- music


@pytest.mark.parametrize("decay", [0.1, 0.3, 2])
@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_chords_are_music_whether_they_ring_or_stop(decay: float, rate: int) -> None:
    assert name_not_music(chords(rate=rate, decay=decay), rate) is None


def test_synthetic_clips_are_music() -> None:
    for genre in GENRES:
        clip = (render_clip(genre, 0, 0, 30.0) / 32768).astype(np.float32)
        assert name_not_music(clip, RATE) is None, genre


def test_a_song_that_ends_or_begins_within_the_excerpt_is_music() -> None:
    silence = np.zeros(10 * RATE, np.float32)
    assert name_not_music(np.append(chords(20), silence), RATE) is None
    assert name_not_music(np.append(silence, chords(20)), RATE) is None


def test_real_clips_are_music(real_data: Path) -> None:
    named = []
    with tarfile.open(real_data / "gtzan-mini" / "genres.tar.gz") as archive:
        for member in archive:
            if member.name.endswith(".wav"):
                content = archive.extractfile(member)
                assert content is not None
                samples, rate = soundfile.read(io.BytesIO(content.read()), dtype="float32")
                named.append(name_not_music(samples, rate))
    assert len(named) == 100
    assert named.count(None) >= 99


# --- both measures


@settings(max_examples=20, deadline=None)
@given(seconds=st.floats(0.5, 2.9))
def test_less_than_a_section_is_not_named_unless_silent(seconds: float) -> None:
    assert name_not_music(noise(0, seconds), RATE) is None


@settings(max_examples=30, deadline=None)
@given(gain=st.floats(-30, 10), sound=st.sampled_from([noise(0), chords(), syllables()]))
def test_the_level_does_not_matter(gain: float, sound: Samples) -> None:
    quieter = sound * np.float32(10 ** (gain / 20))
    assert name_not_music(quieter, RATE) == name_not_music(sound, RATE)
    assert measure_fluctuation(quieter, RATE) == pytest.approx(measure_fluctuation(sound, RATE), abs=0.01)
    assert measure_persistence(quieter, RATE) == pytest.approx(measure_persistence(sound, RATE), abs=0.001)


@pytest.mark.parametrize("rate", [8000, 44100, 96000, 192_000])
@pytest.mark.parametrize("sound", [noise(1), chords(), syllables()], ids=["noise", "chords", "syllables"])
def test_the_sample_rate_hardly_matters(sound: Samples, rate: int) -> None:
    resampled = resample(sound, RATE, rate)
    assert measure_fluctuation(resampled, rate) == pytest.approx(measure_fluctuation(sound, RATE), abs=0.3)
    assert measure_persistence(resampled, rate) == pytest.approx(measure_persistence(sound, RATE), abs=0.05)


def test_the_measures_of_known_sounds() -> None:
    time = np.arange(10 * RATE) / RATE
    tones = np.sum([np.sin(2 * np.pi * f * time) for f in (220, 440, 880, 1760)], axis=0).astype(np.float32)
    assert measure_persistence(tones, RATE) > 0.95
    assert abs(measure_persistence(noise(0), RATE)) < 0.03
    assert measure_fluctuation(tones, RATE) < 0.5
    halves = np.where(time % 1 < 0.5, 1, 0.1).astype(np.float32)  # 20 dB apart, so 10 dB from their mean
    assert measure_fluctuation(tones * halves, RATE) == pytest.approx(10, abs=0.5)
