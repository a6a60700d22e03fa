"""Train the complex CNN: by default, twice the channels and hidden units of the simple one."""

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
WEIGHTS = Path("models/complex.safetensors")  # written, like the two below
PREDICTIONS = Path("data/predictions/complex.csv")
METRICS = Path("metrics/train_complex")


def main() -> None:
    """Write the trained network, its predictions, and its loss and accuracy at every epoch."""
    params = load_params("seed", "featurize", "input", "train", "complex")
    data = read_training_data(INPUTS, INPUT_ROWS, SPLIT, DATASET, params.input.size, "resize")
    train_network("complex", params.complex, params, data, WEIGHTS, PREDICTIONS, METRICS)


if __name__ == "__main__":
    run_stage(main)
