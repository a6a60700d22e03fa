"""The study that `make study` made: many runs of every model, of which the present results are one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student_t

from genres.core.errors import InputError
from genres.core.files import file_sha256
from genres.evaluation.statistics import CONFIDENCE
from genres.report.models import in_order
from genres.study.summary import Spread, Summary, summarise
from genres.study.tables import read_tables


@dataclass(frozen=True)
class RunStudy:
    """The runs of the models whose present predictions are those of a run. Mappings are by model, in their order."""

    summary: Summary
    outdated: list[str]  # models that were studied with other data, parameters or code, or of which runs failed
    runs: pd.DataFrame  # with `tables.RUNS`, without failed ones and second trainings on a split
    curves: Mapping[str, pd.DataFrame]  # of the networks, with `tables.MEAN_CURVES`, indexed by the epoch
    confusion: Mapping[str, NDArray[np.float64]]  # mean counts of test clips by actual (rows) and predicted genre
    class_names: list[str]  # of the rows and columns

    def of(self, model: str) -> pd.DataFrame:
        """Return the runs of a model."""
        return self.runs[self.runs.model == model]

    def count(self, model: str) -> int:
        """Return the number of runs of a model."""
        return len(self.of(model))

    def epochs(self, network: str) -> tuple[int, int]:
        """Return the first and the last epoch in which a run of a network has its lowest test loss."""
        best = self.of(network).best_epoch
        return int(best.min()), int(best.max())

    @property
    def deviations(self) -> list[float]:
        """The standard deviations of accuracies between runs on different splits, sorted; single runs have none."""
        return sorted(spread.standard_deviation for spread in self._spreads if spread.standard_deviation is not None)

    @property
    def chance_difference(self) -> float | None:
        """By how much the accuracies of two runs of a model differ by chance, below which 95 % of differences are.

        It is that of the model that varies most; None without different splits.
        """
        widths = [
            math.sqrt(2) * spread.standard_deviation * float(student_t.ppf((1 + CONFIDENCE) / 2, spread.runs - 1))
            for spread in self._spreads
            if spread.standard_deviation is not None
        ]
        return max(widths, default=None)

    @property
    def _spreads(self) -> list[Spread]:
        found = [model.scores["accuracy"] for model in self.summary.models.values()]
        return [spread for spread in found if spread] if self.summary.n_splits > 1 else []


def read_run_study(runs: Path, curves: Path, confusion: Path, predictions: Path) -> RunStudy | None:
    """Read the study, or return None if there is none, or none of its runs made the present predictions of a model.

    ``predictions`` is the folder of their files. An InputError says how to make the tables again if one is damaged.
    """
    if not runs.exists():
        return None
    try:
        tables = read_tables(runs, curves, confusion, "report")
        studied = in_order(tables.runs.model)
        first = tables.runs[(tables.runs.error == "") & (tables.runs.retraining == "no")]
        tested = first.groupby("model").n_test.sum().to_dict()
        if tested != tables.confusion.groupby("model").n_clips.sum().to_dict():
            raise InputError("they are not of the same runs")
    except InputError as error:
        raise InputError(
            f"{runs}, {curves} and {confusion} are not the tables of `make study`. Run that, or `git restore` them. "
            f"({error})"
        ) from error
    made = set(tables.runs.predictions_sha256)
    present = {model: path for model in studied if (path := predictions / f"{model}.csv").exists()}
    models = [model for model, path in present.items() if file_sha256(path) in made]
    if not models:
        return None
    shown = first[first.model.isin(models)]
    epochs = tables.curves.set_index("epoch")
    matrices = {}
    for model in models:
        counts = tables.confusion[tables.confusion.model == model].pivot_table("n_clips", "actual", "predicted")
        matrices[model] = counts.to_numpy(float) / (shown.model == model).sum()
    summary = summarise(tables.runs, studied)  # of all models, so that p-values are those of metrics/study.json
    return RunStudy(
        summary._replace(
            models={model: summary.models[model] for model in models},
            differences=[pair for pair in summary.differences if {pair.first, pair.second} <= set(models)],
        ),
        [model for model in present if model not in models],
        shown,
        {model: epochs[epochs.model == model] for model in models if model in set(epochs.model)},
        matrices,
        sorted(set(tables.confusion.actual)),
    )
