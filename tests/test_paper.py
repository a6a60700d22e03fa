"""The paper's parameters and results."""

from dataclasses import replace

from genres.paper import PARAMETERS, RESULTS, deviations
from genres.params import Params
from genres.results import MODELS


def test_the_shipped_parameters_are_the_papers(params: Params) -> None:
    assert deviations({group: getattr(params, group) for group in PARAMETERS}) == {}


def test_a_deviation_is_named_with_both_values(params: Params) -> None:
    groups = {"train": replace(params.train, epochs=10), "svm": replace(params.svm, C=2.0), "input": params.input}
    assert deviations(groups) == {"train.epochs": (10, 150), "svm.C": (2.0, 1.0)}


def test_every_model_has_its_row() -> None:
    assert tuple(RESULTS) == MODELS
    assert all(0 < result.test_accuracy < result.train_accuracy < 1 for result in RESULTS.values())
