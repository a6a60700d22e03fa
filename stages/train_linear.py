"""Train the linear model: one weight for each point of the input and each class."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import load_params, run_stage

from genres.models.base.training_data import read_training_data
from genres.models.networks.run import train_network

INPUTS = Path("data/inputs.npy")
INPUT_ROWS = Path("data/inputs.csv")
SPLIT = Path("data/split.csv")
DATASET = Path("data/dataset.json")
WEIGHTS = Path("models/linear.safetensors")  # written, like the two below
PREDICTIONS = Path("data/predictions/linear.csv")
METRICS = Path("metrics/train_linear")


def main() -> None:
    """Write the trained network, its predictions, and its loss and accuracy at every epoch."""
    params = load_params("seed", "featurize", "input", "train")
    data = read_training_data(INPUTS, INPUT_ROWS, SPLIT, DATASET, params.input.size, "resize")
    train_network("linear", None, params, data, WEIGHTS, PREDICTIONS, METRICS)


if __name__ == "__main__":
    run_stage(main)
