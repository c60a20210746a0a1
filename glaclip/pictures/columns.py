"""A figure of one photo by many methods, for a paper or a slide: a row a photo, a column a method.

Vectors but for the pictures: names stay text in PDF and SVG.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from glaclip.pictures.drawing import Colors
from glaclip.pictures.label_pictures import overlay
from glaclip.segmenter.seams import Edges, Labels, runs

#: Inches of paper: a panel's width, between panels, a title's line, a line under a panel.
_PANEL, _GAP, _TITLE, _LINE = 1.9, 0.06, 0.17, 0.14
_FONT = 8
_INK = "#33373f"
#: Behind what belongs to no class.
_UNSEEN = (236, 238, 242)


@dataclass(frozen=True)
class Cell:
    """A panel of the figure.

    Attributes:
        title: above it, where the row above has others.
        labels: [H, W] class indices, below zero where nothing is said; None shows the photo.
        notes: lines under it.
        seams: lines across which jumps of labels are drawn, at the size of the labels.
    """

    title: str
    labels: Labels | None
    notes: tuple[str, ...] = ()
    seams: Edges | None = None


Row = tuple[Image.Image, Sequence[Cell]]


def columns_figure(
    rows: Sequence[Row],
    names: Sequence[str],
    colors: Colors,
    *,
    opacity: float = 0.65,
    dpi: int = 300,
) -> Figure:
    """Rows of panels under their titles, and a legend of the classes that are in them.

    Args:
        rows: a photo and its cells; a row without titles of its own continues the columns above.
        names: C shown names.
        colors: [C, 3].
        opacity: of the labels over the photo.
        dpi: pixels an inch, to which photos are reduced.
    """
    width = max(len(cells) for _, cells in rows) * (_PANEL + _GAP) + _GAP
    shown = sorted({int(label) for _, cells in rows for cell in cells for label in _used(cell)})
    in_a_line = max(1, int(width / _entry_width(names, shown)))
    legend = 0.12 + 0.19 * -(-len(shown) // in_a_line) if shown else 0.0
    parts = [_Part.of(row, rows[at - 1] if at else None) for at, row in enumerate(rows)]
    height = _GAP + legend + sum(part.height for part in parts)
    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    top = height - _GAP
    for (photo, cells), part in zip(rows, parts, strict=True):
        below = top - part.titles - part.panel
        for column, cell in enumerate(cells):
            left = _GAP + column * (_PANEL + _GAP)
            middle = (left + _PANEL / 2) / width
            if part.titles:
                at = (below + part.panel + 0.04) / height
                figure.text(middle, at, cell.title, ha="center", va="bottom", fontsize=_FONT)
            place = (left / width, below / height, _PANEL / width, part.panel / height)
            _draw(figure.add_axes(place), photo, cell, colors, opacity, dpi)
            for line, note in enumerate(cell.notes):
                at = (below - 0.03 - line * _LINE) / height
                figure.text(middle, at, note, ha="center", va="top", fontsize=_FONT - 1, color=_INK)
        top -= part.height
    if shown:
        figure.legend(
            handles=[Patch(color=colors[label] / 255, label=names[label]) for label in shown],
            loc="lower center",
            ncols=min(in_a_line, len(shown)),
            fontsize=_FONT,
            frameon=False,
            borderaxespad=0.2,
            handlelength=1.0,
            handleheight=1.0,
            columnspacing=1.2,
        )
    return figure


@dataclass(frozen=True)
class _Part:
    """Heights of a row in inches: its titles, its panels, and all of it."""

    titles: float
    panel: float
    height: float

    @classmethod
    def of(cls, row: Row, above: Row | None) -> _Part:
        photo, cells = row
        titles = [cell.title for cell in cells]
        known = above is not None and [cell.title for cell in above[1]] == titles
        lines = 0 if known else max(title.count("\n") + 1 for title in titles)
        notes = max(len(cell.notes) for cell in cells)
        head, panel = lines * _TITLE, _PANEL * photo.height / photo.width
        return cls(head, panel, head + panel + notes * _LINE + _GAP)


def _used(cell: Cell) -> np.ndarray:
    return np.unique(cell.labels[cell.labels >= 0]) if cell.labels is not None else np.empty(0)


def _entry_width(names: Sequence[str], shown: Sequence[int]) -> float:
    """Inches of the widest entry of the legend, about."""
    return 0.45 + 0.075 * max((len(names[label]) for label in shown), default=1)


def _draw(
    axes: Axes, photo: Image.Image, cell: Cell, colors: Colors, opacity: float, dpi: int
) -> None:
    axes.set_axis_off()
    picture = photo.convert("RGB")
    if cell.labels is not None:
        table = np.concatenate([colors, np.array([_UNSEEN], dtype=np.uint8)])
        picture = overlay(
            photo, np.where(cell.labels < 0, len(colors), cell.labels), table, opacity
        )
    most = round(_PANEL * dpi)
    if picture.width > most:
        size = most, max(1, round(picture.height * most / picture.width))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    axes.imshow(
        np.asarray(picture),
        extent=(0, photo.width, photo.height, 0),
        interpolation="nearest",
        aspect="auto",
    )
    if cell.seams is not None and cell.labels is not None:
        lines = jumps(cell.labels, cell.seams)
        scale = np.array([photo.width, photo.height]) / cell.labels.shape[::-1]
        for color, line in (("black", 1.4), ("white", 0.7)):
            axes.add_collection(
                LineCollection(list(lines * scale), colors=color, linewidths=line, capstyle="butt")
            )
        axes.set_xlim(0, photo.width)
        axes.set_ylim(photo.height, 0)


def jumps(labels: Labels, lines: Edges) -> np.ndarray:
    """Segments [K, 2, 2] of (x, y) where labels [H, W] differ across lines, runs joined."""
    found = []
    for axis, positions in ((0, lines.rows), (1, lines.columns)):
        for at in positions:
            before, after = np.take(labels, at - 1, axis=axis), np.take(labels, at, axis=axis)
            for run in runs(before != after):
                found.append([(end, at) if axis == 0 else (at, end) for end in run])
    return np.array(found, dtype=np.float64).reshape(-1, 2, 2)


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """A figure as "png", "pdf" or "svg"; the same figure gives the same bytes."""
    stream = io.BytesIO()
    undated = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[kind]
    with matplotlib.rc_context(
        {"svg.hashsalt": "glaclip", "svg.fonttype": "none", "pdf.fonttype": 42}
    ):
        figure.savefig(stream, format=kind, metadata=undated)
    return stream.getvalue()


class Pages:
    """Figures as one PDF, a page each, of which none is kept once it is drawn."""

    def __init__(self) -> None:
        from matplotlib.backends.backend_pdf import PdfPages

        self._stream = io.BytesIO()
        self._pages = PdfPages(self._stream, metadata={"CreationDate": None})

    def add(self, figure: Figure) -> None:
        """Draws a page."""
        with matplotlib.rc_context({"pdf.fonttype": 42}):
            self._pages.savefig(figure)

    def close(self) -> bytes:
        """The file."""
        self._pages.close()
        return self._stream.getvalue()
