"""The models as they are shown: the one table of their titles and colours, in the order in which they stand."""

from collections.abc import Iterable
from typing import NamedTuple

from genres.core.errors import InputError


class ShownModel(NamedTuple):
    """How a model is shown."""

    title: str
    colour: str
    pre_trained_on: str = ""  # other data than the clips, if it is

    @property
    def full_title(self) -> str:
        """The title, with what the model was pre-trained on."""
        return f"{self.title} (pre-trained on {self.pre_trained_on})" if self.pre_trained_on else self.title


# Okabe and Ito's colours, which colour-blind readers can distinguish.
MODELS = {
    "linear": ShownModel("Linear", "#0072B2"),
    "simple": ShownModel("Simple CNN", "#E69F00"),
    "complex": ShownModel("Complex CNN", "#009E73"),
    "svm": ShownModel("SVM", "#CC79A7"),
    "scattering": ShownModel("Scattering", "#56B4E9"),
    "musicnn": ShownModel("MusiCNN", "#D55E00", "other music"),
    "imagenet": ShownModel("ImageNet CNN", "#F0E442", "photographs"),
}


def in_order(models: Iterable[str]) -> list[str]:
    """Return the names of models in the order of the table, or raise an InputError if one is not in it."""
    models = set(models)
    if unknown := models - MODELS.keys():
        raise InputError(
            f"The model {min(unknown)!r} has predictions, but no title and colour: add a line for it to MODELS in "
            "src/genres/report/models.py, or remove its file from data/predictions."
        )
    return [model for model in MODELS if model in models]
