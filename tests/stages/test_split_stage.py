"""Ways of splitting, as scripts, on clips one of which is there twice."""

import json
from pathlib import Path

import pytest
from project import read_table, run_stage, write_params

from genres.core.columns import CLIPS, DUPLICATES

SIZES = {"blues": 4, "rock": 5}  # and the copy
ORIGINAL, COPY = "blues/blues.00000", "blues/copy"
ALL = {*(f"{genre}/{genre}.{number:05d}" for genre in SIZES for number in range(SIZES[genre])), COPY}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is split anew by each test."""
    data = tmp_path_factory.mktemp("project") / "data"
    data.mkdir()
    clips = [f"{clip_id},{clip_id.partition('/')[0]},,,,{'0' * 64},ok," for clip_id in sorted(ALL)]
    (data / "clips.csv").write_text("\n".join([",".join(CLIPS), *clips, ""]))
    (data / "duplicates.csv").write_text(f"{','.join(DUPLICATES)}\n{ORIGINAL},{COPY},1.000\n")
    return data.parent


def draw(folder: Path, **split: object) -> tuple[dict[str, str], dict[str, int]]:
    """Split, and return each clip's subset and the counts of clips."""
    write_params(folder, {"split.test_size": 4} | {f"split.{name}": value for name, value in split.items()})
    run_stage(folder, "split")
    subsets = {row["clip_id"]: row["subset"] for row in read_table(folder / "data/split.csv")}
    return subsets, json.loads((folder / "metrics/split.json").read_bytes())


@pytest.mark.parametrize(("method", "leaked"), [("stratified", 1), ("grouped", 0)])
def test_a_copy_on_the_other_side_is_counted_and_a_grouped_split_has_none(
    project: Path, method: str, leaked: int
) -> None:
    subsets, counts = draw(project, method=method)
    assert subsets.keys() == ALL
    assert (subsets[ORIGINAL] != subsets[COPY]) == leaked
    assert counts == {"train": 6, "test": 4, "leaked": leaked}


def test_every_clip_is_tested_in_one_fold(project: Path) -> None:
    tested: list[str] = []
    for fold in range(2):
        subsets, counts = draw(project, method="kfold", folds=2, fold=fold)
        assert subsets.keys() == ALL
        assert counts["leaked"] == (subsets[ORIGINAL] != subsets[COPY])
        tested += [clip_id for clip_id, subset in subsets.items() if subset == "test"]
    assert sorted(tested) == sorted(ALL)


def test_clips_that_no_list_names_are_left_out(project: Path) -> None:
    (project / "lists").mkdir()
    expected = {}
    for number, subset in enumerate(("train", "valid", "test")):
        expected |= {f"{genre}/{genre}.{number:05d}": subset for genre in SIZES}
        lines = [f"{clip_id}.wav\n" for clip_id in expected if expected[clip_id] == subset]
        (project / f"lists/{subset}_filtered.txt").write_text("".join(lines))
    subsets, counts = draw(project, method="fault-filtered", lists="lists")
    assert subsets == expected
    assert counts == {"train": 2, "valid": 2, "test": 2, "leaked": 0}
