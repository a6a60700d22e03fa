"""The model card: metadata in Hugging Face's format, and the numbers of the very model."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results
from toy_models import CLASS_NAMES, DATASET, FEATURIZE, INPUT

from genres.export.card import ModelScores, find_scores, write_card
from genres.export.spectrogram import describe_spectrogram
from genres.models.base.weights import Description

SIMPLE = Description(
    "simple",
    {"kind": "networks", "channels": 8, "hidden": 128, "dropout": 0.25, "crop": None},
    CLASS_NAMES,
    FEATURIZE.model_dump(),
    INPUT.model_dump(),
    DATASET,
    n_train_clips=799,
    test_accuracy=0.605,
    seed=3,
)
SVM = replace(SIMPLE, model="svm", architecture={"kind": "svm", "kernel": "linear", "C": 1.0})
SCATTERING = replace(SIMPLE, model="scattering", architecture={"kind": "scattering", "gamma": 0.3}, input=None)
MUSICNN = replace(
    SIMPLE,
    model="musicnn",
    architecture={"kind": "transfer", "network": "musicnn", "classifier": "logistic"},
    featurize=None,
    input=None,
)
IMAGENET = replace(
    SIMPLE,
    model="imagenet",
    architecture={"kind": "transfer", "network": "efficientnet-lite0", "classifier": "logistic"},
    input=None,
)
FINE_TUNED = replace(IMAGENET, architecture={"kind": "fine_tuned", "network": "resnet18"})
GTZAN = DATASET | {
    "name": "gtzan",
    "title": "GTZAN",
    "synthetic": False,
    "caveats": [],
    "split_caveats": {"stratified": "Accuracies are known to be too high."},
}
SCORES: dict[str, Any] = {
    "accuracy": 0.605,
    "accuracy_high": 0.6702,
    "accuracy_low": 0.5359,
    "calibration_error": 0.0516,
    "macro_f1": 0.5902,
}
FOUND = ModelScores(SCORES, n_test_clips=200, n_leaked=7)


def make_card(folder: Path, description: Description, scores: ModelScores | None) -> ModelCard:
    write_card(folder / "README.md", description, describe_spectrogram(description), scores)
    card = ModelCard.load(folder / "README.md")
    assert "None" not in card.text
    assert "\n\n\n" not in card.text
    return card


def test_the_metadata_hold_the_scores_in_the_format_of_hugging_face(tmp_path: Path) -> None:
    metadata = make_card(tmp_path, SIMPLE, FOUND).data.to_dict()
    assert metadata["license"] == "mit"
    assert metadata["pipeline_tag"] == "audio-classification"
    assert metadata["metrics"] == ["accuracy", "f1"]
    assert "datasets" not in metadata  # tones are not on Hugging Face
    name, results = model_index_to_eval_results(metadata["model-index"])
    assert name == "genres-simple"
    assert {result.dataset_name for result in results} == {"Tones"}
    assert {result.metric_type: result.metric_value for result in results} == {"accuracy": 0.605, "f1": 0.5902}


def test_the_text_says_what_the_model_is_how_it_was_trained_and_how_well_it_does(tmp_path: Path) -> None:
    text = make_card(tmp_path, SIMPLE, FOUND).text
    for words in (
        "Simple CNN",
        "This model classifies the mel spectrogram of a clip as one of 3 genres: blues, jazz, rock.",
        "It is a convolutional network with three blocks.",
        "| data set | Tones |",
        "| clips | tones: twelve of them |",
        "| train clips | 799 |",
        "| `featurize.n_mels` | 64 |",
        "| `input.height` | 32 |",
        "| `crop` | none |",
        "On 200 test clips",
        "| 60.5 % | 53.6 to 67.0 % | 0.590 | 0.052 |",
        "7 of the test clips have a copy",
        "Its answers about real music mean nothing.",
        "Tones are not music.",
        "It was trained on clips of 10 s",
    ):
        assert words in text


def test_without_scores_it_has_the_accuracy_that_the_model_file_holds(tmp_path: Path) -> None:
    card = make_card(tmp_path, SIMPLE, None)
    assert "60.5 %. The model's file holds no other score." in card.text
    [result] = model_index_to_eval_results(card.data.to_dict()["model-index"])[1]
    assert (result.metric_type, result.metric_value) == ("accuracy", 0.605)


def test_real_data_and_what_is_wrong_with_them_are_named(tmp_path: Path) -> None:
    card = make_card(tmp_path, replace(SIMPLE, dataset=GTZAN), FOUND)
    assert card.data.datasets == ["marsyas/gtzan"]
    assert "means nothing" not in card.text
    assert "If at random, which is the default: Accuracies are known to be too high." in card.text


@pytest.mark.parametrize(
    ("description", "words", "license_name"),
    [
        (SVM, "It is a support vector machine with a linear kernel.", "mit"),
        (SVM, "`votes` is the share of the pairs of genres", "mit"),
        (SCATTERING, "A shorter one is repeated", "mit"),
        (MUSICNN, "which was trained on other music: tags of the Million Song Dataset.", "isc"),
        (MUSICNN, "as log10(1 + 10000 x power).", "isc"),
        (IMAGENET, "efficientnet-lite0, which was trained on photographs (ImageNet).", "apache-2.0"),
        (replace(MUSICNN, dataset=GTZAN), "may be among those that MusiCNN was trained on", "isc"),
        (FINE_TUNED, "and then as a whole on these clips", "apache-2.0"),
        (replace(SIMPLE, model="mine"), "# Music genres: mine", "mit"),
    ],
)
def test_every_kind_of_model_is_described(
    tmp_path: Path, description: Description, words: str, license_name: str
) -> None:
    scores = replace(FOUND, scores=SCORES | {"calibration_error": None}) if description is SVM else FOUND
    card = make_card(tmp_path, description, scores)
    assert words in card.text
    assert card.data.license == license_name


@pytest.fixture
def results(tmp_path: Path) -> dict[str, Path]:
    """The files of a project in which two models were evaluated."""
    contents = {
        "dataset": DATASET,
        "evaluate": {"simple": SCORES},
        "transfer": {"musicnn": SCORES},
        "split": {"train": 799, "test": 200, "leaked": 7},
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return {name: tmp_path / f"{name}.json" for name in contents}


def find(results: dict[str, Path], description: Description) -> ModelScores | None:
    return find_scores(description, results["dataset"], [results["evaluate"], results["transfer"]], results["split"])


@pytest.mark.parametrize("description", [SIMPLE, MUSICNN, replace(SIMPLE, test_accuracy=0.60499)])
def test_the_scores_of_the_project_are_found(results: dict[str, Path], description: Description) -> None:
    assert find(results, description) == FOUND


@pytest.mark.parametrize("changes", [{"model": "complex"}, {"test_accuracy": 0.61}, {"dataset": GTZAN}])
def test_the_scores_of_another_model_are_not_taken(results: dict[str, Path], changes: dict[str, Any]) -> None:
    assert find(results, replace(SIMPLE, **changes)) is None


@pytest.mark.parametrize("missing", ["dataset", "evaluate", "split"])
def test_a_project_without_results_has_no_scores(results: dict[str, Path], missing: str) -> None:
    results[missing].unlink()
    assert find(results, SIMPLE) is None
