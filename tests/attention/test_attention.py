"""Attention over windows against golden numbers, a plain formula, and the edges of its inputs."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from glaclip.attention import attend, attention_chunks, method
from glaclip.attention.point import attention_ladder, attention_row
from glaclip.attention.precision import attend_and_mean_query, mean_query
from glaclip.attention.rows import Resizing
from glaclip.benchmark.dense import dense_attend
from glaclip.settings import PRECISIONS, AttentionSettings

GOLDEN = np.load(Path(__file__).parents[1] / "data" / "golden_attention.npz")
CASES = sorted({name.split("/")[0] for name in GOLDEN.files})
SWITCHES = {
    "cross": (True, False, False),
    "cross+proxy": (True, True, False),
    "cross+norm": (True, False, True),
    "cross+proxy+norm": (True, True, True),
}
ALL_SWITCHES = list(itertools.product((False, True), repeat=3))


def golden(case: str, field: str) -> Tensor:
    return torch.from_numpy(GOLDEN[f"{case}/{field}"])


def plain_attention(keys: Tensor, values: Tensor, s: AttentionSettings) -> Tensor:
    """Section 2 written row by row in double precision, with no chunks and no shortcuts."""
    windows, tokens, _ = keys.shape
    k = F.normalize(keys.double(), dim=2)
    groups = (
        [(k.flatten(0, 1), values.double().flatten(0, 1))]
        if s.cross_window
        else list(zip(k, values.double(), strict=True))
    )
    visible = windows if s.cross_window else 1
    outputs = []
    for keys_1, values_1 in groups:
        queries, sizes = [], []
        for i in range(len(keys_1)):
            q = keys_1[i]
            size = 1
            for _ in range(s.iterations):
                members = (keys_1 @ q > s.threshold).nonzero()[:, 0]
                if len(members) == 0:
                    members = torch.tensor([i])
                size = len(members)
                q = F.normalize(keys_1[members].mean(dim=0), dim=0)
            queries.append(q if s.proxy_anchors else keys_1[i])
            sizes.append(size)
        scores = torch.stack(queries) @ keys_1.T
        if s.dynamic_normalization:
            u = 1 + s.shift * np.log(1 + visible)
            w = 1 + s.scale / torch.tensor(sizes, dtype=torch.float64)
            a = w[:, None] * (scores - u * scores.mean(dim=1, keepdim=True).clamp_min(0))
        else:
            a = s.gamma * (scores - s.beta * scores.mean())
        keep = a >= a.max(dim=1, keepdim=True).values.clamp_max(0)
        outputs.append(a.masked_fill(~keep, -torch.inf).softmax(dim=1) @ values_1)
    return torch.cat(outputs).view(windows, tokens, -1)


def random_tokens(
    windows: int, tokens: int, seed: int = 0, width: int = 12
) -> tuple[Tensor, Tensor]:
    """Keys in a few directions, so that sets are neither empty nor full; and values."""
    generator = torch.Generator().manual_seed(seed)
    centers = torch.randn(4, width, generator=generator)
    pick = torch.randint(0, 4, (windows, tokens), generator=generator)
    keys = centers[pick] + 0.6 * torch.randn(windows, tokens, width, generator=generator)
    return keys * 3, torch.randn(windows, tokens, 7, generator=generator)


@pytest.mark.parametrize("switches", SWITCHES)
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, switches: str) -> None:
    options = AttentionSettings(
        *SWITCHES[switches],
        threshold=round(float(golden(case, "threshold")), 6),
        iterations=int(golden(case, "iterations")),
        shift=round(float(golden(case, "shift")), 6),
        scale=float(golden(case, "scale")),
    )
    keys, values, expected = (golden(case, f) for f in ("keys", "values", f"out:{switches}"))
    grids = [tuple(golden(case, f"{name}_grid").tolist()) for name in ("key", "value")]
    output = attend(keys, values, options, key_grid=grids[0], value_grid=grids[1])
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)
    page = dense_attend(keys, values, options, Resizing.between(keys, values, *grids))
    torch.testing.assert_close(page, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("switches", ALL_SWITCHES)
@pytest.mark.parametrize("windows", [1, 3])
def test_all_switches_equal_the_plain_formula(
    switches: tuple[bool, bool, bool], windows: int
) -> None:
    keys, values = random_tokens(windows, 20)
    options = AttentionSettings(*switches)
    plain = plain_attention(keys, values, options)
    near = attend(keys, values, options).double()
    torch.testing.assert_close(near, plain, rtol=0, atol=1e-5)
    page = dense_attend(keys.double(), values.double(), options)
    torch.testing.assert_close(page, plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("stages", [("context", "anchors"), AttentionSettings().stages])
def test_the_mean_query_of_a_run_is_the_one_computed_alone(
    stages: tuple[str, ...], precision: str
) -> None:
    keys, values = random_tokens(3, 400)
    options = AttentionSettings(precision=precision).with_stages(stages)
    came = attend_and_mean_query(keys, values, options, Resizing())[1]
    assert torch.equal(came, mean_query(keys, options.with_stages(("context", "anchors"))))


@given(
    seed=st.integers(0, 10_000),
    windows=st.integers(1, 4),
    tokens=st.integers(1, 12),
    threshold=st.floats(-0.99, 0.99),
    iterations=st.integers(1, 3),
    switches=st.sampled_from(ALL_SWITCHES),
    chunk_bytes=st.sampled_from([1, 700, 5000]),
)
@settings(max_examples=60, deadline=None)
def test_chunks_and_rows_do_not_matter(
    seed: int,
    windows: int,
    tokens: int,
    threshold: float,
    iterations: int,
    switches: tuple[bool, bool, bool],
    chunk_bytes: int,
) -> None:
    keys, values = (t.double() for t in random_tokens(windows, tokens, seed))
    options = AttentionSettings(*switches, threshold=threshold, iterations=iterations)
    whole = attend(keys, values, options)
    torch.testing.assert_close(attend(keys, values, options, chunk_bytes=chunk_bytes), whole)
    row = attention_row(keys, windows - 1, tokens - 1, options)
    assert row.weights.sum().item() == pytest.approx(1, abs=1e-9)
    mixed = torch.einsum("ls,lsd->d", row.weights, values)
    torch.testing.assert_close(mixed, whole[-1, -1], rtol=0, atol=1e-6)


def test_weights_cover_every_query_once_and_sum_to_one() -> None:
    keys, _ = random_tokens(3, 10)
    for cross in (False, True):
        options = AttentionSettings(cross_window=cross)
        rows = 0
        for chunk in attention_chunks(keys, options, chunk_bytes=2000):
            assert chunk.start == rows
            weights = chunk.queries.expand(chunk.weights)
            rows += len(weights)
            torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(weights)))
        assert rows == 30


def test_one_window_makes_context_irrelevant() -> None:
    keys, values = random_tokens(1, 30)
    for anchors, dynamic in itertools.product((False, True), repeat=2):
        near = attend(keys, values, AttentionSettings(False, anchors, dynamic))
        far = attend(keys, values, AttentionSettings(True, anchors, dynamic))
        torch.testing.assert_close(near, far)


def test_values_on_another_grid_equal_resized_values() -> None:
    keys, _ = random_tokens(3, 24)
    values = torch.randn(3, 6, 5)
    grid = values.transpose(1, 2).reshape(3, 5, 2, 3)
    resized = F.interpolate(grid, size=(4, 6), mode="bilinear", align_corners=False)
    expected = attend(keys, resized.flatten(2).transpose(1, 2), AttentionSettings())
    output = attend(keys, values, AttentionSettings(), key_grid=(4, 6), value_grid=(2, 3))
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)


def test_forgotten_anchors_are_recomputed(monkeypatch: pytest.MonkeyPatch) -> None:
    keys, values = random_tokens(3, 20)
    options = AttentionSettings(dynamic_normalization=False)
    kept = attend(keys, values, options)
    monkeypatch.setattr("glaclip.attention.rows.keep_anchors", lambda keys: False)
    assert torch.equal(attend(keys, values, options), kept)


@pytest.mark.parametrize("dynamic", [False, True])
def test_every_pass_can_be_watched_and_stopped(dynamic: bool) -> None:
    class StopError(Exception):
        pass

    keys, values = torch.randn(4, 9, 6), torch.randn(4, 9, 5)
    settings = AttentionSettings(dynamic_normalization=dynamic)
    seen: list[tuple[int, int]] = []
    attend(keys, values, settings, chunk_bytes=1, progress=lambda *step: seen.append(step))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == ((0, 4), (4, 4))

    # One row is a chunk: the fixed normalization's first pass over 36 queries reports as well.
    calls = 0

    def stop(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise StopError

    with pytest.raises(StopError):
        attend(keys, values, settings, chunk_bytes=1, progress=stop)
    assert sum(step == (0, 4) for step in seen) == (9 if dynamic else 45)


def test_scale_of_keys_and_zero_keys_do_not_matter() -> None:
    keys, values = random_tokens(2, 9)
    scales = torch.rand(2, 9, 1) * 100 + 0.01
    options = AttentionSettings()
    torch.testing.assert_close(
        attend(keys * scales, values, options), attend(keys, values, options), rtol=0, atol=1e-5
    )
    keys[0, 0] = 0
    assert attend(keys, values, options).isfinite().all()


def test_half_precision_keys_give_values_type() -> None:
    keys, values = random_tokens(2, 9)
    output = attend(keys.bfloat16(), values.bfloat16(), AttentionSettings())
    assert output.dtype == torch.bfloat16
    exact = attend(keys.bfloat16().float(), values.bfloat16().float(), AttentionSettings())
    torch.testing.assert_close(output.float(), exact, rtol=0.01, atol=0.01)


def test_a_row_reports_what_section_2_names() -> None:
    keys, _ = random_tokens(4, 16)
    options = AttentionSettings(threshold=0.7)
    row = attention_row(keys, 2, 5, options)
    unit = F.normalize(keys.flatten(0, 1), dim=1)
    first = unit @ unit[2 * 16 + 5] > 0.7
    anchor = F.normalize(unit[first].mean(dim=0), dim=0)
    assert row.set_size == int((unit @ anchor > 0.7).sum())
    assert row.shift == pytest.approx(1 + 0.3 * np.log(5))
    assert row.scale == pytest.approx(1 + 30 / row.set_size)
    assert row.own_share == 0.25
    assert row.own_mass == pytest.approx(float(row.weights[2].sum()))


def test_ladder_rungs_equal_rows_with_their_switches() -> None:
    keys, values = random_tokens(4, 16)
    base = AttentionSettings(threshold=0.5, scale=20)
    rungs = attention_ladder(keys, 1, 3, base)
    known = attention_ladder(
        keys, 1, 3, base, query_mean=mean_query(keys, base.with_stages(("context", "anchors")))
    )
    for rung, same, options in zip(rungs, known, AttentionSettings.ladder(base), strict=True):
        assert rung.settings == options
        torch.testing.assert_close(rung.weights, same.weights)
        mixed = torch.einsum("ls,lsd->d", rung.weights, values)
        expected = attend(keys, values, options)[1, 3]
        torch.testing.assert_close(mixed, expected, rtol=0, atol=1e-6)
    assert rungs[0].own_mass == pytest.approx(1)
    assert rungs[0].weights[0].sum() == 0


def test_shift_grows_with_windows() -> None:
    assert method.shift(1, AttentionSettings()) == pytest.approx(1.208, abs=1e-3)
    assert method.shift(15, AttentionSettings()) > method.shift(6, AttentionSettings())


def test_bad_shapes_and_indices_are_named() -> None:
    keys, values = random_tokens(2, 9)
    with pytest.raises(ValueError, match="same L windows"):
        attend(keys, values[:1], AttentionSettings())
    with pytest.raises(ValueError, match="value_grid must have 5 cells"):
        attend(keys, values[:, :5], AttentionSettings())
    with pytest.raises(IndexError, match=r"window must be in 0\.\.1"):
        attention_row(keys, 2, 0, AttentionSettings())
