"""Any picture a person may bring to an upright 8-bit RGB photo, or a sentence why not."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin

from glaclip.photo.deep import eight_bit, is_deep, no_data_of, samples_of

#: Pixels of a photo that is used whole; a file with more of them is shrunk while it is read.
MAX_PIXELS = 40_000_000
#: Files of this many times as many pixels are read: JPEG is decoded small to begin with.
LARGEST_JPEG, LARGEST = 5, 2
MIN_SIDE = 16
MAX_ASPECT = 16


class PhotoError(ValueError):
    """A picture that cannot be used; the message says what was wrong and what is accepted."""


#: Kinds of files that are opened; no other decoder of Pillow's sees a stranger's bytes.
KINDS: tuple[str, ...] = ("AVIF", "JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF")
#: How names of such files end, in lower case.
ENDINGS: tuple[str, ...] = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif",
    ".tiff", ".avif", ".avifs", ".mpo",
)  # fmt: skip
try:  # an extra: pip install ".[heic]"
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    KINDS, ENDINGS = ("HEIF", *KINDS), (*ENDINGS, ".heic", ".heif")
except ImportError:
    pass
#: Brands in the first bytes of pictures of Apple's telephones.
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_ORIENTATION = 0x0112
#: What turns stored pixels upright, by EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
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


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation of an opened picture, 1 to 8; 1 is upright."""
    found = image.getexif().get(_ORIENTATION, 1)
    return found if found in _TURNS else 1


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Stored pixels upright."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _rgb(
    image: Image.Image,
    reopen: Callable[[], Image.Image] | None = None,
    say: Callable[[str], None] | None = None,
) -> Image.Image:
    """Upright RGB; transparent pixels on white, deep pictures in 8 bits."""
    if is_deep(image, colors=reopen is not None):
        samples = samples_of(image, reopen)  # first: reading a PNG's EXIF data decodes the file
        orientation, alpha = orientation_of(image), image.mode == "RGBA"
        if image.mode == "CMYK":
            shown = Image.fromarray((samples >> 8).astype(np.uint8), "CMYK")
        else:
            scaled, sentence = eight_bit(samples, no_data_of(image))
            shown = Image.fromarray(scaled, "RGBA" if alpha else None)
            if say and sentence:
                say(sentence)
        image = turned(shown, orientation)
    else:
        image = ImageOps.exif_transpose(image)
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
        most = LARGEST * MAX_PIXELS // 1_000_000
        raise PhotoError(f"At most {most} megapixels are accepted.") from error
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
    try:
        return Image.open(source, formats=KINDS)
    except Image.DecompressionBombError as refused:
        # Pillow refuses 179 megapixels of any kind; a JPEG is decoded in a part of its size.
        if not isinstance(source, str | Path):
            source.seek(0)
        try:
            return JpegImagePlugin.JpegImageFile(source)
        except SyntaxError:  # of another kind
            raise refused from None


def load_photo(
    source: str | Path | bytes | IO[bytes],
    max_pixels: int = MAX_PIXELS,
    say: Callable[[str], None] | None = None,
) -> Image.Image:
    """Reads a picture file: the first frame, upright (EXIF), RGB in 8 bits.

    Args:
        source: path, file contents or open binary file.
        max_pixels: shrunk to no more; refused above `LARGEST` times as many (a JPEG `LARGEST_JPEG`
            times) before any pixel is decoded.
        say: is told in a sentence that it was shrunk, and how a deep picture was scaled, when that
            is a guess.

    Raises:
        PhotoError: unreadable, truncated, of none of `KINDS`, or see `check_size`.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source

    def again() -> Image.Image:
        if not isinstance(stream, str | Path):
            stream.seek(0)
        return open_picture(stream)

    with _broken_files_in_a_sentence(), warnings.catch_warnings():
        # Our own limit is below Pillow's and speaks in a sentence.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            opened = open_picture(stream)
        except Exception:
            _refuse_heic(stream)
            raise
        with opened as image:
            width, height = image.size
            _check_file(image, max_pixels)  # the header alone, before any pixel is decoded
            if width * height <= max_pixels:
                return _rgb(image, again, say)
            photo = _shrunk(image, again, max_pixels, say)
            if say:
                say(
                    f"The photo has {width * height / 1e6:.0f} megapixels: it was shrunk to "
                    f"{photo.width} x {photo.height} pixels."
                )
            return photo


def upright_size(source: str | Path) -> tuple[int, int]:
    """(width, height) of the upright picture in a file, by its header.

    Raises:
        PhotoError: it cannot be read.
    """
    with _broken_files_in_a_sentence(), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with open_picture(source) as image:
            width, height = image.size
            return (height, width) if orientation_of(image) >= 5 else (width, height)


def _check_file(image: Image.Image, max_pixels: int) -> None:
    """Refuses a file's picture by its size; see `load_photo`."""
    width, height = image.size
    whole = max_pixels / 1e6
    if image.format in ("JPEG", "MPO"):
        most, of = LARGEST_JPEG, " of a JPEG"
    elif is_deep(image):  # several bytes a sample, and twice that while they are scaled
        most, of = 1, " of a picture of more than 8 bits"
    else:
        most, of = LARGEST, f", {LARGEST_JPEG * whole:g} of a JPEG"
    if width * height > most * max_pixels:
        raise PhotoError(
            f"The photo has {width} x {height} pixels ({width * height / 1e6:.0f} megapixels); "
            f"at most {most * whole:g} megapixels are accepted{of}."
        )
    check_size(width, height, width * height)


def _shrunk(
    image: Image.Image,
    reopen: Callable[[], Image.Image],
    max_pixels: int,
    say: Callable[[str], None] | None,
) -> Image.Image:
    """`_rgb` of a large picture, with at most so many pixels and the proportions of all."""
    width, height = image.size
    if width * height > LARGEST * max_pixels:  # a JPEG, which is decoded at half its sides
        image.draft("RGB", (width // 2, height // 2))
    photo = _rgb(image, reopen, say)
    share = min(1.0, (max_pixels / (photo.width * photo.height)) ** 0.5)
    return photo.resize((int(photo.width * share), int(photo.height * share)))


def _refuse_heic(source: str | Path | IO[bytes]) -> None:
    """Names the format of telephones that only an extra reads, in a file that was not read."""
    if isinstance(source, str | Path):
        with open(source, "rb") as file:
            head = file.read(64)
    else:
        source.seek(0)
        head = source.read(64)
    brands = head[8:]
    if head[4:8] == b"ftyp" and b"avi" not in brands and any(b in brands for b in _HEIC):
        raise PhotoError(
            "This is a HEIC picture, as telephones take them, that cannot be read here; save it as "
            "JPEG or PNG and choose that file, or install pillow-heif where this program runs."
        )
