"""What the paper fixes and what it found: its parameters and its table of results, of one run on GTZAN."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class PaperResult:
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
    "simple": {"channels": 8, "hidden": 128, "dropout": 0.25},
    "complex": {"channels": 16, "hidden": 256, "dropout": 0.25},
    "svm": {"kernel": "linear", "C": 1.0},
}


def deviations(groups: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the parameters that differ from the paper's, as ``{"train.epochs": (ours, paper's)}``.

    Args:
        groups: the parameters' dataclasses by the name of their group; keys that the paper does not fix are passed
            over.
    """
    found = {}
    for group, ours in groups.items():
        own = asdict(ours)
        for key, papers in PARAMETERS[group].items():
            if own[key] != papers:
                found[f"{group}.{key}"] = (own[key], papers)
    return found
