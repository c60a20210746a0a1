"""Color chips with class names and the shares of the photo they cover."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from glaclip.pictures.drawing import RGB, Colors, Theme, fit, font, smooth_shape
from glaclip.pictures.numbers import percent


@dataclasses.dataclass(frozen=True)
class _Entry:
    name: str
    note: str
    color: RGB


def legend_entries(
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

    return smooth_shape((side, side), draw)


def draw_legend(
    entries: Sequence[_Entry], hidden: int, width: int, theme: Theme, text: int, remark: str = ""
) -> Image.Image:
    """Entries in as many columns as fit, read row by row, and a line of remarks."""
    letters = font(text)
    chip, gap = round(text * 1.1), round(text * 0.55)
    space = round(text * 2)

    def wide(entry: _Entry) -> float:
        note = letters.getlength(entry.note) + gap if entry.note else 0
        return chip + gap + letters.getlength(entry.name) + note

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
        note = letters.getlength(entry.note) + gap if entry.note else 0
        room = min(column, width - x) - chip - gap - note - (space if columns > 1 else 0)
        name = fit(entry.name, letters, max(room, text * 2))
        at = x + chip + gap
        draw.text((at, middle), name, theme.ink, letters, anchor="lm")
        draw.text(
            (at + letters.getlength(name) + gap, middle), entry.note, theme.muted, letters, "lm"
        )
    if tail:
        draw.text((0, rows * line + line / 2), tail, theme.muted, letters, anchor="lm")
    return legend
