"""Keys as colors, drawn: one picture of the photo, and the windows beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from glaclip.pictures.encoding import png_bytes
from glaclip.segmenter.key_colors import KeyColors

#: Pixels between the windows of a mosaic.
_GAP = 2


def stitched_picture(colors: KeyColors, size: tuple[int, int]) -> Image.Image:
    """The stitched colors at (height, width); places keep their edges."""
    return Image.fromarray(colors.stitched).resize(size[::-1], Image.Resampling.NEAREST)


def windows_mosaic(colors: KeyColors, grid: tuple[int, int], scale: int = 4) -> Image.Image:
    """All windows, row by row as they lie on the photo.

    Args:
        colors: of L windows.
        grid: (rows, columns) of windows, L = rows * columns.
        scale: pixels a token.
    """
    rows, columns = grid
    height, width = (side * scale for side in colors.windows.shape[1:3])
    sheet = Image.new(
        "RGB", (columns * (width + _GAP) - _GAP, rows * (height + _GAP) - _GAP), "white"
    )
    for index, window in enumerate(colors.windows):
        row, column = divmod(index, columns)
        picture = Image.fromarray(np.repeat(np.repeat(window, scale, axis=0), scale, axis=1))
        sheet.paste(picture, (column * (width + _GAP), row * (height + _GAP)))
    return sheet


def key_files(
    pictures: Sequence[KeyColors], size: tuple[int, int], grid: tuple[int, int]
) -> dict[str, bytes]:
    """keys/NAME.png at the photo's (height, width), and keys/NAME_windows.png."""
    files = {}
    for colors in pictures:
        name = colors.name.replace(" ", "_")
        files[f"keys/{name}.png"] = png_bytes(stitched_picture(colors, size))
        files[f"keys/{name}_windows.png"] = png_bytes(windows_mosaic(colors, grid))
    return files
