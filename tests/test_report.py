"""The page of results, opened in a real browser."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from browser import CHROMIUM, Browser
from invented import RIGHT, invent, split_of
from matplotlib.figure import Figure

from genres.evaluation import Evaluation
from genres.params import Dataset, Featurize, Params, Split, Synthetic
from genres.players import clip_as_mp3
from genres.presentation import draw_clips, draw_results, write_report
from genres.report import describe_run
from genres.showcase import choose_examples, most_confidently_misjudged

ODD = ("<script>alert(1)</script>", "$x$ & \"quoted\" 'it'", "a" * 60, "rock")
LARGEST_PAGE = 5_000_000  # bytes
RUN = {"Data set": "invented", "Commit": "the one that has it"}
STRATIFIED = Split("stratified", 0.2, None, 5, 0)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium (Debian's package `chromium`)")


def write_page(
    folder: Path, evaluation: Evaluation, frames: int = 50, seconds: float = 0.5, split: Split = STRATIFIED
) -> Path:
    """Write the whole page of an evaluation, of noise in place of clips."""
    random = np.random.default_rng(0)
    examples, misjudged = choose_examples(evaluation.split), most_confidently_misjudged(evaluation)
    mels = [random.uniform(-80, 0, (128, frames)).astype(np.float32) for _ in (*examples, *misjudged)]
    featurize = Featurize(22050, 2048, 512, 128, 80.0, frames)
    shown = draw_results(folder, evaluation, split.method) | draw_clips(folder, examples, misjudged, mels, featurize)
    soundfile.write(folder / "noise.wav", random.uniform(-0.5, 0.5, int(22050 * seconds)), 22050)
    sound = clip_as_mp3(folder / "noise.wav")
    page = folder / "report.html"
    deviations = {"train.epochs": (30, 150)}
    write_report(page, evaluation, split, shown, misjudged, [sound] * len(misjudged), deviations, RUN)
    return page


def text_of(page: Path) -> str:
    """Return what a page says, less what it holds of pictures and sound."""
    text = re.sub(r'"data:[^"]*"', '""', page.read_text(encoding="utf-8"))
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


# --- In the browser ---


@pytest.fixture(scope="module")
def odd_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("odd"), invent(ODD, dataset_name="gtzan"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("chromium") / "profile") as started:
        yield started


@needs_chromium
@pytest.mark.parametrize("width", [375, 1200])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_page_opens_offline_without_a_word_of_complaint(
    browser: Browser, odd_page: Path, width: int, colours: str
) -> None:
    browser.open(odd_page, width, colours)
    pictures = browser.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    assert len(pictures) == 13  # accuracies, agreement, four curves, four matrices, misjudged, two spectrograms
    assert min(pictures) > 0
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    requested = {request["request"]["url"].split(",")[0] for request in browser.told("Network.requestWillBeSent")}
    assert {address for address in requested if not address.startswith("data:")} == {odd_page.as_uri()}
    assert browser.told("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded") == []
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) > 380) == (colours == "light")


@needs_chromium
def test_complaints_and_requests_would_be_noticed(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<img src='http://localhost:9/x.png'><script>console.error('x'); nowhere()</script>", "utf-8")
    browser.open(page, 375, "light")
    browser.evaluate("1")
    assert browser.told("Runtime.consoleAPICalled")
    assert browser.told("Runtime.exceptionThrown")
    assert "http://localhost:9/x.png" in {e["request"]["url"] for e in browser.told("Network.requestWillBeSent")}


@needs_chromium
def test_the_clips_can_be_played(browser: Browser, odd_page: Path) -> None:
    browser.open(odd_page, 375, "light")
    durations = browser.evaluate(
        """Promise.all([...document.querySelectorAll("audio")].map(audio => new Promise((resolve, reject) => {
             audio.onloadedmetadata = () => resolve(audio.duration);
             audio.onerror = () => reject(audio.error.message);
             audio.load(); audio.preload = "metadata";
           })))"""
    )
    assert durations == pytest.approx([0.5] * 7, abs=0.2)  # three in ten of 24 test clips are misjudged


@needs_chromium
def test_the_page_can_be_used_by_keyboard_and_heard(browser: Browser, odd_page: Path) -> None:
    browser.open(odd_page, 1200, "light")
    count = "document.querySelectorAll({}).length"
    assert browser.evaluate("document.documentElement.lang") == "en"
    for landmark in ("header", "nav[aria-label]", "main", "h1"):
        assert browser.evaluate(count.format(repr(landmark))) == 1
    assert browser.evaluate(count.format("'section[aria-labelledby]'")) == browser.evaluate(count.format("'h2'")) == 7
    assert browser.evaluate("[...document.images].every(image => image.alt.length > 20)")
    assert browser.evaluate("[...document.querySelectorAll('audio')].every(audio => audio.controls && audio.ariaLabel)")
    assert browser.evaluate(
        "[...document.querySelectorAll('.scroll')].every(box => box.tabIndex == 0 && box.ariaLabel)"
    )
    assert browser.evaluate(
        "[...document.querySelectorAll('nav a, section')].every(e => document.getElementById("
        "e.hash ? e.hash.slice(1) : e.getAttribute('aria-labelledby')))"
    )
    ids = browser.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))


@needs_chromium
def test_odd_names_are_shown_as_they_are(browser: Browser, odd_page: Path) -> None:
    browser.open(odd_page, 1200, "light")
    assert browser.evaluate("document.scripts.length") == 0
    rows = browser.evaluate("[...document.querySelectorAll('#confusion tbody th')].map(cell => cell.textContent)")
    assert rows == list(ODD)


# --- By its text ---


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the figures empty, for tests of the words around them."""
    monkeypatch.setattr(Figure, "savefig", lambda _, path, **options: Path(path).write_bytes(b""))


def test_the_largest_page_is_small_enough_to_be_mailed(tmp_path: Path) -> None:
    genres = [f"genre {number}" for number in range(10)]
    page = write_page(tmp_path, invent(genres, split=split_of(genres, 80, 20)), frames=1291, seconds=30)
    assert page.stat().st_size < LARGEST_PAGE  # of noise, which compresses worst


def test_the_same_evaluation_is_the_same_bytes(tmp_path: Path) -> None:
    evaluation = invent(["a", "b"])
    first = write_page(tmp_path, evaluation).read_bytes()
    assert write_page(tmp_path, evaluation).read_bytes() == first


@pytest.mark.usefixtures("undrawn")
def test_the_papers_rows_stand_beside_gtzan_s_alone(tmp_path: Path) -> None:
    text = text_of(write_page(tmp_path, invent(["a", "b"], dataset_name="gtzan")))
    assert "62.5 %" in text
    assert "0.280" in text  # the paper's train loss
    assert text.count("in the paper") == 4
    assert "in the paper" not in text_of(write_page(tmp_path, invent(["a", "b"], dataset_name="gtzan-mini")))


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("method", ["grouped", "fault-filtered", "kfold"])
def test_the_papers_values_stand_beside_no_other_split(tmp_path: Path, method: str) -> None:
    evaluation = invent(["a", "b"], dataset_name="gtzan")
    text = text_of(write_page(tmp_path, evaluation, split=replace(STRATIFIED, method=method)))
    assert "in the paper" not in text
    assert "what the paper reports" not in text


@pytest.mark.parametrize("leaked", [0, 3])
def test_every_figure_with_accuracies_says_what_leaked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaked: int
) -> None:
    titles = {}

    def remember(figure: Figure, path: Path, **options: Any) -> None:
        titles[Path(path).name] = figure.axes[0].get_title()
        Path(path).write_bytes(b"")

    monkeypatch.setattr(Figure, "savefig", remember)
    draw_results(tmp_path, replace(invent(["a", "b"]), leaked=leaked), "stratified")
    assert len(titles) == 10  # accuracies, agreement, four curves, four matrices
    assert [("3 test clips have a copy in train" in title) for title in titles.values()] == [leaked > 0] * 10


@pytest.mark.usefixtures("undrawn")
def test_guessing_is_always_naming_the_most_frequent_genre(tmp_path: Path) -> None:
    split = split_of(["a", "b"])  # six test clips of each
    few = split[(split.genre == "a") | (split.subset == "train") | (split["clip"] == "b.00009")]
    text = text_of(write_page(tmp_path, invent(["a", "b"], split=few)))
    assert text.count("most frequent genre, would be right in 85.7 % of cases") == 2  # 6 of 7
    assert "50.0 % of cases" not in text


@pytest.mark.usefixtures("undrawn")
def test_clips_that_were_used_for_nothing_are_counted(tmp_path: Path) -> None:
    split = split_of(["a", "b"])
    assert "set aside" not in text_of(write_page(tmp_path, invent(["a", "b"], split=split)))
    split.loc[[0, 1], "subset"] = "valid"
    text = text_of(write_page(tmp_path, invent(["a", "b"], split=split)))
    assert "trained on 6 clips and tested on 12 others" in text
    assert "2 validation clips were set aside and used for nothing." in text


@pytest.mark.usefixtures("undrawn")
def test_synthetic_results_say_so_at_the_top(tmp_path: Path) -> None:
    text = text_of(write_page(tmp_path, invent(["a", "b"], dataset_name="synthetic")))
    assert "nothing about GTZAN" in text[: text.index("<main>")]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("models", [["simple"], ["svm"], ["linear", "svm"]])
def test_models_that_are_missing_are_named(tmp_path: Path, models: Sequence[str]) -> None:
    text = text_of(write_page(tmp_path, invent(["a", "b"], models)))
    missing = re.search(r"Not evaluated: ([^.]*)\.", text)
    assert missing is not None
    titles = {"linear": "Linear", "simple": "Simple CNN", "complex": "Complex CNN", "svm": "SVM"}
    assert missing[1] == ", ".join(title for model, title in titles.items() if model not in models)
    assert ("No network was evaluated" in text) == (models == ["svm"])
    assert ("Each two models" in text) == (len(models) > 1)


@pytest.mark.usefixtures("undrawn")
def test_nothing_is_missing_from_a_whole_run(tmp_path: Path) -> None:
    assert "Not evaluated" not in text_of(write_page(tmp_path, invent(["a", "b"])))


@pytest.mark.usefixtures("undrawn")
def test_a_genre_without_test_clips_is_not_available(tmp_path: Path) -> None:
    split = split_of(["a", "b", "c"])
    evaluation = invent(["a", "b", "c"], split=split[(split.genre != "c") | (split.subset == "train")])
    assert '<th scope="row">c</th><td class="number">n/a</td>' in text_of(write_page(tmp_path, evaluation))


@pytest.mark.usefixtures("undrawn")
def test_a_network_without_mistakes_is_praised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RIGHT, "complex", 1.0)
    text = text_of(write_page(tmp_path, invent(["a", "b"])))
    assert "The Complex CNN misjudged no test clip." in text
    assert "<audio" not in text


def test_a_run_is_described_by_data_split_and_seed(params: Params) -> None:
    run = describe_run(params.dataset, params.split, params.seed, 0)
    assert run["Data set"] == "synthetic: 100 clips a genre of about 30 s, data seed 0"
    assert run["Split"] == "stratified: 20% of the clips are tested"
    assert run["Leakage"] == "no test clip has a copy in train, as far as the audio shows"
    leaking = describe_run(params.dataset, params.split, params.seed, 3)["Leakage"]
    assert leaking == "3 test clips have a copy in train: accuracies are too high"
    assert re.search(r"torch \d.*scikit-learn \d", run["Versions"])
    own = Dataset("local", "/a/path/to/music.tar.gz", (), Synthetic(2, 1.0, 0))
    run = describe_run(own, Split("stratified", 7, None, 5, 0), 3, 0)
    assert run["Data set"] == "your own: music.tar.gz"  # where it lies is nobody's business
    assert run["Split"] == "stratified: 7 of the clips are tested"
    run = describe_run(own, Split("kfold", 7, None, 5, 1), 3, 0)
    assert run["Split"] == "kfold: part 1 (from 0) of 5 is tested"
    assert run["Seed of split and training"] == "3"
    listed = replace(STRATIFIED, method="fault-filtered")
    assert describe_run(own, listed, 3, 0)["Split"] == "fault-filtered: train and test as the published lists say"
    run = describe_run(own, replace(listed, lists="/a/path/to/lists"), 3, 0)
    assert run["Split"] == "fault-filtered: train and test as your own lists in lists say"
