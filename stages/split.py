"""Draw the train and test clips. Only ``grouped`` and the published lists keep copies of a recording together."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import load_params, run_stage

from genres.core import columns
from genres.core.files import read_csv, write_csv, write_json
from genres.core.tables import read_clips
from genres.splits.leakage import count_clips, number_recordings
from genres.splits.methods import draw_split

CLIPS = Path("data/clips.csv")
DUPLICATES = Path("data/duplicates.csv")
SPLIT = Path("data/split.csv")  # written, like the one below
METRICS = Path("metrics/split.json")


def main() -> None:
    """Write each clip's subset, and how many test clips have a copy in train."""
    params = load_params("seed", "split")
    clips = read_clips(CLIPS)
    clips = clips.loc[clips.status == columns.OK, ["clip_id", "genre", "sha256"]].reset_index(drop=True)
    duplicates = read_csv(DUPLICATES, columns.DUPLICATES, "find_duplicates", may_be_empty=True)
    recordings = number_recordings(clips, duplicates)
    subsets = draw_split(clips, recordings, params.split, params.seed)
    write_csv(SPLIT, clips.assign(subset=subsets)[subsets != columns.UNASSIGNED])
    write_json(METRICS, count_clips(subsets, recordings))


if __name__ == "__main__":
    run_stage(main)
