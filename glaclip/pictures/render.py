"""Pictures of results: overlays, legends, window grids, attention mosaics (Pillow) and charts.

Labels are [H, W] class indices; colors are uint8 [C, 3] sRGB, one a class. Every function returns
a new picture; charts are `matplotlib.figure.Figure`s that belong to no global state.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from glaclip.attention import RowAttention
from glaclip.evaluation.metrics import AttentionSummary, Labels
from glaclip.segmenter import AttentionMaps
from glaclip.settings import CAPTIONS
from glaclip.windows import Box, Size, stitch

Colors = NDArray[np.uint8]
ThemeName = Literal["light", "dark"]
RGB = tuple[int, int, int]

#: Weights are shown as (weight / scale_max) ** WEIGHT_GAMMA: a square root, because a few tokens
#: may take a hundred times the weight of the others, which a linear scale would leave black.
WEIGHT_GAMMA = 0.5
#: Color scale of weights: perceptually uniform, dark for none, and read alike by color-blind eyes.
WEIGHT_COLORS = "inferno"
_WEIGHT_ROUNDING = 6


@dataclasses.dataclass(frozen=True)
class Theme:
    """Colors of everything that is not the photo."""

    paper: RGB
    ink: RGB
    muted: RGB
    rule: RGB
    unseen: RGB  # a window that the query cannot see
    accent: RGB  # the own window's outline
    series: tuple[str, str, str, str]  # the four rungs of the ladder in charts


_THEMES: dict[ThemeName, Theme] = {
    "light": Theme(
        paper=(255, 255, 255),
        ink=(24, 27, 33),
        muted=(92, 98, 110),
        rule=(217, 220, 226),
        unseen=(236, 238, 242),
        accent=(0, 122, 204),
        series=("#9aa1ad", "#56a3d9", "#1f5fa8", "#d9661f"),
    ),
    "dark": Theme(
        paper=(22, 24, 29),
        ink=(237, 239, 243),
        muted=(163, 169, 181),
        rule=(58, 62, 71),
        unseen=(40, 43, 51),
        accent=(82, 186, 255),
        series=("#8b92a0", "#6cb8ea", "#3d83d6", "#f08a4b"),
    ),
}
_STAR_FILL: RGB = (64, 224, 255)
_STAR_EDGE: RGB = (0, 0, 0)


def theme_of(name: ThemeName) -> Theme:
    """The colors of "light" or "dark".

    Raises:
        ValueError: another name.
    """
    if name not in _THEMES:
        raise ValueError(f"theme must be light or dark; received {name!r}")
    return _THEMES[name]


# ---------------------------------------------------------------------------------------------
# Type and small shapes


@functools.lru_cache(maxsize=32)
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)


def _fit(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text, shortened with an ellipsis to a width in pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def percent(share: float) -> str:
    """A share of 1 for people: "0 %", "< 0.1 %", "4.3 %", "58 %", "−2.0 %"."""
    value = 100 * share
    if value < 0:  # a seam rate may be
        return f"−{percent(-share)}" if value <= -0.1 else "0 %"
    if value == 0:
        return "0 %"
    if value < 0.1:
        return "< 0.1 %"
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def _smooth_shape(
    size: tuple[int, int], draw: Callable[[ImageDraw.ImageDraw, int], None]
) -> Image.Image:
    """A small RGBA picture drawn four times as large and reduced, since Pillow's edges are hard."""
    factor = 4
    large = Image.new("RGBA", (size[0] * factor, size[1] * factor), (0, 0, 0, 0))
    draw(ImageDraw.Draw(large), factor)
    return large.resize(size, Image.Resampling.LANCZOS)


@functools.lru_cache(maxsize=16)
def _star(radius: int) -> Image.Image:
    """A five-pointed star with a dark rim; its center is the middle of the picture."""
    rim = max(2, round(radius * 0.3))
    side = 2 * (radius + rim) + 1

    def points(scale: int, outer: float) -> list[tuple[float, float]]:
        angles = np.pi * (np.arange(10) / 5 - 0.5)
        lengths = np.where(np.arange(10) % 2 == 0, outer, outer * 0.45) * scale
        middle = side * scale / 2
        return [
            (middle + length * np.cos(a), middle + length * np.sin(a))
            for a, length in zip(angles, lengths, strict=True)
        ]

    def draw(canvas: ImageDraw.ImageDraw, scale: int) -> None:
        canvas.polygon(
            points(scale, radius), fill=_STAR_EDGE, outline=_STAR_EDGE, width=rim * scale
        )
        canvas.line(
            [*points(scale, radius), *points(scale, radius)[:2]], _STAR_EDGE, rim * scale, "curve"
        )
        canvas.polygon(points(scale, radius), fill=_STAR_FILL)

    return _smooth_shape((side, side), draw)


def _paste_star(picture: Image.Image, center: tuple[float, float], radius: int) -> None:
    star = _star(radius)
    corner = (round(center[0] - star.width / 2), round(center[1] - star.height / 2))
    picture.paste(star, corner, star)


# ---------------------------------------------------------------------------------------------
# Labels


def resize_labels(labels: Labels, size: Size) -> Labels:
    """Labels at (height, width), nearest neighbor; pixels sample at their centers."""
    if labels.shape == size:
        return labels
    rows, columns = (
        ((np.arange(to) + 0.5) * had / to).astype(np.intp)
        for had, to in zip(labels.shape, size, strict=True)
    )
    resized: Labels = labels[rows[:, None], columns]
    return resized


def overlay(
    photo: Image.Image, labels: Labels, colors: Colors, opacity: float = 0.55
) -> Image.Image:
    """The photo with every pixel tinted in its class's color.

    Args:
        photo: the photo, any size.
        labels: [h, w] class indices; resized to the photo (nearest neighbor) where needed.
        colors: [C, 3].
        opacity: 0 shows the photo alone, 1 the labels alone.

    Raises:
        ValueError: opacity outside 0..1.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must be a number from 0 to 1; received {opacity!r}")
    tint = Image.fromarray(colors[resize_labels(labels, (photo.height, photo.width))])
    return Image.blend(photo.convert("RGB"), tint, opacity)


def label_png(labels: Labels, colors: Colors) -> Image.Image:
    """Labels as a picture whose pixel values are the class indices.

    Args:
        labels: [H, W] class indices.
        colors: [C, 3].

    Returns:
        Mode "P" with the colors as its palette for up to 256 classes, 16-bit gray ("I;16") beyond.
    """
    if len(colors) <= 256:
        picture = Image.fromarray(labels.astype(np.uint8)).convert("L")
        picture.putpalette(colors.astype(np.uint8).tobytes())
        return picture
    return Image.fromarray(labels.astype(np.uint16))


def png_bytes(picture: Image.Image) -> bytes:
    """A picture as a PNG file."""
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=picture.mode == "P")
    return stream.getvalue()


@dataclasses.dataclass(frozen=True)
class _Entry:
    name: str
    note: str
    color: RGB


def _legend_entries(
    names: Sequence[str], colors: Colors, areas: Sequence[NDArray[np.float64]]
) -> tuple[list[_Entry], int]:
    """Classes that cover something on any side, largest first; and how many cover nothing."""
    if not areas:
        return [_Entry(name, "", _rgb(color)) for name, color in zip(names, colors, strict=True)], 0
    table = np.asarray(areas, dtype=np.float64)  # [sides, C]
    shown = [int(i) for i in np.argsort(-table.max(axis=0), kind="stable") if table[:, i].any()]
    entries = [
        _Entry(names[i], " → ".join(percent(side[i]) for side in table), _rgb(colors[i]))
        for i in shown
    ]
    return entries, len(names) - len(shown)


def _rgb(color: NDArray[np.uint8]) -> RGB:
    return int(color[0]), int(color[1]), int(color[2])


@functools.lru_cache(maxsize=256)
def _chip(side: int, color: RGB, rim: RGB) -> Image.Image:
    def draw(canvas: ImageDraw.ImageDraw, scale: int) -> None:
        edge = side * scale - 1
        canvas.rounded_rectangle((0, 0, edge, edge), side * scale // 5, color, rim, scale)

    return _smooth_shape((side, side), draw)


def _draw_legend(
    entries: Sequence[_Entry], hidden: int, width: int, theme: Theme, text: int, remark: str = ""
) -> Image.Image:
    """Entries in as many columns as fit, read row by row, and a line of remarks."""
    font = _font(text)
    chip, gap = round(text * 1.1), round(text * 0.55)
    space = round(text * 2)

    def wide(entry: _Entry) -> float:
        note = font.getlength(entry.note) + gap if entry.note else 0
        return chip + gap + font.getlength(entry.name) + note

    widest = max((wide(entry) for entry in entries), default=1.0)
    columns = int(np.clip((width + space) // (widest + space), 1, max(len(entries), 1)))
    column = (width + space) / columns if columns > 1 else float(width)
    column = min(column, widest + 2 * space) if len(entries) > 1 else column
    line = round(text * 1.75)
    rows = -(-len(entries) // columns)
    nothing = "1 more class covers nothing." if hidden == 1 else ""
    nothing = f"{hidden} more classes cover nothing." if hidden > 1 else nothing
    tail = "  ".join(part for part in (remark, nothing) if part)
    legend = Image.new("RGB", (width, max(1, (rows + bool(tail)) * line)), theme.paper)
    draw = ImageDraw.Draw(legend)
    for index, entry in enumerate(entries):
        x, y = (index % columns) * column, (index // columns) * line
        middle = y + line / 2
        swatch = _chip(chip, entry.color, theme.rule)
        legend.paste(swatch, (round(x), round(middle - chip / 2)), swatch)
        note = font.getlength(entry.note) + gap if entry.note else 0
        room = min(column, width - x) - chip - gap - note - (space if columns > 1 else 0)
        name = _fit(entry.name, font, max(room, text * 2))
        at = x + chip + gap
        draw.text((at, middle), name, theme.ink, font, anchor="lm")
        draw.text((at + font.getlength(name) + gap, middle), entry.note, theme.muted, font, "lm")
    if tail:
        draw.text((0, rows * line + line / 2), tail, theme.muted, font, anchor="lm")
    return legend


def legend_image(
    names: Sequence[str],
    colors: Colors,
    areas: Sequence[float] | NDArray[np.float64] | None = None,
    *,
    width: int = 720,
    text: int = 18,
    theme: ThemeName = "light",
) -> Image.Image:
    """Color chips with class names, in as many columns as fit.

    Args:
        names: C shown names.
        colors: [C, 3].
        areas: C shares of the photo; then largest first, and classes that cover nothing are only
            counted.
        width: of the picture in pixels.
        text: font size in pixels.
        theme: "light" or "dark".
    """
    sides = [] if areas is None else [np.asarray(areas, dtype=np.float64)]
    entries, hidden = _legend_entries(names, colors, sides)
    look, pad = theme_of(theme), round(text * 0.7)
    legend = _draw_legend(entries, hidden, width - 2 * pad, look, text)
    sheet = Image.new("RGB", (width, legend.height + 2 * pad), look.paper)
    sheet.paste(legend, (pad, pad))
    return sheet


def window_grid(
    photo: Image.Image,
    boxes: Sequence[Box],
    size: Size,
    *,
    highlight: int | None = None,
) -> Image.Image:
    """The photo with the edges of all windows, and one window set off.

    Args:
        photo: the photo, any size.
        boxes: windows in pixels of `size`.
        size: (height, width) the photo was resized to before cutting.
        highlight: index of a window to outline; the rest of the photo is dimmed.
    """
    picture = photo.convert("RGB")
    across, down = picture.width / size[1], picture.height / size[0]
    line = max(1, round(min(picture.size) / 300))

    def corners(box: Box) -> tuple[int, int, int, int]:
        left, top = round(box.left * across), round(box.top * down)
        return left, top, round(box.right * across) - 1, round(box.bottom * down) - 1

    if highlight is not None:
        inside = corners(boxes[highlight])
        kept = picture.crop((inside[0], inside[1], inside[2] + 1, inside[3] + 1))
        picture = Image.blend(picture, Image.new("RGB", picture.size), 0.45)
        picture.paste(kept, inside[:2])
    lines = Image.new("L", picture.size, 0)
    shade = Image.new("L", picture.size, 0)
    for box in boxes:
        left, top, right, bottom = corners(box)
        frame = (left - line, top - line, right + line, bottom + line)
        ImageDraw.Draw(shade).rectangle(frame, outline=90, width=3 * line)
        ImageDraw.Draw(lines).rectangle((left, top, right, bottom), outline=230, width=line)
    # A dark casing keeps the white lines visible on bright skies.
    picture.paste((0, 0, 0), (0, 0), shade)
    picture.paste((255, 255, 255), (0, 0), lines)
    if highlight is not None:
        accent = _THEMES["dark"].accent
        ImageDraw.Draw(picture).rectangle(corners(boxes[highlight]), outline=accent, width=3 * line)
    return picture


def _scaled_to(photo: Image.Image, width: int, height: int) -> Image.Image:
    """The photo in its proportions, inside width x height."""
    scale = min(width / photo.width, height / photo.height)
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    return photo.convert("RGB").resize(size, Image.Resampling.LANCZOS)


@functools.lru_cache(maxsize=16)
def _corner(radius: int) -> Image.Image:
    """Cover of the top left corner of a rounded rectangle, mode "L"."""

    def draw(canvas: ImageDraw.ImageDraw, scale: int) -> None:
        canvas.ellipse((0, 0, 2 * radius * scale - 1, 2 * radius * scale - 1), (255,) * 4)

    return _smooth_shape((radius, radius), draw).getchannel("A")


def _rounded(picture: Image.Image, paper: RGB, radius: int) -> Image.Image:
    """The picture with rounded corners on paper."""
    cover = Image.new("L", picture.size, 255)
    radius = max(1, min(radius, *(side // 2 for side in picture.size)))
    corner = _corner(radius)
    right, bottom = picture.width - radius, picture.height - radius
    flip = Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM
    cover.paste(corner, (0, 0))
    cover.paste(corner.transpose(flip[0]), (right, 0))
    cover.paste(corner.transpose(flip[1]), (0, bottom))
    cover.paste(corner.transpose(flip[0]).transpose(flip[1]), (right, bottom))
    sheet = Image.new("RGB", picture.size, paper)
    sheet.paste(picture, (0, 0), cover)
    return sheet


def comparison(
    photo: Image.Image,
    left: Labels,
    right: Labels,
    names: Sequence[str],
    colors: Colors,
    *,
    titles: tuple[str, str, str] = ("Photo", "Each window alone", "GLA-CLIP"),
    notes: tuple[str, str, str] = ("", "", ""),
    opacity: float = 0.6,
    panel: int = 720,
    theme: ThemeName = "light",
) -> Image.Image:
    """One picture: the photo, the baseline, GLA-CLIP, and a legend with areas of both sides.

    Args:
        photo: the photo.
        left: [H, W] labels of the baseline.
        right: [H, W] labels of GLA-CLIP.
        names: C shown names.
        colors: [C, 3].
        titles: above the three panels.
        notes: small, right of the titles.
        opacity: of the label colors.
        panel: longest side of a panel in pixels.
        theme: "light" or "dark".
    """
    look = theme_of(theme)
    small = _scaled_to(photo, panel, panel)
    panels = [small, *(overlay(small, labels, colors, opacity) for labels in (left, right))]
    text = max(13, round(small.width / 34))
    margin, gap, head = round(text * 1.4), round(text * 0.9), round(text * 2.3)
    width = 3 * small.width + 2 * gap + 2 * margin
    sides = [np.bincount(x.ravel(), minlength=len(names)) / x.size for x in (left, right)]
    entries, hidden = _legend_entries(names, colors, sides)
    remark = "Shares of the photo: left → right."
    legend = _draw_legend(entries, hidden, width - 2 * margin, look, text, remark)
    height = margin + head + small.height + gap + legend.height + margin
    sheet = Image.new("RGB", (width, height), look.paper)
    draw = ImageDraw.Draw(sheet)
    bold, plain = _font(text, bold=True), _font(round(text * 0.9))
    for index, (picture, title, note) in enumerate(zip(panels, titles, notes, strict=True)):
        x = margin + index * (small.width + gap)
        baseline = margin + head * 0.62
        note_width = plain.getlength(note) + text if note else 0
        title = _fit(title, bold, small.width - note_width)
        draw.text((x, baseline), title, look.ink, bold, anchor="ls")
        draw.text((x + small.width, baseline), note, look.muted, plain, anchor="rs")
        sheet.paste(_rounded(picture, look.paper, text // 3), (x, margin + head))
    sheet.paste(legend, (margin, margin + head + small.height + gap))
    return sheet


# ---------------------------------------------------------------------------------------------
# Attention


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
    _paste_star(sheet, center, int(np.clip(round(min(wide, high) / 13), 5, 14)))
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
    small = _scaled_to(photo, min(max_side, photo.width), min(max_side, photo.height))
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
    _paste_star(picture, (x, y), max(6, round(min(small.size) / 45)))
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
    small = _scaled_to(photo, mosaics[0].width, 4 * mosaics[0].width)
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
    bold, plain = _font(text, bold=True), _font(round(text * 0.85))
    for index, rung in enumerate(maps.rungs):
        x = margin + index * (width + gap)
        draw.text((x, margin + text), CAPTIONS[index], look.ink, bold, anchor="ls")
        caption = _fit(rung_caption(rung), plain, width)
        draw.text((x, margin + text * 2.45), caption, look.muted, plain, anchor="ls")
        sheet.paste(mosaics[index], (x, mosaic_top))
        sheet.paste(_rounded(overlays[index], look.paper, text // 4), (x, overlay_top))
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
    draw.text((x, middle), _fit(note, plain, total - margin - x), look.muted, plain, anchor="lm")
    return sheet


# ---------------------------------------------------------------------------------------------
# Charts


def _figure(theme: Theme, height: float) -> tuple[Figure, matplotlib.axes.Axes]:
    """A figure for a column of 390 pixels: 3.9 inches with 11-point type, drawn at 200 dpi."""
    paper, ink, rule = (_unit(color) for color in (theme.paper, theme.ink, theme.rule))
    figure = Figure(figsize=(3.9, height), dpi=200, facecolor=paper, layout="constrained")
    axes = figure.add_subplot(facecolor=paper)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(rule)
    axes.tick_params(colors=ink, labelsize=10, length=0)
    axes.grid(axis="y", color=rule, linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def _unit(color: RGB) -> tuple[float, float, float]:
    return color[0] / 255, color[1] / 255, color[2] / 255


def _distance_names(distances: NDArray[np.float64]) -> list[str]:
    names = ["own"]
    for low, high in itertools.pairwise(distances):
        names.append(f"{high:g}" if np.isfinite(high) else f"> {low:g}")
    return names


def mass_by_distance_chart(
    summaries: Sequence[AttentionSummary],
    names: Sequence[str] = CAPTIONS,
    *,
    theme: ThemeName = "light",
) -> Figure:
    """Bars: the share of attention by distance of the attended window, a color a rung.

    Args:
        summaries: from `glaclip.evaluation.metrics.attention_summary`, one a rung, at most four.
        names: one a summary.
        theme: "light" or "dark".
    """
    look = theme_of(theme)
    figure, axes = _figure(look, 3.3)
    # Bins beyond the photo's extent would only be empty room.
    bins = 1 + max(int(np.flatnonzero(s.mass_by_distance > 0).max(initial=1)) for s in summaries)
    width = 0.84 / len(summaries)
    for index, (summary, name) in enumerate(zip(summaries, names, strict=True)):
        at = np.arange(bins) - 0.42 + width * (index + 0.5)
        share = 100 * summary.mass_by_distance[:bins]
        axes.bar(at, share, width * 0.92, color=look.series[index], label=name)
    axes.set_xticks(np.arange(bins), _distance_names(summaries[0].distances)[:bins])
    axes.set_xlabel("Distance of the window, in windows", color=_unit(look.ink), fontsize=11)
    axes.set_title("Share of attention, %", loc="left", color=_unit(look.ink), fontsize=11)
    figure.legend(
        loc="outside lower center",
        ncols=2,
        fontsize=10,
        frameon=False,
        labelcolor=_unit(look.ink),
        handlelength=1.0,
        columnspacing=1.2,
    )
    return figure


def set_size_histogram(
    sizes: NDArray[np.int64] | Sequence[int], *, theme: ThemeName = "light"
) -> Figure:
    """How many tokens are similar to a query, |P_i|, over all queries; the size axis is log.

    Args:
        sizes: |P_i| of every query, each at least 1.
        theme: "light" or "dark".
    """
    look = theme_of(theme)
    figure, axes = _figure(look, 2.7)
    values = np.maximum(np.asarray(sizes, dtype=np.float64), 1)
    edges = np.geomspace(1, max(values.max(), 10) * 1.001, 25)
    shares = 100 * np.histogram(values, edges)[0] / len(values)
    axes.bar(edges[:-1], shares, np.diff(edges) * 0.92, align="edge", color=look.series[1])
    axes.set_xscale("log")
    axes.set_xlim(0.9, edges[-1] * 1.1)
    ticks = [t for t in (1, 10, 100, 1000, 10_000, 100_000) if t <= edges[-1]]
    axes.set_xticks(ticks, [f"{t:,}" for t in ticks])
    axes.tick_params(which="minor", length=0)
    middle = float(np.median(values))
    axes.axvline(middle, color=look.series[3], linewidth=1.6)
    right = middle > np.sqrt(edges[-1])
    axes.annotate(
        f"median {middle:,.0f}",
        (middle, 1),
        (-5 if right else 5, -3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        fontsize=10,
        color=_unit(look.ink),
    )
    axes.set_xlabel("Tokens similar to the query", color=_unit(look.ink), fontsize=11)
    axes.set_title("Share of queries, %", loc="left", color=_unit(look.ink), fontsize=11)
    return figure
