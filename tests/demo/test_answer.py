"""The words of the page, without a server."""

from pathlib import Path

import numpy as np
import pytest
from demo_models import CLASS_NAMES, write_models

from genres.core.errors import InputError
from genres.demo.answer import answer_html, model_html, refusal_html, verdict
from genres.demo.models import find_models
from genres.demo.nearest import NearClip
from genres.prediction.song import Song, Window, sum_up

SPECTROGRAM = np.zeros((96, 10), np.float32)


def song_of(probabilities: list[float] | None, not_music: str | None = None) -> Song:
    label = 0 if probabilities is None else int(np.argmax(probabilities))
    return sum_up([Window(0, 30, not_music, label, None if probabilities is None else np.array(probabilities))])


@pytest.mark.parametrize(
    ("song", "words"),
    [
        (song_of([0.1, 0.7, 0.2]), "jazz, 70\N{NO-BREAK SPACE}%"),
        (song_of([0.3, 0.4, 0.3]), "Not sure, most likely jazz"),
        (song_of(None), "blues (this model gives no probabilities)"),
        (song_of([0.1, 0.7, 0.2], "speech"), "Speech, not music"),
        (song_of(None, "silence"), "Silence, not music"),
    ],
)
def test_the_verdict_is_in_words(song: Song, words: str) -> None:
    assert verdict(song, CLASS_NAMES) == words


def test_names_are_escaped(tmp_path: Path) -> None:
    write_models(tmp_path / "models")
    (choice, _) = find_models(None, [tmp_path / "models"], tmp_path)
    near = [NearClip("<i>name", "<i>genre", b"mp3")]
    page = answer_html("<i>song.wav", choice, song_of([0.1, 0.2, 0.7]), SPECTROGRAM, near)
    for html in (page, refusal_html("<i>song", "<i>reason"), model_html(choice)):
        assert "<i>" not in html
        assert "http" not in html
    assert "&lt;i&gt;name" in page
    assert 'src="data:audio/mpeg;base64,bXAz"' in page


def test_what_is_not_music_has_no_bars(tmp_path: Path) -> None:
    write_models(tmp_path / "models")
    choice = find_models(None, [tmp_path / "models"], tmp_path)[0]
    page = answer_html("a.wav", choice, song_of([0.1, 0.2, 0.7], "noise"), SPECTROGRAM, [])
    assert "Noise, not music" in page
    assert "bars" not in page
    assert "training clips" not in page


@pytest.mark.parametrize("synthetic", [True, False])
def test_only_models_of_synthetic_clips_are_warned_of(tmp_path: Path, synthetic: bool) -> None:
    write_models(tmp_path / "models", synthetic)
    html = model_html(find_models(None, [tmp_path / "models"], tmp_path)[0])
    assert ("mean nothing for real music" in html) == synthetic
    assert "Data set: a toy. Trained on 24 clips; 90\N{NO-BREAK SPACE}% of its test clips correct." in html


def test_the_best_model_or_the_named_one_is_chosen_at_first(tmp_path: Path) -> None:
    write_models(tmp_path / "models")
    folders = [tmp_path / "nowhere", tmp_path / "models"]
    assert [choice.title for choice in find_models(None, folders, tmp_path)] == ["Simple CNN", "SVM"]
    assert [choice.title for choice in find_models("svm", folders, tmp_path)] == ["SVM", "Simple CNN"]
    with pytest.raises(InputError, match="There is no trained model"):
        find_models(None, folders[:1], tmp_path)
