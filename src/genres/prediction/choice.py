"""Which of the trained models classifies: the one that is named, or the best of those for the present data set."""

from collections.abc import Sequence
from pathlib import Path

from genres.core.dataset import read_dataset
from genres.core.errors import InputError
from genres.models.base.weights import read_description

TRAIN = "`make classifier` trains one on real music, `make` all on the data set of params.yaml."


def choose_model(name: str | None, folders: Sequence[Path], dataset: Path) -> Path:
    """Return the file of a model: by its path or that of an export, or by its name in one of the folders.

    Without a ``name`` it is the best: the one with the highest test accuracy of those that were trained on the data set
    which ``dataset``, dataset.json, describes; of all, where that file is not there. An InputError is raised if there
    is no such model.
    """
    if name is not None and Path(name).is_dir():
        return Path(name) / "model.safetensors"
    if name is not None and (name.endswith(".safetensors") or "/" in name):
        return Path(name)
    models = {path.stem: path for folder in folders for path in sorted(folder.glob("*.safetensors"))}
    if name is not None:
        if name not in models:
            raise InputError(f"There is no trained model {name!r}, but {_listed(models)}. {TRAIN}")
        return models[name]
    candidates = {path: read_description(path) for path in models.values()}
    if dataset.is_file():
        described = read_dataset(dataset)
        candidates = {path: model for path, model in candidates.items() if model.dataset == described}
    if not candidates:
        why = "" if not models else f" for the data set of {dataset}; name one of {_listed(models)} with --model"
        raise InputError(f"There is no trained model{why}. {TRAIN}")
    return max(candidates, key=lambda path: candidates[path].test_accuracy)


def _listed(models: dict[str, Path]) -> str:
    return ", ".join(models) or "none at all"
