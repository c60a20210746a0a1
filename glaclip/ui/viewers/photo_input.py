"""A photo input that answers bad files with a sentence and keeps what was there before."""

from __future__ import annotations

import os
from typing import Any

from PIL import Image

from glaclip.photo import MAX_PIXELS, PhotoError, load_photo
from glaclip.pictures.encoding import encoded
from glaclip.ui.gradio.quick import gr
from glaclip.ui.gradio.served_files import save_to_cache

#: The page shrinks photos to this long side; the command line keeps every pixel.
LONG_SIDE = 2048


class PhotoInput(gr.UploadButton):  # type: ignore[misc]
    """A button that holds the page's photo by file path.

    Gradio's own reading of broken files would show a server path. Pasted and dropped photos, and
    those of the camera, come through the button's file input too (see page.js).
    """

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The uploaded file's path, or a sentence."""
        if payload is None or payload.path is None:
            return None
        if not os.path.isfile(payload.path):
            raise gr.Error(
                "The uploaded photo is no longer on the server; please upload it again.",
                print_exception=False,
            )
        return payload.path


def shrink(photo: Image.Image) -> Image.Image:
    """At most `LONG_SIDE` pixels on the long side; what the page shows is what it segments."""
    if max(photo.size) > LONG_SIDE:
        photo = photo.copy()
        photo.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    return photo


def keep(photo: Image.Image) -> str:
    """The PNG file of a photo that `read` gave: upright, RGB and small enough."""
    return save_to_cache(encoded(photo, "PNG", compress_level=1), "photo.png")


def read_original(path: str | None, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The photo of the input, upright, with every pixel; raises as `read` does."""
    if path is None:
        raise gr.Error("Choose a photo first.", print_exception=False)
    try:
        return load_photo(path, max_pixels)
    except PhotoError as error:
        raise gr.Error(str(error), print_exception=False) from None


def read(path: str | None, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The photo of the input as the model gets it.

    Raises:
        gr.Error: no photo, or one that cannot be read.
    """
    return shrink(read_original(path, max_pixels))
