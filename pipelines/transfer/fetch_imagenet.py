"""Download the weights of the backbone that is trained on photographs, or draw random ones."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import load_params, run_stage

from genres.pretrained.imagenet import BACKBONES, random_weights
from genres.pretrained.weights import obtain_backbone, write_weights

WEIGHTS = Path("data/transfer/imagenet.safetensors")  # written


def main() -> None:
    """Write the weights as safetensors."""
    transfer = load_params("transfer.backbone", "transfer.weights").transfer
    if transfer.weights == "random":
        weights = random_weights(BACKBONES[transfer.backbone])
    else:
        weights = obtain_backbone(transfer.backbone)
    write_weights(WEIGHTS, weights)


if __name__ == "__main__":
    run_stage(main)
