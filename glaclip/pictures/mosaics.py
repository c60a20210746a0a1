"""Attention of one query as pictures: mosaics of all windows, heat on the photo, panels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from glaclip.attention.point import AttentionMaps, RowAttention
from glaclip.pictures.baseline_row import own_words
from glaclip.pictures.drawing import (
    Theme,
    draw_ring,
    fit,
    font,
    paste_star,
    rounded,
    scaled_to,
    theme_of,
)
from glaclip.pictures.numbers import percent
from glaclip.pictures.placing import canvas_size, token_center
from glaclip.pictures.weights import (
    COLLAPSED,
    WeightScales,
    color_bar,
    hatched,
    heat_on,
    weight_scales,
)
from glaclip.segmenter import BaselineAttention
from glaclip.segmenter.method import baseline_title
from glaclip.settings import CAPTIONS
from glaclip.windows import Box, Size, stitch


def window_crop(photo: Image.Image, box: Box, size: Size, side: tuple[int, int]) -> Image.Image:
    """A window's part of the photo at (width, height) pixels.

    Args:
        photo: the photo, any size.
        box: the window in pixels of the resized photo.
        size: (height, width) of the resized photo.
        side: (width, height) of the crop.
    """
    across, down = photo.width / size[1], photo.height / size[0]
    part = (box.left * across, box.top * down, box.right * across, box.bottom * down)
    return photo.convert("RGB").resize(side, Image.Resampling.BILINEAR, box=part, reducing_gap=2.0)


def mosaic_cell(width: int, grid: tuple[int, int], key_grid: tuple[int, int]) -> int:
    """Pixels a token so that a mosaic of `grid` windows is at most about `width` wide."""
    return max(1, width // (grid[1] * key_grid[1] + grid[1]))


def attention_mosaic(
    maps: AttentionMaps,
    rung: int,
    photo: Image.Image,
    *,
    scale_max: float | None = None,
    cell: int | None = None,
) -> Image.Image:
    """All windows in their grid, each with its attention over its dimmed part of the photo.

    Overlaps are shown repeatedly; windows that the query cannot see are hatched, so that they are
    told from windows in sight that receive nothing.

    Args:
        maps: from `Segmenter.attention`.
        rung: index into `maps.rungs`.
        photo: the photo that was clicked.
        scale_max: the weight drawn brightest; that of `weight_scales` when left out.
        cell: pixels a token; about 560 pixels for the whole when left out.
    """
    look, row = theme_of("light"), maps.rungs[rung]
    top = scale_max or weight_scales(maps.rungs).weights(maps.rungs)[rung]
    cell = cell or mosaic_cell(560, maps.grid, maps.key_grid)
    high, wide = maps.key_grid[0] * cell, maps.key_grid[1] * cell
    gap = max(2, round(wide / 28))
    edge = gap + 1
    rows, columns = maps.grid
    sheet = Image.new(
        "RGB",
        (columns * (wide + gap) - gap + 2 * edge, rows * (high + gap) - gap + 2 * edge),
        look.paper,
    )

    def corner(index: int) -> tuple[int, int]:
        down, across = divmod(index, columns)
        return edge + across * (wide + gap), edge + down * (high + gap)

    size = canvas_size(maps.boxes)
    for index, box in enumerate(maps.boxes):
        if row.settings.cross_window or index == maps.window:
            crop = window_crop(photo, box, size, (wide, high))
            tile = heat_on(crop, row.weights[index].view(maps.key_grid), top)
        else:
            tile = hatched((wide, high), look)
        sheet.paste(tile, corner(index))
    x, y = corner(maps.window)
    frame = (x - gap, y - gap, x + wide + gap - 1, y + high + gap - 1)
    ImageDraw.Draw(sheet).rectangle(frame, outline=look.accent, width=gap)
    radius = int(np.clip(round(min(wide, high) / 13), 5, 14))

    def middle(window: int, token: tuple[int, int]) -> tuple[float, float]:
        (x, y), (across, down) = corner(window), token_center(token, maps.key_grid, (wide, high))
        return x + across, y + down

    paste_star(sheet, middle(maps.window, maps.token), radius)
    if row.collapsed:
        draw_ring(sheet, middle(*kept_token(maps, rung)), 2 * radius)
    return sheet


def kept_token(maps: AttentionMaps, rung: int) -> tuple[int, tuple[int, int]]:
    """Window and (row, column) of the largest weight: after a collapse, all there is."""
    weights = maps.rungs[rung].weights
    window, token = divmod(int(weights.argmax()), weights.shape[1])
    return window, divmod(token, maps.key_grid[1])


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
        scale_max: the weight drawn brightest; that of `weight_scales` when left out.
        max_side: a larger photo is reduced to this.
    """
    row = maps.rungs[rung]
    scale = scale_max or weight_scales(maps.rungs).weights(maps.rungs)[rung]
    small = scaled_to(photo, min(max_side, photo.width), min(max_side, photo.height))
    size = canvas_size(maps.boxes)
    weights = row.weights.float().view(-1, 1, *maps.key_grid)  # [L, 1, gh, gw]
    if row.settings.cross_window:
        canvas = stitch(weights, maps.boxes, size)[0].cpu().numpy()
    else:  # windows out of sight take no part in the average
        b, own = maps.boxes[maps.window], weights[maps.window : maps.window + 1]
        side = (b.bottom - b.top, b.right - b.left)
        canvas = np.zeros(size, np.float32)
        alone = stitch(own, [Box(0, 0, *side)], side)[0]
        canvas[b.top : b.bottom, b.left : b.right] = alone.cpu().numpy()
    picture = heat_on(small, canvas, scale, smooth=True)
    x, y = ((p + 0.5) * small.width / photo.width for p in maps.point)
    radius = max(6, round(min(small.size) / 45))
    paste_star(picture, (x, y), radius)
    if row.collapsed:
        window, token = kept_token(maps, rung)
        box = maps.boxes[window]
        x, y = token_center(token, maps.key_grid, (box.right - box.left, box.bottom - box.top))
        x, y = (box.left + x) * small.width / size[1], (box.top + y) * small.height / size[0]
        draw_ring(picture, (x, y), 2 * radius)
    return picture


def rung_caption(rung: RowAttention) -> str:
    """What a rung does with the query, e.g. "38 % in own window (even: 17 %)"."""
    if rung.collapsed:
        return COLLAPSED
    return f"{percent(rung.own_mass)} in own window (even: {percent(rung.own_share)})"


@dataclasses.dataclass(frozen=True)
class _Panel:
    """One of the panels: a rung of maps, its two lines, and the weight drawn brightest."""

    maps: AttentionMaps
    rung: int
    title: str
    caption: str
    top: float


def _as_rung(maps: AttentionMaps, row: BaselineAttention) -> AttentionMaps:
    """A baseline's row as the only rung, on patches of its own."""
    rung = dataclasses.replace(
        maps.rungs[0], weights=row.weights, collapsed=False, own_mass=1 - row.cls
    )
    return dataclasses.replace(maps, token=row.token, key_grid=row.key_grid, rungs=(rung,))


def attention_panels(
    maps: AttentionMaps,
    photo: Image.Image,
    *,
    left: BaselineAttention | None = None,
    panel: int = 560,
) -> Image.Image:
    """All rungs side by side: window mosaics above, the same weights on the photo below.

    Args:
        maps: from `Segmenter.attention`.
        photo: the photo that was clicked.
        left: the same point's row of the left side's baseline, which is drawn last.
        panel: width of one rung in pixels, about.
    """
    drawn = [(maps, i, CAPTIONS[i], rung_caption(rung)) for i, rung in enumerate(maps.rungs)]
    if left is not None:
        title = f"Left side: {baseline_title(left.baseline)}"
        drawn.append((_as_rung(maps, left), 0, title, own_words(left)))
    rungs = [own.rungs[index] for own, index, _, _ in drawn]
    scales = weight_scales(rungs)
    panels = [_Panel(*given, top) for given, top in zip(drawn, scales.weights(rungs), strict=True)]
    cell = mosaic_cell(panel, maps.grid, maps.key_grid)
    mosaics: list[Image.Image] = []
    for each in panels:
        own = cell * maps.key_grid[1] // each.maps.key_grid[1]
        mosaic = attention_mosaic(each.maps, each.rung, photo, scale_max=each.top, cell=max(1, own))
        mosaics.append(mosaic.resize((mosaics or [mosaic])[0].size))
    small = scaled_to(photo, mosaics[0].width, 4 * mosaics[0].width)
    shrink = small.width / photo.width
    point = (maps.point[0] * shrink, maps.point[1] * shrink)
    overlays = [
        attention_overlay(
            small, dataclasses.replace(each.maps, point=point), each.rung, scale_max=each.top
        )
        for each in panels
    ]
    return _lay_out_panels(panels, mosaics, overlays, scales, theme_of("light"))


def _lay_out_panels(
    panels: Sequence[_Panel],
    mosaics: Sequence[Image.Image],
    overlays: Sequence[Image.Image],
    scales: WeightScales,
    look: Theme,
) -> Image.Image:
    width = mosaics[0].width
    text = max(13, round(width / 24))
    small = round(text * 0.85)
    margin, gap = round(text * 1.4), round(text * 1.3)
    head, bar, foot = round(text * 3.4), round(text * 2.6), round(text * 2.0)
    total = len(mosaics) * width + (len(mosaics) - 1) * gap + 2 * margin
    mosaic_top = margin + head
    overlay_top = mosaic_top + mosaics[0].height + gap // 2
    bar_top = overlay_top + overlays[0].height + gap // 2
    sheet = Image.new("RGB", (total, bar_top + bar + foot), look.paper)
    draw = ImageDraw.Draw(sheet)
    bold, plain = font(text, bold=True), font(small)
    for index, panel in enumerate(panels):
        x = margin + index * (width + gap)
        title, caption = fit(panel.title, bold, width), fit(panel.caption, plain, width)
        draw.text((x, margin + text), title, look.ink, bold, anchor="ls")
        draw.text((x, margin + text * 2.45), caption, look.muted, plain, anchor="ls")
        sheet.paste(mosaics[index], (x, mosaic_top))
        sheet.paste(rounded(overlays[index], look.paper, text // 4), (x, overlay_top))
        sheet.paste(color_bar(width, small, scales.tops[index], look), (x, bar_top))
    _explain(sheet, margin, bar_top + bar + foot / 2 - text * 0.4, scales, look, small)
    return sheet


def _explain(
    sheet: Image.Image, margin: int, middle: float, scales: WeightScales, look: Theme, text: int
) -> None:
    """The line at the foot: what the numbers count, what is hatched, whose scale."""
    letters = font(text)
    draw = ImageDraw.Draw(sheet)
    swatch = hatched((round(text * 1.8), text), look)
    sheet.paste(swatch, (margin, round(middle - swatch.height / 2)))
    x = margin + swatch.width + round(text * 0.5)
    whose = scales.reason or "One scale for all panels."
    note = (
        "not visible.  Numbers: times even attention, square-root scale.  "
        f"{whose}  Star: the query, its window outlined.  Below: laid back on the photo."
    )
    note = fit(note, letters, sheet.width - margin - x)
    draw.text((x, middle), note, look.muted, letters, anchor="lm")
