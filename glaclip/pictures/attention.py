"""Attention of one query as pictures: mosaics of all windows, heat on the photo, four panels."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from glaclip.clicks import AttentionMaps, RowAttention
from glaclip.pictures.drawing import (
    Theme,
    ThemeName,
    fit,
    font,
    paste_star,
    rounded,
    scaled_to,
    theme_of,
)
from glaclip.pictures.numbers import percent
from glaclip.settings import CAPTIONS
from glaclip.windows import Box, stitch

#: Weights are shown as (weight / scale_max) ** WEIGHT_GAMMA: a square root, because a few tokens
#: may take a hundred times the weight of the others, which a linear scale would leave black.
WEIGHT_GAMMA = 0.5
#: Color scale of weights: perceptually uniform, dark for none, and read alike by color-blind eyes.
WEIGHT_COLORS = "inferno"
_WEIGHT_ROUNDING = 6


def shared_lift(rungs: Sequence[RowAttention]) -> float:
    """The top of one color scale for several rungs, in multiples of even attention.

    Weights sum to 1 over the visible tokens, so with L windows in sight each is about L times
    smaller than with one; multiples of what even attention would give compare across rungs. The
    largest weight itself would let a single token darken everything else, so it is the 99.8th
    percentile of the weights above zero of each rung, and of these the largest.
    """
    tops = [1.0]
    for rung in rungs:
        seen = rung.weights[rung.weights > 0].float()
        if len(seen):
            tops.append(float(torch.quantile(seen, 0.998)) * _visible_tokens(rung))
    return max(tops)


def _visible_tokens(rung: RowAttention) -> int:
    return rung.weights.numel() if rung.settings.cross_window else rung.weights.shape[1]


def rung_scales(rungs: Sequence[RowAttention]) -> tuple[float, ...]:
    """`scale_max` of each rung, a color meaning the same multiple of even attention in all."""
    top = shared_lift(rungs)
    return tuple(top / _visible_tokens(rung) for rung in rungs)


@functools.lru_cache(maxsize=1)
def _weight_table() -> NDArray[np.uint8]:
    """[256, 3] colors of scaled weights."""
    table = matplotlib.colormaps[WEIGHT_COLORS](np.arange(256), bytes=True)
    return np.asarray(table[:, :3], dtype=np.uint8)


def _weight_levels(weights: NDArray[np.float32], scale_max: float) -> NDArray[np.uint8]:
    """Weights to 0..255 on the documented scale."""
    share = np.clip(weights / max(scale_max, 1e-12), 0.0, 1.0) ** WEIGHT_GAMMA
    return np.asarray(np.rint(share * 255), dtype=np.uint8)


def _numpy(weights: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = weights.detach().float().cpu().numpy()
    return array


def mosaic_cell(width: int, grid: tuple[int, int], key_grid: tuple[int, int]) -> int:
    """Pixels a token so that a mosaic of `grid` windows is at most about `width` wide."""
    return max(1, width // (grid[1] * key_grid[1] + grid[1]))


def attention_mosaic(
    weights: Tensor,
    key_grid: tuple[int, int],
    grid: tuple[int, int],
    window: int,
    token: tuple[int, int],
    *,
    scale_max: float | None = None,
    theme: ThemeName = "light",
    cell: int | None = None,
    smooth: bool = False,
    own_only: bool = False,
) -> Image.Image:
    """All windows in their grid, each with its attention weights; overlaps are shown repeatedly.

    Args:
        weights: [L, S] of one query.
        key_grid: (rows, columns) of tokens in a window.
        grid: (rows, columns) of windows, L = rows * columns.
        window: the query's own window, outlined.
        token: (row, column) of the query in its window, marked by a star.
        scale_max: the weight shown as the brightest; `rung_scales` gives one scale to panels that
            are compared. The largest weight when left out. See `WEIGHT_GAMMA`.
        theme: "light" or "dark".
        cell: pixels a token; about 560 pixels for the whole when left out.
        smooth: bilinear instead of crisp squares.
        own_only: the query sees its own window only; the others are drawn empty.
    """
    look = theme_of(theme)
    cell = cell or mosaic_cell(560, grid, key_grid)
    high, wide = key_grid[0] * cell, key_grid[1] * cell
    gap = max(2, round(wide / 28))
    edge = gap + 1
    sheet = Image.new(
        "RGB",
        (grid[1] * (wide + gap) - gap + 2 * edge, grid[0] * (high + gap) - gap + 2 * edge),
        look.paper,
    )
    table = _weight_table()
    values = _numpy(weights).reshape(-1, *key_grid)
    top = float(values.max()) if scale_max is None else scale_max
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST

    def corner(index: int) -> tuple[int, int]:
        row, column = divmod(index, grid[1])
        return edge + column * (wide + gap), edge + row * (high + gap)

    for index, tile in enumerate(values):
        if own_only and index != window:
            picture = Image.new("RGB", (wide, high), look.unseen)
        else:
            levels = Image.fromarray(_weight_levels(tile, top)).resize((wide, high), how)
            picture = Image.fromarray(table[np.asarray(levels)])
        sheet.paste(picture, corner(index))
    x, y = corner(window)
    frame = (x - gap, y - gap, x + wide + gap - 1, y + high + gap - 1)
    ImageDraw.Draw(sheet).rectangle(frame, outline=look.accent, width=gap)
    center = (x + (token[1] + 0.5) * cell, y + (token[0] + 0.5) * cell)
    paste_star(sheet, center, int(np.clip(round(min(wide, high) / 13), 5, 14)))
    return sheet


def attention_overlay(
    photo: Image.Image,
    maps: AttentionMaps,
    rung: int,
    *,
    scale_max: float | None = None,
    max_side: int = 1600,
) -> Image.Image:
    """The weights laid back on the photo: overlap average, bilinear, as light on a dimmed photo.

    Args:
        photo: the photo that was clicked.
        maps: from `Segmenter.attention`.
        rung: index into `maps.rungs`.
        scale_max: as in `attention_mosaic`; that of `rung_scales` when left out.
        max_side: a larger photo is reduced to this.
    """
    row = maps.rungs[rung]
    scale = scale_max or rung_scales(maps.rungs)[rung]
    small = scaled_to(photo, min(max_side, photo.width), min(max_side, photo.height))
    size = (max(b.bottom for b in maps.boxes), max(b.right for b in maps.boxes))
    weights = row.weights.float().view(-1, 1, *maps.key_grid)  # [L, 1, gh, gw]
    if row.settings.cross_window:
        canvas = _numpy(stitch(weights, maps.boxes, size)[0])
    else:  # windows out of sight take no part in the average
        b, own = maps.boxes[maps.window], weights[maps.window : maps.window + 1]
        side = (b.bottom - b.top, b.right - b.left)
        canvas = np.zeros(size, np.float32)
        canvas[b.top : b.bottom, b.left : b.right] = _numpy(stitch(own, [Box(0, 0, *side)], side))
    levels = Image.fromarray(_weight_levels(canvas, scale)).resize(
        small.size, Image.Resampling.BILINEAR
    )
    heat = Image.fromarray(_weight_table()[np.asarray(levels)])
    # Desaturated and darker, so that the colors of the photo are not taken for weights.
    dimmed = Image.blend(small.convert("L").convert("RGB"), Image.new("RGB", small.size), 0.35)
    cover = levels.point([min(255, round(255 * (v / 255) ** 0.75)) for v in range(256)])
    picture = Image.composite(heat, dimmed, cover)
    x, y = ((p + 0.5) * small.width / photo.width for p in maps.point)
    paste_star(picture, (x, y), max(6, round(min(small.size) / 45)))
    return picture


def rung_caption(rung: RowAttention) -> str:
    """What a rung does with the query, e.g. "38 % in own window (even: 17 %)"."""
    return f"{percent(rung.own_mass)} in own window (even: {percent(rung.own_share)})"


def _color_bar(width: int, height: int) -> Image.Image:
    ramp = np.linspace(0, 255, width).round().astype(np.uint8)
    return Image.fromarray(_weight_table()[np.tile(ramp, (height, 1))])


def attention_panels(
    maps: AttentionMaps,
    photo: Image.Image,
    *,
    panel: int = 560,
    theme: ThemeName = "light",
) -> Image.Image:
    """The four rungs side by side: window mosaics above, the same weights on the photo below.

    Args:
        maps: from `Segmenter.attention`.
        photo: the photo that was clicked.
        panel: width of one rung in pixels, about.
        theme: "light" or "dark".
    """
    look = theme_of(theme)
    scales = rung_scales(maps.rungs)
    cell = mosaic_cell(panel, maps.grid, maps.key_grid)
    mosaics = [
        attention_mosaic(
            rung.weights,
            maps.key_grid,
            maps.grid,
            maps.window,
            maps.token,
            scale_max=scale,
            theme=theme,
            cell=cell,
            own_only=not rung.settings.cross_window,
        )
        for rung, scale in zip(maps.rungs, scales, strict=True)
    ]
    small = scaled_to(photo, mosaics[0].width, 4 * mosaics[0].width)
    shrink = small.width / photo.width
    scaled = dataclasses.replace(maps, point=(maps.point[0] * shrink, maps.point[1] * shrink))
    overlays = [
        attention_overlay(small, scaled, i, scale_max=scales[i]) for i in range(len(mosaics))
    ]
    return _lay_out_panels(maps, mosaics, overlays, look)


def _lay_out_panels(
    maps: AttentionMaps,
    mosaics: Sequence[Image.Image],
    overlays: Sequence[Image.Image],
    look: Theme,
) -> Image.Image:
    width = mosaics[0].width
    text = max(13, round(width / 24))
    margin, gap = round(text * 1.4), round(text * 1.3)
    head, foot = round(text * 3.4), round(text * 2.4)
    total = len(mosaics) * width + (len(mosaics) - 1) * gap + 2 * margin
    mosaic_top = margin + head
    overlay_top = mosaic_top + mosaics[0].height + gap // 2
    sheet = Image.new(
        "RGB", (total, overlay_top + overlays[0].height + gap // 2 + foot), look.paper
    )
    draw = ImageDraw.Draw(sheet)
    bold, plain = font(text, bold=True), font(round(text * 0.85))
    for index, rung in enumerate(maps.rungs):
        x = margin + index * (width + gap)
        draw.text((x, margin + text), CAPTIONS[index], look.ink, bold, anchor="ls")
        caption = fit(rung_caption(rung), plain, width)
        draw.text((x, margin + text * 2.45), caption, look.muted, plain, anchor="ls")
        sheet.paste(mosaics[index], (x, mosaic_top))
        sheet.paste(rounded(overlays[index], look.paper, text // 4), (x, overlay_top))
    middle = sheet.height - foot / 2 - text * 0.2
    bar = _color_bar(round(width * 0.36), round(text * 0.8))
    draw.text((margin, middle), "0", look.muted, plain, anchor="lm")
    x = margin + round(plain.getlength("0") + text * 0.5)
    sheet.paste(bar, (x, round(middle - bar.height / 2)))
    note = (
        f"{shared_lift(maps.rungs):.0f} times even attention; square-root scale, the same in all "
        "panels.  Star: the query.  Above: every window, the star's own outlined.  Below: the "
        "same, laid back on the photo."
    )
    x += bar.width + round(text * 0.5)
    draw.text((x, middle), fit(note, plain, total - margin - x), look.muted, plain, anchor="lm")
    return sheet
