"""Who trains and who is tested: stratified, by recordings and by folds."""

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from genres.core.columns import TEST
from genres.core.errors import InputError
from genres.schema import Split
from genres.splits.leakage import count_clips
from genres.splits.methods import draw_split, grouped_split, kfold_split, stratified_split

GTZAN = np.repeat(
    ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"],
    [100, 100, 100, 100, 100, 99, 100, 100, 100, 100],
)
SINGLES = np.arange(len(GTZAN))  # no clip has a copy


def per_genre(genres: NDArray[np.str_], subsets: NDArray[np.str_]) -> list[int]:
    return [int((subsets[genres == genre] == TEST).sum()) for genre in np.unique(genres)]


# --- stratified ---


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
@pytest.mark.parametrize("test_size", [0.2, 0.333, 10, 500])
def test_the_draw_is_scikit_learns(test_size: float, seed: int) -> None:
    _, expected = train_test_split(np.arange(999), test_size=test_size, stratify=GTZAN, random_state=seed)
    assert np.array_equal(np.flatnonzero(stratified_split(GTZAN, test_size, seed) == "test"), np.sort(expected))


def random_genres(random: np.random.Generator) -> NDArray[np.str_]:
    counts = random.integers(2, 40, size=random.integers(2, 12))
    return random.permutation(np.repeat([f"g{number}" for number in range(len(counts))], counts))


@pytest.mark.parametrize("seed", range(60))
def test_any_collection_is_split_in_the_wanted_share_or_refused(seed: int) -> None:
    random = np.random.default_rng(seed)
    genres = random_genres(random)
    size = float(random.uniform(0.01, 0.99)) if seed % 2 else int(random.integers(1, len(genres)))
    wanted = size if isinstance(size, int) else math.ceil(size * len(genres))
    names, counts = np.unique(genres, return_counts=True)
    if wanted < len(names) or len(genres) - wanted < len(names):
        with pytest.raises(InputError, match="`split.test_size`"):
            stratified_split(genres, size, seed)
        return
    shares = wanted * counts / len(genres)
    try:
        subsets = stratified_split(genres, size, seed)
    except InputError as error:
        assert "too few to" in str(error)
        assert min(np.minimum(shares, counts - shares)) < 1
        return
    assert Counter(subsets) == {"test": wanted, "train": len(genres) - wanted}
    tested = np.array(per_genre(genres, subsets))
    assert (abs(tested - shares) < 1).all()
    assert ((tested > 0) & (tested < counts)).all()


@pytest.mark.parametrize("size", [0.2, 2, 8])
def test_the_smallest_possible_sides_have_a_clip_of_each_genre(size: float) -> None:
    assert per_genre(np.repeat(["a", "b"], 5), stratified_split(np.repeat(["a", "b"], 5), size, 0)) in ([1, 1], [4, 4])


def test_a_genre_that_would_not_be_tested_is_refused_by_name() -> None:
    genres = np.repeat(["many", "some", "few"], [43, 22, 2])
    with pytest.raises(InputError, match="genre 'few' has 2 clips, too few to test any with `split.test_size` 0.2"):
        stratified_split(genres, 0.2, 0)


def grouped_without_copies(genres: NDArray[np.str_], size: float, seed: int) -> NDArray[np.str_]:
    return grouped_split(genres, np.arange(len(genres)), size, seed)


@pytest.mark.parametrize("draw_any", [stratified_split, grouped_without_copies])
def test_too_few_clips_are_refused(draw_any: Callable[..., NDArray[np.str_]]) -> None:
    with pytest.raises(InputError, match="The genre 'polka' has a single readable clip"):
        draw_any(np.array(["a", "a", "b", "b", "polka"]), 0.5, 0)
    for size in (0.1, 1, 0.95, 9, 10):
        with pytest.raises(InputError, match=r"makes \d+ of the 10 clips test clips.*at least 2 clips on either side"):
            draw_any(np.repeat(["a", "b"], 5), size, 0)


# --- grouped ---


def with_copies(seed: int, links: int) -> NDArray[np.int64]:
    """Number GTZAN's recordings, after linking random clips, some of them across genres and some several times."""
    random = np.random.default_rng(seed)
    recordings = np.arange(len(GTZAN))
    for first, second in random.integers(len(GTZAN), size=(links, 2)):
        recordings[recordings == recordings[second]] = recordings[first]
    return recordings


@pytest.mark.parametrize(("test_size", "expected"), [(0.2, 20), (200, 20), (0.25, 25), (0.3, 30), (0.1, 10)])
@pytest.mark.parametrize("seed", range(3))
def test_a_grouped_split_keeps_recordings_together_and_has_the_shares_of_a_stratified_one(
    seed: int, test_size: float, expected: int
) -> None:
    recordings = with_copies(seed, links=40)
    subsets = grouped_split(GTZAN, recordings, test_size, seed)
    assert per_genre(GTZAN, subsets) == [expected] * 10
    assert count_clips(subsets, recordings)["leaked"] == 0
    assert count_clips(stratified_split(GTZAN, test_size, seed), recordings)["leaked"] > 0


@pytest.mark.parametrize("seed", range(3))
def test_with_many_copies_the_shares_are_met_but_for_a_few_clips(seed: int) -> None:
    recordings = with_copies(seed, links=300)
    subsets = grouped_split(GTZAN, recordings, 0.2, seed)
    assert per_genre(GTZAN, subsets) == pytest.approx([20] * 10, abs=3)
    assert count_clips(subsets, recordings)["leaked"] == 0


def test_copies_are_tested_as_often_as_other_clips() -> None:
    genres, recordings = np.repeat(["a", "b"], 50), np.concatenate([np.arange(20) // 2, np.arange(20, 100)])
    shares = [(grouped_split(genres, recordings, 0.2, seed)[:20] == TEST).mean() for seed in range(50)]
    assert np.mean(shares) == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("sizes", "test_size", "expected"),
    [
        ([1, 1, 1, 1, 1, 1], 0.2, {1}),
        ([1, 1, 1, 1, 1, 1], 0.3, {2}),
        ([2, 1, 1, 1], 0.3, {1, 2}),
        ([4, 4, 4], 0.3, {4}),
        ([3, 2, 2, 3], 0.4, {3, 4}),
        ([5, 5], 0.2, {5}),
    ],
)
def test_a_small_set_is_split_about_as_wanted(
    sizes: list[int], test_size: float, expected: set[int], seed: int
) -> None:
    genres, recordings = np.repeat(["a", "b", "c"], sum(sizes)), np.repeat(np.arange(3 * len(sizes)), sizes * 3)
    subsets = grouped_split(genres, recordings, test_size, seed)
    assert set(per_genre(genres, subsets)) <= expected
    assert count_clips(subsets, recordings)["leaked"] == 0


@pytest.mark.parametrize(
    ("recordings", "message"),
    [
        ([0, 1, 2, 2, 3, 4], "The 2 clips of the genre 'b' come from one recording"),
        ([0, 1, 1, 2, 2, 0], "Genres share so many copies"),  # each genre with both of the others
    ],
)
def test_recordings_that_cannot_be_on_both_sides_are_refused(recordings: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        grouped_split(np.repeat(["a", "b", "c"], 2), np.array(recordings), 0.5, 0)


# --- kfold ---


def test_folds_partition_the_clips_and_each_has_the_genres_shares() -> None:
    tested = np.array([kfold_split(GTZAN, 5, fold, 0) == TEST for fold in range(5)])
    assert (tested.sum(axis=0) == 1).all()
    for fold in range(5):
        counts = per_genre(GTZAN, kfold_split(GTZAN, 5, fold, 0))
        assert counts.pop(5) in (19, 20)  # of jazz
        assert counts == [20] * 9


def test_more_folds_than_clips_of_a_genre_are_refused() -> None:
    with pytest.raises(InputError, match=r"'jazz' has 99 readable clips, but `split.folds` is 100"):
        kfold_split(GTZAN, 100, 0, 0)


# --- by parameters ---


def draw(method: str, seed: int, recordings: NDArray[np.int64] = SINGLES, lists: str | None = None) -> NDArray[np.str_]:
    clips = pd.DataFrame({"clip_id": [f"{genre}/{number}" for number, genre in enumerate(GTZAN)], "genre": GTZAN})
    params = Split.model_validate({"method": method, "test_size": 0.2, "lists": lists, "folds": 4, "fold": 1})
    return draw_split(clips, recordings, params, seed)


def test_a_method_is_chosen_by_its_name(tmp_path: Path) -> None:
    recordings = with_copies(0, links=40)
    assert np.array_equal(draw("stratified", 3, recordings), stratified_split(GTZAN, 0.2, 3))
    assert np.array_equal(draw("grouped", 3, recordings), grouped_split(GTZAN, recordings, 0.2, 3))
    assert np.array_equal(draw("kfold", 3, recordings), kfold_split(GTZAN, 4, 1, 3))
    for subset, remainder in (("train", 0), ("valid", 1), ("test", 2)):
        lines = [f"{genre}/{number}.wav\n" for number, genre in enumerate(GTZAN) if number % 3 == remainder]
        (tmp_path / f"{subset}_filtered.txt").write_text("".join(lines))
    listed = draw("fault-filtered", 3, recordings, str(tmp_path))
    assert listed.tolist() == ["train", "valid", "test"] * 333
    with pytest.raises(InputError, match="`split.lists` is '~no one/lists', whose home folder is not known"):
        draw("fault-filtered", 3, recordings, "~no one/lists")
    with pytest.raises(InputError, match=r"`split.lists` is 'a\\x00b', but no path has a null character"):
        draw("fault-filtered", 3, recordings, "a\0b")


@pytest.mark.parametrize("method", ["stratified", "grouped", "kfold"])
def test_a_seed_gives_the_same_draw_again_and_another_one_another(method: str) -> None:
    assert np.array_equal(draw(method, 3), draw(method, 3))
    assert not np.array_equal(draw(method, 3), draw(method, 4))
