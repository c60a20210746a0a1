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

from glaclip.cli.demo import main, prepare

ROOT = Path(__file__).resolve().parent.parent
#: Seconds; machines that run the tests are often busy with something else.
PATIENCE = 120


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    for option in ("--host", "--port", "--backbone", "--weights", "--device"):
        assert option in text


@pytest.mark.parametrize("option", ["--nope", "--port=0", "--port=ten"])
def test_an_option_that_is_none_is_refused(option: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([option])


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code of a start that fails, and the one sentence that says why."""
    code = main(arguments)
    (sentence,) = capsys.readouterr().err.splitlines()
    return code, sentence


def test_a_port_that_is_taken_ends_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, sentence = refused(capsys, "--port", str(port))
    assert code == 2
    assert f"port {port}" in sentence


def test_an_address_of_another_computer_ends_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    code, sentence = refused(capsys, "--host", "192.0.2.1")
    assert code == 2
    assert "192.0.2.1" in sentence


@pytest.mark.parametrize(
    "fault",
    [("--device", "mps"), ("--device", "vulkan"), ("--device", "meta"), ("--backbone", "x")],
)
def test_a_start_without_its_device_or_backbone_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fault: tuple[str, str]
) -> None:
    monkeypatch.setattr("torch.mps.is_available", lambda: False)
    monkeypatch.setattr(os, "environ", {**os.environ})
    code, sentence = refused(capsys, *fault)
    assert code == 3
    assert fault[1] in sentence


@pytest.mark.parametrize("variable", ["GLACLIP_QUEUE", "GLACLIP_PROCESSOR"])
def test_a_variable_that_says_nothing_ends_the_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, variable: "many"})
    code, sentence = refused(capsys)
    assert code == 2
    assert variable in sentence


def test_without_gradio_the_page_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    code, sentence = refused(capsys)
    assert code == 3
    assert "pip install" in sentence


def test_local_addresses_are_asked_directly() -> None:
    environment = {"NO_PROXY": "intranet,localhost", "GOMP_SPINCOUNT": "5"}
    prepare("10.1.2.3", environment)
    assert environment["no_proxy"] == "intranet,localhost,127.0.0.1,::1,10.1.2.3"
    assert environment["NO_PROXY"] == environment["no_proxy"]
    assert environment["GOMP_SPINCOUNT"] == "5"


def test_it_starts_and_answers(tmp_path: Path) -> None:
    """Also where a proxy is set, which does not know this computer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "log.txt"
    environment = {key: value for key, value in os.environ.items() if key.lower() != "no_proxy"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py"), "--port", str(port), "--backbone", "lite"],
            cwd=tmp_path,  # it must not depend on the folder it is started in
            env={**environment, "HTTP_PROXY": "http://127.0.0.1:9"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        text = ""
        until = time.monotonic() + PATIENCE
        while not text and time.monotonic() < until:
            assert process.poll() is None, log.read_text()
            try:
                with direct.open(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    assert answer.status == 200
                    text = answer.read().decode()
            except OSError:
                time.sleep(0.3)
        assert "GLA-CLIP demo" in text, log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        process.terminate()
        process.wait(20)
