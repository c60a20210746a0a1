"""Many methods on the page, the left side's attention row, keys as colors; no browser."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glaclip.serving.service import Service
from glaclip.settings import CAPTIONS, RUNG_NAMES
from glaclip.ui.actions.download import download
from glaclip.ui.actions.look import look
from glaclip.ui.demo import Demo
from glaclip.ui.form import Form
from glaclip.ui.gradio.quick import gr
from glaclip.ui.tabs.attention import left_row
from glaclip.ui.tabs.methods import methods, offered, on_the_left
from glaclip.ui.tabs.windows import windows
from tests.clip_towers import tiny_backbone
from tests.toy import ColorBackbone
from tests.ui.test_actions import visit

WORDS = ("red", "blue")


@pytest.fixture
def demo() -> Demo:
    return Demo(Service(lambda name: ColorBackbone()), Form())


@pytest.fixture(scope="module")
def clip() -> Demo:
    return Demo(Service(lambda name: tiny_backbone()), Form())


def chosen(
    folder: Path, names: tuple[str, ...], foreign: str = "", name: str = ""
) -> dict[str, object]:
    return {"method_names": list(names), "foreign": foreign or None, "foreign_name": name}


def blue(folder: Path, size: tuple[int, int] = (150, 200)) -> str:
    path = folder / "other.png"
    Image.fromarray(np.ones(size, np.uint8)).save(path)
    return str(path)


def test_each_method_is_a_picture_and_a_file_is_one_too(demo: Demo, tmp_path: Path) -> None:
    given = chosen(tmp_path, ("off", "on/gauss", "off/splice", "identity"), blue(tmp_path), "SAM 3")
    found = methods(demo, visit(tmp_path, Form(words=WORDS), **given))
    value = found["methods"]
    assert [entry["title"] for entry in value["methods"]] == [
        "Each window alone", "GLA-CLIP, windows blended",
        "Each window alone, spliced, then aggregated", "No attention (each patch alone)", "SAM 3",
    ]  # fmt: skip
    assert "contradictions" in value["methods"][0]["note"]
    assert "contradictions" not in value["methods"][2]["note"]  # one map contradicts nothing
    assert [entry["name"] for entry in value["classes"]] == list(WORDS)
    assert found["methods_said"] == ""


def test_a_fresh_page_offers_the_ladder_and_the_left_sides() -> None:
    names = [name for _, name in offered(tiny_backbone())]
    assert names[:4] == list(RUNG_NAMES)
    assert {"clip", "naclip", "off/gauss", "off/splice", "off/whole"} <= set(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("names", "foreign", "sentence"),
    [
        (("off", "on", "identity", "context", "anchors", "off/gauss", "on/gauss"), False,
         "must be at most 6 here; received 7"),
        (("off", "on", "identity", "context", "anchors", "off/gauss"), True, "at most 5"),
        (("dino",), False, "a method must be off, on (or gla)"),
        (("identity/splice",), False, "must be attention over windows"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_a_sentence(
    demo: Demo, tmp_path: Path, names: tuple[str, ...], foreign: bool, sentence: str
) -> None:
    given = chosen(tmp_path, names, blue(tmp_path) if foreign else "")
    found = methods(demo, visit(tmp_path, Form(words=WORDS), **given))
    assert sentence in found["methods_said"]
    assert "methods" not in found


def test_a_file_of_another_shape_is_a_sentence(demo: Demo, tmp_path: Path) -> None:
    given = chosen(tmp_path, ("off",), blue(tmp_path, (50, 200)))
    found = methods(demo, visit(tmp_path, Form(words=WORDS), **given))
    assert "must show the same picture in the same proportions" in found["methods_said"]


def test_opening_the_tab_starts_nothing_long(tmp_path: Path) -> None:
    demo = Demo(Service(lambda name: ColorBackbone()), Form())
    form = Form(words=WORDS).changed({"short_side": 672, "stride": 64, "crop": 64})
    event = visit(tmp_path, form, **chosen(tmp_path, ("off",)))
    found = methods(demo, event, only_if_cheap=True)
    assert found == {"methods": None, "methods_said": "<p>These take a while: press Show them.</p>"}


def test_a_file_is_the_left_side_until_the_next_run(demo: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(words=WORDS), **chosen(tmp_path, (), blue(tmp_path), "Mine"))
    event = dataclasses.replace(event, values={**event.values, "point": (20, 20)})
    found = on_the_left(demo, event)
    assert [side["title"] for side in found["viewer"]["sides"]] == ["Mine", "GLA-CLIP"]
    assert found["viewer"]["sides"][0]["areas"] == [0, 1]
    assert found["viewer"]["sides"][0]["disagreement"] is None
    assert "Mine" in found["readout"]
    assert found["tab"] == "compare"
    nothing = visit(tmp_path, Form(words=WORDS), **chosen(tmp_path, ()))
    with pytest.raises(gr.Error, match="choose its file first"):
        on_the_left(demo, nothing)


def test_the_left_sides_row_is_a_panel_and_its_heads_are_there_on_request(
    clip: Demo, tmp_path: Path
) -> None:
    def shown(baseline: str, point: tuple[int, int] = (30, 30)) -> tuple[dict, str]:
        event = visit(tmp_path, Form(words=WORDS, baseline=baseline), point=None)
        looked = look(clip, event, point)
        event = dataclasses.replace(event, values={**event.values, "point": point})
        return looked["attention"], str(left_row(clip, event)["left_row"])

    value, heads = shown("clip")
    *ladder, plain = value["panels"]
    assert len(ladder) == value["steps"] == len(RUNG_NAMES)
    assert plain["title"] == "Left side: Plain CLIP"
    assert "goes to CLS." in plain["note"]
    assert "before residual and feed-forward" in plain["help"]
    # Its patches are CLIP's, of 16 pixels; those of the steps are the vision model's, of 8.
    assert (plain["key_grid"], value["key_grid"]) == ([14, 14], [28, 28])
    assert heads.count("<img") == 2
    found, heads = shown("proxyclip")
    assert found["panels"][-1]["title"] == "Left side: ProxyCLIP"
    assert found["panels"][-1]["key_grid"] == [28, 28]
    assert heads == ""  # all alike
    assert len(shown("clip/gauss")[0]["panels"]) == 5
    for attention in ("off", "clip/whole"):
        value, heads = shown(attention)
        assert "steps" not in value
        assert [panel["title"] for panel in value["panels"]] == list(CAPTIONS)
        assert heads == ""


def test_the_download_has_the_row_and_keys_as_colors(clip: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, Form(words=WORDS, baseline="sclip"), point=(30, 30))
    with zipfile.ZipFile(download(clip, event)["file"]) as archive:
        names = set(archive.namelist())
        with np.load(io.BytesIO(archive.read("attention_left.npz"))) as row:
            assert str(row["baseline"]) == "sclip"
            assert row["weights"].sum() + row["cls"] == pytest.approx(1, abs=1e-5)
            assert row["per_head"].shape == (2, 1 + row["weights"][0].size)
        with Image.open(io.BytesIO(archive.read("keys/vfm.png"))) as keys:
            assert keys.size == (200, 150)
    assert "attention_left.png" in names
    assert {
        f"keys/{kind}{end}.png" for kind in ("vfm", "q", "k", "v") for end in ("", "_windows")
    } <= names


def test_windows_show_keys_as_colors(clip: Demo, tmp_path: Path) -> None:
    found = windows(clip, visit(tmp_path, Form(words=WORDS)))
    for title in ("Keys of the vision model", "CLIP&#x27;s queries, q", "Values, v"):
        assert title in found["keys"]
