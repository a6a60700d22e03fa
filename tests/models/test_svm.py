import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.svm import SVC

from genres.models.svm import predict_svm, train_svm
from genres.schema import Svm


def blobs(n_classes: int, n_clips: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    centres = np.random.default_rng(0).normal(size=(n_classes, 4, 5))
    labels = np.arange(n_clips) % n_classes
    return (centres[labels] + np.random.default_rng(seed).normal(size=(n_clips, 4, 5))).astype(np.float32), labels


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("svm", [Svm(kernel="linear", C=1.0), Svm(kernel="linear", C=0.01), Svm(kernel="rbf", C=1.0)])
def test_predictions_are_those_of_scikit_learn(n_classes: int, svm: Svm) -> None:
    inputs, labels = blobs(n_classes, 120, seed=1)
    unseen, _ = blobs(n_classes, 300, seed=2)
    machine = SVC(kernel=svm.kernel, C=svm.C).fit(inputs.reshape(120, -1), labels)
    output = predict_svm(train_svm(inputs, labels, svm), unseen)
    np.testing.assert_array_equal(output.labels, machine.predict(unseen.reshape(300, -1)))
    assert output.probabilities is None
