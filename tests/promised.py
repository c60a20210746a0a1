"""What follows from a toy of each promise: `python -m tests.promised`, in a house that has them."""

from __future__ import annotations

import functools
import io
import json
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl

import numpy as np
from PIL import Image

import glaclip
from glaclip.backbones import registry
from glaclip.cli.main import main
from glaclip.pictures.charts import mass_by_distance_chart
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.segmenter import Segmenter
from glaclip.serving.service import Service
from glaclip.settings import CAPTIONS, WindowSettings
from glaclip.ui.api import Endpoints
from glaclip.ui.controls import choices_of
from glaclip.ui.demo import Demo
from glaclip.ui.examples import examples
from glaclip.ui.form import LADDER, Form, from_link, to_link
from glaclip.ui.gradio.quick import gr
from glaclip.ui.lessons import lab
from glaclip.ui.lessons.book import LessonBook
from glaclip.ui.lessons.build import LESSONS, book_value, build_lessons
from glaclip.ui.page import JS, build_page
from glaclip.ui.tabs.order import TABS
from glaclip.ui.viewers.attention_value import attention_value
from glaclip.vocabulary import parse_vocabulary
from tests.browser.site import file_of, halves
from tests.clip_towers import tiny_backbone
from tests.toy import ColorBackbone, SmallWindows

FORM = Form(words=("red", "blue"))
VOCABULARY = parse_vocabulary("red, blue")


@functools.cache
def page() -> gr.Blocks:
    return build_page(Service(lambda name: SmallWindows()))


def widgets() -> dict[str, Any]:
    """Widgets of the page, by id."""
    return {block.elem_id: block for block in page().blocks.values() if block.elem_id}


def said(*arguments: str) -> str:
    """What the command line prints."""
    stream = io.StringIO()
    with redirect_stdout(stream), suppress(SystemExit):
        main(list(arguments))
    return stream.getvalue()


def stage(folder: Path) -> None:
    assert len(CAPTIONS) == 5
    assert CAPTIONS[-1] == "+ Toy"
    # Controls: a switch, a step of the ladder, a link, an option of the command line.
    shown = widgets()
    assert shown["toy-switch"].label == "Toy switch"
    assert [value for _, value in shown["ladder"].choices] == list(CAPTIONS)
    assert LADDER["+ Normalization"] == [True, True, True, False]
    off = FORM.changed({"toy_switch": False})
    link = to_link(off, FORM)
    assert link == "toy_switch=0"
    assert from_link(dict(parse_qsl(link)), FORM)[0] == off
    assert "--no-toy" in said("segment", "--help")
    # The API's switch, in what programs read and in what they get.
    parameters = page().get_api_info()["named_endpoints"]["/segment"]["parameters"]
    names = [parameter["parameter_name"] for parameter in parameters]
    assert names[names.index("dynamic_normalization") + 1] == "toy_switch"
    photo = folder / "photo.png"
    photo.write_bytes(file_of(halves(size=(192, 96)))["buffer"])
    endpoints = Endpoints(Demo(Service(lambda name: SmallWindows()), FORM))
    for on in (False, True):
        document, _ = endpoints.segment(str(photo), "red, blue", toy_switch=on)
        assert document["methods"]["glaclip"]["attention"]["toy_switch"] is on
    document, _ = endpoints.attention(str(photo), 10, 20)
    assert [step["step"] for step in document["steps"]] == list(CAPTIONS)
    # Pictures: five panels, five colors of bars.
    segmenter = Segmenter(SmallWindows())
    with Image.open(photo) as picture:
        encoded = segmenter.encode(picture)
        maps = segmenter.attention(encoded, (10, 20))
    assert len(maps.rungs) == len(attention_value("", encoded, maps)["panels"]) == 5
    bars = mass_by_distance_chart(np.array([1.0, 2.0]), [np.array([0.5, 0.5])] * 5)
    assert len({bar[0].get_facecolor() for bar in bars.axes[0].containers}) == 5
    # Methods by name, and their titles.
    method = parse_method("context+toy", segmenter.backbone)
    assert method.title == "With context and toy"
    result = segmenter.segment(encoded, VOCABULARY, method.settings)
    assert result.labels.shape == (96, 192)


def baseline(folder: Path) -> None:
    backbone = tiny_backbone()
    assert "toy" in [name for _, name in choices_of(backbone)["baseline"]]
    segmenter = Segmenter(backbone)
    encoded = segmenter.encode(halves(size=(192, 96)), WindowSettings(96, 64, 32))
    named = parse_method("toy", backbone)
    assert named.title == "toy"
    segmenter.segment(encoded, VOCABULARY, baseline=named.baseline)
    assert segmenter.attention(encoded, (10, 20), baseline="toy").cls > 0
    link = to_link(FORM.changed({"baseline": "toy"}), FORM)
    assert from_link(dict(parse_qsl(link)), FORM)[0].baseline == "toy"


def backbone(folder: Path) -> None:
    assert "toy" in registry.names()
    assert registry.resolve("toy") == "toy"
    assert "Toy CLIP" in [info.title for info in registry.available()]
    assert "toy" in said("backbones")
    assert "toy" in said("segment", "--help")


def tab(folder: Path) -> None:
    assert TABS[-1].id == "toys"
    shown = widgets()
    assert shown["tab-toys"].label == "Toys"
    assert shown["toy"] is not None
    assert '"toys": "Toys"' in JS  # links find it by this title


def lesson(folder: Path) -> None:
    assert "toy" in [lesson.slug for lesson in LESSONS]
    with mock.patch.object(lab, "examples", return_value=examples()[:2]):
        build_lessons(Segmenter(ColorBackbone()), folder)
    value = book_value(folder)
    assert value is not None
    assert [entry["slug"] for entry in value["lessons"]] == [lesson.slug for lesson in LESSONS]
    assert "figures.toy" in LessonBook(None).js_on_load


def problem(check: Callable[[Path], None]) -> str:
    try:
        with tempfile.TemporaryDirectory() as folder:
            check(Path(folder))
    except Exception:
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    assert Path(glaclip.__file__).is_relative_to(Path.cwd()), glaclip.__file__
    checks = (stage, baseline, backbone, tab, lesson)
    json.dump({check.__name__: problem(check) for check in checks}, sys.stdout)
