"""Train the simple CNN: three blocks of 8, 16 and 32 channels by default."""

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
WEIGHTS = Path("models/simple.safetensors")  # written, like the two below
PREDICTIONS = Path("data/predictions/simple.csv")
METRICS = Path("metrics/train_simple")


def main() -> None:
    """Write the trained network, its predictions, and its loss and accuracy at every epoch."""
    params = load_params("seed", "featurize", "input", "train", "simple")
    data = read_training_data(INPUTS, INPUT_ROWS, SPLIT, DATASET, params.input.size, "resize")
    train_network("simple", params.simple, params, data, WEIGHTS, PREDICTIONS, METRICS)


if __name__ == "__main__":
    run_stage(main)
