"""An uploaded file as a song with its spectrogram."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from demo_models import write_models
from project import write_noise

from genres.audio.decoding import UnreadableAudioError
from genres.demo import listening
from genres.demo.listening import HOP, MAX_COLUMNS, N_MELS, SAMPLE_RATE, TOP_DB, hear, spectrogram_db
from genres.prediction.classifier import Classifier, load_classifier


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    folder = tmp_path_factory.mktemp("toy") / "models"
    write_models(folder)
    return load_classifier(folder / "simple.safetensors")


@pytest.mark.parametrize(("rate", "channels"), [(22_050, 1), (44_100, 2), (8_000, 1)])
def test_a_file_is_a_song_with_its_spectrogram(
    tmp_path: Path, classifier: Classifier, rate: int, channels: int
) -> None:
    write_noise(tmp_path / "noise.wav", seconds=5, rate=rate, channels=channels)
    song, spectrogram = hear(tmp_path / "noise.wav", classifier)
    assert song.windows[-1].end == pytest.approx(5)
    assert spectrogram.shape == (N_MELS, 5 * SAMPLE_RATE // HOP + 1)
    assert spectrogram.max() == 0
    assert spectrogram.min() >= -TOP_DB


def test_a_tone_is_where_it_should_be(tmp_path: Path, classifier: Classifier) -> None:
    seconds = np.arange(3 * 44_100) / 44_100
    tone = np.where(seconds < 1.5, np.sin(2 * np.pi * 440 * seconds), np.sin(2 * np.pi * 4000 * seconds))
    soundfile.write(tmp_path / "tone.wav", 0.5 * tone, 44_100)
    _, spectrogram = hear(tmp_path / "tone.wav", classifier)
    loudest = spectrogram.argmax(axis=0)
    assert loudest[10] < loudest[-10]


def test_a_long_spectrogram_has_as_many_columns_as_are_shown() -> None:
    power = np.ones((N_MELS, 5 * MAX_COLUMNS + 3), np.float32)
    power[:, -1] = 100
    shown = spectrogram_db(power)
    assert MAX_COLUMNS / 2 < shown.shape[1] <= MAX_COLUMNS
    np.testing.assert_allclose(shown[:, :-1], shown[0, 0])
    assert (shown[:, -1] == 0).all()


def test_a_file_that_says_that_it_is_too_long_is_not_decoded(
    tmp_path: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_noise(tmp_path / "noise.wav", seconds=1.1)
    monkeypatch.setattr(listening, "MAX_MINUTES", 1 / 60)
    monkeypatch.setattr(listening, "read_blocks", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(UnreadableAudioError, match="longer than"):
        hear(tmp_path / "noise.wav", classifier)


def test_a_file_that_is_longer_than_it_says_is_refused(
    tmp_path: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_noise(tmp_path / "noise.wav", seconds=1.1)
    monkeypatch.setattr(listening, "MAX_MINUTES", 1 / 60)
    monkeypatch.setattr(listening, "_require_short", lambda _: None)
    with pytest.raises(UnreadableAudioError, match="longer than"):
        hear(tmp_path / "noise.wav", classifier)
