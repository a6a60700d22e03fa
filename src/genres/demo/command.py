"""``python -m genres demo``: serve the page until it is interrupted, and leave nothing behind."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from genres.core.errors import InputError
from genres.demo.models import find_models
from genres.demo.uploads import MAX_BYTES


def run(arguments: argparse.Namespace, folders: Sequence[Path], data: Path) -> None:
    """Serve the models of some folders; ``data`` is the folder of the data that they may have been trained on."""
    if find_spec("gradio") is None:
        raise InputError("The demo needs gradio, which is not installed. `make demo` installs it and starts the demo.")
    models = find_models(arguments.model, folders, data)
    _require_free(arguments.host, arguments.port)
    for stop in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(stop) is signal.SIG_DFL:  # not where `nohup` has it ignored
            signal.signal(stop, signal.default_int_handler)
    with TemporaryDirectory(prefix="genres-demo-") as uploads:
        _settle_gradio(uploads)
        from genres.demo.app import LOOK, build_app

        app = build_app(models, data)
        try:
            app.launch(
                server_name=arguments.host,
                server_port=arguments.port,
                max_file_size=MAX_BYTES,
                share=False,
                run_history=False,
                enable_monitoring=False,
                footer_links=[],
                prevent_thread_lock=True,
                quiet=True,
                **LOOK,
            )
            print(f"The demo is at {app.local_url} and ends with Ctrl+C.", flush=True)
            Event().wait()
        except KeyboardInterrupt:
            print("The demo has ended; the uploaded files are deleted.", file=sys.stderr)
        finally:
            app.close(verbose=False)


def _settle_gradio(uploads: str) -> None:
    """Set what Gradio reads when it is loaded: it calls no other machine, and keeps files in ``uploads`` alone."""
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "GRADIO_TEMP_DIR": uploads,
        # Gradio asks itself whether it has started, which no proxy could answer.
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


def _require_free(host: str, port: int) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise InputError(
            f"The demo cannot listen on port {port} of {host} ({error.strerror}). Choose another one with --port, or "
            "end the program that uses it."
        ) from None
