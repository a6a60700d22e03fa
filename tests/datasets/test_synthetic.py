import shutil
from collections import Counter
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import soundfile
from numpy.random import default_rng
from project import files_in

from genres.core.errors import InputError
from genres.datasets import synthetic
from genres.datasets.bands import BANDS
from genres.datasets.synthetic import GENRES, draw_samples, parse_progression, render_clip, swung_steps
from genres.parallel import local_processes
from genres.schema import Synthetic

SECONDS = 0.5


def written(folder: Path, clips_per_genre: int, executor: Executor) -> dict[str, bytes]:
    folder.mkdir()
    synthetic.write_clips(folder, Synthetic(clips_per_genre=clips_per_genre, seconds=SECONDS, seed=0), executor)
    return files_in(folder)


def test_clips_depend_neither_on_processes_nor_on_how_many_there_are(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as thread, local_processes(2) as processes:
        few, more = written(tmp_path / "few", 2, thread), written(tmp_path / "more", 3, processes)
    assert sorted(few) == [f"{genre}/{genre}.{number:05}.wav" for genre in GENRES for number in range(2)]
    assert len(more) == 3 * len(GENRES)
    assert few.items() <= more.items()
    assert len(set(more.values())) == len(more)


def test_one_jazz_clip_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "GENRES", ("jazz",))
    with ThreadPoolExecutor(1) as executor:
        synthetic.write_clips(tmp_path, Synthetic(clips_per_genre=56, seconds=0.02, seed=0), executor)
    paths = sorted((tmp_path / "jazz").iterdir())
    assert len(paths) == 56
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(paths.pop(54))
    infos = [soundfile.info(path) for path in paths]
    assert {(info.samplerate, info.channels, info.subtype) for info in infos} == {(22_050, 1, "PCM_16")}


def test_a_set_that_the_disk_has_no_room_for_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**9))
    monkeypatch.setattr(synthetic, "ordered_map", Mock(side_effect=AssertionError))  # which would fill the disk
    size = r"the synthetic data set takes 2,703,232\.0 MB in .*, where only 1,000\.0 MB are free"
    with ThreadPoolExecutor(1) as executor, pytest.raises(InputError, match=f"{size}.*, or lower .*clips_per_genre"):
        synthetic.write_clips(tmp_path, Synthetic(clips_per_genre=10_000, seconds=600, seed=0), executor)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("genre", GENRES)
@pytest.mark.parametrize("seconds", [SECONDS, 5.0])
def test_every_clip_is_audible_and_not_clipped(genre: str, seconds: float) -> None:
    for number in range(3):
        clip = render_clip(genre, number, 0, seconds)
        assert clip.dtype == np.int16
        assert clip.ndim == 1
        assert len(clip) == pytest.approx(22_050 * seconds, rel=0.03)
        level = np.abs(clip.astype(np.int64))
        peak = level.max()
        assert 5_000 < peak < 32_767
        assert np.sqrt(np.mean(level**2)) > 100
        assert np.mean(level >= peak - 1) < 0.01


def test_seed_and_number_and_genre_each_make_another_clip() -> None:
    clips = [("blues", 0, 0), ("blues", 1, 0), ("blues", 0, 1), ("rock", 0, 0)]
    rendered = [render_clip(*clip, SECONDS).tobytes() for clip in clips]
    assert len(set(rendered)) == len(clips)
    assert rendered == [render_clip(*clip, SECONDS).tobytes() for clip in clips]


def test_lengths_are_spread_as_those_of_gtzan() -> None:
    rng = default_rng(0)
    lengths = Counter(draw_samples(30, rng) for _ in range(1000))
    assert min(lengths) >= 660_000
    assert max(lengths) <= 675_808
    assert 500 < lengths[661_794] < 900
    assert len(lengths) > 100
    assert 11_000 <= draw_samples(0.5, rng) <= 11_264


def test_bands_are_complete() -> None:
    for genre, band in BANDS.items():
        assert set(band.related) <= set(GENRES) - {genre}
        assert {drum for drums in band.drums for drum in drums} <= set(synthetic.DRUMS)
        rhythms = [rhythm for drums in band.drums for rhythm in drums.values()]
        rhythms += [rhythm for part in band.parts for rhythm in part.rhythms]
        assert {len(rhythm) for rhythm in rhythms} <= {16}
        assert set("".join(rhythms)) <= set("Xxo.")
        for progression in band.progressions:
            assert len(parse_progression(progression, key=0)) == len(progression.split())


def test_two_five_one_in_c() -> None:
    tones = [[chord[degree] % 12 for degree in "1357"] for chord in parse_progression("ii7 V7 Imaj7", key=0)]
    d_f_a_c, g_b_d_f, c_e_g_b = [2, 5, 9, 0], [7, 11, 2, 5], [0, 4, 7, 11]
    assert tones == [d_f_a_c, g_b_d_f, c_e_g_b]


def test_swing_delays_the_second_eighth_of_each_beat() -> None:
    steps = swung_steps(bars=1, beat=600, swing=2 / 3)
    assert steps[:5].tolist() == pytest.approx([0, 200, 400, 500, 600])
    assert steps[-1] == 4 * 600
