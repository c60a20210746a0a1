"""Which products are quick here: three quarters of the usual time, measured once a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from glaclip.support import processor as products

PAYS = (products.threefold_pays, products.bfloat16_pays, products.integers_pay)


@pytest.fixture(params=PAYS, ids=lambda pays: pays.__name__)
def pays(request: pytest.FixtureRequest) -> Iterator[Any]:
    """One of them, not asked yet, and not afterwards."""
    request.param.cache_clear()
    yield request.param
    request.param.cache_clear()


@pytest.mark.parametrize(("seconds", "expected"), [(0.3, True), (0.9, False), (7.0, False)])
def test_the_processor_is_measured_once(
    pays: Callable[[], bool], seconds: float, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def timed(*works: Callable[[], object]) -> list[float]:
        calls.append(works)
        for work in works:  # each of them is a product
            assert isinstance(work(), torch.Tensor)
        return [seconds, 1.0]

    monkeypatch.setattr(products, "best_seconds", timed)
    assert [pays(), pays()] == [expected, expected]
    assert len(calls) == 1


@pytest.mark.parametrize("pays", [products.integers_pay], indirect=True)
def test_without_a_product_of_integers_floats_are_summed(
    pays: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise RuntimeError("not on this processor")

    monkeypatch.setattr(torch, "_int_mm", missing)
    assert not pays()
