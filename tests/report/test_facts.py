from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from example_results import clips_of, example_results, example_run_study

from genres.evaluation.convergence import TrainingOutcome
from genres.report.facts import baseline_accuracy, collect_facts, curve_note, leakage_note, percent
from genres.report.results import Results
from genres.study.summary import Spread


@pytest.fixture(scope="module")
def results() -> Results:
    return example_results(["a", "b", "c"])


def with_intervals(results: Results, **intervals: tuple[float, float]) -> Results:
    scores = {
        model: results.scores[model] | {"accuracy_low": low, "accuracy_high": high}
        for model, (low, high) in intervals.items()
    }
    return replace(results, scores=scores)


def test_the_baseline_is_the_share_of_the_most_frequent_genre_in_test() -> None:
    clips = clips_of(["a", "b"], n_train=4, n_test=6)
    few = clips[(clips.genre == "a") | (clips.subset == "train") | (clips.clip_id == "b/b.00009")]
    assert baseline_accuracy(few) == 6 / 7


def test_models_are_held_against_the_baseline(results: Results) -> None:
    intervals = {"linear": (0.1, 0.3), "simple": (0.2, 1 / 3), "complex": (1 / 3, 0.5), "svm": (0.4, 0.5)}
    facts = collect_facts(with_intervals(results, **intervals), None)
    assert facts.baseline == 1 / 3
    assert facts.below_baseline == ["linear"]
    assert facts.near_baseline == ["simple", "complex"]  # an interval that ends at the baseline includes it


def test_the_widest_interval_counts(results: Results) -> None:
    facts = collect_facts(
        with_intervals(results, linear=(0.43, 0.57), simple=(0, 0), complex=(1, 1), svm=(0.85, 0.93)), None
    )
    assert facts.half_width == pytest.approx(0.07)
    assert facts.difference == pytest.approx(0.099, abs=0.0005)  # both are off by 7 points, independently


def test_how_much_runs_differ_by_chance_is_measured_by_the_model_that_varies_most(
    results: Results, tmp_path: Path
) -> None:
    study = example_run_study(tmp_path)
    facts = collect_facts(results, study)
    assert facts.difference == pytest.approx(4.302653 * 2**0.5 / 6, abs=2e-4)  # linear predicts 2, 4 and 6 of 12 clips
    assert facts.half_width == collect_facts(results, None).half_width
    single = {
        model: found._replace(scores={"accuracy": Spread(1, 0.5, None, None, None)})
        for model, found in study.summary.models.items()
    }
    without_spread = replace(study, summary=study.summary._replace(models=single))
    assert collect_facts(results, without_spread).difference == collect_facts(results, None).difference


def test_pairs_stand_in_the_order_of_the_models(results: Results) -> None:
    facts = collect_facts(results, None)
    assert [(pair.first, pair.second) for pair in facts.pairs] == [
        ("linear", "simple"), ("linear", "complex"), ("linear", "svm"),
        ("simple", "complex"), ("simple", "svm"), ("complex", "svm"),
    ]  # fmt: skip
    assert facts.pairs[1][2:4] == (0, 7)  # of 18 clips, linear predicts 6 and complex 13
    assert facts.pairs[5][2:4] == (2, 0)
    assert facts.p_value_limit == 0.05 / 6


def test_the_table_decides_what_is_significant_and_the_better_model_is_named_first(results: Results) -> None:
    comparisons = results.comparisons
    yes = (comparisons["first"] == "complex") & (comparisons.second == "linear")
    facts = collect_facts(
        replace(results, comparisons=comparisons.assign(significant=np.where(yes, "yes", "no"))), None
    )
    assert facts.different == [["complex", "linear"]]
    assert [pair.significant for pair in facts.pairs] == [False, True, False, False, False, False]
    assert facts.similar == [
        ["simple", "linear"], ["svm", "linear"], ["complex", "simple"], ["svm", "simple"], ["complex", "svm"],
    ]  # fmt: skip


def test_clips_are_counted_and_the_largest_confusion_is_named(results: Results) -> None:
    clips = clips_of(["a", "b"])
    clips.loc[[0, 1], "subset"] = "valid"
    assert collect_facts(example_results(["a", "b"], clips=clips), None).n_clips == {"train": 6, "valid": 2, "test": 12}
    facts = collect_facts(results, None)
    assert facts.n_disputed == 7  # the 13 of the best model less the 6 of the worst, one series
    assert facts.largest_confusions["complex"] == ("c", "a", 5)


def test_the_train_accuracy_of_a_model_without_curves_is_that_of_its_predictions(results: Results) -> None:
    predictions = results.predictions["svm"]
    clips = predictions.clips.copy()
    clips.loc[clips.index[:3], "predicted"] = "c"  # three of twelve train clips
    changed = results.predictions | {"svm": replace(predictions, clips=clips)}
    training = results.training | {"complex": {"train": {"accuracy": 0.625}}}
    accuracies = collect_facts(replace(results, predictions=changed, training=training), None).train_accuracy
    assert (accuracies["svm"], accuracies["complex"]) == (0.75, 0.625)


def test_one_model_has_no_pairs_and_perhaps_no_mistakes() -> None:
    facts = collect_facts(example_results(["a", "b"], {"svm": 1.0}), None)
    assert (facts.pairs, facts.different, facts.similar, facts.n_disputed) == ([], [], [], 0)
    assert facts.largest_confusions == {"svm": None}


def test_a_share_of_no_clips_is_not_available() -> None:
    assert percent(np.nan) == "n/a"
    assert percent(None) == "n/a"
    assert percent(0.4) == "40.0\N{NO-BREAK SPACE}%"
    assert percent(0.4, 0) == "40\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize("outcome", TrainingOutcome)
def test_a_note_below_curves_holds_the_numbers(outcome: TrainingOutcome) -> None:
    row = {"outcome": outcome.value, "best_epoch": 120, "converged_epoch": 90, "loss_gap": 0.35, "accuracy_gap": -0.16}
    row |= {"loss_fluctuation": 0.01, "accuracy_fluctuation": 0.012}
    note = curve_note("Simple CNN", row)
    assert note.startswith("Simple CNN: ")
    for number in ("+0.35", "-16.0 points", "0.0100", "1.2 points"):
        assert number in note
    assert ("epoch 90" in note) == (outcome is TrainingOutcome.CONVERGED)
    assert ("epoch 120" in note) == (outcome is TrainingOutcome.OVERFITTED)
    assert "from epoch" not in curve_note("Simple CNN", row | {"converged_epoch": None})


def test_leakage_is_counted() -> None:
    assert leakage_note(0) == ""
    assert leakage_note(1).startswith("1 test clip has ")
    assert leakage_note(3).startswith("3 test clips have ")
