"""The photo as the page shows it: made once, and sent once to a page."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from glaclip.pictures.encoding import picture_uri
from glaclip.support.cache import digest
from glaclip.windows import Size

#: Long side of the picture sent to the browser; two of them fill a 1920-pixel page.
SHOWN_SIDE = 1280
_JPEG_QUALITY = 88


@dataclass(frozen=True)
class ShownPhoto:
    """A photo for the browser.

    Attributes:
        name: says which picture it is, to a viewer that takes it from another.
        uri: the picture as a JPEG data URI.
        size: its (height, width).
    """

    name: str
    uri: str
    size: Size


def shown_photo(photo: Image.Image, max_side: int = SHOWN_SIDE) -> ShownPhoto:
    """The photo with no side above `max_side`."""
    height, width = size = shown_size((photo.height, photo.width), max_side)
    small = photo.convert("RGB")
    if small.size != (width, height):
        small = small.resize((width, height), Image.Resampling.LANCZOS)
    uri = picture_uri(small, "JPEG", quality=_JPEG_QUALITY)
    return ShownPhoto(digest(uri)[:16], uri, size)


def shown_size(size: Size, max_side: int = SHOWN_SIDE) -> Size:
    """(height, width) in proportion with no side above `max_side`; never larger than `size`."""
    scale = min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
