"""Print mean and interval over the seeds of DVC experiments, for each setting of the other parameters."""

import argparse
import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from itertools import groupby
from typing import Any, NamedTuple

import dvc.api
import pandas as pd
from experiments import COMMITTED, SUCCESS, Run, flatten, list_experiments, read_run

from genres.core.columns import TEST, TRAIN
from genres.core.files import DECIMALS
from genres.study.summary import spread_of
from genres.study.tables import SCORES

SEED = "seed"
COLUMNS = ("model", "measure", "n", "mean", "standard deviation", "95 % interval")
RULE = ("---", "---", "---:", "---:", "---:", "---:")
ABOUT = (
    "The intervals are those of the mean over the seeds. Where each seed draws another split, they allow for the clips "
    "that the splits have in common (Nadeau and Bengio, 2003)."
)


class Summary(NamedTuple):
    """What the seeds say of one measure of one model; with one seed, there are no spread and no interval."""

    model: str
    measure: str
    n: int
    mean: float
    standard_deviation: float | None = None
    low: float | None = None
    high: float | None = None


class Group(NamedTuple):
    """The runs that differ in nothing but their seed."""

    setting: Mapping[str, str]  # the parameters that are worth naming
    seeds: Sequence[int]
    summaries: Sequence[Summary]


def main() -> None:
    """Collect the experiments of the present commit and its own run, and print them."""
    parser = argparse.ArgumentParser(
        prog="make collect", usage=f"make collect FORMAT=<{', '.join(FORMATS)}>", description=__doc__
    )
    parser.add_argument("--format", choices=FORMATS, default="text")
    chosen = parser.parse_args().format

    names, states = list_experiments()
    read = [read_run(name, revision) for name, revision in names.items()]
    runs = [run for run in read if run]
    notes = []
    if others := ", ".join(f"{n} {state}" for state, n in sorted(states.items()) if state != SUCCESS):
        notes.append(f"experiments that do not count: {others}; `dvc queue status` names them")
    if n_partial := len(read) - len(runs):
        notes.append(
            f"experiments that do not count: {n_partial} that ran some stages alone, as those of `make svm-study` do, "
            "and have the metrics of other parameters"
        )
    _print_notes(notes)
    if not runs:
        waiting = states["queued"] + states["running"]
        next_step = (
            "Those that wait run by `dvc queue start`; run this again when `dvc queue status` says that they ended."
            if waiting
            else "Run `dvc exp run --queue -S 'seed=range(0,10)'`, `dvc exp run --run-all`, and this again."
        )
        sys.exit(
            "error: no successful experiment of the present commit, which is all that counts, ran every stage up to "
            f"evaluate. {next_step}"
        )
    if committed := read_run(COMMITTED, COMMITTED):
        runs.append(committed)
    else:
        _print_notes(["the committed run does not count: there is none with the committed parameters"])
    groups, differences = group_runs(runs, dvc.api.params_show("params.yaml"))
    _print_notes(differences)
    print(FORMATS[chosen](groups), end="")


def _print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def group_runs(runs: Iterable[Run], here: Mapping[str, Any]) -> tuple[list[Group], list[str]]:
    """Return the runs grouped by their parameters but the seed, in the same order for any order of ``runs``, and notes.

    Of runs with the same seed one counts, the committed one if it is among them; a note says if another's metrics
    differ. A group's setting has the parameters that differ between groups or from those ``here``, and a checksum of
    the code if that differs between runs.
    """
    runs = list(runs)
    several = len({run.code for run in runs}) > 1
    settings = [({**run.params, "code": run.code} if several else {**run.params}, run) for run in runs]
    present = flatten(here)
    names = sorted({name for setting, _ in settings for name in setting} - {SEED})
    named = [name for name in names if any(setting.get(name) != present.get(name) for setting, _ in settings)]

    def order(of_run: tuple[dict[str, Any], Run]) -> tuple[Any, ...]:
        setting, run = of_run
        return *(_sortable(setting.get(name)) for name in named), run.params[SEED], run.name != COMMITTED, run.name

    def identity(of_run: tuple[dict[str, Any], Run]) -> list[Any]:
        return [of_run[0].get(name) for name in named]

    groups, notes = [], []
    for values, of_group in groupby(sorted(settings, key=order), identity):
        setting = {name: _show(value) for name, value in zip(named, values, strict=True)}
        kept: dict[int, Run] = {}
        for _, run in of_group:
            first = kept.setdefault(run.params[SEED], run)
            if (run.scores, run.n_clips) != (first.scores, first.n_clips):
                notes.append(
                    f"{first.name} and {run.name} have the same parameters and the same seed, {run.params[SEED]}, but "
                    f"other metrics: their code, data or processors differ. {first.name} counts."
                )
        groups.append(Group(setting, list(kept), summarise(list(kept.values()))))
    return groups, notes


def summarise(runs: Sequence[Run]) -> list[Summary]:
    """Return mean, spread and interval of each measure of each model, over runs that differ in their seed alone."""
    # The published lists are one split, whatever the seed is.
    fixed = runs[0].params["split.method"] == "fault-filtered"
    overlap = 0 if fixed else sum(run.n_clips[TEST] for run in runs) / sum(run.n_clips[TRAIN] for run in runs)
    summaries = []
    for model in sorted({model for run in runs for model in run.scores}):
        for measure in SCORES:
            values = pd.Series([run.scores.get(model, {}).get(measure) for run in runs], dtype=float)
            if spread := spread_of(values, overlap, 0.0)[0]:
                summaries.append(Summary(model, measure, *spread))
    return summaries


def _sortable(value: Any) -> tuple[bool, float, str]:
    """Return a key by which numbers stand in their order, before all else."""
    is_number = isinstance(value, int | float)
    return not is_number, float(value) if is_number else 0.0, "" if is_number else str(value)


def _show(value: Any) -> str:
    """Write a parameter as in params.yaml, and 1 and 1.0, which are the same setting, alike."""
    if value is None:
        return "null"
    return repr(float(value)).removesuffix(".0") if isinstance(value, int | float) else str(value)


def _heading(group: Group) -> str:
    setting = " ".join(f"{name}={value}" for name, value in group.setting.items()) or "as in params.yaml"
    return f"{setting}: seed{'s' * (len(group.seeds) > 1)} {', '.join(map(str, group.seeds))}"


def _cells(summary: Summary) -> list[str]:
    """Return a line of a table, under ``COLUMNS``."""
    values = [f"{value:.{DECIMALS}f}" for value in summary[3:] if value is not None]
    mean, *rest = values
    deviation, interval = (rest[0], f"{rest[1]} to {rest[2]}") if rest else ("", "")
    return [summary.model, summary.measure, str(summary.n), mean, deviation, interval]


def format_text(groups: Iterable[Group]) -> str:
    """Return a table for each group, with aligned columns."""
    lines = []
    for group in groups:
        table = [list(COLUMNS), *map(_cells, group.summaries)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines += [_heading(group), ""]
        for row in table:
            aligned = [f"{cell:{'<' if index < 2 else '>'}{widths[index]}}" for index, cell in enumerate(row)]
            lines.append("  ".join(aligned).rstrip())
        lines.append("")
    return "\n".join([*lines, ABOUT, ""])


def format_markdown(groups: Iterable[Group]) -> str:
    """Return a section with a table for each group."""
    lines = []
    for group in groups:
        rows = [COLUMNS, RULE, *map(_cells, group.summaries)]
        lines += [f"### {_heading(group)}", "", *(f"| {' | '.join(row)} |" for row in rows), ""]
    return "\n".join([*lines, ABOUT, ""])


def format_csv(groups: Sequence[Group]) -> str:
    """Return one table for programs: a row for each measure of each model in each group."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*groups[0].setting, "seeds", *Summary._fields])
    for group in groups:
        for row in group.summaries:
            rounded = ["" if value is None else round(value, DECIMALS) for value in row[3:]]
            writer.writerow([*group.setting.values(), " ".join(map(str, group.seeds)), *row[:3], *rounded])
    return text.getvalue()


FORMATS = {"text": format_text, "markdown": format_markdown, "csv": format_csv}

if __name__ == "__main__":
    main()
