"""Any trained model from its file alone, ready to predict: no data, parameters or split of the project are needed."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from genres import models
from genres.core.dataset import DescribedDataset
from genres.core.errors import InputError
from genres.models.base.predictions import Predict
from genres.models.base.weights import Arrays, Description, read_weights, unusable_model
from genres.schema import Featurize

DESCRIPTION = TypeAdapter(Description)


class SavedModel(NamedTuple):
    """A trained model: what it is, what its file holds, and what it predicts for inputs, float32.

    Their shape depends on the kind: (clips, height, width) of networks and the SVM; (clips, excerpts, features), from
    `scattering_features.excerpt_features`, of "scattering"; (clips, features) of a pre-trained network for "transfer";
    spectrograms (clips, n_mels, frames) in dB for "fine_tuned".
    """

    description: Description
    arrays: Arrays
    predict: Predict


def load_model(path: Path) -> SavedModel:
    """Load a model that a training stage wrote, for the CPU.

    Its kind is the name of a module beside this one, whose ``load_predict`` turns arrays and description into what
    predicts. An InputError is raised if the file is missing or damaged, or is not a model of this project.
    """
    try:
        arrays, description = read_weights(path)
        description = DESCRIPTION.validate_python(vars(description))
        DescribedDataset.model_validate(description.dataset)
        if description.featurize is not None:
            Featurize.model_validate(description.featurize)
        kind = description.architecture["kind"]
        # A file from elsewhere cannot have any other module imported.
        if kind not in {module.name for module in iter_modules(models.__path__)} - {"base", "saved"}:
            raise ValueError(f"a model of the kind {kind!r} is not known")
        predict = import_module(f"genres.models.{kind}").load_predict(arrays, description)
        return SavedModel(description, arrays, predict)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise refused_model(path, error) from None


def refused_model(path: Path, error: Exception) -> InputError:
    """Return the error that says why a file is no usable model, in one line whatever pydantic says."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        error = ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    return unusable_model(path, error)
