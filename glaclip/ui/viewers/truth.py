"""A label map of a photo against both sides: scores, pictures, errors. No gradio here."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.evaluation.data.classes import DatasetError, read_classes
from glaclip.evaluation.score.counts import Score, score_of
from glaclip.photo import PhotoError, check_size, open_picture
from glaclip.pictures.label_pictures import overlay
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors
from glaclip.segmenter import AnyPhoto, HashedPhoto, Progress
from glaclip.segmenter.labels import resize_labels
from glaclip.serving.service import Answer, Service
from glaclip.ui.form import Form, split_words
from glaclip.ui.viewers.figures import picture_html
from glaclip.vocabulary import VocabularyError

#: Values that label maps use for "no class" besides those that no class has.
DEFAULT_IGNORE = (255,)


def read_label_map(path: str | Path) -> NDArray[np.int64]:
    """Class values [H, W] of an indexed or grey picture (a PNG or another lossless format).

    Raises:
        PhotoError: not a label map; the message says what is accepted.
    """
    accepted = "A label map is an indexed or grey PNG whose pixel values are class numbers"
    try:
        with open_picture(path) as image:
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
    photo: AnyPhoto,
    form: Form,
    label_map: str | None,
    words: str,
    ignore: float | None,
    progress: Progress | None = None,
) -> tuple[Answer, tuple[Score, Score], NDArray[np.int64]]:
    """Runs both sides with the class list as words and scores them.

    Returns:
        Both sides, their scores, and the ground truth [H, W], -1 where it is left out.

    Raises:
        PhotoError, VocabularyError, SettingsError, BackboneError: each a sentence.
    """
    if not label_map:
        raise PhotoError("Choose a label map first: an indexed or grey PNG.")
    named = tuple(split_words([words]))
    request = dataclasses.replace(form, words=named, background=False).request()
    classes, notes = len(request.vocabulary.classes), request.vocabulary.notes
    if notes:
        # Leaving a double out would shift the numbers of all classes after it.
        raise VocabularyError(f"Each class of the list must be named once. {notes[0]}")
    hashed = HashedPhoto.of(photo)
    truth = resize_to(read_label_map(label_map), (hashed.image.height, hashed.image.width))
    left_out = DEFAULT_IGNORE if ignore is None else (int(ignore),)
    known = known_labels(truth, classes, left_out)
    result = service.answer(hashed, request, progress=progress)
    return result, (score_of(result.left, known), score_of(result.right, known)), known


def known_labels(
    truth: NDArray[np.int64], classes: int, left_out: Sequence[int]
) -> NDArray[np.int64]:
    """The ground truth [H, W], -1 where a value is no class or left out."""
    known = (truth >= 0) & (truth < classes) & ~np.isin(truth, left_out)
    return np.where(known, truth, -1)


def class_list(text: str) -> str:
    """The lines of a classes.txt as the list that the page's field takes.

    Raises:
        DatasetError: lines that cannot be read, or numbers with a gap, which the list would shift.
    """
    listed = read_classes(text)
    if sorted(listed) != list(range(len(listed))) or not listed:
        raise DatasetError(
            "The classes of classes.txt must be numbered from 0 without a gap; received "
            f"{', '.join(map(str, sorted(listed)[:20])) or 'none'}."
        )
    return ", ".join("; ".join(listed[index].prompts) for index in sorted(listed))


#: Errors: right, wrong, left out; told apart by lightness alone.
_ERROR_COLORS = np.array([[226, 228, 232], [178, 24, 43], [60, 60, 60]], np.uint8)
#: Long side of the pictures.
_PICTURE_SIDE = 720


def truth_colors(names: Sequence[str]) -> NDArray[np.uint8]:
    """Colors of the ground truth's classes, and dark grey for what is left out."""
    return np.concatenate([class_colors(names), np.full((1, 3), 60, np.uint8)])


def sides(
    photo: Image.Image,
    result: Answer,
    scores: tuple[Score, Score],
    truth: NDArray[np.int64],
) -> str:
    """Prediction, ground truth and errors of both sides, with their scores, as HTML.

    Args:
        photo: the photo.
        result: both sides.
        scores: of the left and the right side.
        truth: [H, W] class indices, -1 where left out.
    """
    classes = result.right.classes
    colors = truth_colors(classes)
    small = photo.convert("RGB")
    small.thumbnail((_PICTURE_SIDE, _PICTURE_SIDE), Image.Resampling.LANCZOS)
    true = overlay(small, np.where(truth < 0, len(classes), truth), colors, 0.62)
    rows = []
    for side, score in zip((result.left, result.right), scores, strict=True):
        title = side.method.title
        wrong = np.where(truth < 0, 2, side.labels != truth)
        pictures = (
            ("Prediction", overlay(small, side.labels, colors, 0.62), "predicted classes"),
            ("Ground truth", true, "true classes"),
            ("Errors", overlay(small.convert("L"), wrong, _ERROR_COLORS, 0.72), "wrong pixels"),
        )
        figures = "".join(
            picture_html(picture, name, f"{title}: the photo with the {what}.")
            for name, picture, what in pictures
        )
        rows.append(
            f"<section class='truth-side'><h2>{escape(title)}</h2><p>mIoU "
            f"<b>{_cell(score.miou)}</b>, pixel accuracy <b>{_cell(score.accuracy)}</b>, BER "
            f"<b>{_cell(score.ber)}</b></p><div class='truth-row'>{figures}</div></section>"
        )
    present = [index for index in range(len(classes)) if (truth == index).any()]
    entries = [(classes[index], colors[index]) for index in present]
    entries += [("wrong", _ERROR_COLORS[1]), ("left out", _ERROR_COLORS[2])]
    legend = "".join(
        f"<li><i style='background: rgb({red}, {green}, {blue})'></i>{escape(name)}</li>"
        for name, (red, green, blue) in entries
    )
    return f"{''.join(rows)}<ul class='truth-legend'>{legend}</ul>"


def _cell(value: float) -> str:
    return "–" if math.isnan(value) else percent(value)


def report(result: Answer, left: Score, right: Score) -> str:
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
        for name, a, b in zip(names, left.ious, right.ious, strict=True)
        if not math.isnan(a)
    )
    titles = (part.method.title for part in (result.left, result.right))
    head = "".join(f"<th scope='col'>{escape(title)}</th>" for title in titles)
    return (
        f"<table class='scores'><thead><tr><th></th>{head}</tr></thead>"
        f"<tbody>{measures}<tr class='group'><th colspan='3'>IoU of each class in the ground "
        f"truth</th></tr>{classes}</tbody></table>"
    )
