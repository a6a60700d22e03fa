"""``python -m genres``: what people run beside the pipeline."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from genres.core.errors import flush_output, install_excepthook

PARAMS = Path("params.yaml")
DATASET = Path("data/dataset.json")
SCORES = Path("metrics/evaluate.json")
SPLIT_METRICS = Path("metrics/split.json")
FIGURES = Path("plots/figures")
PAGE = Path("plots/report.html")

# What takes long to import is imported by the commands that use it.


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m genres", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, run in {"results": print_results, "schema": print_schema}.items():
        commands.add_parser(name, help=run.__doc__).set_defaults(run=run)
    parser.parse_args(arguments).run()


def print_results() -> None:
    """Print the table of results, and where the page and the figures lie."""
    from genres.core.dataset import read_dataset
    from genres.report.results import read_n_leaked, read_scores
    from genres.report.table import format_table
    from genres.schema import read_params

    split_method = read_params(PARAMS, "split").split.method
    n_leaked = read_n_leaked(SPLIT_METRICS)
    print(format_table(read_scores(SCORES), read_dataset(DATASET), n_leaked, split_method))
    for name, path in (("Page", PAGE), ("Figures", FIGURES)):
        if path.exists():
            print(f"\n{name}:\n  {path}")


def print_schema() -> None:
    """Print the JSON schema by which editors check and complete params.yaml, which params.schema.json holds."""
    from genres.schema import Params

    print(json.dumps(Params.model_json_schema(), indent=2))


if __name__ == "__main__":
    install_excepthook()
    main()
    flush_output()
