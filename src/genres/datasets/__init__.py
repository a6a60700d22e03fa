"""Where the clips come from."""

import sys
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from genres.core.errors import InputError
from genres.datasets import gtzan, gtzan_mini, local, synthetic
from genres.schema import Dataset

DATASETS = {
    "synthetic": synthetic.DESCRIPTION,
    "gtzan": gtzan.DESCRIPTION,
    "gtzan-mini": gtzan_mini.DESCRIPTION,
    "local": local.DESCRIPTION,
}


def obtain_clips(dataset: Dataset, folder: Path, executor: Executor) -> None:
    """Put a data set's clips into the empty ``folder`` as ``<genre>/<clip>.<ext>``, but for those to exclude.

    The synthetic data set is whole whatever is excluded: its unreadable clip, which stands for GTZAN's, is there to
    be listed as such. A name to exclude that no clip has belongs to another data set. What computes the files, the
    ``executor``, does not change them.

    Raises:
        InputError: the data set is not known, cannot be had, breaks the layout, or is excluded altogether.
    """
    if dataset.name not in DATASETS:
        raise InputError(f"`dataset.name` should be one of {', '.join(DATASETS)}, but is {dataset.name!r}.")
    description = DATASETS[dataset.name]
    description.obtain(dataset, folder, executor)
    if description.synthetic:
        return
    files = list(folder.glob("*/*"))
    excluded = [file for file in files if file.stem in dataset.exclude]
    if len(excluded) == len(files):
        raise InputError(f"`dataset.exclude` leaves no clip: all of {len(files)} are named there.")
    for file in excluded:
        file.unlink()
        print(f"left out, as `dataset.exclude` says: {file.relative_to(folder).as_posix()}", file=sys.stderr)


def describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """Return the content of ``dataset.json``: all that is said of a data set where its results are shown."""
    description = DATASETS[dataset.name]
    return {
        "name": dataset.name,
        "title": description.title,
        "description": description.source(dataset),
        "synthetic": description.synthetic,
        "paper": description.paper,
        "caveats": list(description.caveats),
        "split_caveats": dict(description.split_caveats),
    }
