"""``python -m genres``: what people run beside the pipeline."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from genres.core.errors import flush_output, install_excepthook
from genres.core.processor import settle_arithmetic
from genres.demo import arguments as demo_arguments
from genres.export import arguments as export_arguments
from genres.prediction import arguments as predict_arguments

PROJECT = Path(__file__).resolve().parents[2]
MODELS = (PROJECT / "models", PROJECT / "models/transfer")
PARAMS = Path("params.yaml")
DATASET = Path("data/dataset.json")
PREDICTIONS = Path("data/predictions")
SPLIT = Path("data/split.csv")
SCORES = Path("metrics/evaluate.json")
TRANSFER_SCORES = Path("metrics/transfer.json")
SPLIT_METRICS = Path("metrics/split.json")
FIGURES = Path("plots/figures")
PAGE = Path("plots/report.html")

Run = Callable[[argparse.Namespace], int | None]
"""A command; it returns the exit status, which is 0 if it returns nothing."""

# What takes long to import is imported by the commands that use it.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m genres", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, (run, add_arguments) in COMMANDS.items():
        command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        command.set_defaults(run=run)
        add_arguments(command)
    parsed = parser.parse_args(arguments)
    if parsed.run is predict and parsed.yes and parsed.write_tags is None:
        parser.error("--yes goes with --write-tags")
    status: int | None = parsed.run(parsed)
    return status or 0


def predict(arguments: argparse.Namespace) -> int:
    """Classify audio files; the exit status is 1 if a file could not be classified."""
    settle_arithmetic()
    from genres.prediction.command import run

    return run(arguments, MODELS, PROJECT / DATASET)


def export(arguments: argparse.Namespace) -> None:
    """Write a trained model as a folder: ONNX file, weights, example and model card."""
    settle_arithmetic()
    from genres.export.command import run

    score_files = (PROJECT / SCORES, PROJECT / TRANSFER_SCORES)
    run(arguments, MODELS, PROJECT / DATASET, score_files, PROJECT / SPLIT_METRICS)


def demo(arguments: argparse.Namespace) -> None:
    """Serve a page on which to try the models in a browser, on this machine alone unless another address is named."""
    settle_arithmetic()
    from genres.demo.command import run

    run(arguments, MODELS, PROJECT / DATASET.parent)


def print_results(_: argparse.Namespace) -> None:
    """Print the table of results, and where the page and the figures lie."""
    from genres.core.dataset import read_dataset
    from genres.models.base.predictions import read_all_predictions
    from genres.report.results import read_n_leaked, read_scores
    from genres.report.table import format_table
    from genres.schema import read_params

    read_all_predictions([PREDICTIONS], SPLIT)  # refuses scores of another split, which the title would misname
    split_method = read_params(PARAMS, "split").split.method
    n_leaked = read_n_leaked(SPLIT_METRICS)
    print(format_table(read_scores(SCORES), read_dataset(DATASET), n_leaked, split_method))
    for name, path in (("Page", PAGE), ("Figures", FIGURES)):
        if path.exists():
            print(f"\n{name}:\n  {path}")


def print_schema(_: argparse.Namespace) -> None:
    """Print the JSON schema by which editors check and complete params.yaml, which params.schema.json holds."""
    from genres.schema import Params

    print(json.dumps(Params.model_json_schema(), indent=2))


COMMANDS: dict[str, tuple[Run, Callable[[argparse.ArgumentParser], None]]] = {
    "predict": (predict, predict_arguments.add_arguments),
    "demo": (demo, demo_arguments.add_arguments),
    "export": (export, export_arguments.add_arguments),
    "results": (print_results, lambda _: None),
    "schema": (print_schema, lambda _: None),
}


if __name__ == "__main__":
    install_excepthook()
    exit_status = main()
    flush_output()
    sys.exit(exit_status)
