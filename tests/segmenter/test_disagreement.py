"""How often windows that hold the same pixel name it differently."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from glaclip.segmenter import disagreement
from glaclip.segmenter.disagreement import window_disagreement
from glaclip.segmenter.seams import Labels, Pairs
from glaclip.segmenter.segmenter import Segmenter
from glaclip.settings import WindowSettings
from glaclip.vocabulary import parse_vocabulary
from glaclip.windows import Box, Size, boxes
from tests.toy import ColorBackbone

SHAPES = {
    "one window": ((64, 64), 64, 32),
    "exact multiples": ((96, 128), 64, 32),
    "side by side": ((64, 128), 64, 64),
    "last one shifted back": ((70, 83), 64, 48),
    "tall": ((200, 64), 64, 32),
    "wide": ((64, 200), 64, 16),
}


def pixel_by_pixel(
    labels: list[Labels], windows: tuple[Box, ...], size: Size
) -> tuple[Pairs, NDArray[np.uint8]]:
    """The definition, spelled out."""
    against, total = np.zeros(size, dtype=np.uint8), Pairs()
    for y, x in itertools.product(*map(range, size)):
        said = [
            int(label[y - b.top, x - b.left])
            for label, b in zip(labels, windows, strict=True)
            if b.top <= y < b.bottom and b.left <= x < b.right
        ]
        pairs = list(itertools.combinations(said, 2))
        total += Pairs(sum(a != b for a, b in pairs), len(pairs))
        against[y, x] = len(said) - Counter(said).most_common(1)[0][1]
    return total, against


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(1, 5), rows=st.integers(1, 100))
def test_as_counted_pixel_by_pixel_whatever_the_strips(
    shape: tuple[Size, int, int], seed: int, classes: int, rows: int
) -> None:
    size, crop, stride = shape
    windows = boxes(size, WindowSettings(crop, crop, stride))
    random = np.random.default_rng(seed)
    labels: list[Labels] = [random.integers(0, classes, (crop, crop), np.int16) for _ in windows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disagreement, "_COUNTS_AT_ONCE", rows * classes * size[1])
        pairs, against = window_disagreement(labels, windows, size, classes)
    expected, told = pixel_by_pixel(labels, windows, size)
    assert pairs == expected
    np.testing.assert_array_equal(against, told)


def test_nobody_to_disagree_with() -> None:
    windows = boxes((64, 128), WindowSettings(64, 64, 64))
    labels = [np.zeros((64, 64), np.int16), np.ones((64, 64), np.int16)]
    pairs, against = window_disagreement(labels, windows, (64, 128), 2)
    assert math.isnan(pairs.rate)
    assert not against.any()


def test_a_tie_counts_one_side() -> None:
    windows = (Box(0, 0, 1, 1),) * 4
    labels = [np.full((1, 1), label, np.int16) for label in (0, 1, 1, 0)]
    pairs, against = window_disagreement(labels, windows, (1, 1), 2)
    assert (pairs, against.item()) == (Pairs(4, 6), 2)


def test_more_windows_than_a_byte_holds() -> None:
    windows = (Box(0, 0, 1, 1),) * 600
    labels = [np.full((1, 1), label, np.int16) for label in range(600)]
    pairs, against = window_disagreement(labels, windows, (1, 1), 600)
    assert pairs.rate == 1
    assert against.item() == 255


def test_a_result_knows_where_its_windows_contradict_each_other() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(Image.new("RGB", (336, 224), "red"), WindowSettings(224, 224, 112))
    words = parse_vocabulary("red; crimson, green", background=True, background_threshold=0.9)
    result = segmenter.segment(encoded, words)
    assert result.disagreement == 0
    scores = torch.zeros_like(result.window_scores)  # red, crimson, green, background's words
    scores[0, 1], scores[1, 2] = 1.0, 1.0
    against = dataclasses.replace(result, window_scores=scores)
    assert against.window_pairs == Pairs(224 * 112, 224 * 112)
    expected = np.zeros((224, 336))
    expected[:, 112:224] = 1
    np.testing.assert_array_equal(against.contradictions(), expected)
    scores[0, 0] = scores[0, 1]  # two synonyms are one answer; each alone is too unsure a one
    unsure = dataclasses.replace(result, window_scores=scores / 20)
    assert unsure.disagreement == 0


def test_a_photo_of_one_window_has_no_disagreement() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(Image.new("RGB", (224, 224), "red"), WindowSettings(224, 224, 112))
    result = segmenter.segment(encoded, parse_vocabulary("red, green"))
    assert math.isnan(result.disagreement)
    assert result.contradictions().shape == (224, 224)
