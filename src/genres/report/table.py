"""The results as plain text: of one run, with the paper's beside it where they may be compared, and of a study."""

from collections.abc import Mapping, Sequence
from typing import Any

from genres.report.facts import leakage_note
from genres.report.models import MODELS
from genres.report.paper import beyond_paper, comparable_results
from genres.study.summary import Spread, Summary


def format_table(
    scores: Mapping[str, Mapping[str, Any]], dataset: Mapping[str, Any], n_leaked: int, split_method: str
) -> str:
    """Return the table of test accuracies with their 95 % intervals and of macro F1, and the note on leakage.

    ``scores`` and ``dataset`` are the contents of ``evaluate.json`` and ``dataset.json``.
    """
    papers = comparable_results(dataset, split_method)
    lines = [f"Results on {dataset['title']}", ""]
    header = f"{'model':<13}{'test accuracy':>14}{'95 % interval':>18}{'macro F1':>11}"
    lines.append(header + ("    paper" if papers else ""))
    for model, found in scores.items():
        interval = f"{found['accuracy_low']:.1%} - {found['accuracy_high']:.1%}"
        line = f"{MODELS[model].title:<13}{found['accuracy']:>14.1%}{interval:>18}{found['macro_f1']:>11.3f}"
        lines.append(line + (f"{papers[model].test_accuracy:>9.1%}" if model in papers else ""))
    if beyond := beyond_paper(scores):
        lines += ["", *(f"{MODELS[model].title} is {mark}" for model, mark in beyond.items())]
    if n_leaked:
        lines += ["", leakage_note(n_leaked)]
    return "\n".join(lines)


def format_summary(summary: Summary, title: str) -> str:
    """Return the summary of a study of the data set called ``title`` as two tables in Markdown."""
    rows = [("model", "runs", "failed", "mean test accuracy (%)", "95 % interval", "standard deviation", "macro F1")]
    for model, found in summary.models.items():
        accuracy, macro_f1 = found.scores["accuracy"], found.scores["macro_f1"]
        n_runs, scores = 0, ("n/a",) * 4
        if accuracy and macro_f1:
            n_runs = accuracy.runs
            spread = (points(accuracy.mean), interval(accuracy), points(accuracy.standard_deviation))
            scores = (*spread, f"{macro_f1.mean:.3f}")
        rows.append((MODELS[model].title, str(n_runs), str(found.failed), *scores))
    pairs = [("pair", "mean difference (points)", "95 % interval", "p-value")]
    for pair in summary.differences:
        names = f"{MODELS[pair.first].title} - {MODELS[pair.second].title}"
        pairs.append((names, points(pair.accuracy.mean, "+"), interval(pair.accuracy), p_value(pair.p_value)))
    return f"Study on {title}\n\n{_markdown(rows)}\n\n{_markdown(pairs)}"


def points(share: float | None, sign: str = "") -> str:
    """Return a difference or a deviation of shares in points, or "n/a"."""
    return "n/a" if share is None else f"{100 * share:{sign}z.1f}"


def p_value(value: float | None) -> str:
    """Return a p-value as it is shown: "0.0123", "below 0.0001" or "n/a"."""
    return "n/a" if value is None else "below 0.0001" if value < 0.0001 else f"{value:.4f}"


def interval(spread: Spread) -> str:
    """Return the 95 % interval of a mean in per cent or points, or "n/a"."""
    return "n/a" if spread.low is None or spread.high is None else f"{points(spread.low)} to {points(spread.high)}"


def _markdown(rows: Sequence[tuple[str, ...]]) -> str:
    head, *others = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *others))
