"""Whatever a stage finds in its files, it ends in one of two ways: done, or refused with one message."""

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from project import PIPELINE, STAGES, FirstRun

from genres.core.errors import explain

pytestmark = pytest.mark.slow

# Bytes and texts that readers of tables, arrays, audio and parameters stumble over.
VALUES = [
    "",
    "nan",
    "inf",
    "-1",
    "1e999",
    "0x1",
    "None",
    "null",
    "é\u2028",
    "\x00",
    '"',
    ",",
    "a/b/c",
    "[" * 2000,
    "9" * 400,
]
BYTES = [
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"{",
    b"[[[[",
    b"\x93NUMPY\x01\x00",
    b"RIFF\xff\xff\xff\xffWAVE",
    b"fLaC",
]
Damage = Callable[[bytes], bytes]

shares = st.floats(0, 1, exclude_max=True)


def at(share: float, content: bytes) -> int:
    return int(share * len(content))


def replace_value(line_share: float, column_share: float, value: str) -> Damage:
    def damage(content: bytes) -> bytes:
        lines = content.decode("latin-1").split("\n")
        line = int(line_share * len(lines))
        mark = ":" if ": " in lines[line] else ","
        values = lines[line].split(mark)
        values[int(column_share * len(values))] = value
        lines[line] = mark.join(values)
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    return damage


def repeat_line(share: float, times: int) -> Damage:
    def damage(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        line = int(share * len(lines)) if lines else 0
        return b"".join([*lines[:line], *lines[line : line + 1] * times, *lines[line + 1 :]])

    return damage


damages = st.one_of(
    shares.map(lambda share: lambda content: content[: at(share, content)]),
    st.sampled_from(BYTES).map(lambda new: lambda _: new),
    st.tuples(shares, st.sampled_from(BYTES)).map(
        lambda args: lambda content: content[: at(args[0], content)] + args[1] + content[at(args[0], content) :]
    ),
    st.tuples(shares, st.integers(1, 255)).map(
        lambda args: (
            lambda content: (
                content[: at(args[0], content)]
                + bytes(byte ^ args[1] for byte in content[at(args[0], content) :][:1])
                + content[at(args[0], content) + 1 :]
            )
        )
    ),
    st.tuples(shares, shares, st.sampled_from(VALUES)).map(lambda args: replace_value(*args)),
    st.tuples(shares, st.sampled_from([0, 2, 3])).map(lambda args: repeat_line(*args)),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, first_run: FirstRun) -> Path:
    return first_run.copy(tmp_path_factory.mktemp("bad input") / "project")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_ends_well_or_refuses_what_it_finds(
    project: Path, tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its inputs are damaged in many ways, one file at a time."""
    deps = [project / dep for dep in PIPELINE[stage]["deps"] if not dep.startswith(("src/", "stages/"))]
    files = sorted(path for dep in deps for path in ([dep] if dep.is_file() else dep.rglob("*")) if path.is_file())
    files = [project / "params.yaml", *files]
    kept = tmp_path / "kept"
    shutil.copytree(project, kept)
    monkeypatch.chdir(project)
    main = import_module(stage).main

    @settings(
        max_examples={"download": 5, "featurize": 5, "find_duplicates": 5, "report": 15}.get(stage, 30),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(files), damages)
    def try_one(file: Path, damage: Damage) -> None:
        content = file.read_bytes()
        file.write_bytes(damage(content))
        try:
            main()
        except Exception as error:
            if explain(error) is None:
                raise
        finally:
            shutil.rmtree(project)
            shutil.copytree(kept, project)
            monkeypatch.chdir(project)

    try_one()
