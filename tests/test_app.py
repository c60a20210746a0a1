"""The command that opens the demo."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Seconds; machines that run the tests are often busy with something else.
PATIENCE = 120


def test_help() -> None:
    done = subprocess.run(
        [sys.executable, "app.py", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0
    for option in ("--host", "--port", "--backbone", "--weights", "--device"):
        assert option in done.stdout


def test_an_unknown_option_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "app.py", "--nope"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_it_starts_and_answers(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py"), "--port", str(port), "--backbone", "lite"],
            cwd=tmp_path,  # it must not depend on the folder it is started in
            env={**os.environ, "GRADIO_SERVER_NAME": "127.0.0.1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        text = ""
        until = time.monotonic() + PATIENCE
        while not text and time.monotonic() < until:
            assert process.poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    assert answer.status == 200
                    text = answer.read().decode()
            except OSError:
                time.sleep(0.3)
        assert "GLA-CLIP demo" in text, log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        process.terminate()
        process.wait(20)
