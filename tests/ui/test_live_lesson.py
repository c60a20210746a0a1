"""What the lesson on plain CLIP is told of the page's own model, for each page that asks."""

from __future__ import annotations

import base64
import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glaclip.backbones.clip.models import UNTRAINED
from glaclip.serving.estimate import Estimate
from glaclip.serving.service import Service
from glaclip.ui.demo import Demo
from glaclip.ui.form import Form
from glaclip.ui.lessons.live import rows_of_baselines
from tests.clip_towers import tiny_backbone
from tests.toy import ColorBackbone
from tests.ui.test_actions import visit

FORM = Form(words=("red", "blue"))


@pytest.fixture(scope="module")
def clip() -> Demo:
    backbone = tiny_backbone(title=f"Tiny CLIP{UNTRAINED}")
    return Demo(Service(lambda name: backbone), Form())


def pixels(panel: dict[str, str]) -> np.ndarray:
    content = base64.b64decode(panel["picture"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content))).astype(int)


def test_a_clip_shows_every_baseline_at_the_point(clip: Demo, tmp_path: Path) -> None:
    told = rows_of_baselines(clip, visit(tmp_path, FORM, point=(30, 30)))
    assert [panel["title"] for panel in told["panels"]] == [
        "Plain CLIP", "MaskCLIP", "SCLIP", "ClearCLIP", "NACLIP", "ProxyCLIP",
    ]  # fmt: skip
    assert "Point 30, 30" in told["said"]
    assert "Random weights: where they look means nothing." in told["said"]
    plain, alone = told["panels"][:2]
    assert "goes to CLS" in plain["note"]
    assert alone["note"] == "100 % stays on the patch itself."
    # Of one patch in 14 x 14 alone there is light; plain CLIP's random weights look everywhere.
    lit = [np.ptp(pixels(panel), axis=2) > 60 for panel in (plain, alone)]
    assert lit[0].mean() > 0.8
    assert 0 < lit[1].mean() < 0.03


def test_each_page_is_told_of_its_own_point(clip: Demo, tmp_path: Path) -> None:
    first, second = (
        rows_of_baselines(clip, dataclasses.replace(visit(tmp_path, FORM, point=at), page=page))
        for page, at in (("one", (30, 30)), ("two", (120, 90)))
    )
    assert "Point 30, 30" in first["said"]
    assert "Point 120, 90" in second["said"]
    assert first["panels"][1]["picture"] != second["panels"][1]["picture"]


def test_trained_weights_are_not_called_random(tmp_path: Path) -> None:
    demo = Demo(Service(lambda name: tiny_backbone()), Form())
    assert "andom" not in rows_of_baselines(demo, visit(tmp_path, FORM, point=(3, 3)))["said"]


@pytest.mark.parametrize(
    ("offered", "way"),
    [
        (("auto",), "Start the page with real CLIP"),
        (("auto", "clip-b16"), "Choose a real CLIP as Backbone under Advanced"),
    ],
)
def test_without_such_a_layer_a_sentence_says_the_way(
    tmp_path: Path, offered: tuple[str, ...], way: str
) -> None:
    demo = Demo(Service(lambda name: ColorBackbone()), Form(), offered)
    told = rows_of_baselines(demo, visit(tmp_path, FORM, point=(30, 30)))
    assert told["said"].startswith("Colors answers here, and has no such layer.")
    assert way in told["said"]
    assert told["panels"] == []


def test_without_a_point_or_photo_a_sentence_says_so(clip: Demo, tmp_path: Path) -> None:
    event = visit(tmp_path, FORM, point=None)
    assert "Click a point" in rows_of_baselines(clip, event)["said"]
    event = dataclasses.replace(event, values={**event.values, "photo": None})
    assert "Choose a photo first" in rows_of_baselines(clip, event)["said"]


def test_what_takes_long_waits_for_a_press(
    clip: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Estimate, "cheap", False)
    event = visit(tmp_path, FORM, point=(30, 30))
    told = rows_of_baselines(clip, event)
    assert told["press"] == "Ask the model"
    assert told["panels"] == []
    assert rows_of_baselines(clip, event, forced=True)["panels"]
