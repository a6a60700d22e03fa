"""How much the results of a study vary, what their means are, and which models differ."""

from collections.abc import Mapping, Sequence, Set
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from genres.core.files import DECIMALS
from genres.evaluation.statistics import SIGNIFICANCE, corrected_interval, holm, variance_components
from genres.study.tables import SCORES

ON_SAME_SPLIT = ["split_seed", "fold"]


class Spread(NamedTuple):
    """A score of several runs; of a single one, the mean alone."""

    runs: int
    mean: float
    standard_deviation: float | None  # between runs
    low: float | None  # of the 95 % interval of the mean
    high: float | None


class Components(NamedTuple):
    """What the variance of accuracies comes from, each as a standard deviation."""

    between_splits: float
    within_splits: float  # between initialisations


class ModelSummary(NamedTuple):
    """The runs of a model."""

    failed: int  # how many runs ended in an error, second trainings aside
    scores: Mapping[str, Spread | None]  # each of `tables.SCORES`, None where the model has no such score
    components: Components | None  # None unless splits were trained on twice


class Difference(NamedTuple):
    """The accuracy of one model minus that of another on the same splits, or on the same one."""

    first: str
    second: str
    accuracy: Spread
    p_value: float | None  # of a mean of zero, after Holm's correction for all pairs; None with a single run

    @property
    def significant(self) -> bool:
        """Return whether it is significant at 5 %."""
        return self.p_value is not None and self.p_value < SIGNIFICANCE


class Summary(NamedTuple):
    """The summary of a study."""

    n_train: float  # mean number of clips
    n_test: float
    n_splits: int
    models: Mapping[str, ModelSummary]
    differences: Sequence[Difference]


def summarise(runs: pd.DataFrame, models: Sequence[str]) -> Summary:
    """Summarise the ``runs`` of some ``models``, a table with `tables.RUNS`; all runs of a model may have failed."""
    of_models = runs[runs.model.isin(models)]
    ended = of_models[of_models.error == ""]
    first = ended[ended.retraining == "no"]
    failed = of_models[(of_models.error != "") & (of_models.retraining == "no")].model.value_counts()
    repeated = set(of_models[of_models.duplicated(["model", "retraining", *ON_SAME_SPLIT])].model)
    n_splits = len(first.drop_duplicates(ON_SAME_SPLIT))
    n_train, n_test = float(first.n_train.mean()), float(first.n_test.mean())
    overlap = n_test / n_train if n_splits > 1 else 0.0
    of_splits = first
    if n_splits > 1:  # several runs on one split are no further splits: their mean counts
        scores = first.astype(dict.fromkeys(SCORES, float)).groupby(["model", *ON_SAME_SPLIT], as_index=False)
        of_splits = scores[list(SCORES)].mean()
        repeated = set()
    return Summary(
        n_train,
        n_test,
        n_splits,
        {
            model: ModelSummary(
                int(failed.get(model, 0)),
                {
                    score: _spread(score, first[first.model == model], of_splits[of_splits.model == model], overlap)
                    for score in SCORES
                },
                _components(ended[ended.model == model]),
            )
            for model in models
        },
        _compare(of_splits, models, repeated, overlap),
    )


def summary_as_json(summary: Summary) -> dict[str, Any]:
    """Return the content of ``metrics/study.json``."""
    content = {
        "clips": {"train": summary.n_train, "test": summary.n_test},
        "splits": summary.n_splits,
        "models": {
            model: {"failed": found.failed}
            | {score: spread and spread._asdict() for score, spread in found.scores.items()}
            | ({"accuracy_deviation": found.components._asdict()} if found.components else {})
            for model, found in summary.models.items()
        },
        "differences": {
            f"{pair.first} - {pair.second}": pair.accuracy._asdict()
            | {"p_value": pair.p_value, "significant": pair.significant}
            for pair in summary.differences
        },
    }
    rounded: dict[str, Any] = _rounded(content)
    return rounded


def _rounded(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    return round(content, DECIMALS) if isinstance(content, float) else content


def spread_of(values: "pd.Series[Any]", overlap: float, lowest: float) -> tuple[Spread | None, float | None]:
    """Return the spread of a score from ``lowest`` to 1, and the p-value of a mean of zero."""
    found = values.dropna().to_numpy(float)
    if not len(found):
        return None, None
    if len(found) == 1:
        return Spread(1, float(found[0]), None, None, None), None
    mean, deviation, low, high, p_value = corrected_interval(found, overlap)
    return Spread(len(found), mean, deviation, max(lowest, low), min(1.0, high)), p_value


def _spread(score: str, runs: pd.DataFrame, splits: pd.DataFrame, overlap: float) -> Spread | None:
    """Return the spread of a model's score between its ``runs``, with the mean, and its interval, over ``splits``."""
    spread, values = spread_of(splits[score], overlap, 0.0)[0], runs[score].dropna().to_numpy(float)
    if spread is None or len(values) == 1:
        return spread
    return spread._replace(runs=len(values), standard_deviation=float(values.std(ddof=1)))


def _components(runs: pd.DataFrame) -> Components | None:
    if not (runs.retraining == "yes").any():
        return None
    values = runs.pivot(index=ON_SAME_SPLIT, columns="retraining", values="accuracy").dropna().to_numpy(float)
    if min(values.shape) < 2:
        return None
    between, within = np.sqrt(variance_components(values))
    return Components(float(between), float(within))


def _compare(runs: pd.DataFrame, models: Sequence[str], repeated: Set[str], overlap: float) -> list[Difference]:
    """Compare each two models; of those that are ``repeated``, only initialisations vary on a split."""
    found = []
    for first, second in combinations(models, 2):
        of_first, of_second = (runs[runs.model == model] for model in (first, second))
        # Where only initialisations vary, a model without one has a single run, which is compared with each.
        on = [*ON_SAME_SPLIT, "init_seed"] if {first, second} <= repeated else ON_SAME_SPLIT
        paired = of_first.merge(of_second, on=on)
        spread, p_value = spread_of(paired.accuracy_x - paired.accuracy_y, overlap, -1.0)
        if spread:
            found.append((first, second, spread, p_value))
    corrected = iter(holm([p_value for *_, p_value in found if p_value is not None]))
    return [
        Difference(first, second, spread, None if p_value is None else next(corrected))
        for first, second, spread, p_value in found
    ]
