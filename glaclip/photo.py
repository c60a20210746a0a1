"""Any picture a person may bring to an upright 8-bit RGB photo, or a sentence why not."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

MAX_PIXELS = 40_000_000
MIN_SIDE = 16
MAX_ASPECT = 16


class PhotoError(ValueError):
    """A picture that cannot be used; the message says what was wrong and what is accepted."""


#: Kinds of files that are opened; no other decoder of Pillow's sees a stranger's bytes.
KINDS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF")
PhotoSource = Image.Image | NDArray[np.uint8] | str | Path


def check_size(width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    """Refuses sizes that cannot be segmented sensibly.

    Raises:
        PhotoError: too many pixels, a side too short, or too long and thin.
    """
    if width * height > max_pixels:
        raise PhotoError(
            f"The photo has {width} x {height} pixels ({width * height / 1e6:.0f} megapixels); "
            f"at most {max_pixels / 1e6:g} megapixels are accepted."
        )
    if min(width, height) < MIN_SIDE:
        raise PhotoError(
            f"The photo is {width} x {height} pixels; each side must have at least {MIN_SIDE}."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoError(
            f"The photo is {width} x {height} pixels; the long side may be at most {MAX_ASPECT} "
            "times the short side."
        )


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey pictures scaled to 8 bits (Pillow's convert would clip)."""
    samples = np.asarray(image).astype(np.float64)
    top = 65535.0 if image.mode.startswith("I;16") or samples.max(initial=0) > 255 else 255.0
    if image.mode == "F" and samples.max(initial=0) <= 1.0:
        top = 1.0
    return Image.fromarray((samples / top * 255).clip(0, 255).round().astype(np.uint8))


def _rgb(image: Image.Image) -> Image.Image:
    """Upright RGB; transparent pixels on white."""
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _eight_bit(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
    return image.convert("RGB")


@contextlib.contextmanager
def _broken_files_in_a_sentence() -> Iterator[None]:
    """Turns what Pillow raises into a PhotoError without a path in it."""
    try:
        yield
    except PhotoError:
        raise
    except FileNotFoundError as error:
        raise PhotoError("There is no such file.") from error
    except Image.DecompressionBombError as error:
        raise PhotoError(f"At most {MAX_PIXELS // 1_000_000} megapixels are accepted.") from error
    except Exception as error:
        raise PhotoError(
            "This file is not a picture that can be read, or it is damaged. "
            f"{', '.join(KINDS[:-1])} and {KINDS[-1]} files are accepted."
        ) from error


def as_photo(photo: PhotoSource) -> Image.Image:
    """Checks a picture and returns it as upright RGB.

    Args:
        photo: PIL image of any mode, uint8 array [H, W, 3], [H, W, 4] or [H, W], or the path of a
            file for `load_photo`.

    Raises:
        PhotoError: see `check_size` and `load_photo`, or an array of another kind.
    """
    if isinstance(photo, str | Path):
        return load_photo(photo)
    if isinstance(photo, np.ndarray):
        known = photo.ndim == 2 or (photo.ndim == 3 and photo.shape[2] in (3, 4))
        if photo.dtype != np.uint8 or not known:
            raise PhotoError(
                "An array must be uint8 of shape [H, W, 3], [H, W, 4] or [H, W]; "
                f"received {photo.dtype} of shape {photo.shape}."
            )
        check_size(photo.shape[1], photo.shape[0])
        photo = Image.fromarray(photo)
    elif not isinstance(photo, Image.Image):
        raise PhotoError(
            "A photo must be a PIL image, a uint8 array or the path of a file; "
            f"received {type(photo).__name__}."
        )
    check_size(*photo.size)
    with _broken_files_in_a_sentence():
        return _rgb(photo)


def open_picture(source: str | Path | IO[bytes]) -> Image.Image:
    """Opens a file of one of `KINDS`; its pixels are decoded when they are first read.

    Raises:
        OSError: no such file, or of no such kind, or damaged; Pillow raises other errors too.
    """
    return Image.open(source, formats=KINDS)


def load_photo(source: str | Path | bytes | IO[bytes], max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Reads a picture file: the first frame, upright (EXIF), RGB.

    Args:
        source: path, file contents or open binary file.
        max_pixels: refused above this before any pixel is decoded.

    Raises:
        PhotoError: unreadable, truncated, of none of `KINDS`, or see `check_size`.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    with _broken_files_in_a_sentence(), warnings.catch_warnings():
        # Our own limit is below Pillow's and speaks in a sentence.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with open_picture(stream) as image:
            check_size(*image.size, max_pixels)  # the header alone, before any pixel is decoded
            image.load()
            return _rgb(image)
