"""Measures with ground truth, and attention over a whole photo (method, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glaclip.attention import attention_chunks
from glaclip.chunks import Progress
from glaclip.seams import Labels, require_same_size
from glaclip.settings import AttentionSettings
from glaclip.windows import Box


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


def pixel_accuracy(counts: NDArray[np.int64]) -> float:
    """Share of valid pixels with the right label; NaN when there is none."""
    total = counts.sum()
    return float(np.trace(counts) / total) if total else float("nan")


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
    keys: Tensor,
    windows: Sequence[Box],
    settings: AttentionSettings,
    progress: Progress | None = None,
) -> AttentionSummary:
    """Where attention goes on average over all queries of a photo.

    Args:
        keys: [L, S, Dk].
        windows: L boxes.
        settings: one rung of the ladder.
        progress: called as (windows done, windows) with each chunk; it may raise to stop.
    """
    done = 0

    def report() -> None:
        if progress:
            progress(done, len(keys))

    report()
    count, tokens, _ = keys.shape
    centers = np.array([((b.left + b.right) / 2, (b.top + b.bottom) / 2) for b in windows])
    crop = windows[0].bottom - windows[0].top
    # Largest of the two axis offsets, in windows: 0.5 is a neighbor at half a window's stride.
    apart = np.abs(centers[:, None] - centers[None]).max(axis=2) / crop
    bins = np.searchsorted(np.asarray(DISTANCE_BINS), apart - 1e-9)  # [L, L]
    mass = torch.zeros(count, count, dtype=torch.float64)  # [query window, attended window]
    sizes: list[Tensor] = []
    for chunk in attention_chunks(keys, settings, before_chunk=report):
        by_window = chunk.weights.view(len(chunk.weights), -1, tokens).sum(dim=2)
        visible = chunk.queries.expand(by_window).cpu().double()
        own = torch.arange(chunk.start, chunk.start + len(visible)) // tokens
        first = chunk.first // tokens
        mass[:, first : first + visible.shape[1]].index_add_(0, own, visible)
        if chunk.queries.set_sizes is not None:
            sizes.append(chunk.queries.expand(chunk.queries.set_sizes).cpu())
        done = (chunk.start + len(visible)) // tokens
        report()
    shares = (mass / (count * tokens)).numpy()
    return AttentionSummary(
        distances=np.asarray(DISTANCE_BINS),
        mass_by_distance=np.asarray([shares[bins == k].sum() for k in range(len(DISTANCE_BINS))]),
        own_mass=float(np.trace(shares)),
        own_share=1.0 / count if settings.cross_window else 1.0,
        set_sizes=torch.cat(sizes).numpy() if sizes else None,
    )
