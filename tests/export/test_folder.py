"""What is exported of every kind of model: it agrees with the model, and needs nothing of this project."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from project import environment
from toy_models import FEATURIZE, SAMPLE_RATE, SECONDS, TOY_MODELS, noise, tones, write_toy_model

from genres.core.errors import InputError
from genres.export import folder as export_folder
from genres.export.folder import write_folder
from genres.export.onnx_file import PACKAGES, run_onnx
from genres.export.spectrogram import compute_spectrogram
from genres.models.base.predictions import ModelOutput
from genres.prediction.classifier import Classifier, load_classifier

for package in PACKAGES:
    pytest.importorskip(package, reason=f"{package} of the extra `export` is not installed")

SLOW = set(TOY_MODELS) - {"cnn", "svm"}
KINDS = [pytest.param(kind, marks=pytest.mark.slow) if kind in SLOW else kind for kind in TOY_MODELS]
FILES = ["README.md", "config.json", "example.py", "mel_filters.npy", "model.onnx", "model.safetensors"]

# Runs the example where nothing but Python's own modules and the three packages, with what they need, can be imported.
RESTRICTED = """
import runpy, sys

ALLOWED = {
    "numpy", "onnxruntime", "soundfile",
    "_soundfile", "_soundfile_data", "cffi", "_cffi_backend", "typing_extensions",
}

class Refuse:
    @staticmethod
    def find_spec(name, *_):
        if name.partition(".")[0] not in ALLOWED | sys.stdlib_module_names:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse)
runpy.run_path("example.py")
"""


class Exported(NamedTuple):
    """A toy model and its folder."""

    model_file: Path
    folder: Path
    difference: float

    @property
    def classifier(self) -> Classifier:
        return load_classifier(self.model_file)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """The models that have been exported for any test."""
    return {}


@pytest.fixture
def exported(
    request: pytest.FixtureRequest, folders: dict[str, Exported], tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    kind = request.param
    if kind not in folders:
        base = tmp_path_factory.mktemp("export")
        model_file = base / f"{kind}.safetensors"
        write_toy_model(model_file, kind)
        folders[kind] = Exported(model_file, base / "folder", write_folder(base / "folder", model_file, None))
    return folders[kind]


def assert_agrees(expected: ModelOutput, found: np.ndarray, tolerance: float) -> None:
    assert found.shape == (3,)
    assert found.sum() == pytest.approx(1, abs=1e-3)
    assert found.argmax() == expected.labels[0]
    if expected.probabilities is not None:
        np.testing.assert_allclose(found, expected.probabilities[0], atol=tolerance, rtol=0)
        assert np.ptp(found) > 0.001  # not the same for all classes, whatever the clip


@pytest.mark.parametrize("exported", KINDS, indirect=True)
def test_onnxruntime_gives_the_probabilities_of_the_model(exported: Exported) -> None:
    content = (exported.folder / "model.onnx").read_bytes()
    classifier = exported.classifier
    clips = [noise(), tones(99), tones(98, 1.5 * SECONDS), np.zeros(SAMPLE_RATE * 10, np.float32)]
    if classifier.description.architecture["kind"] != "scattering":  # which repeats short clips
        clips.append(tones(97, SECONDS / 4))
    for samples in clips:
        mel = compute_spectrogram(samples, classifier.description)
        assert_agrees(classifier.classify(samples), run_onnx(content, mel)[0], 1e-4)
    assert exported.difference < 1e-5


@pytest.mark.parametrize("exported", KINDS, indirect=True)
def test_the_example_gives_the_probabilities_of_predict_with_three_packages_alone(
    exported: Exported, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.wav"
    left, right = tones(99), tones(98)
    soundfile.write(clip, np.stack([left, right], axis=1), SAMPLE_RATE, "FLOAT")
    command = [sys.executable, "-c", RESTRICTED, str(clip)]
    run = subprocess.run(command, cwd=exported.folder, env=environment(), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    printed = {genre: float(share) for share, genre in map(str.split, run.stdout.splitlines())}
    classifier = exported.classifier
    found = np.array([printed[genre] for genre in classifier.description.class_names])
    expected = classifier.classify((left + right) / 2)
    assert_agrees(expected, found, 1e-3)
    assert next(iter(printed)) == classifier.description.class_names[expected.labels[0]]


@pytest.mark.parametrize("exported", KINDS, indirect=True)
def test_no_file_names_a_place_on_this_machine(exported: Exported) -> None:
    assert sorted(path.name for path in exported.folder.iterdir()) == FILES
    places = {Path.cwd(), Path.home(), Path(sys.prefix), Path(__file__).parents[2], exported.folder.parent}
    words = {os.fsencode(place) for place in places if len(place.parts) > 1} | {b"site-packages", b"stack_trace"}
    for path in exported.folder.iterdir():
        content = path.read_bytes()
        assert not [word for word in words if word in content], path.name


@pytest.mark.parametrize("exported", ["cnn", pytest.param("scattering", marks=pytest.mark.slow)], indirect=True)
def test_the_same_model_gives_the_same_bytes(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "again", exported.model_file, None)
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (exported.folder / name).read_bytes(), name


@pytest.mark.parametrize("exported", ["cnn", "musicnn"], indirect=True)
def test_the_example_has_15_lines(exported: Exported) -> None:
    text = (exported.folder / "example.py").read_text()
    docstring, *_ = ast.parse(text).body
    assert sum(bool(line) for line in text.splitlines()) - (docstring.end_lineno or 0) == 15


@pytest.mark.parametrize("exported", ["cnn"], indirect=True)
def test_the_example_says_that_a_clip_has_another_sample_rate(exported: Exported, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "clip.wav", tones(99), 8000)
    command = [sys.executable, "example.py", str(tmp_path / "clip.wav")]
    run = subprocess.run(command, cwd=exported.folder, env=environment(), capture_output=True, text=True, check=False)
    assert run.returncode
    assert f"resample it first: ffmpeg -i {tmp_path}/clip.wav -ar 16000 clip.wav" in run.stderr


@pytest.mark.parametrize("exported", ["cnn"], indirect=True)
def test_the_configuration_holds_the_classes_and_the_parameters(exported: Exported) -> None:
    config = json.loads((exported.folder / "config.json").read_text())
    assert config["class_names"] == ["blues", "jazz", "rock"]
    assert FEATURIZE.model_dump().items() <= config.items()
    assert exported.model_file.read_bytes() == (exported.folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize("exported", ["cnn"], indirect=True)
@pytest.mark.parametrize("answer", [1 / 3, np.nan])
def test_a_model_that_disagrees_in_onnxruntime_is_not_written(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: float
) -> None:
    monkeypatch.setattr(export_folder, "to_onnx", lambda *_: b"")
    monkeypatch.setattr(export_folder, "run_onnx", lambda *_: np.full((1, 3), answer, np.float32))
    with pytest.raises(InputError, match="but 0.0001 is allowed, so nothing was written"):
        write_folder(tmp_path / "folder", exported.model_file, None)
    assert list(tmp_path.iterdir()) == []
