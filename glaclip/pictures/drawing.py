"""What pictures are drawn with: colors of light and dark, type, and small smooth shapes."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colors = NDArray[np.uint8]
ThemeName = Literal["light", "dark"]
RGB = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Theme:
    """Colors of everything that is not the photo."""

    paper: RGB
    ink: RGB
    muted: RGB
    rule: RGB
    unseen: RGB  # a window that the query cannot see
    accent: RGB  # the own window's outline
    series: tuple[str, str, str, str]  # in charts: no switch, two ends of those between, all


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


@functools.lru_cache(maxsize=32)
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)


def fit(text: str, letters: ImageFont.FreeTypeFont, width: float) -> str:
    """The text, shortened with an ellipsis to a width in pixels."""
    if letters.getlength(text) <= width:
        return text
    while text and letters.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def smooth_shape(
    size: tuple[int, int], draw: Callable[[ImageDraw.ImageDraw, int], None]
) -> Image.Image:
    """A small RGBA picture drawn four times as large and reduced, since Pillow's edges are hard."""
    factor = 4
    large = Image.new("RGBA", (size[0] * factor, size[1] * factor), (0, 0, 0, 0))
    draw(ImageDraw.Draw(large), factor)
    return large.resize(size, Image.Resampling.LANCZOS)


@functools.lru_cache(maxsize=16)
def star(radius: int) -> Image.Image:
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

    return smooth_shape((side, side), draw)


def paste_star(picture: Image.Image, center: tuple[float, float], radius: int) -> None:
    """Draws a star centered on a point (x, y) of the picture."""
    shape = star(radius)
    corner = (round(center[0] - shape.width / 2), round(center[1] - shape.height / 2))
    picture.paste(shape, corner, shape)


def draw_ring(picture: Image.Image, center: tuple[float, float], radius: int) -> None:
    """A light circle with a dark rim around a point (x, y): where a single token is."""
    x, y = center
    draw = ImageDraw.Draw(picture)
    for wider, color, width in ((1, _STAR_EDGE, max(4, radius // 3)), (0, (255, 255, 255), 2)):
        reach = radius + wider
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=color, width=width)


def scaled_to(photo: Image.Image, width: int, height: int) -> Image.Image:
    """The photo in its proportions, inside width x height."""
    scale = min(width / photo.width, height / photo.height)
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    return photo.convert("RGB").resize(size, Image.Resampling.LANCZOS)


@functools.lru_cache(maxsize=16)
def _corner(radius: int) -> Image.Image:
    """Cover of the top left corner of a rounded rectangle, mode "L"."""

    def draw(canvas: ImageDraw.ImageDraw, scale: int) -> None:
        canvas.ellipse((0, 0, 2 * radius * scale - 1, 2 * radius * scale - 1), (255,) * 4)

    return smooth_shape((radius, radius), draw).getchannel("A")


def rounded(picture: Image.Image, paper: RGB, radius: int) -> Image.Image:
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
