"""What switches and words do not change is computed once a photo."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from glaclip.attention import fast
from glaclip.attention.anchors import Queries
from glaclip.segmenter import Encoded, Segmenter
from glaclip.settings import EXACT, FAST, AttentionSettings, WindowSettings, after_anchors
from glaclip.vocabulary import parse_vocabulary
from tests.toy import ColorBackbone

WINDOWS = WindowSettings(short_side=96, crop=64, stride=32)
WORDS = parse_vocabulary("red, blue")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each computation of anchors."""
    calls: list[int] = []
    compute = fast.proxy_anchors

    def count(*given: Any) -> Queries:
        calls.append(len(calls))
        return compute(*given)

    monkeypatch.setattr(fast, "proxy_anchors", count)
    return calls


def encoded_by(segmenter: Segmenter) -> Encoded:
    """A photo of noise."""
    return segmenter.encode(
        np.random.default_rng(0).integers(0, 255, (96, 160, 3), np.uint8), WINDOWS
    )


def scores_alone(settings: AttentionSettings) -> Tensor:
    """What a segmenter answers that keeps nothing of other settings."""
    fresh = Segmenter(ColorBackbone())
    return fresh.segment(encoded_by(fresh), WORDS, settings).window_scores


@pytest.fixture
def segmenter() -> Segmenter:
    return Segmenter(ColorBackbone())


@pytest.fixture
def encoded(segmenter: Segmenter) -> Encoded:
    return encoded_by(segmenter)


def test_switches_share_the_anchors_and_change_no_result(
    segmenter: Segmenter, encoded: Encoded, counted: list[int]
) -> None:
    on = AttentionSettings(precision=FAST, threshold=0.9)
    switched = [
        dataclasses.replace(on, dynamic_normalization=False),
        dataclasses.replace(on, proxy_anchors=False),
    ]
    segmenter.segment(encoded, WORDS, on)
    method = segmenter.method(switched[0])
    assert segmenter.knows_anchors(encoded, method)
    found = [segmenter.segment(encoded, WORDS, settings) for settings in switched]
    assert len(counted) == 1
    for settings, result in zip(switched, found, strict=True):
        assert result.window_scores.equal(scores_alone(settings))


@pytest.mark.parametrize(
    "change",
    [{"threshold": 0.8}, {"iterations": 3}, {"cross_window": False}, {"precision": EXACT}],
)
def test_what_changes_anchors_computes_them_again(
    segmenter: Segmenter, encoded: Encoded, change: dict[str, object]
) -> None:
    on = AttentionSettings(precision=FAST, threshold=0.9)
    segmenter.segment(encoded, WORDS, on)
    other = dataclasses.replace(on, **change)  # type: ignore[arg-type]
    assert not segmenter.knows_anchors(encoded, segmenter.method(other))
    assert segmenter.segment(encoded, WORDS, other).window_scores.equal(scores_alone(other))


@pytest.mark.parametrize("precision", [EXACT, FAST])
def test_a_mean_query_is_that_of_its_constants_and_precision(
    segmenter: Segmenter, encoded: Encoded, precision: str
) -> None:
    on = AttentionSettings(precision=precision, threshold=0.9)
    other = EXACT if precision == FAST else FAST
    segmenter.segment(encoded, WORDS, on)
    for change, known in (
        ({}, True), ({"proxy_anchors": False, "cross_window": False}, True), ({"scale": 1.0}, True),
        ({"precision": other}, False), ({"threshold": 0.8}, False), ({"iterations": 3}, False),
    ):  # fmt: skip
        method = segmenter.method(dataclasses.replace(on, **change))  # type: ignore[arg-type]
        assert segmenter.knows_mean_query(encoded, method) == known, change


def test_forgetting_forgets_anchors(segmenter: Segmenter, encoded: Encoded) -> None:
    on = AttentionSettings(precision=FAST)
    segmenter.segment(encoded, WORDS, on)
    segmenter.forget()
    assert not segmenter.knows_anchors(encoded, segmenter.method(on))
    assert segmenter.cached_bytes == 0


def test_the_attention_of_a_point_is_computed_once(segmenter: Segmenter, encoded: Encoded) -> None:
    """Words and switches change nothing about it; constants and the point do."""
    on = AttentionSettings(precision=FAST)
    first = segmenter.attention(encoded, (9, 9), on)
    assert segmenter.attention(encoded, (9, 9), on.off()) is first
    others = [
        segmenter.attention(encoded, (10, 9), on),
        segmenter.attention(encoded, (9, 9), dataclasses.replace(on, scale=5.0)),
        segmenter.attention(encoded, (9, 9), dataclasses.replace(on, threshold=0.1)),
        segmenter.attention(encoded, (9, 9), dataclasses.replace(on, precision=EXACT)),
    ]
    assert all(other is not first for other in others)
    assert 0 < segmenter._attending.caches[-1].nbytes <= segmenter.cached_bytes


@dataclasses.dataclass(frozen=True)
class WithConstants(AttentionSettings):
    """Two constants more: nobody said who reads the first."""

    unknown: float = 1.0
    later: float = after_anchors(1.0)


@pytest.mark.parametrize("field", ["unknown", "later"])
def test_a_new_constant_meets_nothing_kept_of_another_value(
    segmenter: Segmenter, encoded: Encoded, field: str
) -> None:
    before = WithConstants(precision=FAST)
    segmenter.segment(encoded, WORDS, before)
    maps = segmenter.attention(encoded, (9, 9), before)
    method = segmenter.method(dataclasses.replace(before, **{field: 2.0}))  # type: ignore[arg-type]
    assert not segmenter.knows_features(encoded, method)
    assert not segmenter.knows_labels(encoded, method, WORDS)
    assert segmenter.attention(encoded, (9, 9), method) is not maps
    fresh = segmenter.method(dataclasses.replace(before, **{field: 3.0}))  # type: ignore[arg-type]
    assert segmenter.knows_anchors(encoded, fresh) == (field == "later")
    assert segmenter.knows_mean_query(encoded, fresh) == (field == "later")
