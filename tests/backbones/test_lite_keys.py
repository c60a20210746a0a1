"""Keys of the embedded backbone where one surface fills a photo."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from glaclip.attention.rows import attention_chunks
from glaclip.backbones.lite.backbone import LiteBackbone, load_lite
from glaclip.backbones.lite.keys import COMPANY, LIKENESS, accompanied, apart
from glaclip.segmenter import Segmenter


def likeness(keys: Tensor) -> float:
    """Mean cosine of all pairs."""
    mean = F.normalize(keys.float(), dim=-1).flatten(0, 1).mean(0)
    return float(mean @ mean)


def around(center: Tensor, spread: float, seed: int = 0) -> Tensor:
    """Keys [3, 40, 16] near a direction, of lengths that mean nothing."""
    noise = torch.randn(3, 40, 16, generator=torch.Generator().manual_seed(seed))
    return 7 * (center + spread * noise)


def test_keys_that_differ_stay_as_they_are() -> None:
    keys = around(torch.zeros(16), 1.0)
    assert likeness(keys) < LIKENESS
    assert apart(keys) is keys


@settings(max_examples=40, deadline=None)
@given(st.floats(0.02, 0.3), st.integers(0, 99))
def test_keys_that_are_alike_are_told_apart(spread: float, seed: int) -> None:
    keys = around(F.one_hot(torch.tensor(3), 16).float(), spread, seed)
    told = apart(keys)
    if likeness(keys) <= LIKENESS:
        assert told is keys
    else:
        assert likeness(told) < likeness(keys)
        assert likeness(told) == pytest.approx(LIKENESS, abs=0.15)


def test_what_is_nearest_stays_nearest() -> None:
    center = F.one_hot(torch.tensor(3), 16).float()
    keys = around(center, 0.05)
    keys[:, :20] += 7 * F.one_hot(torch.tensor(7), 16)  # half of each window is another surface
    assert likeness(keys) > LIKENESS
    unit = F.normalize(apart(keys).flatten(0, 1), dim=-1)
    cosine = unit @ unit.T
    other = (torch.arange(120) % 40 < 20).float()
    same = other[:, None] == other
    assert cosine[same].min() > cosine[~same].max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_equal_keys_stay_equal(dtype: torch.dtype) -> None:
    keys = torch.full((2, 9, 16), 0.3, dtype=dtype)
    told = apart(keys)
    assert told.dtype == dtype
    assert likeness(told) == pytest.approx(1.0, abs=1e-2)


def directions(*cosines: float) -> Tensor:
    """Unit keys [1, 1 + n, 8]: one, and n that have these cosines to it and are else unlike."""
    own = F.one_hot(torch.tensor(0), 8).float()
    others = [
        c * own + (1 - c * c) ** 0.5 * F.one_hot(torch.tensor(i + 1), 8)
        for i, c in enumerate(cosines)
    ]
    return torch.stack([own, *others])[None]


def test_a_key_unlike_all_around_it_meets_the_nearest_halfway() -> None:
    keys = directions(0.3, 0.5, -0.2)
    met = accompanied(7 * keys, (2, 2))
    torch.testing.assert_close(met[0, 0], F.normalize(keys[0, 0] + keys[0, 2], dim=0))
    assert met[0, 0] @ keys[0, 2] > COMPANY


def test_a_key_with_company_stays_as_it_is() -> None:
    keys = directions(0.9, 0.1, 0.1)
    met = accompanied(7 * keys, (2, 2))
    torch.testing.assert_close(met[0, :2], keys[0, :2])


def test_only_the_eight_keys_around_count() -> None:
    """The first and the last of a line are equal, and too far apart to keep each other company."""
    keys = directions(0.3, 0.3, 1.0)
    met = accompanied(keys, (1, 4))
    torch.testing.assert_close(met[0, 0], F.normalize(keys[0, 0] + keys[0, 1], dim=0))
    assert torch.equal(accompanied(keys.view(4, 1, 8), (1, 1)), keys.view(4, 1, 8))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_keys_are_met_in_their_own_window(rows: int, columns: int, seed: int) -> None:
    keys = torch.randn(2, rows * columns, 6, generator=torch.Generator().manual_seed(seed))
    met = accompanied(keys, (rows, columns))
    unit = F.normalize(keys, dim=-1)
    for window in range(2):
        for row in range(rows):
            for column in range(columns):
                own = unit[window, row * columns + column]
                around = [
                    unit[window, y * columns + x]
                    for y in range(max(0, row - 1), min(rows, row + 2))
                    for x in range(max(0, column - 1), min(columns, column + 2))
                    if (y, x) != (row, column)
                ]
                nearest = max(around, key=lambda key: float(own @ key), default=own)
                alone = bool(around) and float(own @ nearest) < COMPANY
                expected = F.normalize(own + nearest, dim=0) if alone else own
                actual = met[window, row * columns + column]
                torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def backbone() -> LiteBackbone:
    return load_lite()


def on_one_token(backbone: LiteBackbone, keys: Tensor) -> float:
    """Share of rows with more than 90 % of their weight on one token, all switches on."""
    found = []
    with torch.inference_mode():
        for chunk in attention_chunks(keys, backbone.default_attention):
            found.append(chunk.queries.expand(chunk.weights.amax(1, keepdim=True)) > 0.9)
    return float(torch.cat(found).float().mean())


@pytest.mark.parametrize(("source", "most"), [("fine", 0.15), ("coarse", 0.5)])
def test_a_photo_of_grass_alone_does_not_collapse(
    backbone: LiteBackbone, source: str, most: float
) -> None:
    random = np.random.default_rng(0)
    blades = np.array([70, 120, 40]) + random.normal(0, 30, (336, 448, 1))
    photo = Image.fromarray(blades.clip(0, 255).astype(np.uint8))
    tokens = Segmenter(backbone).encode(photo).tokens
    if source == "fine":
        assert on_one_token(backbone, tokens.keys) > 0.9  # what it is about
    ((keys, _),) = backbone.keys(tokens, source)
    assert on_one_token(backbone, keys) < most
