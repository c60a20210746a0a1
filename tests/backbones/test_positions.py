"""Position embeddings for other windows, against cubic convolution written out."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from glaclip.backbones.clip.positions import resized_positions
from glaclip.backbones.clip.vfm import Vfm
from tests.clip_towers import random_pixels, tiny_backbone, vfm_tower


def kernel(x: float, a: float = -0.75) -> float:
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def line(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """[N, D] to [count, D], scaled by (count + 0.1) / N as DINO's program does."""
    scale, rows = (count + 0.1) / len(values), []
    for index in range(count):
        at = (index + 0.5) / scale - 0.5
        first = math.floor(at)
        rows.append(
            sum(
                kernel(at - near) * values[min(max(near, 0), len(values) - 1)]
                for near in range(first - 1, first + 3)
            )
        )
    return np.array(rows)


def test_plain_positions_are_cubic_convolution_by_dinos_scale() -> None:
    positions = torch.randn(1 + 16, 5, generator=torch.Generator().manual_seed(0))
    found = resized_positions(positions, (4, 4), (6, 9), "plain")
    square = positions[1:].double().numpy().reshape(4, 4, 5)
    tall = np.stack([line(square[:, x], 6) for x in range(4)], axis=1)  # [6, 4, 5]
    expected = np.stack([line(tall[y], 9) for y in range(6)])  # [6, 9, 5]
    np.testing.assert_allclose(found[1:].numpy(), expected.reshape(-1, 5), atol=1e-5)
    assert found[0].equal(positions[0])
    assert resized_positions(positions, (4, 4), (4, 4), "plain") is positions
    smooth = resized_positions(positions, (4, 4), (6, 9))
    assert (smooth - found).abs().max() > 0.01


@torch.inference_mode()
def test_the_vfms_way_with_plain_positions_is_timms_but_for_them() -> None:
    pixels = random_pixels(2, 96)
    vfm = Vfm(vfm_tower())
    keys, grid = vfm.keys(pixels)
    # With antialiased positions put through it, it gives what timm gives.
    same = vfm._with_plain_positions((pixels - mean()) / std(), grid)[:, 1:]
    torch.testing.assert_close(same, keys)
    plain, _ = Vfm(vfm_tower(), positions="plain").keys(pixels)
    assert (plain - keys).abs().max() > 1e-3
    small = random_pixels(1)  # the tower's own size: nothing is resized
    torch.testing.assert_close(
        Vfm(vfm_tower(), positions="plain").keys(small)[0], vfm.keys(small)[0]
    )


def mean() -> torch.Tensor:
    return torch.tensor([0.485, 0.456, 0.406])[:, None, None]


def std() -> torch.Tensor:
    return torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def test_another_way_is_another_backbone() -> None:
    usual = tiny_backbone()
    plain = usual.with_positions("plain")
    assert plain.fingerprint != usual.fingerprint
    assert plain.with_positions("antialiased").fingerprint == usual.fingerprint
    pixels = random_pixels(1, 96)
    a, b = (each.encode_windows(pixels) for each in (usual, plain))
    assert (a.values - b.values).abs().max() > 1e-4
    assert (a.keys - b.keys).abs().max() > 1e-4
