"""Pictures of more than 8 bits: their samples as they are stored, and what to show of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Depths of cameras and scanners whose samples are stored in 16 bits.
_DEPTHS = (8, 10, 12, 14, 16)
#: What programs store where they know nothing, when no tag says so.
_NO_DATA = (-9999.0, -99999.0, -32768.0, -2147483648.0)
_NO_DATA_BELOW = -1e30
_GDAL_NO_DATA = 42113
#: Shares of the values that are stretched to black and to white, in percent.
_STRETCH = (0.5, 99.5)

Samples = NDArray[Any]


def is_deep(image: Image.Image, colors: bool = True) -> bool:
    """Whether an opened picture has more than 8 bits in a sample.

    Args:
        image: not loaded yet, or gray.
        colors: whether its file can be opened again, for the lower bytes of deep colors.
    """
    gray = image.mode in ("I", "F") or image.mode.startswith("I;16")
    return gray or (colors and _is_deep_color(image))


def rawmode_of(image: Image.Image) -> str:
    """How the first tile of an opened file is stored, such as "RGB;16B"."""
    tiles = getattr(image, "tile", [])
    if not tiles:
        return ""
    args = tiles[0][3]
    return str(args[0] if isinstance(args, tuple) and args else args)


def _is_deep_color(image: Image.Image) -> bool:
    return image.mode in ("RGB", "RGBA", "CMYK") and ";16" in rawmode_of(image)


def samples_of(image: Image.Image, reopen: Callable[[], Image.Image] | None) -> Samples:
    """The samples of an opened picture as they are stored.

    Pillow keeps the upper byte of 16-bit colors alone. It unpacks them in either byte order, and
    the wrong one gives the lower byte: so a color file is decoded twice.

    Args:
        image: opened and not loaded yet, if it is in color.
        reopen: opens the same file again, at its start.

    Returns:
        [H, W], or [H, W, channels] of a color picture.
    """
    if reopen is None or not _is_deep_color(image):
        return np.asarray(image)
    stored = rawmode_of(image)
    if stored == "LA;16B":  # gray with alpha: all four bytes of a pixel at once
        _store_as(image, "RGBA")
        pairs = np.asarray(image).astype(np.uint16)
        return (pairs[..., [0, 0, 0, 2]] << 8) | pairs[..., [1, 1, 1, 3]]
    upper = np.asarray(image).astype(np.uint16)
    with reopen() as other:
        _store_as(other, _swapped(stored))
        samples: Samples = (upper << 8) | np.asarray(other)
    return samples


def _swapped(rawmode: str) -> str:
    """The same samples in the other byte order."""
    orders = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
    return rawmode[:-1] + orders[rawmode[-1]]


def _store_as(image: Image.Image, rawmode: str) -> None:
    """Makes an opened file's tiles be unpacked in another way."""
    tiles = []
    for tile in image.tile:  # type: ignore[attr-defined]
        args = (rawmode, *tile[3][1:]) if isinstance(tile[3], tuple) else rawmode
        tiles.append(tile._replace(args=args))
    image.tile = tiles  # type: ignore[attr-defined]


def no_data_of(image: Image.Image) -> float | None:
    """The value that a TIFF file's own tag declares to be none."""
    tags = getattr(image, "tag_v2", {})
    try:
        return float(str(tags[_GDAL_NO_DATA]).strip("\0 "))
    except (KeyError, ValueError):
        return None


def eight_bit(samples: Samples, no_data: float | None = None) -> tuple[NDArray[np.uint8], str]:
    """Samples of any depth as 8 bits, and how they were scaled when that is a guess.

    Args:
        samples: [H, W] or [H, W, C]; a fourth channel is alpha.
        no_data: value that means none, if a tag says so; it is drawn black, and so is NaN.

    Returns:
        The same shape in 8 bits, and a sentence or "".
    """
    if samples.dtype == np.uint16:
        return _by_depth(samples.astype(np.uint16, copy=False), no_data)
    values = samples.astype(np.float64)
    known = np.isfinite(values) & (values > _NO_DATA_BELOW) & (values < -_NO_DATA_BELOW)
    if no_data is not None:
        known &= values != no_data
    while known.any() and (lowest := values[known].min()) in _NO_DATA:
        known &= values != lowest
    if not known.any():
        return np.zeros(samples.shape, np.uint8), "The photo holds no values at all: it is black."
    low, high = float(values[known].min()), float(values[known].max())
    said = ""
    if low >= 0 and high <= 1 and samples.dtype.kind == "f":
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    else:
        if high > low:
            low, high = (float(v) for v in np.percentile(values[known], _STRETCH))
        said = f"Its values from {low:g} to {high:g} are stretched from black to white (a guess)."
    values = np.where(known, values, low)  # before the arithmetic, which NaN would spoil
    scaled = ((values - low) / max(high - low, 1e-30) * 255).clip(0, 255).round().astype(np.uint8)
    scaled[~known] = 0
    if not known.all():
        missing = f"{100 * (1 - known.mean()):.1f} % of its pixels hold no value and are black."
        said = f"{said} {missing}".strip()
    return scaled, said


def _by_depth(samples: NDArray[np.uint16], no_data: float | None) -> tuple[NDArray[np.uint8], str]:
    """16-bit samples by the depth that holds the largest: 12 bits in 16 are not nearly black."""
    colors = samples[..., :3] if samples.ndim == 3 else samples
    counts = np.bincount(colors.reshape(-1), minlength=65536)
    if no_data is not None and 0 <= no_data <= 65535 and no_data == int(no_data):
        counts[int(no_data)] = 0
    largest = int(np.flatnonzero(counts).max(initial=0))
    depth = next(bits for bits in _DEPTHS if largest < 2**bits)
    table = (np.arange(65536) / (2**depth - 1) * 255).clip(0, 255).round().astype(np.uint8)
    scaled = table[samples]
    if samples.ndim == 3 and samples.shape[2] == 4:  # alpha has all its bits
        scaled[..., 3] = samples[..., 3] >> 8
    if no_data is not None and samples.ndim == 2:
        scaled[samples == no_data] = 0
    if depth == 16:
        return scaled, ""
    return scaled, (
        f"Its 16-bit samples go up to {largest} and are read as {depth} bits, white being "
        f"{2**depth - 1} (a guess)."
    )
