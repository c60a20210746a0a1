"""One photo's labels, ready to be written in any format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glaclip.pictures.drawing import Colors
from glaclip.pictures.formats.place import MapPlace
from glaclip.segmenter.seams import Labels


@dataclass(frozen=True)
class LabeledPhoto:
    """Labels of a photo.

    Attributes:
        stem: the photo's name without its ending, with "/" between folders.
        photo: its file name, with its folders.
        labels: [H, W] class indices, below zero where a pixel has none; H, W are the photo's.
        classes: names by index.
        colors: [C, 3], by index.
        place: where its pixels lie on a map, if the file says.
    """

    stem: str
    photo: str
    labels: Labels
    classes: tuple[str, ...]
    colors: Colors
    place: MapPlace | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.labels.shape
        return height, width

    def masks(self) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """(class index, mask [H, W]) of every class that has a pixel."""
        for index in np.unique(self.labels):
            if index >= 0:
                yield int(index), self.labels == index
