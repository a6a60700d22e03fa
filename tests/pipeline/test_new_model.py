"""A new model, added as CONTRIBUTING.md says: what has to be touched, what reruns, and that all results show it."""

import json
import sys
from itertools import combinations

import numpy as np
import pytest
from project import MODELS, Clone, read_table

STAGE = '''"""Train extremely randomised trees."""

from pathlib import Path

from common import load_params, run_stage

from genres.core.columns import TRAIN
from genres.models.base.predictions import write_predictions
from genres.models.base.training_data import read_training_data
from genres.models.base.weights import describe_model, write_weights
from genres.models.extra_trees import predict_extra_trees, train_extra_trees

INPUTS = Path("data/inputs.npy")
INPUT_ROWS = Path("data/inputs.csv")
SPLIT = Path("data/split.csv")
DATASET = Path("data/dataset.json")
WEIGHTS = Path("models/extra_trees.safetensors")
PREDICTIONS = Path("data/predictions/extra_trees.csv")


def main() -> None:
    """Write the trained trees and their predictions."""
    params = load_params("seed", "featurize", "input", "extra_trees")
    data = read_training_data(INPUTS, INPUT_ROWS, SPLIT, DATASET, params.input.size, "resize")
    trained = train_extra_trees(*data.subset(TRAIN), params.extra_trees, params.seed)
    output = predict_extra_trees(trained, data.inputs)
    architecture = {"kind": "extra_trees", **params.extra_trees.model_dump()}
    description = describe_model("extra_trees", architecture, data, output, params)
    write_weights(WEIGHTS, trained, description)
    write_predictions(PREDICTIONS, data.clips, data.class_names, output)


if __name__ == "__main__":
    run_stage(main)
'''

MODULE = '''"""Extremely randomised trees, kept as arrays: all nodes of all trees, one tree behind the other."""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from genres.models.base.predictions import ModelOutput, Predict
from genres.models.base.weights import Arrays, Description
from genres.schema import ExtraTrees


def train_extra_trees(
    inputs: NDArray[np.float32], labels: NDArray[np.int64], params: ExtraTrees, seed: int
) -> Arrays:
    """Train on inputs (clips, height, width) and labels (clips,), and return the trees as arrays."""
    forest = ExtraTreesClassifier(params.trees, random_state=seed).fit(inputs.reshape(len(inputs), -1), labels)
    trees = [estimator.tree_ for estimator in forest.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
    return {
        "roots": roots,
        "left": np.concatenate([tree.children_left + root for tree, root in zip(trees, roots, strict=True)]),
        "right": np.concatenate([tree.children_right + root for tree, root in zip(trees, roots, strict=True)]),
        "leaf": np.concatenate([tree.children_left < 0 for tree in trees]),
        "feature": np.concatenate([tree.feature for tree in trees]),
        "threshold": np.concatenate([tree.threshold for tree in trees]),
        "probabilities": np.concatenate([tree.value[:, 0] for tree in trees]),
    }


def predict_extra_trees(trees: Arrays, inputs: NDArray[np.float32]) -> ModelOutput:
    """Return the mean of the trees' probabilities for inputs (clips, height, width)."""
    flat = inputs.reshape(len(inputs), -1)
    probabilities = np.zeros((len(flat), trees["probabilities"].shape[1]))
    for root in trees["roots"]:
        nodes = np.full(len(flat), root)
        while not trees["leaf"][nodes].all():
            goes_left = flat[np.arange(len(flat)), trees["feature"][nodes]] <= trees["threshold"][nodes]
            following = np.where(goes_left, trees["left"][nodes], trees["right"][nodes])
            nodes = np.where(trees["leaf"][nodes], nodes, following)
        probabilities += trees["probabilities"][nodes]
    probabilities /= len(trees["roots"])
    return ModelOutput(probabilities.argmax(axis=1), probabilities)


def load_predict(arrays: Arrays, description: Description) -> Predict:
    """Return what predicts with trained trees."""
    return partial(predict_extra_trees, arrays)
'''

# The five places in four files, each as (file, the text before which it stands, the new text).
PLACES = [
    (
        "src/genres/schema.py",
        "class Params(",
        'class ExtraTrees(Group):\n    """Extremely randomised trees."""\n\n    trees: int = Field(ge=1)\n\n\n',
    ),
    ("src/genres/schema.py", "    svm: Svm\n", "    extra_trees: ExtraTrees\n"),
    ("params.yaml", "svm:\n", "extra_trees:\n  trees: 20\n"),
    (
        "dvc.yaml",
        "  evaluate:\n",
        """  train_extra_trees:
    cmd: exec python stages/train_extra_trees.py
    deps:
      - data/inputs.npy
      - data/inputs.csv
      - data/split.csv
      - data/dataset.json
      - src/genres/core
      - src/genres/models/base
      - src/genres/models/extra_trees.py
      - stages/common.py
      - stages/train_extra_trees.py
    params: [seed, featurize, input, extra_trees]
    outs:
      - models/extra_trees.safetensors
      - data/predictions/extra_trees.csv

""",
    ),
    ("src/genres/report/models.py", '    "svm": ', '    "extra_trees": ShownModel("Extra trees", "#D55E00"),\n'),
]


@pytest.mark.slow
def test_a_new_model_takes_five_places_and_reruns_its_training_and_the_results(clone: Clone) -> None:
    folder = clone.folder
    (folder / "stages/train_extra_trees.py").write_text(STAGE, encoding="utf-8")
    (folder / "src/genres/models/extra_trees.py").write_text(MODULE, encoding="utf-8")
    for path, before, text in PLACES:
        content = (folder / path).read_text(encoding="utf-8")
        assert content.count(before) == 1, (path, before)
        (folder / path).write_text(content.replace(before, text + before), encoding="utf-8")
    assert len({path for path, *_ in PLACES}) <= 4

    assert clone.stages_run("repro") == ["evaluate", "report", "train_extra_trees"]
    assert "extra_trees" in json.loads((folder / "metrics/evaluate.json").read_bytes())
    assert (folder / "plots/figures/confusion_extra_trees.png").is_file()
    assert "Extra trees" in (folder / "plots/report.html").read_text(encoding="utf-8")
    assert "Extra trees" in clone.run(sys.executable, "-m", "genres", "results", PYTHONPATH=str(folder / "src"))
    assert len(read_table(folder / "plots/comparisons.csv")) == len(list(combinations((*MODELS, "extra_trees"), 2)))

    code = (
        "import sys, numpy as np; from pathlib import Path; from genres.models.saved import load_model; "
        "model = load_model(Path(sys.argv[1])); output = model.predict(np.load(sys.argv[2])); "
        "print(*(model.description.class_names[label] for label in output.labels))"
    )
    command = [sys.executable, "-c", code, "models/extra_trees.safetensors", "data/inputs.npy"]
    predicted = clone.run(*command, PYTHONPATH=str(folder / "src")).split()
    table = read_table(folder / "data/predictions/extra_trees.csv")
    assert all(row["predicted"] == row["genre"] for row in table if row["subset"] == "train")  # as trees do
    rows = {row["clip_id"]: row["predicted"] for row in table}
    inputs = [row["clip_id"] for row in read_table(folder / "data/inputs.csv")]
    assert [rows[clip_id] for clip_id in inputs] == predicted
    assert np.load(folder / "data/inputs.npy", mmap_mode="r").shape[0] == len(predicted)
