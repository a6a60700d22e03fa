"""The ways to split clips: scikit-learn's, and by lists of clips.

``genres`` has the genre of each clip, ``recordings`` the number of its recording, and a split its subset, "train" or
"test"; all have shape (n_clips,). ``test_size`` is a share between 0 and 1, or a number of clips.
"""

import math
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from genres.core.columns import OK, TEST, TRAIN, UNASSIGNED
from genres.core.errors import InputError
from genres.core.files import expand_home
from genres.schema import Split
from genres.splits.fault_filtered import PUBLISHED, listed_split
from genres.splits.leakage import count_clips, number_recordings

MAX_FOLDS = 20  # of a grouped split: any multiple of 5 % is met


def split_clips(
    clips: pd.DataFrame, duplicates: pd.DataFrame, split_params: Split, seed: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Split the readable clips of a table with `columns.CLIPS`, of which ``duplicates`` lists the copies.

    Returned are the clips that are in a subset, with `columns.SPLIT`, and the counts of `leakage.count_clips`. Errors
    are those of `draw_split`.
    """
    readable = clips.loc[clips.status == OK, ["clip_id", "genre", "sha256"]].reset_index(drop=True)
    recordings = number_recordings(readable, duplicates)
    subsets = draw_split(readable, recordings, split_params, seed)
    return readable.assign(subset=subsets)[subsets != UNASSIGNED], count_clips(subsets, recordings)


def draw_split(clips: pd.DataFrame, recordings: NDArray[np.int64], split_params: Split, seed: int) -> NDArray[np.str_]:
    """Give each clip a subset, by the method that the parameters name.

    The table ``clips`` has a ``clip_id`` and a ``genre``. ``recordings`` come from `leakage.number_recordings`. In a
    split by lists, a clip may also be "valid" or `columns.UNASSIGNED`.

    Raises:
        InputError: the clips cannot be split so, or the lists of clips cannot be read.
    """
    genres = clips.genre.to_numpy(str)
    if split_params.method == "grouped":
        return grouped_split(genres, recordings, split_params.test_size, seed)
    if split_params.method == "fault-filtered":
        lists = split_params.lists
        return listed_split(clips, expand_home(lists, "split.lists") if lists else PUBLISHED)
    if split_params.method == "kfold":
        return kfold_split(genres, split_params.folds, split_params.fold, seed)
    return stratified_split(genres, split_params.test_size, seed)


def stratified_split(genres: NDArray[np.str_], test_size: int | float, seed: int) -> NDArray[np.str_]:
    """Draw test clips such that every genre has the same share of them, with scikit-learn's ``train_test_split``.

    Raises:
        InputError: there are too few clips, in all or of a genre, to have each genre on both sides.
    """
    n_test = _count_test_clips(genres, test_size)
    _, test = train_test_split(np.arange(len(genres)), test_size=n_test, stratify=genres, random_state=seed)
    subsets = _subsets(len(genres), test)
    for side, verb in ((TRAIN, "train on"), (TEST, "test")):
        if missing := sorted(set(genres) - set(genres[subsets == side])):
            raise InputError(
                f"The genre {str(missing[0])!r} has {(genres == missing[0]).sum()} clips, too few to {verb} any with "
                f"`split.test_size` {test_size}. Add clips of it, leave the genre out, or change the size."
            )
    return subsets


def grouped_split(
    genres: NDArray[np.str_], recordings: NDArray[np.int64], test_size: int | float, seed: int
) -> NDArray[np.str_]:
    """Draw test clips such that no recording is on both sides, with scikit-learn's ``StratifiedGroupKFold``.

    The size is approximate. There are at most `MAX_FOLDS` folds, and no more than the genre with the fewest recordings
    has recordings. The test set is a run of consecutive folds, of the length closest to the share; of all such runs,
    the one with the best balance of genres is taken. With a few dozen copies among GTZAN's clips, every genre has any
    multiple of 5 % to the clip. With hundreds of copies, or few clips, a genre may be some clips off; with a genre of
    two recordings, half of all clips are tested.

    Raises:
        InputError: there are too few clips in all, or too few recordings of a genre, to have each genre on both sides.
    """
    share = _count_test_clips(genres, test_size) / len(genres)
    names, labels, counts = np.unique(genres, return_inverse=True, return_counts=True)
    n_recordings = np.array([len(np.unique(recordings[genres == name])) for name in names])
    fewest = n_recordings.argmin()
    if n_recordings[fewest] < 2:
        raise InputError(
            f"The {counts[fewest]} clips of the genre {str(names[fewest])!r} come from one recording, which "
            "`split.method: grouped` cannot have on both sides. Add clips of other recordings, or leave the genre out. "
            "data/duplicates.csv lists the copies."
        )
    n_tested, n_folds = min(
        combinations(range(1, min(n_recordings[fewest], MAX_FOLDS) + 1), 2),
        key=lambda pair: abs(pair[0] / pair[1] - share),
    )
    fold_of = np.empty(len(genres), np.int64)
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(labels, labels, recordings)
    for fold, (_, indices) in enumerate(folds):
        fold_of[indices] = fold

    def misfit(tested: NDArray[np.bool_]) -> tuple[int, float]:
        n_test = np.bincount(labels[tested], minlength=len(names))
        return int(((n_test == 0) | (n_test == counts)).sum()), float(np.abs(n_test - share * counts).sum())

    # In a random order, as of equal runs the first is taken, and the first folds have the largest recordings.
    starts = np.random.default_rng(seed).permutation(n_folds)
    tested = min(((fold_of - start) % n_folds < n_tested for start in starts), key=misfit)
    if misfit(tested)[0]:
        raise InputError(
            "Genres share so many copies that no split with `split.method: grouped` was found that has every genre in "
            "both train and test. Add clips of other recordings. data/duplicates.csv lists the copies."
        )
    return _subsets(len(genres), np.flatnonzero(tested))


def kfold_split(genres: NDArray[np.str_], folds: int, fold: int, seed: int) -> NDArray[np.str_]:
    """Test one fold of the clips, counted from 0, with scikit-learn's ``StratifiedKFold``.

    With the same seed, every clip is in one of the ``folds``.

    Raises:
        InputError: a genre has fewer clips than there are folds.
    """
    names, counts = np.unique(genres, return_counts=True)
    if counts.min() < folds:
        raise InputError(
            f"The genre {str(names[counts.argmin()])!r} has {counts.min()} readable clips, but `split.folds` is "
            f"{folds}. Every fold takes a clip of each genre: use fewer folds, or more clips."
        )
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(genres, genres)
    return _subsets(len(genres), [test for _, test in parts][fold])


def _count_test_clips(genres: NDArray[np.str_], test_size: int | float) -> int:
    """Return the number of test clips, after checking that it leaves a clip for each genre on both sides."""
    names, counts = np.unique(genres, return_counts=True)
    if counts.min() < 2:
        raise InputError(
            f"The genre {str(names[counts.argmin()])!r} has a single readable clip. Each genre needs at least "
            "two, one for train and one for test."
        )
    n_test = test_size if isinstance(test_size, int) else math.ceil(test_size * len(genres))
    if not len(names) <= n_test <= len(genres) - len(names):
        raise InputError(
            f"`split.test_size` {test_size} makes {n_test} of the {len(genres)} clips test clips. With "
            f"{len(names)} genres it takes at least {len(names)} clips on either side."
        )
    return n_test


def _subsets(n_clips: int, test: NDArray[np.int64]) -> NDArray[np.str_]:
    subsets = np.full(n_clips, TRAIN)
    subsets[test] = TEST
    return subsets
