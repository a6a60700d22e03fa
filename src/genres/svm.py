"""The support vector machine: trained by scikit-learn, kept as plain arrays that anyone can predict with."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.svm import SVC

from genres.params import Svm


class TrainedSvm(NamedTuple):
    """A trained machine: one classifier for each pair of genres, which share their support vectors.

    Attributes:
        support_vectors: shape (vectors, height x width), those of the first genre first.
        vectors_per_genre: how many there are of each genre, shape (genres,).
        dual_coefficients: shape (genres - 1, vectors), as scikit-learn's ``SVC.dual_coef_``.
        intercepts: one for each pair of genres, (0, 1), (0, 2), ... (1, 2), ..., shape (pairs,).
        gamma: factor in the exponent of the RBF kernel, shape (); NaN for the linear kernel.
    """

    support_vectors: NDArray[np.float32]
    vectors_per_genre: NDArray[np.int64]
    dual_coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    gamma: NDArray[np.float64]


def train_svm(inputs: NDArray[np.float32], genres: NDArray[np.int64], svm: Svm) -> TrainedSvm:
    """Train ``SVC(kernel=..., C=...)``.

    Args:
        inputs: shape (clips, height, width).
        genres: the genres' numbers, shape (clips,); every one from 0 to the highest must occur.
        svm: kernel and C.
    """
    flat = inputs.reshape(len(inputs), -1)
    machine = SVC(kernel=svm.kernel, C=svm.C).fit(flat, genres)
    # What SVC documents as gamma="scale".
    gamma = 1 / (flat.shape[1] * flat.astype(np.float64).var()) if svm.kernel == "rbf" else np.nan
    # Of two genres, scikit-learn gives the single classifier with the opposite sign.
    sign = -1 if len(machine.classes_) == 2 else 1
    return TrainedSvm(
        machine.support_vectors_.astype(np.float32),
        machine.n_support_.astype(np.int64),
        sign * machine.dual_coef_,
        sign * machine.intercept_,
        np.array(gamma),
    )


def predict_svm(trained: TrainedSvm, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the predicted genres' numbers (clips,) of inputs (clips, height, width).

    Each pair of genres has a vote, and of those with most votes the first wins: what libsvm does, so that the
    result is that of ``SVC.predict``.
    """
    flat = inputs.reshape(len(inputs), -1).astype(np.float64)
    vectors = trained.support_vectors.astype(np.float64)
    if np.isnan(trained.gamma):
        kernel = flat @ vectors.T
    else:
        kernel = np.exp(-trained.gamma * cdist(flat, vectors, "sqeuclidean"))
    ends = np.cumsum(trained.vectors_per_genre)
    of_genre = [slice(end - count, end) for end, count in zip(ends, trained.vectors_per_genre, strict=True)]
    votes = np.zeros((len(flat), len(ends)), np.int64)
    for intercept, (first, second) in zip(trained.intercepts, combinations(range(len(ends)), 2), strict=True):
        # Row j of the dual coefficients holds a genre's part in its classifier against the j-th of the others.
        decision = (
            kernel[:, of_genre[first]] @ trained.dual_coefficients[second - 1, of_genre[first]]
            + kernel[:, of_genre[second]] @ trained.dual_coefficients[first, of_genre[second]]
            + intercept
        )
        votes[:, first] += decision > 0
        votes[:, second] += decision <= 0
    return np.asarray(votes.argmax(axis=1), np.int64)
