"""Which clips hold the same recording, and how many test clips have a copy in train."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from genres.core.columns import TEST, TRAIN, UNASSIGNED
from genres.core.errors import InputError


def number_recordings(clips: pd.DataFrame, duplicates: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of each clip's recording, shape (n_clips,), which is the same for copies, and copies of those.

    Raises:
        InputError: a pair names a clip that is not there.
    """
    clip_ids = pd.Index(clips.clip_id)
    copies, others = duplicates.clip_id_a, duplicates.clip_id_b
    if missing := {*copies, *others}.difference(clip_ids):
        raise InputError(
            f"The list of duplicates names {min(missing)!r}, which is not among the readable clips. Run "
            "`dvc repro -f find_duplicates` to make it again."
        )
    edges = clip_ids.get_indexer(copies), clip_ids.get_indexer(others)
    graph = coo_array((np.ones(len(duplicates)), edges), (len(clips), len(clips)))
    _, recordings = connected_components(graph, directed=False)
    return np.asarray(recordings, np.int64)


def count_clips(subsets: NDArray[np.str_], recordings: NDArray[np.int64]) -> dict[str, int]:
    """Return the number of clips in each subset and, as "leaked", of the test clips with a copy in train.

    Of each clip, ``subsets`` and ``recordings`` have the subset and the number of the recording, shape (n_clips,).
    """
    names, counts = np.unique(subsets[subsets != UNASSIGNED], return_counts=True)
    leaked = np.isin(recordings[subsets == TEST], recordings[subsets == TRAIN])
    return dict(zip(names.tolist(), counts.tolist(), strict=True)) | {"leaked": int(leaked.sum())}
