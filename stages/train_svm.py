"""Train the support vector machine."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import load_params, run_stage

from genres.core.columns import TRAIN
from genres.models.base.predictions import write_predictions
from genres.models.base.training_data import read_training_data
from genres.models.base.weights import describe_model, write_weights
from genres.models.svm import predict_svm, train_svm

INPUTS = Path("data/inputs.npy")
INPUT_ROWS = Path("data/inputs.csv")
SPLIT = Path("data/split.csv")
DATASET = Path("data/dataset.json")
WEIGHTS = Path("models/svm.safetensors")  # written, like the one below
PREDICTIONS = Path("data/predictions/svm.csv")


def main() -> None:
    """Write the trained machine and its predictions."""
    params = load_params("seed", "featurize", "input", "svm")
    data = read_training_data(INPUTS, INPUT_ROWS, SPLIT, DATASET, params.input.size, "resize")
    trained = train_svm(*data.subset(TRAIN), params.svm)
    output = predict_svm(trained, data.inputs)
    description = describe_model("svm", {"kind": "svm", **params.svm.model_dump()}, data, output, params)
    write_weights(WEIGHTS, trained._asdict(), description)
    write_predictions(PREDICTIONS, data.clips, data.class_names, output)


if __name__ == "__main__":
    run_stage(main)
