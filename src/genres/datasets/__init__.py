"""Where the clips come from."""

from pathlib import Path

from genres.datasets.local import copy_clips
from genres.datasets.synthetic import write_clips
from genres.errors import InputError
from genres.params import Dataset


def obtain_clips(dataset: Dataset, folder: Path, processes: int) -> None:
    """Put a data set's clips into ``folder`` as ``<genre>/<clip>.<ext>``.

    Args:
        dataset: which one; its name is one that the parameters allow.
        folder: exists and is empty.
        processes: how many may work at once; the files do not depend on it.

    Raises:
        InputError: the data set cannot be had, or is not laid out as it should be.
    """
    if dataset.name == "synthetic":
        synthetic = dataset.synthetic
        write_clips(folder, synthetic.clips_per_genre, synthetic.seconds, synthetic.seed, processes)
    elif dataset.name == "local":
        if dataset.path is None:
            raise InputError(
                "`dataset.path` is null. With `dataset.name: local` it is the folder or the archive (tar, tar.gz, zip) "
                "with your clips."
            )
        copy_clips(Path(dataset.path).expanduser(), folder)
    else:
        raise InputError(
            f"The data set {dataset.name!r} cannot be downloaded yet. If you have its files, use `dataset.name: local` "
            "with `dataset.path`; else `synthetic`."
        )
