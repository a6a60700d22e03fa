"""The training of every model in a study: what its stage does, without the files that only a stage needs."""

import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from genres.core.columns import TRAIN
from genres.core.errors import InputError, explain
from genres.core.files import DECIMALS, NoRoomError, write_csv
from genres.core.tables import read_clips, read_duplicates
from genres.models.base.predictions import ModelOutput, write_predictions
from genres.models.base.training_data import TrainingData, read_training_data
from genres.models.networks.architectures import predict_network
from genres.models.networks.fitting import fit_network, start_network
from genres.models.scattering import predict_scattering, train_scattering
from genres.models.svm import predict_svm, train_svm
from genres.scattering_features import N_EXCERPTS, group_sizes
from genres.schema import Params
from genres.splits.methods import split_clips
from genres.study.runs import CURVES_FILE, Run, run_params

PARTIAL = ".partial-"  # with which the names of folders begin that are not complete


class StudyFiles(NamedTuple):
    """The files that runs read."""

    clips: Path
    duplicates: Path
    dataset: Path
    inputs: Path
    input_rows: Path
    scattering: Path
    scattering_rows: Path


class Trained(NamedTuple):
    """What a run gives."""

    data: TrainingData
    output: ModelOutput  # for all clips of the split
    curves: pd.DataFrame | None = None  # of a network, as `curves.read_curves` gives them


class StudiedModel(NamedTuple):
    """How a model is trained on a split, and whether two trainings on it differ."""

    train: Callable[[Params, Path, StudyFiles], Trained]
    random_initialisation: bool


def train_run(task: tuple[Run, Path], params: Params, files: StudyFiles) -> str | None:
    """Train a run, and write its split, predictions and curves into a folder; return what went wrong, if anything did.

    The task is the run and the folder, which is there only once it is complete. What is no fault of the run, as a full
    disk, is raised.
    """
    run, folder = task
    of_run = run_params(run, params)
    if folder.exists():  # a call is repeated if its worker is lost, or seems to be
        return None
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=folder.parent, prefix=PARTIAL) as temporary:  # another one for each call
            partial_folder = Path(temporary) / folder.name
            partial_folder.mkdir()
            split, _ = split_clips(
                read_clips(files.clips), read_duplicates(files.duplicates), of_run.split, run.split_seed
            )
            write_csv(partial_folder / "split.csv", split)
            trained = STUDIED[run.model].train(of_run, partial_folder / "split.csv", files)
            data = trained.data
            write_predictions(partial_folder / f"{run.model}.csv", data.clips, data.class_names, trained.output)
            if trained.curves is not None:
                write_csv(partial_folder / CURVES_FILE, trained.curves)
            if not folder.exists():
                partial_folder.rename(folder)
    except Exception as error:  # of one run, which must not end the others
        if explain(error) and (not isinstance(error, InputError) or isinstance(error, NoRoomError)):
            raise
        return f"{type(error).__name__}: {explain(error) or ''.join(traceback.format_exception(error))}"
    return None


def _train_network(name: str, params: Params, split: Path, files: StudyFiles) -> Trained:
    data = read_training_data(files.inputs, files.input_rows, split, files.dataset, params.input.size, "resize")
    model = start_network(name, None if name == "linear" else getattr(params, name), data, params)
    epochs = list(fit_network(model, data, params))
    scores = [(epoch.train.loss, epoch.test.loss, epoch.train.accuracy, epoch.test.accuracy) for epoch in epochs]
    rounded = [[round(score, DECIMALS) for score in of_epoch] for of_epoch in scores]  # as the training stages log them
    curves = pd.DataFrame(rounded, columns=["train_loss", "test_loss", "train_accuracy", "test_accuracy"])
    return Trained(data, predict_network(model, data.inputs), curves)


def _train_svm(params: Params, split: Path, files: StudyFiles) -> Trained:
    data = read_training_data(files.inputs, files.input_rows, split, files.dataset, params.input.size, "resize")
    return Trained(data, predict_svm(train_svm(*data.subset(TRAIN), params.svm), data.inputs))


def _train_scattering(params: Params, split: Path, files: StudyFiles) -> Trained:
    sizes = tuple(group_sizes(params.featurize).values())
    size = (N_EXCERPTS, sum(sizes))
    data = read_training_data(files.scattering, files.scattering_rows, split, files.dataset, size, "scatter")
    trained = train_scattering(*data.subset(TRAIN), sizes, params.scattering, params.seed)
    return Trained(data, predict_scattering(trained, data.inputs))


# Those that take longest first, so that no core is idle at the end.
STUDIED: Mapping[str, StudiedModel] = {
    "complex": StudiedModel(partial(_train_network, "complex"), random_initialisation=True),
    "simple": StudiedModel(partial(_train_network, "simple"), random_initialisation=True),
    "scattering": StudiedModel(_train_scattering, random_initialisation=False),  # a seed draws its calibration alone
    "linear": StudiedModel(partial(_train_network, "linear"), random_initialisation=True),
    "svm": StudiedModel(_train_svm, random_initialisation=False),
}
