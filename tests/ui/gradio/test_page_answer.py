"""The page's HTML on its way out."""

from __future__ import annotations

import brotli
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from glaclip.ui.gradio.page_answer import PageAnswer

PAGE = "<html><head><title>x</title></head><body><head></body></html>"
EXPECTED = PAGE.replace("<head>", "<head><script>go()</script>", 1)


def client(response: Response, accepts: str = "gzip") -> TestClient:
    routes = [Route(path, lambda request: response) for path in ("/", "/other", "/below/")]
    app = Starlette(routes=routes, middleware=[Middleware(PageAnswer, "go()")])
    return TestClient(app, headers={"accept-encoding": accepts})


def test_the_page_gets_its_script_before_everything_else() -> None:
    answer = client(HTMLResponse(PAGE)).get("/")
    assert answer.text == EXPECTED
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_page_that_comes_in_parts_is_whole() -> None:
    parts = iter([PAGE[:9], PAGE[9:]])
    answer = client(StreamingResponse(parts, media_type="text/html")).get("/")
    assert answer.text == EXPECTED


@pytest.mark.parametrize(
    ("accepts", "packed"),
    [("gzip, deflate, br, zstd", True), ("br", True), ("gzip, x-br", False), ("", False)],
)
def test_the_page_is_packed_for_those_who_can_open_it(accepts: str, packed: bool) -> None:
    with client(HTMLResponse(PAGE), accepts).stream("GET", "/") as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == ("br" if packed else None)
    assert "Accept-Encoding" in answer.headers["vary"]
    assert int(answer.headers["content-length"]) == len(sent)
    assert (brotli.decompress(sent) if packed else sent).decode() == EXPECTED


def test_nothing_is_packed_twice_and_no_empty_answer() -> None:
    packed = HTMLResponse(b"as it is", headers={"content-encoding": "x"})
    for response in (packed, Response(status_code=304)):
        with client(response, "br").stream("GET", "/") as answer:
            assert b"".join(answer.iter_raw()) == response.body
        assert answer.headers.get("content-encoding") != "br"


def test_nothing_else_is_touched() -> None:
    answers = client(HTMLResponse(PAGE))
    assert answers.get("/other").text == PAGE
    assert answers.head("/").headers["content-length"] == str(len(PAGE))


def test_below_a_path_the_page_is_packed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = client(HTMLResponse(PAGE), "br")
    assert answers.get("/below/").text == PAGE
    for root in ("/below", "https://example.org/below/"):
        monkeypatch.setenv("GRADIO_ROOT_PATH", root)
        assert answers.get("/below/").text == EXPECTED
        assert answers.get("/below/").headers["content-encoding"] == "br"
        assert answers.get("/other").text == PAGE
