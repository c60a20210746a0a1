"""Tokens made up for the yardstick."""

from __future__ import annotations

import torch.nn.functional as F

from glaclip.benchmark.dense import clustered_tokens


def test_clusters_are_neither_one_set_nor_strangers() -> None:
    keys, values = clustered_tokens((2, 200, 768, 3))
    unit = F.normalize(keys.flatten(0, 1), dim=1)
    share = (unit @ unit.T > 0.55).float().mean()
    assert 0.03 < share < 0.15
    assert values.shape == (2, 200, 3)
