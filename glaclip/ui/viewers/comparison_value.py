"""What the linked viewer shows, as a value that travels to the browser. No gradio here."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.pictures.encoding import data_uri, encoded
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.segmenter.labels import resize_labels
from glaclip.segmenter.results import PROBABLY_ABSENT
from glaclip.segmenter.seams import Edges, interior_edges, runs
from glaclip.ui.viewers.shown_photo import ShownPhoto, shown_photo
from glaclip.windows import Box, Size


class ClassValue(TypedDict):
    """A legend entry. `name` is untrusted text; `absent` where it is probably not in the photo."""

    name: str
    color: str
    absent: NotRequired[bool]


class LinesValue(TypedDict):
    """Window edges in shown pixels, from the top and from the left."""

    rows: list[float]
    columns: list[float]


class SeamsValue(TypedDict):
    """Where labels jump across window edges: [edge, start, stop] in shown pixels."""

    rows: list[tuple[float, int, int]]
    columns: list[tuple[float, int, int]]


class SideValue(TypedDict):
    """One of the two pictures.

    `labels` is a PNG data URI at the shown size: the class in the red channel, with more than 256
    classes its high byte in the green channel. `areas` are shares of the photo, one per class.
    `contradictions` is a PNG data URI, gray: how many windows over a place contradict the most;
    empty when it was not measured.
    """

    title: str
    subtitle: str
    labels: str
    areas: list[float]
    seam_rate: float | None
    seams: SeamsValue
    disagreement: float | None
    contradictions: str


class ViewerValue(TypedDict):
    """The viewer's value. Sizes are [height, width], `point` is [x, y] in photo pixels.

    `photo` is a data URI, or empty where the page has the photo of this `photo_name`.
    `changed` is the share of photo pixels whose label differs between the sides.
    """

    photo: str
    photo_name: str
    photo_size: list[int]
    size: list[int]
    wide: bool
    classes: list[ClassValue]
    sides: list[SideValue]
    edges: LinesValue
    changed: float | None
    point: list[int] | None


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two pictures.

    Attributes:
        labels: integers [H, W] at the photo's size, index into the classes.
        title: the method's name.
        subtitle: a line below it.
        seam_rate: share of facing pairs across window edges whose labels differ, minus the same
            away from the edges; None when it was not measured.
        disagreement: share of pairs of windows that differ at pixels both hold, or None.
        contradictions: uint8 of any size, how many windows over a place contradict the most.
    """

    labels: NDArray[Any]
    title: str
    subtitle: str = ""
    seam_rate: float | None = None
    disagreement: float | None = None
    contradictions: NDArray[np.uint8] | None = None


def viewer_value(
    photo: Image.Image,
    left: Side,
    right: Side | None = None,
    *,
    classes: Sequence[str],
    background: int | None = None,
    windows: Sequence[Box] = (),
    working_size: Size | None = None,
    point: tuple[float, float] | None = None,
    picture: ShownPhoto | None = None,
    presence: Sequence[float] | None = None,
) -> ViewerValue:
    """Builds the value of `LinkedViewer`.

    Args:
        photo: the photo as the labels know it (already turned by its EXIF orientation).
        left: the first side, the baseline.
        right: the second side; without it the viewer shows one picture.
        classes: names; they may contain anything a person typed.
        background: index of the background class, drawn gray.
        windows: boxes in pixels of `working_size`, for the window grid and the seams.
        working_size: (height, width) the windows were cut from; the photo's when left out.
        point: (x, y) in photo pixels, drawn as a star.
        picture: the photo as it is shown, if it was made before.
        presence: how surely each class is in the photo, if that was measured.

    Raises:
        ValueError: labels of another size than the photo, or outside the classes.
    """
    full = (photo.height, photo.width)
    picture = picture or shown_photo(photo)
    shown = picture.size
    sides = [left] if right is None else [left, right]
    for side in sides:
        _check(side.labels, full, len(classes))
    edges = interior_edges(windows, working_size or full, full)
    colors = hex_of(class_colors(classes, background))
    absent = [
        index != background and sure < PROBABLY_ABSENT
        for index, sure in enumerate([1.0] * len(classes) if presence is None else presence)
    ]
    return ViewerValue(
        photo=picture.uri,
        photo_name=picture.name,
        photo_size=list(full),
        size=list(shown),
        wide=len(classes) > 256,
        classes=[
            ClassValue(name=name, color=color, absent=True)
            if doubted
            else ClassValue(name=name, color=color)
            for name, color, doubted in zip(classes, colors, absent, strict=True)
        ],
        sides=[_side_value(side, len(classes), edges, full, shown) for side in sides],
        edges=LinesValue(
            rows=[_scaled(y, full[0], shown[0]) for y in edges.rows],
            columns=[_scaled(x, full[1], shown[1]) for x in edges.columns],
        ),
        changed=None if right is None else float(np.mean(left.labels != right.labels)),
        point=None if point is None else _inside(point, full),
    )


def seam_runs(labels: NDArray[Any], edges: Edges, shown: Size) -> SeamsValue:
    """Stretches of window edges where facing labels differ.

    Pairs are those of the seam rate, taken at the photo's size: pixel rows y-1 and y across a
    horizontal edge y, columns x-1 and x across a vertical edge x. A shown pixel belongs to a
    stretch when any pair below it differs.

    Args:
        labels: [H, W] at the photo's size.
        edges: interior window edges at the photo's size.
        shown: (height, width) the stretches are scaled to.
    """

    def along(
        lines: NDArray[Any], positions: tuple[int, ...], target: int
    ) -> list[tuple[int, int, int]]:
        length = lines.shape[1]
        found: list[tuple[int, int, int]] = []
        for position in positions:
            jumps = np.flatnonzero(lines[position - 1] != lines[position])
            marked = np.zeros(target, dtype=bool)
            marked[jumps * target // length] = True
            found += [(position, *run) for run in runs(marked)]
        return found

    height, width = labels.shape
    return SeamsValue(
        rows=[
            (_scaled(y, height, shown[0]), start, stop)
            for y, start, stop in along(labels, edges.rows, shown[1])
        ],
        columns=[
            (_scaled(x, width, shown[1]), start, stop)
            for x, start, stop in along(labels.T, edges.columns, shown[0])
        ],
    )


def packed_labels(labels: NDArray[Any], wide: bool) -> bytes:
    """Labels as PNG: class in the red channel; `wide` adds the high byte in the green channel.

    Runs of equal labels are all there is to compress: looking for nothing else is three times as
    fast, and the file is smaller.
    """
    if wide:
        channels = np.zeros((*labels.shape, 3), dtype=np.uint8)
        channels[..., 0] = labels & 0xFF
        channels[..., 1] = labels >> 8
        return encoded(Image.fromarray(channels), "PNG", compress_type=zlib.Z_RLE)
    return encoded(Image.fromarray(labels.astype(np.uint8)), "PNG", compress_type=zlib.Z_RLE)


def _side_value(side: Side, count: int, edges: Edges, full: Size, shown: Size) -> SideValue:
    areas = np.bincount(side.labels.ravel(), minlength=count) / side.labels.size
    png = packed_labels(resize_labels(side.labels, shown), wide=count > 256)
    return SideValue(
        title=side.title,
        subtitle=side.subtitle,
        labels=data_uri(png, "png"),
        areas=[round(float(area), 6) for area in areas],
        seam_rate=None if side.seam_rate is None else float(side.seam_rate),
        seams=seam_runs(side.labels, edges, shown),
        disagreement=side.disagreement,
        contradictions=""
        if side.contradictions is None
        else data_uri(packed_labels(side.contradictions, wide=False), "png"),
    )


def _check(labels: NDArray[Any], full: Size, count: int) -> None:
    if labels.shape != full:
        raise ValueError(f"labels must be {full[0]} x {full[1]} like the photo; got {labels.shape}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= count:
        raise ValueError(f"labels must be from 0 to {count - 1}; received {low} to {high}")


def _inside(point: tuple[float, float], full: Size) -> list[int]:
    x, y = point
    return [min(max(int(x), 0), full[1] - 1), min(max(int(y), 0), full[0] - 1)]


def _scaled(position: int, length: int, target: int) -> float:
    return round(position * target / length, 2)
