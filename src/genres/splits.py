"""Who trains and who is tested, and which test clips the training has heard already."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedKFold, train_test_split

from genres.errors import InputError
from genres.fault_filtered import listed_split
from genres.params import Split
from genres.tables import LEFT_OUT, TEST, TRAIN

ATTEMPTS = 50  # draws of a grouped split, unless every genre's share is met before


def draw_split(clips: pd.DataFrame, recordings: NDArray[np.int64], split_params: Split, seed: int) -> NDArray[np.str_]:
    """Give each clip a subset, by the method that the parameters name.

    Args:
        clips: with ``clip`` and ``genre``.
        recordings: the number of each clip's recording, shape (clips,), from `number_recordings`.
        split_params: the method and what it needs.
        seed: of the draw.

    Returns:
        "train", "test", "valid" or `tables.LEFT_OUT` for each clip, shape (clips,).

    Raises:
        InputError: the clips cannot be split so, or the lists of clips cannot be had.
    """
    genres = clips.genre.to_numpy(str)
    if split_params.method == "grouped":
        return grouped_split(genres, recordings, split_params.test_size, seed)
    if split_params.method == "fault-filtered":
        return listed_split(clips, split_params.lists)
    if split_params.method == "kfold":
        return kfold_split(genres, split_params.folds, split_params.fold, seed)
    return stratified_split(genres, split_params.test_size, seed)


def stratified_split(genres: NDArray[np.str_], test_size: int | float, seed: int) -> NDArray[np.str_]:
    """Draw test clips such that every genre has the same share of them, with scikit-learn's ``train_test_split``.

    Args:
        genres: each clip's genre, shape (clips,).
        test_size: a share between 0 and 1, or a number of clips.
        seed: of the draw.

    Returns:
        "train" or "test" for each clip, shape (clips,).

    Raises:
        InputError: there are too few clips, in all or of a genre, to have each genre on both sides.
    """
    names, counts = np.unique(genres, return_counts=True)
    if counts.min() < 2:
        raise InputError(
            f"The genre {str(names[counts.argmin()])!r} has a single readable clip. A stratified split takes at least "
            "two of each genre, one to train and one to test."
        )
    test_clips = test_size if isinstance(test_size, int) else math.ceil(test_size * len(genres))
    if not len(names) <= test_clips <= len(genres) - len(names):
        raise InputError(
            f"`split.test_size` {test_size} makes {test_clips} of the {len(genres)} clips test clips. With "
            f"{len(names)} genres it takes at least {len(names)} clips on either side."
        )
    _, test = train_test_split(np.arange(len(genres)), test_size=test_clips, stratify=genres, random_state=seed)
    subsets = _subsets(len(genres), test)
    for side, verb in ((TRAIN, "train on"), (TEST, "test")):
        if missing := sorted(set(names) - set(genres[subsets == side])):
            raise InputError(
                f"The genre {str(missing[0])!r} has {counts[names == missing[0]][0]} clips, too few to {verb} any with "
                f"`split.test_size` {test_size}. Add clips of it, leave the genre out, or change the size."
            )
    return subsets


def grouped_split(
    genres: NDArray[np.str_], recordings: NDArray[np.int64], test_size: int | float, seed: int
) -> NDArray[np.str_]:
    """Draw test clips such that a recording is never on both sides, and every genre has about the same share.

    The recordings are gone through in a random order, and each is tested that brings the genres nearer to the numbers
    of test clips that a stratified split gives them. As most recordings have but one clip, this usually meets them
    all; genres where it does not are drawn again, some times, and what came nearest is taken. (Of scikit-learn's means,
    StratifiedGroupKFold knows shares of 1/n only, and GroupShuffleSplit no genres.)

    Args:
        genres: each clip's genre, shape (clips,).
        recordings: the number of each clip's recording, shape (clips,).
        test_size: a share between 0 and 1, or a number of clips.
        seed: of the draw.

    Returns:
        "train" or "test" for each clip, shape (clips,).

    Raises:
        InputError: as `stratified_split`, or a genre has too few recordings to be on both sides.
    """
    names, genre_numbers = np.unique(genres, return_inverse=True)
    numbers, groups = np.unique(recordings, return_inverse=True)
    clips = np.zeros((len(numbers), len(names)), np.int64)  # of each recording, in each genre
    np.add.at(clips, (groups, genre_numbers), 1)
    total = clips.sum(axis=0)
    stratified = stratified_split(genres, test_size, seed) == TEST
    wanted = np.bincount(genre_numbers[stratified], minlength=len(names))

    def misses_side(tested: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray((tested == 0) | (tested == total))

    def distance(tested: NDArray[np.int64]) -> int:
        return int(np.abs(tested - wanted).sum() + total[misses_side(tested)].sum())

    rng = np.random.default_rng(seed)
    taken, tested = np.zeros(len(numbers), np.bool_), np.zeros(len(names), np.int64)
    best, best_tested = taken, tested
    for _ in range(ATTEMPTS):
        taken = taken & (clips[:, tested != wanted] == 0).all(axis=1)
        tested = clips[taken].sum(axis=0)
        for group in rng.permutation(np.flatnonzero(~taken)):
            if distance(tested + clips[group]) < distance(tested):
                taken[group] = True
                tested = tested + clips[group]
        if distance(tested) < distance(best_tested):
            best, best_tested = taken, tested
        if distance(tested) == 0:
            break
    if misses_side(best_tested).any():
        genre = misses_side(best_tested).argmax()
        raise InputError(
            f"The {total[genre]} clips of the genre {str(names[genre])!r} come from {(clips[:, genre] > 0).sum()} "
            "recording(s), and no way was found to both train on it and test it with `split.method: grouped`. Add "
            "clips of other recordings, or leave the genre out. data/duplicates.csv lists the copies."
        )
    return _subsets(len(genres), np.flatnonzero(best[groups]))


def kfold_split(genres: NDArray[np.str_], folds: int, fold: int, seed: int) -> NDArray[np.str_]:
    """Test one of several parts of the clips, with scikit-learn's ``StratifiedKFold``.

    Args:
        genres: each clip's genre, shape (clips,).
        folds: how many parts there are. With the same seed, every clip is in one of them.
        fold: which one is tested, from 0.
        seed: of the draw.

    Returns:
        "train" or "test" for each clip, shape (clips,).

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


def _subsets(clips: int, test: NDArray[np.int64]) -> NDArray[np.str_]:
    subsets = np.full(clips, TRAIN)
    subsets[test] = TEST
    return subsets


def number_recordings(clips: pd.DataFrame, duplicates: pd.DataFrame) -> NDArray[np.int64]:
    """Number the recordings: clips that are copies, or linked by other copies, have the same one.

    Args:
        clips: with ``clip`` and ``genre``.
        duplicates: pairs of copies, with `tables.DUPLICATES`.

    Returns:
        The number of each clip's recording, shape (clips,).

    Raises:
        InputError: a pair names a clip that is not there.
    """
    places = {key: place for place, key in enumerate(zip(clips.genre, clips["clip"], strict=True))}
    pairs = [list(zip(duplicates[f"genre_{side}"], duplicates[f"clip_{side}"], strict=True)) for side in ("a", "b")]
    if missing := {*pairs[0], *pairs[1]} - places.keys():
        genre, clip = min(missing)
        raise InputError(
            f"The list of duplicates names {clip!r} of the genre {genre!r}, of which there is no spectrogram. Run "
            "`dvc repro -f find_duplicates` to make it again."
        )
    rows, columns = ([places[key] for key in side] for side in pairs)
    graph = coo_array((np.ones(len(rows)), (rows, columns)), (len(places), len(places)))
    _, recordings = connected_components(graph, directed=False)
    return np.asarray(recordings, np.int64)


def count_clips(subsets: NDArray[np.str_], recordings: NDArray[np.int64]) -> dict[str, int]:
    """Return the number of clips in each subset and, as "leaked", of the test clips with a copy in train.

    Args:
        subsets: of each clip, shape (clips,).
        recordings: the number of each clip's recording, shape (clips,).
    """
    names, counts = np.unique(subsets[subsets != LEFT_OUT], return_counts=True)
    leaked = np.isin(recordings[subsets == TEST], recordings[subsets == TRAIN])
    return dict(zip(names.tolist(), counts.tolist(), strict=True)) | {"leaked": int(leaked.sum())}
