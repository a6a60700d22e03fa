"""The arguments of ``python -m genres predict``, apart from what takes long to import."""

import argparse
import math


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="audio files or folders; - is standard input")
    parser.add_argument("--model", metavar="MODEL", help="a trained model's name, or its file; by default the best one")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="a line of JSON for each file")
    output.add_argument("--csv", action="store_true", help="a line of CSV for each file")
    parser.add_argument(
        "--write-tags",
        type=_probability,
        metavar="PROBABILITY",
        help="say what genre would be written into the tags of files that it has at least this probability for",
    )
    parser.add_argument("--yes", action="store_true", help="with --write-tags: write it")


def _probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 1")
    return value
