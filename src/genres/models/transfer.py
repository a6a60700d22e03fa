"""A linear classifier on the features of a pre-trained network, with calibrated probabilities.

Folds of the training clips choose how strongly it is regularised, and the temperature of its probabilities. Where a
class has a single clip, there are no folds, and the probabilities are not calibrated.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.special import softmax
from torch import Tensor

from genres.models.base.calibration import draw_folds, fit_temperature
from genres.models.base.predictions import ModelOutput, Predict
from genres.models.base.weights import Arrays, Description
from genres.schema import Classifier

STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)  # scikit-learn's C, of standardised features
NETWORK = "network."  # before the names of the network's weights, which stand beside the classifier in a model's file
USUAL_STRENGTH = 0.1  # where a class has too few clips for folds
MIN_DEVIATION = 1e-6  # of a feature, so that a constant one gives no infinite number
MAX_ITERATIONS = 10_000

FloatArray = NDArray[np.float32]


class TrainedTransfer(NamedTuple):
    """A trained classifier: the logits are ``features @ coefficients + intercepts``."""

    coefficients: NDArray[np.float64]  # (features, classes)
    intercepts: NDArray[np.float64]  # (classes,)


def train_transfer(
    features: FloatArray, labels: NDArray[np.int64], classifier: Classifier, seed: int
) -> TrainedTransfer:
    """Train on features (clips, features) and labels (clips,), of which every class from 0 to the highest must occur.

    The folds are drawn with ``seed``. Of the strengths of regularisation, the one under which the clips that a fold
    leaves out are most probable is taken, and with it the temperature.
    """
    strength, inverse_temperature = USUAL_STRENGTH, 1.0
    if folds := draw_folds(labels, seed):
        outcomes = []
        for candidate in STRENGTHS:
            logits = np.zeros((len(labels), int(labels.max()) + 1))
            for kept, left_out in folds:
                trained = _fit(features[kept], labels[kept], classifier, candidate)
                logits[left_out] = _logits(trained, features[left_out])
            outcomes.append((*fit_temperature(logits, labels), candidate))
        _, inverse_temperature, strength = min(outcomes)
    coefficients, intercepts = _fit(features, labels, classifier, strength)
    return TrainedTransfer(coefficients * inverse_temperature, intercepts * inverse_temperature)


def predict_transfer(trained: TrainedTransfer, features: FloatArray) -> ModelOutput:
    """Predict the classes of clips from their features (clips, features)."""
    logits = _logits(trained, features)
    return ModelOutput(np.asarray(logits.argmax(axis=1), np.int64), softmax(logits, axis=1))


def with_network(trained: TrainedTransfer, network: Path) -> Arrays:
    """Return the arrays of a classifier and of its network, read from a safetensors file: all that predicting needs."""
    return trained._asdict() | {NETWORK + name: array for name, array in load_file(network).items()}


def network_tensors(arrays: Arrays) -> dict[str, Tensor]:
    """Return the network's weights from what `with_network` gave."""
    found = {name.removeprefix(NETWORK): array for name, array in arrays.items() if name.startswith(NETWORK)}
    return {name: torch.from_numpy(array) for name, array in found.items()}


def load_predict(arrays: Arrays, description: Description) -> Predict:
    """Return a function that predicts with a `TrainedTransfer`; a ValueError or TypeError says they do not fit."""
    trained = TrainedTransfer(*(arrays[name] for name in TrainedTransfer._fields))
    n_classes = len(description.class_names)
    if trained.coefficients.shape[1:] != (n_classes,) or trained.intercepts.shape != (n_classes,):
        raise ValueError(f"the classifier is not one of {n_classes} classes")
    return lambda features: predict_transfer(trained, features)


def _fit(features: FloatArray, labels: NDArray[np.int64], classifier: Classifier, strength: float) -> TrainedTransfer:
    from sklearn.linear_model import LogisticRegression  # takes a second to import, which predicting does not need
    from sklearn.svm import LinearSVC

    mean, deviation = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + MIN_DEVIATION
    models = {
        "logistic": LogisticRegression(C=strength, max_iter=MAX_ITERATIONS),
        "svm": LinearSVC(C=strength, max_iter=MAX_ITERATIONS, dual=True, random_state=0),  # fast with many features
    }
    model = models[classifier].fit((features - mean) / deviation, labels)
    coefficients, intercepts = model.coef_.T, model.intercept_
    if len(intercepts) == 1:  # of two classes, scikit-learn has the difference
        coefficients, intercepts = coefficients * [[0, 1]], intercepts * [0, 1]
    coefficients = coefficients / deviation[:, None]
    return TrainedTransfer(coefficients, intercepts - mean @ coefficients)


def _logits(trained: TrainedTransfer, features: FloatArray) -> NDArray[np.float64]:
    # Clip by clip, so that the bits do not depend on which clips come together.
    logits: NDArray[np.float64] = (features[:, None] @ trained.coefficients)[:, 0] + trained.intercepts
    return logits
