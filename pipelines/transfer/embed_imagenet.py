"""Turn every spectrogram into the features that the backbone has of it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import load_params, run_stage

from genres.core.files import require_file, write_csv
from genres.core.tables import read_clip_array
from genres.parallel import workers
from genres.pretrained.imagenet import write_features

MEL = Path("data/mel.npy")
MEL_ROWS = Path("data/mel.csv")
WEIGHTS = Path("data/transfer/imagenet.safetensors")
FETCH = "pipelines/transfer/dvc.yaml:fetch_imagenet"  # the stage that writes them
FEATURES = Path("data/transfer/imagenet.npy")  # written, like the one below
FEATURE_ROWS = Path("data/transfer/imagenet.csv")


def main() -> None:
    """Write the features as one array, and the list of its rows."""
    require_file(WEIGHTS, FETCH)
    params = load_params("featurize.top_db", "transfer.backbone")
    _, rows = read_clip_array(MEL, MEL_ROWS, "featurize")
    with workers() as executor:
        write_features(
            FEATURES, MEL, rows.frames.to_list(), params.featurize.top_db, WEIGHTS, params.transfer.backbone, executor
        )
    write_csv(FEATURE_ROWS, rows)


if __name__ == "__main__":
    run_stage(main)
