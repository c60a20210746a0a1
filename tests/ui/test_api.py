"""The endpoints for programs, through gradio's own client."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from PIL import Image

from glaclip.settings import CAPTIONS
from glaclip.ui.examples import examples
from tests.clip_towers import tiny_backbone
from tests.toy import SmallWindows, side_by_side

client_module = pytest.importorskip("gradio_client")
if TYPE_CHECKING:
    from gradio import Blocks
    from gradio_client import Client

SIZE = (192, 96)


@contextmanager
def launched(**options: Any) -> Iterator[Blocks]:
    """The page on a free port, with small windows; "tiny" is a CLIP of random weights."""
    from glaclip.serving.service import Service
    from glaclip.ui.launch import launch_options
    from glaclip.ui.page import build_page

    toy = SmallWindows()
    page = build_page(Service(lambda name: tiny_backbone() if name == "tiny" else toy))
    options |= launch_options()
    page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **options)
    yield page
    page.close(verbose=False)


@pytest.fixture(scope="module")
def page() -> Iterator[Blocks]:
    with launched() as page:
        yield page


@pytest.fixture(scope="module")
def url(page: Blocks) -> str:
    address: str = page.local_url
    return address


@pytest.fixture(scope="module")
def client(url: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return client_module.Client(
        url,
        verbose=False,
        analytics_enabled=False,
        download_files=str(tmp_path_factory.mktemp("downloads")),
    )


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return saved(side_by_side(SIZE), tmp_path_factory.mktemp("photos") / "photo.png")


def saved(picture: Image.Image, path: Path) -> Any:
    picture.save(path)
    return client_module.handle_file(str(path))


def test_exactly_four_endpoints_are_public(client: Client) -> None:
    described = client.view_api(return_format="dict", print_info=False)
    assert set(described["named_endpoints"]) == {"/segment", "/suggest", "/attention", "/evaluate"}
    assert not described["unnamed_endpoints"]
    for endpoint, names in {
        "/segment": {"photo", "vocabulary", "cross_window", "threshold", "stride", "baseline"},
        "/attention": {"photo", "x", "y", "baseline", "per_head"},
        "/evaluate": {"photo", "label_map", "classes", "ignore"},
    }.items():
        given = {p["parameter_name"] for p in described["named_endpoints"][endpoint]["parameters"]}
        assert names <= given


def test_segment(client: Client, photo: Any) -> None:
    document, archive = client.predict(
        photo=photo, vocabulary="red; crimson, blue, green", api_name="/segment"
    )
    assert [entry["name"] for entry in document["classes"]] == ["red", "blue", "green"]
    assert document["classes"][0]["synonyms"] == ["red", "crimson"]
    assert document["classes"][0]["area"]["glaclip"] == pytest.approx(0.5, abs=0.05)
    assert document["windows"]["crop"] == 64
    assert document["photo"] == {"width": SIZE[0], "height": SIZE[1]}
    assert document["methods"]["glaclip"]["attention"]["cross_window"] is True
    assert document["methods"]["baseline"]["attention"]["cross_window"] is False
    with zipfile.ZipFile(archive) as files:
        assert files.testzip() is None
        legend = json.loads(files.read("legend.json"))
        assert legend == document["classes"]
        for side in ("baseline", "glaclip"):
            labels = Image.open(io.BytesIO(files.read(f"labels_{side}.png")))
            assert labels.mode == "P"
            values = np.asarray(labels)
            assert values.shape == (SIZE[1], SIZE[0])
            assert values[48, 10] == 0
            assert values[48, 180] == 1


def test_segment_takes_settings(client: Client, photo: Any) -> None:
    document, _ = client.predict(
        photo=photo,
        vocabulary="red, green",
        background=True,
        background_threshold=0.4,
        proxy_anchors=False,
        threshold=0.25,
        short_side=128,
        crop=128,
        stride=64,
        baseline="identity",
        logit_scale=65,
        area_threshold=1,
        api_name="/segment",
    )
    attention = document["methods"]["glaclip"]["attention"]
    assert attention["proxy_anchors"] is False
    assert attention["threshold"] == 0.25
    assert document["windows"]["crop"] == 128
    assert document["background_threshold"] == 0.4
    assert document["logit_scale"] == 65
    # No word has more than all that is not background.
    assert document["area_threshold"] == 1
    assert document["classes"][0]["area"]["glaclip"] == 0
    assert document["methods"]["baseline"]["baseline"] == "identity"
    assert document["classes"][-1]["background"] is True


def test_attention(client: Client, photo: Any) -> None:
    document, panels = client.predict(photo=photo, x=10, y=20, api_name="/attention")
    assert document["point"] == [10, 20]
    assert [step["step"] for step in document["steps"]] == list(CAPTIONS)
    count = document["windows"]["rows"] * document["windows"]["columns"]
    for step in document["steps"]:
        assert len(step["window_mass"]) == count
        assert sum(step["window_mass"]) == pytest.approx(1, abs=1e-3)
        own = step["window_mass"][document["own_window"]]
        assert own == pytest.approx(step["own_mass"], abs=1e-4)
    assert document["steps"][0]["own_mass"] == pytest.approx(1)
    with Image.open(panels) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 100


def test_attention_of_a_baseline(client: Client, photo: Any) -> None:
    asked = {"photo": photo, "x": 10, "y": 20, "backbone": "tiny", "api_name": "/attention"}
    plain, narrow = client.predict(**asked)
    assert plain["baseline"] is None
    document, wide = client.predict(**asked, baseline="sclip")
    row = document["baseline"]
    assert row["name"] == "sclip"
    assert row["own_window"] == document["own_window"]
    assert row["window_mass"][row["own_window"]] == pytest.approx(sum(row["window_mass"]))
    weights = np.array(row["weights"])
    assert weights.shape == (4, 4)
    assert weights.sum() + row["cls"] == pytest.approx(1, abs=1e-3)
    assert row["cls"] > 0
    assert "per_head" not in row
    with Image.open(narrow) as few, Image.open(wide) as many:
        assert many.width > few.width  # a panel more
        assert many.height == few.height
    heads = client.predict(**asked, baseline="sclip", per_head=True)[0]["baseline"]["per_head"]
    assert len(heads) == 2
    mean = np.mean([head["weights"] for head in heads], axis=0)
    assert mean == pytest.approx(weights, abs=2e-6)
    assert np.mean([head["cls"] for head in heads]) == pytest.approx(row["cls"], abs=2e-6)
    # Attention over windows has steps instead, and one map of all windows has no row.
    for name in ("on/gauss", "clip/whole"):
        assert client.predict(**asked, baseline=name)[0]["baseline"] is None


def test_a_point_counts_in_the_photo_as_it_was_sent(client: Client, tmp_path: Path) -> None:
    large = Image.new("RGB", (4000, 2667), "red")
    large.paste("blue", (2000, 0, 4000, 2667))
    photo = saved(large, tmp_path / "large.png")
    document, _ = client.predict(photo=photo, x=1500, y=1000, api_name="/attention")
    assert document["point"] == [1500, 1000]
    assert document["photo"] == {"width": 4000, "height": 2667}
    assert document["shrunk"] == {"width": 2048, "height": 1366, "point": [768, 512]}
    document, _ = client.predict(photo=photo, x=3000, y=2000, api_name="/attention")
    assert document["shrunk"]["point"] == [1536, 1024]
    with pytest.raises(Exception, match=r"x from 0 to 3999 and y from 0 to 2666; received \(4000"):
        client.predict(photo=photo, x=4000, y=0, api_name="/attention")


@pytest.mark.parametrize("data", [["only one"], [3] * 16, [{"path": "/etc/passwd"}] * 5])
@pytest.mark.parametrize("endpoint", ["segment", "attention"])
def test_a_malformed_call_gets_a_reason(url: str, endpoint: str, data: list[Any]) -> None:
    address = f"{url.rstrip('/')}/gradio_api/call/{endpoint}"
    request = urllib.request.Request(
        address, json.dumps({"data": data}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        event = json.load(response)["event_id"]
    with urllib.request.urlopen(f"{address}/{event}") as response:
        said = response.read().decode()
    assert "event: error" in said
    assert "null" not in said
    assert "/etc/passwd" not in said.replace(json.dumps(data), "")


@pytest.mark.parametrize("words", [["red", "blue"], "['red', 'blue']", '["red", "blue"]'])
def test_a_list_of_words_is_its_words(client: Client, photo: Any, words: Any) -> None:
    document, _ = client.predict(photo=photo, vocabulary=words, api_name="/segment")
    assert [entry["name"] for entry in document["classes"]] == ["red", "blue"]
    assert document["original"] == {"width": SIZE[0], "height": SIZE[1]}


def test_evaluate(client: Client, photo: Any, tmp_path: Path) -> None:
    values = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    values[:, 96:] = 1
    values[:10] = 255
    truth = saved(Image.fromarray(values), tmp_path / "truth.png")
    scores = client.predict(
        photo=photo, label_map=truth, classes="red, blue, green", api_name="/evaluate"
    )
    assert set(scores) == {"baseline", "glaclip"}
    for side in scores.values():
        assert side["miou"] > 0.9
        assert side["pixel_accuracy"] > 0.9
        assert set(side["iou"]) == {"red", "blue", "green"}
        assert side["iou"]["green"] is None
        assert "255 (10.4 %)" in side["notes"][0]
        assert "belongs to green" in side["notes"][1]
    given = {"photo": photo, "label_map": truth, "classes": "red, blue", "api_name": "/evaluate"}
    alone = client.predict(**given, baseline="identity")
    assert alone["baseline"]["miou"] > 0.9
    with pytest.raises(client_module.exceptions.AppError, match="baseline must be one of identity"):
        client.predict(**given, baseline="clip")
    swapped = client.predict(
        photo=photo, label_map=truth, classes="blue, red", api_name="/evaluate"
    )
    assert swapped["glaclip"]["miou"] < 0.1


def test_a_point_counts_in_the_upright_original(client: Client, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying down: upright it is 1500 wide and 3000 high
    Image.new("RGB", (3000, 1500), "red").save(tmp_path / "large.jpg", exif=exif)
    photo = client_module.handle_file(str(tmp_path / "large.jpg"))
    document, _ = client.predict(photo=photo, x=750, y=2900, api_name="/attention")
    assert document["photo"] == {"width": 1500, "height": 3000}
    assert document["point"] == [750, 2900]
    assert document["shrunk"] == {"width": 1024, "height": 2048, "point": [512, 1980]}
    with pytest.raises(Exception, match=r"inside the photo, x from 0 to 1499 .* \(2900, 750\)"):
        client.predict(photo=photo, x=2900, y=750, api_name="/attention")


def test_words_may_be_a_list(client: Client, photo: Any) -> None:
    document, _ = client.predict(photo=photo, vocabulary=["red", "blue"], api_name="/segment")
    assert [entry["name"] for entry in document["classes"]] == ["red", "blue"]
    assert document["original"] == {"width": SIZE[0], "height": SIZE[1]}


def test_suggest_gives_words_and_those_that_come_next(client: Client, photo: Any) -> None:
    document = client.predict(photo=photo, limit=3, api_name="/suggest")
    assert 1 <= len(document["words"]) <= 3
    assert len(document["next"]) == 3
    assert not set(document["words"]) & set(document["next"])


@pytest.mark.parametrize(
    ("endpoint", "given", "sentence"),
    [
        ("/segment", {"vocabulary": "sky"}, "at least two classes"),
        ("/suggest", {"limit": 0}, "limit must be from 1 to 40; received 0"),
        ("/segment", {"vocabulary": "a" * 99 + ", b"}, "at most 80 characters"),
        ("/segment", {"vocabulary": "a, b", "crop": 9999}, "crop must be"),
        ("/segment", {"vocabulary": "a, b", "crop": 50, "stride": 25}, "multiple of 16"),
        ("/segment", {"vocabulary": "a, b", "threshold": 7}, "threshold must be"),
        ("/segment", {"vocabulary": "a, b", "stride": 32.5}, "stride must be"),
        ("/segment", {"vocabulary": "a, b", "logit_scale": -1}, "logit scale must be"),
        ("/segment", {"vocabulary": "a, b", "area_threshold": 2}, "area threshold must be"),
        ("/segment", {"vocabulary": "a, b", "baseline": "nothing"}, "baseline must be"),
        (
            "/segment",
            {"vocabulary": "a, b", "background": True, "background_threshold": 2},
            "threshold must be",
        ),
        ("/attention", {"x": 5000, "y": 1}, "must lie inside the photo"),
        ("/attention", {"x": -1, "y": 1}, "must lie inside the photo"),
        ("/attention", {"x": "left", "y": 1}, "x must be a number; received 'left'"),
        ("/attention", {"x": 1, "y": None}, "y must be a number; received None"),
        ("/attention", {"x": 1, "y": 1, "baseline": "nothing"}, "baseline must be"),
        ("/evaluate", {"classes": "red, blue", "ignore": "none"}, "ignore must be a number"),
        ("/evaluate", {"classes": "red, blue"}, "Choose a label map first"),
    ],
)
def test_refusals_are_sentences(
    client: Client, photo: Any, endpoint: str, given: dict[str, Any], sentence: str
) -> None:
    if endpoint == "/evaluate":
        given = {"label_map": None, **given}
    with pytest.raises(client_module.exceptions.AppError, match=sentence) as caught:
        client.predict(photo=photo, **given, api_name=endpoint)
    assert "/tmp" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_bad_files_are_refused_in_a_sentence(client: Client, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("just words")
    bad = client_module.handle_file(str(tmp_path / "text.png"))
    with pytest.raises(client_module.exceptions.AppError, match="not a picture") as caught:
        client.predict(photo=bad, vocabulary="a, b", api_name="/segment")
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(client_module.exceptions.AppError, match="Choose a photo first"):
        client.predict(photo=None, vocabulary="a, b", api_name="/segment")


def asked_plainly(url: str, photo: dict[str, Any], *values: Any) -> str:
    """Events of a call over plain HTTP: a well-meant client would upload a file of its own."""
    address = f"{url}gradio_api/call/segment"
    request = urllib.request.Request(
        address,
        json.dumps({"data": [photo, *values]}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{address}/{event}", timeout=60) as answer:
        said = answer.read().decode()
    return said


def test_an_upload_can_be_named(url: str) -> None:
    with examples()[0].path.open("rb") as file:
        (place,) = httpx.post(f"{url}gradio_api/upload", files={"files": file}).json()
    photo = {"path": place, "meta": {"_type": "gradio.FileData"}}
    # What is left out at the end is as where a program leaves it out by name.
    for values in ((), ("red, blue",), ("red, blue", False, 0.1, True, True, False)):
        said = asked_plainly(url, photo, *values)
        assert "event: complete" in said
        document = json.loads(said.split("data: ")[1])[0]
        assert document["classes"][0]["name"] == ("red" if values else "sky")
        on = document["methods"]["glaclip"]["attention"]["dynamic_normalization"]
        assert on == (len(values) < 6)


@pytest.mark.parametrize(
    "place",
    [
        "/etc/passwd",
        "../../../../etc/passwd",
        "/proc/self/environ",
        str(Path(__file__).resolve().parents[2] / "pyproject.toml"),
        "file:///etc/passwd",
        "http://127.0.0.1:9/photo.png",
        "http://169.254.169.254/latest/meta-data",
        "gopher://127.0.0.1:9/",
    ],
)
@pytest.mark.parametrize("kind", ["path", "url"])
def test_files_and_addresses_of_the_server_are_not_read(url: str, place: str, kind: str) -> None:
    named = {"path": place if kind == "path" else "x.png", "meta": {"_type": "gradio.FileData"}}
    if kind == "url":
        named["url"] = place
    said = asked_plainly(url, named)
    assert said.startswith("event: error")
    for leak in ("root:", "[project]", "Traceback", "site-packages", ".py", "PATH="):
        assert leak not in said, said


def test_the_servers_own_files_have_no_address(url: str) -> None:
    for place in ("/etc/passwd", str(Path(__file__).resolve().parents[2] / "app.py")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{url}gradio_api/file={place}", timeout=60)
        assert caught.value.code in (403, 404)


def test_uploads_and_results_are_deleted_after_a_day(page: Blocks) -> None:
    every, age = page.delete_cache
    assert every <= 3600
    assert age <= 86400
