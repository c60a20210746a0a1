"""Attention with all three switches on, for training: `attention.method` with a gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from glaclip.attention import method
from glaclip.settings import AttentionSettings

#: Softness of the two comparisons' gradients.
SOFTNESS = 0.05


def over(scores: Tensor, bound: float | Tensor) -> Tensor:
    """1 where scores pass the bound, else 0; with the gradient of a soft comparison."""
    soft = torch.sigmoid((scores - bound) / SOFTNESS)
    return (scores > bound).to(soft.dtype) + soft - soft.detach()


def attention_rows(
    keys: Tensor, rows: Tensor, windows: int, settings: AttentionSettings
) -> tuple[Tensor, Tensor]:
    """Method, section 2, for some rows.

    Args:
        keys: [N, D] unit vectors of all windows.
        rows: [R] tokens that ask.
        windows: L that the threshold counts.
        settings: rho, iterations, lambda1 and lambda2; the switches are taken as on.

    Returns:
        Weights [R, N] that add to 1, and scores less their threshold [R, N].
    """

    def sums(anchors: Tensor, rho: float) -> tuple[Tensor, Tensor]:
        member = over(anchors @ keys.T, rho)
        return member @ keys, member.detach().sum(1)

    own = keys[rows]
    query, size = method.proxy_anchors(own, keys, settings.threshold, settings.iterations, sums)
    scores = query @ keys.T
    bound = method.shift(windows, settings)
    above = scores - bound * scores.mean(1, keepdim=True).clamp(min=0)
    lowest = above.amax(1, keepdim=True).clamp(max=0).detach()
    soft = torch.sigmoid((above - lowest) / SOFTNESS)
    kept = (above >= lowest).to(soft.dtype) + soft - soft.detach()
    sharp = method.scale(size, settings) * above
    raised = (sharp - sharp.amax(1, keepdim=True).detach()).exp() * kept
    return raised / raised.sum(1, keepdim=True).clamp(min=1e-6), above
