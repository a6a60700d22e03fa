"""Who trains and who is tested."""

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from genres.errors import InputError
from genres.tables import TEST, TRAIN


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
    subsets = np.full(len(genres), TRAIN)
    subsets[test] = TEST
    for side, verb in ((TRAIN, "train on"), (TEST, "test")):
        if missing := sorted(set(names) - set(genres[subsets == side])):
            raise InputError(
                f"The genre {str(missing[0])!r} has {counts[names == missing[0]][0]} clips, too few to {verb} any with "
                f"`split.test_size` {test_size}. Add clips of it, leave the genre out, or change the size."
            )
    return subsets
