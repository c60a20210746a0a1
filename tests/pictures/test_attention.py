"""Attention as pictures: what a person would see in them, read back from their pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from glaclip.clicks import AttentionMaps
from glaclip.pictures.attention import (
    attention_mosaic,
    attention_overlay,
    attention_panels,
    rung_caption,
    rung_scales,
)
from glaclip.pictures.drawing import ThemeName, theme_of
from glaclip.segmenter import Segmenter
from tests.pictures.test_labels import has_color
from tests.test_segmenter import halves
from tests.toy import ColorBackbone


@pytest.fixture(scope="module")
def maps() -> AttentionMaps:
    segmenter = Segmenter(ColorBackbone())
    return segmenter.attention(segmenter.encode(halves(448, 336)), (440, 300))


def tile(mosaic: Image.Image, maps: AttentionMaps, window: int, cell: int) -> np.ndarray:
    """One window's pixels."""
    side = maps.key_grid[0] * cell
    gap = max(2, round(side / 28))
    row, column = divmod(window, maps.grid[1])
    top, left = gap + 1 + row * (side + gap), gap + 1 + column * (side + gap)
    return np.asarray(mosaic)[top : top + side, left : left + side]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_mosaic_shows_the_weights_window_by_window(maps: AttentionMaps, theme: ThemeName) -> None:
    def draw(rung: int, **more: object) -> Image.Image:
        return attention_mosaic(
            maps.rungs[rung].weights, maps.key_grid, maps.grid, maps.window, maps.token,
            theme=theme, cell=4, **more,  # type: ignore[arg-type]
        )  # fmt: skip

    mosaic = draw(3)
    left, own = tile(mosaic, maps, 0, 4), tile(mosaic, maps, maps.window, 4)
    assert left[:, :36].max() < 10  # the red half gets nothing
    assert left[:, 37:].mean() < own.mean()
    assert has_color(mosaic, np.array(theme_of(theme).accent))
    empty = draw(0, own_only=True)
    assert (tile(empty, maps, 0, 4) == theme_of(theme).unseen).all()
    star = own[maps.token[0] * 4 + 2, maps.token[1] * 4 + 2]
    assert star[2] > 200
    assert star[0] < 120
    assert draw(3, smooth=True).size == mosaic.size


def test_one_scale_for_all_rungs(maps: AttentionMaps) -> None:
    scales = rung_scales(maps.rungs)
    # Even attention over six windows is a sixth of that over one: the same color for both.
    assert scales[0] == pytest.approx(6 * scales[3])
    weights = torch.full((6, 196), scales[3])
    mosaic = attention_mosaic(
        weights, maps.key_grid, maps.grid, 0, (0, 0), scale_max=scales[3], cell=2
    )
    assert tile(mosaic, maps, 5, 2).mean(axis=(0, 1)).min() > 120  # the scale's bright end


def test_attention_on_the_photo(maps: AttentionMaps) -> None:
    photo = Image.new("RGB", (448, 336), (120, 120, 120))
    picture = np.asarray(attention_overlay(photo, maps, 3))
    assert picture.shape == (336, 448, 3)
    assert picture[60, 60].tolist() == [78, 78, 78]  # no weight: the photo, dimmed
    assert np.ptp(picture[60, 300]) > 20  # weight: color
    own = np.asarray(attention_overlay(photo, maps, 0))
    assert own[60, 300].tolist() == [78, 78, 78]  # the own window starts below
    assert np.ptp(own[200, 400]) > 20
    large = attention_overlay(photo.resize((3000, 2250)), maps, 3, max_side=800)
    assert max(large.size) == 800


def test_panels_for_download(maps: AttentionMaps) -> None:
    photo = Image.fromarray(halves(448, 336))
    light = attention_panels(maps, photo, panel=200)
    dark = attention_panels(maps, photo, panel=200, theme="dark")
    assert light.size == dark.size
    assert light.width > 4 * 150
    assert light.getpixel((0, 0)) == (255, 255, 255)
    assert "in own window (even: 17 %)" in rung_caption(maps.rungs[3])
