"""The arguments of ``python -m genres export``, apart from what takes long to import."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folder", metavar="FOLDER", help="where to write; not there yet, or empty")
    parser.add_argument("--model", metavar="MODEL", help="a trained model's name, or its file; by default the best one")
