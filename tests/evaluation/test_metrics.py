"""Measures against hand counts and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glaclip.evaluation.score.metrics import (
    class_iou,
    confusion,
    mean_iou,
    pixel_accuracy,
)
from glaclip.segmenter.seams import (
    Edges,
    Pairs,
    boundary_errors,
    facing_pairs,
    interior_edges,
    seam_rate,
)
from glaclip.settings import WindowSettings
from glaclip.windows import boxes


def test_confusion_and_iou_by_hand() -> None:
    truth = np.array([[0, 0, 1, 255], [0, 1, 1, 7]])
    predicted = np.array([[0, 1, 1, 0], [0, 1, 0, 2]])
    counts = confusion(truth, predicted, 3)
    assert counts.tolist() == [[2, 1, 0], [1, 2, 0], [0, 0, 0]]
    np.testing.assert_allclose(class_iou(counts), [2 / 4, 2 / 4, np.nan])
    assert mean_iou(counts) == 0.5
    assert pixel_accuracy(counts) == pytest.approx(4 / 6)


def test_nothing_valid_is_nan() -> None:
    counts = confusion(np.full((2, 2), 255), np.zeros((2, 2), int), 3)
    assert np.isnan(mean_iou(counts))
    assert np.isnan(pixel_accuracy(counts))
    assert np.isnan(Pairs().rate)


def test_sizes_must_match() -> None:
    with pytest.raises(ValueError, match="received 3 x 2 and 2 x 3"):
        confusion(np.zeros((2, 3), int), np.zeros((3, 2), int), 2)


@given(seed=st.integers(0, 1000), height=st.integers(300, 420), width=st.integers(300, 520))
@settings(max_examples=15, deadline=None)
def test_boundary_errors_equal_a_loop_over_pixels(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, (height, width))
    truth[rng.random(truth.shape) < 0.1] = 255
    predicted = rng.integers(0, 3, (height, width))
    windows = boxes((336, 448), WindowSettings())
    edges = interior_edges(windows, (336, 448), (height, width))
    differing = compared = 0
    for y in edges.rows:
        for x in range(width):
            if truth[y - 1, x] == truth[y, x] != 255:
                compared += 1
                differing += predicted[y - 1, x] != predicted[y, x]
    for x in edges.columns:
        for y in range(height):
            if truth[y, x - 1] == truth[y, x] != 255:
                compared += 1
                differing += predicted[y, x - 1] != predicted[y, x]
    assert boundary_errors(predicted, truth, windows, (336, 448)) == Pairs(differing, compared)


def test_seam_rate_sees_seams_and_not_object_borders() -> None:
    windows = boxes((336, 448), WindowSettings())
    stripes = np.add.outer(np.zeros(336, int), np.arange(448) // 7)
    assert abs(seam_rate(stripes, windows, (336, 448), 112)) < 0.2
    tiles = np.zeros((336, 448), int)
    tiles[:, 112:] = 1
    tiles[:, 224:] = 2
    tiles[112:] += 10
    rate = seam_rate(tiles, windows, (336, 448), 112)
    assert rate > 0.4
    assert seam_rate(np.zeros((336, 448), int), windows, (336, 448), 112) == 0
    alone = boxes((224, 224), WindowSettings(short_side=224))
    assert np.isnan(seam_rate(np.zeros((90, 90), int), alone, (224, 224), 112))


def test_facing_pairs_look_across_the_line_only() -> None:
    labels = np.zeros((4, 6), int)
    labels[:, 3:] = 1
    assert facing_pairs(labels, Edges((), (3,))) == Pairs(4, 4)
    assert facing_pairs(labels, Edges((2,), (2,))) == Pairs(0, 10)
