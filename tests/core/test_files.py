"""Files between stages: written atomically, the same bytes each time, and checked when read."""

import io
import math
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from project import ROOT, environment, files_in

from genres.core.columns import Epoch, NonNegative, Share
from genres.core.errors import InputError, explain
from genres.core.files import (
    NoRoomError,
    atomic_folder,
    atomic_write,
    file_sha256,
    lay_out_array,
    read_array,
    read_csv,
    read_json,
    read_row,
    require_file,
    write_array,
    write_csv,
    write_json,
    write_row,
)

ARRAY = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
COLUMNS = ("clip_id", "genre")
KILLED_WHILE_WRITING = """
import os, signal
from pathlib import Path
from genres.core.files import atomic_folder, atomic_write
with atomic_write(Path("file")) as file, atomic_folder(Path("folder")) as folder:
    file.write_text("a longer text than the new one")
    (folder / "file").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


class PowerFailureError(Exception):
    pass


@pytest.fixture
def npy(tmp_path: Path) -> Path:
    write_array(tmp_path / "array.npy", ARRAY.shape, ARRAY)
    return tmp_path / "array.npy"


def damaged(path: Path, stage: str) -> str:
    """Return a pattern for the message about a damaged file."""
    return re.escape(f"{path} is damaged: ") + r".+ Run `dvc repro -f " + stage + "` to make it again\\."


# --- atomic


def test_a_file_is_not_visible_before_it_is_complete(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "new" / "folder" / "file") as partial:
        partial.write_text("new")
        assert not (tmp_path / "new" / "folder" / "file").exists()
    assert files_in(tmp_path) == {"new/folder/file": b"new"}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with a file and a folder to be replaced."""
    (tmp_path / "file").write_text("old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").write_text("old")
    return tmp_path


def test_a_write_that_fails_leaves_the_old_file_or_folder(old: Path) -> None:
    with pytest.raises(PowerFailureError), atomic_write(old / "file") as partial:
        partial.write_text("new")
        raise PowerFailureError
    with pytest.raises(PowerFailureError), atomic_folder(old / "folder") as partial:
        (partial / "new").write_text("new")
        raise PowerFailureError
    assert files_in(old) == {"file": b"old", "folder/old": b"old"}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_killed_run_leaves_the_old_content_and_the_next_run_replaces_it(old: Path) -> None:
    command = [sys.executable, "-c", KILLED_WHILE_WRITING]
    assert subprocess.run(command, cwd=old, env=environment(PYTHONPATH=str(ROOT / "src")), check=False).returncode < 0
    left = files_in(old)
    assert (left.pop("file"), left.pop("folder/old")) == (b"old", b"old")
    assert sorted(left.values()) == [b"a longer text than the new one", b"half"]

    (old / ".folder.replaced").mkdir()  # left by a run that is killed between its two renames
    with atomic_write(old / "file") as file, atomic_folder(old / "folder") as folder:
        file.write_text("new")
        (folder / "new").write_text("new")
    assert files_in(old) == {"file": b"new", "folder/new": b"new"}
    assert len(list(old.iterdir())) == 2


@pytest.mark.parametrize("name", [".file.partial", ".folder.partial", ".folder.replaced"])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_whatever_lies_at_a_temporary_name_is_replaced(
    old: Path, tmp_path_factory: pytest.TempPathFactory, name: str, kind: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept").touch()
    if kind == "file":
        (old / name).touch()
    elif kind == "folder":
        (old / name / "x").mkdir(parents=True)
    else:
        (old / name).symlink_to(elsewhere)
    with atomic_write(old / "file") as file, atomic_folder(old / "folder") as folder:
        file.write_text("new")
        (folder / "new").write_text("new")
    assert files_in(old) == {"file": b"new", "folder/new": b"new"}
    assert (elsewhere / "kept").exists()


def test_a_folder_in_the_place_of_a_file_is_named(old: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught, atomic_write(old / "folder") as partial:
        partial.touch()
    assert explain(caught.value) == f"{old / 'folder'}: Is a directory. Move it away, and run this again"


def test_rows_that_fail_half_way_leave_the_old_array(npy: Path) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield ARRAY[1]
        raise PowerFailureError

    before = npy.read_bytes()
    with pytest.raises(PowerFailureError):
        write_array(npy, ARRAY.shape, failing())
    assert npy.read_bytes() == before
    assert list(npy.parent.iterdir()) == [npy]


def test_rows_that_are_not_all_written_in_place_leave_the_old_array(npy: Path) -> None:
    before = npy.read_bytes()
    with pytest.raises(PowerFailureError), lay_out_array(npy, ARRAY.shape) as array:
        write_row(array, 1, ARRAY[0])
        raise PowerFailureError
    assert npy.read_bytes() == before
    assert list(npy.parent.iterdir()) == [npy]


@pytest.mark.parametrize(("index", "shape"), [(0, (3, 2)), (0, (2, 1)), (0, (1, 2, 3)), (4, (2, 3)), (-1, (2, 3))])
def test_a_row_that_does_not_fit_is_not_written(npy: Path, index: int, shape: tuple[int, ...]) -> None:
    with lay_out_array(npy, ARRAY.shape) as array:
        before = array.path.read_bytes()
        with pytest.raises(ValueError, match=rf"row {index} of shape .* does not fit into 4 rows of shape \[2, 3\]"):
            write_row(array, index, np.ones(shape, np.float32))
        assert array.path.read_bytes() == before


def test_a_row_is_written_without_reading_what_other_machines_may_write_meanwhile(
    npy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def record(path: Path, flags: int, *arguments: int) -> int:
        opened.append((path, flags & os.O_ACCMODE))
        return os_open(path, flags, *arguments)

    os_open = os.open
    with lay_out_array(npy, ARRAY.shape) as array:
        monkeypatch.setattr(os, "open", record)
        write_row(array, 0, ARRAY[0])
    assert opened == [(array.path, os.O_WRONLY)]


def test_an_array_that_the_disk_has_no_room_for_is_refused_before_it_is_computed(
    npy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows() -> Iterator[np.ndarray]:
        raise AssertionError
        yield

    before = npy.read_bytes()
    usage = shutil.disk_usage(npy.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2_000_000))
    with pytest.raises(NoRoomError) as caught:
        write_array(npy, (1000, 20, 50), rows())
    with pytest.raises(NoRoomError, match=f"^{re.escape(str(caught.value))}$"), lay_out_array(npy, (1000, 20, 50)):
        raise AssertionError
    assert str(caught.value) == (
        f"{npy} takes 4.0 MB in {npy.parent}, where only 2.0 MB are free. Free some space, or lower the sizes in "
        "params.yaml: it has 1000 clips of 20 x 50."
    )
    assert npy.read_bytes() == before


# --- the same bytes each time


def test_the_order_of_keys_does_not_change_the_bytes_of_json(tmp_path: Path) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    write_json(first, {"a": 1, "b": {"d": "é", "c": 0.1}})
    write_json(second, {"b": {"c": 0.1, "d": "é"}, "a": 1})
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().endswith(b'"d": "\xc3\xa9"\n  }\n}\n')


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_json_does_not_have_is_not_written(tmp_path: Path, number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"loss": number})
    assert list(tmp_path.iterdir()) == []


def test_the_layout_in_memory_does_not_change_the_bytes_of_an_array(npy: Path, tmp_path: Path) -> None:
    assert np.array_equal(np.load(npy), ARRAY)
    other = tmp_path / "other.npy"
    write_array(other, ARRAY.shape, [np.asfortranarray(row) for row in ARRAY.astype(">f4")])
    assert other.read_bytes() == npy.read_bytes()


def test_rows_written_in_place_in_any_order_and_twice_give_the_same_bytes(npy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.npy"
    with lay_out_array(other, ARRAY.shape) as array:
        assert np.array_equal(np.load(array.path), np.zeros_like(ARRAY))
        for index in (2, 0, 3, 1, 2):
            write_row(array, index, np.asfortranarray(ARRAY[index].astype(">f4")))
            assert np.array_equal(read_row(array.path, index), ARRAY[index])
        assert not other.exists()
    assert other.read_bytes() == npy.read_bytes()


def test_the_checksum_of_a_file_is_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert file_sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# --- tables and JSON


@pytest.mark.parametrize(
    "name", ["NA", "nan", "null", "", "007", "1e5", "True", "a,b", 'say "hi"', " x ", "#1", "日本", "x\ny", "-", "\\n"]
)
def test_a_name_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.csv"
    table = pd.DataFrame({"clip_id": [name, name], "genre": ["a", name]})
    write_csv(path, table)
    pd.testing.assert_frame_equal(read_csv(path, COLUMNS, "split"), table)


def test_a_table_may_be_empty_or_have_more_columns_only_where_that_is_allowed(tmp_path: Path) -> None:
    empty, wide = tmp_path / "empty.csv", tmp_path / "wide.csv"
    empty.write_text("clip_id,genre\n")
    wide.write_text("clip_id,genre,NA,NA\na,b,c,d\n")
    assert read_csv(empty, COLUMNS, "split", may_be_empty=True).shape == (0, 2)
    assert list(read_csv(wide, COLUMNS, "split", more_columns=True)) == [*COLUMNS, "NA", "NA"]


def test_typed_columns_hold_every_digit_and_empty_fields_are_missing_where_their_type_allows_it(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("genre\tn\tepoch\tloss\nNA\t1\t\t0.30000000000000004\n\t2\t21\t\n")
    types = {"genre": str, "n": int, "epoch": Epoch | None, "loss": NonNegative | None}
    table = read_csv(path, types, "split")
    assert table.genre.tolist() == ["NA", ""]
    assert table.n.tolist() == [1, 2]
    assert (table.n.dtype, table.epoch.tolist()) == (np.int64, [None, 21])
    assert table.loss.tolist() == [0.30000000000000004, None]
    for kind in (Epoch, float):
        assert read_csv(path, types | {"n": kind}, "split").n.sum() == 3


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", Epoch),
        ("x", Epoch | None),
        ("x", Share),
        ("1.5", Epoch),
        ("1.5", Epoch | None),
        ("", Epoch),
        ("0", Epoch),
        ("1,5", Share),
        ("9" * 30, Epoch | None),
        ("7", Share),
        ("-1", Share),
        ("nan", Share | None),
        ("inf", NonNegative),
        ("nan", NonNegative),
        ("maybe", Literal["yes", "no"]),
    ],
)
def test_a_value_of_another_type_or_out_of_range_is_refused(tmp_path: Path, value: str, kind: Any) -> None:
    path = tmp_path / "x.csv"
    write_csv(path, pd.DataFrame({"clip_id": ["a", value], "genre": "a"}))
    with pytest.raises(InputError, match=damaged(path, "split")) as caught:
        read_csv(path, {"clip_id": Literal["a"] | kind, "genre": str}, "split")
    assert re.search("clip_id, line 3.*: Input should be .*, but found (None|'.*')", str(caught.value))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "its columns are , not clip_id, genre"),
        (b"clip_id,genre\n", "it has no rows"),
        (b"clip_id\na\n", "its columns are clip_id, not clip_id, genre"),
        (b"genre,clip_id\na,b\n", "its columns are genre, clip_id, not clip_id, genre"),
        (b"clip_id,genre,more\na,b,c\n", "its columns are clip_id, genre, more, not clip_id, genre"),
        (b"clip_id,genre\na,b,c\n", "line 2 has 3 values, the header has 2"),
        (b"clip_id,genre\na,b\nc,d,e\n", "line 3 has 3 values, the header has 2"),
        (b'clip_id,genre\n"a\na",b\nc\n', "line 4 has 1 values, the header has 2"),
        (b"clip_id,genre\na,b\n\nc,d\n", "line 3 has 0 values, the header has 2"),
        (b'clip_id,genre\n"a,b\n', "not a readable table (unexpected end of data)"),
        (b"clip_id,genre\na,\xff\n", "not a readable table ("),
    ],
)
def test_a_table_that_is_not_as_it_was_written_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=damaged(path, "split")) as caught:
        read_csv(path, COLUMNS, "split")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"a": "\xff"}', "not valid JSON"),
        (b"[1]", "the whole: Input should be a valid dictionary, but found [1]"),
        (b'{"a": 1}', "a: Input should be a valid string, but found 1"),
    ],
)
def test_json_that_is_not_as_it_was_written_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=damaged(path, "evaluate")) as caught:
        read_json(path, dict[str, str], "evaluate")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "read",
    [
        lambda path: require_file(path, "split"),
        lambda path: read_json(path, dict[str, str], "split"),
        lambda path: read_csv(path, COLUMNS, "split"),
        lambda path: read_array(path, 4, "split"),
    ],
    ids=["any", "json", "csv", "npy"],
)
def test_a_missing_file_is_named_with_the_stage_that_makes_it(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = tmp_path / "file"
    with pytest.raises(InputError, match=re.escape(f"{path} is not there. Run `dvc repro split` to make it.")):
        read(path)


# --- arrays


def test_an_array_is_read_as_it_was_written_but_not_loaded(npy: Path) -> None:
    array = read_array(npy, 4, "featurize")
    assert np.array_equal(array, ARRAY)
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable


def header(shape: str, descr: str = "<f4", *, fortran: bool = False) -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, ARRAY)
    return file.getvalue()


DATA = ARRAY.tobytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a readable npy file"),
        (header("(4, 2, 3)") + DATA[:-1], "not a readable npy file"),
        (header("(4, 1000000000, 3)") + DATA, "not a readable npy file"),
        (header("(4, -2, -3)") + DATA, "not a readable npy file"),
        (header(f"(4, {10**30}, 3)") + DATA, "not a readable npy file"),
        (header(f"(4, {2**62}, 4)") + DATA, "not a readable npy file"),
        (header("(4, 0, 3)"), "float32 of shape (4, 0, 3), not float32 (4 clips, height, width)"),
        (header("(4, 2, 3") + DATA, "not a readable npy file"),
        (header("{[]: 1}") + DATA, "not a readable npy file"),
        (header("(4, 2, 3)", descr="|O") + pickle.dumps([1] * 24), "not a readable npy file"),
        (pickle.dumps(ARRAY), "not a readable npy file"),
        (npz(), "not a readable npy file"),
        (header("(4, 2, 3)", descr="<i4") + DATA, "int32 of shape (4, 2, 3), not float32 (4 clips, height, width)"),
        (header("(4, 2, 3)", descr=">f4") + DATA, ">f4 of shape (4, 2, 3), not float32 (4 clips, height, width)"),
        (header("(4, 6)") + DATA, "float32 of shape (4, 6), not float32 (4 clips, height, width)"),
        (header("(4, 2, 3)") + DATA + b"x", "its values are in Fortran order, or more bytes follow them"),
        (header("(4, 2, 3)", fortran=True) + DATA, "its values are in Fortran order, or more bytes follow them"),
        (header("(2, 4, 3)") + DATA, "float32 of shape (2, 4, 3), not float32 (4 clips, height, width)"),
    ],
)
def test_an_array_that_is_not_as_it_was_written_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "array.npy"
    path.write_bytes(content)
    with pytest.raises(InputError, match=damaged(path, "featurize")) as caught:
        read_array(path, 4, "featurize")
    assert reason in str(caught.value)
