"""Files between stages: whole or not at all, the same bytes each time, and checked on reading."""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genres.artifacts import (
    file_sha256,
    read_csv,
    read_json,
    read_rows,
    require_file,
    sha256,
    whole_file,
    whole_folder,
    write_csv,
    write_json,
    write_rows,
)
from genres.errors import InputError

ROWS = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
HEADER = 128  # bytes


class PowerFailureError(Exception):
    pass


@pytest.fixture
def npy(tmp_path: Path) -> tuple[Path, list[str]]:
    path = tmp_path / "rows.npy"
    return path, write_rows(path, ROWS.shape, ROWS)


def damaged(path: Path, stage: str) -> str:
    """What the message about a damaged file looks like."""
    return re.escape(f"{path} is damaged: ") + r".+ Run `dvc repro -f " + stage + "` to make it again\\."


# --- written whole or not at all


def test_a_file_that_could_not_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(PowerFailureError), whole_file(path) as partial:
        partial.write_text("new")
        raise PowerFailureError
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "old")]


def test_a_killed_runs_partial_file_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / ".file.partial").write_text("a longer text that a killed run has left")
    with whole_file(path) as partial:
        partial.write_text("new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "new")]


def test_a_file_is_not_to_be_seen_before_it_is_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "deep" / "er" / "file") as partial:
        partial.write_text("new")
        assert not (tmp_path / "deep" / "er" / "file").exists()
    assert (tmp_path / "deep" / "er" / "file").read_text() == "new"


def test_rows_that_fail_half_way_leave_the_old_array(npy: tuple[Path, list[str]]) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield ROWS[1]
        raise PowerFailureError

    path, _ = npy
    before = path.read_bytes()
    with pytest.raises(PowerFailureError):
        write_rows(path, ROWS.shape, failing())
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_could_not_be_filled_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(PowerFailureError), whole_folder(folder) as partial:
        (partial / "new").touch()
        raise PowerFailureError
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["folder", "folder/old"]


def test_a_new_folder_replaces_the_old_one_and_what_a_killed_run_left(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "old").mkdir(parents=True)
    for left_behind in (".folder.partial", ".folder.replaced"):
        (tmp_path / left_behind / "rest").mkdir(parents=True)
    with whole_folder(folder) as partial:
        assert list(partial.iterdir()) == []
        (partial / "new").touch()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["folder", "folder/new"]


# --- the same bytes each time


def test_the_same_json_is_the_same_bytes_whatever_the_order_of_keys(tmp_path: Path) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    write_json(first, {"a": 1, "b": {"d": "é", "c": 0.1}})
    write_json(second, {"b": {"c": 0.1, "d": "é"}, "a": 1})
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().endswith(b'"d": "\xc3\xa9"\n  }\n}\n')


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_json_does_not_know_is_not_written(tmp_path: Path, number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"loss": number})
    assert list(tmp_path.iterdir()) == []


def test_rows_are_an_npy_file_that_numpy_reads(npy: tuple[Path, list[str]]) -> None:
    path, checksums = npy
    assert np.array_equal(np.load(path, mmap_mode="r"), ROWS)
    assert checksums == [sha256(row.tobytes()) for row in ROWS]


def test_rows_are_the_same_bytes_however_they_lie_in_memory(npy: tuple[Path, list[str]], tmp_path: Path) -> None:
    path, checksums = npy
    other = tmp_path / "other.npy"
    assert write_rows(other, ROWS.shape, [np.asfortranarray(row) for row in ROWS.astype(">f4")]) == checksums
    assert other.read_bytes() == path.read_bytes()


def test_a_files_checksum_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert file_sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# --- tables


@pytest.mark.parametrize(
    "name", ["NA", "nan", "null", "", "007", "1e5", "True", "a,b", 'say "hi"', " x ", "#1", "日本", "x\ny", "-", "\\n"]
)
def test_a_name_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.csv"
    write_csv(path, pd.DataFrame({"clip": [name, name], "genre": ["a", name]}))
    assert read_csv(path, ("clip", "genre"), "split").to_numpy().tolist() == [[name, "a"], [name, name]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no readable table"),
        (b"clip,genre\n", "it has no rows"),
        (b"clip\na\n", "its columns are clip, not clip, genre"),
        (b"genre,clip\na,b\n", "its columns are genre, clip, not clip, genre"),
        (b"clip,genre\na,b,c\n", "more values than there are columns"),
        (b"clip,genre\na,b\nc,d,e\n", "no readable table"),
        (b'clip,genre\n"a,b\n', "no readable table"),
        (b"clip,genre\na,\xff\n", "no readable table"),
    ],
)
def test_a_table_that_is_not_as_it_was_written_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=damaged(path, "split")) as caught:
        read_csv(path, ("clip", "genre"), "split")
    assert reason in str(caught.value)


# --- JSON


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"5", b'{"a": "\xff"}'])
def test_json_that_is_not_as_it_was_written_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=damaged(path, "evaluate")):
        read_json(path, "evaluate")


@pytest.mark.parametrize(
    "read",
    [
        lambda path: require_file(path, "split"),
        lambda path: read_json(path, "split"),
        lambda path: read_csv(path, ("clip",), "split"),
        lambda path: list(read_rows(path, [], "split")),
    ],
    ids=["any", "json", "csv", "npy"],
)
def test_a_missing_file_is_named_with_the_stage_that_makes_it(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = tmp_path / "file"
    with pytest.raises(InputError, match=re.escape(f"{path} is not there. Run `dvc repro split` to make it.")):
        read(path)


# --- rows


def test_rows_are_read_as_they_were_written(npy: tuple[Path, list[str]]) -> None:
    assert np.array_equal(np.stack(list(read_rows(*npy, "featurize"))), ROWS)


def header(shape: str, descr: str = "<f4", order: str = "False") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def edited(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-1], "it has 223 bytes, not the 224"),
        (lambda content: content[: HEADER + 30], "it has 158 bytes, not the 224"),
        (lambda content: content[:HEADER], "it has 128 bytes, not the 224"),
        (lambda content: content[:50], "no npy file"),
        (lambda content: b"", "no npy file"),
        (lambda content: content + b"\0", "it has 225 bytes, not the 224"),
        (lambda content: edited(content, HEADER), "row 0 is not what was written"),
        (lambda content: edited(content, HEADER + 95), "row 3 is not what was written"),
        (lambda content: content[:HEADER] + content[HEADER + 24 :] + content[HEADER : HEADER + 24], "row 0 is not"),
        (lambda content: header("(4, 2, 3)", descr="<i4") + content[HEADER:], "int32 of shape (4, 2, 3), not float32"),
        (lambda content: header("(4, 2, 3)", descr=">f4") + content[HEADER:], ">f4 of shape (4, 2, 3), not float32"),
        (lambda content: header("(4, 2, 3)", descr="|O") + content[HEADER:], "object of shape (4, 2, 3), not float32"),
        (lambda content: header("(4, 2, 3)", order="True") + content[HEADER:], "not float32 (clips, bands, frames)"),
        (lambda content: header("(4, 6)") + content[HEADER:], "float32 of shape (4, 6), not float32"),
        (lambda content: header("(2, 4, 3)") + content[HEADER:], "it has 2 rows, not 4"),
        (lambda content: header("(4, -2, -3)") + content[HEADER:], "float32 of shape (4, -2, -3), not float32"),
        (lambda content: header("(4, 10**9, 3)") + content[HEADER:], "no npy file"),
        (lambda content: header("(4, 1000000000, 1000000000)") + content[HEADER:], "it has 224 bytes, not the 16000"),
        (lambda content: header("(4, 2, 3") + content[HEADER:], "no npy file"),
        (lambda content: header("{[]: 1}") + content[HEADER:], "no npy file"),
        (lambda content: header("(4, 2, 3), 5: 6") + content[HEADER:], "no npy file"),
        (lambda content: b"\x93NUMPY\x02\x00" + content[8:], "another version of the format"),
        (lambda content: b"RIFF" + content[4:], "no npy file"),
    ],
)
def test_rows_that_are_not_as_they_were_written_are_refused(
    npy: tuple[Path, list[str]], damage: Callable[[bytes], bytes], reason: str
) -> None:
    path, checksums = npy
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=damaged(path, "featurize")) as caught:
        list(read_rows(path, checksums, "featurize"))
    assert reason in str(caught.value)
