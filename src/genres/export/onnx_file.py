"""A module as an ONNX file, and the file in onnxruntime."""

import logging
import warnings
from importlib.util import find_spec

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genres.audio.decoding import FloatArray
from genres.core.errors import InputError

PACKAGES = ("onnx", "onnxruntime", "onnxscript")  # the extra `export`
OPSET = 20
INPUT = "mel"


def require_packages() -> None:
    """Raise an InputError if a package of the extra `export` is not installed."""
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise InputError(f"Exporting needs {', '.join(missing)}. Run `make export` to install what it needs.")


def to_onnx(graph: nn.Module, mel: Tensor, output: str) -> bytes:
    """Return the ONNX file of a graph that takes ``mel`` (1, n_mels, frames), or fewer or more frames.

    ``output`` is the name of its output. The same graph gives the same bytes everywhere: what PyTorch notes of the code
    and its place on this machine is left out.
    """
    # It says which packages for images are not there, which no model here needs.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, about its own code
        program = torch.onnx.export(
            graph,
            (mel,),
            input_names=[INPUT],
            output_names=[output],
            dynamic_shapes=({2: torch.export.Dim("frames", min=1)},),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("PyTorch returned no ONNX program")
    model = program.model_proto
    model.producer_version = torch.__version__.split("+")[0]
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def run_onnx(content: bytes, mel: FloatArray) -> NDArray[np.float32]:
    """Return what onnxruntime computes from an ONNX file, (1, classes), for a spectrogram (1, n_mels, frames)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    result: NDArray[np.float32] = session.run(None, {INPUT: mel})[0]
    return result
