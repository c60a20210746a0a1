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
#: How the browser names a photo that the server had and lost, see photo.js.
SENT_AGAIN = "sent-again"


class LostPhotoError(gr.Error):  # type: ignore[misc]
    """The photo of an open page is gone: an old upload, or one to a server that has restarted."""

    def __init__(self) -> None:
        super().__init__("Your photo is no longer on the server.", print_exception=False)


class PhotoInput(gr.UploadButton):  # type: ignore[misc]
    """A button that holds the page's photo by file path.

    Gradio's own reading of broken files would show a server path. Pasted and dropped photos, and
    those of the camera, come through the button's file input too (see page.js).
    """

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The uploaded file's path; it may be gone, see `read`."""
        return None if payload is None else payload.path


def sent_again(path: str | None) -> bool:
    """Whether an upload is a photo that the page had before."""
    return os.path.basename(path or "").startswith(SENT_AGAIN)


def shrink(photo: Image.Image) -> Image.Image:
    """At most `LONG_SIDE` pixels on the long side; what the page shows is what it segments."""
    if max(photo.size) > LONG_SIDE:
        photo = photo.copy()
        photo.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    return photo


def keep(photo: Image.Image) -> str:
    """The PNG file of a photo that `read` gave: upright, RGB and small enough."""
    return save_to_cache(encoded(photo, "PNG", compress_level=1), "photo.png")


def read(path: str | None, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The photo of the input as the model gets it.

    Raises:
        gr.Error: no photo, or one that cannot be read.
    """
    if path is None:
        raise gr.Error("Choose a photo first.", print_exception=False)
    if not os.path.isfile(path):
        raise LostPhotoError
    try:
        return shrink(load_photo(path, max_pixels, say=gr.Info))
    except PhotoError as error:
        raise gr.Error(str(error), print_exception=False) from None
