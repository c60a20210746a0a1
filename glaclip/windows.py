"""Window geometry: sizes, boxes, stitching with overlap average, edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from glaclip.settings import ANTIALIASED, WindowSettings

Size = tuple[int, int]  # (height, width)


class Box(NamedTuple):
    """A window in pixels of the resized photo; bottom and right are exclusive."""

    top: int
    left: int
    bottom: int
    right: int


def working_size(height: int, width: int, settings: WindowSettings) -> Size:
    """Size (height, width) the photo is resized to before cutting (method, section 1, steps 1-2).

    The short side becomes `short_side` in proportion, unless that would take the long side past
    `long_side_limit`; a side that ends below `crop` is stretched to `crop`.
    """
    if height < 1 or width < 1:
        raise ValueError(f"height and width must be at least 1 pixel; received {height} x {width}")
    scale = min(
        settings.short_side / min(height, width), settings.long_side_limit / max(height, width)
    )

    def resized(side: int) -> int:
        return max(int(side * scale + 0.5), settings.crop)

    return resized(height), resized(width)


def starts(length: int, crop: int, stride: int) -> list[int]:
    """Window starts along one side; the last is shifted back so that it ends at the border."""
    count = math.ceil(max(length - crop, 0) / stride) + 1
    return [max(min(i * stride + crop, length) - crop, 0) for i in range(count)]


def window_grid(size: Size, settings: WindowSettings) -> tuple[int, int]:
    """(rows, columns) of windows over a photo of `size`."""
    rows = starts(size[0], settings.crop, settings.stride)
    columns = starts(size[1], settings.crop, settings.stride)
    return len(rows), len(columns)


def boxes(size: Size, settings: WindowSettings) -> tuple[Box, ...]:
    """Windows over a photo of `size` (height, width), row by row (method, section 1, step 2)."""
    crop = settings.crop
    return tuple(
        Box(top, left, top + crop, left + crop)
        for top in starts(size[0], crop, settings.stride)
        for left in starts(size[1], crop, settings.stride)
    )


def resize_photo(photo: Image.Image, size: Size, resampling: str = ANTIALIASED) -> Tensor:
    """[3, h, w] float32 in 0..1.

    Args:
        photo: RGB.
        size: (height, width).
        resampling: "antialiased" for Pillow's bilinear, which smooths where it shrinks; "plain" for
            OpenCV's, which does not: each pixel is read from the four around its place.
    """
    if photo.size != (size[1], size[0]) and resampling == ANTIALIASED:
        photo = photo.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1).float()
    if pixels.shape[1:] != size:
        pixels = F.interpolate(pixels[None], size, mode="bilinear", align_corners=False)[0]
        pixels = pixels.round()  # released programs hold 8 bits here too
    return pixels / 255


def crops(pixels: Tensor, windows: Sequence[Box]) -> Tensor:
    """Cuts pixels [C, h, w] into windows [L, C, crop, crop]."""
    return torch.stack([pixels[:, b.top : b.bottom, b.left : b.right] for b in windows])


#: Numbers of one window's maps resized at a time; words beyond them wait for the next round.
_RESIZED_AT_ONCE = 4_000_000


def stitch(
    maps: Tensor,
    windows: Sequence[Box],
    size: Size,
    before_window: Callable[[], None] | None = None,
    weight: Tensor | None = None,
) -> Tensor:
    """Lays window maps on the canvas and averages where they overlap (method, section 1, step 6).

    Args:
        maps: [L, Q, gh, gw], one map a window; resized bilinearly to the window.
        windows: L boxes that together cover the canvas.
        size: (height, width) of the canvas.
        before_window: called before each window; it may raise to stop.
        weight: [crop, crop], what each pixel of a window counts; all the same when left out.

    Returns:
        [Q, height, width].
    """
    canvas = maps.new_zeros((maps.shape[1], *size))
    covered = maps.new_zeros(size)
    for window_map, box in zip(maps, windows, strict=True):
        if before_window:
            before_window()
        side = (box.bottom - box.top, box.right - box.left)
        place = canvas[:, box.top : box.bottom, box.left : box.right]
        at_once = max(1, _RESIZED_AT_ONCE // (side[0] * side[1]))
        for first in range(0, len(place), at_once):
            part = window_map[first : first + at_once]
            full = F.interpolate(part[None], size=side, mode="bilinear", align_corners=False)
            place[first : first + at_once] += full[0] if weight is None else full[0] * weight
        covered[box.top : box.bottom, box.left : box.right] += 1 if weight is None else weight
    return canvas.div_(covered)


def own_window(point: tuple[float, float], windows: Sequence[Box]) -> int:
    """The window whose center is nearest to the point (x, y) among those that contain it.

    A point lies in up to four windows at the default stride; this names the one where it is seen
    with most context on all sides. Ties go to the earlier window.
    """
    x, y = point

    def distance(index: int) -> float:
        b = windows[index]
        return math.hypot(x - (b.left + b.right) / 2, y - (b.top + b.bottom) / 2)

    containing = [
        i for i, b in enumerate(windows) if b.left <= x < b.right and b.top <= y < b.bottom
    ]
    if not containing:
        raise ValueError(f"the point {point} lies outside every window")
    return min(containing, key=distance)
