"""The CNNs on a CPU, several times faster, with the same results but for roundings. You can skip this folder.

``layout`` arranges the inputs, ``kernels`` has the compiled loops, ``blocks`` makes a block's forward and backward pass
of them, on threads that share out the clips of a batch, and ``network`` puts the blocks together.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from torch import Tensor, nn

from genres.core.processor import available_cores
from genres.models.networks.architectures import Batchable


@contextmanager
def faster_on_cpu(
    model: nn.Module, train_inputs: Tensor, test_inputs: Tensor
) -> Iterator[tuple[nn.Module, Batchable, Batchable]]:
    """Yield a faster form of a CNN on a CPU, which shares its weights, and of its inputs; yield all else unchanged.

    A CNN that sees crops has no faster form.
    """
    is_cnn = isinstance(model, nn.Sequential) and any(isinstance(module, nn.Conv2d) for module in model.modules())
    if train_inputs.device.type != "cpu" or not is_cnn:
        yield model, train_inputs, test_inputs
        return
    from genres.models.networks.accelerator.layout import PatchedClips  # here, because numba takes long to import
    from genres.models.networks.accelerator.network import FastCNN

    with ThreadPoolExecutor(available_cores()) as workers:
        yield FastCNN(model, workers), PatchedClips.of(train_inputs), PatchedClips.of(test_inputs)
