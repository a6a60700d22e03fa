"""Who trains and who is tested."""

import math
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from genres.errors import InputError
from genres.splits import stratified_split

GTZAN = np.repeat(
    ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"],
    [100, 100, 100, 100, 100, 99, 100, 100, 100, 100],
)


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 - 1])
def test_gtzan_is_split_as_in_the_paper(seed: int) -> None:
    subsets = stratified_split(GTZAN, 0.2, seed)
    train, test = Counter(GTZAN[subsets == "train"]), Counter(GTZAN[subsets == "test"])
    assert (train.total(), test.total()) == (799, 200)
    assert train == {genre: 79 if genre == "jazz" else 80 for genre in np.unique(GTZAN)}
    assert set(test.values()) == {20}


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("test_size", [0.2, 0.333, 10, 500])
def test_the_draw_is_scikit_learns(test_size: float, seed: int) -> None:
    _, expected = train_test_split(np.arange(999), test_size=test_size, stratify=GTZAN, random_state=seed)
    assert np.array_equal(np.flatnonzero(stratified_split(GTZAN, test_size, seed) == "test"), np.sort(expected))


def test_a_seed_gives_the_same_draw_again_and_another_one_another() -> None:
    first, again, other = (stratified_split(GTZAN, 0.2, seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_share_and_the_count_that_it_makes_are_the_same_draw() -> None:
    assert np.array_equal(stratified_split(GTZAN, 0.2, 0), stratified_split(GTZAN, 200, 0))


def random_genres(random: np.random.Generator) -> NDArray[np.str_]:
    counts = random.integers(2, 40, size=random.integers(2, 12))
    return random.permutation(np.repeat([f"g{number}" for number in range(len(counts))], counts))


@pytest.mark.parametrize("seed", range(60))
def test_any_collection_is_split_in_the_wanted_share_or_refused(seed: int) -> None:
    random = np.random.default_rng(seed)
    genres = random_genres(random)
    size = float(random.uniform(0.01, 0.99)) if seed % 2 else int(random.integers(1, len(genres)))
    wanted = size if isinstance(size, int) else math.ceil(size * len(genres))
    names = len(np.unique(genres))
    if wanted < names or len(genres) - wanted < names:
        with pytest.raises(InputError, match="`split.test_size`"):
            stratified_split(genres, size, seed)
        return
    shares = wanted * np.unique(genres, return_counts=True)[1] / len(genres)
    try:
        subsets = stratified_split(genres, size, seed)
    except InputError as error:
        assert "too few to" in str(error)
        assert min(np.minimum(shares, np.unique(genres, return_counts=True)[1] - shares)) < 1
        return
    assert Counter(subsets) == {"test": wanted, "train": len(genres) - wanted}
    for genre in np.unique(genres):
        share = (subsets[genres == genre] == "test").sum()
        assert abs(share - wanted * (genres == genre).mean()) < 1
        assert 0 < share < (genres == genre).sum()


def test_a_genre_with_one_clip_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="The genre 'polka' has a single readable clip"):
        stratified_split(np.array(["a", "a", "b", "b", "polka"]), 0.5, 0)


@pytest.mark.parametrize("size", [0.1, 1, 0.95, 9, 10])
def test_a_test_size_that_leaves_a_side_too_small_is_refused(size: float) -> None:
    with pytest.raises(InputError, match=r"makes \d+ of the 10 clips test clips.*at least 2 clips on either side"):
        stratified_split(np.repeat(["a", "b"], 5), size, 0)


@pytest.mark.parametrize("size", [0.2, 2, 8])
def test_the_smallest_possible_sides_have_a_clip_of_each_genre(size: float) -> None:
    subsets = stratified_split(np.repeat(["a", "b"], 5), size, 0)
    smaller = min(("train", "test"), key=list(subsets).count)
    assert Counter(np.repeat(["a", "b"], 5)[subsets == smaller]) == {"a": 1, "b": 1}


def test_a_genre_that_would_not_be_tested_is_refused_by_name() -> None:
    genres = np.repeat(["many", "some", "few"], [43, 22, 2])
    with pytest.raises(InputError, match="genre 'few' has 2 clips, too few to test any with `split.test_size` 0.2"):
        stratified_split(genres, 0.2, 0)
