"""Features of excerpts, classified by two methods that err on different clips, and calibrated.

A linear discriminant analysis classifies each excerpt by its scattering, and a kernel ridge regression compares whole
clips. Their sum is more accurate than either.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from genres.models.base.calibration import draw_folds, fit_temperature
from genres.models.base.predictions import ModelOutput, Predict
from genres.models.base.weights import Arrays, Description
from genres.schema import Scattering

MAX_DEVIATION = 5.0  # standard deviations that a feature is clipped to
MIN_DEVIATION = 1e-6  # of a feature, so that one without any gives no infinite number
CLIPS_AT_ONCE = 32  # in training
USUAL_INVERSE_TEMPERATURE = 2.0  # where a class has too few clips for folds

FloatArray = NDArray[np.float32]


class _Fitted(NamedTuple):
    coefficients: NDArray[np.float64]  # (features of the first group, classes), of the discriminant analysis
    intercepts: NDArray[np.float64]  # (classes,), likewise
    dual_coefficients: NDArray[np.float64]  # (training clips, classes), of the kernel ridge regression
    shares: NDArray[np.float64]  # (classes,), of the training clips


class TrainedScattering(NamedTuple):
    """A trained model; an excerpt has the features of `scattering_features.group_sizes`, in groups."""

    coefficients: NDArray[np.float64]  # these four as above
    intercepts: NDArray[np.float64]
    dual_coefficients: NDArray[np.float64]
    shares: NDArray[np.float64]
    mean: FloatArray  # (features,), of the training excerpts
    deviation: FloatArray  # (features,), likewise
    group_sizes: NDArray[np.int64]  # (groups,); the discriminant analysis sees the first group
    excerpts: FloatArray  # (training clips, excerpts, features), scaled
    gamma: NDArray[np.float64]  # (), of the kernel
    ridge_weight: NDArray[np.float64]  # (), of the regression's scores beside the posterior probabilities
    inverse_temperature: NDArray[np.float64]  # (), what the sum of both is multiplied by before the softmax


def train_scattering(
    features: FloatArray, labels: NDArray[np.int64], group_sizes: Sequence[int], params: Scattering, seed: int
) -> TrainedScattering:
    """Train on the features of excerpts (clips, excerpts, features) and the clips' labels (clips,).

    Every class from 0 to the highest must occur. The folds of the calibration are drawn with ``seed``.
    """
    sizes = np.array(group_sizes, np.int64)
    flat = features.reshape(-1, features.shape[-1])
    mean, deviation = flat.mean(axis=0), flat.std(axis=0) + np.float32(MIN_DEVIATION)
    excerpts = _scale(features, mean, deviation, sizes)
    scattering = excerpts[..., : sizes[0]]
    similarities = _similarities(excerpts, excerpts, params.gamma, CLIPS_AT_ONCE)
    fitted = _fit(scattering, similarities, labels, params)
    inverse_temperature = _calibrate(scattering, similarities, labels, params, seed)
    settings = (np.array(value) for value in (params.gamma, params.ridge_weight, inverse_temperature))
    return TrainedScattering(*fitted, mean, deviation, sizes, excerpts, *settings)


def predict_scattering(trained: TrainedScattering, features: FloatArray) -> ModelOutput:
    """Predict the classes of clips from the features of their excerpts (clips, excerpts, features)."""
    excerpts = _scale(features, trained.mean, trained.deviation, trained.group_sizes)
    similarities = _similarities(excerpts, trained.excerpts, float(trained.gamma), 1)
    scattering = excerpts[..., : trained.group_sizes[0]]
    scores = _scores(_Fitted(*trained[:4]), scattering, similarities, float(trained.ridge_weight))
    return ModelOutput(
        np.asarray(scores.argmax(axis=1), np.int64), softmax(trained.inverse_temperature * scores, axis=1)
    )


def load_predict(arrays: Arrays, description: Description) -> Predict:
    """Return a function that predicts with a `TrainedScattering`; a ValueError or TypeError says they do not fit."""
    trained = TrainedScattering(**arrays)
    sizes, n_classes = trained.group_sizes, len(description.class_names)
    if sizes.ndim != 1 or not sizes.size or trained.excerpts.ndim != 3:
        raise ValueError("its groups of features or its excerpts are missing")
    n_clips, n_excerpts, features = *trained.excerpts.shape[:2], (sizes.sum(),)
    fitted = [(sizes[0], n_classes), (n_classes,), (n_clips, n_classes), (n_classes,)]
    expected = [*fitted, features, features, sizes.shape, (n_clips, n_excerpts, *features), (), (), ()]
    if [array.shape for array in trained] != expected or not all(np.isfinite(array).all() for array in trained):
        raise ValueError("arrays of other shapes than its description says, or not finite")
    return partial(predict_scattering, trained)


def _scale(features: FloatArray, mean: FloatArray, deviation: FloatArray, group_sizes: NDArray[np.int64]) -> FloatArray:
    """Standardise features, and scale them so that each group adds as much to the squared distance of two excerpts."""
    standardised = np.clip((features - mean) / deviation, -MAX_DEVIATION, MAX_DEVIATION)
    weights = np.repeat(1 / np.sqrt(len(group_sizes) * group_sizes), group_sizes)
    return np.asarray(standardised * weights, np.float32)


def _similarities(first: FloatArray, second: FloatArray, gamma: float, at_once: int) -> NDArray[np.float64]:
    """Return how similar the clips ``first`` are to each of ``second``, 1 for the same clip, (clips, clips).

    It is the cosine of clips as means of their excerpts in the space of the kernel exp(-gamma d^2). With one clip
    ``at_once``, the bits do not depend on which clips come together; with more, it takes less time.
    """
    flat = second.reshape(-1, second.shape[2])
    squares = (flat**2).sum(axis=1)
    norms = _norms(second, gamma)
    similarities = np.empty((len(first), len(second)))
    for start in range(0, len(first), at_once):
        clips = first[start : start + at_once]
        excerpts = clips.reshape(-1, clips.shape[2])
        kernel = _kernel((excerpts**2).sum(axis=1)[:, None] + squares - 2 * excerpts @ flat.T, gamma)
        means = kernel.reshape(*clips.shape[:2], *second.shape[:2]).mean(axis=(1, 3), dtype=np.float64)
        similarities[start : start + at_once] = means / np.outer(_norms(clips, gamma), norms)
    return similarities


def _kernel(squared_distances: FloatArray, gamma: float) -> FloatArray:
    return np.exp(-np.float32(gamma) * np.maximum(squared_distances, 0))


def _norms(clips: FloatArray, gamma: float) -> NDArray[np.float64]:
    """Return the length of each clip as the mean of its excerpts in the kernel's space, (clips,)."""
    squares = (clips**2).sum(axis=2)
    distances = squares[:, :, None] + squares[:, None] - 2 * clips @ clips.transpose(0, 2, 1)
    return np.asarray(np.sqrt(_kernel(distances, gamma).mean(axis=(1, 2), dtype=np.float64)))


def _fit(
    scattering: FloatArray, similarities: NDArray[np.float64], labels: NDArray[np.int64], params: Scattering
) -> _Fitted:
    # They take a second to import, which predicting does not need.
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.kernel_ridge import KernelRidge

    flat = scattering.reshape(-1, scattering.shape[2]).astype(np.float64)
    n_classes = int(labels.max()) + 1
    analysis = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=params.shrinkage, priors=np.full(n_classes, 1 / n_classes)
    ).fit(flat, np.repeat(labels, scattering.shape[1]))
    coefficients, intercepts = analysis.coef_.T, analysis.intercept_
    if n_classes == 2:  # scikit-learn then has the difference of the two
        coefficients, intercepts = coefficients * [[0, 1]], intercepts * [0, 1]
    classes = np.eye(n_classes)[labels]
    shares = classes.mean(axis=0)
    ridge = KernelRidge(alpha=params.alpha, kernel="precomputed").fit(similarities, classes - shares)
    return _Fitted(coefficients, intercepts, ridge.dual_coef_, shares)


def _scores(
    fitted: _Fitted, scattering: FloatArray, similarities: NDArray[np.float64], ridge_weight: float
) -> NDArray[np.float64]:
    """Return a score for each clip and class, (clips, classes)."""
    posteriors = log_softmax(scattering @ fitted.coefficients + fitted.intercepts, axis=2).mean(axis=1)
    regression = (similarities[:, None] @ fitted.dual_coefficients)[:, 0] + fitted.shares  # clip by clip, too
    return np.asarray(softmax(posteriors, axis=1) + ridge_weight * regression)


def _calibrate(
    scattering: FloatArray,
    similarities: NDArray[np.float64],
    labels: NDArray[np.int64],
    params: Scattering,
    seed: int,
) -> float:
    """Return the inverse temperature under which training clips that are left out of the training are most probable."""
    folds = draw_folds(labels, seed)
    if not folds:
        return USUAL_INVERSE_TEMPERATURE
    scores = np.zeros((len(labels), int(labels.max()) + 1))
    for kept, left_out in folds:
        fitted = _fit(scattering[kept], similarities[np.ix_(kept, kept)], labels[kept], params)
        to_kept = similarities[np.ix_(left_out, kept)]
        scores[left_out] = _scores(fitted, scattering[left_out], to_kept, params.ridge_weight)
    return fit_temperature(scores, labels)[1]
