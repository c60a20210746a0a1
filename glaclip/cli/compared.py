"""One photo by several methods: what `compare` keeps of it, which is no tokens."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from glaclip.evaluation.data.foreign_side import side_from_file
from glaclip.evaluation.data.foreign_truth import label_map_of, truth_from_file
from glaclip.evaluation.data.label_maps import LabelMap
from glaclip.evaluation.data.photo_inputs import PhotoFile
from glaclip.evaluation.score.counts import Score, score_of
from glaclip.photo import load_photo
from glaclip.pictures.columns import Cell
from glaclip.pictures.export import seam_rate_of
from glaclip.pictures.numbers import percent
from glaclip.segmenter import Method, Segmentation, Segmenter
from glaclip.segmenter.seams import Labels, interior_edges
from glaclip.settings import WindowSettings
from glaclip.vocabulary import Vocabulary

HEADS = ("photo", "method", "miou", "ber", "seam_rate", "disagreement")
#: A longer title takes two lines.
_ONE_LINE = 24


@dataclass(frozen=True)
class Column:
    """A column of results.

    Attributes:
        name: short, of files and tables.
        title: above it.
        method: None where label maps come from files.
        place: where these are: a file, or a folder with the photos' names.
    """

    name: str
    title: str
    method: Method | None = None
    place: Path | None = None


@dataclass
class Compared:
    """A photo by all columns.

    Attributes:
        photo: its file.
        image: its pixels.
        truth: None where there is none.
        notes: what is said under it.
        cells: panels of the columns, in their order.
        labels: of the methods, by the names of their columns.
        scores: by column, where there is truth.
        rows: of the table, a column each.
    """

    photo: PhotoFile
    image: Image.Image
    truth: LabelMap | None
    notes: tuple[str, ...] = ()
    cells: list[Cell] = field(default_factory=list)
    labels: dict[str, Labels] = field(default_factory=dict)
    scores: dict[str, Score] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def panels(self, with_truth: bool) -> list[Cell]:
        """Input, ground truth if any photo of the figure has one, and the columns."""
        truth = [Cell("Ground truth", self.truth.labels if self.truth else None)]
        return [Cell("Input", None, self.notes), *(truth if with_truth else ()), *self.cells]


def compare_photo(
    photo: PhotoFile,
    columns: Sequence[Column],
    segmenter: Segmenter,
    vocabulary: Vocabulary,
    windows: WindowSettings,
    truth: Path | None,
    *,
    alone: bool,
    seams: bool,
) -> Compared:
    """Every column's labels of a photo, and their scores.

    Args:
        photo: its file.
        columns: methods and files.
        segmenter: with the backbone.
        vocabulary: the words.
        windows: how photos are cut.
        truth: a label map, or a folder of them.
        alone: whether this is the only photo, to which a single file may belong.
        seams: whether jumps of labels at window edges are to be drawn.

    Raises:
        PhotoError, DatasetError: what cannot be read.
    """
    image = load_photo(photo.path)
    found = Compared(photo, image, None, tuple(filter(None, [windows.unlike_the_paper])))
    if truth is not None and (place := label_map_of(truth, photo.stem, alone=alone)):
        size = (image.height, image.width)
        found.truth = truth_from_file(place, vocabulary, size, photo.path)
    encoded = segmenter.encode(image, windows)
    beside: Segmentation | None = None
    for column in columns:
        if column.method is not None:
            result = beside = segmenter.segment(encoded, vocabulary, column.method)
            found.labels[column.name] = result.labels
        else:
            assert column.place is not None
            file = label_map_of(column.place, photo.stem, alone=alone)
            if file is None:
                found.cells.append(Cell(_title(column), None, ("no label map",)))
                continue
            beside = beside or segmenter.segment(encoded, vocabulary)
            result = side_from_file(file, column.title, beside, photo.path)
        _add(found, column, result, seams)
    return found


def _add(found: Compared, column: Column, result: Segmentation, seams: bool) -> None:
    score = score_of(result, found.truth.labels) if found.truth is not None else None
    rate = seam_rate_of(result)
    encoded = result.encoded
    lines = interior_edges(encoded.boxes, encoded.size, result.labels.shape) if seams else None
    notes = tuple(_notes(score, rate, result.disagreement))
    found.cells.append(Cell(_title(column), result.labels, notes, lines))
    measured = (score.miou, score.ber) if score else (math.nan, math.nan)
    numbers = (*measured, math.nan if rate is None else rate, result.disagreement)
    found.rows.append(_row(found.photo.name, column.name, numbers))
    if score is not None:
        found.scores[column.name] = score


def _title(column: Column) -> str:
    """In two lines where it is long."""
    words, half = column.title.split(), len(column.title) / 2
    if len(column.title) <= _ONE_LINE or len(words) < 2:
        return column.title
    first = min(range(1, len(words)), key=lambda n: abs(len(" ".join(words[:n])) - half))
    return f"{' '.join(words[:first])}\n{' '.join(words[first:])}"


def _notes(score: Score | None, rate: float | None, disagreement: float) -> Iterator[str]:
    if score is not None:
        ber = "" if math.isnan(score.ber) else f" · BER {percent(score.ber)}"
        yield f"mIoU {100 * score.miou:.1f}{ber}"
    else:
        yield "" if rate is None else f"seam rate {percent(rate)}"
    if not math.isnan(disagreement):
        yield f"disagreement {percent(disagreement)}"


def _row(photo: str, name: str, numbers: Sequence[float]) -> dict[str, Any]:
    shown = [None if math.isnan(number) else round(number, 6) for number in numbers]
    return dict(zip(HEADS, (photo, name, *shown), strict=True))


class Totals:
    """Counts of all photos with truth, added by column."""

    def __init__(self) -> None:
        self._scores: dict[str, Score] = {}

    def add(self, compared: Compared) -> None:
        """Counts a photo in."""
        for name, score in compared.scores.items():
            known = self._scores.get(name)
            self._scores[name] = known + score if known is not None else score

    def rows(self) -> list[dict[str, Any]]:
        """A row a column, where more than one photo had truth."""
        return [
            _row(
                f"all {total.photos}",
                name,
                (total.miou, total.ber, total.seam_rate, total.disagreement),
            )
            for name, total in self._scores.items()
            if total.photos > 1
        ]
