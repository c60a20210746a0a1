"""What the attention viewer is told: numbers, sentences, and what two windows say of one point."""

from __future__ import annotations

import base64
import dataclasses
import json

import numpy as np
import pytest

from glaclip.attention.point import AttentionMaps
from glaclip.pictures.weights import COLLAPSED
from glaclip.segmenter import Encoded, Segmentation, Segmenter
from glaclip.serving.job import Request
from glaclip.serving.service import Service
from glaclip.settings import AttentionSettings
from glaclip.ui.viewers.attention_value import (
    AttentionValue,
    attention_sentence,
    attention_value,
    views_sentence,
)
from glaclip.ui.viewers.shown_photo import shown_photo
from glaclip.vocabulary import parse_vocabulary
from tests.toy import ColorBackbone, collapsed, side_by_side

#: Red and blue; windows of 224 pixels, 112 apart, in a grid of 2 x 3.
PHOTO = side_by_side((448, 336))
PICTURE = shown_photo(PHOTO)
POINT = (220, 100)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(ColorBackbone())


@pytest.fixture(scope="module")
def encoded(segmenter: Segmenter) -> Encoded:
    return segmenter.encode(PHOTO)


@pytest.fixture(scope="module")
def maps(segmenter: Segmenter, encoded: Encoded) -> AttentionMaps:
    return segmenter.attention(encoded, POINT)


@pytest.fixture(scope="module")
def alone(segmenter: Segmenter, encoded: Encoded) -> Segmentation:
    words = parse_vocabulary("red, blue, green")
    return segmenter.segment(encoded, words, AttentionSettings().off())


@pytest.fixture
def value(encoded: Encoded, maps: AttentionMaps, alone: Segmentation) -> AttentionValue:
    return attention_value(PICTURE.name, encoded, maps, alone)


def weights_of(panel: dict[str, object]) -> np.ndarray:
    packed = np.frombuffer(base64.b64decode(str(panel["weights"])), "<u2")
    return packed * float(str(panel["unit"]))


def test_weights_travel_in_multiples_of_even_attention(
    value: AttentionValue, maps: AttentionMaps
) -> None:
    assert [panel["context"] for panel in value["panels"]] == [False, True, True, True]
    for panel, rung in zip(value["panels"], maps.rungs, strict=True):
        seen = 6 * 196 if panel["context"] else 196
        sent = weights_of(dict(panel))
        assert sent == pytest.approx(rung.weights.numpy().ravel() * seen, abs=2 * panel["unit"])
        assert panel["help"].endswith(".")


def test_the_photo_is_named_and_not_sent_again(value: AttentionValue) -> None:
    assert value["photo"] == PICTURE.name
    assert "data:" not in json.dumps(value)


def test_the_left_sides_baseline_is_a_panel_after_the_steps(
    segmenter: Segmenter, encoded: Encoded, maps: AttentionMaps, alone: Segmentation
) -> None:
    row = segmenter.attention(encoded, POINT, baseline="identity")
    value = attention_value(PICTURE.name, encoded, maps, alone, row)
    panel = value["panels"][-1]
    assert panel["title"] == "Left side: No attention (each patch alone)"
    assert panel["note"] == "100 % stays on the patch itself."
    assert (panel["context"], panel["collapsed"]) == (False, False)
    assert panel["top"] == 196  # all of it on one of 196 patches
    sent = weights_of(dict(panel)).reshape(len(maps.boxes), *panel["key_grid"])
    at = (maps.window, *panel["token"])
    assert sent[at] == pytest.approx(196, rel=1e-3)
    assert sent.sum() == pytest.approx(sent[at])


def test_a_collapse_says_why_and_does_not_contradict_itself(
    encoded: Encoded, maps: AttentionMaps
) -> None:
    fallen = collapsed(maps, maps.window, 5, set_size=287)
    value = attention_value(PICTURE.name, encoded, fallen)
    assert [panel["note"] for panel in value["panels"]][-1] == COLLAPSED
    assert not value["shared"]
    assert "single token" in value["scale_note"]
    assert "287 tokens are similar" in value["sentence"]
    assert "the best token alone is kept" in value["sentence"]
    assert "receive" not in value["sentence"]
    assert "receive" in attention_sentence(maps)
    assert max(panel["top"] for panel in value["panels"][:3]) < 20


def test_one_scale_where_one_is_enough(encoded: Encoded, maps: AttentionMaps) -> None:
    calm = tuple(dataclasses.replace(rung, collapsed=False) for rung in maps.rungs)
    value = attention_value(PICTURE.name, encoded, dataclasses.replace(maps, rungs=calm))
    assert value["shared"]
    assert value["scale_note"] == ""


def test_the_same_point_from_every_window_that_holds_it(
    value: AttentionValue, encoded: Encoded, maps: AttentionMaps
) -> None:
    views = value["views"]
    # x 220 lies in the first two columns, y 100 in the first row alone.
    assert views[0]["window"] == maps.window
    assert sorted(view["window"] for view in views) == [0, 1]
    for view in views:
        row, column = view["token"]
        box = encoded.boxes[view["window"]]
        assert box.left + 16 * column <= POINT[0] < box.left + 16 * (column + 1)
        assert box.top + 16 * row <= POINT[1] < box.top + 16 * (row + 1)
        assert weights_of(dict(view)).sum() == pytest.approx(196, rel=1e-3)
        assert view["answers"][0]["name"] == "red"
        chances = [answer["probability"] for answer in view["answers"]]
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) == pytest.approx(1, abs=1e-5)
    assert value["views_sentence"].startswith("Both windows that hold this point agree")


def test_a_window_answers_as_its_own_prediction_does(
    value: AttentionValue, alone: Segmentation
) -> None:
    """The same numbers as in the Windows tab: what a window says alone, before fusion."""
    for view in value["views"]:
        row, column = view["token"]
        label = alone.window_labels(view["window"])[16 * row + 8, 16 * column + 8]
        assert alone.classes[label] == view["answers"][0]["name"]


def test_windows_that_disagree_are_named(value: AttentionValue) -> None:
    views = value["views"]
    views[1]["answers"][0]["name"] = "blue"
    sentence = views_sentence(views)
    assert "2 answers" in sentence
    assert "says red" in sentence
    assert "says blue" in sentence
    assert "one window only" in views_sentence(views[:1])


def test_a_hundred_windows_are_not_all_asked(segmenter: Segmenter) -> None:
    windows = dataclasses.replace(segmenter.backbone.default_windows, stride=32)
    maps = segmenter.attention(segmenter.encode(PHOTO, windows), (224, 168))
    assert len(maps.views) == 9
    assert maps.views[0].window == maps.window


def test_windows_alone_do_not_depend_on_the_left_side() -> None:
    service = Service(lambda name: ColorBackbone())
    words = parse_vocabulary("red, blue")
    windows = ColorBackbone.default_windows
    off = Request(words, AttentionSettings(), windows)
    other = dataclasses.replace(off, baseline="identity")
    results = [service.answer(PHOTO, r, POINT).alone for r in (off, other)]
    assert results[0].method == results[1].method
    assert np.array_equal(results[0].labels, results[1].labels)
