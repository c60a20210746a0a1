"""Attention over a whole photo."""

from __future__ import annotations

import pytest
import torch

from glaclip.attention import attend
from glaclip.attention.summary import attention_summary
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.windows import boxes


def test_attention_summary_counts_every_query() -> None:
    torch.manual_seed(0)
    windows = boxes((336, 448), WindowSettings())
    keys = torch.randn(6, 9, 5)
    for rung in AttentionSettings.ladder():
        summary = attention_summary(keys, windows, rung)
        assert summary.mass_by_distance.sum() == pytest.approx(1, abs=1e-5)
        assert summary.own_mass == pytest.approx(summary.mass_by_distance[0])
        # Attention averaged into one-hot window values gives the same mass.
        marks = torch.eye(6)[:, None].expand(6, 9, 6)
        mixed = attend(keys, marks.contiguous(), rung)
        own = torch.stack([mixed[i, :, i] for i in range(6)]).mean()
        assert summary.own_mass == pytest.approx(float(own), abs=1e-5)
    assert summary.set_sizes is not None
    assert summary.set_sizes.shape == (54,)
    assert summary.set_sizes.min() >= 1
