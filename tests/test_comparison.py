"""Two runs side by side."""

from typing import Any

import pytest

from genres.comparison import Run, compare_runs


def scores(accuracy: float, **recall: float | None) -> dict[str, Any]:
    return {
        "accuracy": accuracy,
        "accuracy_low": accuracy - 0.07,
        "accuracy_high": accuracy + 0.07,
        "macro_f1": accuracy - 0.01,
        "recall": recall,
    }


def compare(
    old: dict[str, Any], new: dict[str, Any], old_params: dict[str, Any] | None = None, **new_params: Any
) -> str:
    text = compare_runs(Run("main", old, old_params or {}), Run("workspace", new, new_params))
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_comparison_is_this_markdown() -> None:
    assert (
        compare(
            {
                "linear": scores(0.5, blues=0.4, jazz=0.5, rock=0.9),
                "simple": scores(0.6, blues=0.4, jazz=0.5, rock=0.9),
            },
            {
                "linear": scores(0.5, blues=0.4, jazz=0.5, rock=0.9),
                "simple": scores(0.575, blues=0.5, jazz=0.7, rock=0.6),
            },
            {"dataset": {"name": "gtzan"}, "seed": 0, "simple": {"dropout": 0.25}},
            dataset={"name": "gtzan"},
            seed=0,
            simple={"dropout": 0.5},
        )
        == """### Results: `main` → `workspace`

- `main`: GTZAN
- `workspace`: GTZAN

| Model | Test accuracy | change (points) | Macro F1 | change (points) | 95 % interval of the new accuracy |
| --- | ---: | ---: | ---: | ---: | ---: |
| Linear | 50.0 % → 50.0 % | = | 49.0 % → 49.0 % | = | 43.0 % to 57.0 % |
| Simple CNN | 60.0 % → 57.5 % | -2.5 | 59.0 % → 56.5 % | -2.5 | 50.5 % to 64.5 % |

#### Parameters that differ

| Parameter | `main` | `workspace` |
| --- | ---: | ---: |
| `simple.dropout` | `0.25` | `0.5` |

#### Genres that gained or lost recall

| Model | gained (points) | lost (points) |
| --- | ---: | ---: |
| Simple CNN | jazz +20.0, blues +10.0 | rock -30.0 |"""
    )


@pytest.mark.parametrize(
    ("params", "leaked", "told"),
    [
        ({"dataset": {"name": "synthetic"}}, 0, "SYNTHETIC clips (not GTZAN)"),
        ({"dataset": {"name": "local"}}, None, "your own clips"),
        ({"dataset": {"name": "gtzan"}}, 7, "GTZAN; 7 test clips have a copy in train: accuracies are too high"),
        ({"dataset": {"name": "new`|set"}}, 1, "`new'¦set`; 1 test clip has a copy in train: accuracies are too high"),
        ({}, None, "an unnamed data set"),
        ({"dataset": 3}, None, "an unnamed data set"),
    ],
)
def test_the_data_and_the_leakage_of_either_side_are_told(
    params: dict[str, Any], leaked: int | None, told: str
) -> None:
    this, other = Run("this", {}, params, leaked), Run("other", {}, {"dataset": {"name": "gtzan-mini"}}, 0)
    theirs = "gtzan-mini (100 clips of GTZAN)"
    assert f"\n\n- `this`: {told}\n- `other`: {theirs}\n\n" in compare_runs(this, other)
    assert f"\n\n- `other`: {theirs}\n- `this`: {told}\n\n" in compare_runs(other, this)


@pytest.mark.parametrize(
    ("old", "new", "other"),
    [
        ({"name": "gtzan"}, {"name": "gtzan"}, False),
        ({"name": "gtzan"}, {"name": "gtzan-mini"}, True),
        ({"name": "local", "path": "a"}, {"name": "local", "path": "b"}, True),
    ],
)
def test_other_data_are_said_to_be_no_comparison(old: dict[str, str], new: dict[str, str], other: bool) -> None:
    compared = compare({"linear": scores(0.5)}, {"linear": scores(0.6)}, {"dataset": old}, dataset=new)
    assert ("**The data are others, so the scores cannot be compared.**" in compared) == other


def test_the_same_run_differs_in_nothing() -> None:
    run = {"svm": scores(0.5, blues=0.5)}
    text = compare(run, run, {"seed": 1}, seed=1)
    assert "Every model scores the same." in text
    assert text.count("None.") == 2
    assert "|" not in text


def test_a_model_of_one_run_only_is_shown_without_a_change() -> None:
    text = compare({"linear": scores(0.5, blues=0.4)}, {"svm": scores(0.6, blues=0.4)})
    assert "| Linear | 50.0 % → n/a |  | 49.0 % → n/a |  | n/a |" in text
    assert "| SVM | n/a → 60.0 % |  |" in text


def test_scores_without_intervals_are_those_of_an_older_version() -> None:
    old, new = scores(0.5, blues=0.4), scores(0.6, blues=0.4)
    del new["accuracy_low"]
    assert "| 50.0 % → 60.0 % | +10.0 | 49.0 % → 59.0 % | +10.0 | n/a |" in compare({"svm": old}, {"svm": new})


def test_genres_that_one_run_lacks_or_did_not_test_are_passed_over() -> None:
    old, new = scores(0.5, a=0.5, b=None, c=0.5, d=0.1), scores(0.6, a=0.5, b=0.5, c=None, e=0.1)
    assert compare({"svm": old}, {"svm": new}).endswith("recall\n\nNone.")


def test_a_parameter_of_one_run_only_is_shown() -> None:
    text = compare({}, {}, {"a": {"b": None}, "d": [1]}, c={"d": True}, d=[1, 2])
    assert "| `a.b` | `null` | not set |" in text
    assert "| `c.d` | not set | `True` |" in text
    assert "| `d` | `[1]` | `[1, 2]` |" in text


def test_names_cannot_break_out_of_the_table() -> None:
    odd = "<script>|`*a*\n@b"
    old, new = {"svm": scores(0.5, **{odd: 0.5})}, {"svm": scores(0.5, **{odd: 0.6})}
    text = compare_runs(Run("a`|b", old, {"p": "x|`y\nz"}), Run("b", new, {}))
    assert "\\<script\\>\\|\\`\\*a\\* @b +10.0" in text
    assert "`a'¦b`" in text
    assert "| `p` | `x¦'y z` | not set |" in text
