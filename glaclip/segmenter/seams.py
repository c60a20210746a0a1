"""What happens to labels at window edges: boundary error rate and seam rate (method, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glaclip.windows import Box, Size

Labels = NDArray[np.integer]


class Edges(NamedTuple):
    """Lines between pixels, by the index of the pixel just past the line."""

    rows: tuple[int, ...]  # horizontal lines: pixel rows y-1 and y face each other
    columns: tuple[int, ...]  # vertical lines: pixel columns x-1 and x face each other


def _scaled(lines: set[float], length: int, target: int) -> tuple[int, ...]:
    positions = {int(line * target / length + 0.5) for line in lines if 0 < line < length}
    return tuple(sorted(p for p in positions if 0 < p < target))


def interior_edges(windows: Sequence[Box], size: Size, photo_size: Size) -> Edges:
    """Starts and ends of windows inside the photo, at the photo's scale (method, section 4)."""
    rows: set[float] = {b.top for b in windows} | {b.bottom for b in windows}
    columns: set[float] = {b.left for b in windows} | {b.right for b in windows}
    return Edges(_scaled(rows, size[0], photo_size[0]), _scaled(columns, size[1], photo_size[1]))


def control_lines(windows: Sequence[Box], size: Size, photo_size: Size, stride: int) -> Edges:
    """Lines half a stride away from every window edge, none within an eighth of a stride of one."""

    def along(borders: set[int], length: int, target: int) -> tuple[int, ...]:
        inside = {b for b in borders if 0 < b < length}
        shifted = {b + sign * stride / 2 for b in inside for sign in (-1, 1)}
        clear = {s for s in shifted if all(abs(s - b) >= stride / 8 for b in borders)}
        return _scaled(clear, length, target)

    return Edges(
        along({b.top for b in windows} | {b.bottom for b in windows}, size[0], photo_size[0]),
        along({b.left for b in windows} | {b.right for b in windows}, size[1], photo_size[1]),
    )


def runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, stop) of each run of true places along a line."""
    change = np.diff(np.concatenate([[0], marked.astype(np.int8), [0]]))
    starts, stops = (np.flatnonzero(change == sign).tolist() for sign in (1, -1))
    return list(zip(starts, stops, strict=True))


@dataclass(frozen=True)
class Pairs:
    """How many pairs of labels were compared, and how many differ."""

    differing: int = 0
    compared: int = 0

    def __add__(self, other: Pairs) -> Pairs:
        return Pairs(self.differing + other.differing, self.compared + other.compared)

    @property
    def rate(self) -> float:
        """Share that differs; NaN when nothing was compared."""
        return self.differing / self.compared if self.compared else float("nan")


def facing_pairs(
    labels: Labels, lines: Edges, valid_truth: Labels | None = None, ignore: Sequence[int] = ()
) -> Pairs:
    """Pairs of pixels that face each other across lines.

    Args:
        labels: [H, W] predicted labels.
        lines: between which pixels to look.
        valid_truth: [H, W] ground truth: only pairs whose truth is equal and not ignored count.
        ignore: ground truth values to leave out.
    """
    result = Pairs()
    for axis, positions in ((0, lines.rows), (1, lines.columns)):
        index = np.asarray(positions, dtype=np.intp)
        before, after = (np.take(labels, at, axis=axis) for at in (index - 1, index))
        counted = np.ones(before.shape, dtype=bool)
        if valid_truth is not None:
            first, second = (np.take(valid_truth, at, axis=axis) for at in (index - 1, index))
            counted = (first == second) & ~np.isin(first, ignore)
        result += Pairs(int(((before != after) & counted).sum()), int(counted.sum()))
    return result


def boundary_errors(
    predicted: Labels,
    truth: Labels,
    windows: Sequence[Box],
    size: Size,
    ignore: Sequence[int] = (255,),
) -> Pairs:
    """BER's pairs: across every interior window edge, where the ground truth does not change.

    Its `rate` is the boundary error rate; add the pairs of many photos for that of a set.

    Args:
        predicted: [H, W] at the photo's size.
        truth: [H, W].
        windows: boxes in pixels of `size`.
        size: (height, width) of the resized photo.
        ignore: ground truth values to leave out.
    """
    require_same_size(truth, predicted)
    edges = interior_edges(windows, size, predicted.shape)
    return facing_pairs(predicted, edges, truth, ignore)


def seam_rate(labels: Labels, windows: Sequence[Box], size: Size, stride: int) -> float:
    """Share of label changes at window edges beyond that at control lines half a stride away.

    It needs no ground truth: true object borders cross both kinds of lines alike and cancel out.
    It is not BER. NaN when there is a single window; below zero when edges are smoother.
    """
    edges = interior_edges(windows, size, labels.shape)
    lines = control_lines(windows, size, labels.shape, stride)
    return facing_pairs(labels, edges).rate - facing_pairs(labels, lines).rate


def require_same_size(truth: Labels, predicted: Labels) -> None:
    """Refuses maps of different sizes with a ValueError that names both."""
    if truth.shape != predicted.shape:
        raise ValueError(
            f"Ground truth and prediction must have the same size; received "
            f"{truth.shape[1]} x {truth.shape[0]} and {predicted.shape[1]} x {predicted.shape[0]}."
        )
