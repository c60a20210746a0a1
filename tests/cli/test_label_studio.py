"""The ML backend for Label Studio, asked as Label Studio asks."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glaclip.cli.label_studio import LabelStudioBackend, server_of
from glaclip.segmenter import Segmenter
from glaclip.settings import AttentionSettings, WindowSettings
from tests.evaluation.sets import photo
from tests.pictures.test_formats import brush_of
from tests.toy import ColorBackbone

CONFIG = """<View><Image name="img" value="$photo"/><BrushLabels name="tag" toName="img">
<Label value="red"/><Label value="blue"/></BrushLabels></View>"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    photo(tmp_path / "photos" / "a b.png", (0, 0, 230), 120)
    backend = LabelStudioBackend(
        Segmenter(ColorBackbone()), AttentionSettings(), WindowSettings(), tmp_path / "photos"
    )
    with server_of(backend, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def asked(address: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    content = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, content)) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_task_gets_a_brush_a_class(address: str) -> None:
    assert asked(f"{address}/health") == (
        200, {"status": "UP", "model_class": "LabelStudioBackend"},
    )  # fmt: skip
    assert "model_version" in asked(f"{address}/setup", {"project": "1", "schema": CONFIG})[1]
    task = {"id": 1, "data": {"photo": "/data/local-files/?d=a%20b.png"}}
    status, answer = asked(f"{address}/predict", {"tasks": [task], "label_config": CONFIG})
    assert status == 200
    ((result,),) = [prediction["result"] for prediction in answer["results"]]
    assert (result["from_name"], result["to_name"], result["type"]) == ("tag", "img", "brushlabels")
    assert result["value"]["brushlabels"] == ["blue"]
    assert (result["original_width"], result["original_height"]) == (120, 120)
    assert (brush_of(result["value"]["rle"]) == 255).all()


@pytest.mark.parametrize(
    ("where", "config", "sentence"),
    [
        ("/data/local-files/?d=../secret.png", CONFIG, "there is no photo"),
        ("http://169.254.169.254/x", CONFIG, "photos come from --photos or from Label Studio"),
        ("file:///etc/passwd", CONFIG, "photos come from --photos or from Label Studio"),
        ("/data/local-files/?d=a%20b.png", "<View>", "interface cannot be read"),
        ("/data/local-files/?d=a%20b.png", "<View/>", "needs an <Image> and <BrushLabels>"),
        (3, CONFIG, "no photo under data.photo"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    address: str, tmp_path: Path, where: Any, config: str, sentence: str
) -> None:
    photo(tmp_path / "secret.png")
    body = {"tasks": [{"data": {"photo": where}}], "label_config": config}
    status, answer = asked(f"{address}/predict", body)
    assert (status, sentence in answer["detail"]) == (400, True)


def test_other_requests(address: str) -> None:
    assert asked(f"{address}/nowhere")[0] == 404
    assert asked(f"{address}/predict", [1])[0] == 400
    assert asked(f"{address}/predict", {"tasks": 3, "label_config": CONFIG})[0] == 400
