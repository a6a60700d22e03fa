"""What several test files share."""

import os
from pathlib import Path

import pytest

from genres.params import Params, load_params

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def params() -> Params:
    """The parameters that the project ships with."""
    return load_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real clips, where this machine has one."""
    folder = os.environ.get("GENRES_TEST_DATA")
    if not folder:
        pytest.skip("GENRES_TEST_DATA does not name a folder with gtzan-mini/genres.tar.gz and gtzan-mel/dev.npz")
    return Path(folder)
