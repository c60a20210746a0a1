"""Label pictures: what a person would see in them, read back from their pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from glaclip.pictures.encoding import png_bytes
from glaclip.pictures.label_pictures import comparison, label_png, overlay
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import palette
from glaclip.segmenter.labels import resize_labels
from tests.segmenter.test_segmenter import halves

COLORS = palette(3)


def has_color(picture: Image.Image, color: np.ndarray) -> bool:
    return bool((np.asarray(picture.convert("RGB")) == color).all(axis=2).any())


def test_overlay_tints_with_the_class_color() -> None:
    photo = Image.fromarray(halves(40, 20))
    labels = np.array([[0, 2]], dtype=np.int16)  # resized to the photo
    assert (np.asarray(overlay(photo, labels, COLORS, 1.0))[5, 30] == COLORS[2]).all()
    assert np.array_equal(np.asarray(overlay(photo, labels, COLORS, 0.0)), halves(40, 20))
    half = np.asarray(overlay(photo, labels, COLORS, 0.5))[3, 3]
    np.testing.assert_allclose(half, (np.array([230, 0, 0]) + COLORS[0]) / 2, atol=1)
    with pytest.raises(ValueError, match=r"opacity must be a number from 0 to 1; received 1\.5"):
        overlay(photo, labels, COLORS, 1.5)


@pytest.mark.parametrize("size", [(3, 5), (12, 20), (6, 40), (1, 1)])
def test_labels_are_resized_at_pixel_centers(size: tuple[int, int]) -> None:
    labels = np.arange(60).reshape(6, 10)
    picture = Image.fromarray(labels.astype(np.uint8))
    expected = np.asarray(picture.resize(size[::-1], Image.Resampling.NEAREST))
    assert np.array_equal(resize_labels(labels, size), expected)


@pytest.mark.parametrize("classes", [2, 256, 257, 512])
def test_label_png_keeps_indices(classes: int) -> None:
    labels = np.arange(classes, dtype=np.int16).reshape(1, -1).repeat(4, axis=0)
    colors = palette(classes)
    picture = Image.open(io.BytesIO(png_bytes(label_png(labels, colors))))
    assert picture.mode == ("P" if classes <= 256 else "I;16")
    assert np.array_equal(np.asarray(picture), labels)
    if classes <= 256:
        assert np.array_equal(np.asarray(picture.convert("RGB"))[0], colors)


def test_legend_shows_what_covers_something() -> None:
    """The comparison's legend: long names are cut, uncovered classes are counted, columns fill."""
    photo = Image.fromarray(halves(400, 300))
    left, right = np.zeros((300, 400), np.int16), np.full((300, 400), 2, np.int16)
    names = ["sky", "a name so long that it cannot possibly fit into the legend " * 3, "tree"]
    some = comparison(photo, left, right, names, COLORS, opacity=0)
    assert [has_color(some, color) for color in COLORS] == [True, False, True]
    colors = palette(150)
    many = np.arange(300 * 400).reshape(300, 400) % 150
    long = comparison(photo, many, many, [f"class {i}" for i in range(150)], colors, panel=200)
    assert long.height - some.height < 150 * 20  # several columns


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.0001, "< 0.1 %"), (0.0432, "4.3 %"), (0.0996, "10 %"), (1, "100 %"),
     (-0.02, "about 0"), (-0.0001, "about 0")],
)  # fmt: skip
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_comparison_holds_all_three_panels() -> None:
    photo = Image.fromarray(halves(400, 300))
    left, right = np.zeros((300, 400), np.int16), np.ones((300, 400), np.int16)
    picture = comparison(photo, left, right, ["a", "b", "c"], COLORS, opacity=1, panel=200)
    assert picture.width > 600
    assert has_color(picture, COLORS[0])
    assert has_color(picture, COLORS[1])
    assert not has_color(picture, COLORS[2])
    tall = comparison(photo.rotate(90, expand=True), left.T, right.T, list("abc"), COLORS)
    assert tall.height > 720
