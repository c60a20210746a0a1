"""Outlines of masks as polygons, in pixels from the photo's upper left corner."""

from __future__ import annotations

import itertools

import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray

#: Points are left out that lie nearer than this to the line without them, in pixels.
TOLERANCE = 0.4

Ring = NDArray[np.float64]


def polygons(mask: NDArray[np.bool_]) -> list[list[Ring]]:
    """Polygons of a mask.

    Args:
        mask: [H, W].

    Returns:
        For each polygon its rings [N, 2] (x, y): the outer one, then its holes; the last point of
        a ring is its first.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return []
    top, left = int(rows[0]), int(columns[0])
    inner = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    lines = contour_generator(
        z=np.pad(inner, 1).astype(np.float64), name="serial", fill_type=FillType.OuterOffset
    ).filled(0.5, 2.0)
    found = []
    for points, offsets in zip(*lines, strict=True):
        # Sample (1, 1) of the padded mask is the middle of the pixel (left, top).
        placed = points + np.array([left - 0.5, top - 0.5])
        rings = [simplified(placed[start:stop]) for start, stop in itertools.pairwise(offsets)]
        found.append([ring for ring in rings if len(ring) > 3])
    return [rings for rings in found if rings]


def area_of(ring: Ring) -> float:
    """Signed area; above zero when it turns clockwise as seen on a screen, where y grows down."""
    x, y = ring[:-1, 0], ring[:-1, 1]
    following = np.roll(x, -1), np.roll(y, -1)
    return float((x * following[1] - following[0] * y).sum() / 2)


def simplified(ring: Ring) -> Ring:
    """A closed ring without the points that tell nothing (Douglas and Peucker)."""
    if len(ring) < 5:
        return ring
    far = int(((ring - ring[0]) ** 2).sum(axis=1).argmax())
    keep = np.zeros(len(ring), dtype=bool)
    keep[[0, far, len(ring) - 1]] = True
    parts = [(0, far), (far, len(ring) - 1)]
    while parts:
        first, last = parts.pop()
        if last - first < 2:
            continue
        start, direction = ring[first], ring[last] - ring[first]
        offsets = ring[first + 1 : last] - start
        length = float(np.hypot(*direction)) or 1.0
        distances = np.abs(offsets[:, 0] * direction[1] - offsets[:, 1] * direction[0]) / length
        worst = int(distances.argmax())
        if distances[worst] > TOLERANCE:
            middle = first + 1 + worst
            keep[middle] = True
            parts += [(first, middle), (middle, last)]
    return ring[keep]
