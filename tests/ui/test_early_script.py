"""The script that comes before Gradio's own."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from glaclip.ui.early_script import EarlyScript

PAGE = "<html><head><title>x</title></head><body><head></body></html>"


def client(response: HTMLResponse | StreamingResponse) -> TestClient:
    routes = [Route(path, lambda request: response) for path in ("/", "/other")]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(EarlyScript, "go()")]))


def test_the_page_gets_it_before_everything_else() -> None:
    answer = client(HTMLResponse(PAGE)).get("/")
    assert answer.text == PAGE.replace("<head>", "<head><script>go()</script>", 1)
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_page_that_comes_in_parts_is_whole() -> None:
    parts = iter([PAGE[:9], PAGE[9:]])
    answer = client(StreamingResponse(parts, media_type="text/html")).get("/")
    assert answer.text == PAGE.replace("<head>", "<head><script>go()</script>", 1)


def test_nothing_else_is_touched() -> None:
    answers = client(HTMLResponse(PAGE))
    assert answers.get("/other").text == PAGE
    assert answers.head("/").headers["content-length"] == str(len(PAGE))
