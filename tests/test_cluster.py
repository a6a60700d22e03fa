"""The map on a Dask cluster: a real scheduler and real workers, on this machine."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from project import ROOT, FirstRun, contents, environment, outputs, refuse, remove_outputs, run_stage, write_params

from genres.core.errors import InputError
from genres.features.mel import write_spectrograms
from genres.parallel import ordered_map, workers
from genres.schema import Params

pytestmark = pytest.mark.skipif(find_spec("distributed") is None, reason="Dask of the extra `dask` is not installed")

SLOW = [pytest.mark.slow]  # on a busy machine
HANG = 120  # seconds after which a test is given up
CODE = os.pathsep.join(str(ROOT / name) for name in ("src", "tests"))


class Cluster:
    """A scheduler and workers, whose output goes to files in a folder."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        options = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", ":0")
        self.start("scheduler", "distributed.cli.dask_scheduler", *options, **settings)
        wait_until(lambda: re.search(r"Scheduler at: +(\S+)", self.log("scheduler")))
        self.address = re.findall(r"Scheduler at: +(\S+)", self.log("scheduler"))[0]

    def start(self, name: str, *command: str, **settings: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            variables = environment(**{"PYTHONPATH": CODE} | settings)
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=self.folder, env=variables, stdout=log, stderr=log
            )

    def add_worker(self, name: str, *options: str, module: str = "genres.worker", **settings: str) -> int:
        """Start a worker, wait until it has joined, and return its process id."""
        fixed = ("--name", name, "--no-dashboard", "--local-directory", str(self.folder))
        self.start(name, module, self.address, *fixed, *(options or ["--no-nanny"]), **settings)
        wait_until(lambda: "Registered to:" in self.log(name))
        return self.processes[name].pid

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()  # a nanny's worker ends with it
            process.wait()


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A scheduler without workers, which the environment names."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    monkeypatch.setenv("GENRES_DASK", cluster.address)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def lasting_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("pair"))
    for name in ("first", "second"):
        cluster.add_worker(name)
    yield cluster
    cluster.close()


@pytest.fixture
def pair(lasting_pair: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A scheduler and two workers, which the environment names, and which tests leave as they are."""
    monkeypatch.setenv("GENRES_DASK", lasting_pair.address)
    return lasting_pair


def where(_: int) -> tuple[int, str, str | None]:
    """Return the process, its folder, and one of the variables that settle its arithmetic."""
    time.sleep(0.02)
    return os.getpid(), str(Path.cwd()), os.environ.get("OMP_NUM_THREADS")


def process_after(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def fail_at_two(number: int) -> int:
    if number == 2:
        raise InputError("two is damaged")
    return number


def be_killed(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def be_killed_once(path: Path) -> str:
    if path.name == "3" and not path.exists():
        path.touch()
        be_killed(3)
    return path.name


def mark(path: Path) -> None:
    """Leave a file at the beginning, and another one at the end."""
    path.touch()
    time.sleep(1)
    path.with_suffix(".end").touch()


# --- as on this machine


def test_results_come_in_order_from_all_workers_which_work_in_the_folder_of_the_client(
    pair: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        with workers() as executor:
            assert list(ordered_map(abs, range(40), executor, "")) == list(range(40))
            found = list(ordered_map(where, range(40), executor, "looking", "places"))
        assert {process for process, _, _ in found} == {pair.processes[key].pid for key in ("first", "second")}
        assert {rest for _, *rest in found for rest in [tuple(rest)]} == {(str(tmp_path / name), "1")}
        assert list((tmp_path / name).iterdir()) == []
    shown = capfd.readouterr().err.splitlines()
    assert "looking: 40 of 40 places" in shown
    assert {line.partition(":")[0] for line in shown} == {"", "looking"}


def test_an_error_keeps_its_type_and_the_workers_go_on(pair: Cluster, capfd: pytest.CaptureFixture[str]) -> None:
    with workers() as executor:
        results = ordered_map(fail_at_two, range(1000), executor, "")
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(InputError, match="^two is damaged$"):
            next(results)
        assert list(ordered_map(fail_at_two, [3, 4], executor, "")) == [3, 4]
    assert "Traceback" not in capfd.readouterr().err


def test_an_array_has_the_same_bytes_as_locally(pair: Cluster, tmp_path: Path, params: Params) -> None:
    clip_ids = [f"x/{number}" for number in range(20)]
    clips = pd.DataFrame({"clip_id": clip_ids, "genre": "x", "path": [f"{name}.wav" for name in clip_ids]})
    clips["seconds"] = "1.000"
    (tmp_path / "x").mkdir()
    for seed, path in enumerate(clips.path):
        soundfile.write(tmp_path / path, np.random.default_rng(seed).normal(0, 0.1, 22050), 22050)
    with workers() as executor:
        found = write_spectrograms(tmp_path / "cluster.npy", clips, tmp_path, params.featurize, executor)
    with ThreadPoolExecutor(1) as executor:
        expected = write_spectrograms(tmp_path / "local.npy", clips, tmp_path, params.featurize, executor)
    assert found.equals(expected)
    assert (tmp_path / "cluster.npy").read_bytes() == (tmp_path / "local.npy").read_bytes()


@pytest.mark.slow
def test_stages_write_the_same_bytes_as_locally(pair: Cluster, tmp_path: Path, first_run: FirstRun) -> None:
    project = first_run.copy(tmp_path / "project")
    before = contents(project)
    stages = ("download", "find_duplicates", "featurize", "scatter")
    for stage in stages:
        remove_outputs(project, stage)
    assert not any((project / output).exists() for stage in stages for output in outputs(stage))
    for stage in stages:
        run_stage(project, stage, GENRES_DASK=pair.address)
    assert contents(project) == before


@pytest.mark.slow
def test_a_study_goes_on_though_a_worker_is_killed_and_has_the_same_bytes_as_locally(
    cluster: Cluster, tmp_path: Path, first_run: FirstRun
) -> None:
    project = Path(shutil.copytree(first_run.clone.folder, tmp_path / "project", symlinks=True))
    write_params(project, {"study.seeds": 1})
    command = [sys.executable, "pipelines/study/train_study.py"]
    subprocess.run(command, cwd=project, env=environment(), check=True, stderr=subprocess.DEVNULL)
    expected = contents(project / "data/study")
    shutil.rmtree(project / "data/study")

    killed, _ = cluster.add_worker("killed"), cluster.add_worker("other")
    variables = environment(GENRES_DASK=cluster.address)
    with subprocess.Popen(command, cwd=project, env=variables, stderr=subprocess.PIPE, text=True) as study:
        wait_until(lambda: any((project / "data/study").glob("results/.partial-*")))
        os.kill(killed, signal.SIGKILL)
        assert study.stderr is not None
        told = study.stderr.read()
    assert study.returncode == 0, told
    assert "failed" not in told
    found = {path: digest for path, digest in contents(project / "data/study").items() if "/." not in path}
    assert found == expected


# --- what is refused


def closed_port() -> Iterator[int]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]  # which is bound, and does not listen


def silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def port_of_another_protocol() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as executor:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n" * 10)

        executor.submit(greet)
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        (closed_port, "no Dask scheduler answers at {}, which GENRES_DASK names (Timed out"),
        pytest.param(silent_port, "no Dask scheduler answers at {}, which GENRES_DASK names (it is", marks=SLOW),
        (port_of_another_protocol, "what answers at {}, which GENRES_DASK names, is no Dask scheduler"),
    ],
)  # fmt: skip
def test_where_no_scheduler_answers_this_is_said_within_ten_seconds(
    ports: Callable[[], Iterator[int]], message: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for port in ports():
        address = f"tcp://127.0.0.1:{port}"
        monkeypatch.setenv("GENRES_DASK", address)
        begin = time.monotonic()
        with pytest.raises(InputError) as caught, workers():
            raise AssertionError
        assert time.monotonic() - begin < 10
        assert str(caught.value).startswith(message.format(address))
        assert f"`python -m genres.worker {address}`" in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("address", ["nonsense", "tcp://host", "tcp://host:port", "http://host:8786"])
def test_what_is_no_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENRES_DASK", address)
    with (
        pytest.raises(InputError, match=f"^GENRES_DASK is '{address}', which is no address .* tcp://host:8786"),
        workers(),
    ):
        raise AssertionError  # fmt: skip


def test_an_encrypted_scheduler_takes_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENRES_DASK", "tls://host:8786")
    with (
        pytest.raises(InputError, match="but no certificates are configured here .* `distributed.comm.tls`"),
        workers(),
    ):
        raise AssertionError


@pytest.mark.slow
def test_a_name_that_takes_long_to_look_up_takes_no_more_than_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo

    def look_up_slowly(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "far.invalid":
            time.sleep(20)
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_slowly)
    monkeypatch.setenv("GENRES_DASK", "tcp://far.invalid:8786")
    begin = time.monotonic()
    message = r"^no Dask scheduler answers at tcp://far.invalid:8786, .* \(it is silent\)"
    with pytest.raises(InputError, match=message), workers():
        raise AssertionError
    assert time.monotonic() - begin < 10


def test_a_worker_without_a_scheduler_says_how_it_is_started() -> None:
    command = [sys.executable, "-m", "genres.worker"]
    result = subprocess.run(command, env=environment(PYTHONPATH=CODE), capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == (
        "error: no scheduler is named. Start a worker with its address: `python -m genres.worker tcp://host:8786`\n"
    )


def test_a_cluster_without_workers_is_refused(cluster: Cluster) -> None:
    message = f"^the Dask scheduler at {cluster.address} has no workers.* `python -m genres.worker {cluster.address}`$"
    with pytest.raises(InputError, match=message), workers():
        raise AssertionError


def other_code(folder: Path) -> str:
    """Return where a copy of the project's code is, with a comment more."""
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "src/genres/core/memory.py").open("a") as file:
        file.write("# a comment\n")
    return str(folder / "src")


def other_package(folder: Path, name: str = "soxr") -> str:
    """Return a folder for the path in which a package has another version than is installed."""
    (folder / f"{name}-0.0.1.dist-info").mkdir()
    (folder / f"{name}-0.0.1.dist-info/METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n")
    return str(folder)


def no_code(folder: Path) -> str:
    (folder / "genres").mkdir()
    (folder / "genres/__init__.py").touch()
    return str(folder)


PLAIN = "distributed.cli.dask_worker"


@pytest.mark.parametrize(
    ("module", "options", "make_path", "difference"),
    [
        ("genres.worker", (), other_code, "src/genres is the code .* instead of the code "),
        pytest.param("genres.worker", (), other_package, "soxr is 0.0.1 instead of ", marks=SLOW),
        pytest.param("genres.worker", ("--nthreads", "2"), None, "threads is 2 instead of 1", marks=SLOW),
        pytest.param(PLAIN, ("--nthreads", "1"), None, "_THREADS is unset instead of 1; .* and 7 more", marks=SLOW),
        pytest.param(PLAIN, ("--nthreads", "1"), no_code, "No module named 'genres.cluster'", marks=SLOW),
    ],
)  # fmt: skip
def test_a_worker_that_would_compute_something_else_is_refused_before_any_work(
    cluster: Cluster,
    tmp_path: Path,
    module: str,
    options: tuple[str, ...],
    make_path: Callable[[Path], str] | None,
    difference: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = os.pathsep.join([make_path(tmp_path), CODE] if make_path else [CODE])
    cluster.add_worker("other", "--no-nanny", *options, module=module, PYTHONPATH=path)
    cluster.add_worker("good")
    with pytest.raises(InputError, match=difference) as caught, workers():
        raise AssertionError
    assert str(caught.value).endswith(f"`python -m genres.worker {cluster.address}`")
    assert capfd.readouterr().err == ""


def test_a_worker_without_the_shared_folder_is_refused(tmp_path: Path) -> None:
    from genres.cluster import Check, describe_worker

    worker = SimpleNamespace(address="tcp://host:1", state=SimpleNamespace(nthreads=1))
    check = Check(describe_worker(), tmp_path / "missing")
    with pytest.raises(InputError, match=f"^the Dask worker tcp://host:1 on .* does not see the files in {tmp_path}, "):
        asyncio.run(check.setup(worker))


@pytest.mark.slow
def test_a_worker_that_joins_later_and_would_compute_something_else_gets_no_calls(
    cluster: Cluster, tmp_path: Path
) -> None:
    good = cluster.add_worker("good")
    with workers() as executor:
        results = ordered_map(process_after, [0.01] * 400, executor, "")
        found = [next(results)]
        cluster.add_worker("other", "--no-nanny", PYTHONPATH=os.pathsep.join([other_code(tmp_path), CODE]))
        found += results
    assert set(found) == {good}
    assert "would compute something else than this process: src/genres is the code" in cluster.log("other")


@pytest.mark.slow
def test_a_worker_that_joins_later_gets_calls(cluster: Cluster) -> None:
    first = cluster.add_worker("first")
    with workers() as executor:
        results = ordered_map(process_after, [0.01] * 600, executor, "")
        found = [next(results)]
        second = cluster.add_worker("second")
        found += results
    assert set(found) == {first, second}


def test_two_runs_in_one_folder_accept_workers_on_their_own(tmp_path: Path) -> None:
    from genres.cluster import Check

    first, second, again = (Check({"torch": "2"}, tmp_path / name) for name in ("1", "2", "1"))
    assert first.name == again.name != second.name


def test_a_worker_that_does_not_answer_is_no_worker_without_the_code(tmp_path: Path) -> None:
    from genres.cluster import Check, _register

    def register_plugin(*_: object) -> None:
        raise OSError("in tcp://10.0.0.1: connection refused")

    with pytest.raises(InputError, match=r"^a Dask worker does not answer \(in tcp://10\.0\.0\.1: connection refused"):
        _register(SimpleNamespace(register_plugin=register_plugin), Check({}, tmp_path))


@pytest.mark.slow
def test_a_scheduler_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(tmp_path, PYTHONPATH=other_package(tmp_path, "distributed"))
    try:
        monkeypatch.setenv("GENRES_DASK", cluster.address)
        with (
            pytest.raises(InputError, match=f"the Dask scheduler at {cluster.address} is version 0.0.1, but "),
            workers(),
        ):
            raise AssertionError
    finally:
        cluster.close()


@pytest.mark.slow
def test_a_stage_that_finds_no_cluster_writes_nothing(project: Path) -> None:
    (port,) = closed_port()
    assert "no Dask scheduler answers" in refuse(project, "featurize", GENRES_DASK=f"tcp://127.0.0.1:{port}")


# --- what is lost


def test_the_calls_of_a_killed_worker_run_elsewhere_and_none_is_lost(cluster: Cluster) -> None:
    killed, other = cluster.add_worker("killed"), cluster.add_worker("other")
    with workers() as executor:
        found = []
        for process in ordered_map(process_after, [0.1] * 30, executor, ""):
            found.append(process)
            if len(found) == 4:  # all calls are with a worker by now, and both are busy
                os.kill(killed, signal.SIGKILL)
    assert len(found) == 30
    assert set(found) == {killed, other}


@pytest.mark.slow
def test_a_worker_that_its_nanny_starts_again_is_checked_and_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    cluster.start("nanny", "genres.worker", cluster.address, "--no-dashboard", "--local-directory", str(tmp_path))
    wait_until(lambda: "Registered to:" in cluster.log("nanny"))
    with workers() as executor:
        paths = [tmp_path / str(number) for number in range(12)]
        assert list(ordered_map(be_killed_once, paths, executor, "")) == [path.name for path in paths]
    assert cluster.log("nanny").count("Registered to:") == 2


@pytest.mark.slow
def test_a_call_that_ends_its_workers_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    try:
        cluster.add_worker("only")
        monkeypatch.setenv("GENRES_DASK", cluster.address)
        with (
            pytest.raises(InputError, match="^a call ended 1 Dask workers in turn, .* memory ran out"),
            workers() as executor,
        ):
            list(ordered_map(be_killed, [1], executor, ""))
        assert capfd.readouterr().err == ""
    finally:
        cluster.close()


@pytest.mark.slow
def test_a_lost_scheduler_is_named(cluster: Cluster, capfd: pytest.CaptureFixture[str]) -> None:
    cluster.add_worker("only")
    with pytest.raises(InputError, match=f"^the Dask scheduler at {cluster.address} was lost"), workers() as executor:
        for _ in ordered_map(process_after, [0.1] * 300, executor, ""):
            cluster.processes["scheduler"].kill()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_when_the_client_is_killed_its_calls_are_dropped_and_the_next_one_waits_for_those_that_run(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.add_worker("only")
    code = (
        "import sys; from pathlib import Path; from genres.core.processor import settle_arithmetic\n"
        "settle_arithmetic()\n"
        "from genres.parallel import ordered_map, workers; from test_cluster import mark\n"
        "with workers() as executor: list(ordered_map(mark, [Path(str(n)) for n in range(50)], executor, ''))"
    )
    variables = environment(PYTHONPATH=CODE, GENRES_DASK=cluster.address)
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=variables) as client:
        wait_until((tmp_path / "1").exists)
        client.kill()
    begun = {path.stem for path in tmp_path.glob("*") if not path.name.startswith(".")}
    with workers() as executor:
        ended = {path.stem for path in tmp_path.glob("*.end")}
        assert begun == ended
        assert list(ordered_map(abs, [-1], executor, "")) == [1]
    assert {path.stem for path in tmp_path.glob("*.end")} == ended
