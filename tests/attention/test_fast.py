"""The fast precision against the plain formula, in both float types, and where it gives way."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from glaclip.attention import attend, fast, method
from glaclip.attention.anchors import Keys
from glaclip.attention.precision import mean_query
from glaclip.attention.rows import Resizing
from glaclip.attention.split_keys import SplitKeys
from glaclip.settings import AttentionSettings
from glaclip.support.processor import Processor
from tests.attention.test_attention import ALL_SWITCHES, plain_attention, random_tokens

#: Largest difference. Rounding chooses whether a token whose score is almost 0 takes part.
TYPES = {torch.float32: 1e-5, torch.bfloat16: 0.1}


def as_type(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    monkeypatch.setattr(Processor, "fast_type", lambda self, device: dtype)


@pytest.fixture(params=TYPES, ids=str)
def tolerance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """Every processor gets both types, whichever it is quick at."""
    as_type(monkeypatch, request.param)
    return TYPES[request.param]


def quick(keys: Tensor, values: Tensor, settings: AttentionSettings) -> Tensor:
    return fast.attend(keys, values, settings, Resizing())[0]


@pytest.mark.parametrize("switches", ALL_SWITCHES)
@pytest.mark.parametrize("windows", [1, 3])
def test_equals_the_plain_formula(
    switches: tuple[bool, bool, bool], windows: int, tolerance: float
) -> None:
    keys, values = random_tokens(windows, 40, width=32)
    options = AttentionSettings(*switches)
    apart = (quick(keys, values, options) - plain_attention(keys, values, options)).abs()
    assert apart.max() < tolerance
    assert apart.mean() < tolerance / 5


def test_each_function_gives_what_its_twin_does(tolerance: float) -> None:
    keys, values = random_tokens(2, 40, width=32)
    options = AttentionSettings()
    flat, seen = keys.flatten(0, 1), Keys(keys.flatten(0, 1), integers=False)
    split, unit = SplitKeys(seen), torch.nn.functional.normalize(flat, dim=1)
    near = {"rtol": 0, "atol": tolerance}
    sums, sizes = split.sums(unit, 0.6)
    twin, twin_sizes = method.sum_similar(unit, unit, 0.6)
    torch.testing.assert_close(sums, twin, rtol=0, atol=3e-4)  # of keys of 16 bits
    assert torch.equal(sizes, twin_sizes)
    asked = fast.proxy_anchors(split, 0.6, 2, lambda share: None)
    anchors, sizes = method.proxy_anchors(unit, unit, 0.6, 2)
    assert asked.set_sizes is not None
    torch.testing.assert_close(asked.expand(asked.vectors), anchors, **near)
    assert torch.equal(asked.expand(asked.set_sizes), sizes)

    scores = anchors @ unit.T
    mean = scores.mean(dim=1, keepdim=True)
    factor, offset = fast.dynamic(mean, sizes, 2, options)
    dynamic = method.dynamic(scores.clone(), mean, sizes, 2, options)
    torch.testing.assert_close(factor * scores - offset, dynamic)
    factor, offset = fast.fixed(mean.mean(), options)
    fixed = method.fixed(scores.clone(), mean.mean(), options)
    torch.testing.assert_close(factor * scores - offset, fixed)

    shares = fast.weights(dynamic.clone())
    torch.testing.assert_close(shares / shares.sum(dim=1, keepdim=True), method.weights(dynamic))
    page = method.attend(flat, values.flatten(0, 1), 2, options)
    torch.testing.assert_close(quick(keys, values, options).flatten(0, 1), page, **near)


def test_blocks_do_not_matter(tolerance: float, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, values = random_tokens(3, 30, width=32)
    for switches in ALL_SWITCHES:
        options = AttentionSettings(*switches)
        whole = quick(keys, values, options)
        with monkeypatch.context() as patch:
            patch.setattr("glaclip.attention.split_keys.BLOCK", 7)
            torch.testing.assert_close(quick(keys, values, options), whole, rtol=0, atol=tolerance)


def test_settings_choose_it(monkeypatch: pytest.MonkeyPatch) -> None:
    as_type(monkeypatch, torch.bfloat16)
    keys, values = random_tokens(3, 30)
    exact = attend(keys, values, AttentionSettings())
    found = attend(keys, values, AttentionSettings(precision="fast"))
    assert 0 < float((exact - found).abs().max()) < 0.05


def test_sets_near_the_threshold_are_told_apart() -> None:
    """Half precision alone would round these cosines to rho itself."""
    rho = 0.6
    angles = torch.tensor([0.0, *(torch.arccos(torch.tensor([rho + 4e-4, rho - 4e-4])))])
    keys = torch.stack([angles.cos(), angles.sin()], dim=1)[None]
    values = torch.eye(3)[None]
    options = AttentionSettings(
        proxy_anchors=False, dynamic_normalization=True, threshold=rho, iterations=1
    )
    # Written in bfloat16 these two keys have cosines of 0.6016 and 0.5977 with the first.
    torch.testing.assert_close(
        quick(keys, values, options).double(),
        plain_attention(keys, values, options),
        rtol=0,
        atol=0.03,
    )


@pytest.mark.parametrize("case", ["all below 0", "too large for exp"])
def test_gives_way_to_the_exact_steps(case: str, tolerance: float) -> None:
    keys, values = random_tokens(2, 30, width=32)
    options = {
        "all below 0": AttentionSettings(shift=5.0, threshold=0.3),
        "too large for exp": AttentionSettings(scale=1000.0, threshold=0.95),
    }[case]
    expected = plain_attention(keys, values, options)
    result = quick(keys, values, options).double()
    if tolerance < 1e-3:
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-4)
    else:  # the best of several keys that are nearly as good: one of the values, or nearly
        near = (result - expected).abs().amax(dim=2) < 0.1
        assert near.double().mean() > 0.9
    assert result.isfinite().all()


def test_values_on_another_grid() -> None:
    keys, _ = random_tokens(3, 24)
    values = torch.randn(3, 6, 5)
    options = AttentionSettings()
    grids = {"key_grid": (4, 6), "value_grid": (2, 3)}
    exact = attend(keys, values, options, **grids)
    found = fast.attend(keys, values, options, Resizing.between(keys, values, *grids.values()))[0]
    torch.testing.assert_close(found, exact, rtol=0, atol=0.05)


def test_mean_query_comes_with_it(tolerance: float) -> None:
    keys, values = random_tokens(3, 30, width=32)
    options = AttentionSettings(dynamic_normalization=False)
    mean = fast.attend(keys, values, options, Resizing())[1]
    torch.testing.assert_close(mean, mean_query(keys, options), rtol=0, atol=tolerance)


def test_equal_anchors_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens of four clear groups ask with four anchors, and with no more work than for four."""
    centers = torch.eye(4, 32).repeat(15, 1)
    keys = (centers + 0.05 * torch.randn(60, 32)).view(2, 30, 32)
    seen: list[int] = []
    products = SplitKeys.products

    def counted(self: SplitKeys, rows: Tensor) -> object:
        seen.append(len(rows))
        return products(self, rows)

    monkeypatch.setattr(SplitKeys, "products", counted)
    quick(keys, torch.randn(2, 30, 5), AttentionSettings())
    assert seen == [60, 4, 4]


@pytest.mark.parametrize("cross", [False, True])
def test_progress_can_stop_it(cross: bool) -> None:
    class StopError(Exception):
        pass

    keys, values = random_tokens(4, 9)
    steps: list[tuple[int, int]] = []
    options = AttentionSettings(cross_window=cross)
    fast.attend(keys, values, options, Resizing(), lambda *step: steps.append(step))
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == ((0, 4), (4, 4))

    def stop(done: int, total: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        fast.attend(keys, values, options, Resizing(), stop)


def test_half_precision_and_zero_keys() -> None:
    keys, values = random_tokens(2, 9)
    keys[0, 0] = 0
    for switches in itertools.product((False, True), repeat=3):
        output = quick(keys.half(), values.half(), AttentionSettings(*switches))
        assert output.dtype == torch.float16
        assert output.isfinite().all()
