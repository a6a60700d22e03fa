"""Where the clips come from."""

import sys
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from genres.core.errors import InputError
from genres.datasets import gtzan, gtzan_mini, local, synthetic
from genres.datasets.layout import Skipped
from genres.schema import Dataset

DATASETS = {
    "synthetic": synthetic.DESCRIPTION,
    "gtzan": gtzan.DESCRIPTION,
    "gtzan-mini": gtzan_mini.DESCRIPTION,
    "local": local.DESCRIPTION,
}


def obtain_clips(dataset: Dataset, folder: Path, executor: Executor) -> list[Skipped]:
    """Put a data set's clips into the empty ``folder`` as ``<genre>/<clip>.<ext>``, but for those to exclude.

    A clip is excluded by its name or by ``<genre>/<name>``, with or without the extension; names that no clip has are
    printed. The unreadable clip of the synthetic data set, which stands for GTZAN's, stays though it is named: it is
    there to be listed as such. What computes the files, the ``executor``, does not change them.

    Returns:
        The files of the data set that are no clips or are excluded.

    Raises:
        InputError: the data set is not known, cannot be had, breaks the layout, or is excluded altogether.
    """
    if dataset.name not in DATASETS:
        raise InputError(f"`dataset.name` should be one of {', '.join(DATASETS)}, but is {dataset.name!r}.")
    description = DATASETS[dataset.name]
    skipped = description.obtain(dataset, folder, executor)
    kept = folder / description.kept if description.kept else None
    files = sorted(folder.glob("*/*"))
    matched, excluded = set(), []
    for file in files:
        names = {prefix + name for prefix in ("", f"{file.parent.name}/") for name in (file.stem, file.name)}
        if found := names.intersection(dataset.exclude):
            matched |= found
            if file != kept:
                excluded.append(file)
    if len(excluded) == len(files):
        raise InputError(f"`dataset.exclude` leaves no clip: all of {len(files)} are named there.")
    for file in excluded:
        file.unlink()
        path = file.relative_to(folder).as_posix()
        print(f"left out, as `dataset.exclude` says: {path}", file=sys.stderr)
        skipped.append(Skipped(path, "named in dataset.exclude"))
    if missing := [name for name in dataset.exclude if name not in matched]:
        print(f"note: `dataset.exclude` names clips that are not there: {', '.join(missing)}", file=sys.stderr)
    return skipped


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
