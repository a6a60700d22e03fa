"""What `make collect` counts of DVC's experiments, and what it prints of them."""

import csv
import json
import math
import random
from io import StringIO
from statistics import mean
from typing import Any

import pytest
from collect import Group, Summary, format_csv, format_markdown, format_text, group_runs, summarise
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree
from experiments import COMMITTED, Run, is_current
from project import MODELS, Clone
from ruamel.yaml import YAML

N_CLIPS = {"train": 800, "test": 200, "leaked": 0}


def run(name: str, seed: int = 0, accuracy: float = 0.5, method: str = "stratified", **svm: object) -> Run:
    params = {"seed": seed, "split.method": method, "svm.C": 1.0, "svm.kernel": "linear"}
    params |= {f"svm.{name}": value for name, value in svm.items()}
    scores = {"svm": {"accuracy": accuracy, "macro_f1": accuracy, "calibration_error": None}}
    return Run(name, params, scores, N_CLIPS, "1a2b3c4")


HERE = run("here").params


def test_the_runs_of_a_setting_have_the_mean_and_the_interval_worked_out_by_hand() -> None:
    # As in tests/evaluation/test_statistics.py: 4.3027 times the root of (1/3 + 1/4) 0.0004.
    (group,), notes = group_runs([run("a", 1, 0.53), run("b", 2, 0.55), run(COMMITTED, 0, 0.51)], HERE)
    assert notes == []
    assert (group.setting, group.seeds) == ({}, [0, 1, 2])
    accuracy, macro_f1 = group.summaries  # the SVM has no calibration error
    assert accuracy[:3] == ("svm", "accuracy", 3)
    assert accuracy[3:] == pytest.approx((0.53, 0.02, 0.53 - 0.065725, 0.53 + 0.065725), abs=1e-5)
    assert macro_f1[1:] == ("macro_f1", *accuracy[2:])


def test_seeds_that_share_their_split_get_students_interval() -> None:
    found = summarise([run(name, seed, 0.5 + seed / 50, "fault-filtered") for seed, name in enumerate("abc")])[0]
    assert found.high is not None
    assert found.high - found.mean == pytest.approx(4.302653 * 0.02 / math.sqrt(3), abs=1e-6)


def test_one_seed_has_no_interval() -> None:
    (group,), _ = group_runs([run("a", 7, 0.5)], HERE)
    assert group.seeds == [7]
    assert group.summaries[0] == ("svm", "accuracy", 1, 0.5, None, None, None)


def test_groups_name_the_parameters_that_differ_between_them_or_from_the_present_ones() -> None:
    runs = [run("a", C=10), run("b", C=1), run("c", seed=3), run("d", kernel="rbf", C=2)]
    groups, _ = group_runs(runs, {**HERE, "split.method": "grouped", "study": {"seeds": 5}})
    # Numbers in their order, and 1 is 1.0.
    assert [(list(group.setting.values()), group.seeds) for group in groups] == [
        (["stratified", "1", "linear"], [0, 3]),
        (["stratified", "2", "rbf"], [0]),
        (["stratified", "10", "linear"], [0]),
    ]
    assert list(groups[0].setting) == ["split.method", "svm.C", "svm.kernel"]


def test_a_repeat_counts_once_and_one_with_other_metrics_is_named() -> None:
    (group,), notes = group_runs([run("b", 1), run("a", 1), run(COMMITTED, 0), run("c", 0, 0.6)], HERE)
    assert (group.seeds, group.summaries[0].mean) == ([0, 1], 0.5)
    (note,) = notes
    assert note.startswith("HEAD and c have the same parameters and the same seed, 0, but other metrics: ")


def test_what_is_printed_does_not_depend_on_the_order_of_the_experiments() -> None:
    runs = [run(f"{seed} {C}", seed, 0.5 + seed / 10, C=C) for seed in range(3) for C in (0.1, 1, 1.0, None)]
    expected = group_runs(runs, HERE)
    for seed in range(5):
        random.Random(seed).shuffle(runs)  # noqa: S311
        assert group_runs(runs, HERE) == expected


GROUPS = [
    Group({"svm.C": "1"}, [0, 1], [Summary("svm", "accuracy", 2, 0.5, 0.1, 0.4, 0.60001)]),
    Group({"svm.C": "10"}, [0], [Summary("svm", "accuracy", 1, 0.5)]),
]


def test_text_is_aligned() -> None:
    assert format_text(GROUPS).splitlines()[:-1] == [
        "svm.C=1: seeds 0, 1",
        "",
        "model  measure   n    mean  standard deviation     95 % interval",
        "svm    accuracy  2  0.5000              0.1000  0.4000 to 0.6000",
        "",
        "svm.C=10: seed 0",
        "",
        "model  measure   n    mean  standard deviation  95 % interval",
        "svm    accuracy  1  0.5000",
        "",
    ]


def test_markdown_has_a_table_for_each_group() -> None:
    assert format_markdown(GROUPS).splitlines()[4:9] == [
        "| svm | accuracy | 2 | 0.5000 | 0.1000 | 0.4000 to 0.6000 |",
        "",
        "### svm.C=10: seed 0",
        "",
        "| model | measure | n | mean | standard deviation | 95 % interval |",
    ]


def test_csv_has_a_column_for_each_parameter_that_is_named() -> None:
    assert format_csv(GROUPS).splitlines() == [
        "svm.C,seeds,model,measure,n,mean,standard_deviation,low,high",
        "1,0 1,svm,accuracy,2,0.5,0.1,0.4,0.6",
        "10,0,svm,accuracy,1,0.5,,,",
    ]


def folder_hash(**files: str) -> str:
    folder = Tree()
    for name, md5 in files.items():
        folder.add((f"{name}.csv",), None, HashInfo("md5", md5))
    folder.digest()
    return str(folder.hash_info.value)


@pytest.fixture
def stages() -> dict[str, Any]:
    """The stages of a dvc.lock: a split, two models trained on it, and the evaluation of both."""
    split = {"path": "data/split.csv", "md5": "1"}

    def training(model: str, md5: str) -> dict[str, Any]:
        values = {"seed": 0, model: {"size": 1.0}, "input.width": 9}
        outs = [{"path": f"data/predictions/{model}.csv", "md5": md5}]
        return {"deps": [dict(split)], "params": {"params.yaml": values}, "outs": outs}

    predictions = {"path": "data/predictions", "md5": folder_hash(net="2", tree="3")}
    return {
        "split": {"deps": [{"path": "src", "md5": "0"}], "params": {"params.yaml": {"seed": 0}}, "outs": [dict(split)]},
        "train_net": training("net", "2"),
        "train_tree": training("tree", "3"),
        "evaluate": {"deps": [predictions, dict(split)], "outs": []},
    }


def test_metrics_are_those_of_the_parameters_if_every_stage_before_ran_with_them(stages: dict[str, Any]) -> None:
    params = {"seed": 0, "net": {"size": 1}, "tree": {"size": 1}, "input": {"width": 9}, "unused": 5}
    assert is_current("evaluate", stages, params)
    for changed in ({"seed": 1}, {"net": {"size": 2}}, {"input": {"width": 8}}, {"input": {}}):
        assert not is_current("evaluate", stages, params | changed)
    stages["train_net"]["outs"][0]["md5"] = "4"  # trained again, and not evaluated
    assert not is_current("evaluate", stages, params)
    stages["evaluate"]["deps"][0]["md5"] = folder_hash(net="4", tree="3")
    assert is_current("evaluate", stages, params)
    stages["split"]["outs"][0]["md5"] = stages["evaluate"]["deps"][1]["md5"] = "5"  # trained on another split
    assert not is_current("evaluate", stages, params)
    assert not is_current("evaluate", {}, params)


def test_runs_of_other_code_are_another_group() -> None:
    runs = [run("a", seed=0), run("b", seed=1), run("c", seed=2)._replace(code="5d6e7f8")]
    groups, notes = group_runs(runs, HERE)
    assert [(group.setting, group.seeds) for group in groups] == [
        ({"code": "1a2b3c4"}, [0, 1]),
        ({"code": "5d6e7f8"}, [2]),
    ]
    assert notes == []
    assert group_runs(runs[:2], HERE)[0][0].setting == {}


@pytest.mark.slow
def test_the_experiments_of_dvcs_queue_are_collected(clone: Clone) -> None:
    refused = clone.run("python", "pipelines/collect.py", succeeds=False)
    assert refused.startswith("error: no successful experiment of the present commit")
    queued = (
        ["seed=range(0,2)"],  # 0 is a repeat of the committed run
        ["simple.dropout=0.5", "seed=1"],
        ["split.method=fault-filtered"],  # fails, as the clips are synthetic
    )
    for changes in queued:
        clone.run("dvc", "exp", "run", "--queue", *(part for change in changes for part in ("-S", change)))
    # Trained and not evaluated, so that the metrics are those of the committed run.
    clone.run("dvc", "exp", "run", "--queue", "-S", "svm.kernel=rbf", "-S", "svm.C=0.01", "train_svm")
    clone.run("dvc", "exp", "run", "--run-all")

    told = clone.make("collect", "FORMAT=csv")
    notes = [line for line in told.splitlines() if line.startswith("note: ")]
    assert len(notes) == 2
    assert "1 failed" in notes[0]
    assert "1 that ran some stages alone" in notes[1]
    table = list(csv.DictReader(StringIO("\n".join(line for line in told.splitlines() if line not in notes))))
    assert {(row["simple.dropout"], row["seeds"]) for row in table} == {("0.25", "0 1"), ("0.5", "1")}
    assert {row["model"] for row in table} == set(MODELS)

    scores = {}
    for revision in clone.run("git", "for-each-ref", "--format=%(objectname)", "refs/exps/*/*/*").split():
        params = YAML(typ="safe").load(clone.run("git", "show", f"{revision}:params.yaml"))
        if params["svm"]["kernel"] == "linear":
            setting = str(params["simple"]["dropout"]), params["seed"]
            scores[setting] = json.loads(clone.run("git", "show", f"{revision}:metrics/evaluate.json"))
    for row in table:
        values = [
            scores[row["simple.dropout"], int(seed)][row["model"]][row["measure"]] for seed in row["seeds"].split()
        ]
        assert int(row["n"]) == len(values)
        assert float(row["mean"]) == pytest.approx(mean(values), abs=5e-5)
    assert clone.make("collect").startswith(notes[0])
    assert "### simple.dropout=0.5: seed 1\n" in clone.make("collect", "FORMAT=markdown")
