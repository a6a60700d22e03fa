"""The paper's parameters and results."""

from genres.report.models import MODELS
from genres.report.paper import RESULTS, deviations
from genres.schema import Params


def test_the_shipped_parameters_are_the_papers_and_a_deviation_is_named_with_both_values(params: Params) -> None:
    assert deviations(params) == {}
    groups = {
        "train": params.train.model_copy(update={"epochs": 10}),
        "svm": params.svm.model_copy(update={"C": 2.0}),
        "seed": 3,  # which the paper does not fix
    }
    assert deviations(params.model_copy(update=groups)) == {"train.epochs": (10, 150), "svm.C": (2.0, 1.0)}


def test_every_result_of_the_paper_is_of_a_model() -> None:
    assert RESULTS.keys() <= MODELS.keys()
    assert all(0 < result.test_accuracy < result.train_accuracy < 1 for result in RESULTS.values())
