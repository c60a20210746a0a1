"""Tokens that see each other, and the steps of attention among them (method, section 2).

What `glaclip.attention.rows` puts together: anchors, scores, normalization, weights.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.attention.anchors import Queries, SimilarTokens
from glaclip.settings import AttentionSettings

#: Scores this close to the largest tie with it, so that rounding does not choose among them.
_TIE = 1e-6


class Visible:
    """The N tokens that see each other: those of one window, or of all."""

    def __init__(self, keys: Tensor, windows: int, integers: bool | None = None) -> None:
        """Args:
        keys: [N, Dk] raw keys; never copied to normalize them.
        windows: L_vis, how many windows they come from.
        integers: see `SimilarTokens`.
        """
        # Half precision would blur the comparison with rho, so similarities are at least float32.
        self.keys = keys.to(torch.promote_types(keys.dtype, torch.float32))
        self.norms = self.keys.norm(dim=1).clamp_min(1e-12)  # [N]
        self.mean_key = (1 / self.norms) @ self.keys / len(keys)  # [Dk], of unit keys
        self.windows = windows
        self.similar = SimilarTokens(self.keys, self.norms, integers)

    def __len__(self) -> int:
        return len(self.keys)

    def unit_keys(self, rows: slice) -> Tensor:
        """k_i [R, Dk]."""
        unit: Tensor = self.keys[rows] / self.norms[rows, None]
        return unit

    def cosines(self, queries: Tensor) -> Tensor:
        """S [U, N] of queries [U, Dk], in units of a query's length."""
        products: Tensor = queries @ self.keys.T
        return products.div_(self.norms)

    def queries(self, rows: slice, settings: AttentionSettings) -> Queries:
        """Step 1: anchors where they are on; |P_i| also where the normalization alone needs it."""
        own = self.unit_keys(rows)
        if not (settings.proxy_anchors or settings.dynamic_normalization):
            return Queries(own, None)
        anchors = self.similar.anchors(own, settings.threshold, settings.iterations)
        if settings.proxy_anchors:
            return anchors
        assert anchors.set_sizes is not None
        return Queries(own, anchors.expand(anchors.set_sizes))

    def weights(
        self, queries: Queries, settings: AttentionSettings, mean_query: Tensor | None
    ) -> Tensor:
        """Steps 2 to 4, without the values: [U, N]."""
        shift, scale = self.shift_and_scale(queries, settings, mean_query)
        scores = self.cosines(queries.vectors * scale)  # w_i S_ij [U, N]
        scores.sub_(shift * scale)  # A_ij
        floor = (scores.amax(dim=1, keepdim=True) - _TIE).clamp_max(0)
        if floor.any():  # seldom, and a pass over all scores
            scores.sub_(floor)
        # F.threshold keeps what is above its limit: everything from 0 on, and no negative number.
        return F.threshold(scores, -1e-37, -math.inf, inplace=True).softmax(dim=1)

    def shift_and_scale(
        self, queries: Queries, settings: AttentionSettings, mean_query: Tensor | None
    ) -> tuple[Tensor, Tensor | float]:
        """Step 3: what is subtracted from S_ij ([U, 1] or a number), and the factor after it."""
        if not settings.dynamic_normalization:
            assert mean_query is not None
            # mean_ij S_ij = mean(q) . mean(k)
            return settings.beta * (mean_query @ self.mean_key), settings.gamma
        assert queries.set_sizes is not None
        u = dynamic_shift(settings, self.windows)
        mean = (queries.vectors @ self.mean_key).clamp_min(0)  # mean_j S_ij = q_i . mean(k)
        w = 1 + settings.scale / queries.set_sizes.to(mean.dtype)
        return u * mean[:, None], w[:, None]


def dynamic_shift(settings: AttentionSettings, visible_windows: int) -> float:
    """U = 1 + lambda1 ln(1 + L_vis)."""
    return 1.0 + settings.shift * math.log1p(visible_windows)
