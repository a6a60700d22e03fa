"""The figures: the same bytes each time, whatever the genres are called."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from genres.figures import draw_accuracies, draw_confusions
from genres.results import NETWORKS

PNG = b"\x89PNG\r\n\x1a\n"


def metrics(genres: int) -> dict[str, dict[str, Any]]:
    recall = {str(number): 0.5 for number in range(genres)}
    return {name: {"accuracy": 0.3 + number / 4, "recall": recall} for number, name in enumerate(NETWORKS)}


def confusions(genres: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {name: random.integers(0, 20, (genres, genres)) for name in NETWORKS}


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


def test_the_bars_are_the_same_bytes_twice(tmp_path: Path) -> None:
    for name in ("1.png", "2.png"):
        draw_accuracies(tmp_path / name, metrics(10), "gtzan", 200, 0)
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()
    assert (tmp_path / "1.png").read_bytes().startswith(PNG)


def test_the_matrices_are_the_same_bytes_twice_and_change_with_their_counts(tmp_path: Path) -> None:
    genres, counts = [f"genre {number}" for number in range(10)], confusions(10)
    for name in ("1.png", "2.png"):
        draw_confusions(tmp_path / name, counts, genres, "gtzan", 0)
    counts["simple"][3, 4] += 1
    draw_confusions(tmp_path / "3.png", counts, genres, "gtzan", 0)
    first, second, third = ((tmp_path / f"{number}.png").read_bytes() for number in (1, 2, 3))
    assert first == second != third
    assert first.startswith(PNG)


def test_no_program_is_named_in_the_file(tmp_path: Path) -> None:
    draw_accuracies(tmp_path / "1.png", metrics(2), "local", 20, 0)
    assert b"atplotlib" not in (tmp_path / "1.png").read_bytes()  # its version would change the bytes


@pytest.mark.parametrize("name", ["<script>", "$x$", "$\\nope$", "a_b^c{", "%s", "&amp;", "", "müsic"])
def test_a_name_is_written_as_it_is(tmp_path: Path, figures: list[Figure], name: str) -> None:
    draw_confusions(tmp_path / "1.png", confusions(2), [name, "other"], "local", 0)
    labels = figures[0].axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == [name, "other"]
    assert not any(label.get_parse_math() for label in labels)


def test_a_very_long_name_is_shortened_and_leaves_the_matrix_room(tmp_path: Path, figures: list[Figure]) -> None:
    draw_confusions(tmp_path / "1.png", confusions(2), ["x" * 300, "y"], "local", 0)
    assert figures[0].axes[0].get_yticklabels()[0].get_text() == "x" * 23 + "…"
    assert min(figures[0].axes[0].get_window_extent().size) > 50


def test_a_matrix_shows_every_count_but_zeros(tmp_path: Path, figures: list[Figure]) -> None:
    counts = {name: np.array([[7, 0], [13, 21]]) for name in NETWORKS}
    draw_confusions(tmp_path / "1.png", counts, ["a", "b"], "local", 0)
    shown = {(text.get_position(), text.get_text()) for text in figures[0].axes[2].texts}
    assert shown == {((0, 0), "7"), ((0, 1), "13"), ((1, 1), "21")}  # (column, row), actual genres in rows


def test_a_genre_without_test_clips_is_an_empty_row(tmp_path: Path) -> None:
    draw_confusions(tmp_path / "1.png", {name: np.array([[7, 0], [0, 0]]) for name in NETWORKS}, ["a", "b"], "local", 0)
    assert (tmp_path / "1.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(("name", "shown"), [("gtzan", True), ("gtzan-mini", False), ("local", False)])
def test_the_papers_values_are_drawn_for_gtzan_alone(
    tmp_path: Path, figures: list[Figure], name: str, shown: bool
) -> None:
    draw_accuracies(tmp_path / "1.png", metrics(10), name, 200, 0)
    assert ("the paper's" in words(figures[0])) == shown


@pytest.mark.parametrize("genres", [2, 10])
def test_a_bar_says_its_height_and_a_line_where_chance_is(tmp_path: Path, figures: list[Figure], genres: int) -> None:
    draw_accuracies(tmp_path / "1.png", metrics(genres), "synthetic", 77, 0)
    text = words(figures[0])
    for expected in ("30.0 %", "55.0 %", "80.0 %", f"chance ({genres} genres)", "77 test clips of SYNTHETIC"):
        assert expected in text
    assert [bar.get_height() for bar in figures[0].axes[0].patches] == pytest.approx([30, 55, 80])


def test_synthetic_matrices_are_called_so(tmp_path: Path, figures: list[Figure]) -> None:
    draw_confusions(tmp_path / "1.png", confusions(2), ["a", "b"], "synthetic", 0)
    assert "SYNTHETIC" in words(figures[0])
