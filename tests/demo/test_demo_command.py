"""The command, as far as it comes without a browser."""

import socket
from pathlib import Path

import pytest
from demo_models import write_models

from genres.__main__ import main
from genres.core.errors import InputError
from genres.demo import command
from genres.demo.arguments import HOST, PORT


def test_without_gradio_the_message_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="gradio, which is not installed. `make demo` installs it"):
        main(["demo"])


def test_a_port_that_is_taken_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_models(tmp_path / "models")
    monkeypatch.setattr(command, "find_spec", lambda _: True)
    monkeypatch.setattr("genres.__main__.MODELS", (tmp_path / "models",))
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} of {HOST} \\(Address already in use\\).*--port"):
            main(["demo", "--port", str(port), "--model", "svm"])


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_a_port_that_none_can_be_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--port", port])
    assert "argument --port" in capsys.readouterr().err


def test_the_defaults_are_of_this_machine_alone() -> None:
    assert (HOST, PORT) == ("127.0.0.1", 7860)
