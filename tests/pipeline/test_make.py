"""What make does with the values that it is given, with environments, and outside of a repository; what CI shows.

The programs are scripts here: nothing is installed, and no stage runs.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from project import ROOT, Clone
from ruamel.yaml import YAML

WORKFLOW = YAML(typ="safe").load(ROOT / ".github/workflows/ci.yml")
VALUES = (
    "x';id>PWNED;'y",
    'x";id>PWNED;"y',
    "x;id>PWNED",
    "$(shell id>PWNED)",
    "${shell id>PWNED}",
    "$$(id>PWNED)",
    "`id>PWNED`",
    "two words",
    "--force",
)
SHOWS_ARGUMENTS = """#!/bin/sh
printf '<%s>\\n' "$@"
"""
# Both the Python that is named and that of the environment that it builds, which cannot install if "offline" is there.
BUILDS = """#!/bin/sh
echo "$*" >>calls
case $2 in
venv) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
pip) touch .venv/package && test ! -e offline ;;
esac
"""


def write_script(path: Path, code: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    path.chmod(0o755)


@pytest.fixture
def project(tmp_path: Path) -> Clone:
    """A repository with the Makefile and a Python that pretends to build environments."""
    clone = Clone(tmp_path / "project")
    clone.folder.mkdir()
    for name in ("Makefile", "requirements.lock", "requirements-torch.txt"):
        shutil.copy(ROOT / name, clone.folder)
    write_script(clone.folder / "python", BUILDS)
    clone.run("git", "init", "--quiet")
    return clone


@pytest.fixture
def installed(project: Clone) -> Clone:
    """The same with an environment, in which dvc shows its arguments."""
    write_script(project.folder / ".venv/bin/dvc", SHOWS_ARGUMENTS)
    (project.folder / ".venv/bin/python").symlink_to(sys.executable)
    (project.folder / ".venv/installed").touch()
    return project


def calls(project: Clone) -> list[str]:
    """Return how the project's Python was called, without the checks of its version."""
    log = project.folder / "calls"
    return [call for call in log.read_text().splitlines() if call.startswith("-m")] if log.exists() else []


def build(project: Clone, succeeds: bool = True, **variables: str) -> str:
    return project.run("make", ".venv/installed", "PYTHON=./python", succeeds=succeeds, **variables)


@pytest.mark.parametrize("value", VALUES)
def test_a_revision_reaches_dvc_as_it_is(installed: Clone, value: str) -> None:
    told = installed.run("make", "--silent", "compare", f"A={value}", f"B=b{value}")
    assert told.count(f"<--md>\n<-->\n<{value}>\n<b{value}>\n") == 2
    assert not (installed.folder / "PWNED").exists()


@pytest.mark.parametrize("value", VALUES)
def test_a_format_reaches_the_script_as_it_is(installed: Clone, value: str) -> None:
    (installed.folder / ".venv/bin/python").unlink()
    write_script(installed.folder / ".venv/bin/python", SHOWS_ARGUMENTS)
    told = installed.run("make", "--silent", "collect", f"FORMAT={value}")
    assert told == f"<pipelines/collect.py>\n<--format>\n<{value}>\n"
    assert not (installed.folder / "PWNED").exists()


@pytest.mark.parametrize("options", [(), ("--environment-overrides",)])
@pytest.mark.parametrize("value", VALUES)
def test_nothing_in_the_environment_is_run(installed: Clone, value: str, options: tuple[str, ...]) -> None:
    path = f"{os.environ['PATH']}:/{value}"
    told = installed.run("make", "--silent", *options, "compare", A=value, B=value, BIN=value, PYTHON=value, PATH=path)
    revisions = f"<{value}>\n<{value}>" if options else "<main>\n<workspace>"
    assert told.count(f"<--md>\n<-->\n{revisions}\n") == 2
    assert not (installed.folder / "PWNED").exists()


@pytest.mark.parametrize("value", VALUES)
def test_a_python_that_does_not_exist_is_named_and_no_other_program_runs(project: Clone, value: str) -> None:
    for arguments, variables in (([f"PYTHON={value}"], {}), ([], {"PYTHON": value})):
        told = project.run("make", *arguments, f"BIN={value}", succeeds=False, **variables)
        assert f"there is no {value}; name another with make PYTHON=..." in told
    assert not (project.folder / "PWNED").exists()
    assert not (project.folder / ".venv").exists()


def test_an_environment_is_built_once_and_again_when_the_lock_changes(project: Clone) -> None:
    build(project)
    first = calls(project)
    assert first[0] == "-m venv .venv"
    assert [re.findall(r"--require-hashes|-r \S+", call) for call in first[1:]] == [
        ["--require-hashes", "-r requirements.lock"],
        ["-r requirements-torch.txt"],
    ]
    build(project)
    assert calls(project) == first
    os.utime(project.folder / ".venv/installed", (0, 0))
    (project.folder / ".venv/old").touch()
    build(project)
    assert calls(project) == first * 2
    assert not (project.folder / ".venv/old").exists()


def test_an_interrupted_installation_starts_over(project: Clone) -> None:
    (project.folder / "offline").touch()
    build(project, succeeds=False)
    (project.folder / ".venv/half").touch()
    (project.folder / "offline").unlink()
    build(project)
    assert {path.name for path in (project.folder / ".venv").iterdir()} == {
        *("bin", "installed", "made-by-make", "package")
    }


def test_the_demo_installs_its_own_packages_once_and_starts(project: Clone) -> None:
    shutil.copy(ROOT / "requirements-extras.lock", project.folder)
    build(project)
    before = len(calls(project))
    for _ in range(2):
        project.run("make", "demo", "PYTHON=./python")
    install, *starts = calls(project)[before:]
    assert re.findall(r"--require-hashes|--no-deps|-r \S+", install) == [
        "--require-hashes",
        "--no-deps",
        "-r requirements-extras.lock",
    ]
    assert starts == ["-m genres demo"] * 2


@pytest.mark.parametrize("kind", ["folder", "link", "link to one of make's", "broken link", "file"])
def test_what_make_has_not_built_is_left_alone(project: Clone, tmp_path: Path, kind: str) -> None:
    environment, other = project.folder / ".venv", tmp_path / "other"
    own = environment if kind == "folder" else other
    if kind == "file":
        environment.write_text("mine")
    elif kind != "broken link":
        own.mkdir()
        (own / "precious").write_text("mine")
    if kind == "link to one of make's":
        (other / "made-by-make").touch()
    if "link" in kind:
        environment.symlink_to(other)

    told = build(project, succeeds=False)
    assert "error: make has not built .venv (it may be a link), so it does not replace it." in told
    assert calls(project) == []
    if kind == "file":
        assert environment.read_text() == "mine"
    elif kind == "broken link":
        assert not other.exists()
    else:
        assert (own / "precious").read_text() == "mine"
        project.run("touch", ".venv/installed")  # as the message says
        build(project)
        assert calls(project) == []


def test_without_a_repository_make_says_at_once_how_to_mend_it(project: Clone) -> None:
    shutil.rmtree(project.folder / ".git")
    told = build(project, succeeds=False, GIT_CEILING_DIRECTORIES=str(project.folder.parent))
    assert "error: DVC works in a git repository, and this folder is in none." in told
    assert not (project.folder / "calls").exists()
    (mending,) = re.findall("git init && .*", told)
    identity = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    project.run("bash", "-c", mending, **identity)
    build(project)
    assert calls(project) != []


def test_a_repository_of_another_owner_is_not_taken_for_none(project: Clone) -> None:
    told = build(project, succeeds=False, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert "dubious ownership" in told
    assert "git config --global --add safe.directory" in told
    assert "this folder is in none" not in told
    assert not (project.folder / "calls").exists()


STEPS = {
    step["run"]: step for step in WORKFLOW["jobs"]["check"]["steps"] if "GITHUB_STEP_SUMMARY" in step.get("run", "")
}
SHOWN = "| @user | https://example.com <img src=x> [a](b) #1 | `\x1b[31m` |\n```\n@user"


@pytest.mark.parametrize("script", STEPS)
def test_the_workflow_shows_names_from_data_as_code(installed: Clone, script: str) -> None:
    shutil.copytree(ROOT / ".ci", installed.folder / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
    (installed.folder / ".ci/verify.py").write_text(f"print({SHOWN!r})")
    base = f"origin/{VALUES[0]}"
    write_script(installed.folder / ".venv/bin/dvc", f"{SHOWS_ARGUMENTS}\ncat <<'END'\n{SHOWN}\nEND\nexit 1\n")
    summary = installed.folder / "summary.md"
    installed.run("bash", "-e", "-c", script, BASE=base, GITHUB_STEP_SUMMARY=str(summary))
    shown = summary.read_text(encoding="utf-8")
    inside = re.findall(r"^```\n(.*?)\n```$", shown, re.MULTILINE | re.DOTALL)
    assert SHOWN.replace("\x1b", "\N{REPLACEMENT CHARACTER}").replace("```", "'''") in "".join(inside)
    outside = re.sub(r"^```\n.*?\n```$", "", shown, flags=re.MULTILINE | re.DOTALL)
    assert re.fullmatch(r"(### [A-Za-z ]+|\n)*", outside)
    assert not (installed.folder / "PWNED").exists()
    if "BASE" in STEPS[script].get("env", {}):
        assert f"<{base}>\n<HEAD>" in shown
        assert (installed.folder / "comparison.md").read_text(encoding="utf-8") == shown


def test_what_is_shown_has_a_limit(installed: Clone) -> None:
    for text in ("x" * 10**6, "`" * 10**6, "### a\nx\n" * 10**5):
        (installed.folder / "text").write_text(text)
        shown = installed.run("bash", "-c", f"{sys.executable} {ROOT}/.ci/neutralise.py <text")
        assert len(shown) < 65_536  # characters that GitHub takes
        assert "(the rest is cut off)" in shown


def test_help_lists_every_target_that_users_have() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony
    listed = [line.split()[:2] for line in Clone(ROOT).run("make", "--silent", "help").splitlines()]
    assert sorted(target for _, target in listed) == sorted({*phony[1].split()} - {"repository"})


def test_the_code_of_a_pull_request_runs_without_credentials() -> None:
    check, comment = (WORKFLOW["jobs"][name] for name in ("check", "comment"))
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "permissions" not in check
    (checkout,) = (step for step in check["steps"] if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["persist-credentials"] is False
    assert comment["permissions"] == {"pull-requests": "write"}
    assert not any("checkout" in step.get("uses", "") or "make" in step.get("run", "") for step in comment["steps"])
    for step in check["steps"] + comment["steps"]:
        if "uses" in step:
            assert re.fullmatch("actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
