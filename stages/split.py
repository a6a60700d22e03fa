"""Draw the train and test clips. Only ``grouped`` and the published lists keep copies of a recording together."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import load_params, run_stage

from genres.core.files import write_csv, write_json
from genres.core.tables import read_clips, read_duplicates
from genres.splits.methods import split_clips

CLIPS = Path("data/clips.csv")
DUPLICATES = Path("data/duplicates.csv")
SPLIT = Path("data/split.csv")  # written, like the one below
METRICS = Path("metrics/split.json")


def main() -> None:
    """Write each clip's subset, and how many test clips have a copy in train."""
    params = load_params("seed", "split")
    clips = read_clips(CLIPS)
    duplicates = read_duplicates(DUPLICATES)
    split, counts = split_clips(clips, duplicates, params.split, params.seed)
    write_csv(SPLIT, split)
    write_json(METRICS, counts)


if __name__ == "__main__":
    run_stage(main)
