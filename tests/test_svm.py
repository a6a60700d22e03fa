import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.svm import SVC

from genres.params import Svm
from genres.svm import predict_svm, train_svm


def blobs(genres: int, clips: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(genres, 4, 5))
    numbers = np.arange(clips) % genres
    return (centres[numbers] + rng.normal(size=(clips, 4, 5))).astype(np.float32), numbers


@pytest.mark.parametrize("genres", [2, 3, 10])
@pytest.mark.parametrize("svm", [Svm("linear", 1.0), Svm("linear", 0.01), Svm("rbf", 1.0)])
def test_predictions_are_those_of_scikit_learn(genres: int, svm: Svm) -> None:
    inputs, numbers = blobs(genres, 120, seed=1)
    unseen, _ = blobs(genres, 300, seed=2)
    machine = SVC(kernel=svm.kernel, C=svm.C).fit(inputs.reshape(120, -1), numbers)
    predicted = predict_svm(train_svm(inputs, numbers, svm), unseen)
    np.testing.assert_array_equal(predicted, machine.predict(unseen.reshape(300, -1)))


def test_training_learns_its_clips_by_heart_where_it_can() -> None:
    inputs, numbers = blobs(3, 30, seed=3)
    assert (predict_svm(train_svm(inputs, numbers, Svm("linear", 1000.0)), inputs) == numbers).all()
