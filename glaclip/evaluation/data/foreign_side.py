"""A side of a comparison from a file: the label map of any other method, named by the person."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from glaclip.evaluation.data.class_lists import find_class_list, load_class_list
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.fitting import fitted
from glaclip.evaluation.data.label_maps import Meaning, outside_sentence, read_label_map
from glaclip.segmenter import Method, Segmentation
from glaclip.segmenter.labels import resize_labels
from glaclip.segmenter.seams import Labels, Pairs
from glaclip.vocabulary import Vocabulary, word_key

_LONGEST_NAME = 60


def side_from_file(
    path: str | Path, name: str, beside: Segmentation, photo: Path | None = None
) -> Segmentation:
    """Labels of a file in the place of a method's.

    A class list beside the file says what its values mean, by the names that it shares with the
    vocabulary; without one they count the vocabulary's classes from 0.

    Args:
        path: an indexed PNG or another label map.
        name: the method's name for people.
        beside: the result of the same photo that it is compared with.
        photo: the photo's file, for its EXIF orientation.

    Raises:
        DatasetError: no label map, another shape, or pixels of no class and no background.
    """
    path, vocabulary = Path(path), beside.vocabulary
    height, width = beside.encoded.photo_size
    label_map = fitted(read_label_map(path, meaning_of(path, vocabulary)), (height, width), photo)
    if label_map.outside:
        if vocabulary.background is None:
            raise DatasetError(
                f"{path.name} has pixels of none of the classes ({', '.join(vocabulary.names)}): "
                f"{outside_sentence(label_map.outside, label_map.labels.size)}"
            )
        label_map.labels[label_map.labels < 0] = vocabulary.background
    labels = resize_labels(label_map.labels, (height, width)).astype(np.int16)
    labels.flags.writeable = False
    title = " ".join(name.split())[:_LONGEST_NAME] or path.stem
    return ForeignSide(
        labels,
        vocabulary,
        Method(None, baseline=title),
        _scores(labels, beside),
        beside.encoded,
        seconds={},
        cached=frozenset(),
        rivals=beside.rivals,
    )


class ForeignSide(Segmentation):
    """Labels that no windows made: nothing can be said of what its windows contradict."""

    @functools.cached_property
    def presence(self) -> NDArray[np.float32]:
        """[C] 1 for classes with a pixel, else 0: of a foreign method no more is known."""
        present = np.bincount(self.labels.reshape(-1), minlength=len(self.classes)) > 0
        return present.astype(np.float32)

    @functools.cached_property
    def _compared(self) -> tuple[Pairs, NDArray[np.uint8]]:
        return Pairs(), np.zeros(self.encoded.size, np.uint8)


def meaning_of(path: Path, vocabulary: Vocabulary) -> Meaning:
    """What the values of a person's label map mean in the classes of a vocabulary."""
    found = find_class_list(path.parent)
    if found is None:
        return Meaning.of({index: index for index in range(len(vocabulary.classes))})
    listed = load_class_list(found)
    owner = {word_key(p): i for i, entry in enumerate(vocabulary.classes) for p in entry.prompts}
    owner |= {word_key(entry.name): i for i, entry in enumerate(vocabulary.classes)}
    classes = {
        value: owner[word_key(entry.name)]
        for value, entry in listed.classes.items()
        if word_key(entry.name) in owner
    }
    return Meaning.of(classes, listed)


def _scores(labels: Labels, beside: Segmentation) -> torch.Tensor:
    """[L, Q, gh, gw]: 1 for the class of a place and 0 else; no window contradicts another."""
    theirs = beside.window_scores
    scores = theirs.new_zeros((len(beside.encoded.boxes), *theirs.shape[1:]))
    rows, columns = scores.shape[-2:]
    small = resize_labels(labels, beside.encoded.size)
    first = np.cumsum([0, *(len(entry.prompts) for entry in beside.vocabulary.classes)])[:-1]
    for window, box in zip(scores, beside.encoded.boxes, strict=True):
        inner = resize_labels(small[box.top : box.bottom, box.left : box.right], (rows, columns))
        prompts = torch.as_tensor(first[inner], device=scores.device)
        window.scatter_(0, prompts[None], 1.0)
    return scores
