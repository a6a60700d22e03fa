"""The paper's networks: what they are, how they are trained and, in ``accelerator``, the same much faster on a CPU."""

from genres.models.networks.architectures import load_predict as load_predict
