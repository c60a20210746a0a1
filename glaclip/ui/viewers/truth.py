"""A label map of a photo against both sides: scores, pictures, errors. No gradio here."""

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

from glaclip.evaluation.data.class_lists import load_class_list
from glaclip.evaluation.data.classes import vocabulary_of
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.fitting import fitted
from glaclip.evaluation.data.label_maps import (
    Meaning,
    absent_sentence,
    outside_sentence,
    read_label_map,
)
from glaclip.evaluation.score.counts import Score, score_of
from glaclip.photo import PhotoError
from glaclip.pictures.label_pictures import overlay
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors
from glaclip.segmenter import AnyPhoto, HashedPhoto, Progress
from glaclip.segmenter.labels import resize_labels
from glaclip.segmenter.seams import Labels
from glaclip.serving.service import Answer, Service
from glaclip.ui.form import Form, split_words
from glaclip.ui.viewers.figures import picture_html
from glaclip.vocabulary import VocabularyError

#: Values that label maps use for "no class" besides those that no class has.
DEFAULT_IGNORE = (255,)
#: How a label map counts its classes.
FROM_0, FROM_1 = "0", "1"


@dataclass(frozen=True)
class Measured:
    """Both sides against a label map.

    Attributes:
        result: both sides.
        scores: of the left and the right side.
        truth: [H, W] at the photo's size, -1 where it is left out.
        notes: what belongs to no class, and classes without a pixel, in sentences.
    """

    result: Answer
    scores: tuple[Score, Score]
    truth: Labels
    notes: tuple[str, ...]


def measure(
    service: Service,
    photo: AnyPhoto,
    form: Form,
    label_map: str | None,
    words: str,
    ignore: float | None,
    counted: str | None = None,
    progress: Progress | None = None,
    *,
    file: str | None = None,
) -> Measured:
    """Runs both sides with the class list as words and scores them.

    Args:
        service: of the page.
        photo: upright.
        form: the controls; its words count for nothing.
        label_map: path of a file.
        words: the classes in the order of their numbers.
        ignore: value that means no class.
        counted: `FROM_0`, `FROM_1`, or None for from 0 unless the values seem otherwise.
        progress: see `Service.answer`.
        file: the photo's own file, by whose EXIF orientation a label map is turned that fits its
            stored pixels.

    Raises:
        PhotoError, VocabularyError, DatasetError, SettingsError, BackboneError: each a sentence.
    """
    if not label_map:
        raise PhotoError("Choose a label map first: an indexed or gray PNG.")
    named = tuple(split_words([words]))
    request = dataclasses.replace(form, words=named, background=False).request()
    if notes := request.vocabulary.notes:
        # Leaving a double out would shift the numbers of all classes after it.
        raise VocabularyError(f"Each class of the list must be named once. {notes[0]}")
    vocabulary = vocabulary_of(request.vocabulary.classes, "the list")
    request = dataclasses.replace(request, vocabulary=vocabulary)
    left_out = DEFAULT_IGNORE if ignore is None else (int(ignore),)
    classes = len(vocabulary.classes)
    first = 1 if counted == FROM_1 else 0
    stored = {index + first: index for index in range(classes) if index + first not in left_out}
    hashed = HashedPhoto.of(photo)
    size = (hashed.image.height, hashed.image.width)
    read = read_label_map(label_map, Meaning.of(stored))
    beyond = {value for value in read.outside if value not in map(str, left_out)}
    if not counted and beyond == {str(classes)}:
        raise PhotoError(
            f"The numbers of this label map seem to start at 1: the largest is {classes}, and the "
            f"list names {classes} classes. Say below how they are counted, then measure again."
        )
    found = fitted(read, size, Path(file) if file else None)
    truth: Labels = resize_labels(found.labels, size)
    result = service.answer(hashed, request, progress=progress)
    scores = score_of(result.left, truth), score_of(result.right, truth)
    absent = [vocabulary.names[index] for index in range(classes) if not (truth == index).any()]
    said = outside_sentence(found.outside, found.labels.size), absent_sentence(absent)
    guess = f"{found.guess[:1].upper()}{found.guess[1:]}." if found.guess else ""
    return Measured(result, scores, truth, tuple(filter(None, (*said, guess))))


def class_list(path: str | Path) -> str:
    """A file's classes as the list that the page's field takes.

    Raises:
        DatasetError: what cannot be read, or numbers with a gap, which the list would shift.
    """
    listed = load_class_list(Path(path))
    indices = sorted(listed.classes)
    if indices != list(range(len(indices))):
        raise DatasetError(
            f"The classes of {listed.name} must be numbered from 0 without a gap; received "
            f"{', '.join(map(str, indices[:20])) or 'none'}."
        )
    return ", ".join("; ".join(listed.classes[index].prompts) for index in indices)


#: Errors: right, wrong, left out; told apart by lightness alone.
_ERROR_COLORS = np.array([[226, 228, 232], [178, 24, 43], [60, 60, 60]], np.uint8)
#: Long side of the pictures.
_PICTURE_SIDE = 720


def truth_colors(names: Sequence[str]) -> NDArray[np.uint8]:
    """Colors of the ground truth's classes, and dark gray for what is left out."""
    return np.concatenate([class_colors(names), np.full((1, 3), 60, np.uint8)])


def sides(
    photo: Image.Image,
    result: Answer,
    scores: tuple[Score, Score],
    truth: Labels,
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
    present = set(np.unique(truth)) - {-1}
    seen = present.union(*(np.unique(side.labels) for side in (result.left, result.right)))
    entries = [
        (classes[index] + ("" if index in present else " (not in the truth)"), colors[index])
        for index in sorted(seen)
    ]
    entries += [("wrong", _ERROR_COLORS[1]), ("left out", _ERROR_COLORS[2])]
    legend = "".join(
        f"<li><i style='background: rgb({red}, {green}, {blue})'></i>{escape(name)}</li>"
        for name, (red, green, blue) in entries
    )
    return f"{''.join(rows)}<ul class='truth-legend'>{legend}</ul>"


def _cell(value: float) -> str:
    return "–" if math.isnan(value) else percent(value)


def report(result: Answer, left: Score, right: Score, notes: Sequence[str] = ()) -> str:
    """Both sides as an HTML table, and what is to be known of the ground truth."""
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
        + "".join(f"<p class='hint'>{escape(note)}</p>" for note in notes)
    )
