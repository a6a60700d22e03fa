"""Turn every readable clip into the features that MusiCNN has of it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import run_stage

from genres.core import columns
from genres.core.files import require_file, write_csv
from genres.core.tables import read_clips
from genres.parallel import workers
from genres.pretrained.musicnn import write_features

AUDIO = Path("data/audio")
CLIPS = Path("data/clips.csv")
WEIGHTS = Path("data/transfer/musicnn.safetensors")
FETCH = "pipelines/transfer/dvc.yaml:fetch_musicnn"  # the stage that writes them
FEATURES = Path("data/transfer/musicnn.npy")  # written, like the one below
FEATURE_ROWS = Path("data/transfer/musicnn.csv")


def main() -> None:
    """Write the features as one array, and the list of its rows."""
    require_file(WEIGHTS, FETCH)
    clips = read_clips(CLIPS)
    with workers() as executor:
        rows = write_features(FEATURES, clips[clips.status == columns.OK], AUDIO, WEIGHTS, executor)
    write_csv(FEATURE_ROWS, rows)


if __name__ == "__main__":
    run_stage(main)
