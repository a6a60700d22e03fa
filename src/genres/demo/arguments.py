"""The arguments of ``python -m genres demo``, apart from what takes long to import."""

import argparse

HOST = "127.0.0.1"  # what only this machine reaches
PORT = 7860


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--model", metavar="MODEL", help="a trained model's name, or its file; by default the best one")
    parser.add_argument(
        "--host",
        default=HOST,
        metavar="ADDRESS",
        help=f"listen on this address; by default {HOST}, which only this machine reaches",
    )
    parser.add_argument("--port", type=_port, default=PORT, help=f"listen on this port; by default {PORT}")


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text} is not an integer from 1 to 65535")
    return int(text)
