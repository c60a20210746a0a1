"""Pictures as the bytes of a file, and as an address that holds the picture itself."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
from PIL import Image

#: Zip files need some date; the same files give the same bytes.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def png_bytes(picture: Image.Image) -> bytes:
    """A picture as a PNG file."""
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=picture.mode == "P")
    return stream.getvalue()


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    """A picture in one of Pillow's formats, such as "JPEG"; options are its `save`'s."""
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def data_uri(content: bytes, form: str) -> str:
    """The bytes of a picture file as a "data:" address; `form` is "jpeg", "png" or "webp"."""
    return f"data:image/{form.lower()};base64,{base64.b64encode(content).decode('ascii')}"


def picture_uri(picture: Image.Image, form: str, **options: Any) -> str:
    """A picture as a "data:" address; the arguments are those of `encoded`."""
    return data_uri(encoded(picture, form, **options), form)


def json_bytes(document: object) -> bytes:
    """A document as a JSON file for programs, without a space."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def npz_bytes(**arrays: Any) -> bytes:
    """Arrays as a compressed .npz file."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()
