"""The support vector machine: trained by scikit-learn, kept as plain arrays that anyone can predict with."""

from functools import partial
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from genres.models.base.predictions import ModelOutput, Predict
from genres.models.base.weights import Arrays, Description
from genres.schema import Input, Svm


class TrainedSvm(NamedTuple):
    """A trained machine: one classifier for each pair of classes, which share their support vectors."""

    support_vectors: NDArray[np.float32]  # (vectors, height x width), those of the first class first
    vectors_per_class: NDArray[np.int64]  # (classes,)
    dual_coefficients: NDArray[np.float64]  # (classes - 1, vectors), as scikit-learn's SVC.dual_coef_
    intercepts: NDArray[np.float64]  # (pairs,), in the order (0, 1), (0, 2), ... (1, 2), ...
    gamma: NDArray[np.float64]  # (), the factor in the exponent of the RBF kernel; NaN for the linear kernel


def train_svm(inputs: NDArray[np.float32], labels: NDArray[np.int64], svm: Svm) -> TrainedSvm:
    """Train ``SVC(kernel=..., C=...)`` on inputs (clips, height, width) and labels (clips,).

    Every class from 0 to the highest must occur.
    """
    from sklearn.svm import SVC  # takes a second to import, which predicting does not need

    flat = inputs.reshape(len(inputs), -1)
    machine = SVC(kernel=svm.kernel, C=svm.C).fit(flat, labels)
    # What SVC documents as gamma="scale".
    gamma = 1 / (flat.shape[1] * flat.astype(np.float64).var()) if svm.kernel == "rbf" else np.nan
    # Of two classes, scikit-learn gives the single classifier with the opposite sign.
    sign = -1 if len(machine.classes_) == 2 else 1
    return TrainedSvm(
        machine.support_vectors_.astype(np.float32),
        machine.n_support_.astype(np.int64),
        sign * machine.dual_coef_,
        sign * machine.intercept_,
        np.array(gamma),
    )


def predict_svm(trained: TrainedSvm, inputs: NDArray[np.float32]) -> ModelOutput:
    """Predict the classes of inputs (clips, height, width); a support vector machine gives no probabilities.

    Each pair of classes has a vote, and of those with most votes the first wins: what libsvm does, so that the
    result is that of ``SVC.predict``.
    """
    flat = inputs.reshape(len(inputs), -1).astype(np.float64)
    vectors = trained.support_vectors.astype(np.float64)
    if np.isnan(trained.gamma):
        kernel = flat @ vectors.T
    else:
        kernel = np.exp(-trained.gamma * cdist(flat, vectors, "sqeuclidean"))
    starts = np.cumsum(trained.vectors_per_class)[:-1]
    kernels, coefficients = (np.split(array, starts, axis=1) for array in (kernel, trained.dual_coefficients))
    votes = np.zeros((len(flat), len(kernels)), np.int64)
    for intercept, (first, second) in zip(trained.intercepts, combinations(range(len(kernels)), 2), strict=True):
        # Row j of a class's coefficients is its part in its classifier against the j-th of the others.
        decision = kernels[first] @ coefficients[first][second - 1] + kernels[second] @ coefficients[second][first]
        decision += intercept
        votes[:, first] += decision > 0
        votes[:, second] += decision <= 0
    return ModelOutput(np.asarray(votes.argmax(axis=1), np.int64))


def load_predict(arrays: Arrays, description: Description) -> Predict:
    """Return a function that predicts with a `TrainedSvm`'s arrays; a ValueError or TypeError says they do not fit."""
    trained = TrainedSvm(**arrays)
    input_params = Input.model_validate(description.input)
    n_classes = len(description.class_names)
    n_vectors = int(trained.vectors_per_class.sum())
    shapes = {
        "support_vectors": (n_vectors, input_params.height * input_params.width),
        "vectors_per_class": (n_classes,),
        "dual_coefficients": (n_classes - 1, n_vectors),
        "intercepts": (n_classes * (n_classes - 1) // 2,),
        "gamma": (),
    }
    if any(getattr(trained, name).shape != shape for name, shape in shapes.items()):
        raise ValueError("arrays of other shapes than its description says")
    return partial(predict_svm, trained)
