"""Stages on a machine that is full, bare or killed: one message, or an end."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from forked import run_forked
from project import ROOT, STAGES, environment, outputs, remove_outputs, run_stage

WITHOUT_ROOM = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.mark.parametrize(
    "stage", [stage if stage == "split" else pytest.param(stage, marks=pytest.mark.slow) for stage in STAGES]
)
def test_a_file_that_cannot_be_written_to_its_end_is_named(project: Path, tmp_path: Path, stage: str) -> None:
    remove_outputs(project, stage)
    script = tmp_path / "without_room.py"
    script.write_text(WITHOUT_ROOM)
    result = run_forked(script, str(ROOT / f"stages/{stage}.py"), folder=project, environment=environment())
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert "File too large. Use another file system" in last or "No usable temporary directory" in last
    assert "Traceback" not in result.stderr
    assert list(project.rglob(".*.partial")) == []


def test_a_closed_standard_error_hinders_nothing(project: Path) -> None:
    remove_outputs(project, "resize")
    command = ["bash", "-c", 'exec 2>&-; "$0" "$1"', sys.executable, str(ROOT / "stages/resize.py")]
    result = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (project / "data/inputs.npy").is_file()


@pytest.mark.parametrize(
    ("after", "status", "message"),
    [
        (">/dev/full", 1, "error: a file: No space left on device. Free some space, and run this again\n"),
        ("| true", 1, ""),
        (">&-", 0, ""),
    ],
)
def test_output_that_cannot_be_written_ends_in_at_most_one_line(
    project: Path, after: str, status: int, message: str
) -> None:
    code = "from common import run_stage; import time; run_stage(lambda: (time.sleep(0.5), print('x')))"
    command = ["bash", "-c", f'set -o pipefail; PYTHONPATH="$0" "$1" -c "$2" {after}', str(ROOT / "stages")]
    result = subprocess.run(
        [*command, sys.executable, code], cwd=project, env=environment(), capture_output=True, text=True, check=False
    )
    assert (result.stderr, result.returncode) == (message, status)


def test_a_stage_finds_its_code_where_python_leaves_out_the_folder_of_scripts(project: Path) -> None:
    remove_outputs(project, "download")
    run_stage(project, "download", PYTHONSAFEPATH="1")
    assert all((project / output).exists() for output in outputs("download"))
    line = "sys.path.insert(0, str(Path(__file__).parent))"
    for stage in STAGES:
        assert line in (ROOT / f"stages/{stage}.py").read_text(encoding="utf-8").partition("\nfrom common import")[0]


def test_figures_do_not_look_at_the_backend_nor_at_the_users_settings(project: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in (project / "plots/figures").iterdir()}
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nfigure.facecolor: red\n")
    variables = {
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"),
    }
    run_stage(project, "report", **variables)
    assert {path.name: path.read_bytes() for path in (project / "plots/figures").iterdir()} == before


def test_a_python_without_the_packages_says_how_to_get_them(tmp_path: Path) -> None:
    command = [sys.executable, "-S", str(ROOT / "stages/split.py")]  # without site-packages
    result = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {sys.executable} has no module ")
    assert result.stderr.endswith("Run `make` once, and `. .venv/bin/activate` in every new terminal.\n")


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_a_stage_ends_with_the_dvc_that_started_it() -> None:
    stage = "import sys, time; sys.path.insert(0, 'stages'); from common import run_stage; "
    stage += "print('up', flush=True); run_stage(lambda: time.sleep(300))"
    # Like DVC, which has a shell run the stage.
    parent = "import shlex, subprocess, sys; command = 'exec ' + shlex.join([sys.executable, '-c', sys.argv[1]]); "
    parent += "child = subprocess.Popen(['/bin/sh', '-c', command]); print(child.pid, flush=True); child.wait()"
    with subprocess.Popen(
        [sys.executable, "-c", parent, stage],
        cwd=ROOT,
        env=environment(DVC_STAGE="split"),
        stdout=subprocess.PIPE,
        text=True,
    ) as dvc:
        assert dvc.stdout is not None
        pid = int(dvc.stdout.readline())
        assert dvc.stdout.readline() == "up\n"
        time.sleep(1)
        assert is_running(pid)
        dvc.terminate()
    for _ in range(100):
        if not is_running(pid):
            break
        time.sleep(0.1)
    assert not is_running(pid)
