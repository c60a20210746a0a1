"""The yardstick: attention over windows as its formulas read, all N x N at once.

Nothing here is clever, so that it can be compared with the equations line by line, and so that
`python -m glaclip benchmark` can say what the cleverness of `glaclip.attention.rows` is worth.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.settings import AttentionSettings


def dense_attend(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    key_grid: tuple[int, int] | None = None,
    value_grid: tuple[int, int] | None = None,
) -> Tensor:
    """Section 2 of the method with whole matrices; the same numbers as `glaclip.attention.attend`.

    Args:
        keys: [L, S, Dk] raw keys.
        values: [L, Sv, Dv].
        settings: the switches and their constants.
        key_grid: (rows, columns) of the keys; needed when Sv != S.
        value_grid: (rows, columns) of the values.

    Returns:
        [L, S, Dv].
    """
    windows, tokens, _ = keys.shape
    if key_grid is not None and value_grid is not None and key_grid != value_grid:
        grid = values.transpose(1, 2).reshape(windows, -1, *value_grid)  # [L, Dv, vh, vw]
        grid = F.interpolate(grid, key_grid, mode="bilinear", align_corners=False)
        values = grid.flatten(2).transpose(1, 2)  # [L, S, Dv]
    if settings.cross_window:
        mixed = _attend(keys.flatten(0, 1), values.flatten(0, 1), windows, settings)
    else:
        pairs = zip(keys, values, strict=True)
        mixed = torch.cat([_attend(k, v, 1, settings) for k, v in pairs])
    return mixed.view(windows, tokens, -1)


def _attend(keys: Tensor, values: Tensor, windows: int, settings: AttentionSettings) -> Tensor:
    k = F.normalize(keys, dim=1)  # [N, Dk]
    anchors, sizes = k, torch.ones(len(k), device=k.device)
    for _ in range(settings.iterations):
        members = anchors @ k.T > settings.threshold  # P_i [N, N]
        members |= torch.diag(~members.any(dim=1))  # an empty set stands for its token alone
        sizes = members.sum(dim=1).to(k.dtype)
        anchors = F.normalize(members.to(k.dtype) @ k / sizes[:, None], dim=1)
    queries = anchors if settings.proxy_anchors else k
    scores = queries @ k.T  # S_ij [N, N]
    if settings.dynamic_normalization:
        u = 1 + settings.shift * math.log(1 + windows)
        w = 1 + settings.scale / sizes
        weighted = w[:, None] * (scores - u * scores.mean(dim=1, keepdim=True).clamp_min(0))
    else:
        weighted = settings.gamma * (scores - settings.beta * scores.mean())
    dropped = weighted < weighted.amax(dim=1, keepdim=True).clamp_max(0)
    return weighted.masked_fill(dropped, -math.inf).softmax(dim=1) @ values


def clustered_tokens(
    shape: tuple[int, int, int, int], clusters: int = 12, noise: float = 0.8
) -> tuple[Tensor, Tensor]:
    """Made-up keys [L, S, Dk] around a few directions, and values [L, S, Dv].

    With the noise left as it is, keys of one cluster have cosines of about 0.6, so that rho = 0.55
    parts their sets without making them equal.

    Args:
        shape: (L, S, Dk, Dv).
        clusters: number of directions.
        noise: length of what is added to each direction.
    """
    windows, tokens, key_size, value_size = shape
    generator = torch.Generator().manual_seed(0)
    centers = F.normalize(torch.randn(clusters, key_size, generator=generator), dim=1)
    of = torch.randint(clusters, (windows, tokens), generator=generator)
    scatter = torch.randn(windows, tokens, key_size, generator=generator) * key_size**-0.5
    keys = centers[of] + noise * scatter
    return keys, torch.randn(windows, tokens, value_size, generator=generator)
