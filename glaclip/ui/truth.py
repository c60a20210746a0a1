"""A label map of a photo against both sides: mIoU, per-class IoU, BER. No gradio here."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.evaluation.metrics import class_iou, confusion, mean_iou, pixel_accuracy
from glaclip.labels import resize_labels
from glaclip.methods import method_title
from glaclip.photo import PhotoError, check_size
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors
from glaclip.seams import boundary_errors
from glaclip.segmenter import Progress, Segmentation
from glaclip.ui.form import Form, split_words
from glaclip.ui.service import Comparison, Service
from glaclip.vocabulary import VocabularyError

#: Values that label maps use for "no class" besides those that no class has.
DEFAULT_IGNORE = (255,)


@dataclass(frozen=True)
class Score:
    """Measures of one side.

    Attributes:
        miou: mean over classes present in the ground truth.
        accuracy: share of valid pixels with the right label.
        ber: boundary error rate; NaN with a single window.
        iou: [C] per class, NaN where the ground truth has none.
    """

    miou: float
    accuracy: float
    ber: float
    iou: NDArray[np.float64]


def read_label_map(path: str | Path) -> NDArray[np.int64]:
    """Class values [H, W] of an indexed or grey picture (a PNG or another lossless format).

    Raises:
        PhotoError: not a label map; the message says what is accepted.
    """
    accepted = "A label map is an indexed or grey PNG whose pixel values are class numbers"
    try:
        with Image.open(path) as image:
            check_size(*image.size)
            if image.format == "JPEG":
                raise PhotoError(f"{accepted}; JPEG changes the values and is not accepted.")
            if image.mode not in ("P", "L", "1", "I;16", "I;16B", "I"):
                raise PhotoError(f"{accepted}; received a picture in color ({image.mode}).")
            values: NDArray[np.int64] = np.asarray(image).astype(np.int64)
            return values
    except PhotoError:
        raise
    except Exception as error:
        raise PhotoError(f"{accepted}; this file could not be read.") from error


def resize_to(labels: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.int64]:
    """A label map at (height, width), nearest neighbor.

    Raises:
        PhotoError: proportions differ from the photo's by more than 2 %.
    """
    if abs(labels.shape[0] / labels.shape[1] / (size[0] / size[1]) - 1) > 0.02:
        raise PhotoError(
            f"The label map is {labels.shape[1]} x {labels.shape[0]} pixels and the photo "
            f"{size[1]} x {size[0]}; they must show the same picture in the same proportions."
        )
    return resize_labels(labels, size).astype(np.int64, copy=False)


def measure(
    service: Service,
    photo: Image.Image,
    form: Form,
    label_map: str | None,
    class_list: str,
    ignore: float | None,
    progress: Progress | None = None,
) -> tuple[Comparison, tuple[Score, Score], NDArray[np.int64]]:
    """Runs both sides with the class list as words and scores them.

    Returns:
        Both sides, their scores, and the ground truth [H, W] with one class more for what is left
        out.

    Raises:
        PhotoError, VocabularyError, SettingsError, BackboneError: each a sentence.
    """
    if not label_map:
        raise PhotoError("Choose a label map first: an indexed or grey PNG.")
    words = tuple(split_words([class_list]))
    request = dataclasses.replace(form, words=words, background=False).request()
    classes, notes = len(request.vocabulary.classes), request.vocabulary.notes
    if notes:
        # Leaving a double out would shift the numbers of all classes after it.
        raise VocabularyError(f"Each class of the list must be named once. {notes[0]}")
    truth = resize_to(read_label_map(label_map), (photo.height, photo.width))
    left_out = DEFAULT_IGNORE if ignore is None else (int(ignore),)
    result = service.compare(photo, request, progress)
    scores = score(result.left, truth, left_out), score(result.right, truth, left_out)
    known = (truth >= 0) & (truth < classes) & ~np.isin(truth, left_out)
    return result, scores, np.where(known, truth, classes)


def score(result: Segmentation, truth: NDArray[np.int64], ignore: tuple[int, ...]) -> Score:
    """Measures of a segmentation whose classes are those of the ground truth, in order."""
    counts = confusion(truth, result.labels, len(result.classes), ignore)
    encoded = result.encoded
    outside = [int(v) for v in np.unique(truth) if not 0 <= v < len(result.classes)]
    pairs = boundary_errors(result.labels, truth, encoded.boxes, encoded.size, (*ignore, *outside))
    return Score(mean_iou(counts), pixel_accuracy(counts), pairs.rate, class_iou(counts))


def truth_colors(names: Sequence[str]) -> NDArray[np.uint8]:
    """Colors of the ground truth's classes, and dark grey for what is left out."""
    return np.concatenate([class_colors(names), np.full((1, 3), 60, np.uint8)])


def _cell(value: float) -> str:
    return "–" if math.isnan(value) else percent(value)


def report(result: Comparison, left: Score, right: Score) -> str:
    """Both sides as an HTML table."""
    names = result.right.classes
    rows = [
        ("mIoU", left.miou, right.miou),
        ("Pixel accuracy", left.accuracy, right.accuracy),
        ("BER (boundary error rate)", left.ber, right.ber),
    ]
    measures = "".join(
        f"<tr class='measure'><th scope='row'>{name}</th><td>{_cell(a)}</td>"
        f"<td>{_cell(b)}</td></tr>"
        for name, a, b in rows
    )
    classes = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{_cell(a)}</td><td>{_cell(b)}</td></tr>"
        for name, a, b in zip(names, left.iou, right.iou, strict=True)
        if not math.isnan(a)
    )
    titles = (method_title(part.method) for part in (result.left, result.right))
    head = "".join(f"<th scope='col'>{escape(title)}</th>" for title in titles)
    return (
        f"<table class='scores'><thead><tr><th></th>{head}</tr></thead>"
        f"<tbody>{measures}<tr class='group'><th colspan='3'>IoU of each class in the ground "
        f"truth</th></tr>{classes}</tbody></table>"
    )
