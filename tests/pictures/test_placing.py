"""Where tokens lie on pictures, and which weight is drawn brightest."""

from __future__ import annotations

import pytest
import torch

from glaclip.pictures.placing import token_center
from glaclip.pictures.weights import brightest


def test_a_token_is_marked_in_its_middle() -> None:
    assert token_center((0, 1), (2, 4), (80, 20)) == (30, 5)


def test_one_bright_token_does_not_darken_the_others() -> None:
    weights = torch.ones(1000)
    weights[0] = 100
    assert brightest(weights, 1) == 1
    # Tokens without any weight do not count.
    seen = torch.cat([torch.zeros(5000), torch.arange(1, 1001)])
    assert brightest(seen, 6) == pytest.approx(6 * 998, abs=6)


def test_a_head_that_looks_at_no_patch_is_drawn_dark() -> None:
    assert brightest(torch.zeros(4), 4) == 1
