"""Download MusiCNN's weights, and convert them to safetensors."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import run_stage

from genres.pretrained.weights import obtain_musicnn, write_weights

WEIGHTS = Path("data/transfer/musicnn.safetensors")  # written


def main() -> None:
    """Write the converted weights."""
    write_weights(WEIGHTS, obtain_musicnn())


if __name__ == "__main__":
    run_stage(main)
