"""A classifier on the features of a pre-trained network."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from genres.models import transfer
from genres.models.base import calibration
from genres.models.transfer import STRENGTHS, predict_transfer, train_transfer
from genres.schema import Classifier

EACH_CLASSIFIER = pytest.mark.parametrize("classifier", ["logistic", "svm"])


def toy(
    n_clips: int, n_classes: int = 3, noise: float = 1.0, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return features, of which some tell the class, some are large, and one is constant."""
    random = np.random.default_rng(seed)
    labels = np.arange(n_clips) % n_classes
    features = random.normal(0, noise, (n_clips, 8))
    features[:, :n_classes] += 2 * np.eye(n_classes)[labels]
    return (features * [1, 10, 100, 1, 1, 1, 1, 0] + 5).astype(np.float32), labels


@EACH_CLASSIFIER
@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_what_can_be_learned_is_learned(classifier: Classifier, n_classes: int) -> None:
    trained = train_transfer(*toy(120, n_classes, noise=0.5), classifier, seed=0)
    features, labels = toy(60, n_classes, noise=0.5, seed=1)
    output = predict_transfer(trained, features)
    assert (output.labels == labels).mean() > 0.9
    assert output.probabilities is not None
    np.testing.assert_allclose(output.probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(output.probabilities.argmax(axis=1), output.labels)


@EACH_CLASSIFIER
def test_probabilities_are_as_high_as_the_share_of_correct_clips(classifier: Classifier) -> None:
    trained = train_transfer(*toy(400, noise=2.0), classifier, seed=0)
    features, labels = toy(3000, noise=2.0, seed=1)
    output = predict_transfer(trained, features)
    assert output.probabilities is not None
    accuracy = (output.labels == labels).mean()
    assert 0.4 < accuracy < 0.8
    assert output.probabilities.max(axis=1).mean() == pytest.approx(accuracy, abs=0.05)


def test_logits_are_those_of_logistic_regression_on_standardised_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "FOLDS", 1)  # so that the usual strength is taken, and no temperature
    features, labels = toy(90)
    output = predict_transfer(train_transfer(features, labels, "logistic", seed=0), features)
    scaled = StandardScaler().fit_transform(features.astype(np.float64))
    expected = LogisticRegression(C=transfer.USUAL_STRENGTH, max_iter=10_000).fit(scaled, labels)
    np.testing.assert_allclose(output.probabilities, expected.predict_proba(scaled), atol=1e-5)


def test_noisier_features_are_regularised_more(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []
    fit = transfer._fit
    monkeypatch.setattr(transfer, "_fit", lambda *given: (chosen.append(given[3]), fit(*given))[1])
    for noise in (0.3, 5.0):
        train_transfer(*toy(60, noise=noise), "logistic", seed=0)
    clear, noisy = chosen[len(chosen) // 2 - 1], chosen[-1]  # the last fit is that of all clips
    assert noisy < clear
    assert {clear, noisy} <= set(STRENGTHS)


@EACH_CLASSIFIER
def test_a_seed_gives_the_same_bits_and_a_clip_alone_gives_the_same_digits(classifier: Classifier) -> None:
    features, labels = toy(50)
    trained, again = (train_transfer(features, labels, classifier, seed=3) for _ in range(2))
    assert all(np.array_equal(first, second) for first, second in zip(trained, again, strict=True))
    together = predict_transfer(trained, features).probabilities
    assert together is not None
    for index in (0, 49):
        np.testing.assert_array_equal(
            predict_transfer(trained, features[index : index + 1]).probabilities, together[[index]]
        )


def test_a_class_of_a_single_clip_is_learned_without_folds() -> None:
    features, labels = toy(30)
    features, labels = np.vstack([features, features[:1] + 100]), np.append(labels, 3)
    assert predict_transfer(train_transfer(features, labels, "logistic", seed=0), features).labels[-1] == 3
