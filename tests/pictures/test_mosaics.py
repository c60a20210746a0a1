"""Attention as pictures: what a person would see in them, read back from their pixels."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from glaclip.attention.point import AttentionMaps
from glaclip.pictures.drawing import theme_of
from glaclip.pictures.mosaics import (
    attention_mosaic,
    attention_overlay,
    attention_panels,
    kept_token,
    rung_caption,
)
from glaclip.pictures.weights import COLLAPSED, bar_marks, weight_scales
from glaclip.segmenter import Segmenter
from tests.pictures.test_label_pictures import has_color
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone, collapsed


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


def test_mosaic_shows_the_weights_window_by_window(maps: AttentionMaps) -> None:
    photo = Image.new("RGB", (448, 336), (120, 120, 120))
    mosaic = attention_mosaic(maps, 3, photo, cell=4)
    left, own = tile(mosaic, maps, 0, 4), tile(mosaic, maps, maps.window, 4)
    assert (left[:, :36] == 78).all()  # the red half gets nothing: the photo, dimmed
    assert np.ptp(own[30, 30]) > 20  # weight: color
    assert has_color(mosaic, np.array(theme_of("light").accent))
    star = own[maps.token[0] * 4 + 2, maps.token[1] * 4 + 2]
    assert star[2] > 200
    assert star[0] < 120


def test_windows_out_of_sight_do_not_look_like_windows_that_get_nothing(
    maps: AttentionMaps,
) -> None:
    photo = Image.new("RGB", (448, 336), (120, 120, 120))
    alone = tile(attention_mosaic(maps, 0, photo, cell=4), maps, 0, 4)
    colors = {tuple(color) for color in alone.reshape(-1, 3)}
    assert {theme_of("light").unseen, theme_of("light").muted} <= colors  # hatched
    assert (78, 78, 78) not in colors
    zero = tile(attention_mosaic(maps, 1, photo, cell=4), maps, 0, 4)[:, :36]
    assert (zero == 78).all()


def test_crops_lie_under_the_heat(maps: AttentionMaps) -> None:
    """A window shows its own part of the photo, wherever the photo was bright."""
    photo = Image.new("RGB", (896, 672), (20, 20, 20))
    photo.paste((220, 220, 220), (0, 0, 100, 672))
    first = tile(attention_mosaic(maps, 3, photo, cell=4), maps, 0, 4)
    assert first[:, 5].min() > 120
    assert first[:, 30].max() < 20


def test_the_left_sides_row_is_drawn_last_like_the_rungs(maps: AttentionMaps) -> None:
    segmenter = Segmenter(ColorBackbone())
    row = segmenter.attention(segmenter.encode(halves(448, 336)), maps.point, baseline="identity")
    weights = torch.zeros(6, 49)
    weights[row.window, 0] = 1  # on patches twice as large, the first has it all
    row = dataclasses.replace(row, key_grid=(7, 7), token=(6, 6), weights=weights)
    photo = Image.new("RGB", (448, 336), (120, 120, 120))
    four, five = (attention_panels(maps, photo, panel=200, left=left) for left in (None, row))
    assert five.height == four.height
    width = five.width - four.width  # of a panel and the gap before it
    own, ladder = (
        np.asarray(five.crop((x - width, 0, x, five.height)))
        for x in (five.width, five.width - width)
    )
    bright = (own.max(axis=2).astype(int) - own.min(axis=2) > 70) & (own[..., 0] > 200)
    rows, columns = np.nonzero(bright[: five.height // 2])
    assert len(rows) > 50
    # One patch alone, as wide and high as two of the steps'.
    cell = (np.ptp(columns) + 1, np.ptp(rows) + 1)
    assert cell[0] == pytest.approx(cell[1], abs=2)
    assert not np.array_equal(own, ladder)


def test_one_scale_for_all_rungs(maps: AttentionMaps) -> None:
    calm = [dataclasses.replace(rung, collapsed=False) for rung in maps.rungs]
    scales = weight_scales(calm)
    assert scales.shared
    assert len(set(scales.tops)) == 1
    # Even attention over six windows is a sixth of that over one: the same color for both.
    tops = scales.weights(calm)
    assert tops[0] == pytest.approx(6 * tops[3])


def test_a_collapsed_rung_has_its_own_scale(maps: AttentionMaps) -> None:
    """One token with all the weight must not turn the other panels black."""
    fallen = collapsed(maps, maps.window, 7, own_mass=1.0)
    last, scales = fallen.rungs[3], weight_scales(fallen.rungs)
    assert not scales.shared
    assert "single token" in scales.reason
    assert scales.tops[3] == last.weights.numel()
    assert max(scales.tops[:3]) < 20
    photo = Image.new("RGB", (448, 336), (120, 120, 120))
    own = tile(attention_mosaic(fallen, 1, photo, cell=4), maps, maps.window, 4)
    assert own.mean() > 100  # as bright as without the collapse
    assert rung_caption(last) == COLLAPSED
    assert kept_token(fallen, 3) == (maps.window, (0, 7))
    ringed = tile(attention_mosaic(fallen, 3, photo, cell=4), maps, maps.window, 4)
    assert (ringed == 255).all(axis=2).any()  # the ring around the one token that is left
    on_photo = attention_overlay(photo, fallen, 3)
    assert has_color(on_photo, np.array((255, 255, 255)))
    assert not has_color(attention_overlay(photo, fallen, 1), np.array((255, 255, 255)))


def test_rungs_too_far_apart_have_scales_of_their_own(maps: AttentionMaps) -> None:
    sharp = torch.zeros_like(maps.rungs[3].weights)
    sharp[0, :3] = 1 / 3
    rungs = [dataclasses.replace(rung, collapsed=False) for rung in maps.rungs]
    scales = weight_scales([*rungs[:3], dataclasses.replace(rungs[3], weights=sharp)])
    assert not scales.shared
    assert scales.reason


@pytest.mark.parametrize("top", [1, 1.7, 3, 12.4, 98, 1176, 28224])
def test_numbers_of_a_color_bar(top: float) -> None:
    marks = bar_marks(top)
    places = [place for place, _ in marks]
    assert marks[0] == (0, "0")
    assert places[-1] == 1
    assert min(b - a for a, b in itertools.pairwise(places)) > 0.12  # numbers do not touch
    assert marks[-1][1].endswith("×")


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
    panels = attention_panels(maps, photo, panel=200)
    assert panels.width > 4 * 150
    assert panels.getpixel((0, 0)) == (255, 255, 255)
    assert "in own window (even: 17 %)" in rung_caption(maps.rungs[1])
