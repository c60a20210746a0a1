"""Photos on which a method did worst, as pictures: photo, truth, prediction, errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from glaclip.evaluation.data.datasets import Dataset
from glaclip.evaluation.run.setting import Entry
from glaclip.photo import load_photo
from glaclip.pictures.drawing import Colors, scaled_to
from glaclip.pictures.encoding import data_uri, encoded
from glaclip.pictures.label_pictures import overlay
from glaclip.pictures.palette import palette
from glaclip.segmenter import Segmenter
from glaclip.segmenter.labels import resize_labels
from glaclip.segmenter.seams import Labels
from glaclip.settings import WindowSettings

#: Longest sides of a picture in the report.
_SIDE = 420
_WRONG, _UNJUDGED = (214, 40, 57), (30, 32, 38)


@dataclass(frozen=True)
class WorstPhoto:
    """A photo and what a method made of it.

    Attributes:
        stem: the photo's name.
        method: title of the method.
        pictures: (caption, "data:" address) in the order to be shown.
        classes: (name, "#rrggbb") of the classes in truth or prediction.
    """

    stem: str
    method: str
    pictures: tuple[tuple[str, str], ...]
    classes: tuple[tuple[str, str], ...]


def worst_pictures(
    segmenter: Segmenter,
    dataset: Dataset,
    windows: WindowSettings,
    entry: Entry,
    stems: Sequence[str],
) -> list[WorstPhoto]:
    """Segments photos again and draws them.

    Args:
        segmenter: with the backbone.
        dataset: the set.
        windows: how photos are cut.
        entry: whose predictions are shown.
        stems: the photos, in the order to be shown.
    """
    samples = {sample.stem: sample for sample in dataset.samples}
    vocabulary = dataset.vocabulary
    colors = palette(len(vocabulary.classes), vocabulary.background)
    found = []
    for stem in stems:
        photo = load_photo(samples[stem].photo)
        predicted = segmenter.segment(
            segmenter.encode(photo, windows),
            vocabulary,
            entry.method,
        ).labels
        small = scaled_to(photo, _SIDE, _SIDE)
        size = (small.height, small.width)
        truth = resize_labels(dataset.truth(samples[stem]), size)
        labels = resize_labels(predicted, size)
        found.append(_drawn(stem, entry.title, small, truth, labels, vocabulary.names, colors))
    return found


def _drawn(
    stem: str,
    title: str,
    photo: Image.Image,
    truth: Labels,
    labels: Labels,
    names: Sequence[str],
    colors: Colors,
) -> WorstPhoto:
    unjudged = truth < 0
    judged = np.concatenate([colors, np.array([_UNJUDGED], np.uint8)])
    shown_truth = np.where(unjudged, len(colors), truth)
    pictures = (
        ("Photo", photo),
        ("Truth", overlay(photo, shown_truth, judged, 0.72)),
        ("Prediction", overlay(photo, labels, colors, 0.72)),
        ("Errors: red is wrong, dark is not judged", error_picture(photo, truth, labels)),
    )
    present = sorted({int(v) for v in np.unique(truth[~unjudged])} | set(np.unique(labels)))
    return WorstPhoto(
        stem,
        title,
        tuple((name, data_uri(encoded(p, "JPEG", quality=85), "jpeg")) for name, p in pictures),
        tuple((names[i], "#{:02x}{:02x}{:02x}".format(*colors[i])) for i in present),
    )


def error_picture(photo: Image.Image, truth: Labels, labels: Labels) -> Image.Image:
    """The photo in gray, wrong pixels red and pixels that are not judged dark.

    Args:
        photo: of the labels' size.
        truth: [H, W], below zero where not judged.
        labels: [H, W].
    """
    kinds = np.where(truth < 0, 2, np.where(truth == labels, 0, 1))
    tints = np.array([(255, 255, 255), _WRONG, _UNJUDGED], np.float64)[kinds]
    opacity = np.array([0.35, 0.7, 0.8])[kinds][..., None]
    gray = np.asarray(photo.convert("L").convert("RGB"), dtype=np.float64)
    return Image.fromarray((gray * (1 - opacity) + tints * opacity).round().astype(np.uint8))
