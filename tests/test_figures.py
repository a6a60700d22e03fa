"""The figures: the same bytes each time, whatever the genres are called."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from invented import RIGHT, history, invent
from matplotlib.figure import Figure

from genres.figures import (
    Spectrogram,
    draw_accuracies,
    draw_agreement,
    draw_confusion,
    draw_curves,
    draw_misjudged,
    draw_spectrogram,
)
from genres.params import Featurize

PNG = b"\x89PNG\r\n\x1a\n"
FEATURIZE = Featurize(22050, 2048, 512, 32, 80.0, 50)
ODD = ["<script>", "$x$", "$\\nope$", "a_b^c{", "%s", "&amp;", "", "müsic"]
COUNTS = np.array([[7, 0], [13, 21]])


def noise(title: str = "a clip") -> Spectrogram:
    return Spectrogram(title, np.random.default_rng(0).uniform(-80, 0, (32, 50)).astype(np.float32))


DRAWN: dict[str, Callable[[Path], None]] = {
    "spectrogram": lambda path: draw_spectrogram(path, noise(), FEATURIZE),
    "misjudged": lambda path: draw_misjudged(path, [noise(), noise(), noise()], FEATURIZE),
    "accuracies": lambda path: draw_accuracies(path, invent(["a", "b"]).metrics, 0.5, {}, "title"),
    "curves": lambda path: draw_curves(path, {"linear": history(30, 10)}, {"linear": "a note"}, "title"),
    "confusion": lambda path: draw_confusion(path, COUNTS, ["a", "b"], "title"),
    "agreement": lambda path: draw_agreement(path, np.array([0, 1, 2, 2]), ["a", "a", "b", "b"], 2, "title"),
}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were drawn, for a look at what is written in them."""
    drawn, savefig = [], Figure.savefig

    def remember(figure: Figure, *arguments: Any, **options: Any) -> None:
        drawn.append(figure)
        savefig(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", remember)
    return drawn


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_the_same_bytes_twice_and_names_no_program(tmp_path: Path, name: str) -> None:
    first, second = (tmp_path / f"{number}.png" for number in (1, 2))
    DRAWN[name](first)
    DRAWN[name](second)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(PNG)
    assert b"atplotlib" not in first.read_bytes()  # its version would change the bytes


def test_a_clip_s_time_is_in_seconds_and_its_bands_in_hz(tmp_path: Path, figures: list[Figure]) -> None:
    draw_spectrogram(tmp_path / "1.png", noise(), FEATURIZE)
    axes = figures[0].axes[0]
    assert axes.get_xlim() == pytest.approx((0, 50 * 512 / 22050))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["256", "1024", "4096"]
    # Slaney's mel scale: a mel is 200 / 3 Hz up to 1000 Hz, then 27 mels are a factor of 6.4.
    mels = [256 / (200 / 3), *(15 + 27 * np.log(hz / 1000) / np.log(6.4) for hz in (1024, 4096, 11025))]
    assert list(axes.get_yticks()) == pytest.approx([32 * mel / mels[-1] for mel in mels[:-1]])
    assert "dB" in words(figures[0])


def test_frequencies_that_the_clips_do_not_have_are_not_marked(tmp_path: Path, figures: list[Figure]) -> None:
    draw_spectrogram(tmp_path / "1.png", noise(), Featurize(1000, 256, 128, 32, 80.0, 50))
    assert [label.get_text() for label in figures[0].axes[0].get_yticklabels()] == ["256"]


@pytest.mark.parametrize("clips", [0, 1, 2, 9, 10])
def test_any_number_of_misjudged_clips_can_be_drawn(tmp_path: Path, figures: list[Figure], clips: int) -> None:
    draw_misjudged(tmp_path / "1.png", [noise(f"clip {number}") for number in range(clips)], FEATURIZE)
    assert all(f"clip {number}" in words(figures[0]) for number in range(clips))
    assert ("no clip to show" in words(figures[0])) == (clips == 0)


@pytest.mark.parametrize("genres", [2, 10])
def test_a_bar_says_its_height_and_a_line_where_chance_is(tmp_path: Path, figures: list[Figure], genres: int) -> None:
    metrics = invent([f"g{number}" for number in range(genres)]).metrics
    draw_accuracies(tmp_path / "1.png", metrics, 0.35, {}, "title")
    text = words(figures[0])
    chance = figures[0].axes[0].lines[-1]
    assert chance.get_label() == "always naming the most frequent genre"
    assert list(chance.get_ydata()) == [35, 35]
    assert "the paper's" not in text
    heights = [bar.get_height() for bar in figures[0].axes[0].patches]
    assert heights == pytest.approx([100 * scores["accuracy"] for scores in metrics.values()])
    assert heights == pytest.approx([100 * RIGHT[model] for model in metrics], abs=9)
    assert all(f"{height:.1f} %" in text for height in heights)


def test_the_papers_values_are_marked_where_given(tmp_path: Path, figures: list[Figure]) -> None:
    metrics = invent(["a", "b"], ["simple", "svm"]).metrics
    papers = {"linear": 0.505, "simple": 0.545, "complex": 0.6, "svm": 0.57}
    draw_accuracies(tmp_path / "1.png", metrics, 0.5, papers, "t")
    assert "the paper's (one run)" in words(figures[0])
    assert figures[0].axes[0].collections[-1].get_offsets()[:, 1].tolist() == pytest.approx([54.5, 57.0])


def test_every_network_has_a_line_for_train_and_test_in_both_panels(tmp_path: Path, figures: list[Figure]) -> None:
    histories = {"linear": history(30, 10), "simple": history(30, 20)}
    draw_curves(tmp_path / "1.png", histories, {"linear": "first note", "simple": "second note"}, "title")
    labels = ["Linear, train", "Linear, test", "Simple CNN, train", "Simple CNN, test"]
    for axes in figures[0].axes:
        assert [line.get_label() for line in axes.lines] == labels
    assert figures[0].axes[1].lines[0].get_ydata()[-1] == pytest.approx(100)  # in per cent
    assert "first note\nsecond note" in words(figures[0])


def test_a_dot_marks_each_network_s_smallest_test_loss(tmp_path: Path, figures: list[Figure]) -> None:
    histories = {"linear": history(30, 10), "simple": history(30, 20)}
    draw_curves(tmp_path / "1.png", histories, {}, "title")
    upper, lower = figures[0].axes
    assert [dot.get_offsets().tolist() for dot in upper.collections] == [[[10, 1]], [[20, 1]]]
    assert not lower.collections


def test_a_long_note_is_broken_and_stays_inside_the_figure(tmp_path: Path, figures: list[Figure]) -> None:
    note = "Complex CNN: converged (within 2% of its minimum from epoch 120); gap at the end -0.35, -40.0 points; "
    draw_curves(tmp_path / "1.png", {"complex": history(30, 10)}, {"complex": note + "still shakes by 0.0100"}, "title")
    assert figures[0].get_tightbbox().width <= 5.05


def test_one_epoch_can_be_drawn(tmp_path: Path) -> None:
    draw_curves(tmp_path / "1.png", {"linear": history(1, 1)}, {"linear": "note"}, "title")
    assert (tmp_path / "1.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_written_as_it_is(tmp_path: Path, figures: list[Figure], name: str) -> None:
    draw_confusion(tmp_path / "1.png", COUNTS, [name, "other"], f"of {name}")
    draw_agreement(tmp_path / "2.png", np.array([0, 1]), [name, "other"], 2, f"of {name}")
    draw_misjudged(tmp_path / "3.png", [noise(name)], FEATURIZE)
    for figure in figures[:2]:
        labels = figure.axes[0].get_yticklabels()
        assert name in [label.get_text() for label in labels]
        assert not any(label.get_parse_math() for label in labels)
    assert all(name in words(figure) for figure in figures)


def test_a_very_long_name_is_shortened_and_leaves_the_matrix_room(tmp_path: Path, figures: list[Figure]) -> None:
    draw_confusion(tmp_path / "1.png", COUNTS, ["x" * 300, "y"], "title")
    draw_agreement(tmp_path / "2.png", np.array([0, 1]), ["x" * 300, "y"], 2, "title")
    for figure in figures:
        assert "x" * 23 + "…" in [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert min(figure.axes[0].get_window_extent().size) > 40


def test_a_matrix_shows_every_count_but_zeros_and_the_recall_behind_each_row(
    tmp_path: Path, figures: list[Figure]
) -> None:
    draw_confusion(tmp_path / "1.png", COUNTS, ["a", "b"], "title")
    shown = {(text.get_position(), text.get_text()) for text in figures[0].axes[0].texts}
    assert {((0, 0), "7"), ((0, 1), "13"), ((1, 1), "21")} <= shown  # (column, row), actual genres in rows
    assert {text for (_, row), text in shown if row in (0, 1)} == {"7", "13", "21", "100%", "62%"}


def test_the_recall_of_a_genre_without_test_clips_is_not_available(tmp_path: Path, figures: list[Figure]) -> None:
    draw_confusion(tmp_path / "1.png", np.array([[7, 2], [0, 0]]), ["a", "b"], "title")
    assert {"78%", "n/a"} <= set(words(figures[0]).split("\n"))


def test_agreement_counts_the_models_that_are_right(tmp_path: Path, figures: list[Figure]) -> None:
    draw_agreement(tmp_path / "1.png", np.array([0, 2, 2, 1, 0]), ["a", "a", "a", "b", "b"], 2, "title")
    axes = figures[0].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]  # "a" on top
    widths = [[bar.get_width() for bar in container] for container in axes.containers]
    assert widths == [[1, 1], [1, 0], [0, 2]]  # none, one, both are right; for b and a
    assert {"none", "1", "all"} <= {text.get_text() for text in axes.get_legend().get_texts()}
