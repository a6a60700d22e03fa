"""The logarithm of a covariance by products of matrices, against the one by eigenvalues."""

import numpy as np
import pytest
import torch

from genres import scattering_features
from genres.export.scattering_graph import log_covariance

N_VARIABLES, N_TIMES = 32, 345


@pytest.mark.parametrize("rank", [0, 1, 5, 32])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 80.0])
def test_the_logarithm_is_that_by_eigenvalues(rank: int, scale: float) -> None:
    random = np.random.default_rng(rank)
    mixing = random.normal(size=(N_VARIABLES, rank)) * 10.0 ** -np.arange(rank)
    values = (scale * mixing @ random.normal(size=(rank, N_TIMES))).astype(np.float32)
    rows, columns = np.triu_indices(N_VARIABLES)
    found = log_covariance(torch.from_numpy(values)[None])[0].numpy()[rows, columns]
    expected = scattering_features.log_covariance(values)
    np.testing.assert_allclose(found * np.where(rows == columns, 1, np.sqrt(2)), expected, atol=1e-7, rtol=0)
