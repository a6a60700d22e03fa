"""Progress of long-running work."""

import io
import sys

import pytest

from genres.core import progress
from genres.core.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(units: int, done: int, notes: bool = False) -> None:
    with Progress(units, "baking", "loaves") as report:
        for number in range(1, done + 1):
            report.advance(f"oven {number}" if notes else "")


@pytest.mark.parametrize("units", [1, 1000])
def test_short_work_leaves_one_line_in_a_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, units: int
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 3600)
    work(units, units)
    assert capsys.readouterr().err == f"baking: {units} of {units} loaves\n"


def test_long_work_leaves_a_line_every_few_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    work(6, 6, notes=True)
    assert capsys.readouterr().err.splitlines() == ["baking: 3 of 6 loaves, oven 3", "baking: 6 of 6 loaves, oven 6"]


def test_work_that_stops_early_does_not_claim_to_be_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 3600)
    work(3, 2)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar_with_the_last_note(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    work(3, 3, notes=True)
    last = terminal.getvalue().rstrip("\n").split("\r")[-1]
    assert "baking: 100%" in last
    assert "3/3" in last
    assert "oven 3" in last
