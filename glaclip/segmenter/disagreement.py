"""Windows that contradict each other about a pixel they both hold (method, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glaclip.segmenter.seams import Labels, Pairs
from glaclip.windows import Box, Size

#: Counts, one a class and pixel, that are held at a time: a photo is read in strips of rows.
_COUNTS_AT_ONCE = 16_000_000


def window_disagreement(
    labels: Sequence[Labels], windows: Sequence[Box], size: Size, classes: int
) -> tuple[Pairs, NDArray[np.uint8]]:
    """Compares what windows say of the pixels they share, before they are fused.

    Args:
        labels: L label maps, one a window, of the window's height and width.
        windows: L boxes in pixels of `size`.
        size: (height, width) of the resized photo.
        classes: C; labels are below it.

    Returns:
        All pairs of windows at all pixels that both hold: `rate` is the window disagreement, NaN
        when no two windows overlap; add the pairs of many photos for that of a set. And uint8
        [height, width], how many of the windows over a pixel say something else than the most of
        them do, at most 255; where two labels tie for the most, either counts as it.
    """
    contradicting = np.zeros(size, dtype=np.uint8)
    total = Pairs()
    rows = max(1, _COUNTS_AT_ONCE // (classes * size[1]))
    for first in range(0, size[0], rows):
        strip = contradicting[first : first + rows]
        counts = np.zeros((classes, *strip.shape), dtype=np.uint16)
        covered, most = np.zeros((2, *strip.shape), dtype=np.int64)
        agreeing = 0
        for said, box in zip(labels, windows, strict=True):
            top, bottom = max(box.top, first), min(box.bottom, first + len(strip))
            if top >= bottom:
                continue
            place = np.ix_(range(top - first, bottom - first), range(box.left, box.right))
            where = (said[top - box.top : bottom - box.top], *place)
            before = counts[where]  # earlier windows that say the same
            agreeing += int(before.sum(dtype=np.int64))
            counts[where] = before + 1
            most[place] = np.maximum(most[place], before + 1)
            covered[place] += 1
        compared = int((covered * (covered - 1) // 2).sum())
        total += Pairs(compared - agreeing, compared)
        strip[:] = np.minimum(covered - most, 255)
    return total, contradicting
