"""Everything that is exported of a model, as one folder."""

import shutil
from pathlib import Path

import jinja2
import numpy as np
import torch

from genres.core.errors import InputError
from genres.core.files import atomic_folder, write_json
from genres.export.card import ModelScores, write_card
from genres.export.graphs import build_graph, output_name
from genres.export.onnx_file import run_onnx, to_onnx
from genres.export.spectrogram import Spectrogram, compute_spectrogram, describe_spectrogram
from genres.mel_bands import mel_filters
from genres.models.base.weights import Description
from genres.models.saved import load_model
from genres.prediction.classifier import load_classifier

EXAMPLE = Path(__file__).with_name("example.py.jinja")
TRACED_FRAMES = 500  # of the spectrogram by which PyTorch traces a graph
MAX_DIFFERENCE = 1e-4  # of a probability


def write_folder(folder: Path, model_file: Path, scores: ModelScores | None) -> float:
    """Write a trained model's ``folder`` whole or not at all; one that is there is replaced.

    The same model and scores give the same bytes.

    Returns:
        The largest difference of a probability in onnxruntime from the model's own, for a clip of noise.

    Raises:
        InputError: the file is no usable model, or the difference is above `MAX_DIFFERENCE`.
    """
    model = load_model(model_file)
    description = model.description
    spectrogram = describe_spectrogram(description)
    output = output_name(model)
    content = to_onnx(build_graph(model), torch.zeros(1, spectrogram.n_mels, TRACED_FRAMES), output)
    difference = measure_difference(model_file, content)
    if not difference <= MAX_DIFFERENCE:  # it may be NaN
        raise InputError(
            f"In onnxruntime, a probability of {description.model} differs by {difference:.1g} from the model's own, "
            f"but {MAX_DIFFERENCE} is allowed, so nothing was written. `make export` installs the packages in the "
            "versions that this was tested with."
        )
    with atomic_folder(folder) as partial:
        shutil.copyfile(model_file, partial / "model.safetensors")
        (partial / "model.onnx").write_bytes(content)
        filters = mel_filters(spectrogram.sample_rate, spectrogram.n_fft, spectrogram.n_mels)
        np.save(partial / "mel_filters.npy", filters)
        write_json(partial / "config.json", _config(description, spectrogram, output))
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True)  # noqa: S701
        example = environment.from_string(EXAMPLE.read_text(encoding="utf-8")).render(is_decibels=spectrogram.top_db)
        (partial / "example.py").write_text(example, encoding="utf-8")
        write_card(partial / "README.md", description, spectrogram, scores)
    return difference


def measure_difference(model_file: Path, content: bytes) -> float:
    """Return how far probabilities from an ONNX file are from those of `predict`, for a clip of noise.

    Of a model without probabilities, it is whether they predict another genre, as 0 or 1.
    """
    classifier = load_classifier(model_file)
    n_samples = round(classifier.seconds * classifier.sample_rate)
    samples = np.random.default_rng(0).normal(scale=0.1, size=n_samples).astype(np.float32)
    expected = classifier.classify(samples)
    found = run_onnx(content, compute_spectrogram(samples, classifier.description))
    if expected.probabilities is None:
        return float(found.argmax() != expected.labels[0])
    return float(np.abs(found - expected.probabilities).max())


def _config(description: Description, spectrogram: Spectrogram, output: str) -> dict[str, object]:
    """Return what is known of a model's input and output: what the example reads, and how the input is resized."""
    config: dict[str, object] = {
        "model": description.model,
        "class_names": description.class_names,
        "output": output,
    }
    config |= {name: value for name, value in spectrogram._asdict().items() if value is not None}
    if description.featurize is not None:
        config["n_frames"] = description.featurize["n_frames"]
    if description.input is not None:
        config["input"] = description.input
    return config
