"""The yardstick gives what the program gives."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F

from glaclip.attention.rows import attend
from glaclip.benchmark.dense import clustered_tokens, dense_attend
from glaclip.settings import AttentionSettings


@pytest.mark.parametrize("switches", list(itertools.product((False, True), repeat=3)))
def test_the_yardstick_and_attention_agree(switches: tuple[bool, bool, bool]) -> None:
    keys, _ = clustered_tokens((3, 64, 48, 5), clusters=4)
    values = torch.randn(3, 16, 5, generator=torch.Generator().manual_seed(1))
    options = AttentionSettings(*switches, threshold=0.55)
    grids = {"key_grid": (8, 8), "value_grid": (4, 4)}
    torch.testing.assert_close(
        dense_attend(keys, values, options, **grids),
        attend(keys, values, options, **grids),
        rtol=0,
        atol=1e-5,
    )


def test_clusters_are_neither_one_set_nor_strangers() -> None:
    keys, values = clustered_tokens((2, 200, 768, 3))
    unit = F.normalize(keys.flatten(0, 1), dim=1)
    share = (unit @ unit.T > 0.55).float().mean()
    assert 0.03 < share < 0.15
    assert values.shape == (2, 200, 3)
