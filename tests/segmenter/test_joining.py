"""Windows that are one before there are scores, against the formulas written out place by place."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.attention import method as paper
from glaclip.segmenter import Segmenter
from glaclip.segmenter.joining import aggregated, spliced
from glaclip.segmenter.method import parse_method
from glaclip.settings import SettingsError, WindowSettings
from glaclip.vocabulary import parse_vocabulary
from glaclip.windows import Box
from tests.clip_towers import random_photo, tiny_backbone
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone

WINDOWS = WindowSettings(short_side=96, crop=64, stride=32)
WORDS = parse_vocabulary("sky, grass, person; man")


def by_hand(maps: Tensor, boxes: list[Box], size: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """Tokens [L, S, D] of windows that start at multiples of a patch, on the map of all places."""
    patch = (boxes[0].bottom - boxes[0].top) // grid[0]
    rows = []
    for y in range(size[0] // patch):
        for x in range(size[1] // patch):
            seen = []
            for tokens, box in zip(maps, boxes, strict=True):
                row, column = y - box.top // patch, x - box.left // patch
                if 0 <= row < grid[0] and 0 <= column < grid[1]:
                    seen.append(tokens[row * grid[1] + column])
            rows.append(torch.stack(seen).mean(dim=0))
    return torch.stack(rows)


def test_splice_equals_the_formula() -> None:
    segmenter = Segmenter(tiny_backbone())
    backbone = segmenter.backbone
    encoded = segmenter.encode(random_photo(96, 128), WINDOWS)
    assert encoded.size == (96, 128)
    method = parse_method("off/splice", backbone)
    (features, grid), _ = segmenter.features(encoded, method)
    assert grid == (12, 16)
    assert features.shape[:2] == (1, 192)
    # Per window (S - 1.2 mean) 3 with negatives out, on values brought to the keys' grid.
    (keys, fine), values = backbone.keys(encoded.tokens, "vfm")[0], encoded.tokens.values
    square = values.transpose(1, 2).unflatten(2, encoded.tokens.value_grid)
    values = F.interpolate(square, fine, mode="bilinear", align_corners=False).flatten(2)
    mixed = []
    for k, v in zip(keys, values.transpose(1, 2), strict=True):
        unit = k / k.norm(dim=1, keepdim=True)
        scores = unit @ unit.T
        scores = 3 * (scores - 1.2 * scores.mean())
        mixed.append(torch.softmax(scores.masked_fill(scores < 0, -math.inf), dim=1) @ v)
    boxes = list(encoded.boxes)
    k = by_hand(keys, boxes, encoded.size, fine)
    v = by_hand(torch.stack(mixed), boxes, encoded.size, fine)
    k = k / k.norm(dim=1, keepdim=True)
    likeness = k @ k.T
    likeness = likeness.where(likeness > 1.2 * likeness.mean(), 0.0)
    expected = backbone.project(likeness / likeness.sum(dim=1, keepdim=True) @ v)
    torch.testing.assert_close(features[0], expected, atol=1e-5, rtol=1e-4)


def test_whole_photo_is_one_window_of_its_size() -> None:
    segmenter = Segmenter(tiny_backbone())
    backbone = segmenter.backbone
    encoded = segmenter.encode(random_photo(96, 128), WINDOWS)
    (features, grid), _ = segmenter.features(encoded, parse_method("off/whole", backbone))
    tokens = backbone.encode_windows(encoded.pixels[None].float() / 255)
    assert grid == tokens.key_grid == (12, 16)
    square = tokens.values.transpose(1, 2).unflatten(2, tokens.value_grid)
    values = F.interpolate(square, grid, mode="bilinear", align_corners=False).flatten(2)[0].T
    off = backbone.default_attention.off()
    expected = backbone.project(paper.attend(tokens.keys[0], values, 1, off))
    torch.testing.assert_close(features[0], expected, atol=1e-5, rtol=1e-4)
    baseline, _ = segmenter.features(encoded, parse_method("naclip/whole", backbone))
    torch.testing.assert_close(baseline[0], backbone.baseline("naclip", tokens)[0])


@pytest.mark.parametrize("name", ["off/splice", "off/whole", "naclip/whole"])
def test_a_joint_map_segments_photos_of_any_size(name: str) -> None:
    segmenter = Segmenter(tiny_backbone())
    encoded = segmenter.encode(random_photo(101, 143), WINDOWS)
    method = segmenter.method(parse_method(name, segmenter.backbone))
    result = segmenter.segment(encoded, WORDS, method)
    assert result.labels.shape == (101, 143)
    assert result.canvas().shape == (4, *encoded.size)
    assert math.isnan(result.disagreement)
    assert not result.contradictions().any()
    # Each window shows its part of the one map.
    whole = result.canvas().argmax(dim=0).numpy()
    whole = np.array([0, 1, 2, 2])[whole]
    for window, box in enumerate(encoded.boxes):
        part = whole[box.top : box.bottom, box.left : box.right]
        assert (result.window_labels(window) == part).mean() > 0.99
    at = result.probabilities()[:, 60, 100]
    np.testing.assert_allclose(result.probabilities_at((100, 60)), at, atol=2e-2)
    assert segmenter.suggest(encoded, 3, method)
    assert result.presence.shape == (3,)
    assert segmenter.knows_features(encoded, method)
    assert not segmenter.knows_features(encoded, replace(method, fusion=""))


def test_what_windows_agree_on_stays_as_it_is() -> None:
    maps = torch.rand(1, 6, 2).expand(3, 6, 2)
    boxes = [Box(0, 0, 16, 24)] * 3
    torch.testing.assert_close(spliced(maps, boxes, (16, 24), (2, 3), (2, 3)), maps[0])
    alike = torch.ones(5, 3)  # nothing is above 1.2 times the mean: each is averaged all the same
    torch.testing.assert_close(aggregated(alike, alike, 1.2), alike)


def test_toy_colors_survive_a_splice() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(480, 336))
    words = parse_vocabulary("red, blue")
    plain = segmenter.segment(encoded, words, parse_method("off", segmenter.backbone))
    joined = segmenter.segment(encoded, words, parse_method("off/splice", segmenter.backbone))
    assert (plain.labels == joined.labels).mean() > 0.98


def test_a_splice_needs_attention() -> None:
    backbone = ColorBackbone()
    with pytest.raises(SettingsError, match="such as off/splice; received identity/splice"):
        parse_method("identity/splice", backbone)
