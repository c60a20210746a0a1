"""Attention over a whole photo, averaged over all queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glaclip.attention.rows import Progress, attention_chunks
from glaclip.settings import AttentionSettings
from glaclip.windows import Box


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
            sizes.append(chunk.queries.expand(chunk.queries.set_sizes).long().cpu())
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
