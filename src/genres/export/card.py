"""The model card, in the format of Hugging Face: what a model is, how it was trained, its scores and its limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from huggingface_hub import EvalResult, ModelCardData

from genres.core.dataset import read_dataset
from genres.core.files import DECIMALS, read_json
from genres.datasets.gtzan import REPOSITORY
from genres.export.spectrogram import Spectrogram
from genres.models.base.weights import Description
from genres.report.models import MODELS
from genres.report.results import SplitCounts, read_scores

TEMPLATE = Path(__file__).with_name("card.md.jinja")
# Where a data set is on Hugging Face, by its name; gtzan-mini is a part of it.
ON_HUB = {"gtzan": REPOSITORY, "gtzan-mini": REPOSITORY}
# The licences of the pre-trained networks, whose weights are most of a model's file, by their Hugging Face identifiers.
NETWORK_LICENSES = {"musicnn": "isc", "efficientnet-lite0": "apache-2.0", "resnet18": "apache-2.0"}


@dataclass(frozen=True)
class ModelScores:
    """The scores of a model on its test clips, and how many of these there are."""

    scores: Mapping[str, Any]  # of `evaluation.scores.Scores`
    n_test_clips: int
    n_leaked: int  # test clips that have a copy in train


def find_scores(
    description: Description, dataset: Path, score_files: Sequence[Path], split_metrics: Path
) -> ModelScores | None:
    """Return the project's scores of a model if they are of this very model, else None.

    They are if the model was trained on the present data set, and its accuracy is the one that its file holds.
    ``dataset`` is the path of dataset.json, and ``split_metrics`` that of split.json.
    """
    if not (dataset.is_file() and split_metrics.is_file() and read_dataset(dataset) == description.dataset):
        return None
    for path in score_files:
        scores = read_scores(path).get(description.model) if path.is_file() else None
        if scores is not None and scores["accuracy"] == round(description.test_accuracy, DECIMALS):
            counts = read_json(split_metrics, SplitCounts, "split")
            return ModelScores(scores, counts["test"], counts["leaked"])
    return None


def write_card(path: Path, description: Description, spectrogram: Spectrogram, scores: ModelScores | None) -> None:
    """Write the model card of a model, with ``scores`` if there are any, else with the accuracy that its file holds."""
    shown = MODELS.get(description.model)
    environment = jinja2.Environment(  # noqa: S701, this is no HTML
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        metadata=_metadata(description, scores).to_yaml(),
        title=shown.title if shown else description.model,
        license=_license(description),
        description=description,
        kind=description.architecture["kind"],
        network=description.architecture.get("network"),
        spectrogram=spectrogram,
        test=scores,
    )
    path.write_text(text, encoding="utf-8")


def _license(description: Description) -> str:
    return NETWORK_LICENSES.get(description.architecture.get("network", ""), "mit")


def _metadata(description: Description, scores: ModelScores | None) -> ModelCardData:
    name = description.dataset["name"]
    metrics = [("accuracy", "Accuracy", scores.scores["accuracy"] if scores else description.test_accuracy)]
    if scores:
        metrics.append(("f1", "Macro F1", scores.scores["macro_f1"]))
    results = [
        EvalResult(
            task_type="audio-classification",
            task_name="Music genre classification",
            dataset_type=ON_HUB.get(name, name),
            dataset_name=description.dataset["title"],
            dataset_split="test",
            metric_type=kind,
            metric_name=title,
            metric_value=value,
        )
        for kind, title, value in metrics
    ]
    return ModelCardData(
        license=_license(description),
        library_name="onnx",
        pipeline_tag="audio-classification",
        tags=["music", "genre-classification", "onnx", "safetensors"],
        datasets=[ON_HUB[name]] if name in ON_HUB else None,
        metrics=[kind for kind, *_ in metrics],
        model_name=f"genres-{description.model}",
        eval_results=results,
    )
