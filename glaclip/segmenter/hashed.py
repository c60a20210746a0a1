"""A photo with the hash of its content: checked and hashed once, whoever asks for it how often."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from glaclip.photo import PhotoSource, as_photo
from glaclip.support.cache import digest


@dataclass(frozen=True, eq=False)
class HashedPhoto:
    """A photo that nobody changes any more.

    Attributes:
        image: upright RGB.
        content: hash of its size and pixels.
    """

    image: Image.Image
    content: str

    @classmethod
    def of(cls, photo: AnyPhoto) -> HashedPhoto:
        """Checks and hashes a photo, unless that was done.

        Raises:
            PhotoError: a photo that cannot be used.
        """
        if isinstance(photo, HashedPhoto):
            return photo
        image = as_photo(photo)
        return cls(image, digest(image.tobytes(), image.size))


#: What is segmented: a photo, or one that was checked and hashed before.
AnyPhoto = PhotoSource | HashedPhoto
