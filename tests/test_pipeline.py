"""dvc.yaml: what its stages declare is what their code reads, and DVC reruns what a change concerns and no more."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from ruamel.yaml import YAML
from tiny import ROOT, STAGES, environment, run_stage, write_params

PIPELINE = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
NETWORKS = ["train_linear", "train_simple", "train_complex"]
TRAINING = [*NETWORKS, "train_svm"]

# --- What the code reads, by its syntax alone ---


def import_closure(script: Path, root: Path) -> set[str]:
    """Return the files below ``root`` that ``script`` imports, itself included, those within functions too.

    An ``__init__.py`` that holds only its docstring does nothing, and is left out.
    """
    closure: set[Path] = set()
    waiting = [script]
    while waiting:
        file = waiting.pop()
        if file not in closure:
            closure.add(file)
            waiting += [found for name in imported_names(file, root) for found in files_of(name, root)]
    return {file.relative_to(root).as_posix() for file in closure if not holds_docstring_only(file)}


def imported_names(file: Path, root: Path) -> Iterator[str]:
    """Yield the dotted name of each module that may be imported; ``from a import b`` may mean a.b, or b in a."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import, which this test does not follow"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            assert name not in {"__import__", "import_module", "run_path", "run_module"}, f"{file}: {name}"


def files_of(name: str, root: Path) -> Iterator[Path]:
    """Yield the files that importing a module runs: its own, and those of the packages that it lies in."""
    parts = name.split(".")
    for folder in (root / "src", root / "stages"):
        for length in range(1, len(parts) + 1):
            place = folder.joinpath(*parts[:length])
            yield from (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())


def holds_docstring_only(file: Path) -> bool:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return file.name == "__init__.py" and all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body
    )


def parameters_read(script: Path) -> set[str]:
    """Return which of ``params`` a script reads ("seed", "dataset.name"); handing on ``params`` whole is refused."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    read = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            chain, base = [node.attr], node.value
            while isinstance(base, ast.Attribute):
                chain.insert(0, base.attr)
                base = base.value
            if isinstance(base, ast.Name) and base.id == "params":
                read.add(".".join(chain))
        elif isinstance(node, ast.Name) and node.id == "params" and isinstance(node.ctx, ast.Load):
            assert id(node) in inner, f"{script.name}, line {node.lineno}: `params` is handed on whole"
    return read


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_code_that_it_imports_and_on_no_other(stage: str) -> None:
    declared = {path for path in PIPELINE[stage]["deps"] if path.endswith(".py")}
    assert declared == import_closure(ROOT / "stages" / f"{stage}.py", ROOT)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_the_parameters_that_its_script_reads_and_no_others(stage: str) -> None:
    assert set(PIPELINE[stage].get("params", ())) == parameters_read(ROOT / "stages" / f"{stage}.py")


@pytest.mark.parametrize("stage", STAGES)
def test_only_a_stage_s_script_loads_the_parameters(stage: str) -> None:
    script = f"stages/{stage}.py"
    others = import_closure(ROOT / script, ROOT) - {script, "src/genres/params.py"}
    assert not [file for file in others if "load_params" in (ROOT / file).read_text(encoding="utf-8")]


def test_each_of_the_package_s_files_that_is_no_code_is_a_dependency_of_the_stage_that_reads_it() -> None:
    data = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src").rglob("*.*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".nbi", ".nbc") and ".egg-info" not in str(path)
    }
    declared = {path: name for name, stage in PIPELINE.items() for path in stage["deps"] if path in data}
    assert declared == {
        "src/genres/datasets/gtzan_mini.sha256": "download",
        "src/genres/figures.mplstyle": "evaluate",
        "src/genres/report.html.jinja": "evaluate",
    }
    assert declared.keys() == data


def test_every_stage_runs_the_script_of_its_name() -> None:
    assert {name: stage["cmd"] for name, stage in PIPELINE.items()} == {
        name: f"python stages/{name}.py" for name in STAGES
    }


@pytest.mark.parametrize("stage", STAGES)
def test_no_dependency_is_listed_twice_or_comes_from_nowhere(stage: str) -> None:
    deps = PIPELINE[stage]["deps"]
    outputs = {path for other in PIPELINE.values() for path in declared_outputs(other)}
    assert len(deps) == len(set(deps))
    assert all(path in outputs or (ROOT / path).is_file() for path in deps)


def declared_outputs(stage: dict[str, list[object]]) -> list[str]:
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, ())]
    return [next(iter(entry)) if isinstance(entry, dict) else str(entry) for entry in entries]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_the_files_that_its_command_line_names(stage: str) -> None:
    read, written = files_of_help(stage)
    inputs = [path for path in PIPELINE[stage]["deps"] if not path.startswith(("src/", "stages/"))]
    for declared, named in ((inputs, read), (declared_outputs(PIPELINE[stage]), written)):
        assert all(any(is_at(path, place) for place in named) for path in declared), (declared, named)
        assert all(any(is_at(path, place) for path in declared) for place in named), (declared, named)


def files_of_help(stage: str) -> tuple[set[str], set[str]]:
    command = [sys.executable, str(ROOT / "stages" / f"{stage}.py"), "--help"]
    text = subprocess.run(command, env=environment(COLUMNS="300"), capture_output=True, text=True, check=True).stdout
    text = re.sub(r"\n {10,}", " ", text)  # the help of a long option stands below it
    written = set(re.findall(r"^  --.*, written \(default: (\S+)\)$", text, re.MULTILINE))
    paths = set(re.findall(r"^  --.* \(default: (\S+[./]\S+|metrics|models|plots)\)$", text, re.MULTILINE))
    return paths - written - {"params.yaml"}, written


def is_at(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


# --- That these checks can fail ---


def write(root: Path, path: str, code: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code, encoding="utf-8")
    return file


def test_the_closure_follows_imports_of_every_form(tmp_path: Path) -> None:
    script = write(
        tmp_path, "stages/s.py", "import json, shared\nif x:\n def f():\n  from p.q import a, b\n  import p.deep.c as c"
    )
    write(tmp_path, "stages/shared.py", "from p import d")
    write(tmp_path, "stages/other.py", "")
    write(tmp_path, "src/p/__init__.py", '"""Only this."""')
    write(tmp_path, "src/p/d.py", "import p.d")
    write(tmp_path, "src/p/e.py", "")
    write(tmp_path, "src/p/q/__init__.py", '"""More."""\na = 1')
    write(tmp_path, "src/p/q/b.py", "")
    write(tmp_path, "src/p/deep/__init__.py", "")
    write(tmp_path, "src/p/deep/c.py", "")
    assert import_closure(script, tmp_path) == {
        "stages/s.py",
        "stages/shared.py",
        "src/p/d.py",
        "src/p/q/__init__.py",
        "src/p/q/b.py",
        "src/p/deep/c.py",
    }


@pytest.mark.parametrize(
    "code", ["from . import x", "__import__('x')", "import importlib\nimportlib.import_module('x')"]
)
def test_an_import_that_the_closure_cannot_follow_is_refused(tmp_path: Path, code: str) -> None:
    with pytest.raises(AssertionError):
        import_closure(write(tmp_path, "stages/s.py", code), tmp_path)


def test_parameters_are_found_however_deep_and_wherever_they_are_read(tmp_path: Path) -> None:
    code = "params = load()\ndef f():\n g(params.a, x=params.b.c)\n return params.d.upper().e, other.params.z, q.params"
    assert parameters_read(write(tmp_path, "s.py", code)) == {"a", "b.c", "d.upper"}


@pytest.mark.parametrize("code", ["f(params)", "x = params", "vars(params)", "f(**params)", "[params]"])
def test_parameters_that_are_handed_on_whole_are_refused(tmp_path: Path, code: str) -> None:
    with pytest.raises(AssertionError, match="handed on whole"):
        parameters_read(write(tmp_path, "s.py", code))


# --- What DVC runs, in clones of the working tree ---


class Clone(NamedTuple):
    """A git and DVC repository of its own, with nothing of the machine's settings."""

    folder: Path

    def run(self, *command: str, succeeds: bool = True, **variables: str) -> str:
        """Run git or dvc, which succeeds or fails, and return all that it printed."""
        isolated = environment(
            GIT_CONFIG_GLOBAL=os.devnull,
            GIT_CONFIG_NOSYSTEM="1",
            DVC_NO_ANALYTICS="1",
            **{f"DVC_{name}_DIR": str(self.folder.parent / name) for name in ("GLOBAL_CONFIG", "SYSTEM_CONFIG")},
            DVC_SITE_CACHE_DIR=str(self.folder.parent / "site_cache"),
            **variables,
        )
        result = subprocess.run(
            command,
            cwd=self.folder,
            env=isolated,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (result.returncode == 0) == succeeds, result.stdout
        return result.stdout

    def stages_run(self, *command: str, **variables: str) -> list[str]:
        """Run dvc, and return the stages that it ran, sorted."""
        return ran(self.run("dvc", *command, **variables))

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "state")

    def changed(self) -> set[str]:
        """Return what git sees as changed or new."""
        status = self.run("git", "status", "--porcelain", "--untracked-files=all")
        return {line[3:] for line in status.splitlines()}


def ran(output: str) -> list[str]:
    return sorted(re.findall(r"^Running stage '(\w+)'", output, re.MULTILINE))


def are_results(paths: Sequence[str] | set[str]) -> bool:
    return all(path in ("dvc.lock", "params.yaml") or path.startswith(("metrics/", "plots/")) for path in paths)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, str, set[str]]:
    """A clone of the working tree after its first run, what was printed, and what git saw before the commit."""
    clone = Clone(tmp_path_factory.mktemp("first") / "project")
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for path in filter(None, listed.stdout.split("\0")):
        # Results and their lock file belong to the project's own data set.
        if (ROOT / path).is_file() and not path.startswith(("metrics/", "plots/")) and path != "dvc.lock":
            (clone.folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, clone.folder / path)
    write_params(clone.folder, {})
    clone.run("git", "init", "--quiet")
    clone.run("git", "config", "user.name", "A Tester")
    clone.run("git", "config", "user.email", "tester@example.com")
    clone.commit()
    output = clone.run("dvc", "repro")
    changed = clone.changed()
    clone.commit()
    return clone, output, changed


@pytest.fixture
def clone(tmp_path: Path, first_run: tuple[Clone, str, set[str]]) -> Clone:
    """A copy of the clone after its first run, committed."""
    shutil.copytree(first_run[0].folder, tmp_path / "project", symlinks=True)
    return Clone(tmp_path / "project")


def test_the_first_run_runs_every_stage_and_touches_nothing_but_results(
    first_run: tuple[Clone, str, set[str]],
) -> None:
    clone, output, changed = first_run
    assert ran(output) == sorted(STAGES)
    assert are_results(changed)
    assert {"dvc.lock", "metrics/evaluate.json", "plots/confusion/linear.csv"} <= changed
    assert (clone.folder / "dvc.yaml").read_bytes() == (ROOT / "dvc.yaml").read_bytes()
    assert "Warning" not in output


def test_the_accuracies_are_those_of_the_last_epoch(first_run: tuple[Clone, str, set[str]]) -> None:
    metrics = first_run[0].folder / "metrics"
    evaluated = json.loads((metrics / "evaluate.json").read_bytes())
    for network in ("linear", "simple", "complex"):
        trained = json.loads((metrics / f"train_{network}" / "metrics.json").read_bytes())
        assert trained["step"] == 2
        assert evaluated[network]["accuracy"] == trained["test"]["accuracy"]


def test_nothing_runs_when_nothing_has_changed(clone: Clone) -> None:
    assert clone.stages_run("repro") == []
    assert clone.stages_run("exp", "run") == []
    assert clone.changed() == set()


def test_another_seed_reruns_split_training_and_evaluation_and_going_back_runs_nothing(clone: Clone) -> None:
    assert clone.stages_run("exp", "run", "-S", "seed=3") == sorted(["split", *TRAINING, "evaluate"])
    changed = clone.changed()
    assert are_results(changed)
    assert {"params.yaml", "dvc.lock", "metrics/evaluate.json"} <= changed

    difference = json.loads(clone.run("dvc", "metrics", "diff", "--json"))
    assert difference["metrics/train_linear/metrics.json"]["test.loss"]["diff"] != 0

    assert clone.stages_run("exp", "run", "-S", "seed=0") == []
    assert clone.changed() == set()


@pytest.mark.slow
def test_another_dropout_reruns_the_network_that_has_it_and_the_evaluation(clone: Clone) -> None:
    assert clone.stages_run("exp", "run", "-S", "simple.dropout=0.5") == ["evaluate", "train_simple"]
    assert are_results(clone.changed())


@pytest.mark.slow
def test_other_epochs_rerun_the_networks_training_and_evaluation(clone: Clone) -> None:
    assert clone.stages_run("exp", "run", "-S", "train.epochs=1") == sorted([*NETWORKS, "evaluate"])


@pytest.mark.slow
def test_other_mel_bands_rerun_featurize_and_all_after_it(clone: Clone) -> None:
    after = set(STAGES) - {"download", "find_duplicates"}
    assert clone.stages_run("exp", "run", "-S", "featurize.n_mels=64") == sorted(after)


@pytest.mark.slow
def test_a_comment_in_the_networks_code_reruns_training_and_evaluation_only(clone: Clone) -> None:
    with (clone.folder / "src/genres/models.py").open("a", encoding="utf-8") as file:
        file.write("# A comment.\n")
    assert clone.stages_run("repro") == sorted([*TRAINING, "evaluate"])
    # The same models came out, and nothing else. The machine reads and writes models with the same code.
    assert clone.changed() == {"dvc.lock", "src/genres/models.py"}


def test_a_comment_in_a_test_or_the_readme_reruns_nothing(clone: Clone) -> None:
    for path in ("tests/tiny.py", "stages/results.py", "Makefile"):
        with (clone.folder / path).open("a", encoding="utf-8") as file:
            file.write("# A comment.\n")
    assert clone.stages_run("repro") == []


def decoy(folder: Path) -> str:
    """Return a place that holds another package `genres`, as an editable install of another checkout would."""
    write(folder, "decoy/genres/__init__.py", "raise SystemExit('the decoy was imported')")
    place = str(folder / "decoy")
    command = [sys.executable, "-c", "import genres"]
    result = subprocess.run(command, env=environment(PYTHONPATH=place), capture_output=True, text=True, check=False)
    assert "the decoy was imported" in result.stderr
    return place


@pytest.mark.parametrize("targets", [["split"], pytest.param([], marks=pytest.mark.slow)])
def test_an_experiment_in_a_temporary_checkout_imports_its_own_code(
    clone: Clone, tmp_path: Path, targets: list[str]
) -> None:
    """`dvc exp run --temp`, for one stage and for all; the workspace is not touched by it."""
    splits = clone.folder / "src/genres/splits.py"
    with splits.open("a", encoding="utf-8") as file:
        file.write("print('imported from', __file__)\n")
    clone.commit()
    output = clone.run("dvc", "exp", "run", "--temp", "-S", "seed=3", *targets, PYTHONPATH=decoy(tmp_path))
    assert ran(output) == sorted(targets or ["split", *TRAINING, "evaluate"])
    places = re.findall(r"imported from (.*)", output)
    assert len(places) == 1
    assert Path(places[0]).resolve().is_relative_to((clone.folder / ".dvc/tmp/exps").resolve())
    assert not places[0].startswith(str(splits))
    assert clone.changed() == set()


def test_metrics_and_plots_are_shown(clone: Clone) -> None:
    shown = json.loads(clone.run("dvc", "metrics", "show", "--json"))
    accuracies = shown[""]["data"]["metrics/evaluate.json"]["data"]
    assert set(accuracies) >= {"linear", "simple", "complex"}
    output = clone.run("dvc", "plots", "show", "--out", "drawn")
    assert (clone.folder / "drawn" / "index.html").is_file()
    assert "ERROR" not in output
    assert "WARNING" not in output


def test_a_stage_that_fails_stops_the_pipeline_and_leaves_no_output(clone: Clone) -> None:
    write_params(clone.folder, {"split.test_size": 59})
    output = clone.run("dvc", "repro", succeeds=False)
    assert ran(output) == ["split"]
    assert len(re.findall("^error: .*test_size", output, re.MULTILINE)) == 1
    assert "Traceback" not in output
    assert not (clone.folder / "data/split.csv").exists()


def test_the_results_are_printed_after_a_run(first_run: tuple[Clone, str, set[str]]) -> None:
    printed = run_stage(first_run[0].folder, "results").stdout
    assert "SYNTHETIC" in printed
    for figure in (first_run[0].folder / "plots").glob("*.png"):
        assert f"plots/{figure.name}" in printed
