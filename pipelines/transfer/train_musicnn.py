"""Train a classifier on MusiCNN's features."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import load_params, run_stage

from genres.core.columns import TRAIN
from genres.models.base.predictions import write_predictions
from genres.models.base.training_data import read_training_data
from genres.models.base.weights import describe_model, write_weights
from genres.models.transfer import predict_transfer, train_transfer, with_network

FEATURES = Path("data/transfer/musicnn.npy")
FEATURE_ROWS = Path("data/transfer/musicnn.csv")
NETWORK = Path("data/transfer/musicnn.safetensors")
SPLIT = Path("data/split.csv")
DATASET = Path("data/dataset.json")
EMBED = "pipelines/transfer/dvc.yaml:embed_musicnn"  # the stage that makes both
WEIGHTS = Path("models/transfer/musicnn.safetensors")  # written, like the one below
PREDICTIONS = Path("data/transfer/predictions/musicnn.csv")


def main() -> None:
    """Write the trained classifier and its predictions."""
    params = load_params("seed", "transfer")
    data = read_training_data(FEATURES, FEATURE_ROWS, SPLIT, DATASET, None, EMBED)
    inputs, labels = data.subset(TRAIN)
    trained = train_transfer(inputs[:, 0], labels, params.transfer.classifier, params.seed)
    output = predict_transfer(trained, data.inputs[:, 0])
    architecture = {"kind": "transfer", "network": "musicnn", "classifier": params.transfer.classifier}
    description = describe_model("musicnn", architecture, data, output, params)
    write_weights(WEIGHTS, with_network(trained, NETWORK), description)
    write_predictions(PREDICTIONS, data.clips, data.class_names, output)


if __name__ == "__main__":
    run_stage(main)
