"""Settings are values: frozen, hashed, checked."""

from __future__ import annotations

import dataclasses

import pytest

from glaclip.settings import ATTENTION_PRESETS, AttentionSettings, SettingsError, WindowSettings


def test_the_papers_constants() -> None:
    s = AttentionSettings()
    assert (s.threshold, s.iterations, s.shift, s.scale) == (0.6, 2, 0.3, 30.0)
    assert (s.beta, s.gamma) == (1.2, 3.0)
    w = WindowSettings()
    assert (w.short_side, w.crop, w.stride, w.long_side_limit) == (336, 224, 112, 2048)
    assert ATTENTION_PRESETS["released-program"].threshold == 0.55


def test_ladder_in_the_papers_order_keeps_constants() -> None:
    switches = [
        (s.cross_window, s.proxy_anchors, s.dynamic_normalization)
        for s in AttentionSettings.ladder(AttentionSettings(threshold=0.4))
        if s.threshold == 0.4
    ]
    assert switches == [
        (False, False, False),
        (True, False, False),
        (True, True, False),
        (True, True, True),
    ]


def test_frozen_and_hashable() -> None:
    assert len({AttentionSettings(), AttentionSettings(), AttentionSettings().off()}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        AttentionSettings().threshold = 0.1  # type: ignore[misc]
    with pytest.raises(TypeError):
        AttentionSettings(rho=0.5)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("threshold", 1.5, "threshold must be a number from -1 to 1; received 1.5"),
        ("threshold", float("nan"), "threshold must be a number"),
        ("iterations", 0, "iterations must be a whole number from 1 to 10; received 0"),
        ("iterations", True, "iterations must be a whole number"),
        ("cross_window", 1, "cross_window must be True or False; received 1"),
        ("scale", "30", "scale must be a number from 0 to 10000; received '30'"),
        ("gamma", -1, "gamma must be"),
    ],
)
def test_refused_with_field_range_and_received(field: str, value: object, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        AttentionSettings(**{field: value})  # type: ignore[arg-type]
