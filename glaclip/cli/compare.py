"""`compare`: one figure of photos by many methods, with truth and scores."""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from matplotlib.figure import Figure
from PIL import Image

from glaclip.cli.compare_arguments import KINDS
from glaclip.cli.console import Console, UsageError, table
from glaclip.cli.options import Loader, check_writable, output_folder, write
from glaclip.cli.word_options import WordOptions, vocabulary_of
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.foreign_side import side_from_file
from glaclip.evaluation.data.foreign_truth import label_map_of, truth_from_file
from glaclip.evaluation.data.label_maps import LabelMap, outside_sentence
from glaclip.evaluation.data.photo_inputs import PhotoFile, photos_of
from glaclip.evaluation.run.evaluate import CACHE_BYTES
from glaclip.evaluation.score.counts import Score, score_of
from glaclip.photo import PhotoError, load_photo
from glaclip.pictures.columns import Cell, columns_figure, figure_bytes, pages_bytes
from glaclip.pictures.drawing import Colors
from glaclip.pictures.encoding import png_bytes
from glaclip.pictures.export import seam_rate_of
from glaclip.pictures.label_pictures import label_png
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors
from glaclip.segmenter import Method, Segmentation, Segmenter
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.seams import interior_edges
from glaclip.segmenter.word_store import WordStore
from glaclip.vocabulary import Vocabulary

_LEAST_DPI, _MOST_DPI = 100, 600
#: Rows of one figure; a printed page holds no more.
_MOST_ROWS = 12


@dataclass(frozen=True, kw_only=True)
class CompareOptions(WordOptions):
    """The arguments of `compare`; `files` are (name, place) of columns from label maps."""

    photos: tuple[str, ...]
    methods: tuple[str, ...]
    files: tuple[tuple[str, Path], ...]
    truth: Path | None
    out: Path
    columns: int
    dpi: int
    seams: bool
    opacity: float
    json: bool

    @classmethod
    def of(cls, args: argparse.Namespace, **derived: Any) -> Self:
        """See `Options`."""
        if args.out.suffix.lower().lstrip(".") not in KINDS:
            raise UsageError(
                f"--out must be a file that ends in .{', .'.join(KINDS)}; received {args.out.name}"
            )
        if not _LEAST_DPI <= args.dpi <= _MOST_DPI:
            raise UsageError(f"--dpi must be {_LEAST_DPI} to {_MOST_DPI}; received {args.dpi}")
        if args.columns < 0:
            raise UsageError(f"--columns must be at least 1; received {args.columns}")
        if not 0 <= args.opacity <= 1:
            raise UsageError(f"--opacity must be a number from 0 to 1; received {args.opacity:g}")
        own = {
            "photos": tuple(args.photos),
            "methods": tuple(dict.fromkeys(args.methods)),
            "files": tuple(_named(text) for text in args.files),
        }
        return super().of(args, **own, **derived)


def _named(text: str) -> tuple[str, Path]:
    name, joined, place = text.partition("=")
    if not joined or not name.strip() or not place.strip():
        raise UsageError(f"--file must be NAME=FILE, such as SAM=labels.png; received {text!r}")
    return " ".join(name.split()), Path(place.strip())


@dataclass(frozen=True)
class _Column:
    """A column of results.

    Attributes:
        name: short, of files and tables.
        title: above it.
        method: None where label maps come from files.
        place: where these are.
    """

    name: str
    title: str
    method: Method | None = None
    place: Path | None = None


@dataclass
class _Compared:
    """A photo by all columns.

    Attributes:
        photo: its file.
        image: its pixels.
        truth: None where there is none.
        results: by the name of a column; a file that is missing has none.
        scores: the same, where there is truth.
    """

    photo: PhotoFile
    image: Image.Image
    truth: LabelMap | None
    results: dict[str, Segmentation] = field(default_factory=dict)
    scores: dict[str, Score] = field(default_factory=dict)


def run_compare(options: CompareOptions, load: Loader, console: Console) -> None:
    """Draws the figure and writes it with label maps and a table."""
    photos, unread = photos_of(options.photos)
    folder = any(Path(given).is_dir() for given in options.photos)
    if not folder and len(photos) > _MOST_ROWS:
        raise UsageError(
            f"at most {_MOST_ROWS} photos are rows of one figure; a folder gives a page a photo"
        )
    vocabulary = vocabulary_of(options)
    output_folder(options.out.parent)
    check_writable(options.out)
    for text in (*(f"{skip.stem}: {skip.reason}" for skip in unread), *vocabulary.notes):
        console.say(text)
    backbone = options.start(load, console)
    base = options.attention(backbone)
    methods = [
        parse_method(name, backbone, base).with_keys(options.key_source) for name in options.methods
    ]
    columns = [_Column(m.name, m.title, m) for m in dict.fromkeys(methods)]
    columns += [_Column(name, name, place=place) for name, place in options.files]
    _require_distinct(columns)
    segmenter = Segmenter(backbone, CACHE_BYTES, WordStore.of_this_user())
    colors = class_colors(vocabulary.names, vocabulary.background)
    done: list[_Compared] = []
    for photo in photos:
        console.progress("evaluate", len(done), len(photos))
        try:
            done.append(_compared(photo, columns, segmenter, vocabulary, options, len(photos) == 1))
        except (PhotoError, DatasetError) as error:
            if len(photos) == 1:
                raise
            console.say(f"{photo.name} is left out: {error}")
            continue
        if (truth := done[-1].truth) and truth.outside:
            console.say(f"{photo.name}: {outside_sentence(truth.outside, truth.labels.size)}")
    if not done:
        raise DatasetError("no photo could be compared")
    pages = [[each] for each in done] if folder else [done]
    figures = [_figure(page, columns, vocabulary, colors, options) for page in pages]
    names = [page[0].photo.stem for page in pages]
    written = _write_figures(figures, names, options)
    written += _write_labels(done, columns, vocabulary, colors, options.out)
    rows = _table(done, columns)
    write(options.out.with_suffix(".csv"), _csv(rows))
    if options.json:
        console.result(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        console.result(_text(rows))
    console.say(f"Wrote {written + 1} files to {options.out.parent}")


def _require_distinct(columns: Sequence[_Column]) -> None:
    names = [column.name for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"every column needs a name of its own; {name!r} stands twice")


def _compared(
    photo: PhotoFile,
    columns: Sequence[_Column],
    segmenter: Segmenter,
    vocabulary: Vocabulary,
    options: CompareOptions,
    alone: bool,
) -> _Compared:
    """Every column's labels of a photo, and their scores.

    Raises:
        PhotoError, DatasetError: what cannot be read.
    """
    image = load_photo(photo.path)
    size = (image.height, image.width)
    truth = None
    if options.truth is not None:
        place = label_map_of(options.truth, photo.stem, alone=alone)
        truth = truth_from_file(place, vocabulary, size, photo.path) if place else None
    found = _Compared(photo, image, truth)
    encoded = segmenter.encode(image, options.windows(segmenter.backbone))
    for column in columns:
        if column.method is not None:
            result = segmenter.segment(encoded, vocabulary, column.method)
        else:
            assert column.place is not None
            file = label_map_of(column.place, photo.stem, alone=alone)
            if file is None:
                continue
            if not found.results:  # what a side from a file is read beside
                found.results[""] = segmenter.segment(encoded, vocabulary)
            beside = next(iter(found.results.values()))
            result = side_from_file(file, column.title, beside, photo.path)
        found.results[column.name] = result
        if truth is not None:
            found.scores[column.name] = score_of(result, truth.labels)
    return found


# ---------------------------------------------------------------------------------------------
# The figure


def _figure(
    rows: Sequence[_Compared],
    columns: Sequence[_Column],
    vocabulary: Vocabulary,
    colors: Colors,
    options: CompareOptions,
) -> Figure:
    truth = any(row.truth for row in rows)
    drawn = []
    for row in rows:
        cells = [Cell("Input", None)]
        if truth:
            cells.append(Cell("Ground truth", row.truth.labels if row.truth else None))
        cells += [_cell(row, column, options.seams) for column in columns]
        step = options.columns or len(cells)
        drawn += [(row.image, cells[at : at + step]) for at in range(0, len(cells), step)]
    return columns_figure(drawn, vocabulary.names, colors, opacity=options.opacity, dpi=options.dpi)


def _title(column: _Column) -> str:
    """In two lines where it is long."""
    words, half = column.title.split(), len(column.title) / 2
    if len(column.title) <= 24 or len(words) < 2:
        return column.title
    first = min(range(1, len(words)), key=lambda n: abs(len(" ".join(words[:n])) - half))
    return f"{' '.join(words[:first])}\n{' '.join(words[first:])}"


def _cell(row: _Compared, column: _Column, seams: bool) -> Cell:
    result = row.results.get(column.name)
    if result is None:
        return Cell(_title(column), None, ("no label map",))
    encoded = result.encoded
    lines = interior_edges(encoded.boxes, encoded.size, result.labels.shape)
    notes = tuple(_notes(row, column, result))
    return Cell(_title(column), result.labels, notes, lines if seams else None)


def _notes(row: _Compared, column: _Column, result: Segmentation) -> Iterator[str]:
    score = row.scores.get(column.name)
    if score is not None:
        ber = "" if math.isnan(score.ber) else f" · BER {percent(score.ber)}"
        yield f"mIoU {100 * score.miou:.1f}{ber}"
    else:
        rate = seam_rate_of(result)
        yield "" if rate is None else f"seam rate {percent(rate)}"
    if not math.isnan(result.disagreement):
        yield f"disagreement {percent(result.disagreement)}"


# ---------------------------------------------------------------------------------------------
# What is written


def _write_figures(figures: Sequence[Figure], names: Sequence[str], options: CompareOptions) -> int:
    out, kind = options.out, options.out.suffix.lower().lstrip(".")
    if len(figures) == 1 or kind == "pdf":
        whole = figure_bytes(figures[0], kind) if len(figures) == 1 else pages_bytes(figures)
        write(out, whole)
        return 1
    out.unlink(missing_ok=True)  # made empty to see that it can be written
    for figure, name in zip(figures, names, strict=True):
        page = out.with_name(f"{out.stem}-{name.replace('/', '-')}{out.suffix}")
        write(page, figure_bytes(figure, kind))
    return len(figures)


def _write_labels(
    done: Sequence[_Compared],
    columns: Sequence[_Column],
    vocabulary: Vocabulary,
    colors: Colors,
    out: Path,
) -> int:
    """Label maps in FIGURE_labels/METHOD/PHOTO.png, and the list of their classes."""
    folder = out.with_name(f"{out.stem}_labels")
    listed = "".join(f"{index} {name}\n" for index, name in enumerate(vocabulary.names))
    write(folder / "classes.txt", listed.encode())
    count = 1
    for row in done:
        for column in columns:
            if column.method is not None:
                path = folder / column.name.replace("/", "-") / f"{row.photo.stem}.png"
                write(path, png_bytes(label_png(row.results[column.name].labels, colors)))
                count += 1
    return count


_HEADS = ("photo", "method", "miou", "ber", "seam_rate", "disagreement")


def _table(done: Sequence[_Compared], columns: Sequence[_Column]) -> list[dict[str, Any]]:
    """A row a photo and method, and one of all photos with truth, counts added."""
    rows = []
    for row in done:
        for column in columns:
            if (result := row.results.get(column.name)) is None:
                continue
            score = row.scores.get(column.name)
            measured = (score.miou, score.ber) if score else (math.nan, math.nan)
            rate = seam_rate_of(result)
            numbers = (*measured, math.nan if rate is None else rate, result.disagreement)
            rows.append(_row(row.photo.name, column.name, numbers))
    with_truth = [row for row in done if row.scores]
    for column in columns if len(with_truth) > 1 else ():
        scores = [row.scores[column.name] for row in with_truth if column.name in row.scores]
        if scores:
            total = sum(scores[1:], scores[0])
            numbers = (total.miou, total.ber, total.seam_rate, total.disagreement)
            rows.append(_row(f"all {len(scores)}", column.name, numbers))
    return rows


def _row(photo: str, name: str, numbers: Sequence[float]) -> dict[str, Any]:
    shown = [None if math.isnan(number) else round(number, 6) for number in numbers]
    return dict(zip(_HEADS, (photo, name, *shown), strict=True))


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    stream = io.StringIO()
    lines = csv.DictWriter(stream, _HEADS, lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
    return stream.getvalue().encode()


def _text(rows: Sequence[dict[str, Any]]) -> str:
    def shown(value: float | None) -> str:
        return "-" if value is None else percent(value)

    lines = [
        [row["photo"], row["method"], *(shown(row[head]) for head in _HEADS[2:])] for row in rows
    ]
    return table([head.replace("_", " ") for head in _HEADS], lines, left=(0, 1))
