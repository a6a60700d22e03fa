"""The models to choose from, with what has to be said of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genres.models.base.weights import Description, read_description
from genres.prediction.choice import choose_model
from genres.report.models import MODELS


@dataclass(frozen=True)
class Choice:
    """A trained model that a user can choose."""

    path: Path
    title: str
    description: Description


def find_models(name: str | None, folders: Sequence[Path], data: Path) -> list[Choice]:
    """Return the trained models of some folders, the one to begin with first: that of a name, or else the best one.

    An InputError is raised if there is none, or if one of the files is damaged.
    """
    first = choose_model(name, folders, data / "dataset.json")
    found = [path for folder in folders for path in sorted(folder.glob("*.safetensors"))]
    choices = []
    for path in dict.fromkeys([first, *found]):
        description = read_description(path)
        shown = MODELS.get(description.model)
        choices.append(Choice(path, description.model if shown is None else shown.title, description))
    return choices
