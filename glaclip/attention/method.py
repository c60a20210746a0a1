"""GLA-CLIP's attention over windows: section 3 of the paper, one function an equation.

L windows of S tokens. Token i sees N tokens j: those of its own window, or of all. Keys k_j have
unit length; R of the queries are computed at a time. `rows` calls these functions for all R rows
that memory allows, `anchors` sums keys over sets quicker than the product on this page, and `fast`
writes the functions again for a processor's quickest type.

Source: Lee et al., "Looking Beyond the Window: Global-Local Aligned CLIP", CVPR 2026.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.settings import AttentionSettings

#: (anchors [R, D], rho) to the sums [R, D] of the keys in their sets, and the sets' sizes [R].
Sums = Callable[[Tensor, float], tuple[Tensor, Tensor]]
#: Scores this close to the largest tie with it, so that rounding does not choose among them.
_TIE = 1e-6


def sum_similar(keys: Tensor, anchors: Tensor, rho: float) -> tuple[Tensor, Tensor]:
    """Sum [R, D] of the k_j with q_i . k_j > rho, and their number [R]."""
    similar = (anchors @ keys.T > rho).to(keys.dtype)  # [R, N], 1 for the members of P_i
    return similar @ keys, similar.sum(dim=1)


def proxy_anchors(
    own: Tensor, keys: Tensor, rho: float, iterations: int, sums: Sums | None = None
) -> tuple[Tensor, Tensor]:
    """q_i = k_i, then T times P_i = {j : q_i . k_j > rho}, q_i = normalize(mean of k_j over P_i).

    The mean and the sum have the same direction. A token like nothing in sight, not even itself,
    stands for itself.

    Args:
        own: [R, D] unit keys of the queries.
        keys: [N, D] unit keys in sight.
        rho: cosine above which a token belongs to a set.
        iterations: T.
        sums: how keys are summed over a set; by `sum_similar` of `keys` when left out.

    Returns:
        q_i [R, D], unit, and |P_i| [R] of the last sets, at least 1.
    """
    sums = sums or functools.partial(sum_similar, keys)
    anchors, sizes = own, own.new_ones(len(own))
    for _ in range(iterations):
        total, sizes = sums(anchors, rho)
        anchors = F.normalize(total.where(sizes[:, None] > 0, own), dim=1)
    return anchors, sizes.clamp_min(1)


def shift(windows: int, settings: AttentionSettings) -> float:
    """U = 1 + lambda1 ln(1 + L), for L windows in sight."""
    return 1 + settings.shift * math.log1p(windows)


def scale(sizes: Tensor, settings: AttentionSettings) -> Tensor:
    """w_i = 1 + lambda2 / |P_i|, [R, 1] of sizes [R]."""
    return 1 + settings.scale / sizes[:, None]


def dynamic(
    scores: Tensor, mean: Tensor, sizes: Tensor, windows: int, settings: AttentionSettings
) -> Tensor:
    """A_ij = w_i (S_ij - u max(mean_j S_ij, 0)), written over the scores S [R, N].

    The mean [R, 1] is clamped at zero, as in the authors' program: where a query is unlike most of
    what it sees, its scores are not raised.
    """
    return scores.sub_(shift(windows, settings) * mean.clamp_min(0)).mul_(scale(sizes, settings))


def fixed(scores: Tensor, mean: Tensor, settings: AttentionSettings) -> Tensor:
    """A_ij = gamma (S_ij - beta mean_ij S_ij), ProxyCLIP's, written over the scores S [R, N]."""
    return scores.sub_(settings.beta * mean).mul_(settings.gamma)


def weights(adjusted: Tensor) -> Tensor:
    """Softmax of each row of A [R, N], written over, among A_ij >= min(0, max_j A_ij).

    Where all are below zero the best alone is kept, with those that tie with it: within 1e-6.
    """
    lowest = (adjusted.amax(dim=1, keepdim=True) - _TIE).clamp_max(0)
    # F.threshold keeps what is above its limit: everything from 0 on, and no negative number.
    return F.threshold(adjusted.sub_(lowest), -1e-37, -math.inf, inplace=True).softmax(dim=1)


def attend(keys: Tensor, values: Tensor, windows: int, settings: AttentionSettings) -> Tensor:
    """Averages the values that each token sees, all rows at once: memory of N x N.

    Args:
        keys: [N, Dk] raw keys of all windows, one window after the other.
        values: [N, Dv].
        windows: L.
        settings: switches and constants; the precision is not looked at.

    Returns:
        [N, Dv].
    """
    if not settings.cross_window and windows > 1:  # each window sees itself alone
        pairs = zip(keys.chunk(windows), values.chunk(windows), strict=True)
        return torch.cat([attend(k, v, 1, settings) for k, v in pairs])
    unit = F.normalize(keys, dim=1)
    anchors, sizes = proxy_anchors(unit, unit, settings.threshold, settings.iterations)
    scores = (anchors if settings.proxy_anchors else unit) @ unit.T  # S_ij [N, N]
    if settings.dynamic_normalization:
        mean = scores.mean(dim=1, keepdim=True)
        return weights(dynamic(scores, mean, sizes, windows, settings)) @ values
    return weights(fixed(scores, scores.mean(), settings)) @ values
