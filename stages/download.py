"""Get the data set's clips and check each of them."""

from pathlib import Path

from common import load_params, run_stage

from genres.core.files import atomic_folder, write_csv, write_json
from genres.datasets import describe_dataset, obtain_clips
from genres.datasets.clips import list_clips, require_genres
from genres.parallel import local_processes

AUDIO = Path("data/audio")  # written, like the two below
CLIPS = Path("data/clips.csv")
DATASET = Path("data/dataset.json")


def main() -> None:
    """Write the folder of clips, the list of what is in it, and how the data set is called."""
    dataset = load_params("dataset").dataset
    with atomic_folder(AUDIO) as folder, local_processes() as executor:
        obtain_clips(dataset, folder, executor)
        clips = list_clips(folder, executor)
        require_genres(clips)
        # An older list must not stand beside newer clips, should this be killed between the two.
        CLIPS.unlink(missing_ok=True)
    write_csv(CLIPS, clips)
    write_json(DATASET, describe_dataset(dataset))


if __name__ == "__main__":
    run_stage(main)
