"""`compare`: one figure of photos by many methods, with truth and scores."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from matplotlib.figure import Figure

from glaclip.backbones.base import Backbone
from glaclip.cli.compare_arguments import KINDS
from glaclip.cli.compared import HEADS, Column, Compared, Totals, compare_photo
from glaclip.cli.console import Console, UsageError, table
from glaclip.cli.options import Loader, output_folder, write
from glaclip.cli.word_options import WordOptions, vocabulary_of
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.label_maps import outside_sentence
from glaclip.evaluation.data.photo_inputs import photos_of
from glaclip.evaluation.run.evaluate import CACHE_BYTES
from glaclip.photo import PhotoError
from glaclip.pictures.columns import Pages, Row, columns_figure, figure_bytes
from glaclip.pictures.encoding import png_bytes
from glaclip.pictures.label_pictures import label_png
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors
from glaclip.segmenter import Segmenter
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.word_store import WordStore
from glaclip.support.text import csv_text
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
    for text in (*(f"{skip.stem}: {skip.reason}" for skip in unread), *vocabulary.notes):
        console.say(text)
    backbone = options.start(load, console)
    columns = _columns(options, backbone)
    segmenter = Segmenter(backbone, CACHE_BYTES, WordStore.of_this_user())
    output = _Output(options, vocabulary)
    for count, photo in enumerate(photos):
        console.progress("evaluate", count, len(photos))
        try:
            compared = compare_photo(
                photo,
                columns,
                segmenter,
                vocabulary,
                options.windows(backbone),
                options.truth,
                alone=len(photos) == 1,
                seams=options.seams,
            )
        except (PhotoError, DatasetError) as error:
            if len(photos) == 1:
                raise
            console.say(f"{photo.name} is left out: {error}")
            continue
        if (truth := compared.truth) and truth.outside:
            console.say(f"{photo.name}: {outside_sentence(truth.outside, truth.labels.size)}")
        output.add(compared, page=folder and len(photos) > 1)
    if not output.rows:
        raise DatasetError("no photo could be compared")
    rows = output.close()
    if options.json:
        console.result(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        console.result(_text(rows))
    console.say(f"Wrote {output.written} files to {options.out.parent}")


def _columns(options: CompareOptions, backbone: Backbone) -> list[Column]:
    base = options.attention(backbone)
    methods = [
        parse_method(name, backbone, base).with_keys(options.key_source) for name in options.methods
    ]
    columns = [Column(m.name, m.title, m) for m in dict.fromkeys(methods)]
    columns += [Column(name, name, place=place) for name, place in options.files]
    names = [column.name for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"every column needs a name of its own; {name!r} stands twice")
    return columns


class _Output:
    """Files beside each other: the figure or its pages, label maps, the table."""

    def __init__(self, options: CompareOptions, vocabulary: Vocabulary) -> None:
        self._options, self._names = options, vocabulary.names
        self._colors = class_colors(vocabulary.names, vocabulary.background)
        self._kind = options.out.suffix.lower().lstrip(".")
        self._together: list[Compared] = []
        self._pages: Pages | None = None
        self._totals = Totals()
        self.rows: list[dict[str, Any]] = []
        self.written = 0

    @property
    def _labels(self) -> Path:
        return self._options.out.with_name(f"{self._options.out.stem}_labels")

    def _write(self, path: Path, content: bytes) -> None:
        write(path, content)
        self.written += 1

    def add(self, compared: Compared, *, page: bool) -> None:
        """Takes a photo up: as a page of its own, which is drawn now, or as a row of the figure."""
        self.rows += compared.rows
        self._totals.add(compared)
        for name, labels in compared.labels.items():
            path = self._labels / name.replace("/", "-") / f"{compared.photo.stem}.png"
            self._write(path, png_bytes(label_png(labels, self._colors)))
        if not page:
            self._together.append(compared)
            return
        figure = self._figure([compared])
        if self._kind == "pdf":
            self._pages = self._pages or Pages()
            self._pages.add(figure)
            return
        name = f"{self._options.out.stem}-{compared.photo.stem.replace('/', '-')}"
        path = self._options.out.with_name(name + self._options.out.suffix)
        self._write(path, figure_bytes(figure, self._kind))

    def _figure(self, photos: Sequence[Compared]) -> Figure:
        truth = any(compared.truth for compared in photos)
        drawn: list[Row] = []
        for compared in photos:
            panels = compared.panels(truth)
            step = self._options.columns or len(panels)
            drawn += [
                (compared.image, panels[at : at + step]) for at in range(0, len(panels), step)
            ]
        return columns_figure(
            drawn,
            self._names,
            self._colors,
            opacity=self._options.opacity,
            dpi=self._options.dpi,
        )

    def close(self) -> list[dict[str, Any]]:
        """Writes what waits for the last photo; returns the whole table."""
        if self._together:
            self._write(self._options.out, figure_bytes(self._figure(self._together), self._kind))
        if self._pages is not None:
            self._write(self._options.out, self._pages.close())
        listed = "".join(f"{index} {name}\n" for index, name in enumerate(self._names))
        self._write(self._labels / "classes.txt", listed.encode())
        rows = self.rows + self._totals.rows()
        listed_rows = csv_text(HEADS, ([row[head] for head in HEADS] for row in rows))
        self._write(self._options.out.with_suffix(".csv"), listed_rows.encode())
        return rows


def _text(rows: Sequence[dict[str, Any]]) -> str:
    def shown(value: float | None) -> str:
        return "-" if value is None else percent(value)

    lines = [
        [row["photo"], row["method"], *(shown(row[head]) for head in HEADS[2:])] for row in rows
    ]
    return table([head.replace("_", " ") for head in HEADS], lines, left=(0, 1))
