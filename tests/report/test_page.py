"""The page of results, by its text and in a real browser."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from browser import CHROMIUM, Browser
from example_results import (
    DATASET,
    GTZAN,
    clips_of,
    example_cnn_study,
    example_results,
    example_run_study,
    example_svm_study,
    write_run_study,
)

from genres.report.examples import choose_examples, most_confidently_misclassified
from genres.report.figures import draw_figures
from genres.report.models import MODELS
from genres.report.mp3 import clip_as_mp3
from genres.report.page import write_page
from genres.report.results import Results
from genres.report.run_study import read_run_study
from genres.report.studies import Studies
from genres.schema import Params
from genres.study.summary import Spread

ODD = ("$x$ & \"quoted\" 'it'", "<script>alert(1)<b>", "a" * 60, "rock")
LARGEST_PAGE = 6_000_000  # bytes
NO_STUDIES = Studies()

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium (Debian's package `chromium`)")


def write_whole_page(folder: Path, results: Results, params: Params, frames: int = 50, seconds: float = 0.5) -> Path:
    """Write the page with all figures and sounds, of noise in place of clips."""
    random = np.random.default_rng(0)
    examples, misclassified = choose_examples(results.clips), most_confidently_misclassified(results)
    mels = [random.uniform(-80, 0, (128, frames)).astype(np.float32) for _ in (*examples, *misclassified)]
    (folder / "figures").mkdir()
    runs = example_run_study(folder, results.class_names)
    studies = Studies(example_svm_study(folder), example_cnn_study(folder), runs)
    draw_figures(folder / "figures", results, examples, misclassified, mels, studies, params)
    soundfile.write(folder / "noise.wav", random.uniform(-0.5, 0.5, int(22050 * seconds)), 22050)
    sounds = [clip_as_mp3(folder / "noise.wav")] * len(misclassified)
    write_page(folder / "report.html", folder / "figures", results, misclassified, sounds, studies, params)
    return folder / "report.html"


def text_of(folder: Path, results: Results, params: Params, studies: Studies = NO_STUDIES) -> str:
    """Return what the page says, less its style and what it holds of figures and sound."""
    networks, figures = list(results.curves), folder / "figures"
    names = ["accuracy", "agreement", "curves", "misclassified", "spectrogram_train", "spectrogram_test"]
    names += [f"curves_{model}" for model in networks] + [f"confusion_{model}" for model in results.predictions]
    names += [name for name, study in (("svm_study", studies.svm), ("cnn_study", studies.cnn)) if study]
    if studies.runs:
        names += ["study_accuracy", "study_curves", "study_epochs"]
        names += [f"study_confusion_{model}" for model in studies.runs.confusion]
    figures.mkdir(parents=True)
    for name in names:
        (figures / f"{name}.png").write_bytes(b"")
    misclassified = most_confidently_misclassified(results)
    sounds = [b""] * len(misclassified)
    write_page(folder / "report.html", figures, results, misclassified, sounds, studies, params)
    page = (folder / "report.html").read_text(encoding="utf-8")
    text = re.sub(r'"data:[^"]*"', '""', page[page.index("<body>") :])
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def part_of(text: str, name: str) -> str:
    """Return the section of the page with an id."""
    return text[text.index(f'<section id="{name}"') :].partition("</section>")[0]


def cell(text: str, name: str) -> str:
    """Return what stands beside a name in the table of the configuration."""
    found = re.search(rf'<th scope="row">{name}</th><td>(.*?)</td>', text)
    assert found is not None
    return found[1]


def with_split(params: Params, **changes: Any) -> Params:
    return params.model_copy(update={"split": params.split.model_copy(update=changes)})


# --- In the browser ---


@pytest.fixture(scope="module")
def odd_page(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Path:
    return write_whole_page(tmp_path_factory.mktemp("odd"), example_results(ODD, dataset=GTZAN), params)


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
    browser.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    pictures = browser.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    # Accuracies, agreement, four curves, four matrices, two studies, misclassified, two spectrograms; of many runs,
    # accuracies, curves, epochs and five matrices.
    assert len(pictures) == 23
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
    assert durations == pytest.approx([0.5] * 7, abs=0.2)  # three in ten of 24 test clips are misclassified


@needs_chromium
def test_the_page_can_be_used_by_keyboard_and_heard(browser: Browser, odd_page: Path) -> None:
    browser.open(odd_page, 1200, "light")
    count = "document.querySelectorAll({}).length"
    assert browser.evaluate("document.documentElement.lang") == "en"
    for landmark in ("header", "nav[aria-label]", "main", "h1"):
        assert browser.evaluate(count.format(repr(landmark))) == 1
    assert browser.evaluate(count.format("'section[aria-labelledby]'")) == browser.evaluate(count.format("'h2'")) == 10
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
    # Odd names are shown as they are.
    assert browser.evaluate("document.scripts.length") == 0
    rows = browser.evaluate("[...document.querySelectorAll('#confusion tbody th')].map(cell => cell.textContent)")
    assert rows == list(ODD)


# --- By its text ---


def test_odd_names_are_escaped_everywhere(tmp_path: Path, params: Params) -> None:
    dataset = DATASET | {"title": "<i>", "description": "<i>", "caveats": ["<i>"]}
    text = text_of(
        tmp_path, example_results(ODD, dataset=dataset), with_split(params, method="fault-filtered", lists="<i>")
    )
    assert "<i>" not in text
    assert "<script" not in text
    assert '"quoted"' not in text


@pytest.mark.slow
def test_the_largest_page_is_small_enough_to_be_mailed(tmp_path: Path, params: Params) -> None:
    results = example_results([], clips=clips_of([f"genre {index}" for index in range(10)], 80, 20))
    page = write_whole_page(tmp_path, results, params, frames=1291, seconds=30)
    assert page.stat().st_size < LARGEST_PAGE  # of noise, which compresses worst


def test_the_study_of_the_svm_is_a_section_of_its_own_or_absent(tmp_path: Path, params: Params) -> None:
    results = example_results(["a", "b"])
    text = text_of(tmp_path, results, params, Studies(svm=example_svm_study(tmp_path)))
    section = part_of(text, "svm-study")
    assert '<a href="#svm-study">' in text
    assert (
        "The linear kernel reaches 50.5 % at C = 10 and 128 x 200; the rbf kernel reaches 62.0 % at C = 10" in section
    )
    assert "the paper's setting 45.7 %. The highest of 24 accuracies on the same 200 test clips is" in section
    assert "svm-study" not in text_of(tmp_path / "without", results, params)


def test_the_study_of_the_cnn_says_where_each_setting_has_the_simple_ones_train_loss(
    tmp_path: Path, params: Params
) -> None:
    results = example_results(["a", "b"])
    text = text_of(tmp_path, results, params, Studies(cnn=example_cnn_study(tmp_path)))
    section = part_of(text, "cnn-study")
    assert '<a href="#cnn-study">' in text
    assert "The Simple CNN ends with a train loss of 0.446 and a gap (test loss minus train loss) of 0.16" in section
    rows = {
        name: [cell.strip() for cell in re.findall(r'<td class="number">(.*?)</td>', row)]
        for name, row in re.findall(r'<tr><th scope="row">([^<]*)</th>(.*?)</tr>', section)
    }
    assert {name: cells[1:4] for name, cells in list(rows.items())[:5]} == {
        "Complex CNN": ["800", "75", "+0.16"],
        "Simple CNN": ["800", "150", "+0.16"],
        "channels=8 hidden=128 epochs=600": ["800", "150", "+0.16"],
        "crop=50": ["800", "not reached", ""],
        "test_size=0.6": ["400", "75", "+0.31"],
    }
    assert "cnn-study" not in text_of(tmp_path / "without", results, params)


def test_many_runs_have_a_section_with_the_means_of_every_model_and_their_differences(
    tmp_path: Path, params: Params
) -> None:
    text = text_of(tmp_path, example_results(["a", "b"]), params, Studies(runs=example_run_study(tmp_path)))
    assert '<a href="#study">Many runs</a>' in text
    section = part_of(text, "study")
    assert "Each model was trained on 3 different splits, with about 8 train and 12 test clips." in section
    assert "Means: Linear 33.3 %, Simple CNN 50.0 %, Complex CNN 75.0 %, SVM 66.7 %, Scattering 83.3 %" in section
    rows = {
        name: re.findall(r'<td class="number">(.*?)</td>', row)
        for name, row in re.findall(r'<tr><th scope="row">([^<]*)</th>(.*?)</tr>', section)
    }
    # Linear predicts 2, 4 and 6 of 12 clips; the variance of a mean is (1/3 + 12/8) that of the runs, so that the
    # interval is cut off at 0. Its second trainings predict one clip more: within 1/288, between 1/36 - 1/576.
    assert rows["Linear"][:7] == ["3", "0", "33.3 %", "0.0 to 100.0", "16.7", "16.1", "5.9"]
    assert rows["Scattering"][:7] == ["3", "0", "83.3 %", "34.8 to 100.0", "8.3", "", ""]
    assert rows["SVM"][8] == "n/a"  # it has no probabilities
    assert rows["Simple CNN, Scattering"][2:] == ["below 0.0001", "yes"]  # always by four clips
    assert rows["Linear, Simple CNN"][0] == "-16.7"
    assert rows["Linear, Simple CNN"][3] == "no"
    assert "trained twice on each split" in section
    assert "Linear: lowest test loss in epoch 10 to 12." in section
    assert "Not shown" not in section
    assert section.count("<img") == 8


def test_without_many_runs_the_page_says_nothing_of_them(tmp_path: Path, params: Params) -> None:
    text = text_of(tmp_path, example_results(["a", "b"]), params)
    assert 'id="study"' not in text
    assert "#study" not in text
    assert "many runs" not in text.lower()


def test_models_that_were_studied_otherwise_are_named_and_not_shown(tmp_path: Path, params: Params) -> None:
    paths = write_run_study(tmp_path)
    for model in ("linear", "svm"):
        (paths.predictions / f"{model}.csv").write_text("others")
    studies = Studies(runs=read_run_study(*paths))
    section = part_of(text_of(tmp_path, example_results(["a", "b"]), params, studies), "study")
    (warning,) = re.findall(r'<p class="warning" role="note">(.*?)</p>', section)
    assert "Not shown, as the present results are those of none of their runs: Linear and SVM." in warning
    assert "Linear" not in section.replace(warning, "")
    assert "SVM" not in section.replace(warning, "")


def test_where_one_split_was_studied_the_section_says_that_another_may_differ(tmp_path: Path, params: Params) -> None:
    study = example_run_study(tmp_path)
    models = {
        model: found._replace(
            components=None, scores=dict(found.scores) | {"accuracy": Spread(1, 0.5, None, None, None)}
        )
        for model, found in study.summary.models.items()
    }
    differences = [pair._replace(p_value=None) for pair in study.summary.differences]
    one_split = replace(study, summary=study.summary._replace(n_splits=1, models=models, differences=differences))
    text = text_of(tmp_path, example_results(["a", "b"]), params, Studies(runs=one_split))
    section = part_of(text, "study")
    assert "Each model was trained on one split" in section
    assert "different splits" not in section
    assert "Splits share most of their clips" not in section
    assert "trained twice on each split" not in section
    assert '<td class="number">n/a</td>' in section
    assert "standard deviation of a model's accuracy" not in text  # single runs have none


def test_how_sure_one_can_be_is_measured_where_there_are_many_runs(tmp_path: Path, params: Params) -> None:
    results = example_results(["a", "b"])
    sure = part_of(text_of(tmp_path / "without", results, params), "significance")
    # The widest Wilson interval of 12 clips is that of 6 correct ones: 50 ± 24.6 points, and 24.6 times the root of 2.
    assert "is up to ± 25 points (95&nbsp;% interval). If two runs differ by less than 35 points" in sure
    measured = part_of(text_of(tmp_path, results, params, Studies(runs=example_run_study(tmp_path))), "significance")
    assert "is up to ± 25 points (95&nbsp;% interval). Measured over" in measured
    assert (
        "standard deviation of a model's accuracy is 8.3 to 16.7 points. If two runs differ by less than 101"
        in measured
    )


@pytest.mark.parametrize(
    ("dataset", "method", "comparable"),
    [
        (GTZAN, "stratified", True),
        *((GTZAN, method, False) for method in ("grouped", "fault-filtered", "kfold")),
        (DATASET, "stratified", False),
    ],
)
def test_the_papers_rows_stand_beside_comparable_results_alone(
    tmp_path: Path, params: Params, dataset: Mapping[str, Any], method: str, comparable: bool
) -> None:
    text = text_of(tmp_path, example_results(["a", "b"], dataset=dataset), with_split(params, method=method))
    assert text.count('<tr class="paper">') == (4 if comparable else 0)
    assert ("62.5 %" in text) == comparable
    assert ("0.280" in text) == comparable  # the paper's train loss


@pytest.mark.parametrize(
    ("changes", "caveat"),
    [
        ({"method": "stratified"}, "shared."),
        ({"method": "kfold"}, None),
        ({"method": "fault-filtered"}, "clean."),
        ({"method": "fault-filtered", "lists": "mine"}, "unknown."),
        ({"method": "stratified", "lists": "mine"}, "shared."),
    ],
)
def test_caveats_stand_at_the_top(tmp_path: Path, params: Params, changes: dict[str, str], caveat: str | None) -> None:
    of_split = {"stratified": "shared.", "fault-filtered": "clean.", "own lists": "unknown."}
    results = example_results(["a", "b"], dataset=DATASET | {"caveats": ["small."], "split_caveats": of_split})
    text = text_of(tmp_path, replace(results, n_leaked=3), with_split(params, **changes))
    warnings = re.findall(r'<p class="warning" role="note">(.*?)</p>', text[: text.index("<main>")])
    assert warnings[0].startswith("3 test clips have ")
    assert warnings[1:] == ["small.", *([caveat] if caveat else [])]
    assert cell(text, "Leakage").startswith("3 test clips have ")


@pytest.mark.parametrize("models", [["simple"], ["svm"], ["linear", "svm"], list(MODELS)])
def test_the_page_is_written_of_any_models(tmp_path: Path, params: Params, models: list[str]) -> None:
    text = text_of(tmp_path, example_results(["a", "b"], dict.fromkeys(models, 0.5)), params)
    warning = " ".join(re.findall(r'<p class="warning" role="note">(.*?)</p>', text))
    trained_here = [model for model, shown in MODELS.items() if not shown.pre_trained_on]
    assert [model for model in MODELS if MODELS[model].title in warning] == [m for m in trained_here if m not in models]
    for model in set(MODELS) - set(trained_here):
        shown = MODELS[model]
        marked = f"{shown.title} (pre-trained on {shown.pre_trained_on})"
        # Tables of results, genres and pairs, and what figures show: never without the mark.
        assert text.count(shown.title) == text.count(marked)
        assert (marked in text) == (model in models)
    networks = len(set(models) - {"svm"})
    assert ("Table of convergence" in text) == ("<audio" in text) == (networks > 0)
    assert ("Table of pairs of models" in text) == (len(models) > 1)
    # accuracies and two spectrograms, a matrix each, curves each and together, misclassified, agreement
    n_figures = 3 + len(models) + networks + (networks > 1) + (networks > 0) + (len(models) > 1)
    assert text.count("<img") == n_figures


def test_a_model_without_mistakes_has_no_players_and_a_genre_without_test_clips_no_recall(
    tmp_path: Path, params: Params
) -> None:
    clips = clips_of(["a", "b", "c"])
    clips = clips[(clips.genre != "c") | (clips.subset == "train")]
    text = text_of(tmp_path, example_results([], {"complex": 1.0}, clips=clips), params)
    assert "<audio" not in text
    assert '<th scope="row">c</th><td class="number">n/a</td>' in text


def test_the_numbers_of_a_model_stand_in_its_row(tmp_path: Path, params: Params) -> None:
    text = text_of(tmp_path, example_results(["a", "b", "c"]), params)
    rows = {  # of the tables of pairs and of convergence, which come last
        label: re.findall(r'<td class="number">(.*?)</td>', row)
        for label, row in re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', text[: text.index("Table of scores")])
    }
    assert rows["Linear, Complex CNN"] == ["0", "7", "0.0156", "no"]
    section = text[text.index('id="results"') : text.index('id="significance"')]
    complex_row = re.search(r'<tr><th scope="row">Complex CNN</th>(.*?)</tr>', section)
    assert complex_row is not None
    assert re.findall(r">([^<]+)<", complex_row[1]) == [
        "0.067", "100.00 %", "1.600", "72.2 %", "49.1 % \N{EN DASH} 87.5 %", "0.664", "0.475", "1,234",
    ]  # fmt: skip
    assert rows["Complex CNN"] == ["1.000", "12 of 30", "not at the end", "+1.533", "+80.0", "+0.0333", "0.0000", "0.0"]


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        ({"method": "stratified", "test_size": 0.2}, ["20"]),
        ({"method": "grouped", "test_size": 7}, ["7"]),
        ({"method": "kfold", "folds": 5, "fold": 1}, ["1", "0", "5"]),  # counted from 0
        ({"method": "fault-filtered"}, []),
        ({"method": "fault-filtered", "lists": "/a/path/to/list 7"}, ["7"]),
    ],
)
def test_the_split_is_described(tmp_path: Path, params: Params, changes: dict[str, Any], numbers: list[str]) -> None:
    text = text_of(tmp_path, example_results(["a", "b"]), with_split(params, **changes))
    split = cell(text, "Split")
    assert split.startswith(f"{changes['method']}: ")
    assert re.findall(r"\d+", split) == numbers
    assert "/a/path" not in text  # where lists lie is not told


def test_the_run_is_described_with_the_same_bytes_each_time(tmp_path: Path, params: Params) -> None:
    changed = params.model_copy(update={"seed": 3, "train": params.train.model_copy(update={"epochs": 30})})
    text, _ = (text_of(tmp_path / name, example_results(["a", "b"]), changed) for name in ("first", "second"))
    assert (tmp_path / "first/report.html").read_bytes() == (tmp_path / "second/report.html").read_bytes()
    assert cell(text, "Data set") == "your own: clips"
    assert cell(text, "Seed of split and training") == "3"
    assert re.search(r"torch \d.*scikit-learn \d", cell(text, "Versions"))
    assert "<code>train.epochs</code></th><td>30</td><td>150</td>" in text
