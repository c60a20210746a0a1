from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from glaclip.pictures.palette import (
    BACKGROUND,
    DEFICIENCIES,
    MAX_COLORS,
    class_colors,
    hex_of,
    ink,
    oklab,
    palette,
)
from glaclip.ui.examples import examples
from glaclip.vocabulary import load_preset


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
        assert ours >= closest_pair(okabe_ito, deficiency)


def test_a_palette_is_the_start_of_a_longer_one_and_its_colors_differ() -> None:
    whole = palette(MAX_COLORS)
    assert (whole.shape, whole.dtype) == ((MAX_COLORS, 3), np.uint8)
    for count in (1, 2, 7, 12, 100, 512):
        assert np.array_equal(palette(count), whole[:count])
    assert len(np.unique(whole, axis=0)) == len(set(hex_of(whole))) == MAX_COLORS


def test_readable_on_photos() -> None:
    lightness, a, b = oklab(palette(MAX_COLORS)).T
    assert lightness.min() >= 0.42
    assert lightness.max() <= 0.92
    assert np.hypot(a, b).min() >= 0.06


def test_the_sequence_is_pinned() -> None:
    # Shared pictures and the shipped first screen carry these: a change is a decision.
    assert hex_of(palette(4)) == ("#2d5ac3", "#e1f000", "#f04b1e", "#87c3ff")


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


# ---------------------------------------------------------------------- well-known things

SCENES = [tuple(entry.vocabulary.split(", ")) for entry in examples()]
LISTS = [load_preset(name).vocabulary.names for name in ("everyday", "cityscapes", "camvid")]


def worst(colors: NDArray[np.uint8]) -> float:
    return min(closest_pair(colors, name) for name in DEFICIENCIES)


def hue(color: NDArray[np.uint8]) -> float:
    _, a, b = oklab(color)
    return float(np.degrees(np.arctan2(b, a)) % 360)


@pytest.mark.parametrize("names", SCENES, ids=" ".join)
def test_well_known_things_have_their_colors_and_stay_apart(names: tuple[str, ...]) -> None:
    colors = class_colors(names)
    # As far apart as Okabe and Ito's seven, which are known to be told apart.
    assert worst(colors) >= 0.076
    assert closest_pair(colors, None) >= 0.16
    own = {"sky": (220, 260), "water": (240, 280), "grass": (110, 150), "tree": (110, 160)}
    for name, color in zip(names, colors, strict=True):
        if name in own:
            low, high = own[name]
            assert low <= hue(color) <= high, name


@pytest.mark.parametrize("names", LISTS, ids=len)
def test_long_lists_stay_nearly_as_far_apart_as_colors_without_words(
    names: tuple[str, ...],
) -> None:
    assert len(np.unique(class_colors(names), axis=0)) == len(names)
    assert worst(class_colors(names)) >= 0.72 * worst(palette(len(names)))


def test_words_without_a_color_have_the_palette() -> None:
    names = ("drum", "spoon", "aeroplane")
    assert np.array_equal(class_colors(names), palette(3))
    assert np.array_equal(class_colors(names, background=1), palette(3, background=1))


def test_a_thing_keeps_its_color_beside_others() -> None:
    """A photo's sky is the same blue whatever unknown words are asked for, in whatever order."""
    alone = class_colors(("sky", "drum"))[0]
    assert np.array_equal(class_colors(("drum", "spoon", "sky"))[2], alone)
    assert np.array_equal(class_colors(("Blue Sky", "x"))[0], alone)
    assert np.array_equal(class_colors(("background", "sky"), background=0)[1], alone)
    assert tuple(class_colors(("sky", "background"), background=1)[1]) == BACKGROUND


def test_the_same_thing_twice_gets_two_colors() -> None:
    assert worst(class_colors(("tree", "palm tree", "forest", "trees"))) > 0.05


def test_a_caller_cannot_change_the_colors_of_others() -> None:
    for colors in (lambda: palette(2), lambda: class_colors(("sky", "tree"))):
        colors()[0] = 0
        assert colors()[0].any()
