"""Measures with ground truth (method, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glaclip.segmenter.seams import Labels, require_same_size


def confusion(
    truth: Labels, predicted: Labels, classes: int, ignore: Sequence[int] = (255,)
) -> NDArray[np.int64]:
    """[C, C] pixel counts, rows ground truth, columns prediction; ignored pixels left out.

    Args:
        truth: [H, W]; values outside 0..C-1 count as ignored.
        predicted: [H, W], values 0..C-1.
        classes: C.
        ignore: further values of the ground truth to leave out.

    Raises:
        ValueError: maps of different sizes.
    """
    require_same_size(truth, predicted)
    valid = ~np.isin(truth, ignore) & (truth >= 0) & (truth < classes)
    pairs = truth[valid].astype(np.int64) * classes + predicted[valid]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def class_iou(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """[C] intersection over union; NaN for classes that the ground truth does not contain."""
    hits = np.diag(counts).astype(np.float64)
    union = counts.sum(axis=0) + counts.sum(axis=1) - hits
    present = counts.sum(axis=1) > 0
    return np.where(present, hits / np.maximum(union, 1), np.nan)


def mean_iou(counts: NDArray[np.int64]) -> float:
    """Mean over the classes present in the ground truth; NaN when there is none."""
    values = class_iou(counts)
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def mean_iou_with_predicted(counts: NDArray[np.int64]) -> float:
    """Mean over the classes that are in the ground truth or predicted, as MMSegmentation's.

    Of a part of a set it is lower than `mean_iou`: a class that is only predicted has an IoU of 0.
    """
    hits = np.diag(counts).astype(np.float64)
    union = counts.sum(axis=0) + counts.sum(axis=1) - hits
    there = union > 0
    return float((hits[there] / union[there]).mean()) if there.any() else float("nan")


def pixel_accuracy(counts: NDArray[np.int64]) -> float:
    """Share of valid pixels with the right label; NaN when there is none."""
    total = counts.sum()
    return float(np.trace(counts) / total) if total else float("nan")
