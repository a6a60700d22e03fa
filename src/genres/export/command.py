"""``python -m genres export``: write a trained model as a folder, and print what was written."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from genres.core.errors import InputError
from genres.export.card import find_scores
from genres.export.folder import write_folder
from genres.export.onnx_file import require_packages
from genres.models.base.weights import read_description
from genres.prediction.choice import choose_model


def run(
    arguments: argparse.Namespace,
    folders: Sequence[Path],
    dataset: Path,
    score_files: Sequence[Path],
    split_metrics: Path,
) -> None:
    """Export a model from its own path or from one of the folders, with its scores if they are in ``score_files``.

    ``dataset`` is the path of dataset.json, ``split_metrics`` that of split.json.
    """
    require_packages()
    folder = Path(arguments.folder).resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{arguments.folder} is there and not empty. Name another folder, or remove it.")
    model_file = choose_model(arguments.model, folders, dataset)
    description = read_description(model_file)
    print(f"exporting {description.model}, which takes up to a minute", flush=True)
    scores = find_scores(description, dataset, score_files, split_metrics)
    difference = write_folder(folder, model_file, scores)
    print(f"{arguments.folder}:")
    for path in sorted(folder.iterdir()):
        print(f"  {path.name:<17} {path.stat().st_size:>11,} bytes")
    print(f"In onnxruntime, model.onnx differs from the model by at most {difference:.1g}.")
