"""All results that are shown, read from the files that the stages wrote."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Annotated, Any, Self

import pandas as pd
from pydantic import BaseModel, Field, model_validator

from genres.core.columns import Natural, NonNegative, Share
from genres.core.dataset import read_dataset
from genres.core.files import read_csv, read_json
from genres.core.tables import require_keys
from genres.evaluation.convergence import CONVERGENCE
from genres.evaluation.curves import read_all_curves
from genres.evaluation.scores import COMPARISONS, PER_GENRE, Scores
from genres.models.base.predictions import Predictions, read_all_predictions
from genres.report.models import in_order

Row = Mapping[Hashable, Any]
"""A row of a table, by column."""


class SplitCounts(BaseModel):
    """``split.json``, as far as it is shown."""

    test: Natural
    leaked: Natural

    @model_validator(mode="after")
    def _has_no_more_leaked_than_test_clips(self) -> Self:
        if self.leaked > self.test:
            raise ValueError("leaked should not exceed test")
        return self


class SubsetScores(BaseModel):
    """Loss and accuracy at the last epoch."""

    loss: NonNegative
    accuracy: Share


class Training(BaseModel):
    """What DVCLive wrote to a network's ``metrics.json``, as far as it is shown."""

    parameters: Natural
    train: SubsetScores
    test: SubsetScores


@dataclass(frozen=True)
class Results:
    """What was evaluated, and what came out. Mappings are by model, in the order of `models.MODELS`."""

    dataset: Mapping[str, Any]  # the content of dataset.json
    predictions: Mapping[str, Predictions]  # for all clips of the split
    scores: Mapping[str, Mapping[str, Any]]  # the content of evaluate.json
    per_genre: pd.DataFrame  # with `scores.PER_GENRE`
    comparisons: pd.DataFrame  # with `scores.COMPARISONS`
    convergence: Mapping[str, Row]  # of the networks, with the columns of `convergence.describe_all`; None where empty
    curves: Mapping[str, pd.DataFrame]  # of the networks, as `curves.read_curves` gives them
    training: Mapping[str, Mapping[str, Any]]  # of the networks, what DVCLive wrote to metrics.json at the end
    n_leaked: int  # how many test clips have a copy in train

    @property
    def clips(self) -> pd.DataFrame:
        """The clips of the split, with ``clip_id``, ``genre`` and ``subset``."""
        return next(iter(self.predictions.values())).clips[["clip_id", "genre", "subset"]]

    @property
    def class_names(self) -> list[str]:
        """The genres, sorted."""
        return sorted(self.clips.genre.unique())

    def last_losses(self, network: str) -> tuple[float, float] | None:
        """Return train and test loss of a network at its last epoch, None if it is not there."""
        trained = self.training.get(network)
        return (trained["train"]["loss"], trained["test"]["loss"]) if trained else None

    @property
    def reference_model(self) -> str | None:
        """The last network in the order of models, whose mistakes are looked into; None if there is none."""
        return list(self.curves)[-1] if self.curves else None


def read_results(
    dataset: Path,
    split: Path,
    predictions: Sequence[Path],
    scores: Sequence[Path],
    split_metrics: Path,
    training: Path,
    per_genre: Path,
    comparisons: Path,
    convergence: Path,
) -> Results:
    """Read all results, from files and folders: of ``predictions``, and of ``training`` by ``train_<model>``.

    The ``scores`` may stand in several files, too.

    An InputError is raised if a file is missing or damaged, or if `models.MODELS` lacks a model.
    """
    found = read_all_predictions(predictions, split)
    models = in_order(found)
    curves = read_all_curves(training, models)
    ends = read_csv(convergence, CONVERGENCE, "evaluate", may_be_empty=True)
    end_of = {row["model"]: row for row in ends.to_dict("records")}
    scored = {model: of_model for path in scores for model, of_model in read_scores(path).items()}
    by_genre = read_csv(per_genre, PER_GENRE, "evaluate")
    pairs = read_csv(comparisons, COMPARISONS, "evaluate", may_be_empty=True)
    genres = next(iter(found.values())).clips.genre.unique()
    require_keys(scores[0], zip(scored), zip(found), "evaluate")
    require_keys(per_genre, zip(by_genre.model, by_genre.genre, strict=True), product(found, genres), "evaluate")
    require_keys(comparisons, zip(pairs["first"], pairs.second, strict=True), combinations(found, 2), "evaluate")
    require_keys(convergence, zip(ends.model), zip(curves), "evaluate")
    return Results(
        dataset=read_dataset(dataset),
        predictions={model: found[model] for model in models},
        scores={model: scored[model] for model in models},
        per_genre=by_genre,
        comparisons=pairs,
        convergence={model: end_of[model] for model in curves},
        curves=curves,
        training={
            model: read_json(training / f"train_{model}" / "metrics.json", Training, f"train_{model}")
            for model in curves
        },
        n_leaked=read_n_leaked(split_metrics),
    )


def read_scores(path: Path) -> dict[str, Any]:
    """Read each model's scores from ``evaluate.json``, in the order in which models are shown."""
    scores = read_json(path, Annotated[dict[str, Scores], Field(min_length=1)], "evaluate")
    return {model: scores[model] for model in in_order(scores)}


def read_n_leaked(path: Path) -> int:
    """Read from ``split.json`` how many test clips have a copy in train."""
    leaked: int = read_json(path, SplitCounts, "split")["leaked"]
    return leaked
