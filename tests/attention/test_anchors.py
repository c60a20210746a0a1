"""Means over similar tokens: floats, gathered, integers; rows with equal sets once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.attention.anchors import SimilarTokens, equal_rows


def similar(keys: Tensor, **way: Any) -> SimilarTokens:
    return SimilarTokens(keys, keys.norm(dim=1), **way)


def clustered(tokens: int, size: int, clusters: int = 5, noise: float = 0.3) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    centers = torch.randn(clusters, size, generator=generator)
    of = torch.arange(tokens) % clusters
    return centers[of] + noise * torch.randn(tokens, size, generator=generator)


WAYS: dict[str, dict[str, Any]] = {
    "floats": {"integers": False, "sparse_share": -1.0},
    "gathered": {"integers": False, "sparse_share": 2.0},
    "integers": {"integers": True},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("threshold", [-1.0, 0.3, 0.8, 1.0])
def test_every_way_gives_the_mean_over_the_set(way: str, threshold: float) -> None:
    keys = clustered(83, 24) * (1 + torch.arange(83.0))[:, None]
    unit = F.normalize(keys, dim=1)
    query, sizes = unit, torch.ones(83)
    for _ in range(2):
        # Against the raw keys, as rounding decides whether a token is more than like itself.
        members = query @ keys.T > threshold * keys.norm(dim=1)
        mean = torch.where(members.any(dim=1)[:, None], members.float() @ unit, unit)
        query, sizes = F.normalize(mean, dim=1), members.sum(dim=1).clamp_min(1)
    anchors = similar(keys, **WAYS[way]).anchors(unit, threshold, 2)
    assert anchors.set_sizes is not None
    if threshold < 1:
        torch.testing.assert_close(anchors.expand(anchors.set_sizes), sizes)
    torch.testing.assert_close(anchors.expand(anchors.vectors), query, rtol=0, atol=2e-5)
    torch.testing.assert_close(anchors.total(), query.sum(dim=0), rtol=0, atol=1e-3)


def test_rows_with_equal_sets_are_computed_once() -> None:
    keys = clustered(60, 32, clusters=4, noise=0.05)
    unit = F.normalize(keys, dim=1)
    anchors = similar(keys, integers=True).anchors(unit, 0.7, 2)
    assert len(anchors.vectors) == 4
    alone = [similar(keys, integers=True).anchors(unit[i : i + 1], 0.7, 2) for i in range(60)]
    torch.testing.assert_close(
        anchors.expand(anchors.vectors), torch.cat([row.vectors for row in alone]), rtol=0, atol=0
    )


def test_one_row_and_one_token() -> None:
    keys = torch.tensor([[3.0, 4.0]])
    for way in WAYS.values():
        anchors = similar(keys, **way).anchors(F.normalize(keys, dim=1), 0.6, 1)
        torch.testing.assert_close(anchors.vectors, torch.tensor([[0.6, 0.8]]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_are_equal_only_to_the_last_bit(dtype: torch.dtype) -> None:
    rows = F.normalize(clustered(3000, 24).to(dtype), dim=1)[torch.arange(6000) % 3000]
    rows[4000, 7] = torch.nextafter(rows[4000, 7], torch.ones((), dtype=dtype))
    sizes = torch.full((6000,), 9000)
    sizes[5000] += 1
    group, one = equal_rows(rows, sizes)
    assert len(one) == 3002
    assert sizes.sum() == 6000 * 9000 + 1, "what is asked about stays as it was"
    assert torch.equal(rows[one][group], rows)
    assert torch.equal(sizes[one][group], sizes)
