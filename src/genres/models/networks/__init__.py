"""The paper's networks: what they are, how they are trained and, in ``accelerator``, the same much faster on a CPU."""
