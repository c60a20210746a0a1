"""Where windows and tokens lie on pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from glaclip.windows import Box, Size, resize_photo


def canvas_size(boxes: Sequence[Box]) -> Size:
    """(height, width) of the resized photo that the windows cover."""
    return max(box.bottom for box in boxes), max(box.right for box in boxes)


def working_photo(photo: Image.Image, size: Size) -> Image.Image:
    """An RGB photo at the (height, width) that windows are cut from."""
    pixels = resize_photo(photo, size).permute(1, 2, 0).numpy()
    return Image.fromarray((pixels * 255).round().astype(np.uint8))


def token_center(
    token: tuple[int, int], grid: tuple[int, int], side: tuple[float, float]
) -> tuple[float, float]:
    """(x, y) of the middle of a token (row, column) in a picture of (width, height)."""
    return (token[1] + 0.5) * side[0] / grid[1], (token[0] + 0.5) * side[1] / grid[0]
