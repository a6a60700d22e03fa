"""Train the model beyond the paper: a discriminant analysis and a kernel ridge regression of scattering features."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import load_params, run_stage

from genres.core.columns import TRAIN
from genres.models.base.predictions import write_predictions
from genres.models.base.training_data import read_training_data
from genres.models.base.weights import describe_model, write_weights
from genres.models.scattering import predict_scattering, train_scattering
from genres.scattering_features import N_EXCERPTS, group_sizes

SCATTERING = Path("data/scattering.npy")
SCATTERING_ROWS = Path("data/scattering.csv")
SPLIT = Path("data/split.csv")
DATASET = Path("data/dataset.json")
WEIGHTS = Path("models/scattering.safetensors")  # written, like the one below
PREDICTIONS = Path("data/predictions/scattering.csv")


def main() -> None:
    """Write the trained model and its predictions."""
    params = load_params("seed", "featurize", "scattering")
    sizes = tuple(group_sizes(params.featurize).values())
    data = read_training_data(SCATTERING, SCATTERING_ROWS, SPLIT, DATASET, (N_EXCERPTS, sum(sizes)), "scatter")
    trained = train_scattering(*data.subset(TRAIN), sizes, params.scattering, params.seed)
    output = predict_scattering(trained, data.inputs)
    architecture = {"kind": "scattering", **params.scattering.model_dump()}
    description = describe_model("scattering", architecture, data, output, params)
    write_weights(WEIGHTS, trained._asdict(), description)
    write_predictions(PREDICTIONS, data.clips, data.class_names, output)


if __name__ == "__main__":
    run_stage(main)
