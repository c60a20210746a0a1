"""The route that draws QR codes."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from glaclip.ui.launch import launch_options


@pytest.fixture
def client() -> TestClient:
    options = launch_options()["app_kwargs"]
    assert isinstance(options, dict)
    return TestClient(Starlette(routes=options["routes"]))


def test_an_address_becomes_a_code(client: TestClient) -> None:
    answer = client.get("/qr.svg", params={"to": "http://10.0.0.7:7860/#tab=learn&lesson=7"})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.count("<path") == 2
    other = client.get("/qr.svg", params={"to": "http://10.0.0.7:7860/#tab=learn&lesson=8"})
    assert other.text != answer.text


@pytest.mark.parametrize("to", ["", "javascript:alert(1)", "http://x/" + "a" * 2000])
def test_what_is_no_web_address_is_refused(client: TestClient, to: str) -> None:
    assert client.get("/qr.svg", params={"to": to}).status_code == 400
