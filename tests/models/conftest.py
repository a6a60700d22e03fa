from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """More threads than cores would make these small products many times slower where the cores are busy."""
    threads = torch.get_num_threads()
    if "real_data" not in request.fixturenames:
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
