"""Any trained model from its file alone, ready to predict: no data, parameters or split of the project are needed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genres.core.files import damaged
from genres.models.base.predictions import ModelOutput
from genres.models.base.weights import Arrays, Description, read_weights
from genres.schema import Featurize, Input

Predict = Callable[[NDArray[np.float32]], ModelOutput]


@dataclass(frozen=True)
class SavedModel:
    """A trained model: what it is, and what it gives for inputs, float32 of shape (clips, height, width)."""

    description: Description
    predict: Predict


def load_model(path: Path) -> SavedModel:
    """Load a model that a training stage wrote. A network is loaded for the CPU.

    Raises:
        InputError: the file is missing or damaged, or no model of this project.
    """
    arrays, description = read_weights(path)
    try:
        Featurize.model_validate(description.featurize)
        return SavedModel(description, _load(arrays, description))
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise damaged(path, f"train_{path.stem}", f"no model of this project ({error})") from None


def _load(arrays: Arrays, description: Description) -> Predict:
    """Return what predicts with ``arrays``. Each kind of model has a line here; its libraries are loaded if needed."""
    architecture: dict[str, Any] = {**description.architecture}
    input_params, n_classes = Input.model_validate(description.input), len(description.class_names)
    match architecture.pop("kind"):
        case "linear" | "cnn":
            from genres.models.networks.architectures import load_network, predict_network

            network = load_network(arrays, architecture, input_params, n_classes)
            return lambda inputs: predict_network(network, inputs)
        case "svm":
            from genres.models.svm import load_svm, predict_svm

            trained = load_svm(arrays, n_classes, input_params.height * input_params.width)
            return lambda inputs: predict_svm(trained, inputs)
        case kind:
            raise ValueError(f"a model of the kind {kind!r} is not known")
