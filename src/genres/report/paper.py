"""What the paper fixes and what it found: its parameters and its table of results, of one run on GTZAN."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from genres.report.models import MODELS
from genres.schema import Params


class PaperResult(NamedTuple):
    """A row of the paper's results; the losses of the SVM are not given."""

    train_accuracy: float
    test_accuracy: float
    train_loss: float | None = None
    test_loss: float | None = None


RESULTS: Mapping[str, PaperResult] = {
    "linear": PaperResult(0.9825, 0.5050, 0.3108, 1.2655),
    "simple": PaperResult(0.6521, 0.5450, 1.0657, 1.4456),
    "complex": PaperResult(0.9562, 0.6250, 0.2804, 1.1579),
    "svm": PaperResult(0.9987, 0.57),
}

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "featurize": {
        "sample_rate": 22050,
        "n_fft": 2048,
        "hop_length": 512,
        "n_mels": 128,
        "top_db": 80.0,
        "n_frames": 1291,
    },
    "split": {"method": "stratified", "test_size": 0.2},
    "input": {"height": 64, "width": 100, "mean": -42.88, "std": 15.50},
    "train": {"epochs": 150, "batch_size": 128, "learning_rate": 1e-4},
    "simple": {"channels": 8, "hidden": 128, "dropout": 0.25, "crop": None},
    "complex": {"channels": 16, "hidden": 256, "dropout": 0.25, "crop": None},
    "svm": {"kernel": "linear", "C": 1.0},
}


def beyond_paper(models: Iterable[str]) -> dict[str, str]:
    """Return the models that the paper does not have, and what has to be said of each wherever its results stand."""
    pre_trained_on = {model: MODELS[model].pre_trained_on for model in models if model not in RESULTS}
    return {model: f"pre-trained on {data}" if data else "beyond the paper" for model, data in pre_trained_on.items()}


def comparable_results(dataset: Mapping[str, Any], split_method: str) -> Mapping[str, PaperResult]:
    """Return the paper's results by model if ours on this data set and split may stand beside them, else nothing.

    ``dataset`` is the content of ``dataset.json``.
    """
    return RESULTS if dataset["paper"] and split_method == PARAMETERS["split"]["method"] else {}


def deviations(params: Params) -> dict[str, tuple[Any, Any]]:
    """Return the parameters that differ from the paper's, as ``{"train.epochs": (ours, paper's)}``."""
    ours = {group: getattr(params, group).model_dump() for group in PARAMETERS}
    return {
        f"{group}.{key}": (ours[group][key], value)
        for group, fixed in PARAMETERS.items()
        for key, value in fixed.items()
        if ours[group][key] != value
    }
