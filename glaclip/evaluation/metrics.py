"""Measures: confusion and mIoU, boundary error rate, seam rate, bias (method, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glaclip.attention import attention_chunks
from glaclip.settings import AttentionSettings
from glaclip.windows import Box, Edges, Size, control_lines, interior_edges

Labels = NDArray[np.integer]


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
    _same_size(truth, predicted)
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


def pixel_accuracy(counts: NDArray[np.int64]) -> float:
    """Share of valid pixels with the right label; NaN when there is none."""
    total = counts.sum()
    return float(np.trace(counts) / total) if total else float("nan")


@dataclass(frozen=True)
class Pairs:
    """Facing pairs across lines: how many were compared and how many differ."""

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
    _same_size(truth, predicted)
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


@dataclass(frozen=True)
class AttentionSummary:
    """Attention over a whole photo.

    Attributes:
        distances: [K] upper ends of the distance bins, in windows' sides from the own window's
            center; the last holds everything farther.
        mass_by_distance: [K] average share of the weights by distance of the attended window.
        own_mass: average share inside the own window.
        own_share: share of the own window among the visible tokens.
        set_sizes: [L * S] |P_i| of every query, or None when it is not computed.
    """

    distances: NDArray[np.float64]
    mass_by_distance: NDArray[np.float64]
    own_mass: float
    own_share: float
    set_sizes: NDArray[np.int64] | None


DISTANCE_BINS = (0.0, 0.5, 1.0, 1.5, 2.0, float("inf"))


def attention_summary(
    keys: Tensor, windows: Sequence[Box], settings: AttentionSettings
) -> AttentionSummary:
    """Where attention goes on average over all queries of a photo.

    Args:
        keys: [L, S, Dk].
        windows: L boxes.
        settings: one rung of the ladder.
    """
    count, tokens, _ = keys.shape
    centers = np.array([((b.left + b.right) / 2, (b.top + b.bottom) / 2) for b in windows])
    crop = windows[0].bottom - windows[0].top
    # Largest of the two axis offsets, in windows: 0.5 is a neighbor at half a window's stride.
    apart = np.abs(centers[:, None] - centers[None]).max(axis=2) / crop
    bins = np.searchsorted(np.asarray(DISTANCE_BINS), apart - 1e-9)  # [L, L]
    mass = torch.zeros(count, count, dtype=torch.float64)  # [query window, attended window]
    sizes: list[Tensor] = []
    for chunk in attention_chunks(keys, settings):
        visible = chunk.weights.view(len(chunk.weights), -1, tokens).sum(dim=2).double().cpu()
        own = torch.arange(chunk.start, chunk.start + len(visible)) // tokens
        first = chunk.first // tokens
        mass[:, first : first + visible.shape[1]].index_add_(0, own, visible)
        if chunk.set_sizes is not None:
            sizes.append(chunk.set_sizes.cpu())
    shares = (mass / (count * tokens)).numpy()
    return AttentionSummary(
        distances=np.asarray(DISTANCE_BINS),
        mass_by_distance=np.asarray([shares[bins == k].sum() for k in range(len(DISTANCE_BINS))]),
        own_mass=float(np.trace(shares)),
        own_share=1.0 / count if settings.cross_window else 1.0,
        set_sizes=torch.cat(sizes).numpy() if sizes else None,
    )


def _same_size(truth: Labels, predicted: Labels) -> None:
    if truth.shape != predicted.shape:
        raise ValueError(
            f"Ground truth and prediction must have the same size; received "
            f"{truth.shape[1]} x {truth.shape[0]} and {predicted.shape[1]} x {predicted.shape[0]}."
        )
