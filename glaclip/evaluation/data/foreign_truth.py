"""Ground truth of a photo that no set holds: a label map that the person names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.fitting import fitted
from glaclip.evaluation.data.foreign_side import meaning_of
from glaclip.evaluation.data.label_maps import LabelMap, read_label_map
from glaclip.evaluation.data.pairs import map_of
from glaclip.segmenter.labels import resize_labels
from glaclip.vocabulary import Vocabulary


def truth_from_file(
    path: Path, vocabulary: Vocabulary, size: tuple[int, int], photo: Path
) -> LabelMap:
    """A label map in the classes of a vocabulary, at the photo's size.

    A class list beside the file says what its values mean, by the names that it shares with the
    vocabulary; without one they count the vocabulary's classes from 0. What is none of them counts
    for nothing.

    Args:
        path: an indexed PNG or another label map.
        vocabulary: the words.
        size: (height, width) of the upright photo.
        photo: the photo's file, for its EXIF orientation.

    Raises:
        DatasetError: no label map, another shape, or no pixel of any class.
    """
    found = fitted(read_label_map(path, meaning_of(path, vocabulary)), size, photo)
    if not (found.labels >= 0).any():
        raise DatasetError(
            f"the ground truth {path.name} has no pixel of any of the classes "
            f"({', '.join(vocabulary.names)}): its values must count them from 0, or a class list "
            "beside it must name them"
        )
    labels = resize_labels(found.labels, size).astype(np.int16, copy=False)
    return dataclasses.replace(found, labels=labels)


def label_map_of(place: Path, stem: str, *, alone: bool) -> Path | None:
    """The label map of a photo: a file, or the one of its name in a folder.

    Args:
        place: what the person named.
        stem: the photo's name without its ending.
        alone: whether there is one photo, to which a single file may belong.

    Raises:
        DatasetError: a file for several photos, or nothing there.
    """
    if place.is_dir():
        return map_of(place, stem)
    if not alone:
        raise DatasetError(
            f"{place.name} is one label map and there are several photos: give a folder of label "
            "maps with the photos' names"
        )
    if not place.is_file():
        raise DatasetError(f"there is no label map {place}")
    return place
