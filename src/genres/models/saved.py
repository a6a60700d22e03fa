"""Any trained model from its file alone, ready to predict: no data, parameters or split of the project are needed."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import NamedTuple

from genres import models
from genres.core.files import damaged
from genres.models.base.predictions import Predict
from genres.models.base.weights import Description, read_weights
from genres.schema import Featurize


class SavedModel(NamedTuple):
    """A trained model: what it is, and what it predicts for inputs, float32.

    Their shape depends on the kind: (clips, height, width) of networks and the SVM; (clips, excerpts, features), from
    `scattering_features.excerpt_features`, of "scattering"; (clips, features) of a pre-trained network for "transfer";
    spectrograms (clips, n_mels, frames) in dB for "fine_tuned".
    """

    description: Description
    predict: Predict


def load_model(path: Path) -> SavedModel:
    """Load a model that a training stage wrote, for the CPU.

    Its kind is the name of a module beside this one, whose ``load_predict`` turns arrays and description into what
    predicts. An InputError is raised if the file is missing or damaged, or is not a
    model of this project.
    """
    arrays, description = read_weights(path)
    try:
        if description.featurize is not None:
            Featurize.model_validate(description.featurize)
        kind = description.architecture["kind"]
        # A file from elsewhere cannot have any other module imported.
        if kind not in {module.name for module in iter_modules(models.__path__)} - {"base", "saved"}:
            raise ValueError(f"a model of the kind {kind!r} is not known")
        return SavedModel(description, import_module(f"genres.models.{kind}").load_predict(arrays, description))
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise damaged(path, f"train_{path.stem}", f"not a model of this project ({error})") from None
