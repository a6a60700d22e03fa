"""One seed for everything that a training draws."""

import os

import torch


def seed_torch(seed: int) -> None:
    """Seed torch's generators on every device, and let it use only algorithms that repeat their results."""
    # cuBLAS reads this when it starts; without it the setting below refuses matrix products on a GPU.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # As torch.use_deterministic_algorithms(True), which for its compiler's sake loads that too, a second.
    torch.set_deterministic_debug_mode("error")
    torch.manual_seed(seed)
