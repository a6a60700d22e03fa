"""Find the clips that are copies of one recording."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import run_stage

from genres.core import columns
from genres.core.files import write_csv
from genres.core.tables import read_clips
from genres.duplicates import list_duplicates
from genres.parallel import workers

AUDIO = Path("data/audio")
CLIPS = Path("data/clips.csv")
DUPLICATES = Path("data/duplicates.csv")  # written


def main() -> None:
    """Write the list of pairs."""
    clips = read_clips(CLIPS)
    with workers() as executor:
        duplicates = list_duplicates(clips[clips.status == columns.OK], AUDIO, executor)
    write_csv(DUPLICATES, duplicates)


if __name__ == "__main__":
    run_stage(main)
