"""Where the clips come from."""

import sys
from pathlib import Path

from genres.datasets.gtzan import write_gtzan
from genres.datasets.gtzan_mini import write_gtzan_mini
from genres.datasets.local import copy_clips
from genres.datasets.synthetic import write_clips
from genres.errors import InputError
from genres.params import Dataset


def obtain_clips(dataset: Dataset, folder: Path, processes: int) -> None:
    """Put a data set's clips into ``folder`` as ``<genre>/<clip>.<ext>``, but for those that it says to exclude.

    The synthetic data set is whole whatever is excluded: its unreadable clip, which stands for GTZAN's, is there
    to be listed as such.

    Args:
        dataset: which one; its name is one that the parameters allow.
        folder: exists and is empty.
        processes: how many may work at once; the files do not depend on it.

    Raises:
        InputError: the data set cannot be had, is not laid out as it should be, or is excluded altogether.
    """
    if dataset.name == "synthetic":
        synthetic = dataset.synthetic
        write_clips(folder, synthetic.clips_per_genre, synthetic.seconds, synthetic.seed, processes)
        return
    if dataset.name == "gtzan":
        write_gtzan(folder)
    elif dataset.name == "gtzan-mini":
        write_gtzan_mini(folder)
    else:
        if dataset.path is None:
            raise InputError(
                "`dataset.path` is null. With `dataset.name: local` it is the folder or the archive (tar, tar.gz, zip) "
                "with your clips."
            )
        copy_clips(Path(dataset.path).expanduser(), folder)
    _exclude(dataset.exclude, folder)


def _exclude(clips: tuple[str, ...], folder: Path) -> None:
    """Remove the files of ``clips`` from ``folder``; a name that no clip has is none of this data set's."""
    files = list(folder.glob("*/*"))
    excluded = [file for file in files if file.stem in clips]
    if len(excluded) == len(files):
        raise InputError(f"`dataset.exclude` leaves no clip: all of {len(files)} are named there.")
    for file in excluded:
        file.unlink()
        print(f"left out, as `dataset.exclude` says: {file.relative_to(folder).as_posix()}", file=sys.stderr)
