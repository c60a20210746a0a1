"""The yardstick: attention as its formulas read, all N x N at once, and tokens made up for it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.attention import method
from glaclip.attention.rows import Resizing
from glaclip.settings import AttentionSettings


def dense_attend(
    keys: Tensor, values: Tensor, settings: AttentionSettings, resizing: Resizing | None = None
) -> Tensor:
    """`method.attend` of keys [L, S, Dk] and values [L, Sv, Dv], resized to the keys' grid."""
    if resizing is not None:
        values = torch.stack([resizing.values(window) for window in values])
    mixed = method.attend(keys.flatten(0, 1), values.flatten(0, 1), len(keys), settings)
    return mixed.view(*keys.shape[:2], -1)


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
