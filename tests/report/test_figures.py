"""The figures: the same bytes each time, whatever the genres are called."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_results import CORRECT, GTZAN, example_curves, example_results, example_run_study
from matplotlib.figure import Figure

from genres.report.examples import choose_examples, most_confidently_misclassified
from genres.report.figures import (
    draw_accuracies,
    draw_agreement,
    draw_confusion,
    draw_curves,
    draw_figures,
    draw_misclassified,
    draw_spectrogram,
)
from genres.report.results import Results
from genres.report.run_study_figures import draw_accuracies_of_runs
from genres.report.studies import Studies
from genres.schema import Featurize, Params

FEATURIZE = Featurize(sample_rate=22050, n_fft=2048, hop_length=512, n_mels=32, top_db=80.0, n_frames=50)
ODD = ["<script>", "$x$", "$\\nope$", "a_b^c{", "%s", "&amp;", "", "müsic"]
COUNTS = np.array([[7, 0], [13, 21]])
SCORES = {"simple": {"accuracy": 0.4, "accuracy_low": 0.3, "accuracy_high": 0.55}} | {
    "svm": {"accuracy": 0.625, "accuracy_low": 0.5, "accuracy_high": 0.7}
}
NO_STUDIES = Studies()
NOISE = np.random.default_rng(0).uniform(-80, 0, (32, 50)).astype(np.float32)


DRAWN: dict[str, Callable[[Path], None]] = {
    "spectrogram": lambda path: draw_spectrogram(path, "a clip", NOISE, FEATURIZE),
    "misclassified": lambda path: draw_misclassified(path, dict.fromkeys("abc", NOISE), FEATURIZE),
    "accuracies": lambda path: draw_accuracies(path, SCORES, 0.5, {}, "title"),
    "curves": lambda path: draw_curves(path, {"linear": example_curves(30, 10)}, ["a note"], "title"),
    "confusion": lambda path: draw_confusion(path, COUNTS, ["a", "b"], "title"),
    "agreement": lambda path: draw_agreement(path, np.array([0, 1, 2, 2]), ["a", "a", "b", "b"], 2, "title"),
}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """The figures that were drawn, by the name of their file, which is not written: to render them takes long."""
    drawn: dict[str, Figure] = {}
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **options: drawn.update({path.stem: figure}))
    return drawn


@pytest.fixture
def figure(tmp_path: Path, figures: dict[str, Figure]) -> Callable[..., Figure]:
    """Draws and lays out a figure, and returns it."""

    def draw_one(draw: Callable[..., None], *arguments: Any) -> Figure:
        draw(tmp_path / "drawn.png", *arguments)
        figures["drawn"].draw_without_rendering()
        return figures["drawn"]

    return draw_one


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))


def draw_all(folder: Path, results: Results, params: Params, studies: Studies = NO_STUDIES) -> None:
    """Draw every figure of results, with noise in place of spectrograms."""
    examples, misclassified = choose_examples(results.clips), most_confidently_misclassified(results)
    spectrograms = [NOISE] * (len(examples) + len(misclassified))
    draw_figures(folder, results, examples, misclassified, spectrograms, studies, params)


# --- All figures of a run ---


@pytest.mark.parametrize("models", [["linear", "simple", "complex", "svm"], ["simple", "svm"], ["svm"]])
def test_every_model_has_its_figures(
    tmp_path: Path, figures: dict[str, Figure], params: Params, models: Sequence[str]
) -> None:
    draw_all(tmp_path, example_results(["a", "b"], {model: CORRECT[model] for model in models}), params)
    networks = [model for model in models if model != "svm"]
    assert figures.keys() == {
        *("accuracy", "agreement", "misclassified", "spectrogram_test", "spectrogram_train"),
        *(f"confusion_{model}" for model in models),
        *(f"curves_{model}" for model in networks),
        *(["curves"] if len(networks) > 1 else []),
    }


@pytest.mark.parametrize("n_leaked", [0, 3])
def test_every_figure_with_accuracies_names_the_data_and_what_leaked(
    tmp_path: Path, figures: dict[str, Figure], params: Params, n_leaked: int
) -> None:
    draw_all(tmp_path, replace(example_results(["jazz", "blues"]), n_leaked=n_leaked), params)
    with_accuracies = {
        name: drawn.axes[0].get_title()
        for name, drawn in figures.items()
        if name.partition("_")[0] in ("accuracy", "agreement", "curves", "confusion")
    }
    assert len(with_accuracies) == 10
    assert "the paper's" not in words(figures["accuracy"])  # whose data these are not
    for title in with_accuracies.values():
        assert "your own clips" in title
        assert ("3 test clips have a copy in" in title) == (n_leaked > 0)


def test_figures_show_what_the_results_hold(tmp_path: Path, figures: dict[str, Figure], params: Params) -> None:
    draw_all(tmp_path, example_results(["jazz", "blues"], dataset=GTZAN), params)
    # Twelve test clips, jazz first: linear predicts the first four correctly, simple six, complex nine and SVM
    # eight. The later the clip, the greater the confidence.
    counts = {(text.get_position(), text.get_text()) for text in figures["confusion_linear"].axes[0].texts}
    assert {((1, 1), "4"), ((0, 1), "2"), ((1, 0), "6")} <= counts  # (column, row), blues first
    widths = [[bar.get_width() for bar in container] for container in figures["agreement"].axes[0].containers]
    assert np.sum(widths, axis=1).tolist() == [3, 1, 2, 2, 4]  # correct by none, 1, 2, 3, all four models
    assert "the paper's (one run)" in words(figures["accuracy"])
    assert "Simple CNN: " in words(figures["curves_simple"])  # the note
    assert "Linear" not in words(figures["curves_simple"])
    assert figures["spectrogram_train"].axes[0].get_title() == "jazz.00000 (jazz, train)"
    titles = [axes.get_title() for axes in figures["misclassified"].axes if axes.get_title()]
    assert [title.partition(".")[0] for title in titles] == ["1", "2", "3"]
    assert titles[0] == "1. blues.00009\nblues, predicted as jazz"


def test_many_runs_have_a_dot_each_their_mean_curves_and_epochs_and_a_matrix_for_every_model(
    tmp_path: Path, figures: dict[str, Figure], params: Params
) -> None:
    draw_all(tmp_path, example_results(["a", "b"]), params, Studies(runs=example_run_study(tmp_path)))
    models = [*CORRECT, "scattering"]
    assert {name.removeprefix("study_") for name in figures if name.startswith("study_")} == {
        *("accuracy", "curves", "epochs"),
        *(f"confusion_{model}" for model in models),
    }
    axes = figures["study_accuracy"].axes[0]
    dots = [
        collection.get_offsets()[:, 1].tolist() for collection in axes.collections if len(collection.get_offsets()) == 3
    ]
    correct = [(2, 4, 6), (5, 6, 7), (8, 9, 10), (7, 8, 9), (9, 10, 11)]  # of 12 clips
    assert dots == [pytest.approx([100 * n / 12 for n in of_model], abs=0.01) for of_model in correct]
    assert "33.3 %" in words(figures["study_accuracy"])
    assert "the paper's" not in words(figures["study_accuracy"])
    assert list(axes.lines[-1].get_ydata()) == [50, 50]
    assert "Scattering\n(beyond the paper)" in words(figures["study_accuracy"])
    upper, lower = figures["study_curves"].axes
    assert [line.get_label() for line in lower.lines] == [
        f"{model}, {subset}" for model in ("Linear", "Simple CNN", "Complex CNN") for subset in ("train", "test")
    ]
    # Test accuracies end at 10, 11 and 12 / 60, test losses at 1 + 20, 19 and 18 / 30.
    assert [axes.lines[1].get_ydata()[-1] for axes in (lower, upper)] == pytest.approx(
        [1100 / 60, 1 + 19 / 30], abs=0.01
    )
    (band,) = upper.collections[0].get_paths()
    ends = band.vertices[band.vertices[:, 0] == 30][:, 1]
    assert (ends.min(), ends.max()) == pytest.approx((1 + 18 / 30, 1 + 20 / 30), abs=1e-3)
    best = figures["study_epochs"].axes[0].collections[0].get_offsets()[:, 0]
    assert best.tolist() == [10, 11, 12]
    counts = {(text.get_position(), text.get_text()) for text in figures["study_confusion_linear"].axes[0].texts}
    # Of six clips of a, 2, 4 and 6 are correct; of those of b none.
    assert {((0, 0), "4"), ((1, 0), "2"), ((0, 1), "6")} <= counts
    assert "mean of 3 runs" in figures["study_confusion_linear"].axes[0].get_title()


def test_the_interval_of_a_mean_that_is_cut_off_is_drawn_where_it_is(
    tmp_path: Path, figure: Callable[..., Figure]
) -> None:
    study = example_run_study(tmp_path)
    drawn = figure(draw_accuracies_of_runs, study, 0.5, {"svm": 0.57}, "title")
    axes = drawn.axes[0]
    segments = [
        collection.get_segments()[0][:, 1].tolist()
        for collection in axes.collections
        if hasattr(collection, "get_segments")
    ]
    spreads = [found.scores["accuracy"] for found in study.summary.models.values()]
    assert segments == [pytest.approx([100 * spread.low, 100 * spread.high]) for spread in spreads if spread]
    assert segments[-1][1] == 100  # of scattering, whose mean is 83
    assert "the paper's (one run)" in words(drawn)


# --- One by one ---


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_the_same_bytes_twice_and_names_no_program(tmp_path: Path, name: str) -> None:
    first, second = (tmp_path / f"{number}.png" for number in (1, 2))
    DRAWN[name](first)
    DRAWN[name](second)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert b"atplotlib" not in first.read_bytes()  # its version would change the bytes


def test_a_clip_s_time_is_in_seconds_and_its_bands_in_hz(figure: Callable[..., Figure]) -> None:
    drawn = figure(draw_spectrogram, "a clip", NOISE, FEATURIZE)
    axes = drawn.axes[0]
    assert axes.get_xlim() == pytest.approx((0, 50 * 512 / 22050))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["256", "1024", "4096"]
    # Slaney's mel scale: a mel is 200 / 3 Hz up to 1000 Hz, then 27 mels are a factor of 6.4.
    mels = [256 / (200 / 3), *(15 + 27 * np.log(hz / 1000) / np.log(6.4) for hz in (1024, 4096, 11025))]
    assert list(axes.get_yticks()) == pytest.approx([32 * mel / mels[-1] for mel in mels[:-1]])
    assert "dB" in words(drawn)
    drawn = figure(draw_spectrogram, "a clip", NOISE, FEATURIZE.model_copy(update={"sample_rate": 1000}))
    assert [label.get_text() for label in drawn.axes[0].get_yticklabels()] == ["256"]  # no higher one is there


@pytest.mark.parametrize("n_clips", [0, 1, 2, 9, 10])
def test_any_number_of_misclassified_clips_can_be_drawn(figure: Callable[..., Figure], n_clips: int) -> None:
    titles = [f"clip {number}" for number in range(n_clips)]
    drawn = words(figure(draw_misclassified, dict.fromkeys(titles, NOISE), FEATURIZE))
    assert all(title in drawn for title in titles)
    assert ("no clip to show" in drawn) == (n_clips == 0)


def test_bars_interval_paper_and_the_most_frequent_genre_are_in_per_cent(figure: Callable[..., Figure]) -> None:
    drawn = figure(draw_accuracies, SCORES, 0.35, {"linear": 0.505, "svm": 0.57}, "title")
    axes = drawn.axes[0]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([40, 62.5])
    assert {"40.0 %", "62.5 %"} <= set(words(drawn).split("\n"))
    ends = [segment[:, 1].tolist() for segment in axes.collections[0].get_segments()]
    assert ends == [pytest.approx([30, 55]), pytest.approx([50, 70])]
    assert list(axes.lines[-1].get_ydata()) == [35, 35]
    assert axes.lines[-1].get_label() == "always predicting the most frequent genre"
    assert axes.collections[-1].get_offsets()[:, 1].tolist() == [None, pytest.approx(57)]


def test_every_network_has_its_curves_its_note_and_a_dot_at_its_smallest_test_loss(
    figure: Callable[..., Figure],
) -> None:
    curves = {"linear": example_curves(30, 10), "simple": example_curves(30, 20)}
    drawn = figure(draw_curves, curves, ["first note", "second note"], "title")
    upper, lower = drawn.axes
    labels = ["Linear, train", "Linear, test", "Simple CNN, train", "Simple CNN, test"]
    for axes in (upper, lower):
        assert [line.get_label() for line in axes.lines] == labels
    assert lower.lines[0].get_ydata()[-1] == pytest.approx(100)  # in per cent
    assert [dot.get_offsets().tolist() for dot in upper.collections] == [[[10, 1]], [[20, 1]]]
    assert not lower.collections
    assert "first note\nsecond note" in words(drawn)
    one_epoch = figure(draw_curves, {"linear": example_curves(1, 1)}, ["note"], "title")
    assert one_epoch.axes[0].collections[0].get_offsets().tolist() == [[1, 1]]


def test_a_long_note_is_broken_and_stays_inside_the_figure(figure: Callable[..., Figure]) -> None:
    note = "Complex CNN: converged (within 2 % of its minimum from epoch 120); gap: loss -0.35, accuracy -40.0 points"
    drawn = figure(draw_curves, {"complex": example_curves(30, 10)}, [f"{note}; {note}"], "title")
    assert drawn.get_tightbbox().width <= 5.05


@pytest.mark.parametrize(("name", "shown"), [*((name, name) for name in ODD), ("x" * 300, "x" * 23 + "…")])
def test_a_name_is_written_as_it_is_but_a_very_long_one_leaves_the_matrix_room(
    figure: Callable[..., Figure], name: str, shown: str
) -> None:
    for drawn in (
        figure(draw_confusion, COUNTS, [name, "other"], f"of {shown}"),
        figure(draw_agreement, np.array([0, 1]), [name, "other"], 2, f"of {shown}"),
    ):
        labels = drawn.axes[0].get_yticklabels()
        assert shown in [label.get_text() for label in labels]
        assert not any(label.get_parse_math() for label in labels)
        assert f"of {shown}" in words(drawn)
        assert min(drawn.axes[0].get_window_extent().size) > 40
    assert shown in words(figure(draw_misclassified, {shown: NOISE}, FEATURIZE))


def test_a_matrix_shows_every_count_but_zeros_and_the_recall_behind_each_row(figure: Callable[..., Figure]) -> None:
    counts = np.array([[7, 0, 0], [13, 21, 0], [0, 0, 0]])
    texts = figure(draw_confusion, counts, ["a", "b", "c"], "title").axes[0].texts
    shown = {(text.get_position(), text.get_text()) for text in texts}
    assert {((0, 0), "7"), ((0, 1), "13"), ((1, 1), "21")} <= shown  # (column, row), actual genres in rows
    assert {text for (_, row), text in shown if row >= 0} == {"7", "13", "21", "100%", "62%", "n/a"}


def test_agreement_counts_the_models_that_are_correct(figure: Callable[..., Figure]) -> None:
    axes = figure(draw_agreement, np.array([0, 2, 2, 1, 0]), ["a", "a", "a", "b", "b"], 2, "title").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]  # "a" on top
    widths = [[bar.get_width() for bar in container] for container in axes.containers]
    assert widths == [[1, 1], [1, 0], [0, 2]]  # none, one, both are correct; for b and a
    assert {"none", "1", "all"} <= {text.get_text() for text in axes.figure.legends[0].get_texts()}
