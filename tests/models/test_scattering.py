"""The model beyond the paper: each part against its formula, and what both say together."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from genres.models.scattering import (
    USUAL_INVERSE_TEMPERATURE,
    TrainedScattering,
    predict_scattering,
    train_scattering,
)
from genres.schema import Scattering

PARAMS = Scattering(shrinkage=0.1, gamma=0.3, alpha=0.05, ridge_weight=2.0)
SIZES = (20, 6, 4)


def clips(n_classes: int, n_clips: int, seed: int, noise: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return features (clips, 3 excerpts, 30) around one point for each class, and labels."""
    centres = np.random.default_rng(0).normal(size=(n_classes, 1, sum(SIZES)))
    labels = np.arange(n_clips) % n_classes
    noises = np.random.default_rng(seed).normal(scale=noise, size=(n_clips, 3, sum(SIZES)))
    return (5 + 3 * (centres[labels] + noises)).astype(np.float32), labels


def explained(
    features: NDArray[np.float32], labels: NDArray[np.int64], unseen: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the scores that the two methods give, each written as its formula, one clip and excerpt after another."""
    flat = features.reshape(-1, features.shape[2]).astype(float)
    mean, deviation = flat.mean(axis=0), flat.std(axis=0)
    weights = np.concatenate([np.full(size, 1 / np.sqrt(size * len(SIZES))) for size in SIZES])
    train, test = (np.clip((x - mean) / deviation, -5, 5) for x in (features, unseen))
    heard, unheard = (x[..., : SIZES[0]].reshape(-1, SIZES[0]) for x in (train, test))
    n_classes = labels.max() + 1
    analysis = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=PARAMS.shrinkage, priors=np.full(n_classes, 1 / n_classes)
    )
    posteriors = analysis.fit(heard, np.repeat(labels, 3)).predict_log_proba(unheard).reshape(len(test), 3, -1)

    def inner(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        return float(
            np.mean([[np.exp(-PARAMS.gamma * ((a * weights - b * weights) ** 2).sum()) for b in other] for a in one])
        )

    def kernel(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([[inner(a, b) / np.sqrt(inner(a, a) * inner(b, b)) for b in train] for a in rows])

    classes = np.eye(n_classes)[labels]
    shares = classes.mean(axis=0)
    dual = np.linalg.solve(kernel(train) + PARAMS.alpha * np.eye(len(train)), classes - shares)
    ridge = kernel(test) @ dual + shares
    return softmax(posteriors.mean(axis=1), axis=1) + PARAMS.ridge_weight * ridge


@pytest.mark.parametrize("n_clips", [(12, 8), (12, 8, 4)])
def test_predictions_are_those_of_the_two_formulas(n_clips: tuple[int, ...]) -> None:
    n_classes = len(n_clips)
    features, labels = clips(n_classes, max(n_clips) * n_classes, seed=1)
    kept = np.concatenate([np.flatnonzero(labels == label)[:count] for label, count in enumerate(n_clips)])
    features, labels = features[kept], labels[kept]
    unseen, _ = clips(n_classes, 9, seed=2)
    trained = train_scattering(features, labels, SIZES, PARAMS, seed=0)
    scores = explained(features, labels, unseen)
    output = predict_scattering(trained, unseen)
    np.testing.assert_array_equal(output.labels, scores.argmax(axis=1))
    assert output.probabilities == pytest.approx(softmax(trained.inverse_temperature * scores, axis=1), abs=1e-4)


def test_what_is_easily_heard_is_classified_and_probabilities_add_up_to_one() -> None:
    features, labels = clips(5, 50, seed=1, noise=0.3)
    unseen, expected = clips(5, 40, seed=2, noise=0.3)
    output = predict_scattering(train_scattering(features, labels, SIZES, PARAMS, seed=0), unseen)
    assert output.labels.tolist() == expected.tolist()
    assert output.probabilities is not None
    assert output.probabilities.sum(axis=1) == pytest.approx(1)


def test_the_temperature_makes_confidence_and_accuracy_agree() -> None:
    features, labels = clips(4, 200, seed=1, noise=3)
    unseen, expected = clips(4, 2000, seed=2, noise=3)
    output = predict_scattering(train_scattering(features, labels, SIZES, PARAMS, seed=0), unseen)
    assert output.probabilities is not None
    accuracy = (output.labels == expected).mean()
    assert 0.4 < accuracy < 0.95
    assert output.probabilities.max(axis=1).mean() == pytest.approx(accuracy, abs=0.04)


def test_the_least_cross_entropy_of_left_out_clips_sets_the_temperature() -> None:
    """Clips that are noise are best said to be of each class with its share."""
    features = np.random.default_rng(0).normal(size=(90, 3, sum(SIZES))).astype(np.float32)
    trained = train_scattering(features, np.arange(90) % 3, SIZES, PARAMS, seed=0)
    output = predict_scattering(trained, np.random.default_rng(1).normal(size=(90, 3, sum(SIZES))).astype(np.float32))
    assert output.probabilities is not None
    assert np.abs(log_softmax(np.zeros(3)) - np.log(output.probabilities)).mean() < 0.3


def test_a_class_of_a_single_clip_is_trained_without_folds() -> None:
    features, labels = clips(3, 3, seed=1, noise=0.1)
    trained = train_scattering(features, labels, SIZES, PARAMS, seed=0)
    assert predict_scattering(trained, features).labels.tolist() == [0, 1, 2]
    assert trained.inverse_temperature == USUAL_INVERSE_TEMPERATURE


def test_the_seed_draws_the_folds_of_the_calibration_and_nothing_else() -> None:
    features, labels = clips(3, 30, seed=1, noise=3)
    first, again, other = (train_scattering(features, labels, SIZES, PARAMS, seed) for seed in (0, 0, 1))
    for name, *arrays in zip(first._fields, first, again, other, strict=True):
        np.testing.assert_array_equal(arrays[0], arrays[1])
        assert np.array_equal(arrays[0], arrays[2]) == (name != "inverse_temperature")


def test_a_feature_without_deviation_and_one_out_of_all_bounds_do_no_harm() -> None:
    features, labels = clips(3, 30, seed=1, noise=0.3)
    features[..., 3] = 7
    trained = train_scattering(features, labels, SIZES, PARAMS, seed=0)
    unseen, expected = clips(3, 30, seed=2, noise=0.3)
    unseen[..., 3] = 7
    unseen[..., 4] = 1e30
    output = predict_scattering(trained, unseen)
    assert output.labels.tolist() == expected.tolist()
    assert isinstance(trained, TrainedScattering)
    assert all(np.isfinite(array).all() for array in trained)


def test_the_result_does_not_depend_on_the_clips_that_are_predicted_with_it() -> None:
    features, labels = clips(4, 60, seed=1)
    unseen, _ = clips(4, 70, seed=2)
    trained = train_scattering(features, labels, SIZES, PARAMS, seed=0)
    together = predict_scattering(trained, unseen).probabilities
    assert together is not None
    alone = [predict_scattering(trained, unseen[i : i + 1]).probabilities for i in range(len(unseen))]
    np.testing.assert_array_equal(together, np.concatenate([one for one in alone if one is not None]))
