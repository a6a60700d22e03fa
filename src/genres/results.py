"""The table of results: ours, and the paper's beside it where the data are the paper's."""

from collections.abc import Mapping
from typing import Any

from genres import paper

NETWORKS = ("linear", "simple", "complex")
MODELS = (*NETWORKS, "svm")

TITLES = {"linear": "Linear", "simple": "Simple CNN", "complex": "Complex CNN", "svm": "SVM"}


def data_title(dataset_name: str) -> str:
    """Return how a data set is called wherever its results are shown, so that none is taken for another."""
    return {
        "synthetic": "SYNTHETIC clips (not GTZAN)",
        "local": "your own clips",
        "gtzan": "GTZAN",
        "gtzan-mini": "gtzan-mini (100 clips of GTZAN)",
    }[dataset_name]


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share as it is written in sentences and on the page: "40.0 %", or "n/a" for a share of nothing."""
    return "n/a" if share is None else f"{100 * share:.{decimals}f}\N{NO-BREAK SPACE}%"


def paper_accuracies(dataset_name: str) -> Mapping[str, float]:
    """Return the paper's test accuracies if they may stand beside this data set's, else nothing."""
    if dataset_name != "gtzan":
        return {}
    return {model: result.test_accuracy for model, result in paper.RESULTS.items()}


def leakage_note(leaked: int) -> str:
    """Return what has to be said beside accuracies if some test clips have a copy in train, else nothing."""
    clips = "1 test clip has" if leaked == 1 else f"{leaked} test clips have"
    return f"{clips} a copy in train: accuracies are too high" if leaked else ""


def format_results(metrics: Mapping[str, Mapping[str, Any]], dataset_name: str, leaked: int) -> str:
    """Return the table of test accuracies with their 95 % intervals and of macro F1, and the note on leakage."""
    papers = paper_accuracies(dataset_name)
    lines = [f"Results on {data_title(dataset_name)}", ""]
    lines.append(
        f"{'model':<13}{'test accuracy':>14}{'95 % interval':>18}{'macro F1':>11}" + ("    paper" if papers else "")
    )
    for name, scores in metrics.items():
        interval = f"{scores['accuracy_low']:.1%} - {scores['accuracy_high']:.1%}"
        line = f"{TITLES[name]:<13}{scores['accuracy']:>14.1%}{interval:>18}{scores['macro_f1']:>11.3f}"
        lines.append(line + (f"{papers[name]:>9.1%}" if papers else ""))
    if leaked:
        lines += ["", leakage_note(leaked)]
    return "\n".join(lines)
