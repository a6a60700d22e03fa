"""Get the data set's clips and check each of them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import load_params, run_stage

from genres.core.files import atomic_folder, write_csv, write_json
from genres.datasets import describe_dataset, obtain_clips
from genres.datasets.clips import list_clips, list_skipped, require_genres
from genres.parallel import workers

AUDIO = Path("data/audio")  # written, like the three below
CLIPS = Path("data/clips.csv")
SKIPPED_FILES = Path("data/skipped.csv")
DATASET = Path("data/dataset.json")


def main() -> None:
    """Write the folder of clips, the lists of what is in it and of what is not, and how the data set is called."""
    params = load_params("dataset", "featurize.sample_rate")
    with atomic_folder(AUDIO) as folder, workers() as executor:
        skipped = obtain_clips(params.dataset, folder, executor)
        clips = list_clips(folder, params.featurize.sample_rate, executor)
        require_genres(clips)
        # An older list must not stand beside newer clips, should this be killed between the two.
        CLIPS.unlink(missing_ok=True)
    write_csv(CLIPS, clips)
    write_csv(SKIPPED_FILES, list_skipped(skipped))
    write_json(DATASET, describe_dataset(params.dataset))


if __name__ == "__main__":
    run_stage(main)
