"""Means over similar tokens: floats, gathered, integers; rows with equal sets once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.attention.anchors import Keys, equal_rows
from glaclip.attention.method import proxy_anchors
from glaclip.backbones.lite.backbone import load_lite
from glaclip.photo import load_photo
from glaclip.segmenter.segmenter import Segmenter
from glaclip.vocabulary import ASSETS


def clustered(tokens: int, size: int, clusters: int = 5, noise: float = 0.3) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    centers = torch.randn(clusters, size, generator=generator)
    of = torch.arange(tokens) % clusters
    return centers[of] + noise * torch.randn(tokens, size, generator=generator)


PHOTOS = ("cows.jpg",)
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
    anchors = Keys(keys, **WAYS[way]).anchors(unit, threshold, 2)
    assert anchors.set_sizes is not None
    if threshold < 1:
        torch.testing.assert_close(anchors.expand(anchors.set_sizes), sizes.float())
    torch.testing.assert_close(anchors.expand(anchors.vectors), query, rtol=0, atol=1e-6)
    torch.testing.assert_close(anchors.total(), query.sum(dim=0), rtol=0, atol=1e-3)


def test_sums_of_integers_are_as_exact_as_sums_of_floats() -> None:
    keys = clustered(2000, 96, noise=0.8)
    unit = F.normalize(keys, dim=1)
    members = unit[:200] @ keys.T > 0.5 * keys.norm(dim=1)
    exact = members.double() @ F.normalize(keys.double(), dim=1)
    apart = {
        way: (Keys(keys, **WAYS[way]).sums(unit[:200], 0.5)[0] - exact).norm(dim=1).max()
        for way in ("floats", "integers")
    }
    assert apart["integers"] < 1.5 * apart["floats"]


@pytest.mark.parametrize("photo", PHOTOS)
def test_sets_in_a_photo_are_those_of_exact_sums(photo: str) -> None:
    backbone = load_lite(dtype=torch.float32)
    tokens = Segmenter(backbone).encode(load_photo(ASSETS / "photos" / photo)).tokens
    raw = backbone.keys(tokens, backbone.key_sources[0])[0][0].flatten(0, 1)
    keys, unit = Keys(raw, integers=True), F.normalize(raw, dim=1)

    def exact(anchors: Tensor, rho: float) -> tuple[Tensor, Tensor]:
        members = anchors @ raw.T > keys.norms * rho
        return (members.double() @ unit.double()).float(), members.sum(dim=1).float()

    rho = backbone.default_attention.threshold
    _, sizes = proxy_anchors(unit, raw, rho, 2, exact)
    found = keys.anchors(unit, rho, 2)
    assert found.set_sizes is not None
    assert torch.equal(found.expand(found.set_sizes), sizes)


@pytest.mark.parametrize("way", WAYS)
def test_rows_with_equal_sets_are_computed_once(way: str) -> None:
    keys = clustered(60, 32, clusters=4, noise=0.05)
    unit, seen = F.normalize(keys, dim=1), Keys(keys, **WAYS[way])
    anchors = seen.anchors(unit, 0.7, 2)
    assert len(anchors.vectors) == 4
    alone = torch.cat([seen.anchors(unit[i : i + 1], 0.7, 2).vectors for i in range(60)])
    near = 0 if way == "integers" else 1e-6
    torch.testing.assert_close(anchors.expand(anchors.vectors), alone, rtol=0, atol=near)


def test_one_row_and_one_token() -> None:
    keys = torch.tensor([[3.0, 4.0]])
    for way in WAYS.values():
        anchors = Keys(keys, **way).anchors(F.normalize(keys, dim=1), 0.6, 1)
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
