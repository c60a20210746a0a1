"""Photos: any picture a person may bring, upright and in RGB, or a sentence why not."""

from glaclip.photo.reading import (
    ENDINGS,
    KINDS,
    MAX_ASPECT,
    MAX_PIXELS,
    MIN_SIDE,
    PhotoError,
    PhotoSource,
    as_photo,
    check_size,
    load_photo,
    open_picture,
    orientation_of,
    turned,
    upright_size,
)

__all__ = [
    "ENDINGS",
    "KINDS",
    "MAX_ASPECT",
    "MAX_PIXELS",
    "MIN_SIDE",
    "PhotoError",
    "PhotoSource",
    "as_photo",
    "check_size",
    "load_photo",
    "open_picture",
    "orientation_of",
    "turned",
    "upright_size",
]
