from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from glaclip.pictures.palette import (
    BACKGROUND,
    DEFICIENCIES,
    MAX_COLORS,
    hex_colors,
    ink,
    oklab,
    palette,
)


def closest_pair(colors: NDArray[np.uint8], deficiency: str | None) -> float:
    seen = oklab(colors, deficiency)
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=2)
    return float(distance[np.triu_indices(len(colors), 1)].min())


@pytest.mark.parametrize(
    ("deficiency", "of_8", "of_12"),
    # Smallest OKLab distance of any two colors; for scale, Okabe and Ito's eight keep 0.16 for
    # normal vision and 0.076 for the worst deficiency (compared below, without their black).
    [
        (None, 0.20, 0.15),
        ("protanopia", 0.11, 0.105),
        ("deuteranopia", 0.11, 0.09),
        ("tritanopia", 0.13, 0.095),
    ],
)
def test_first_colors_are_far_apart(deficiency: str | None, of_8: float, of_12: float) -> None:
    assert closest_pair(palette(8), deficiency) >= of_8
    assert closest_pair(palette(12), deficiency) >= of_12


def test_at_least_as_far_apart_as_a_well_known_palette() -> None:
    known = ["e69f00", "56b4e9", "009e73", "f0e442", "0072b2", "d55e00", "cc79a7"]
    okabe_ito = np.array([[*bytes.fromhex(color)] for color in known], dtype=np.uint8)
    for deficiency in (None, *DEFICIENCIES):
        ours = closest_pair(palette(len(known)), deficiency)
        print(deficiency, ours, closest_pair(okabe_ito, deficiency))
        assert ours >= closest_pair(okabe_ito, deficiency)


def test_prefix_is_stable() -> None:
    whole = palette(MAX_COLORS)
    for count in (1, 2, 7, 12, 100, 512):
        assert np.array_equal(palette(count), whole[:count])


def test_all_colors_differ() -> None:
    assert len(np.unique(palette(MAX_COLORS), axis=0)) == MAX_COLORS
    assert len(set(hex_colors(MAX_COLORS))) == MAX_COLORS


def test_shape_and_type() -> None:
    assert palette(3).shape == (3, 3)
    assert palette(3).dtype == np.uint8


def test_readable_on_photos() -> None:
    lightness, a, b = oklab(palette(MAX_COLORS)).T
    assert lightness.min() >= 0.42
    assert lightness.max() <= 0.92
    assert np.hypot(a, b).min() >= 0.06


def test_the_sequence_is_pinned() -> None:
    # Shared pictures and the shipped first screen carry these: a change is a decision.
    assert hex_colors(4) == ("#2d5ac3", "#e1f000", "#f04b1e", "#87c3ff")


def test_a_caller_cannot_change_the_palette() -> None:
    palette(2)[0] = 0
    assert palette(2)[0].any()


@pytest.mark.parametrize("count", [0, -1, MAX_COLORS + 1])
def test_count_is_checked(count: int) -> None:
    with pytest.raises(ValueError, match=f"received {count}"):
        palette(count)


def test_ink() -> None:
    assert ink((0, 0, 0)) == "#ffffff"
    assert ink((255, 255, 255)) == "#000000"
    assert ink(palette(2)[1]) == "#000000"
    assert ink(palette(1)[0]) == "#ffffff"


def test_background_is_gray_and_leaves_the_others() -> None:
    colors = palette(5, background=2)
    assert tuple(colors[2]) == BACKGROUND
    assert np.array_equal(np.delete(colors, 2, axis=0), np.delete(palette(5), 2, axis=0))
    with pytest.raises(ValueError, match="received 5"):
        palette(5, background=5)
