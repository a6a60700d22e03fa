"""dvc.yaml: what each stage declares is what a run of it opens, asks for and writes."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from forked import run_forked
from project import PIPELINE, ROOT, STAGES, FirstRun, contents, environment, outputs, remove_outputs

NOT_DECLARED = {
    "src/genres/__init__.py",  # docstrings alone
    "src/genres/models/__init__.py",
    "src/genres/schema.py",  # checks the parameters, whose values DVC tracks, and changes none
}


class Trace(NamedTuple):
    """What a run of a stage opened, as paths below the project, and which groups of parameters it asked for."""

    code: set[str]
    data: set[str]
    asked: list[str]


def below(path: str, declared: list[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in declared)


def source_of(path: Path) -> Path | None:
    """Return the source of a file of code, or None for what is no code: caches that are written, or numba's."""
    if path.parent.name != "__pycache__":
        return path
    return path.parents[1] / f"{path.name.partition('.')[0]}.py" if path.suffix == ".pyc" else None


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, first_run: FirstRun) -> Path:
    """A copy of the project after its first run, in which stages run again, one after another, to the same bytes."""
    return first_run.copy(tmp_path_factory.mktemp("traced") / "project")


def trace(project: Path, stage: str) -> Trace:
    record = project.parent / f"{stage}.json"
    arguments = (str(record), str(ROOT / "stages" / f"{stage}.py"))
    result = run_forked(ROOT / "tests/pipeline/traced_stage.py", *arguments, folder=project, environment=environment())
    assert result.returncode == 0, result.stderr
    found = json.loads(record.read_text())
    code, data = set(), set()
    for path in map(Path, found["opened"]):
        if path.is_relative_to(ROOT / "src") or path.is_relative_to(ROOT / "stages"):
            if source := source_of(path):
                code.add(source.relative_to(ROOT).as_posix())
        elif path.is_relative_to(project) and path.is_file():
            data.add(path.relative_to(project).as_posix())
    return Trace(code, data - {"params.yaml"}, found["asked"])


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_what_it_opens_asks_for_and_writes(project: Path, stage: str) -> None:
    before = contents(project)
    remove_outputs(project, stage)
    kept = set(contents(project))
    traced = trace(project, stage)
    written = set(contents(project)) - kept

    deps, outs = PIPELINE[stage]["deps"], outputs(stage)
    code = [path for path in deps if path.startswith(("src/", "stages/"))]
    data = [path for path in deps if path not in code]
    assert {path for path in traced.code if not below(path, code)} == NOT_DECLARED & traced.code
    assert [path for path in code if not any(below(opened, [path]) for opened in traced.code)] == []
    assert [path for path in traced.data if not below(path, data + outs)] == []
    assert [path for path in data if not any(below(opened, [path]) for opened in traced.data)] == []
    assert sorted(traced.asked) == sorted(PIPELINE[stage].get("params", []))
    assert [path for path in written if not below(path, outs) and path not in ("data/predictions",)] == []
    assert [path for path in outs if path not in written] == []
    assert contents(project) == before  # the same bytes again


def test_every_stage_runs_the_script_of_its_name() -> None:
    assert {name: stage["cmd"] for name, stage in PIPELINE.items()} == {
        name: f"exec python stages/{name}.py" for name in STAGES
    }
    scripts = {path.stem for path in (ROOT / "stages").glob("*.py")}
    assert scripts == {*STAGES, "common"}


def test_the_packages_that_no_stage_depends_on_hold_only_their_docstring() -> None:
    for path in NOT_DECLARED - {"src/genres/schema.py"}:
        assert compile((ROOT / path).read_text(), path, "exec").co_names == ("__doc__",)
