"""The table of results: ours, and the paper's beside it where the data are the paper's."""

from collections.abc import Mapping
from typing import Any

NETWORKS = ("linear", "simple", "complex")

TITLES = {"linear": "Linear", "simple": "Simple CNN", "complex": "Complex CNN"}

PAPER_TEST_ACCURACY = {"linear": 0.505, "simple": 0.545, "complex": 0.625}
"""Table of the paper's section 3, of one run on GTZAN."""


def data_title(dataset_name: str) -> str:
    """Return how a data set is called wherever its results are shown, so that none is taken for another."""
    return {
        "synthetic": "SYNTHETIC clips (not GTZAN)",
        "local": "your own clips",
        "gtzan": "GTZAN",
        "gtzan-mini": "gtzan-mini (100 clips of GTZAN)",
    }[dataset_name]


def paper_accuracies(dataset_name: str) -> Mapping[str, float]:
    """Return the paper's test accuracies if they may stand beside this data set's, else nothing."""
    return PAPER_TEST_ACCURACY if dataset_name == "gtzan" else {}


def leakage_note(leaked: int) -> str:
    """Return what has to be said beside accuracies if some test clips have a copy in train, else nothing."""
    clips = "1 test clip has" if leaked == 1 else f"{leaked} test clips have"
    return f"{clips} a copy in train: accuracies are too high" if leaked else ""


def format_results(metrics: Mapping[str, Mapping[str, Any]], dataset_name: str, leaked: int) -> str:
    """Return the table of test accuracies and macro F1 as text, a network a line, and the note on leakage."""
    paper = paper_accuracies(dataset_name)
    lines = [f"Results on {data_title(dataset_name)}", ""]
    lines.append(f"{'network':<14}{'test accuracy':>15}{'macro F1':>12}" + ("    paper" if paper else ""))
    for name in NETWORKS:
        line = f"{TITLES[name]:<14}{metrics[name]['accuracy']:>14.1%} {metrics[name]['macro_f1']:>12.3f}"
        lines.append(line + (f"{paper[name]:>8.1%} " if paper else ""))
    if leaked:
        lines += ["", leakage_note(leaked)]
    return "\n".join(lines)
