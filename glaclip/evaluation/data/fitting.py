"""Label maps laid on their photos: as upright as these, in the same proportions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.label_maps import LabelMap, Labels, turned_labels
from glaclip.photo import PhotoError, load_photo, open_picture, orientation_of
from glaclip.segmenter.labels import resize_labels

#: Sides may differ in proportion by this much: tools round sizes.
_SHAPE_TOLERANCE = 0.02
#: Colors are compared on a photo of at most this many pixels a side.
_LOOKED_AT = 512


def fitted(label_map: LabelMap, size: tuple[int, int], photo: Path | None = None) -> LabelMap:
    """A label map as upright as its photo, at its own size.

    Args:
        label_map: from `read_label_map`.
        size: (height, width) of the upright photo.
        photo: its file. By its EXIF orientation a map is turned that fits the stored pixels and
            not the upright photo; of one that fits both, the photo's colors tell, and `guess`
            says what they told.

    Raises:
        DatasetError: it shows another shape than the photo.
    """
    height, width = label_map.labels.shape
    orientation = 1
    if photo is not None:
        with open_picture(photo) as image:
            orientation = orientation_of(image)
    upright = _same_shape((height, width), size)
    # From 5 on the sides are exchanged.
    as_stored = (width, height) if orientation >= 5 else (height, width)
    stored = orientation > 1 and _same_shape(as_stored, size)
    if not (upright or stored):
        raise DatasetError(
            f"the ground truth is {width} x {height} pixels and the photo {size[1]} x {size[0]}; "
            "they must show the same picture in the same proportions"
        )
    if not stored or photo is None:
        return label_map
    turned = dataclasses.replace(label_map, labels=turned_labels(label_map.labels, orientation))
    return _likelier(label_map, turned, photo, orientation) if upright else turned


def _same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return abs(one[0] / one[1] / (other[0] / other[1]) - 1) <= _SHAPE_TOLERANCE


def _likelier(upright: LabelMap, turned: LabelMap, photo: Path, orientation: int) -> LabelMap:
    try:
        picture = load_photo(photo)
    except PhotoError:  # whoever reads the photo says so
        return upright
    picture.thumbnail((_LOOKED_AT, _LOOKED_AT), Image.Resampling.BOX)
    colors = np.asarray(picture, dtype=np.float32)
    stored = _spread(turned.labels, colors) < _spread(upright.labels, colors)
    told = "drawn on the stored pixels, and turned with it" if stored else "upright"
    guess = (
        f"the photo is turned by its EXIF orientation ({orientation}) and the ground truth fits "
        f"both ways; by the photo's colors it is taken as {told}"
    )
    return dataclasses.replace(turned if stored else upright, guess=guess)


def _spread(labels: Labels, colors: NDArray[np.float32]) -> float:
    """Squared differences of a photo's colors [H, W, 3] from the means of their classes, summed."""
    height, width = colors.shape[:2]
    small = resize_labels(labels, (height, width))
    parts = [colors[small == label] for label in np.unique(small)]
    return float(sum(((part - part.mean(0)) ** 2).sum() for part in parts))
