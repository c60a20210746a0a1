"""The vision model's view on the page, in its links and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from PIL import Image

from glaclip.serving.service import Service
from glaclip.ui import answers
from glaclip.ui.api import Endpoints
from glaclip.ui.controls import choices_of, own_choices
from glaclip.ui.demo import Demo
from glaclip.ui.form import SETTINGS, Form, from_link, to_link
from glaclip.ui.gradio.quick import gr
from tests.clip_towers import random_photo, tiny_backbone
from tests.toy import SmallWindows

FORM = Form(words=("sky", "tree")).changed({"short_side": 224, "crop": 64, "stride": 64})


def test_it_is_offered_where_there_is_a_vfm_alone() -> None:
    views = [name for _, name in choices_of(tiny_backbone())["vfm_view"]]
    assert views == ["windows", "whole"]
    for backbone in (SmallWindows(), tiny_backbone(vfm=None)):
        assert [name for _, name in choices_of(backbone)["vfm_view"]] == ["windows"]
    # Another backbone, and the reset button, go back to the paper's.
    offered = own_choices(SmallWindows())["vfm_view"]
    assert (offered["value"], offered["visible"]) == ("windows", False)
    assert own_choices(tiny_backbone())["vfm_view"]["visible"]
    assert "vfm_view" in SETTINGS


def test_a_link_carries_it_and_a_foreign_name_is_left_out() -> None:
    link = to_link(FORM.changed({"vfm_view": "whole"}), FORM)
    assert link == "vfm_view=whole"
    assert from_link(dict(parse_qsl(link)), FORM)[0].windows.vfm_view == "whole"
    form, _, _, problems = from_link({"vfm_view": "<b>", "stride": "48"}, FORM)
    assert problems == ["The link's value for “Vision model's view” was not used."]
    assert (form.windows.vfm_view, form.windows.stride) == ("windows", 48)


def test_a_run_says_that_it_is_not_the_papers() -> None:
    service, said = Service(lambda name: tiny_backbone()), []
    for view in ("windows", "whole"):
        request = FORM.changed({"vfm_view": view}).request()
        result = service.answer(Image.fromarray(random_photo(224, 256)), request)
        said.append(answers.status(result, tiny_backbone()))
    assert "not the paper" not in said[0]
    assert "vision model on the whole photo (not the paper&#x27;s)" in said[1]


def test_its_pace_is_its_own() -> None:
    """What the paper's windows took says nothing of one look, and the other way round."""
    service = Service(lambda name: tiny_backbone())
    photo, other = (Image.fromarray(random_photo(224, width)) for width in (256, 320))
    service.answer(photo, FORM.request())
    whole = FORM.changed({"vfm_view": "whole"}).request()
    assert service.estimate(other, FORM.request()).certain
    assert not service.estimate(other, whole).certain
    service.answer(photo, whole)
    assert service.estimate(other, whole).certain


def test_programs_may_ask_for_it(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(random_photo(224, 256)).save(photo)
    given: dict[str, Any] = {"crop": 64, "stride": 64, "short_side": 224}
    seeing = Endpoints(Demo(Service(lambda name: tiny_backbone()), FORM))
    document, _ = seeing.segment(str(photo), "sky, tree", vfm_view="whole", **given)
    assert document["windows"]["vfm_view"] == "whole"
    document, _ = seeing.segment(str(photo), "sky, tree", **given)
    assert document["windows"]["vfm_view"] == "windows"
    other = Endpoints(Demo(Service(lambda name: SmallWindows()), FORM))
    with pytest.raises(gr.Error, match="vfm_view must be windows for Colors"):
        other.segment(str(photo), "sky, tree", vfm_view="whole", **given)
    with pytest.raises(gr.Error, match="vfm_view must be one of windows, whole; received 3"):
        other.segment(str(photo), "sky, tree", vfm_view=3)
