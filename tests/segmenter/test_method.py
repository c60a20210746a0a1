"""A method is one value: its names follow from what it does, and it is asked for whole."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch.nn.functional as F

from glaclip.segmenter import Method, Segmenter
from glaclip.segmenter.method import parse_method
from glaclip.settings import RUNGS, STAGE_NAMES, AttentionSettings, SettingsError
from glaclip.vocabulary import parse_vocabulary
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone

WORDS = parse_vocabulary("red, blue")
CONSTANTS = AttentionSettings(threshold=0.4)
METHODS = [
    Method(CONSTANTS.with_stages(stages), source)
    for count in range(len(STAGE_NAMES) + 1)
    for stages in itertools.combinations(STAGE_NAMES, count)
    for source in ("", "twice")
] + [Method(None, baseline="identity")]
METHODS += [replace(method, fusion="gauss") for method in METHODS]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_is_read_from_its_name(method: Method) -> None:
    assert parse_method(method.name, ColorBackbone(), CONSTANTS) == method
    assert sum(other.name == method.name for other in METHODS) == 1


def test_names_and_titles() -> None:
    found = [Method(AttentionSettings().with_stages(rung.stages)) for rung in RUNGS]
    assert [method.name for method in found] == [rung.name for rung in RUNGS]
    assert [method.title for method in found] == [
        "Each window alone", "With context", "With context and anchors", "GLA-CLIP",
    ]  # fmt: skip
    assert Method(AttentionSettings(), "q").name == "on@q"
    assert Method(None, baseline="clip").title == "Plain CLIP"
    assert Method(AttentionSettings(), fusion="gauss").title == "GLA-CLIP, windows blended"
    assert Method(None, baseline="mine").title == Method(None, baseline="mine").name == "mine"


def test_keys_are_filled_in_where_none_are_named() -> None:
    on, named, baseline = METHODS[len(METHODS) // 2 - 3 : len(METHODS) // 2]
    assert on.with_keys("twice") == named
    assert on.with_keys(None) == on
    assert named.with_keys("colors") == named
    assert baseline.with_keys("twice") == baseline


def test_a_method_is_segmented_as_what_it_is_made_of() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(120, 90))
    off = AttentionSettings().off()
    for method, apart in (
        (Method(off, "twice"), {"settings": off, "key_source": "twice"}),
        (Method(None, baseline="identity"), {"baseline": "identity"}),
        (Method(off), {"settings": off}),
    ):
        result = segmenter.segment(encoded, WORDS, method)
        assert segmenter.segment(encoded, WORDS, **apart).labels is result.labels  # type: ignore[arg-type]
        assert result.method == segmenter.method(method)
        assert segmenter.features(encoded, method)[1]
    by_keys = segmenter.attention(encoded, (9, 9), Method(off, "twice"))
    assert segmenter.attention(encoded, (9, 9), off, key_source="twice") is by_keys


def test_a_method_stands_alone_and_is_the_backbones() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(120, 90))
    with pytest.raises(SettingsError, match="key_source must be one of colors, twice"):
        segmenter.segment(encoded, WORDS, Method(AttentionSettings(), "dino"))
    with pytest.raises(SettingsError, match=r"must be given alone.* received 'twice'"):
        segmenter.segment(encoded, WORDS, Method(AttentionSettings()), key_source="twice")


def test_blending_moves_the_fused_labels_alone() -> None:
    segmenter = Segmenter(ColorBackbone())
    noise = np.random.default_rng(0).integers(0, 255, (21, 31, 3), np.uint8)
    encoded = segmenter.encode(noise.repeat(16, axis=0).repeat(16, axis=1))
    plain = segmenter.segment(encoded, WORDS, parse_method("off", segmenter.backbone))
    blended = segmenter.segment(encoded, WORDS, parse_method("off/gauss", segmenter.backbone))
    assert "attention" in blended.cached  # the features are those of "off"
    assert blended.disagreement == plain.disagreement
    # By the formula, pixel by pixel: sum of G score / sum of G, sigma an eighth of the side.
    side = encoded.windows.crop
    away = np.arange(side) - (side - 1) / 2
    line = np.exp(-(away**2) / (2 * (side / 8) ** 2))
    total, weights = np.zeros((2, *encoded.size)), np.zeros(encoded.size)
    for window, box in enumerate(encoded.boxes):
        scores = F.interpolate(blended.window_scores[window][None], (side, side), mode="bilinear")
        place = np.s_[..., box.top : box.bottom, box.left : box.right]
        total[place] += scores[0].numpy() * line[:, None] * line
        weights[place] += line[:, None] * line
    np.testing.assert_allclose(blended.canvas().numpy(), total / weights, atol=1e-5)
    assert not np.allclose(plain.canvas().numpy(), total / weights, atol=1e-2)
    for x, y in ((77, 60), (250, 200), (430, 300)):
        at = blended.probabilities()[:, y, x]
        np.testing.assert_allclose(blended.probabilities_at((x, y)), at, atol=1e-2)
